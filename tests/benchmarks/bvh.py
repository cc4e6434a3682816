"""Reading and writing BVH: seconds for 10,000 frames of 31 joints, and peak memory.

    python tests/benchmarks/bvh.py [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

from poseloom.motion import quat
from poseloom.motion.bvh import read_bvh, write_bvh
from poseloom.motion.types import Rig, RigMotion

FRAMES, JOINTS = 10_000, 31


def chain(rng):
    rest = np.tile(np.eye(4), (JOINTS, 1, 1))
    rest[:, 1, 3] = 0.05 * np.arange(JOINTS)
    rig = Rig(tuple(f"j{i}" for i in range(JOINTS)), np.arange(JOINTS) - 1, rest, rest[:, :3, 3] + [0, 0.05, 0])
    location = np.full((FRAMES, JOINTS, 3), np.nan)
    location[:, 0] = rng.normal(size=(FRAMES, 3))
    basis = quat.normalise(rng.normal(size=(FRAMES, JOINTS, 4)))
    return rig, RigMotion(rig.bones, basis, location, np.ones(JOINTS, bool), 120.0)


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def figures() -> dict:
    rig, motion = chain(np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.bvh"
        write_s = min(timed(lambda: write_bvh(path, rig, motion)) for _ in range(3))
        read_s = min(timed(lambda: read_bvh(path)) for _ in range(3))
        tracemalloc.start()
        read_bvh(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return {"bvh_read_s": read_s, "bvh_write_s": write_s, "bvh_read_peak_mb": peak / 2**20,
                "bvh_file_mb": path.stat().st_size / 2**20}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = figures()
    for name, value in found.items():
        print(f"{name:20} {value:8.3f}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
