"""How good retargeted clips are: motion capture of three people on every recorded rig, measured on the rigs' own bones.

    python tests/benchmarks/retarget_quality.py [--json FILE] [--clips 09_01 49_02 ...] [--rows FILE.csv]

Needs POSELOOM_DATA.  A row is a clip on a rig; the table shows the median and the 95th percentile over rows.

  bone_deg      median angle between the directions of upper arms, forearms, thighs and shins here and in the source
  leg_deg_added mean angle of thighs and shins with planted feet, less the same without
  slide_cm_s    p95 of the level speed of the ball of the foot between frames at both of which it rests in the source
  penetration   p95 over all frames of the depth of the lowest of heel, ball and tip of the toes below the floor, mm
  sole          p95 of the distance to the floor, mm, of heels and balls that rest in the source
  knee_pop      p95 of the knee's angular acceleration, as a share of the source's
  loop          source -> rig -> source's own rig with feet left free: median angle of all joints, distance of the hips

Lengths are scaled to a height of 1.75 m.  The sole lies on the floor of the rest pose, below the bones of the foot;
that of Knight and RobotExpressive is their mesh's.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import recognition  # noqa: E402
from cmu_clips import unpack  # noqa: E402
from rig_records import RECORDS, shod  # noqa: E402

from poseloom.motion import quat  # noqa: E402
from poseloom.motion.bvh import read_bvh  # noqa: E402
from poseloom.motion.contacts import foot_points  # noqa: E402
from poseloom.motion.skeleton import REST_HEIGHT_M  # noqa: E402
from poseloom.retarget import from_rig, grounded, to_rig  # noqa: E402
from poseloom.retarget.pose import Posed  # noqa: E402
from poseloom.retarget.quality import LEGS, LIMBS, Body, angles, height, places, slide  # noqa: E402
from poseloom.rigs.recognise import recognise  # noqa: E402

CLIPS = (
    *(f"09_{i:02}" for i in range(1, 13)),
    *(f"29_{i:02}" for i in (1, 2, 3, 4, 5, 7, 8, 9, 11, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25)),
    *(f"49_{i:02}" for i in range(1, 23)),
)


def knees(at):
    """(T,2) degrees."""
    both = []
    for side in "lr":
        hip, knee, ankle = (at[f"{joint}_{side}"] for joint in ("thigh", "shin", "foot"))
        both.append(angles({"a": hip, "b": knee}, {"a": knee, "b": ankle}, [("a", "b")])[:, 0])
    return np.stack(both, axis=-1)


def jerk(x):
    """p95 of the second difference."""
    return np.percentile(np.abs(np.diff(x, 2, axis=0)), 95) if len(x) > 3 else 0.0


class Source:
    def __init__(self, path):
        rig, recorded = read_bvh(path)
        self.rig = recognise(rig).rig
        self.motion = grounded(from_rig(recorded, self.rig))
        self.at = places(self.rig, Posed(self.rig, recorded))


def measured(source: Source, body: Body) -> dict:
    """A row of the table."""
    motion, rig = source.motion, body.rig
    free, planted = (to_rig(motion, rig, plant_feet=plant) for plant in (False, True))
    posed = Posed(rig, planted)
    before, after = (places(rig, Posed(rig, m)) for m in (free, planted))
    soles = body.scale * body.soles(posed, len(motion))
    # columns: heel_l, heel_r, ball_l, ball_r
    rest = motion.contact[:, :4] >= 0.5
    points = soles[:, [0, 3, 1, 4]]
    slid = slide(points[:, 2:], rest[:, 2:], motion.fps)
    row = {
        "frames": len(motion),
        "bone_deg": np.median(angles(source.at, after, LIMBS)),
        "leg_deg_added": angles(source.at, after, LEGS).mean() - angles(source.at, before, LEGS).mean(),
        "penetration_mm": 1e3 * np.percentile(np.maximum(-soles[..., 2].min(axis=1), 0.0), 95),
        "knee_pop": jerk(knees(after)) / max(jerk(knees(source.at)), 1e-6),
        "rest_share": rest.any(axis=-1).mean(),
    }
    if np.isfinite(slid).any():
        row["slide_cm_s"] = np.nanpercentile(slid, 95)
    if rest.any():
        row["sole_mm"] = 1e3 * np.percentile(np.abs(points[..., 2][rest]), 95)
    back = from_rig(to_rig(from_rig(free, rig), source.rig, plant_feet=False), source.rig)
    has = [motion.skeleton.index(j) for j in motion.skeleton.names if j in rig.roles and j in source.rig.roles]
    row["loop_deg"] = np.median(np.degrees(quat.angle(back.lrot, motion.lrot)[:, has]))
    row["loop_cm"] = 100.0 * np.median(np.linalg.norm(back.root - motion.root, axis=-1))
    return row


def source_slide(source: Source) -> float:
    """What the source's own feet slide, cm/s, by the same measure."""
    motion = source.motion
    slid = slide(foot_points(motion)[:, 2:], motion.contact[:, 2:4] >= 0.5, motion.fps)
    return np.nanpercentile(slid, 95) * REST_HEIGHT_M / height(motion.skeleton) if np.isfinite(slid).any() else np.nan


