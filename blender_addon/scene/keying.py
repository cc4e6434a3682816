"""A RigMotion into curves: a new Action on the armature, and nothing else touched."""

from __future__ import annotations

import bpy
import numpy as np
from poseloom.errors import BadInput
from poseloom.motion import euler, quat
from poseloom.motion.types import RigMotion
from poseloom.progress import Report, silent

from .. import compat
from . import notes

PREVIOUS = ("nla", "fake_user")
# one key a frame: straight between them, and marked so that a user's own keys stand out; and key poses, which are keys
BAKED = {"interpolation": "LINEAR", "type": "JITTER"}
POSED = {
    "interpolation": "BEZIER", "type": "KEYFRAME", "handle_left_type": "AUTO_CLAMPED", "handle_right_type": "AUTO_CLAMPED",
}  # fmt: skip


def write(
    obj, motion: RigMotion, *, name: str, start_frame: int, keep_previous: str = "nla", assign: bool = True,
    frames=None, report: Report = silent,
):  # fmt: skip
    """The new Action `name`, assigned to `obj`, one key a frame from `start_frame` on; or, with the frame of each row
    in `frames`, key poses on these alone, with Bezier curves between.

    `motion` runs at the scene's rate.  Only `motion.keyed` bones get rotation curves, in each
    bone's own rotation mode, and only finite locations get keys.  `props` (IK/FK switches and
    the like) are keyed where they change.  The Action played before is kept: on a muted NLA
    track ("nla"), or by a fake user; what `runs.revert` needs is noted on the new one.  Without
    `assign` the Action only lies in the file, by a fake user.  Raises BadInput, and then leaves
    everything as it was.
    """
    if keep_previous not in PREVIOUS:
        raise BadInput("bad_option", f'keep_previous is "{keep_previous}"; known: {", ".join(PREVIOUS)}.')
    check_editable(obj)
    _check_targets(obj, motion)
    action = bpy.data.actions.new(name)
    try:
        channels, slot = compat.new_channels(action, obj)
        look = BAKED if frames is None else POSED
        frames = start_frame + np.arange(len(motion)) if frames is None else np.asarray(frames)
        _write_bones(obj, motion, channels, frames, look, report)
        _write_props(motion, channels, frames)
        if not assign:
            action.use_fake_user = True
            return action
        notes.note_run(action, obj)
        animation = obj.animation_data_create()
        notes.note_track(action, _keep(animation, keep_previous))
        compat.assign_action(animation, action, slot)
        animation.action_blend_type, animation.action_influence = "REPLACE", 1.0
    except BaseException:  # a cancelled or failed bake leaves no half Action behind
        bpy.data.actions.remove(action)
        raise
    return action


def rewrite(obj, motion: RigMotion, channels, start_frame: int) -> None:
    """`motion` into the channels of an Action that is there: one key a frame in place of the keys it had."""
    frames = start_frame + np.arange(len(motion))
    _write_bones(obj, motion, channels, frames, BAKED, silent)
    _write_props(motion, channels, frames)


def write_curves(curves, channels, start_frame: int) -> None:
    """RigCurves of `poseloom.retarget.reduce` into channels: their keys and handles in place of what was there."""
    for curve in curves.curves:
        path = f"{bone_path(curve.bone)}.{curve.path}"
        left, right = curve.handles()
        for i, index in enumerate(curve.index):
            written = compat.fcurve(channels, path, index, curve.bone)
            points = written.keyframe_points
            points.add(len(curve))
            co = np.stack([curve.frames, curve.values[:, i]], axis=-1)
            for attribute, places in (("co", co), ("handle_left", left[:, i]), ("handle_right", right[:, i])):
                points.foreach_set(attribute, (places + [start_frame, 0.0]).astype(np.float32).ravel())
            _set_all(points, interpolation="BEZIER", handle_left_type="ALIGNED", handle_right_type="ALIGNED",
                     type="GENERATED")  # fmt: skip
            written.update()


def bone_path(bone: str) -> str:
    """The data path of a pose bone, from its object."""
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"]'


def check_editable(obj) -> None:
    """BadInput where Blender would not let us, or would not save, an Action on `obj`."""
    override = obj.override_library
    if obj.library is not None and override is None:
        raise BadInput(
            "linked_armature",
            f'The armature "{obj.name}" is linked from {bpy.path.basename(obj.library.filepath)} and cannot be keyed.',
            "Make it a library override first (Object > Library Override > Make).",
        )
    if override is not None and override.is_system_override:
        raise BadInput(
            "locked_override",
            f'The library override of "{obj.name}" is not editable.',
            "Make it editable first (Outliner > Library Override > Make Editable).",
        )
    if obj.animation_data is not None and obj.animation_data.use_tweak_mode:
        raise BadInput(
            "tweak_mode",
            f'An NLA strip of "{obj.name}" is being tweaked.',
            "Leave tweak mode first (Tab in the NLA editor).",
        )


