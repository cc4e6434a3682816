"""Blender's own BVH importer reads a file: where every joint's head is on every frame.

    python bvh_judge.py FILE.bvh

Prints RESULT and JSON: fps, bones, heads (T,B,3) in metres, Z up.
"""

import json
import os
import sys

import bpy

bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_anim.bvh(
    filepath=sys.argv[1], axis_forward="-Z", axis_up="Y", global_scale=0.01, use_fps_scale=False,
    update_scene_fps=True, update_scene_duration=True, rotate_mode="QUATERNION",
)  # fmt: skip
obj, scene = bpy.context.object, bpy.context.scene
heads = []
first, last = obj.animation_data.action.frame_range
for frame in range(int(first), int(last) + 1):
    scene.frame_set(frame)
    heads.append([[*(obj.matrix_world @ bone.head)] for bone in obj.pose.bones])
fps = scene.render.fps / scene.render.fps_base
print("RESULT " + json.dumps({"fps": fps, "bones": [*obj.pose.bones.keys()], "heads": heads}))
sys.stdout.flush()
os._exit(0)
