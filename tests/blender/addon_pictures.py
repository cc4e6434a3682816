"""Key-frame pictures by the extension and a real backend: the list, the keys, the fill, assets, sound, and undo.

    addon_pictures.py ZIP WORK FIRST SECOND VIDEO SILENT
"""

import sys
from pathlib import Path

import bpy
import numpy as np
import session

sys.path.append(str(Path(__file__).resolve().parents[1]))


def main(path, work, first, second, video, silent):
    extension = session.install(path)
    jobs = extension.registration.jobs
    scene = bpy.context.scene
    scene.render.fps = 30
    hero = session.armature("Hero")
    scene.frame_set(5)
    result = {"polls": [bpy.ops.poseloom.pose_keys.poll(), bpy.ops.poseloom.save_poses.poll(), bpy.ops.poseloom.add_sound.poll()]}

    result["list"] = _listed(scene.poseloom_pictures, first, second)
    result["said"] = {"one frame": _said(), "no file": ""}
    scene.poseloom_pictures.found[1].frame = 29
    scene.poseloom_pictures.found[1].path = str(Path(work) / "none.png")
    result["said"]["no file"] = _said()
    scene.poseloom_pictures.found[1].path = second
    result["actions before"] = len(bpy.data.actions)
    bpy.ops.ed.undo_push(message="List")

    bpy.ops.poseloom.start_backend()
    try:
        bpy.ops.poseloom.pose_keys()
        result["outcome"] = jobs.current.outcome
    finally:
        bpy.ops.poseloom.stop_backend()
    action = hero.animation_data.action
    curves = session.fcurves(action)
    result["frames"] = sorted({round(key[0]) for keys in curves.values() for key in keys})
    result["kinds"] = sorted({(k.type, k.interpolation) for c in _curves(extension, hero) for k in c.keyframe_points})
    keys = _turns(curves, (5, 29))

    bpy.ops.poseloom.save_poses()
    result["assets"] = sorted(a.name for a in bpy.data.actions if a.asset_data is not None)
    pose = next(a for a in bpy.data.actions if a.asset_data is not None and Path(second).stem in a.name)
    kept = session.fcurves(pose)
    result["asset"] = float(max(np.abs(kept[name][0][1] - dict(curves[name])[29]) for name in kept))
    result["pictured"] = [pose.preview is not None and pose.preview.image_size[0] > 0, len(kept)]

    result["fill"] = bpy.ops.poseloom.fill.poll()
    bpy.ops.poseloom.fill()
    filled = session.fcurves(hero.animation_data.action)
    result["filled"] = len(filled['pose.bones["mixamorig:LeftArm"].rotation_quaternion', 0])
    result["same keys"] = float(np.abs(_turns(filled, (5, 29)) - keys).max())

    result["sound"] = _sounds(extension, hero, scene, work, video, silent)
    return result


def _listed(pictures, first, second):
    """The list after adding three, moving the last up, spacing and removing one."""
    folder = str(Path(first).parent)
    names = [{"name": Path(p).name} for p in (first, second, first)]
    bpy.ops.poseloom.add_pictures(directory=folder, files=names)
    told = [[p.name, p.frame] for p in pictures.found]
    bpy.ops.poseloom.change_pictures(how="UP")
    told.append([p.frame for p in pictures.found] + [pictures.active])
    pictures.spacing = 20
    bpy.ops.poseloom.change_pictures(how="SPACE")
    told.append([p.frame for p in pictures.found])
    bpy.ops.poseloom.change_pictures(how="REMOVE")
    told.append([p.name for p in pictures.found])
    pictures.found[1].frame = pictures.found[0].frame
    return told


def _said():
    try:
        bpy.ops.poseloom.pose_keys()
    except RuntimeError as error:
        return str(error)
    return ""


def _curves(extension, obj):
    compat = sys.modules[f"{session.MODULE}.compat"]
    return compat.action_fcurves(obj.animation_data.action, compat.assigned_slot(obj.animation_data))


def _turns(curves, frames):
    return np.array([dict((round(f), v) for f, v in curves['pose.bones["mixamorig:LeftArm"].rotation_quaternion', i])[frame]
                     for frame in frames for i in range(4)])  # fmt: skip


def _sounds(extension, hero, scene, work, video, silent):
    """The strip of a clip of which the second from 0.5 s on became an action at frame 11; and of one without sound."""
    from poseloom.motion.files import keypoints_to_bytes
    from poseloom.motion.types import Keypoints

    seen = Path(work) / "seen.keypoints.npz"
    seen.write_bytes(keypoints_to_bytes(Keypoints("blazepose", np.ones((30, 33, 2)), None, np.ones((30, 33)), (64, 48), 30.0, start_s=0.5)))
    footage = sys.modules[f"{session.MODULE}.scene.footage"]
    compat = sys.modules[f"{session.MODULE}.compat"]
    action = hero.animation_data.action
    footage.note(action, video, str(seen), 11)
    if not bpy.app.build_options.audaspace:  # the package of 4.2
        try:
            bpy.ops.poseloom.add_sound()
        except RuntimeError as error:
            return str(error)
    bpy.ops.poseloom.add_sound()
    strip = next(iter(compat.strips(scene.sequence_editor)))
    begin = strip.content_start if hasattr(strip, "content_start") else strip.frame_start
    told = [strip.type, list(compat.strip_range(strip)), float(begin)]
    footage.note(action, silent, str(seen), 11)
    try:
        bpy.ops.poseloom.add_sound()
    except RuntimeError as error:
        told.append(str(error))
    return [*told, len(compat.strips(scene.sequence_editor)), len(bpy.data.sounds)]


session.run(main)
