"""How far our decoding of SimCC is from mmpose's, on the rows that the small RTMPose in tests/data gives.

    decoding: the same rows, decoded and brought back into the picture by ours and by mmpose's own code
    seeing:   the same picture, by the ONNX file and ours, and by mmpose from its checkpoint; there rounding in the network can
              tip the balance between two neighbouring bins

mmpose runs in the environment that `poseloom setup mmpose` makes.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from poseloom import mmpose_environment
from poseloom.pose import crops, heads, networks
from poseloom.pose.mmpose import MMPose
from poseloom.pose.rtm import Rtm

SMALL = Path(__file__).resolve().parents[1] / "data" / "small_rtmpose"
_THEIRS = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("mmpose_worker", sys.argv[1])
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
worker.prepare()
import numpy as np
from mmengine.config import Config
from mmpose.codecs import SimCCLabel
from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine
codec = Config.fromfile(sys.argv[2]).codec
given = np.load(sys.argv[3])
size = np.array(codec.input_size)
decode = SimCCLabel(**{k: v for k, v in codec.items() if k != "type"}).decode
xy, score = [], []
for x, y, box in zip(given["x"], given["y"], given["boxes"]):
    known = dict(img=np.zeros((160, 160, 3), np.uint8), bbox=box[None])
    known = TopdownAffine(input_size=tuple(codec.input_size)).transform(GetBBoxCenterScale().transform(known))
    points, sure = decode(x[None].copy(), y[None].copy())
    xy.append((points / size * known["input_scale"] + known["input_center"] - 0.5 * known["input_scale"])[0])
    score.append(sure[0])
np.savez(sys.argv[4], xy=np.array(xy), score=np.array(score))
"""


def cases() -> list:
    """[(picture (H,W,3), (low, high) of its person)]; each picture with its person's box, and with two others."""
    from PIL import Image

    out = []
    for name, xy in json.loads((SMALL / "truth.json").read_text()).items():
        rgb, xy = np.array(Image.open(SMALL / name).convert("RGB")), np.array(xy)
        for grow in (0.0, 7.3, -4.1):
            out.append((rgb, (xy.min(axis=0) - grow, xy.max(axis=0) + 0.7 * grow)))
    return out


def decoding() -> tuple:
    """(px, score): the largest differences of points and of scores, given the same rows."""
    network = networks.open_network(SMALL / "model.onnx")
    cv2 = Rtm(str(SMALL / "model.onnx"))._cv2
    rows, ours, scores, boxes = [], [], [], []
    for rgb, (low, high) in cases():
        crop = crops.Crop.around(low, high, network.size)
        piece = (crop.cut(rgb, cv2).astype(np.float32) - networks.MEAN) / networks.SPREAD
        x, y = network.run(np.ascontiguousarray(piece.transpose(2, 0, 1)[None]))
        points, score = heads.simcc(x, y, network.split)
        rows.append((x[0], y[0])), ours.append(crop.back(points[0])), scores.append(score[0])
        boxes.append(np.concatenate([low, high]).astype(np.float32))
    python, _, worker = mmpose_environment.command()
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.npz", Path(folder) / "found.npz"
        np.savez(given, x=np.array([x for x, _ in rows]), y=np.array([y for _, y in rows]), boxes=np.array(boxes))
        subprocess.run([python, "-c", _THEIRS, worker, SMALL / "config.py", given, found], check=True, capture_output=True)
        with np.load(found) as theirs:
            apart = np.linalg.norm(np.array(ours) - theirs["xy"], axis=-1)
            return float(apart.max()), float(np.abs(np.array(scores) - theirs["score"]).max())


def seeing(eyes=None) -> np.ndarray:
    """(N,17) px between what we and what mmpose see in the same pictures."""
    rtm, out = Rtm(str(SMALL / "model.onnx")), []
    with eyes or MMPose(f"{SMALL / 'config.py'}|{SMALL / 'checkpoint.pth'}").started() as looking:
        for rgb, box in cases():
            out.append(np.linalg.norm(rtm.look(rgb, [box])[0] - looking.look(rgb, [box])[0], axis=-1)[0])
    return np.array(out)


if __name__ == "__main__":
    apart = seeing()
    print(f"simcc_parity_px {decoding()[0]:.6f}")
    print(f"whole way: {(apart < 0.01).mean():.1%} of {apart.size} points within 0.01 px, the farthest {apart.max():.3f} px")
