"""Clips from everywhere but BVH on the active armature, odd rests and axes, settings kept, in the installed extension."""

import json
from pathlib import Path

import bpy
import numpy as np
import session


def main(path, work, robot):
    extension = session.install(path)
    jobs = extension.registration.jobs
    work, result = Path(work), {}
    clip = session.bvh(work / "walk.bvh")
    session.armature("Actor")
    bpy.ops.poseloom.retarget_bvh(filepath=str(clip))
    bpy.ops.export_scene.fbx(
        filepath=str(work / "actor.fbx"), add_leaf_bones=False, bake_anim_use_nla_strips=False,
        bake_anim_simplify_factor=0.0, object_types={"ARMATURE"},
    )  # fmt: skip
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "actor.blend"))

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    hero = session.armature("Hero")
    chosen = bpy.context.scene.poseloom
    before = _census()
    result["takes"] = {}
    for name in ("actor.fbx", "actor.blend", robot):
        chosen.clip = str(work / name)
        bpy.ops.poseloom.find_takes(wait=True)
        takes = [take.name for take in bpy.context.window_manager.poseloom_takes.found]
        result["takes"][Path(name).name] = [takes, chosen.take]
    result["several"] = _said(bpy.ops.poseloom.retarget_take, filepath=robot, wait=True)
    result["no such take"] = _said(bpy.ops.poseloom.retarget_take, filepath=robot, take="Fly", wait=True)
    result["unchanged"] = _census() == before

    bpy.ops.poseloom.retarget_bvh(filepath=str(clip))
    own = _hands(hero)
    bpy.ops.poseloom.revert()
    result["same"] = {}
    for name in ("actor.fbx", "actor.blend"):
        bpy.ops.poseloom.retarget_take(filepath=str(work / name), wait=True)
        result["same"][name] = float(np.abs(_hands(hero) - own).max())
        result["made"] = hero.animation_data.action.name
        bpy.ops.poseloom.revert()
    bpy.ops.poseloom.retarget_take(filepath=robot, take="Walking", wait=True)
    result["robot"] = [hero.animation_data.action.name, jobs.current.state]
    bpy.ops.poseloom.revert()
    result["left nothing"] = _census() == before

    folder = work / "folder"
    folder.mkdir()
    for name in ("actor.fbx", "walk.bvh"):
        (work / name).rename(folder / name)
    clip = folder / "walk.bvh"
    bpy.ops.poseloom.retarget_folder(directory=str(folder), wait=True)
    result["folder"] = sorted(action.name for action in bpy.data.actions)
    bpy.ops.poseloom.revert()

    result["armature"] = _from_armature(hero, clip, own)
    result["root"] = _root(hero, clip)
    result["axes"] = _axes(hero, clip, folder, own)
    result["rest"] = _rest(hero, clip, own)
    result["settings"] = _settings(chosen, work)
    return result


def _from_armature(hero, clip, own):
    """The other armature stands elsewhere, turned, and is what it was afterwards."""
    actor = session.armature("Actor")
    bpy.ops.poseloom.retarget_bvh(filepath=str(clip))
    actor.location, actor.rotation_euler = (3.0, -2.0, 0.0), (0.0, 0.0, 1.2)
    bpy.context.view_layer.objects.active = hero
    bpy.context.view_layer.update()
    before = _state(actor)
    missing = _said(bpy.ops.poseloom.retarget_armature, source="Nobody")
    itself = _said(bpy.ops.poseloom.retarget_armature, source="Hero")
    bpy.ops.poseloom.retarget_armature(source="Actor")
    made = [hero.animation_data.action.name, float(np.abs(_hands(hero) - own).max()), _state(actor) == before]
    bpy.ops.poseloom.revert()
    action = actor.animation_data.action
    bpy.data.objects.remove(actor)
    bpy.data.actions.remove(action)
    return [*made, missing, itself]


def _root(hero, clip):
    """Metres that the hips go over the ground: as they do, in place, and with no root bone to do it."""
    chosen, went = bpy.context.scene.poseloom, {}
    for root in ("hips", "in_place"):
        chosen.root = root
        bpy.ops.poseloom.retarget_bvh(filepath=str(clip))
        places = _places(hero, "mixamorig:Hips")
        went[root] = float(np.linalg.norm(places[-1] - places[0]))
        bpy.ops.poseloom.revert()
    chosen.root = "bone"
    went["bone"] = _said(bpy.ops.poseloom.retarget_bvh, filepath=str(clip))
    chosen.root = "hips"
    return went


def _axes(hero, clip, folder, own):
    """A clip in a unit that no body could have; by hand it comes out as it should."""
    odd = folder / "odd.bvh"
    head, _, numbers = clip.read_text().partition("MOTION")
    lines = [f"{line.split('OFFSET')[0]}OFFSET " + " ".join(str(float(x) * 3.0) for x in line.split()[1:])
             if "OFFSET" in line else line for line in head.splitlines()]  # fmt: skip
    rows = numbers.splitlines()
    rows[3:] = [" ".join([*(str(float(x) * 3.0) for x in row.split()[:3]), *row.split()[3:]]) for row in rows[3:]]
    odd.write_text("\n".join(lines) + "\nMOTION" + "\n".join(rows) + "\n")
    chosen, apart = bpy.context.scene.poseloom, []
    for unit, up in ((0.0, "DETECT"), (0.01 / 3.0, "Y"), (0.01 / 3.0, "Z")):
        chosen.unit, chosen.up = unit, up
        try:
            bpy.ops.poseloom.retarget_bvh(filepath=str(odd))
        except RuntimeError as error:
            apart.append(str(error))
            continue
        apart.append(float(np.abs(_hands(hero) - own).max()))
        bpy.ops.poseloom.revert()
    chosen.unit, chosen.up = 0.0, "DETECT"
    return apart