COLUMNS = ("bone_deg", "leg_deg_added", "slide_cm_s", "penetration_mm", "sole_mm", "knee_pop", "loop_deg", "loop_cm")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rows", type=Path, help="write every row as CSV")
    parser.add_argument("--clips", nargs="*", default=CLIPS)
    parser.add_argument("--rigs", nargs="*", default=RECORDS)
    args = parser.parse_args()
    data = Path(os.environ["POSELOOM_DATA"])
    bodies = {name: Body(recognise(shod(name)).rig) for name in args.rigs}
    rows, slides = [], []
    with tempfile.TemporaryDirectory() as folder:
        unpack(data, Path(folder), args.clips)
        for clip in args.clips:
            source = Source(Path(folder) / f"{clip}.bvh")
            slides.append(source_slide(source))
            rows += [{"clip": clip, "rig": name, **measured(source, body)} for name, body in bodies.items()]
    figures = table(rows, slides)
    told = [row[-1] for row in recognition.by_name()]
    figures["recognised_share"] = float(np.mean(told))
    print(f"\nrecognised: {sum(told)} of {len(told)} rigs and skeletons of clips")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))
    if args.rows:
        with args.rows.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, ["clip", "rig", "frames", "rest_share", *COLUMNS])
            writer.writeheader()
            writer.writerows(rows)


def table(rows, slides) -> dict:
    """Prints the tables, returns the figures."""
    clips, frames = len({r["clip"] for r in rows}), sum({r["clip"]: r["frames"] for r in rows}.values())
    print(f"{clips} clips, {frames} frames, {len({r['rig'] for r in rows})} rigs, {len(rows)} rows; median / p95 over rows")
    print(f"feet at rest in {100 * np.mean([r['rest_share'] for r in rows]):.0f} % of frames; "
          f"the sources' own feet slide {np.nanmedian(slides):.1f} / {np.nanpercentile(slides, 95):.1f} cm/s\n")  # fmt: skip

    def pair(some, key):
        values = [r[key] for r in some if key in r]
        return (np.median(values), np.percentile(values, 95)) if values else (np.nan, np.nan)

    def shown(some, key):
        return " / ".join("0" if x < 5e-4 else f"{x:.3f}" if x < 0.01 else f"{x:.2g}" for x in pair(some, key))

    print("| rig | " + " | ".join(COLUMNS) + " |\n|" + " --- |" * (len(COLUMNS) + 1))
    names = list(dict.fromkeys(r["rig"] for r in rows))
    for name in [*names, "all"]:
        some = [r for r in rows if name in ("all", r["rig"])]
        print(f"| {name} | " + " | ".join(shown(some, key) for key in COLUMNS) + " |")
    both = {key: pair(rows, key) for key in COLUMNS}
    return {
        "bone_deg_median": both["bone_deg"][0], "slide_cm_s_median": both["slide_cm_s"][0],
        "slide_cm_s_p95": both["slide_cm_s"][1], "penetration_mm_p95": both["penetration_mm"][1],
        "sole_mm_p95": both["sole_mm"][1], "leg_deg_added": both["leg_deg_added"][0],
        "loop_deg_median": both["loop_deg"][0], "loop_cm_median": both["loop_cm"][0],
        "clips": clips, "frames": frames, "rows": len(rows),
    }  # fmt: skip


if __name__ == "__main__":
    main()
