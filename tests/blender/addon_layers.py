"""Revert after a run, also loaded from a file, pushed to the NLA and tweaked; what fights a bake is named."""

from pathlib import Path

import bpy
import session

HEAD = "mixamorig:Head"
ARM = "mixamorig:LeftArm"


def main(path, work):
    extension = session.install(path)
    work = Path(work)
    clip = str(session.bvh(work / "walk.bvh"))
    preferences = extension.registration.preferences.get()
    result = {}
    for how in ("NLA", "FAKE_USER"):
        for after in (_nothing, _save_and_load, _push, _tweak, _twice):
            preferences.previous = how
            hero = _hero()
            before = _state(hero)
            bpy.ops.poseloom.retarget_bvh(filepath=clip)
            assert _state(_found()) != before
            turns = after(work, clip) or 1
            for _ in range(turns):
                bpy.ops.poseloom.revert("EXEC_DEFAULT", True)
            result[f"{how}{after.__name__}"] = _difference(before, _state(_found()))
    bpy.ops.ed.undo()
    result["undone"] = _found().animation_data.action.name  # revert is a step of its own

    _empty()
    bare = session.armature("Hero")
    bpy.ops.poseloom.retarget_bvh(filepath=clip)
    bpy.ops.poseloom.revert()
    result["bare"] = [bare.animation_data is None, len(bpy.data.actions), bpy.ops.poseloom.revert.poll()]
    result["combine"] = _combine(clip)
    result["fights"] = _fights(clip, extension.registration.jobs)
    return result


def _nothing(work, clip):
    pass


def _save_and_load(work, clip):
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(work / "shot.blend"))


def _push(work, clip):
    bpy.ops.poseloom.push_to_nla()
    assert _found().animation_data.action is None


def _tweak(work, clip):
    bpy.ops.poseloom.add_layer()
    assert _found().animation_data.action.name == "Hero|tweaks"


def _twice(work, clip):
    bpy.ops.poseloom.retarget_bvh(filepath=clip)
    return 2


def _empty():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


def _hero():
    """Posed by hand, its head animated, an armature action with a second slot where there are slots."""
    _empty()
    hero = session.armature("Hero")
    hero.pose.bones[ARM].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    hero["mood"] = 3
    head = hero.pose.bones[HEAD]
    for frame, turn in ((1, (1.0, 0.0, 0.0, 0.0)), (20, (0.8, 0.0, 0.6, 0.0))):
        head.rotation_quaternion = turn
        head.keyframe_insert("rotation_quaternion", frame=frame)
    bpy.context.scene.frame_set(7)
    bpy.context.view_layer.update()
    return hero


def _found():
    return bpy.data.objects["Hero"]


def _state(hero):
    bpy.context.view_layer.update()
    animation = hero.animation_data
    slot = getattr(animation, "action_slot", None)
    return {
        "actions": sorted(action.name for action in bpy.data.actions),
        "fake users": [action.use_fake_user for action in bpy.data.actions],
        "active": animation.action.name if animation.action else "",
        "slot": slot.identifier if slot else "",
        "nla": [animation.action_blend_type, animation.action_influence, animation.action_extrapolation],
        "tracks": [(track.name, track.mute, len(track.strips)) for track in animation.nla_tracks],
        "pose": {bone.name: _flat(bone.matrix_basis) for bone in hero.pose.bones},
        "mood": hero["mood"],
    }


def _flat(matrix):
    return [round(value, 5) for row in matrix for value in row]


def _difference(before, after):
    return [name for name in before if before[name] != after[name]]


def _combine(clip):
    """How far the head is turned off what plays below: by a layer without keys, and by one that turns it 0.5 rad."""
    _empty()
    hero = session.armature("Hero")
    bpy.ops.poseloom.retarget_bvh(filepath=clip)
    bpy.context.scene.frame_set(10)
    head = hero.pose.bones[HEAD]
    below = head.matrix_basis.to_quaternion()
    bpy.ops.poseloom.add_layer(blend="COMBINE")
    bpy.context.scene.frame_set(10)
    through = head.matrix_basis.to_quaternion()
    from mathutils import Quaternion

    turn = Quaternion((0.0, 0.0, 1.0), 0.5)
    head.rotation_quaternion = below @ turn
    head.keyframe_insert("rotation_quaternion", frame=10)
    bpy.context.scene.frame_set(11)
    bpy.context.scene.frame_set(10)
    now = head.matrix_basis.to_quaternion()
    animation = hero.animation_data
    return {
        "through": below.rotation_difference(through).angle,
        "turned": below.rotation_difference(now).angle,
        "layers": [animation.action.name, animation.action_blend_type, animation.nla_tracks[-1].strips[0].action.name],
    }


def _fights(clip, jobs):
    """What the outcome says where a constraint, a driver, a muted and a harmless constraint are on keyed bones, and one
    above them is posed."""
    _empty()
    hero = session.armature("Hero")
    bpy.ops.object.mode_set(mode="EDIT")
    master, hips = hero.data.edit_bones.new("Master"), hero.data.edit_bones["mixamorig:Hips"]
    master.head, master.tail, hips.parent = (0.0, 0.0, 0.0), (0.0, 0.3, 0.0), master
    bpy.ops.object.mode_set(mode="OBJECT")
    bones = hero.pose.bones
    bones["Master"].location.y = 0.2
    copy = bones[ARM].constraints.new("COPY_ROTATION")
    copy.target, copy.subtarget = hero, HEAD
    bones["mixamorig:RightArm"].constraints.new("COPY_ROTATION").mute = True
    bones["mixamorig:RightLeg"].constraints.new("LIMIT_SCALE")
    bones[HEAD].rotation_mode = "XYZ"
    bones[HEAD].driver_add("rotation_euler", 0).driver.expression = "0.1"
    bpy.context.scene.frame_set(4)
    bpy.ops.poseloom.retarget_bvh(filepath=clip)
    return [jobs.current.outcome, bpy.context.scene.frame_current]


session.run(main)