def _rest(hero, clip, own):
    """A character built with its arms folded over its head, its T-pose kept as a pose."""
    bpy.context.view_layer.objects.active = hero
    bpy.ops.object.mode_set(mode="EDIT")
    fold = {f"mixamorig:{side}{bone}": turn for side, turn in (("Left", -1), ("Right", 1)) for bone in ("Arm", "ForeArm")}
    bones = hero.data.edit_bones
    from mathutils import Matrix

    for name, sign in fold.items():
        pivot = bones[name].head.copy()
        turn = Matrix.Translation(pivot) @ Matrix.Rotation(sign * 1.2, 4, "Y") @ Matrix.Translation(-pivot)
        for bone in [bones[name], *bones[name].children_recursive]:
            bone.transform(turn)
    bpy.ops.object.mode_set(mode="POSE")
    for name, sign in fold.items():
        bone = hero.pose.bones[name]
        rest = bone.bone.matrix_local.to_3x3()
        bone.rotation_mode = "QUATERNION"
        turn = rest.inverted() @ Matrix.Rotation(-sign * 1.2, 3, "Y") @ rest
        bone.rotation_quaternion = turn.to_quaternion()
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    bpy.ops.poseloom.keep_rest()
    result = [session.MODULE and "poseloom_rest" in hero.keys()]
    bpy.ops.poseloom.retarget_bvh(filepath=str(clip))
    result.append(float(np.abs(_hands(hero) - own).max()))
    bpy.ops.poseloom.revert()
    bpy.ops.poseloom.forget_rest()
    return [*result, "poseloom_rest" in hero.keys()]


def _settings(chosen, work):
    chosen.root, chosen.up, chosen.unit, chosen.controls = "in_place", "-Z", 0.01, "ik"
    bpy.ops.poseloom.save_settings(verb="retarget", name="My game")
    kept = json.loads((work / "home" / "data" / "settings" / "My game.json").read_text())
    for name in ("root", "up", "unit", "controls"):
        chosen.property_unset(name)
    bpy.ops.poseloom.load_settings(verb="retarget", name="My game")
    loaded = [chosen.root, chosen.up, round(chosen.unit, 6), chosen.controls, chosen.front]
    bpy.ops.poseloom.export_settings(verb="retarget", name="My game", filepath=str(work / "for you.json"))
    bpy.ops.poseloom.delete_settings(verb="retarget", name="My game")
    gone = _said(bpy.ops.poseloom.load_settings, verb="retarget", name="My game")
    bpy.ops.poseloom.import_settings(verb="retarget", filepath=str(work / "for you.json"))
    other = _said(bpy.ops.poseloom.import_settings, verb="animate", filepath=str(work / "for you.json"))
    (work / "bad.json").write_text('{"poseloom": "retarget", "speed": 3}')
    bad = _said(bpy.ops.poseloom.import_settings, verb="retarget", filepath=str(work / "bad.json"))
    chosen.smooth_hz, chosen.height_known, chosen.height_m, chosen.foot_lock = 3.5, True, 1.82, False
    bpy.ops.poseloom.save_settings(verb="animate", name="Slow")
    video = json.loads((work / "home" / "data" / "settings" / "Slow.json").read_text())
    from poseloom import presets

    return [kept, loaded, gone, other, bad, video, presets.names("retarget"), presets.names("animate")]


def _places(hero, bone):
    first, last = (round(frame) for frame in hero.animation_data.action.frame_range)
    places = []
    for frame in range(first, last + 1, 3):
        bpy.context.scene.frame_set(frame)
        places.append(np.array(hero.matrix_world @ hero.pose.bones[bone].head))
    bpy.context.scene.frame_set(1)
    return np.array(places)


def _hands(hero):
    """Where the hands are, seen from the hips as these were first over the ground, in metres.

    How high the hips are is left out: this made-up walk has no floor of its own.
    """
    hips = _places(hero, "mixamorig:Hips")
    level = np.c_[np.broadcast_to(hips[0, :2], (len(hips), 2)), hips[:, 2]]
    return np.stack([_places(hero, f"mixamorig:{side}Hand") - level for side in ("Left", "Right")])


def _state(obj):
    action = obj.animation_data.action
    return [
        action.name, session.fcurves(action) and sorted(map(str, session.fcurves(action).items())), len(obj.constraints),
        [list(row) for row in obj.matrix_world], [list(map(list, bone.matrix_basis)) for bone in obj.pose.bones],
        sorted(obj.keys()),
    ]  # fmt: skip


def _census():
    """Names of everything in the file, and what the scene is set to."""
    kinds = ("objects", "meshes", "armatures", "actions", "materials", "images", "collections", "scenes", "texts", "worlds")
    scene = bpy.context.scene
    return {
        **{kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in kinds},
        "scene": [scene.frame_start, scene.frame_end, scene.frame_current, scene.render.fps, scene.render.fps_base],
        "active": bpy.context.view_layer.objects.active.name,
    }


def _said(operator, **values):
    try:
        operator(**values)
    except RuntimeError as error:
        return str(error)
    return ""


session.run(main)
