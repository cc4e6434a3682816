"""The retarget operator on an armature that is scaled, turned and animated already."""

from pathlib import Path

import bpy
import session


def main(path, work):
    session.install(path)
    from poseloom import chains
    from poseloom.motion.bvh import read_bvh

    work = Path(work)
    clip = session.bvh(work / "walk.bvh")
    hero = session.armature("Hero", scale=0.9)
    hero.rotation_euler = (0.0, 0.0, 0.7)
    hero.location = (1.0, 2.0, 0.0)
    old = _animate_head(hero)
    bpy.context.scene.render.fps = 24
    bpy.context.scene.frame_set(7)
    bpy.context.view_layer.update()
    bpy.ops.ed.undo_push(message="Before")
    before = _state(hero)

    bpy.ops.poseloom.retarget_bvh("EXEC_DEFAULT", True, filepath=str(clip))
    hero = bpy.data.objects["Hero"]
    made = hero.animation_data.action
    curves = session.fcurves(made)
    result = {
        "action": made.name,
        "old_kept": old in bpy.data.actions,
        "tracks": [(t.name, t.mute, t.strips[0].action.name) for t in hero.animation_data.nla_tracks],
        "first": min(k[0] for keys in curves.values() for k in keys),
        "last": max(k[0] for keys in curves.values() for k in keys),
        "other_curves": [path for path, _ in curves if not path.startswith("pose.bones[")],
        "changed": [name for name, value in _state(hero).items() if value != before[name]],
        "difference": session.difference(hero, curves, chains.clip_to_motion(*read_bvh(clip))[0]),
        "hips_moved_m": _hips_moved(hero),
    }
    bpy.ops.ed.undo()
    hero = bpy.data.objects["Hero"]
    result["undone"] = [
        hero.animation_data.action.name == old, len(hero.animation_data.nla_tracks) == 0, made_gone(result["action"]),
        _state(hero) == before,
    ]  # fmt: skip
    return result


def made_gone(name):
    return name not in bpy.data.actions


def _animate_head(hero):
    head = hero.pose.bones["mixamorig:Head"]
    head.rotation_mode = "XYZ"
    for frame, angle in ((1, 0.0), (20, 0.5)):
        head.rotation_euler = (angle, 0.0, 0.0)
        head.keyframe_insert("rotation_euler", frame=frame)
    hero.keyframe_insert("location", frame=1)
    return hero.animation_data.action.name


def _state(hero):
    return {
        "transform": [list(row) for row in hero.matrix_basis],
        "modes": [bone.rotation_mode for bone in hero.pose.bones],
        "rest": [[list(row) for row in bone.matrix_local] for bone in hero.data.bones],
        "playhead": bpy.context.scene.frame_current,
        "range": [bpy.context.scene.frame_start, bpy.context.scene.frame_end],
        "fps": [bpy.context.scene.render.fps, bpy.context.scene.render.fps_base],
    }


def _hips_moved(hero):
    """How far the evaluated hips travel over the ground, in metres."""
    places = []
    for frame in (7, 37):
        bpy.context.scene.frame_set(frame)
        evaluated = hero.evaluated_get(bpy.context.evaluated_depsgraph_get())
        places.append(evaluated.matrix_world @ evaluated.pose.bones["mixamorig:Hips"].head)
    bpy.context.scene.frame_set(7)
    return (places[1] - places[0]).length


session.run(main)
