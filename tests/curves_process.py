"""Run by test_reduce.py in a Python with bpy: keys with handles onto a real armature, and what Blender plays.

    python curves_process.py RIG.json CURVES.json OUT.npz

OUT: values (T,n) of every F-curve by `evaluate`, pose (T,B,4,4) of the evaluated bones, rest (B,4,4).
"""

import json
import os
import sys

import bpy
import numpy as np
from poseloom_addon import compat
from poseloom_addon.scene import armature


def build(record, modes):
    data = bpy.data.armatures.new("Rig")
    obj = bpy.data.objects.new("Rig", data)
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for name, parent, head, tail, roll in record:
        bone = data.edit_bones.new(name)
        bone.head, bone.tail, bone.roll = head, tail, roll
        bone.parent = data.edit_bones[parent] if parent else None
    bpy.ops.object.mode_set(mode="OBJECT")
    for name, mode in modes.items():
        obj.pose.bones[name].rotation_mode = mode
    return obj


def key(obj, curves):
    action = bpy.data.actions.new("Reduced")
    channels, slot = compat.new_channels(action, obj)
    made = []
    for curve in curves:
        for c, index in enumerate(curve["index"]):
            one = channels.fcurves.new(f'pose.bones["{curve["bone"]}"].{curve["path"]}', index=index)
            points = one.keyframe_points
            points.add(len(curve["frames"]))
            values = np.array(curve["values"], np.float32)[:, c]
            points.foreach_set("co", np.stack([np.array(curve["frames"], np.float32), values], axis=-1).ravel())
            for name in ("interpolation", "handle_left_type", "handle_right_type"):
                choice = "BEZIER" if name == "interpolation" else "ALIGNED"
                number = bpy.types.Keyframe.bl_rna.properties[name].enum_items[choice].value
                points.foreach_set(name, np.full(len(points), number, np.uint8))
            for side in ("left", "right"):
                points.foreach_set(f"handle_{side}", np.array(curve[side], np.float32)[:, c].ravel())
            one.update()
            made.append(one)
    compat.assign_action(obj.animation_data_create(), action, slot)
    return made


def main():
    rig, told, out = sys.argv[1:4]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with open(rig, encoding="utf-8") as file:
        record = json.load(file)["bones"]
    with open(told, encoding="utf-8") as file:
        told = json.load(file)
    obj = build(record, told["modes"])
    made = key(obj, told["curves"])
    names, values, pose = [bone[0] for bone in record], [], []
    for frame in range(told["length"]):
        bpy.context.scene.frame_set(frame)
        values.append([curve.evaluate(frame) for curve in made])
        pose.append(armature.pose_matrices(obj, names))
    rest = np.array([obj.data.bones[name].matrix_local for name in names])
    np.savez(out, values=np.array(values), pose=np.array(pose), rest=rest)
    sys.stdout.flush()
    os._exit(0)


main()
