"""Keypoints made whole: flips undone, outliers and gaps bridged, noise smoothed away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..motion import filters
from ..motion.layouts import layout
from ..motion.skeleton import JOINTS

_SHORT_GAP_S = 0.5
_CUT_OFF = 0.25  # of the trunk
_LONE_S = 0.15
# landmarks whose visibility scores a joint
_SCORES = {
    "pelvis": (23, 24), "spine1": (11, 12, 23, 24), "spine2": (11, 12, 23, 24), "spine3": (11, 12), "neck": (7, 8),
    "head": (0, 7, 8), "clavicle_l": (11,), "clavicle_r": (12,), "upper_arm_l": (11, 13), "upper_arm_r": (12, 14),
    "forearm_l": (13, 15), "forearm_r": (14, 16), "hand_l": (15, 17, 19), "hand_r": (16, 18, 20),
    "thigh_l": (23, 25), "thigh_r": (24, 26), "shin_l": (25, 27), "shin_r": (26, 28),
    "foot_l": (27, 29, 31), "foot_r": (28, 30, 32), "toe_l": (31,), "toe_r": (32,),
}  # fmt: skip
# each point's other side
_OTHER_SIDE = [0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9] + [i + 1 if i % 2 else i - 1 for i in range(11, 33)]
_LEGS_EXCHANGED = [_OTHER_SIDE[i] if i > 24 else i for i in range(33)]
_ARMS_EXCHANGED = [_OTHER_SIDE[i] if 12 < i < 23 else i for i in range(33)]
# which point each one is, and the sign of its depth
_READINGS = ((list(range(33)), 1.0), (_OTHER_SIDE, -1.0), (_LEGS_EXCHANGED, 1.0), (_ARMS_EXCHANGED, 1.0))
_BODY = [0, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
# how calmly points move beside wrists, ankles and what hangs on them: shares of the cutoff
_CALM = np.ones(33)
_CALM[:11], _CALM[[13, 14, 25, 26]], _CALM[[11, 12, 23, 24]] = 0.85, 0.85, 0.5
_FLIP_M_S = 0.5  # how dear it is to believe in a flip: one of a second costs as much as joints 0.5 m off


def unflip(keypoints):
    """The keypoints with brief mistakes of side undone: the body read as seen from behind, legs or arms exchanged.

    A body seen from the front and its mirror image in depth, left and right exchanged, look alike,
    and estimators jump between the two; crossing legs they take for each other.  The cheapest sequence of
    readings is taken (Viterbi 1967): joints move little from frame to frame, and a reading other than the
    estimator's has its price.
    """
    if len(keypoints) < 2:
        return keypoints
    step = _steps(filters.fill_gaps(keypoints.xyz[:, _BODY]), keypoints.fps)
    # by how many of the points it changes
    share = [np.mean([order[i] != i for i in _BODY]) for order, _ in _READINGS]
    price = _FLIP_M_S / keypoints.fps * np.array(share)
    total, came = price.copy(), np.zeros((len(keypoints), len(_READINGS)), int)
    for t in range(1, len(keypoints)):
        ways = total[None, :] + step[:, :, t - 1]
        came[t] = ways.argmin(axis=1)
        total = ways.min(axis=1) + price
    read = np.zeros(len(keypoints), int)
    now = int(total.argmin())
    for t in range(len(keypoints) - 1, -1, -1):
        read[t] = now
        now = came[t, now]
    if not read.any():
        return keypoints
    xyz, xy, score = (np.array(x) for x in (keypoints.xyz, keypoints.xy, keypoints.score))
    for way, (order, deep) in enumerate(_READINGS[1:], 1):
        here = read == way
        xyz[here] = xyz[here][:, order] * [1.0, deep, 1.0]
        xy[here], score[here] = xy[here][:, order], score[here][:, order]
    return replace(keypoints, xy=xy, xyz=xyz, score=score)


def _steps(near, fps):
    """(4,4,T-1) `_way` from each reading before to each one now, of points near (T,13,3), those of _BODY."""
    step = np.empty((len(_READINGS), len(_READINGS), len(near) - 1), np.float32)
    for wide, _ in filters.blocks(len(near), fps):
        readings = [near[wide][:, [_BODY.index(order[i]) for i in _BODY]] * [1.0, deep, 1.0] for order, deep in _READINGS]
        step[..., wide.start : wide.start + len(readings[0]) - 1] = [
            [_way(now[1:], before[:-1]) for before in readings] for now in readings
        ]
    return step


def _way(now, before):
    """(T,) metres that points (T,N,3) went, on average, none more than 0.5."""
    return np.minimum(np.linalg.norm(now - before, axis=-1), 0.5).mean(axis=-1)


def _lone(seen, fps):
    """(T,) True in sightings of under 0.15 s where there are longer ones: chance finds, mostly wrong."""
    length = filters.run_lengths(seen)
    return seen & (length < round(_LONE_S * fps)) & (length.max() >= round(_LONE_S * fps))


def whole(keypoints, cutoff_hz):
    """Smooth points (T,33,3) and pixels (T,33,2), weights (T,33), frames seen (T,), scores (T,22).

    Outliers and gaps are bridged.  Seen are frames with the person, and in gaps up to 0.5 s.
    """
    fps = keypoints.fps
    lost = ~(np.isfinite(keypoints.xyz).all(-1) & np.isfinite(keypoints.xy).all(-1))
    lost |= _lone(~lost.all(axis=1), fps)[:, None]
    long = lost & (filters.run_lengths(lost) > round(_SHORT_GAP_S * fps))
    xyz, xy = _bridged(keypoints.xyz, lost), _bridged(keypoints.xy, lost)
    pixel = max(float(np.median(np.linalg.norm(xy[:, 11] - xy[:, 24], axis=-1))), 10.0) / 25.0

    def block(xyz, xy, score, lost, long):
        jumps = filters.outliers(xyz, fps, floor=0.08) & ~lost
        weight = np.where(lost | jumps, 0.02, np.clip(score, 0.05, 1.0) ** 2)
        calm = weight * _CALM**4  # the cutoff goes as the fourth root of the weight
        points = filters.fill_gaps(np.where(jumps[..., None], np.nan, xyz))
        points = filters.robust_smooth(points, cutoff_hz, fps, calm, spread=0.02)
        bridged = np.where(lost, 0.5 * filters.fill_gaps(np.where(lost, np.nan, score)), score)
        bridged = np.where(long, 0.0, bridged)
        by_joint = np.stack([bridged[:, list(_SCORES[n])].mean(axis=1) for n in JOINTS], axis=-1)
        return points, filters.robust_smooth(xy, cutoff_hz, fps, calm, spread=pixel), weight, np.clip(by_joint, 0.0, 1.0)

    points, xy, weight, score = filters.in_blocks(
        block, fps, xyz, xy, keypoints.score, lost, long, overlap_s=2.0 + 2.0 / cutoff_hz
    )
    seen = ~(lost & long).all(axis=1)
    edge = np.flatnonzero(~lost.all(axis=1))
    seen[: edge[0]] = seen[edge[-1] + 1 :] = False
    return points, xy, weight, seen, score


def _bridged(x, lost):
    """x (T,33,D) in float32 with straight lines where `lost` (T,33)."""
    out = np.where(lost[..., None], np.float32(np.nan), x)
    for k in np.flatnonzero(lost.any(axis=0)):
        out[:, k] = filters.fill_gaps(out[:, k])
    return out


def without_cut_off_legs(keypoints):
    """The keypoints with low scores for legs that the picture cuts off: they are made up, however sure the estimator is.

    One whose knee or ankle lies outside by a quarter of the trunk's length scores 0.  To be asked before a camera's
    movement is taken out of them; a layout without trunk or legs is left as it is.
    """
    names = layout(keypoints.layout).names
    at = {name: i for i, name in enumerate(names)}
    if not {"shoulder_l", "hip_l", "knee_l", "ankle_l"} <= set(at):
        return keypoints
    ends = [[at[f"{part}_{side}"] for side in "lr"] for part in ("shoulder", "hip")]
    trunk = np.linalg.norm(keypoints.xy[:, ends[0]] - keypoints.xy[:, ends[1]], axis=-1)
    if not np.isfinite(trunk).any():
        return keypoints
    score, longest = np.array(keypoints.score), _CUT_OFF * max(float(np.nanmedian(trunk)), 1.0)
    for side in "lr":
        xy = keypoints.xy[:, [at[f"knee_{side}"], at[f"ankle_{side}"]]]
        beyond = np.maximum(np.maximum(-xy, xy - np.array(keypoints.size)), 0.0).max(axis=(1, 2))
        leg = [at[name] for part in ("knee", "ankle", "heel", "toe") if (name := f"{part}_{side}") in at]
        score[:, leg] *= np.clip(1.0 - np.nan_to_num(beyond) / longest, 0.0, 1.0)[:, None]
    return replace(keypoints, score=score)


def legs_seen(keypoints):
    """(T,2) 0..1 how surely the left and right leg are seen: out of the picture they are made up.

    A leg in the picture is as sure as the other one where that hides it.
    """
    legs = [[25, 27], [26, 28]]
    there = np.isfinite(keypoints.xyz[:, legs]).all(axis=-1)
    sure = filters.fill_gaps(np.where(there, keypoints.score[:, legs], np.nan)).mean(axis=-1)
    xy = filters.fill_gaps(keypoints.xy[:, legs])
    whole = ((xy >= 0.0) & (xy <= keypoints.size)).all(axis=(2, 3))
    sure = np.where(whole, sure.max(axis=1, keepdims=True), sure)
    return np.clip(filters.smooth(np.clip((sure - 0.15) / 0.2, 0.0, 1.0), 1.0, keypoints.fps), 0.0, 1.0)
