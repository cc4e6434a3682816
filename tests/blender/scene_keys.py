"""Keys written and read back on an armature with every rotation mode and inheritance flag."""

import loose  # noqa: F401  isort: skip
import bpy
import numpy as np
from poseloom.errors import BadInput
from poseloom.motion import quat
from poseloom.motion.types import RigMotion
from poseloom.retarget import pose_matrices
from poseloom_addon import compat
from poseloom_addon.scene import armature, keying, strips
from odd_rig import odd_armature
from session import run

FRAMES = 200


def turning(rig):
    """Rotations that run through several whole turns, and locations for two bones of three."""
    rng = np.random.default_rng(2)
    count = len(rig)
    t = np.linspace(0.0, 8.0, FRAMES)[:, None]
    q = np.tile(quat.IDENTITY, (FRAMES, count, 1))
    for fastest in (2.0, 1.2):
        axes = np.broadcast_to(rng.normal(size=(count, 3)), (FRAMES, count, 3))
        q = quat.multiply(q, quat.from_axis_angle(axes, t * rng.uniform(0.5, fastest, count)))
    location = 0.1 * rng.normal(size=(FRAMES, count, 3)).cumsum(axis=0)
    location[:, ::3] = np.nan
    switch = np.where(np.arange(FRAMES) < 50, 0.0, 1.0)
    keyed = np.ones(count, bool)
    return RigMotion(rig.bones, q, location, keyed, 24.0, {'["switch"]': switch})


def main():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj = odd_armature()
    rig = armature.read(obj)
    motion = turning(rig)
    modes = [bone.rotation_mode for bone in obj.pose.bones]
    transform = [tuple(v) for v in obj.matrix_world]

    action = keying.write(obj, motion, name="first", start_frame=5)
    curves = compat.action_fcurves(action)
    jumps = [
        np.abs(np.diff([k.co[1] for k in c.keyframe_points])).max() for c in curves if "rotation" in c.data_path
    ]
    back = armature.play(obj, rig, 5, 4 + FRAMES)
    finite = np.isfinite(motion.location)
    bpy.context.scene.frame_set(105)
    whole = RigMotion(rig.bones, motion.basis, np.nan_to_num(motion.location), motion.keyed, 24.0)
    computed, seen = pose_matrices(rig, whole)[100], armature.pose_matrices(obj, rig.bones)
    switch = next(c for c in curves if c.data_path == '["switch"]')
    result = {
        "version": compat.version(),
        "rotation_error_deg": float(np.degrees(quat.angle(back.basis, motion.basis)).max()),
        "location_error": float(np.abs(back.location - motion.location)[finite].max()),
        "kernel_apart_from_blender": float(np.abs(computed - seen).max()),
        "location_where_unkeyed": float(np.abs(back.location[~finite]).max()),
        "largest_jump": float(max(jumps)),
        "first_frame": curves[0].keyframe_points[0].co[0],
        "interpolation": {c.keyframe_points[3].interpolation for c in curves if "pose" in c.data_path}.pop(),
        "groups_are_bones": all(c.group.name in rig.bones for c in curves if "pose" in c.data_path),
        "switch_keys": [[k.co[0], k.co[1], k.interpolation] for k in switch.keyframe_points],
        "modes_kept": modes == [bone.rotation_mode for bone in obj.pose.bones],
        "transform_kept": transform == [tuple(v) for v in obj.matrix_world],
    }
    # the next one: the first is kept on a muted track, then the second by a fake user
    second = keying.write(obj, motion, name="second", start_frame=1)
    track = obj.animation_data.nla_tracks[0]
    result["kept_on_track"] = [track.strips[0].action == action, track.mute, len(obj.animation_data.nla_tracks)]
    keying.write(obj, motion, name="third", start_frame=1, keep_previous="fake_user")
    result["kept_by_fake_user"] = [second.use_fake_user, obj.animation_data.action.name]

    # what cannot be keyed leaves everything as it was
    actions = len(bpy.data.actions)
    wrong = RigMotion(("nobody",), np.tile(quat.IDENTITY, (2, 1, 1)), np.zeros((2, 1, 3)), [True], 24.0)
    try:
        keying.write(obj, wrong, name="wrong", start_frame=1)
    except BadInput as error:
        result["refused"] = [error.code, len(bpy.data.actions) - actions, obj.animation_data.action.name]
    # one that is cancelled half-way too
    def cancel(fraction, text):
        if fraction > 0.5:
            raise KeyboardInterrupt

    try:
        keying.write(obj, motion, name="cancelled", start_frame=1, report=cancel)
    except KeyboardInterrupt:
        result["cancelled"] = [len(bpy.data.actions) - actions, obj.animation_data.action.name]
    result["strips"] = movie_strips()
    return result


def movie_strips():
    """Two clips one after the other: (name, first, end, channel) of all strips, at half the clip's rate."""
    import os

    clip = os.environ.get("CLIP")
    if not clip:
        return None
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 12, 1.0
    for start in (5, 8):
        strips.add_movie(scene, clip, start_frame=start, fps=24.0, stored="//clip.mp4")
    found = compat.strips(scene.sequence_editor)
    return [[s.type, *compat.strip_range(s), s.channel, getattr(s, "filepath", "")] for s in found]


run(main)
