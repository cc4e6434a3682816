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

Lengths are scaled to a height of 1.75 m.  The sole lies on the floor of the rest pose, below the bones of the foot.
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
from rig_records import RECORDS, record  # noqa: E402

from poseloom.motion import quat  # noqa: E402
from poseloom.motion.bvh import read_bvh  # noqa: E402
from poseloom.motion.contacts import foot_points  # noqa: E402
from poseloom.retarget import from_rig, grounded, to_rig  # noqa: E402
from poseloom.retarget.pose import Posed  # noqa: E402
from poseloom.rigs.recognise import recognise  # noqa: E402

CLIPS = (
    *(f"09_{i:02}" for i in range(1, 13)),
    *(f"29_{i:02}" for i in (1, 2, 3, 4, 5, 7, 8, 9, 11, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25)),
    *(f"49_{i:02}" for i in range(1, 23)),
)
LIMBS = [(f"{a}_{s}", f"{b}_{s}") for s in "lr" for a, b in
         (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))]  # fmt: skip
LEGS = [limb for limb in LIMBS if limb[0][:2] in ("th", "sh")]


class Body:
    """A rig at rest, in metres of the world: its floor, its height, and points on the soles with their bones."""

    def __init__(self, rig):
        self.rig = rig
        heads = rig.rest[:, :3, 3] @ rig.world[:3, :3].T + rig.world[:3, 3]
        tails = rig.tails @ rig.world[:3, :3].T + rig.world[:3, 3]
        feet = [rig.index(rig.roles[j][0]) for j in ("foot_l", "foot_r", "toe_l", "toe_r") if j in rig.roles]
        lowest = min(heads[feet, 2].min(), tails[feet, 2].min())
        top = max(heads[:, 2].max(), tails[:, 2].max())
        self.floor = 0.0 if -0.02 * (top - lowest) <= lowest <= 0.08 * (top - lowest) else lowest
        self.scale = 1.75 / (top - self.floor)
        self.points = [point for side in "lr" for point in self._points(heads, tails, side)]

    def _points(self, heads, tails, side):
        """Heel, ball and tip of a foot as (bone, place)."""
        foot = self.rig.index(self.rig.roles[f"foot_{side}"][0])
        toe = self.rig.index(self.rig.roles[f"toe_{side}"][0]) if f"toe_{side}" in self.rig.roles else None
        ankle, ball = heads[foot], tails[foot] if toe is None else heads[toe]
        ahead = (ball - ankle) * [1, 1, 0]
        tip = ball if toe is None else tails[toe]
        places = [ankle - 0.35 * ahead, ball, tip]
        bones = [foot, foot, foot if toe is None else toe]
        return [(bone, np.array([place[0], place[1], self.floor])) for bone, place in zip(bones, places)]

    def soles(self, posed):
        """(T,6,3) heel, ball, tip of the left and the right foot, metres in the world, whose floor is at 0."""
        rig, out = self.rig, []
        for bone, place in self.points:
            local = np.linalg.solve(rig.world[:3, :3], place - rig.world[:3, 3]) - rig.rest[bone, :3, 3]
            at = posed.head(bone) + quat.rotate(posed.delta(bone), local)
            out.append(at @ rig.world[:3, :3].T + rig.world[:3, 3])
        return np.stack(out, axis=1)


def places(rig, posed):
    heads = {joint: posed.head(rig.index(bones[0])) for joint, bones in rig.roles.items()}
    return {joint: head @ rig.world[:3, :3].T for joint, head in heads.items()}


def angles(a, b, limbs):
    """(T,L) degrees between the limbs' directions in two sets of places."""
    out = []
    for start, end in limbs:
        if all(joint in at for joint in (start, end) for at in (a, b)):
            u, v = a[end] - a[start], b[end] - b[start]
            out.append(np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), np.sum(u * v, axis=-1)))
    return np.degrees(np.stack(out, axis=-1))


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
    soles = body.scale * body.soles(posed)
    # columns: heel_l, heel_r, ball_l, ball_r
    rest = motion.contact[:, :4] >= 0.5
    points = soles[:, [0, 3, 1, 4]]
    speed = np.linalg.norm(np.diff(points[:, 2:, :2], axis=0), axis=-1) * motion.fps
    held = rest[1:, 2:] & rest[:-1, 2:]
    row = {
        "frames": len(motion),
        "bone_deg": np.median(angles(source.at, after, LIMBS)),
        "leg_deg_added": angles(source.at, after, LEGS).mean() - angles(source.at, before, LEGS).mean(),
        "penetration_mm": 1e3 * np.percentile(np.maximum(-soles[..., 2].min(axis=1), 0.0), 95),
        "knee_pop": jerk(knees(after)) / max(jerk(knees(source.at)), 1e-6),
        "rest_share": rest.any(axis=-1).mean(),
    }
    if held.any():
        row["slide_cm_s"] = 100.0 * np.percentile(speed[held], 95)
    if rest.any():
        row["sole_mm"] = 1e3 * np.percentile(np.abs(points[..., 2][rest]), 95)
    back = from_rig(to_rig(from_rig(free, rig), source.rig, plant_feet=False), source.rig)
    has = [motion.skeleton.index(j) for j in motion.skeleton.names if j in rig.roles and j in source.rig.roles]
    row["loop_deg"] = np.median(np.degrees(quat.angle(back.lrot, motion.lrot)[:, has]))
    row["loop_cm"] = 100.0 * np.median(np.linalg.norm(back.root - motion.root, axis=-1))
    return row


def source_slide(source: Source) -> float:
    """What the source's own feet slide, cm/s, by the same measure."""
    height = 1.75 / np.ptp([p[..., 2].max() for p in source.at.values()] + [0.0])
    points, rest = foot_points(source.motion)[:, 2:], source.motion.contact[:, 2:4] >= 0.5
    held = rest[1:] & rest[:-1]
    speed = np.linalg.norm(np.diff(points[..., :2], axis=0), axis=-1) * source.motion.fps
    return 100.0 * height * np.percentile(speed[held], 95) if held.any() else np.nan


COLUMNS = ("bone_deg", "leg_deg_added", "slide_cm_s", "penetration_mm", "sole_mm", "knee_pop", "loop_deg", "loop_cm")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rows", type=Path, help="write every row as CSV")
    parser.add_argument("--clips", nargs="*", default=CLIPS)
    parser.add_argument("--rigs", nargs="*", default=RECORDS)
    args = parser.parse_args()
    data = Path(os.environ["POSELOOM_DATA"])
    bodies = {name: Body(recognise(record(name)).rig) for name in args.rigs}
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
