"""Edits of the active action: what the operators write against what the functions say, frame by frame."""

import importlib
import re
from pathlib import Path

import bpy
import numpy as np
import session

START = 5
OTHER = ('pose.bones["mixamorig:HeadTop_End"].rotation_quaternion', 0)


def main(path, work):
    session.install(path)
    from poseloom.motion import quat
    from poseloom.motion.resample import cut_rig
    from poseloom.retarget import carry, cycle, global_pose, reduce, sides

    names = ("channels", "roles", "armature")
    scene = {name: importlib.import_module(f"{session.MODULE}.scene.{name}") for name in names}
    work, result = Path(work), {}
    clip = str(session.bvh(work / "walk.bvh", frames=120))

    def fresh():
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.context.scene.render.fps = 30
        hero = session.armature("Hero")
        _add_bones(hero)
        bpy.context.scene.frame_set(START)
        hero.pose.bones["mixamorig:Head"].rotation_mode = "YXZ"
        hero.pose.bones["mixamorig:LeftArm"].rotation_mode = "AXIS_ANGLE"
        bpy.ops.poseloom.retarget_bvh(filepath=clip)
        extra = hero.pose.bones["mixamorig:HeadTop_End"]
        for frame, value in ((3, 0.1), (40, 0.7), (200, 0.2)):
            extra.rotation_quaternion[0] = value
            extra.keyframe_insert("rotation_quaternion", index=0, frame=frame)
        hero.pose.bones["mixamorig:Head"].scale = (1.0, 2.0, 1.0)
        hero.pose.bones["mixamorig:Head"].keyframe_insert("scale", frame=9)
        hero.keyframe_insert("location", frame=12)
        bpy.ops.ed.undo_push(message="Fresh")
        return hero, *read(hero)

    def read(hero):
        rig = scene["roles"].recognised(hero).rig
        return rig, scene["channels"].read(hero, rig, 30.0)

    def compare(name, hero, wanted, start, rig):
        """Worst (degrees, mm) of any bone between the action as Blender plays it and the function's motion."""
        _, made = read(hero)
        grot, gpos = global_pose(rig, made.motion)
        grot2, gpos2 = global_pose(rig, wanted)
        assert len(made.motion) == len(wanted), (name, len(made.motion), len(wanted))
        played = scene["armature"].read_motion(hero, start, start + 3)
        seen = quat.angle(played.basis[:, _rows(rig, played)], wanted.basis[:4]).max()
        result[name] = {
            "deg": float(np.degrees(quat.angle(grot, grot2).max())), "mm": float(1000 * np.abs(gpos - gpos2).max()),
            "seen_deg": float(np.degrees(seen)), "start": made.start, "others": _others(hero) == others,
            "types": sorted(_types(hero)),
        }  # fmt: skip

    hero, rig, was = fresh()
    others = _others(hero)
    before = _keys(hero)

    bpy.ops.poseloom.reduce_keys("EXEC_DEFAULT", True, max_deg=2.0, max_mm=8.0)
    few = reduce.reduce_keys(was.motion, rig, max_deg=2.0, max_mm=8.0, contact=reduce.resting(was.motion, rig))
    compare("reduce", hero, few.sampled(rig), START, rig)
    result["reduced keys"] = [before, _keys(hero), few.key_count]
    (grot, gpos), (grot2, gpos2) = global_pose(rig, was.motion), global_pose(rig, read(hero)[1].motion)
    result["reduced within"] = [
        float(np.degrees(quat.angle(grot, grot2).max())), float(1000 * np.linalg.norm(gpos - gpos2, axis=-1).max())
    ]  # fmt: skip
    bpy.ops.poseloom.mirror()
    result["mirror of reduced"] = [before, _keys(hero), sorted(_types(hero))]
    bpy.ops.ed.undo()
    result["undone"] = _keys(bpy.data.objects["Hero"]) == before

    hero, rig, was = fresh()
    bpy.ops.poseloom.mirror()
    compare("mirror", hero, sides.mirror_rig(was.motion, rig), START, rig)

    hero, rig, was = fresh()
    bpy.ops.poseloom.make_loop(find=False, start=START + 10, end=START + 60, blend_s=0.2)
    compare("loop", hero, cycle.loop_rig(was.motion, rig, 10, 60, blend_s=0.2), START + 10, rig)
    action = hero.animation_data.action
    result["cyclic"] = [action.use_cyclic, action.frame_start, action.frame_end]
    hero, rig, was = fresh()
    bpy.ops.poseloom.make_loop(stay=True)
    wanted = cycle.loop_rig(was.motion, rig, stay=True)
    compare("found loop", hero, wanted, int(hero.animation_data.action.frame_start), rig)

    hero, rig, was = fresh()
    bpy.ops.poseloom.trim(start=START + 20, end=START + 50)
    compare("trim", hero, cut_rig(was.motion, "20", "51"), START + 20, rig)
    hero, rig, was = fresh()
    bpy.ops.poseloom.reduce_keys()
    reduced = read(hero)[1].motion
    bpy.ops.poseloom.trim(start=START + 21, end=START + 52)
    compare("trim of reduced", hero, cut_rig(reduced, "21", "53"), START + 21, rig)
    result["keys after trim"] = _keys(hero)

    hero, rig, was = fresh()
    way = carry.rig_travel(was.motion, rig)
    bpy.ops.poseloom.travel(carrier="IN_PLACE")
    compare("in place", hero, carry.rig_in_place(was.motion, rig, way), START, rig)
    bpy.ops.poseloom.travel(carrier="ROOT")
    compare("root", hero, carry.onto_root(was.motion, rig, way), START, rig)
    curves = session.fcurves(hero.animation_data.action)
    result["root keyed"] = sorted(i for path, i in curves if path == 'pose.bones["root"].location')
    bpy.ops.poseloom.travel(carrier="IN_PLACE")
    bpy.ops.poseloom.travel(carrier="HIPS")
    compare("hips again", hero, was.motion, START, rig)
    bpy.ops.poseloom.travel(carrier="IN_PLACE")
    bpy.ops.poseloom.trim(start=START + 10, end=START + 40)
    bpy.ops.poseloom.travel(carrier="HIPS")
    compare("hips after trim", hero, cut_rig(was.motion, "10", "41"), START + 10, rig)

    result["said"] = {
        "loop outside": _said(bpy.ops.poseloom.make_loop, find=False, start=1, end=400),
        "nothing left": _said(bpy.ops.poseloom.trim, start=500, end=600),
    }
    hero.animation_data.action = None
    result["said"]["no action"] = _said(bpy.ops.poseloom.mirror)
    return result


