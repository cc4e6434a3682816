"""Points of the hands to the rotations of wrists and fingers, on a body that is solved already."""

from __future__ import annotations

import numpy as np

from ..motion import filters, fingers, quat
from ..motion.layouts import layout
from ..motion.skeleton import FINGERS, JOINTS, global_rotations, motion_fk
from ..motion.types import Keypoints, Motion
from . import landmarks

_NAMES = ("thumb", "index", "middle", "ring", "pinky")
_KNUCKLES = (5, 9, 13, 17)
_SURE = 0.5  # a hand is seen from this score on
_FADE_S = 0.4  # within which it goes over to a relaxed one
_HZ = 6.0
# degrees: knuckles bend, and spread to either side; hinges bend, and over; thumbs swing at the root and bend
_KNUCKLE, _SPREAD, _HINGE, _THUMB, _THUMB_HINGE = (-25.0, 95.0), 20.0, (-8.0, 105.0), 50.0, 70.0
_WRIST, _BACKWARDS = 80.0, 8.0
# bones by which the camera's axes are brought to the motion's: the joints at their ends, and BlazePose's points
_BONES = (
    ("upper_arm_l", "forearm_l", 11, 13), ("forearm_l", "hand_l", 13, 15), ("thigh_l", "shin_l", 23, 25),
    ("shin_l", "foot_l", 25, 27), ("upper_arm_r", "forearm_r", 12, 14), ("forearm_r", "hand_r", 14, 16),
    ("thigh_r", "shin_r", 24, 26), ("shin_r", "foot_r", 26, 28), ("upper_arm_r", "upper_arm_l", 12, 11),
    ("thigh_r", "upper_arm_r", 24, 12), ("thigh_l", "upper_arm_l", 23, 11),
)  # fmt: skip
_X, _Y, _Z = np.eye(3)


def with_hands(motion: Motion, keypoints: Keypoints) -> Motion:
    """`motion` of 22 joints, solved from `keypoints` with both hands, with 30 finger joints and wrists as seen.

    Knuckles bend and spread, the other joints are hinges, all within the limits of a hand.  Where a hand is not seen
    it is relaxed, going over softly within 0.4 s.  Motion and keypoints have the same frames.
    """
    fps = motion.fps
    grot = global_rotations(motion.lrot, motion.skeleton.parents)
    turn = to_world(motion, keypoints)
    relaxed = fingers.relaxed()
    lrot = np.concatenate([motion.lrot, np.broadcast_to(relaxed, (len(motion), *relaxed.shape))], axis=1).astype(float)
    score = np.concatenate([motion.score, np.zeros((len(motion), len(FINGERS)))], axis=1)
    for side in "lr":
        points, sure = _points(keypoints, side)
        if not sure.any():
            continue
        points = _forwards(points, side)
        hand = _hand(points, side)
        share = share_of(sure > 0.0, fps)
        j = JOINTS.index(f"hand_{side}")
        fore = grot[:, motion.skeleton.parents[j]]
        local = limited(quat.multiply(quat.inverse(fore), quat.multiply(turn, hand)), _WRIST)
        local = filters.smooth_quaternions(filters.slerp_gaps(local, sure > 0.0), _HZ, fps)
        lrot[:, j] = quat.slerp(motion.lrot[:, j], local, share)
        turns = _fingers(quat.rotate(quat.inverse(hand)[:, None], points), side, sure, fps)
        columns = [len(JOINTS) + FINGERS.index(f"{name}{i}_{side}") for name in _NAMES for i in (1, 2, 3)]
        lrot[:, columns] = quat.slerp(lrot[:, columns], turns, np.repeat(share[:, None], len(columns), axis=1))
        score[:, columns] = (share * filters.fill_gaps(np.where(sure > 0.0, sure, np.nan)))[:, None]
    return motion.with_(
        skeleton=fingers.with_fingers(motion.skeleton), lrot=quat.unroll(lrot), score=np.clip(score, 0.0, 1.0)
    )


def _points(keypoints: Keypoints, side: str) -> tuple:
    """((T,21,3) metres, those of frames in between where the hand is not seen; (T,) how surely it is, 0 where not)."""
    names = layout(keypoints.layout).names
    first = names.index(f"palm_{side}")
    points = np.array(keypoints.xyz[:, first : first + 21], np.float64)
    score = keypoints.score[:, first : first + 21].mean(axis=1)
    sure = np.where(np.isfinite(points).all(axis=(1, 2)) & (score >= _SURE), score, 0.0)
    points[sure == 0.0] = np.nan
    return (filters.fill_gaps(points) if sure.any() else points), sure


def _hand(points, side):
    """(T,4) a hand as it lies in the camera's axes: along its knuckles, index before the little finger."""
    along = points[:, _KNUCKLES].mean(axis=1) - points[:, 0]
    return quat.from_two_vectors(along, points[:, 5] - points[:, 17], along=fingers.AHEAD[side], beside=-_Y)


def _forwards(points, side):
    """Points (T,21,3) of a hand, those whose fingers bend over backwards mirrored in depth: flat pictures mislead."""
    mirrored = points.copy()
    mirrored[..., 1] = 2.0 * points[:, :1, 1] - points[..., 1]
    wrong = _bend(points, side) < -_BACKWARDS
    return np.where((wrong & (_bend(mirrored, side) > 0.0))[:, None, None], mirrored, points)


