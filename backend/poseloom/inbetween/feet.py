"""Feet of filled frames: those that rest neither slide nor sink, and meet the keys where these have them."""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.contacts import find_contacts, foot_points, runs
from ..motion.ik import two_bone
from ..motion.skeleton import local_rotations, motion_fk
from ..motion.types import Motion

# a foot is taken to rest below these speeds, tight and loose, in m/s; interpolation makes resting feet creep
_STILL_M_S = (0.2, 0.45)
# feet of two neighbouring keys this near together, and this near the floor, rest between them as well, in metres
_SAME_M, _LOW_M = 0.04, 0.06
_FORWARD = np.array([0.0, -1.0, 0.0])


def plant(motion: Motion, rows) -> Motion:
    """`motion` with the legs of frames that are not in rows (T,) bool bent so that resting feet stay.

    A foot that rests from a key on stands where it has it, one between keys where it mostly was.  The
    floor is where the lowest foot of the keys is.  Hips stay, and so do turns of feet that do not rest.
    """
    rows, hole = np.asarray(rows, bool), ~np.asarray(rows, bool)
    if not hole.any() or not rows.any():
        return motion
    skeleton = motion.skeleton
    grot, gpos = motion_fk(motion)
    points = foot_points(motion, grot, gpos)
    floor = float(points[rows][..., 2].min())
    rest = find_contacts(points, motion.fps, floor=floor, speed_m_s=_STILL_M_S) > 0.5
    rest |= _standing(points, rows, floor)
    points = _kept_flat(motion, grot, gpos, rest, rows)
    for side, letter in enumerate("lr"):
        thigh, shin, foot = (skeleton.index(n + letter) for n in ("thigh_", "shin_", "foot_"))
        shift = _shift(points[:, [side, 2 + side]], rest[:, [side, 2 + side]], rows)
        low = points[:, [side, 2 + side], 2].min(axis=1) + shift[:, 2] - floor
        shift[hole, 2] -= np.minimum(low, 0.0)[hole]
        start, target = gpos[hole, thigh], gpos[hole, foot] + shift[hole]
        grot[hole, thigh], grot[hole, shin] = two_bone(
            grot[hole, thigh], grot[hole, shin], skeleton.offsets[shin], skeleton.offsets[foot],
            start, _within(target, start, gpos[hole, foot], skeleton, shin, foot), _FORWARD,
        )  # fmt: skip
    lrot = np.array(motion.lrot)
    lrot[hole] = quat.unroll(local_rotations(grot, skeleton.parents))[hole]
    return motion.with_(lrot=lrot)


def _standing(points, rows, floor):
    """(T,4) where a foot must rest because it does, in one place, at the keys before and after."""
    rest, keys = np.zeros(points.shape[:2], bool), np.flatnonzero(rows)
    for a, b in zip(keys[:-1], keys[1:]):
        if b - a > 1:
            far = np.linalg.norm(points[b] - points[a], axis=-1)
            low = np.maximum(points[a, :, 2], points[b, :, 2]) - floor
            rest[a : b + 1] = (far < _SAME_M) & (low < _LOW_M)
    return rest


def _kept_flat(motion, grot, gpos, rest, rows):
    """The foot points (T,4,3) once feet that rest from key to key turn straight from one to the other, in grot."""
    keys = np.flatnonzero(rows)
    for side, letter in enumerate("lr"):
        for a, b in zip(keys[:-1], keys[1:]):
            if b - a > 1 and rest[a : b + 1, [side, 2 + side]].all():
                share = np.linspace(0.0, 1.0, b - a + 1)
                foot, toe = (motion.skeleton.index(n + letter) for n in ("foot_", "toe_"))
                for joint in (foot, toe):
                    ends = np.repeat(grot[[a, b], joint][:, None], b - a + 1, axis=1)
                    grot[a : b + 1, joint] = quat.slerp(*ends, share)
                gpos[a : b + 1, toe] = gpos[a : b + 1, foot] + quat.rotate(
                    grot[a : b + 1, foot], motion.skeleton.offsets[toe]
                )
    return foot_points(motion, grot, gpos)


def _shift(points, rest, rows):
    """(T,3) how far to move a foot whose heel and ball are points (T,2,3) and rest (T,2); nothing on keys."""
    move, weight = np.zeros((len(points), 3)), np.zeros(len(points))
    for k in (0, 1):
        for start, end in runs(rest[:, k]):
            here, keys = points[start:end, k], np.flatnonzero(rows[start:end])
            at = np.repeat(here.mean(axis=0)[None], end - start, axis=0)
            if len(keys):
                at = np.stack([np.interp(np.arange(end - start), keys, here[keys, c]) for c in range(3)], axis=-1)
            move[start:end] += at - here
            weight[start:end] += 1.0
    move /= np.maximum(weight, 1.0)[:, None]
    fixed = (weight > 0.0) | rows
    move[rows] = 0.0
    frames = np.flatnonzero(fixed)
    t = np.arange(len(points))
    after = np.minimum(np.searchsorted(frames, t), len(frames) - 1)
    before = np.maximum(np.searchsorted(frames, t, side="right") - 1, 0)
    share = np.clip((t - frames[before]) / np.maximum(frames[after] - frames[before], 1), 0.0, 1.0)[:, None]
    share = share * share * (3.0 - 2.0 * share)
    return (1.0 - share) * move[frames[before]] + share * move[frames[after]]


def _within(target, start, before, skeleton, shin, foot):
    """`target` (T,3), nearer to `start` where the leg, which reached `before`, would be pulled straight: no pops."""
    length = float(np.linalg.norm(skeleton.offsets[shin]) + np.linalg.norm(skeleton.offsets[foot]))
    most = np.maximum(np.linalg.norm(before - start, axis=-1, keepdims=True) / length, 0.97)
    far = np.maximum(np.linalg.norm(target - start, axis=-1, keepdims=True) / length, 1e-9)
    return start + (target - start) * np.minimum(1.0, most / far)
