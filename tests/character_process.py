"""Run by test_assets.py in a Python with bpy: builds characters, moves a bone, prints what it found as JSON.

    python character_process.py PRESET [PICTURE.png]
"""

import json
import math
import os
import sys

import bpy
import numpy as np
from mathutils import Quaternion, Vector
from poseloom_addon.scene import character

# the bone that bends the left elbow, and what must be set for it to do so
ELBOW = {
    "makehuman": "lowerarm01.L",
    "mixamo": "mixamorig:LeftForeArm",
    "unreal": "lowerarm_l",
    "cmu": "LeftForeArm",
    "rigify": "forearm_fk.L",
}
SWITCH = {"rigify": ("upper_arm_parent.L", "IK_FK", 1.0)}


def places(skinned):
    bpy.context.view_layer.update()
    mesh = skinned.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    out = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", out)
    return out.reshape(-1, 3).astype(float)


def bend(armature, name):
    """Turn a bone 60 degrees about the world's X axis: a left forearm swings up and forward."""
    bone = armature.pose.bones[name]
    rest = bone.bone.matrix_local.to_quaternion()
    bone.rotation_mode = "QUATERNION"
    bone.rotation_quaternion = rest.inverted() @ Quaternion((1, 0, 0), math.radians(-60)) @ rest


def picture(path):
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera, camera.location = camera, (1.6, -4.6, 1.5)
    camera.rotation_euler = (Vector((0, 0, 0.9)) - camera.location).to_track_quat("-Z", "Y").to_euler()
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.display.shading.color_type = "MATERIAL"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.filepath = 480, 600, path
    bpy.ops.render.render(write_still=True)


def main():
    preset = sys.argv[1]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    armature = character.build(preset)
    skinned = next(child for child in armature.children if child.type == "MESH")
    groups = [group.name for group in skinned.vertex_groups]
    bones = armature.data.bones
    rest = np.array([v.co for v in skinned.data.vertices])
    before = places(skinned)
    if preset in SWITCH:
        bone, prop, value = SWITCH[preset]
        armature.pose.bones[bone][prop] = value
    bend(armature, ELBOW[preset])
    after = places(skinned)
    if len(sys.argv) > 2:
        picture(sys.argv[2])
    used = sorted({p.material_index for p in skinned.data.polygons})
    found = {
        "type": armature.type,
        "bones": {b.name: b.parent.name if b.parent else None for b in bones},
        "groups": groups,
        "deform": [b.name for b in bones if b.use_deform],
        "weight": [sum(g.weight for g in v.groups) for v in skinned.data.vertices],
        "influences": max(len(v.groups) for v in skinned.data.vertices),
        "materials": [skinned.data.materials[i].name for i in used],
        "low": rest.min(0).tolist(),
        "high": rest.max(0).tolist(),
        "rest_error_m": float(np.abs(before - rest).max()),
        "rest": rest.tolist(),
        "moved": (after - before).tolist(),
        "objects": [o.name for o in bpy.context.view_layer.objects if o.visible_get()],
    }
    print("FOUND " + json.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # Rigify's exit is not safe in every version


if __name__ == "__main__":
    main()
