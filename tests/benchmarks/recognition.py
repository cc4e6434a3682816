"""Recognition over all rigs and fixtures: the share told right, part by part where the parts are known.

    python tests/benchmarks/recognition.py [--json FILE]

Rigs: the records and trees of tests/data/rigs, and where $POSELOOM_DATA is set its CMU, Daz, Mixamo and Rokoko clips.
Those with geometry are tried once more without their names, told by shape: a figure of its own.  A rig is right
where its family is, and every part that the record gives has that bone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from rig_records import CLIPS, KNOWN, RECORDS, TREES, anonymous, numbers, record, tree, whole_spine

from poseloom.errors import BadInput
from poseloom.motion.bvh import read_bvh
from poseloom.rigs.recognise import recognise


def rigs():
    """(name, rig, family, {part: (bone, ...)}) of every rig and fixture."""
    for name in RECORDS:
        family, roles, _ = KNOWN[name]
        yield name, record(name), family, {joint: (bone,) for joint, bone in roles.items()}
    for name in TREES:
        yield name, *tree(name)
    folder = os.environ.get("POSELOOM_DATA")
    for name, family in CLIPS.items() if folder else ():
        yield name, read_bvh(Path(folder) / "mocap" / f"{name}.bvh")[0], family, {}


def told(rig):
    """(Recognition or None, milliseconds)."""
    start = time.perf_counter()
    try:
        found = recognise(rig, folder=Path("/nonexistent"))
    except BadInput:
        found = None
    return found, 1000.0 * (time.perf_counter() - start)


def by_name() -> list:
    """Rows (name, bones, family, score, doubts, milliseconds, right)."""
    rows = []
    for name, rig, family, parts in rigs():
        found, ms = told(rig)
        roles = {**whole_spine(found.rig.roles), **found.rig.roles} if found else {}
        right = found is not None and found.family == family and all(roles.get(j) == b for j, b in parts.items())
        rows.append((name, len(rig), found.family if found else "-", found.score if found else 0.0,
                     len(found.doubts) if found else 0, ms, right))  # fmt: skip
    return rows


def by_shape() -> list:
    rows = []
    for name, rig, _, _ in rigs():
        if name in TREES:
            continue
        known, _ = told(rig)
        found, ms = told(anonymous(rig))
        # of a rig with controls it is the bones that carry the mesh
        wanted = {joint: (rig.index(bone),) for joint, bone in known.deform.items()} or numbers(known.rig)
        seen = numbers(found.rig) if found else {}
        right = all(seen.get(joint, ())[:1] == bones[:1] for joint, bones in wanted.items())
        rows.append((f"{name}, unnamed", len(rig), found.family if found else "-", found.score if found else 0.0,
                     len(found.doubts) if found else 0, ms, right))  # fmt: skip
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    named, shaped = by_name(), by_shape()
    print(f"{'rig':44} {'bones':>5} {'family':18} {'score':>5} {'doubts':>6} {'ms':>6}  right")
    for name, bones, family, score, doubts, ms, right in named + shaped:
        print(f"{name:44} {bones:5} {family:18} {score:5.2f} {doubts:6} {ms:6.1f}  {'yes' if right else 'NO'}")
    figures = {
        "recognised_share": sum(row[-1] for row in named) / len(named),
        "recognised_share_unnamed": sum(row[-1] for row in shaped) / len(shaped),
        "recognition_ms_max": max(row[-2] for row in named + shaped),
    }
    for name, value in figures.items():
        print(f"{name:28} {value:8.3f}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