def _bend(points, side):
    """(T,) by how much the hinges of the four fingers are bent on average, in degrees."""
    local = quat.rotate(quat.inverse(_hand(points, side))[:, None], points)
    total = np.zeros(len(points))
    for first in _KNUCKLES:
        bones = np.diff(local[:, first : first + 4], axis=1)
        across = np.broadcast_to(fingers.AHEAD[side][0] * _Y, bones[:, 0].shape)
        total += _about(across, bones[:, 0], bones[:, 1]) + _about(across, bones[:, 1], bones[:, 2])
    return np.degrees(total) / (2 * len(_KNUCKLES))


def _fingers(points, side, sure, fps):
    """(T,15,4) local rotations of a hand's finger joints from its points (T,21,3) in the axes of the hand."""
    sign, turns = fingers.AHEAD[side][0], []
    for number, name in enumerate(_NAMES):
        chain = points[:, 1 + 4 * number : 5 + 4 * number]
        bones = np.diff(chain, axis=1)
        if name == "thumb":
            turns += _thumb(bones, side, sure, fps)
            continue
        angles = np.zeros((len(points), 4))
        angles[:, 1] = np.arctan2(bones[:, 0, 1], np.maximum(np.hypot(bones[:, 0, 0], bones[:, 0, 2]), 1e-9))
        angles[:, 0] = np.arctan2(-bones[:, 0, 2], sign * bones[:, 0, 0])
        angles[:, 0] = np.where(angles[:, 0] < -np.pi / 2, np.pi, angles[:, 0])  # a fist, bent over
        spread = quat.from_axis_angle(_Z, sign * np.clip(angles[:, 1], *np.radians([-_SPREAD, _SPREAD])))
        angles[:, 1] = np.clip(angles[:, 1], *np.radians([-_SPREAD, _SPREAD]))
        # about an axis across the finger, which the spread turns along
        axis = quat.rotate(spread, sign * _Y)
        for i in (1, 2):
            angles[:, 1 + i] = _about(axis, bones[:, i - 1], bones[:, i])
        low, high = np.radians([_KNUCKLE, (-_SPREAD, _SPREAD), _HINGE, _HINGE]).T
        angles = filters.smooth(np.clip(angles, low, high), _HZ, fps, np.maximum(sure, 1e-3)[:, None])
        angles = np.clip(angles, low, high)
        turns.append(
            quat.multiply(quat.from_axis_angle(_Z, sign * angles[:, 1]), fingers.bent(name, side, angles[:, 0]))
        )
        turns += [fingers.bent(name, side, angles[:, i]) for i in (2, 3)]
    return np.stack(turns, axis=1)


def _thumb(bones, side, sure, fps) -> list:
    turns, above = [], np.broadcast_to(quat.IDENTITY, (len(bones), 4))
    for i, most in enumerate((_THUMB, _THUMB_HINGE, _THUMB_HINGE)):
        seen = quat.rotate(quat.inverse(above), bones[:, i])
        local = limited(quat.between(fingers.ahead("thumb", side), seen), most)
        turns.append(filters.smooth_quaternions(local, _HZ, fps, np.maximum(sure, 1e-3)))
        above = quat.multiply(above, turns[-1])
    return turns


def _about(axis, a, b):
    """(T,) the angle about `axis` (T,3) from a to b."""
    a, b = (v - np.sum(v * axis, axis=-1, keepdims=True) * axis for v in (a, b))
    return np.arctan2(np.sum(np.cross(a, b) * axis, axis=-1), np.sum(a * b, axis=-1))


def limited(turn, most_deg: float):
    v = quat.log(turn)
    size = np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)
    return quat.exp(v * np.minimum(1.0, np.radians(most_deg) / size))


def share_of(seen, fps: float):
    """(T,) 1 where a hand is seen, falling to 0 within _FADE_S of that."""
    frames, t = np.flatnonzero(seen), np.arange(len(seen))
    after = np.searchsorted(frames, t).clip(0, len(frames) - 1)
    away = np.minimum(np.abs(t - frames[after]), np.abs(t - frames[np.maximum(after - 1, 0)]))
    x = np.clip(1.0 - away / max(1.0, _FADE_S * fps), 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def to_world(motion: Motion, keypoints: Keypoints):
    """(T,4) from the camera's axes to the motion's world, one rotation a shot, by the bones of both (Kabsch)."""
    from .root import FOCAL

    _, gpos = motion_fk(motion)
    xyz = np.array(keypoints.xyz[:, :33], np.float64)
    xyz = landmarks.in_camera_axes(
        xyz, np.array(keypoints.xy[:, :33], np.float64), keypoints.size, FOCAL * max(keypoints.size)
    )
    edges = [0, *(cut for cut in keypoints.cuts if 0 < cut < len(xyz)), len(xyz)]
    out = np.empty((len(motion), 4))
    for first, end in zip(edges[:-1], edges[1:]):
        rows, total = slice(first, end), np.zeros((3, 3))
        for upper, lower, p, q in _BONES:
            bone = gpos[rows, JOINTS.index(lower)] - gpos[rows, JOINTS.index(upper)]
            seen = xyz[rows, q] - xyz[rows, p]
            weight = np.minimum(keypoints.score[rows, p], keypoints.score[rows, q]) ** 2
            good = np.isfinite(seen).all(axis=-1)
            total += np.einsum("t,ti,tj->ij", weight[good], bone[good], seen[good])
        u, _, v = np.linalg.svd(total)
        out[rows] = quat.from_matrix(u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v)
    return out