def _check_targets(obj, motion: RigMotion) -> None:
    moved = motion.keyed | np.isfinite(motion.location).any(axis=(0, 2))
    missing = [bone for bone, on in zip(motion.bones, moved) if on and bone not in obj.pose.bones]
    for path in motion.props:
        try:
            obj.path_resolve(path)
        except ValueError:
            missing.append(path)
    if missing:
        raise BadInput(
            "missing_bones",
            f'"{obj.name}" lacks what the motion moves: {", ".join(missing[:8])}.',
            "Read the rig anew.",
        )


def _write_bones(obj, motion: RigMotion, channels, frames, look: dict, report: Report) -> None:
    curves = _rotation_curves(obj, motion)
    for b, bone in enumerate(motion.bones):
        path = bone_path(bone)
        if bone in curves:
            channel, values = curves[bone]
            for i in range(values.shape[1]):
                _write_curve(compat.fcurve(channels, f"{path}.{channel}", i, bone), frames, values[:, i], look)
        for i in range(3):
            values = motion.location[:, b, i]
            finite = np.isfinite(values)
            if finite.any():
                curve = compat.fcurve(channels, f"{path}.location", i, bone)
                _write_curve(curve, frames[finite], values[finite], look)
        report((b + 1) / len(motion.bones), f"Keying {obj.name}")


def _rotation_curves(obj, motion: RigMotion) -> dict:
    """{bone: (channel, values (T,n))} of the keyed bones, all bones of one mode at a time."""
    by_mode = {}
    for b in np.flatnonzero(motion.keyed):
        by_mode.setdefault(obj.pose.bones[motion.bones[b]].rotation_mode, []).append(b)
    curves = {}
    for mode, chosen in by_mode.items():
        if mode == "QUATERNION":
            channel = "rotation_quaternion"
            turns = [quat.unroll(_toward_identity(quat.normalise(motion.basis[:, b]))) for b in chosen]
        elif mode == "AXIS_ANGLE":
            channel = "rotation_axis_angle"
            turns = euler.smooth_axis_angle(_toward_identity(quat.normalise(motion.basis[:, chosen]))).swapaxes(0, 1)
        else:
            channel = "rotation_euler"
            turns = euler.smooth_euler(quat.normalise(motion.basis[:, chosen]), mode).swapaxes(0, 1)
        curves.update((motion.bones[b], (channel, values)) for b, values in zip(chosen, turns))
    return curves


def _toward_identity(q):
    """The same rotations with w >= 0 in the first frame, so that blending to rest goes the short way."""
    return np.where(q[:1, ..., :1] < 0.0, -q, q)


def _write_props(motion: RigMotion, channels, frames) -> None:
    for path, values in motion.props.items():
        changes = np.flatnonzero(np.r_[True, np.diff(values) != 0.0])
        curve = compat.fcurve(channels, path, 0, _group_of(path))
        _write_curve(curve, frames[changes], values[changes], {**BAKED, "interpolation": "CONSTANT"})


def _group_of(path: str) -> str:
    """The bone a data path belongs to, else "Properties"."""
    pieces = path.split('"')
    return pieces[1] if path.startswith('pose.bones["') else "Properties"


def _write_curve(curve, frames, values, look: dict) -> None:
    count = len(frames)
    co = np.empty(2 * count, np.float32)
    co[0::2], co[1::2] = frames, values
    if look["interpolation"] != "BEZIER":
        curve.auto_smoothing = "NONE"  # to smooth handles that nothing uses takes Blender longer than all else here
    points = curve.keyframe_points
    points.add(count)
    points.foreach_set("co", co)
    _set_all(points, **look)
    curve.update()


def _set_all(points, **choices) -> None:
    for attribute, choice in choices.items():
        value = bpy.types.Keyframe.bl_rna.properties[attribute].enum_items[choice].value
        points.foreach_set(attribute, np.full(len(points), value, np.uint8))


def _keep(animation, how: str):
    """Keep the Action played so far where the user can find it; the NLA track made for it, if one was."""
    previous, slot = animation.action, compat.assigned_slot(animation)
    if previous is None:
        return None
    curves = compat.action_fcurves(previous, slot)
    if how == "nla" and any(len(curve.keyframe_points) for curve in curves):
        track = animation.nla_tracks.new()
        track.name = previous.name
        strip = track.strips.new(previous.name, int(np.floor(previous.frame_range[0])), previous)
        compat.assign_action(strip, previous, slot)
        track.mute = True
        return track
    if previous.library is None:
        previous.use_fake_user = True
    return None
