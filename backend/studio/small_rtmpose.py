"""A very small RTMPose, trained on painted people: what the tests of `rtm` and `mmpose` look through.

    python backend/studio/small_rtmpose.py paint PACK.npz PICTURES.npz [--count 4000] [--seed 1]
    MMPOSE_PYTHON backend/studio/small_rtmpose.py train PICTURES.npz FOLDER [--minutes 12]
    MMPOSE_PYTHON backend/studio/small_rtmpose.py export FOLDER

PACK.npz is what `poseloom train pack` writes.  The first needs Poseloom's environment, the others that of
`poseloom setup mmpose`, and to export it the package onnx there.  They write FOLDER/checkpoint.pth, rounded to 16 bit, and
FOLDER/model.onnx of the same weights, for FOLDER/config.py.  In PICTURES.npz: rgb (N,S,S,3) uint8, xy (N,17,2) px, inside
(N,17) in the picture.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
import time
from pathlib import Path

import numpy as np

SIDE, ROOM = 160, 1.7  # pixels of a picture, and its side over that of the person's box
# of the head's joint: nose, eyes, ears, in metres on a body of 1.75 m
_FACE = ((0.0, -0.12, 0.05), (0.032, -0.1, 0.085), (-0.032, -0.1, 0.085), (0.075, 0.0, 0.07), (-0.075, 0.0, 0.07))
_LIMBS = [f"{joint}_{s}" for joint in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot") for s in "lr"]


def paint(options) -> None:
    import cv2
    from lifter_pairs import film, stretch
    from puppet import Puppet

    from poseloom.motion import quat
    from poseloom.motion.skeleton import JOINTS, motion_fk

    with np.load(options.pack) as z:
        pack = {key: z[key] for key in z.files}
    limbs, head = [JOINTS.index(name) for name in _LIMBS], JOINTS.index("head")
    rgb, xy, inside = [], [], []
    number = 0
    while len(rgb) < options.count:
        rng = np.random.default_rng([options.seed, number])
        number += 1
        _, motion = stretch(pack, rng, options.subjects.split(","), 10, 12)
        pictures, truth, camera = film(Puppet(rng), motion, rng)
        turn = motion_fk(motion)[0][:, head]
        face = quat.rotate(turn[:, None], np.array(_FACE)) @ camera.axes
        points = camera.project(np.concatenate([truth[:, head : head + 1] + face, truth[:, limbs]], axis=1))
        for picture, places in zip(pictures, points):
            low, high = places.min(axis=0), places.max(axis=0)
            side = ROOM * max((high - low).max(), 40.0)
            scale = SIDE / side
            move = np.array([[scale, 0.0, 0.5 * SIDE], [0.0, scale, 0.5 * SIDE]])
            move[:, 2] -= scale * 0.5 * (low + high)
            rgb.append(cv2.warpAffine(picture, move, (SIDE, SIDE), flags=cv2.INTER_AREA))
            xy.append(places * scale + move[:, 2])
            inside.append(((places > 0) & (places < camera.size)).all(axis=-1))
        print(f"{len(rgb)} pictures", flush=True)
    np.savez(options.out, rgb=np.array(rgb), xy=np.array(xy, np.float32), inside=np.array(inside))


def train(options) -> None:
    ready()
    import torch
    from mmengine.config import Config
    from mmpose.codecs import SimCCLabel
    from mmpose.registry import MODELS
    from mmpose.utils import register_all_modules

    register_all_modules()
    logging.disable(logging.INFO)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    config = Config.fromfile(options.folder / "config.py")
    model = MODELS.build(config.model)
    model.init_weights()
    model.train()
    codec = SimCCLabel(**{k: v for k, v in config.codec.items() if k != "type"})
    with np.load(options.pictures) as z:
        rgb, xy, inside = z["rgb"], z["xy"], z["inside"]
    rgb, xy, inside = rgb[: options.count], xy[: options.count], inside[: options.count]
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
    began, step = time.monotonic(), 0
    while (gone := (time.monotonic() - began) / 60.0 / options.minutes) < 1.0:
        rate = 4e-3 * min(1.0, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * gone)))
        optimiser.param_groups[0]["lr"] = rate
        picture, points, seen = batch(rgb, xy, inside, rng.integers(0, len(rgb), 32), rng, config.codec.input_size)
        loss = model_loss(model, codec, picture, points, seen)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            error = validate(model, codec, rgb, xy, inside, config.codec.input_size)
            print(f"{step} steps, {gone:.0%}: loss {float(loss):.3f}, median {error:.2f} px of the input", flush=True)
    save(model, options.folder)


def batch(rgb, xy, inside, which, rng, size):
    """Crops of slightly random place and size: (N,3,H,W) RGB 0..255, points (N,17,2), whether to be learned."""
    import cv2
    import torch

    pictures, points, seen = [], [], []
    for i in which:
        low, high = xy[i].min(axis=0), xy[i].max(axis=0)
        wide = max(high[0] - low[0], (high[1] - low[1]) * size[0] / size[1]) * 1.25
        scale = size[0] / wide
        middle = 0.5 * (low + high)
        picture, places, there = rgb[i], xy[i], inside[i]
        if rng is not None:
            scale *= np.exp(rng.uniform(-0.05, 0.05))
            middle = middle + rng.uniform(-0.02, 0.02, 2) * (high - low)
        turn = scale * np.eye(2)
        move = np.concatenate([turn, (0.5 * np.array(size) - turn @ middle)[:, None]], axis=1)
        picture = cv2.warpAffine(picture, move, tuple(size), flags=cv2.INTER_LINEAR).astype(np.float32)
        places = places @ turn.T + move[:, 2]
        pictures.append(np.clip(picture, 0, 255).transpose(2, 0, 1))
        points.append(places)
        seen.append(there & (places >= 0).all(-1) & (places < size).all(-1))
    return torch.from_numpy(np.stack(pictures).astype(np.float32)), np.stack(points).astype(np.float32), np.stack(seen)


def normal(model, picture):
    """RGB as the model's preprocessor leaves it; mmpose is given BGR and exchanges it."""
    return (picture - model.data_preprocessor.mean) / model.data_preprocessor.std


