"""Pictures to judge motion from video by: what was seen in it, what came of it, and curves before and after.

    python backend/studio/show_video.py CLIP ... [--quality good] [--frames 8] [--camera moving] [--out build/show]

For each clip NAME: NAME_sheet.png, a row a frame: the picture with the keypoints, the solved body through the camera that
fits it best over the picture, and the body alone from that camera's side; NAME_curves.png, height and way sideways of
hips, wrists and ankles in the camera's axes, the estimator's own points in grey and ours in colour.  Beside it is printed
in which frames the body lies further than 5 % of its height from the keypoints.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from poseloom import overlay
from poseloom.media import open_clip
from poseloom.motion.layouts import layout
from poseloom.motion.resection import cameras
from poseloom.motion.skeleton import JOINTS, motion_fk
from poseloom.pipelines import AnimateOptions, keypoints_to_motion, media_to_keypoints

CELL_PX, WIDE_PX, HIGH_PX = 360, 900, 150
COLOURS = {"l": (217, 98, 20), "r": (20, 80, 200), "": (40, 40, 40)}
# joint -> BlazePose point
SHOWN = {"thigh": (23, 24), "hand": (15, 16), "foot": (27, 28)}
LIMBS = {"upper_arm": (11, 12), "forearm": (13, 14), "hand": (15, 16), "thigh": (23, 24), "shin": (25, 26), "foot": (27, 28)}
_OFF = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--quality", default="good")
    parser.add_argument("--camera", default="still")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("build/show"))
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for path in chosen.clips:
        options, warnings = AnimateOptions(quality=chosen.quality, camera=chosen.camera, reuse=True), []
        seen = media_to_keypoints(path, options, warnings=warnings)
        show(path, seen, keypoints_to_motion(seen, options, warnings=warnings), chosen)
        print(*(f"{path.stem}: {warning}" for warning in warnings), sep="\n")


def show(path, seen, motion, chosen) -> None:
    gpos = motion_fk(motion)[1].astype(np.float64)
    shots = cameras(gpos, seen)
    views = [shots[np.searchsorted([s.first for s in shots], t, side="right") - 1] for t in range(len(gpos))]
    worlds = np.stack([view.world[t - view.first] for t, view in enumerate(views)])
    focal = np.array([view.focal_px[t - view.first] for t, view in enumerate(views)])
    local = np.einsum("tji,tnj->tni", worlds[:, :3, :3], gpos - worlds[:, None, :3, 3])
    xy = local[..., :2] * [1.0, -1.0] / np.maximum(-local[..., 2:], 0.1) * focal[:, None, None] + 0.5 * np.array(seen.size)
    joints, points = zip(*((JOINTS.index(f"{n}_{s}"), p[i]) for n, p in LIMBS.items() for i, s in enumerate("lr")))
    tall = np.nanmedian(np.ptp(np.asarray(seen.xy, np.float64)[..., 1], axis=1))
    off = np.linalg.norm(xy[:, joints] - np.asarray(seen.xy)[:, points], axis=-1).mean(axis=1) / tall
    name = f"{path.stem}_{chosen.quality}"
    print(f"{name}: {len(gpos)} frames, off by {np.nanmedian(off):.1%} of the height in the picture; further than "
          f"{_OFF:.0%} in frames {[int(t) for t in np.flatnonzero(off > _OFF)]}")  # fmt: skip
    sheet(path, seen, motion, xy, local, chosen.frames).save(chosen.out / f"{name}_sheet.png")
    curves(seen, local, motion).save(chosen.out / f"{name}_curves.png")


def sheet(path, seen, motion, xy, local, count) -> Image.Image:
    wanted = set(np.linspace(0, len(xy) - 1, count).astype(int).tolist())
    drawn, of = [], layout(seen.layout)
    for frame in open_clip(path):
        if frame.index not in wanted:
            continue
        t = frame.index
        over = [overlay.draw(frame.rgb, seen.xy[t], seen.score[t], of), frame.rgb // 2 + 96]
        cells = [Image.fromarray(rgb) for rgb in over]
        lines(cells[1], xy[t], motion.skeleton.parents, max(seen.size) // 250)
        side = Image.new("RGB", seen.size, (235, 235, 235))
        scale = 0.3 * seen.size[1]
        about = local[t] - local[t, 0]
        flat = np.stack([-about[:, 2], -about[:, 1]], axis=-1) * scale + 0.5 * np.array(seen.size)
        lines(side, flat, motion.skeleton.parents, max(seen.size) // 250)
        row = Image.new("RGB", (3 * CELL_PX, round(CELL_PX * seen.size[1] / seen.size[0])))
        for k, cell in enumerate([*cells, side]):
            row.paste(cell.resize((CELL_PX, row.height)), (k * CELL_PX, 0))
        ImageDraw.Draw(row).text((4, 2), f"{t}", (255, 230, 0))
        drawn.append(row)
    columns = 2 if drawn[0].height < CELL_PX else 3
    out = Image.new("RGB", (columns * 3 * CELL_PX, -(-len(drawn) // columns) * drawn[0].height))
    for k, row in enumerate(drawn):
        out.paste(row, ((k % columns) * row.width, k // columns * row.height))
    return out


def lines(picture, xy, parents, width) -> None:
    draw = ImageDraw.Draw(picture)
    for j, parent in enumerate(parents):
        if parent >= 0:
            side = JOINTS[j][-1] if JOINTS[j][-2] == "_" else ""
            draw.line([tuple(xy[parent]), tuple(xy[j])], COLOURS[side], max(1, width))


def curves(seen, local, motion) -> Image.Image:
    """Ours are moved and scaled as one, so that the hips' middles and sizes agree with the estimator's."""
    theirs = np.asarray(seen.xyz, np.float64)
    ours = (local - local[:, [JOINTS.index("thigh_l"), JOINTS.index("thigh_r")]].mean(axis=1, keepdims=True))
    out = Image.new("RGB", (WIDE_PX, 6 * HIGH_PX), (255, 255, 255))
    draw = ImageDraw.Draw(out)
    row = 0
    for name, points in SHOWN.items():
        for axis, label in ((0, "right"), (1, "up")):
            top = row * HIGH_PX
            draw.text((6, top + 4), f"{name}, {label}: m about the hips", (0, 0, 0))
            draw.line([(0, top), (WIDE_PX, top)], (200, 200, 200))
            for i, side in enumerate("lr"):
                raw, own = theirs[:, points[i], 0 if axis == 0 else 2], ours[:, JOINTS.index(f"{name}_{side}"), axis]
                middle = np.nanmean(own)
                spread = max(np.nanmax(np.abs(own - middle)), np.nanmax(np.abs(raw - middle)), 0.05)
                base = top + HIGH_PX * (0.3 + 0.4 * i)
                plot(draw, raw - middle, base, spread, (170, 170, 170))
                plot(draw, own - middle, base, spread, COLOURS[side])
            row += 1
    return out


def plot(draw, values, base, spread, colour) -> None:
    x = np.linspace(0, WIDE_PX - 1, len(values))
    places = [(float(a), float(base - 0.2 * HIGH_PX * v / spread)) for a, v in zip(x, values) if np.isfinite(v)]
    if len(places) > 1:
        draw.line(places, colour, 1)


if __name__ == "__main__":
    main()
