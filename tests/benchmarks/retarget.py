"""How fast clips are put on characters.

    python tests/benchmarks/retarget.py [--json FILE] [--python PYTHON-WITH-BPY] [--no-blender] [--no-rigify]

Needs POSELOOM_DATA.  Kernel figures are seconds of one core's time; the rest are by the clock.

  kernel_s_10k_60       10,000 frames of 52 joints onto 60 bones, with contacts and IK
  kernel_linear         time per frame at 10,000 frames over that at 2,500
  kernel_peak_ratio     peak memory of that, over the size of the arrays that come out
  bvh_clips_per_min     CMU clips read, recognised, retargeted with contacts and written as BVH, by two processes
  nla_bake_ratio        Copy Rotation constraints and nla.bake over ours, 1,000 frames, 60 bones, in one scene; ours reads
                        the clip from its file, the rival finds it in the scene
  nla_bake_ratio_cpu    the same, of the processor's time
  nla_read_bake_ratio   the same by the clock, both from the file
  nla_..._rigify        the same three on a generated Rigify human
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

# one core is one core
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from cmu_clips import unpack  # noqa: E402
from retarget_quality import CLIPS  # noqa: E402
from rig_records import record  # noqa: E402
from sixty import sixty_bones  # noqa: E402

from poseloom.motion.bvh import read_bvh, write_bvh  # noqa: E402
from poseloom.motion.types import RigMotion  # noqa: E402
from poseloom.retarget import from_rig, grounded, to_rig  # noqa: E402
from poseloom.rigs.recognise import recognise  # noqa: E402

LONG = "49_02"
FRAMES = 10_000


def repeated(rig_motion, frames):
    """A clip forwards, backwards, forwards ... `frames` long."""
    count = len(rig_motion)
    at = np.arange(frames) % (2 * count - 2)
    at = np.where(at < count, at, 2 * count - 2 - at)
    return RigMotion(rig_motion.bones, rig_motion.basis[at], rig_motion.location[at], rig_motion.keyed, rig_motion.fps)


def cpu_s(work, times=5):
    def once():
        began = time.process_time()
        work()
        return time.process_time() - began

    return min(once() for _ in range(times))


def kernel(folder: Path) -> dict:
    source, recorded = read_bvh(folder / f"{LONG}.bvh")
    source, target = recognise(source).rig, recognise(sixty_bones()).rig
    motion = grounded(from_rig(repeated(recorded, FRAMES), source))
    # with fingers, so that every bone has something to do
    motion = from_rig(to_rig(motion, target), target).with_(contact=motion.contact)
    body = recognise(record("unreal")).rig
    motion = from_rig(to_rig(motion, body), body).with_(contact=motion.contact)
    part = motion.with_(lrot=motion.lrot[: FRAMES // 4], root=motion.root[: FRAMES // 4], score=None,
                        contact=motion.contact[: FRAMES // 4])  # fmt: skip
    seconds, quarter = cpu_s(lambda: to_rig(motion, target)), cpu_s(lambda: to_rig(part, target))
    tracemalloc.start()
    out = to_rig(motion, target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "kernel_s_10k_60": seconds, "kernel_linear": seconds / (4.0 * quarter),
        "kernel_peak_ratio": peak / (out.basis.nbytes + out.location.nbytes),
        "kernel_joints": len(motion.skeleton), "kernel_bones": len(target),
    }  # fmt: skip


def convert(job):
    source, recorded = read_bvh(job[0])
    rig = recognise(source).rig
    target = recognise(record("mixamo")).rig
    write_bvh(job[1], target, to_rig(grounded(from_rig(recorded, rig)), target))
    return len(recorded)


def clips(folder: Path) -> dict:
    jobs = [(folder / f"{clip}.bvh", folder / f"{clip}.out.bvh") for clip in CLIPS]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(convert, jobs[:2])
        began = time.perf_counter()
        frames = sum(pool.imap_unordered(convert, jobs, chunksize=2))
        seconds = time.perf_counter() - began
    return {"bvh_clips_per_min": 60.0 * len(jobs) / seconds, "bvh_frames_per_s": frames / seconds}


def bakes(folder: Path, python: str, kinds) -> dict:
    """Ratios, and what they are made of."""
    source, recorded = read_bvh(folder / f"{LONG}.bvh")
    path, sixty = folder / "thousand.bvh", recognise(sixty_bones()).rig
    motion = grounded(from_rig(repeated(recorded, 1000), recognise(source).rig))
    write_bvh(path, sixty, to_rig(motion, sixty))
    found = {}
    for kind in kinds:
        command = [python, str(Path(__file__).parent / "bake_process.py"), str(path), kind, "1000"]
        out = subprocess.run(command, capture_output=True, text=True, timeout=1800)
        lines = [line for line in out.stdout.splitlines() if line.startswith("RESULT ")]
        if not lines:
            raise SystemExit(f"{kind} bake failed:\n{out.stdout[-2000:]}\n{out.stderr[-2000:]}")
        run = json.loads(lines[-1].removeprefix("RESULT "))
        ending = "" if kind == "plain" else f"_{kind}"
        found[f"nla_bake_ratio{ending}"] = run["rival_s"] / run["ours_s"]
        found[f"nla_bake_ratio_cpu{ending}"] = run["rival_cpu_s"] / run["ours_cpu_s"]
        found[f"nla_read_bake_ratio{ending}"] = (run["rival_s"] + run["rival_import_s"]) / run["ours_s"]
        found.update({f"nla_{key}{ending}": value for key, value in run.items()})
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--python", default=sys.executable, help="a Python with bpy, for the bakes")
    parser.add_argument("--no-blender", action="store_true")
    parser.add_argument("--no-rigify", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = unpack(Path(os.environ["POSELOOM_DATA"]), Path(name), CLIPS)
        figures = {**kernel(folder), **clips(folder)}
        if not args.no_blender:
            figures.update(bakes(folder, args.python, ("plain",) if args.no_rigify else ("plain", "rigify")))
    for key, value in figures.items():
        print(f"{key:26} {value if isinstance(value, str) else round(value, 3)}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
