"""The clips of the video benchmark: rendered ones with their truth, real ones with their references, and what the
bare estimator sees in them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from video_measures import JOINTS

from poseloom.motion import quat

ROOT = Path(__file__).resolve().parents[2]
SYNTHETIC = ROOT / "build" / "clips"
_CACHE = ROOT / "build" / "video_raw"
# joint -> marker of reference_3d.trc
_MARKERS = {
    "upper_arm": "Shoulder", "forearm": "Elbow", "hand": "Wrist", "thigh": "Hip", "shin": "Knee", "foot": "Ankle",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Truth:
    """gpos (T,12,3) m, and of rendered clips the rest of the truth file in `more`; lag: the truth's frame t is frame
    t + lag of the video."""

    path: Path
    gpos: np.ndarray
    fps: float
    more: dict
    lag: int = 0

    def in_camera(self) -> np.ndarray:
        """gpos in the camera's axes at each frame: x to the right, y away, z up in the picture."""
        return self.to_camera(self.gpos - self.more["world"][:, None, :3, 3])

    def to_camera(self, ways) -> np.ndarray:
        """Directions (T,N,3) in the world, from the first frame on, in the axes of `in_camera`."""
        local = np.einsum("tji,tnj->tni", self.more["world"][: len(ways), :3, :3], ways)
        return local[..., [0, 2, 1]] * [1.0, -1.0, 1.0]


def synthetic(kind: str, seed: int, count: int | None, mpfb2: str | None = None) -> list:
    """The Truths of a rendered set, which is rendered first if need be."""
    script = [sys.executable, ROOT / "backend/studio/render_clips.py", "--set", kind, "--seed", str(seed)]
    subprocess.run(script + (["--mpfb2", mpfb2] if mpfb2 else []), cwd=ROOT, check=True)
    paths = sorted((SYNTHETIC / kind).glob("*.npz"))
    return [_rendered(path) for path in paths[:count]]


def rendered_already(kind: str, seed: int, count: int | None) -> list:
    """What there is of the set."""
    found = [_rendered(path) for path in sorted((SYNTHETIC / kind).glob("*.npz"))]
    return [truth for truth in found if int(truth.more["seed"]) == seed][:count]


def _rendered(path: Path) -> Truth:
    with np.load(path, allow_pickle=False) as npz:
        more = {key: npz[key] for key in npz.files}
    names = more["names"].tolist()
    gpos = more["gpos"][:, [names.index(joint) for joint in JOINTS]].astype(np.float64)
    return Truth(path.with_suffix(".mp4"), gpos, float(more["fps"]), more)


def balancing(camera: int, cached: bool) -> Truth:
    """`pose2sim_single` by camera 1 or 3 of four, against what the four triangulated together, brought in step.

    The recordings do not begin at the same moment; the lag is the one at which the reference, projected through the
    calibration, lies nearest to what the bare estimator sees in the picture.
    """
    folder = data() / "media" / "pose2sim_single"
    lines = (folder / "reference_3d.trc").read_text().splitlines()
    names = [name for name in lines[3].split("\t")[2:] if name]
    rows = np.array([[float(v) for v in line.split("\t")[: 2 + 3 * len(names)]] for line in lines[5:] if line.strip()])
    points = rows[:, 2:].reshape(len(rows), -1, 3)[..., [2, 0, 1]]  # TRC is Y up
    gpos = points[:, [names.index(("L" if j.endswith("_l") else "R") + _MARKERS[j[:-2]]) for j in JOINTS]]
    path = folder / f"cam{camera:02d}.mp4"
    calibration = tomllib.loads((folder / "Calib.toml").read_text())[f"cam_{camera:02d}"]
    axis = np.array(calibration["rotation"])
    turn = quat.from_axis_angle(axis / np.linalg.norm(axis), np.array(np.linalg.norm(axis)))
    local = (quat.rotate(turn, gpos) + calibration["translation"]) @ np.array(calibration["matrix"]).T
    xy, seen = local[..., :2] / local[..., 2:], raw(path, cached)["xy"]

    def apart(lag):
        both = range(max(0, -lag), min(len(xy), len(seen) - lag))
        return np.nanmedian([np.linalg.norm(seen[t + lag] - xy[t], axis=-1) for t in both])

    return Truth(path, gpos, 60.0, {}, min(range(-6, 7), key=apart))


def squats() -> tuple:
    """(path, (65,12,3) BlazePose's own world landmarks) of pose_squats.mp4."""
    from video_measures import POINTS

    folder = data() / "media"
    xyz = np.array(json.loads((folder / "pose_squats_3d.full.json").read_text()), np.float64)[..., :3]
    return folder / "pose_squats.mp4", (xyz[..., [0, 2, 1]] * [1.0, 1.0, -1.0])[:, POINTS]


def data() -> Path:
    return Path(os.environ["POSELOOM_DATA"])


def decoded(path: Path) -> list:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def look(frames) -> list:
    """MediaPipe's own results of complexity 1, as it comes: video mode, its smoothing on."""
    import mediapipe as mp

    with mp.solutions.pose.Pose(model_complexity=1) as pose:
        return [pose.process(frame) for frame in frames]


def raw(path: Path, cached: bool) -> dict:
    """{"xyz": (T,12,3) m, x to the right, y away, z up; "xy": (T,12,2) px} of the bare estimator, NaN where unseen."""
    from video_measures import POINTS

    kept = _CACHE / (hashlib.sha256(path.read_bytes()).hexdigest()[:24] + ".npz")
    if cached and kept.exists():
        with np.load(kept, allow_pickle=False) as npz:
            return {key: npz[key] for key in npz.files}
    frames = decoded(path)
    size = frames[0].shape[1], frames[0].shape[0]
    xyz, xy = np.full((len(frames), 12, 3), np.nan), np.full((len(frames), 12, 2), np.nan)
    for t, seen in enumerate(look(frames)):
        if seen.pose_landmarks is not None:
            picture, world = seen.pose_landmarks.landmark, seen.pose_world_landmarks.landmark
            xyz[t] = [(world[p].x, world[p].z, -world[p].y) for p in POINTS]
            xy[t] = [(picture[p].x * size[0], picture[p].y * size[1]) for p in POINTS]
    out = {"xyz": xyz, "xy": xy}
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(kept.with_name("part-" + kept.name), **out)
    kept.with_name("part-" + kept.name).replace(kept)
    return out
