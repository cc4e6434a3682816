"""An armature with every rotation mode, inheritance flag and odd axis."""

import bpy
import numpy as np

MODES = ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE")


def odd_armature():
    rng = np.random.default_rng(1)
    data = bpy.data.armatures.new("Odd")
    obj = bpy.data.objects.new("Odd", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for i in range(12):
        bone = data.edit_bones.new(f'b"{i}')  # a name that must be escaped in a data path
        bone.head = rng.normal(size=3)
        bone.tail = np.array(bone.head) + rng.normal(size=3)
        bone.roll = rng.uniform(-3, 3)
        if i not in (0, 6):
            bone.parent = data.edit_bones[f'b"{6 if i == 8 else i - 1}']
    bpy.ops.object.mode_set(mode="OBJECT")
    for i, pose in enumerate(obj.pose.bones):
        pose.rotation_mode = MODES[i % len(MODES)]
        pose.bone.use_inherit_rotation = i not in (3, 5, 9)
        pose.bone.use_local_location = i not in (4, 5, 6)
    obj.location, obj.rotation_euler, obj.scale = (1, 2, 3), (0.3, 0.2, 0.1), (2, 2, 2)
    obj["switch"] = 0.0
    bpy.context.view_layer.update()
    return obj