def _said(operator, **values):
    try:
        operator(**values)
    except RuntimeError as error:
        return str(error)
    return ""


def _add_bones(hero):
    """A root bone below all, and a bone that no role names."""
    bpy.ops.object.mode_set(mode="EDIT")
    bones = hero.data.edit_bones
    root = bones.new("root")
    root.head, root.tail = (0.0, 0.0, 0.0), (0.0, 0.3, 0.0)
    bones["mixamorig:Hips"].parent = root
    top = bones.new("mixamorig:HeadTop_End")
    top.head = bones["mixamorig:Head"].tail
    top.tail = top.head + bones["mixamorig:Head"].vector
    top.parent = bones["mixamorig:Head"]
    bpy.ops.object.mode_set(mode="OBJECT")


def _rows(rig, motion):
    return [motion.bones.index(bone) for bone in rig.bones]


def _others(hero):
    """Keys of what no role names."""
    curves = session.fcurves(hero.animation_data.action)
    names = ("HeadTop_End", ".scale")
    return {str(key): keys for key, keys in curves.items() if key[0] == "location" or any(n in key[0] for n in names)}


def _mapped(hero):
    action = hero.animation_data.action
    if hasattr(action, "slots"):
        bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
        curves = [curve for bag in bags for curve in bag.fcurves]
    else:
        curves = action.fcurves
    return [c for c in curves if c.data_path != "location" and not {"HeadTop_End", "scale"} & _words(c.data_path)]


def _words(path):
    return set(re.split(r'["\[\].:]', path))


def _keys(hero):
    return sum(len(curve.keyframe_points) for curve in _mapped(hero))


def _types(hero):
    return {key.type for curve in _mapped(hero) for key in curve.keyframe_points}


session.run(main)
