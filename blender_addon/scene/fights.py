"""Constraints, drivers and poses left above that fight a bake: what the user sees is then not what was keyed."""

from __future__ import annotations

import bpy
import numpy as np
from poseloom.motion import quat
from poseloom.motion.types import RigMotion

from . import armature, keying

_CHECKED = 5  # frames looked at
_TURNED_RAD, _MOVED_M = np.radians(1.0), 0.002


def find(obj, motion: RigMotion, start: int) -> tuple:
    """Sentences that name each driver of a keyed channel, each constraint that changes a keyed bone, and each bone without
    keys that is posed above keyed ones.

    A constraint counts where it turns or moves its bone off what the keys on it say, by more than
    1 degree or 2 mm, in one of a few frames looked at; the playhead is put back.
    """
    return _drivers(obj, motion) + _constraints(obj, motion, start) + _posed(obj, motion)


def _drivers(obj, motion) -> tuple:
    keyed = {}
    for b, bone in enumerate(motion.bones):
        if motion.keyed[b]:
            keyed.update((f"{keying.bone_path(bone)}.{name}", f"rotation of {bone}") for name in (
                "rotation_quaternion", "rotation_euler", "rotation_axis_angle"))  # fmt: skip
        if np.isfinite(motion.location[:, b]).any():
            keyed[f"{keying.bone_path(bone)}.location"] = f"location of {bone}"
    keyed.update((path, path) for path in motion.props)
    drivers = [curve.data_path for curve in obj.animation_data.drivers if not curve.mute]
    found = [keyed[path] for path in drivers if path in keyed]
    return tuple(f"A driver overrules the keys of the {what}" for what in dict.fromkeys(found))


def _constraints(obj, motion, start) -> tuple:
    rows = {}
    for b, bone in enumerate(motion.bones):
        if motion.keyed[b] or np.isfinite(motion.location[:, b]).any():
            names = [c.name for c in obj.pose.bones[bone].constraints if not c.mute and c.enabled and c.influence > 0.0]
            if names:
                rows[b] = names
    if not rows:
        return ()
    off = _off(obj, motion, start, list(rows))
    fighting = [(motion.bones[b], names) for (b, names), bad in zip(rows.items(), off) if bad]
    return tuple(
        f"{' and '.join(names)} on {bone} {'changes' if len(names) == 1 else 'change'} what was keyed"
        for bone, names in fighting
    )


def _posed(obj, motion) -> tuple:
    moved = motion.keyed | np.isfinite(motion.location).any(axis=(0, 2))
    keyed = {bone for bone, on in zip(motion.bones, moved) if on}
    above = dict.fromkeys(bone.name for name in keyed for bone in obj.pose.bones[name].parent_recursive)
    linear, found = obj.matrix_world.to_3x3(), []
    for name in above:
        basis = obj.pose.bones[name].matrix_basis
        way = linear @ obj.pose.bones[name].bone.matrix_local.to_3x3() @ basis.translation
        if name not in keyed and (basis.to_quaternion().angle > _TURNED_RAD or way.length > _MOVED_M):
            found.append(f"{name} is posed and moves along what was keyed below it")
    return tuple(sorted(found))


def _off(obj, motion, start, rows) -> np.ndarray:
    """(n,) whether each bone of `rows` is seen elsewhere than its keys say."""
    rig = armature.read(obj)
    order = [rig.index(motion.bones[b]) for b in rows]
    scene, off = bpy.context.scene, np.zeros(len(rows), bool)
    playhead, subframe = scene.frame_current, scene.frame_subframe
    try:
        for row in np.unique(np.linspace(0, len(motion) - 1, _CHECKED).astype(int)):
            scene.frame_set(start + int(row))
            seen = armature.relative_to_rest(rig, armature.pose_matrices(obj, rig.bones)[None])
            turned = quat.angle(seen[0][0, order], motion.basis[row, rows]) > _TURNED_RAD
            keyed = np.isfinite(motion.location[row, rows])
            move = np.where(keyed, seen[1][0, order] - np.nan_to_num(motion.location[row, rows]), 0.0)
            moved = np.linalg.norm(move @ rig.world[:3, :3].T, axis=-1) > _MOVED_M
            off |= (turned & motion.keyed[rows]) | moved
    finally:
        scene.frame_set(playhead, subframe=subframe)
    return off
