"""Seconds to key 60 bones over 10,000 frames."""

import loose  # noqa: F401  isort: skip
import time

import bpy
import numpy as np
from poseloom.motion import quat
from poseloom.motion.types import RigMotion
from poseloom_addon.scene import armature, keying
from session import run

BONES, FRAMES = 60, 10_000


def main():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    data = bpy.data.armatures.new("Many")
    obj = bpy.data.objects.new("Many", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for i in range(BONES):
        bone = data.edit_bones.new(f"bone{i}")
        bone.head, bone.tail = (i, 0, 0), (i, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    rig = armature.read(obj)
    q = quat.normalise(np.random.default_rng(0).normal(size=(FRAMES, BONES, 4)))
    motion = RigMotion(rig.bones, q, np.full((FRAMES, BONES, 3), np.nan), np.ones(BONES, bool), 30.0)
    began = time.perf_counter()
    keying.write(obj, motion, name="many", start_frame=1)
    return {"seconds": time.perf_counter() - began}


run(main)
