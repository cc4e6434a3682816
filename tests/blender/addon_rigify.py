"""The retarget operator on a generated Rigify rig whose limbs start in IK: what the deform bones do, and undo."""

from pathlib import Path

import bpy
import session

ELBOW = "DEF-forearm.L"
SWITCH = 'pose.bones["upper_arm_parent.L"]["IK_FK"]'


def main(path, work):
    extension = session.install(path)
    clip = session.bvh(Path(work) / "walk.bvh")
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_basic_human_metarig_add()
    bpy.ops.pose.rigify_generate()
    rig = bpy.context.object
    rig.name = "Rig"
    bpy.ops.ed.undo_push(message="Rig")
    before = {"switch": rig.path_resolve(SWITCH), "places": _places(rig)}
    bpy.ops.poseloom.retarget_bvh("EXEC_DEFAULT", True, filepath=str(clip))
    rig = bpy.data.objects["Rig"]
    result = {
        "keyed_switch": [path for path, _ in session.fcurves(rig.animation_data.action) if path == SWITCH],
        "places": _places(rig),
        "switch": rig.path_resolve(SWITCH),
    }
    result["outcome"] = extension.registration.jobs.current.outcome
    bpy.ops.poseloom.revert("EXEC_DEFAULT", True)
    rig = bpy.data.objects["Rig"]
    result["reverted"] = {"switch": rig.path_resolve(SWITCH), "places": _places(rig)}
    bpy.ops.poseloom.retarget_bvh("EXEC_DEFAULT", True, filepath=str(clip))
    rig = bpy.data.objects["Rig"]
    swing = _places(rig)
    bpy.ops.poseloom.reduce_keys()
    result["reduced"] = max(abs(a - b) for one, two in zip(swing, _places(rig)) for a, b in zip(one, two))
    bpy.ops.poseloom.mirror()
    result["mirrored switch"] = rig.path_resolve(SWITCH)
    bpy.ops.ed.undo()
    rig = bpy.data.objects["Rig"]
    result["undone"] = {"switch": rig.path_resolve(SWITCH), "places": _places(rig)}
    bpy.context.scene.poseloom.controls = "ik"
    bpy.ops.poseloom.retarget_bvh("EXEC_DEFAULT", True, filepath=str(clip))
    rig = bpy.data.objects["Rig"]
    paths = {path for path, _ in session.fcurves(rig.animation_data.action)}
    result["by ik"] = {
        "switch": rig.path_resolve(SWITCH), "places": _places(rig),
        "keyed": [bone for bone in ("hand_ik.L", "foot_ik.R") if f'pose.bones["{bone}"].location' in paths],
    }  # fmt: skip
    result["before"] = before
    return result


def _places(rig):
    """Where the evaluated deforming elbow is, relative to the hips' bone, at two frames of a swing."""
    places = []
    for frame in (1, 4):
        bpy.context.scene.frame_set(frame)
        pose = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        places.append(list(pose[ELBOW].head - pose["DEF-spine"].head))
    bpy.context.scene.frame_set(1)
    return places


session.run(main)
