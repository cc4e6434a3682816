"""Draws the picture of in-betweening: keys of a walk's start, a jump, a turn and a punch, filled by every method.

    python backend/studio/show_inbetween.py CLIPS [--out docs/pictures/inbetween.png] [--cell 300 190]

CLIPS holds CMU clips at 30 frames a second as SUBJECT/TRIAL.bvh.  A row is a shot NAME:TRIAL:KEY,KEY,..., a column a
method beside the motion as it was captured; the keys are drawn strong, every fourth frame between them light, and
time goes to the right where the body itself does not.  dtw follows the subjects that the network was trained on, but
for the clip that is shown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from poseloom import chains, packing
from poseloom.inbetween import collection
from poseloom.inbetween.fill import FillOptions, fill
from poseloom.inbetween.follow import Dtw
from poseloom.inbetween.lstm import Lstm
from poseloom.inbetween.spline import Spline, SplineOptions
from poseloom.motion import quat
from poseloom.motion.resample import cut
from poseloom.motion.skeleton import PARENTS, motion_fk
from poseloom.motion.types import Motion

SHOTS = (
    "walk start:09_12:330,352,375", "jump:49_02:138,157,175", "turn:09_12:290,312,335", "punch:02_05:{punch}",
)  # fmt: skip
_DARK, _LEFT, _RIGHT, _KEY = (40, 44, 52), (70, 130, 200), (60, 160, 120), (225, 120, 30)
_SPREAD_M = 2.6  # how far a shot goes to the right at least
_FOUR = 4  # times as large it is drawn first


def methods(clips: list) -> dict:
    library = collection.of_motions(clips)
    return {
        "interpolation": Spline(SplineOptions(linear=True)), "spline": None, "dtw": Dtw(library), "lstm": Lstm(),
    }  # fmt: skip


def drawn(motion: Motion, keys, size) -> Image.Image:
    """One cell: seen from the side on which it goes to the right."""
    gpos, image = motion_fk(motion)[1], Image.new("RGB", (size[0] * _FOUR, size[1] * _FOUR), "white")
    way = (gpos[-1, 0] - gpos[0, 0])[:2]
    facing = quat.rotate(motion.lrot[0, 0], [0.0, -1.0, 0.0])[:2]
    along = way if np.linalg.norm(way) > 0.5 else facing
    along = np.append(along / np.linalg.norm(along), 0.0)
    right = (gpos - gpos[0, 0]) @ along
    far = right[-1, 0]
    right += np.linspace(0.0, max(_SPREAD_M - far, 0.0), len(motion))[:, None]
    scale = min(image.width / (right.max() - right.min() + 0.2), image.height / 2.15)
    x = image.width / 2 + (right - (right.max() + right.min()) / 2) * scale
    y = image.height * 0.96 - (gpos[..., 2] - gpos[..., 2].min()) * scale
    brush = ImageDraw.Draw(image)
    brush.line([(0, image.height * 0.965), (image.width, image.height * 0.965)], fill=(200, 200, 200), width=_FOUR)
    for t in sorted(range(0, len(motion), 4), key=lambda t: t in keys) + list(keys):
        for joint, parent in enumerate(PARENTS):
            if parent < 0:
                continue
            name = motion.skeleton.names[joint]
            colour = _LEFT if name.endswith("_l") else _RIGHT if name.endswith("_r") else _DARK
            colour = _KEY if t in keys else tuple(int(255 - 0.55 * (255 - c)) for c in colour)
            ends = [(x[t, j], y[t, j]) for j in (parent, joint)]
            brush.line(ends, fill=colour, width=_FOUR * (3 if t in keys else 2))
    return image.resize(size, Image.LANCZOS)


def strike(motion: Motion) -> str:
    """The keys of the fastest punch: 14 frames before the arm is stretched furthest, then, and 14 after."""
    gpos, names = motion_fk(motion)[1], motion.skeleton.names
    reach = np.linalg.norm(gpos[:, names.index("hand_r")] - gpos[:, names.index("upper_arm_r")], axis=-1)
    speed = np.gradient(reach)
    at = int(np.argmax(speed[30:-40])) + 30
    peak = at + int(np.argmax(reach[at : at + 12]))
    return f"{peak - 14},{peak},{peak + 14}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/inbetween.png"))
    parser.add_argument("--cell", type=int, nargs=2, default=(300, 190))
    parser.add_argument("--shots", nargs="+", default=SHOTS)
    chosen = parser.parse_args()
    files = {path.stem: path for path in chosen.clips.rglob("*.bvh")}
    read = {name: chains.read_clip(path)[0] for name, path in files.items() if name.split("_")[0] in packing.TRAINING}
    font, cell, rows = ImageFont.load_default(size=14), tuple(chosen.cell), []
    for shot in chosen.shots:
        name, trial, frames = shot.split(":")
        whole = read.get(trial) or chains.read_clip(files[trial])[0]
        keys = [int(f) for f in (strike(whole) if frames == "{punch}" else frames).split(",")]
        truth = cut(whole, str(keys[0]), str(keys[-1] + 1))
        at = [key - keys[0] for key in keys]
        known = np.repeat(np.isin(np.arange(len(truth)), at)[:, None], len(truth.skeleton), axis=1)
        made = {"captured": truth}
        for method, fills in methods([pair for pair in read.items() if pair[0] != trial]).items():
            made[method] = fill(truth, known, fills, FillOptions(feet=method != "interpolation"))
        rows.append((f"{name} ({trial}, {len(truth)} frames)", made, at))
    width, height = cell[0] * len(rows[0][1]), (cell[1] + 22) * len(rows) + 20
    sheet = Image.new("RGB", (width, height), "white")
    brush = ImageDraw.Draw(sheet)
    for i, (title, made, at) in enumerate(rows):
        top = 20 + i * (cell[1] + 22)
        for k, (method, motion) in enumerate(made.items()):
            sheet.paste(drawn(motion, at, cell), (k * cell[0], top + 20))
            if i == 0:
                brush.text((k * cell[0] + cell[0] // 2, 2), method, fill=_DARK, font=font, anchor="ma")
        brush.text((6, top), title, fill=_DARK, font=font)
    sheet.quantize(64).save(chosen.out, optimize=True)
    print(f"{chosen.out}: {chosen.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