def model_loss(model, codec, picture, points, seen):
    import torch

    labels = [codec.encode(p[None], s[None].astype(np.float32)) for p, s in zip(points, seen)]
    wanted = [torch.from_numpy(np.concatenate([label[f"keypoint_{axis}_labels"] for label in labels])) for axis in "xy"]
    weight = torch.from_numpy(np.concatenate([label["keypoint_weights"] for label in labels]))
    return model.head.loss_module(model.head.forward(model.extract_feat(normal(model, picture))), wanted, weight)


def validate(model, codec, rgb, xy, inside, size) -> float:
    import torch

    model.eval()
    picture, points, seen = batch(rgb, xy, inside, np.arange(len(rgb)), None, size)
    with torch.no_grad():
        x, y = model.head.forward(model.extract_feat(normal(model, picture)))
    model.train()
    found, _ = codec.decode(x.numpy(), y.numpy())
    return float(np.median(np.linalg.norm(found - points, axis=-1)[seen]))


def save(model, folder: Path) -> None:
    import torch

    state = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    torch.save({"state_dict": state, "meta": {}}, folder / "checkpoint.pth")


def export(options) -> None:
    """The checkpoint's ONNX file, its weights kept in 16 bit, as they are in the checkpoint."""
    ready()
    import onnx
    import torch
    from mmengine.config import Config
    from mmpose.registry import MODELS
    from mmpose.utils import register_all_modules
    from onnx import TensorProto, helper, numpy_helper

    register_all_modules()
    config = Config.fromfile(options.folder / "config.py")
    model = MODELS.build(config.model)
    state = torch.load(options.folder / "checkpoint.pth", weights_only=True)["state_dict"]
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    model.eval()

    class Eyes(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, picture):
            return self.model.head.forward(self.model.extract_feat(picture))

    width, height = config.codec.input_size
    out = options.folder / "model.onnx"
    torch.onnx.export(
        Eyes(), torch.zeros(1, 3, height, width), out, dynamo=False, opset_version=17, do_constant_folding=False,
        input_names=["input"], output_names=["simcc_x", "simcc_y"],
    )  # fmt: skip
    made = onnx.load(out)
    casts, halves = [], []
    for weight in made.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32 and np.array_equal(values.astype(np.float16).astype(np.float32), values):
            halves.append(numpy_helper.from_array(values.astype(np.float16), weight.name + ".half"))
            casts.append(helper.make_node("Cast", [weight.name + ".half"], [weight.name], to=TensorProto.FLOAT))
        else:
            halves.append(weight)
    nodes = [*casts, *made.graph.node]
    del made.graph.initializer[:], made.graph.node[:]
    made.graph.initializer.extend(halves)
    made.graph.node.extend(nodes)
    onnx.checker.check_model(made)
    onnx.save(made, out)


def ready() -> None:
    """What mmpose needs to be imported, as the estimator's process has it."""
    place = Path(__file__).resolve().parents[1] / "poseloom" / "pose" / "mmpose_worker.py"
    spec = importlib.util.spec_from_file_location("mmpose_worker", place)
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    worker.prepare()
    sys.modules["mmpose_worker"] = worker  # its library of operators goes with it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(dest="do", required=True)
    one = sub.add_parser("paint")
    one.add_argument("pack", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--count", type=int, default=4000)
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--subjects", default="01,02,03,05,06,07,14,16,127")
    two = sub.add_parser("train")
    two.add_argument("pictures", type=Path)
    two.add_argument("folder", type=Path)
    two.add_argument("--minutes", type=float, default=12.0)
    two.add_argument("--count", type=int, default=96, help="pictures to learn by heart; more take hours")
    three = sub.add_parser("export")
    three.add_argument("folder", type=Path)
    options = parser.parse_args()
    {"paint": paint, "train": train, "export": export}[options.do](options)


if __name__ == "__main__":
    main()
