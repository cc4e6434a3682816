"""Run by test_architecture in an environment that holds numpy alone: python -I kernel_alone.py BACKEND.

Imports every module of the kernel, then walks the whole way once: a motion is written as BVH,
read, recognised, put on another rig, and taken back.
"""

import sys
import tempfile
from pathlib import Path

backend = Path(sys.argv[1])
sys.path.insert(0, str(backend))

import importlib  # noqa: E402

import numpy as np  # noqa: E402

KERNEL = (
    "errors", "progress", "registry", "client", "settings", "formats", "grammar", "options", "paths", "presets", "blender",
    "motion", "rigs", "retarget", "inbetween", "chains", "rigfill", "key_poses",
)  # fmt: skip
for name in KERNEL:
    place = backend / "poseloom" / name
    if place.is_dir():
        for path in place.glob("*.py"):
            if path.stem == "lstm" or path.stem.startswith("train"):
                continue
            importlib.import_module(f"poseloom.{name}" + ("" if path.stem == "__init__" else f".{path.stem}"))
    elif place.with_suffix(".py").exists():
        importlib.import_module(f"poseloom.{name}")

from poseloom.motion import bvh, quat, skeleton  # noqa: E402
from poseloom.motion.types import Motion  # noqa: E402
from poseloom.retarget import from_rig, to_rig  # noqa: E402
from poseloom.rigs.recognise import recognise  # noqa: E402

rng = np.random.default_rng(3)
frames, body = 20, skeleton.standard(1.8)
turns = np.cumsum(0.03 * rng.normal(size=(frames, len(body), 3)), axis=0)
root = np.array([0.0, 0.0, 0.98]) + np.cumsum(0.01 * rng.normal(size=(frames, 3)), axis=0)
motion = Motion(body, quat.exp(turns), root, 30.0)
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "walk.bvh"
    bvh.write_bvh(file, *bvh.motion_to_rig(motion))
    rig, rig_motion = bvh.read_bvh(file)
found = recognise(rig)
back = from_rig(rig_motion, found.rig)
again = from_rig(to_rig(back, found.rig), found.rig)
error = np.linalg.norm(skeleton.motion_fk(again)[1] - skeleton.motion_fk(back)[1], axis=-1).max()
assert error < 1e-4, error
print("numpy", np.__version__, "round trip", f"{1000 * error:.3f} mm")
