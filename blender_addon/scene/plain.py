"""The motion of an armature that nothing but its Action moves, read from the curves without playing the scene."""

from __future__ import annotations

import bpy
import numpy as np
from poseloom.motion import quat
from poseloom.motion.types import Rig, RigMotion

from .. import compat
from . import curves

_ROTATION = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
_MOVING = ("location", "rotation_euler", *_ROTATION.values())
_NO_SCALE = 1e-6


def read(obj, rig: Rig, start: int, end: int) -> RigMotion | None:
    """What one sees of all bones of `rig`, the whole armature `obj`; None where only playing the scene would tell.

    That is so with constraints, drivers, NLA strips, scaled bones, a remapped clock or handlers of frame changes.
    """
    found = _curves(obj) if _alone(obj) else None
    if found is None:
        return None
    frames = np.arange(start, end + 1)
    basis, location = np.empty((len(frames), len(rig), 4)), np.empty((len(frames), len(rig), 3))
    for b, name in enumerate(rig.bones):
        pose = obj.pose.bones[name]
        connected = pose.bone.use_connect and pose.parent is not None
        for path, out in ((rotation_property(pose), basis), ("location", location)):
            if connected and out is location:  # Blender leaves theirs out
                location[:, b] = 0.0
                continue
            now = getattr(pose, path)
            values = np.tile(np.array(now, np.float64), (len(frames), 1))
            for i in range(len(now)):
                if curve := found.get((name, path, i)):
                    values[:, i] = curves.sample(curve, frames)
            out[:, b] = values if out is location else as_turns(values, pose.rotation_mode)
    render = bpy.context.scene.render
    return RigMotion(rig.bones, basis, location, np.ones(len(rig), bool), render.fps / render.fps_base)


def rotation_property(pose_bone) -> str:
    """The property that holds a bone's rotation in its mode."""
    return _ROTATION.get(pose_bone.rotation_mode, "rotation_euler")


def as_turns(values, mode: str) -> np.ndarray:
    """Rotations (T,4) of what keys hold in a bone's rotation mode."""
    if mode == "QUATERNION":
        return quat.normalise(values)
    if mode == "AXIS_ANGLE":
        return quat.normalise(quat.from_axis_angle(values[:, 1:], values[:, 0]))
    order = mode.lower()[::-1]
    return quat.from_euler(values[:, ["xyz".index(letter) for letter in order]], order)


def _alone(obj) -> bool:
    """Whether nothing but an Action, as it is, moves the bones, and they keep their size."""
    scene, animation, handlers = bpy.context.scene, obj.animation_data, bpy.app.handlers
    if handlers.frame_change_pre or handlers.frame_change_post:
        return False
    if scene.render.frame_map_old != scene.render.frame_map_new or obj.data.pose_position != "POSE":
        return False
    if obj.data.animation_data is not None or (animation is not None and not _plain(animation)):
        return False
    return all(
        not any(not c.mute for c in bone.constraints) and np.abs(np.array(bone.scale) - 1.0).max() < _NO_SCALE
        for bone in obj.pose.bones
    )


def _plain(animation) -> bool:
    if len(animation.drivers) or animation.use_tweak_mode:
        return False
    if not animation.use_nla or not len(animation.nla_tracks):
        return True
    muted = all(track.mute for track in animation.nla_tracks) and not any(t.is_solo for t in animation.nla_tracks)
    usual = (animation.action_blend_type, animation.action_influence, animation.action_extrapolation)
    return muted and usual == ("REPLACE", 1.0, "HOLD")


def _curves(obj) -> dict | None:
    """{(bone, property, index): F-curve} of what moves; None where a curve does what we do not follow."""
    animation, found = obj.animation_data, {}
    if animation is None or animation.action is None:
        return found
    action, slot = animation.action, compat.assigned_slot(animation)
    if slot is None and hasattr(action, "slots"):
        return found
    paths = {f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"]': bone.name for bone in obj.pose.bones}
    for curve in compat.action_fcurves(action, slot):
        bone, _, name = curve.data_path.rpartition(".")
        if curve.mute or (curve.group is not None and curve.group.mute) or bone not in paths:
            continue
        if name in _MOVING:
            found[paths[bone], name, curve.array_index] = curve
        elif name == "rotation_mode" or (name == "scale" and not curves.still_at(curve, 1.0, _NO_SCALE)):
            return None
    return found
