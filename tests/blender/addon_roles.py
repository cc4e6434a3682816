"""Roles: listed, corrected, saved with the file, kept as a preset that is found again."""

from pathlib import Path

import bpy
import session

SPARE = "mixamorig:Spare"


def main(path, work):
    session.install(path)
    work, result = Path(work), {}
    clip = str(session.bvh(work / "walk.bvh"))
    hero = _hero()
    bpy.ops.poseloom.recognise_rig()
    roles = bpy.context.window_manager.poseloom_roles
    shown = {part.joint: part.bone for part in roles.parts}
    result["listed"] = [len(shown), shown["hand_l"], shown["root"], shown["thumb1_l"]]

    bpy.ops.poseloom.set_role("EXEC_DEFAULT", True, joint="head", bone=SPARE)
    part = next(part for part in roles.parts if part.joint == "head")
    result["corrected"] = [part.bone, part.corrected]
    bpy.ops.poseloom.retarget_bvh(filepath=clip)
    result["keyed"] = _keyed(hero)
    result["required"] = _said(bpy.ops.poseloom.set_role, joint="thigh_l", bone="")
    result["no such bone"] = _said(bpy.ops.poseloom.set_role, joint="head", bone="Nothing")
    result["no such part"] = _said(bpy.ops.poseloom.set_role, joint="tail", bone=SPARE)

    bpy.ops.wm.save_as_mainfile(filepath=str(work / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(work / "shot.blend"))
    bpy.ops.poseloom.recognise_rig()
    result["after loading"] = _head()
    result["saved"] = sorted(bpy.ops.poseloom.save_preset(name="My Hero"))
    result["ours"] = _said(bpy.ops.poseloom.save_preset, name="mixamo")
    bpy.ops.poseloom.forget_roles()
    result["by the preset"] = _head()

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    other = _hero("Other")
    bpy.ops.poseloom.retarget_bvh(filepath=clip)
    result["another"] = _keyed(other)

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    result["by hand"] = _by_hand(clip)
    return result


def _hero(name="Hero"):
    hero = session.armature(name)
    bpy.ops.object.mode_set(mode="EDIT")
    head = hero.data.edit_bones["mixamorig:Head"]
    spare = hero.data.edit_bones.new(SPARE)
    spare.head, spare.tail, spare.parent = head.head, head.tail, head.parent
    bpy.ops.object.mode_set(mode="OBJECT")
    return hero


def _head():
    parts = bpy.context.window_manager.poseloom_roles.parts
    return next(part.bone for part in parts if part.joint == "head")


def _keyed(hero):
    paths = {path for path, _ in session.fcurves(hero.animation_data.action)}
    return [f'pose.bones["{bone}"].rotation_quaternion' in paths for bone in ("mixamorig:Head", SPARE)]


def _said(operator, **values):
    try:
        operator(**values)
    except RuntimeError as error:
        return str(error)
    return ""


def _by_hand(clip):
    """A rig that is not recognised until its parts are told, one by one."""
    import numpy as np
    from poseloom.rigs.match import REQUIRED

    hero = session.armature("Odd")
    names = {}
    bpy.ops.object.mode_set(mode="EDIT")
    rng = np.random.default_rng(1)
    for k, bone in enumerate(rng.permutation(list(hero.data.edit_bones))):
        names[bone.name] = f"b{k:03}"
        if not bone.name.endswith(("Hips", "UpLeg", "Leg", "Arm")):
            bone.parent = None  # no tree to tell it by
        bone.name = names[bone.name]
    bpy.ops.object.mode_set(mode="OBJECT")
    before = _said(bpy.ops.poseloom.retarget_bvh, filepath=clip)
    for joint in REQUIRED:
        bpy.ops.poseloom.set_role(joint=joint, bone=names[f"mixamorig:{session.MIXAMO[joint]}"])
    return ["not recognised" in before, _said(bpy.ops.poseloom.retarget_bvh, filepath=clip)]


session.run(main)
