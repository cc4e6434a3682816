"""Keypoints made whole: flips undone, outliers and gaps bridged, noise smoothed away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..motion import filters
from ..motion.skeleton import JOINTS

_SHORT_GAP_S = 0.5
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
    xyz = np.array(keypoints.xyz, np.float64)
    if len(xyz) < 2:
        return keypoints
    near = filters.fill_gaps(xyz)
    readings = [near[:, [order[i] for i in _BODY]] * [1.0, deep, 1.0] for order, deep in _READINGS]
    step = np.array([[_way(now[1:], before[:-1]) for before in readings] for now in readings])  # now, before, T-1
    # by how many of the points it changes
    share = [np.mean([order[i] != i for i in _BODY]) for order, _ in _READINGS]
    price = _FLIP_M_S / keypoints.fps * np.array(share)
    total, came = price.copy(), np.zeros((len(xyz), len(_READINGS)), int)
    for t in range(1, len(xyz)):
        ways = total[None, :] + step[:, :, t - 1]
        came[t] = ways.argmin(axis=1)
        total = ways.min(axis=1) + price
    read = np.zeros(len(xyz), int)
    now = int(total.argmin())
    for t in range(len(xyz) - 1, -1, -1):
        read[t] = now
        now = came[t, now]
    if not read.any():
        return keypoints
    xy, score = np.array(keypoints.xy), np.array(keypoints.score)
    for way, (order, deep) in enumerate(_READINGS[1:], 1):
        here = read == way
        xyz[here] = xyz[here][:, order] * [1.0, deep, 1.0]
        xy[here], score[here] = xy[here][:, order], score[here][:, order]
    return replace(keypoints, xy=xy, xyz=xyz, score=score)


def _way(now, before):
    """(T,) metres that points (T,N,3) went, on average, none more than 0.5."""
    return np.minimum(np.linalg.norm(now - before, axis=-1), 0.5).mean(axis=-1)


def _smooth(x, cutoff_hz, fps, weight, spread):
    """`filters.robust_smooth` in blocks of time."""
    blocks = filters.blocks(len(x), fps, overlap_s=2.0 + 2.0 / cutoff_hz)
    return np.concatenate(
        [filters.robust_smooth(x[wide], cutoff_hz, fps, weight[wide], spread)[own] for wide, own in blocks]
    )


def _lone(seen, fps):
    """(T,) True in sightings of under 0.15 s where there are longer ones: chance finds, mostly wrong."""
    length = filters.run_lengths(seen)
    return seen & (length < round(_LONE_S * fps)) & (length.max() >= round(_LONE_S * fps))


def whole(keypoints, cutoff_hz):
    """Smooth points (T,33,3) and pixels (T,33,2), weights (T,33), frames seen (T,), scores (T,22).

    Outliers and gaps are bridged.  Seen are frames with the person, and in gaps up to 0.5 s.
    """
    fps = keypoints.fps
    xyz, xy = np.array(keypoints.xyz, np.float64), np.array(keypoints.xy, np.float64)
    score = np.array(keypoints.score, np.float64)
    lost = ~(np.isfinite(xyz).all(-1) & np.isfinite(xy).all(-1))
    lost |= _lone(~lost.all(axis=1), fps)[:, None]
    jumps = filters.outliers(xyz, fps, floor=0.08) & ~lost
    gone = lost | jumps
    weight = np.where(gone, 0.02, np.clip(score, 0.05, 1.0) ** 2)
    xyz[gone], xy[lost] = np.nan, np.nan
    xyz, xy = filters.fill_gaps(xyz), filters.fill_gaps(xy)
    calm = weight * _CALM**4  # the cutoff goes as the fourth root of the weight
    points = _smooth(xyz, cutoff_hz, fps, calm, spread=0.02)
    pixel = max(float(np.median(np.linalg.norm(xy[:, 11] - xy[:, 24], axis=-1))), 10.0) / 25.0
    xy = _smooth(xy, cutoff_hz, fps, calm, spread=pixel)
    body_lost = lost.all(axis=1)
    seen = ~body_lost | (filters.run_lengths(body_lost) <= round(_SHORT_GAP_S * fps))
    bridged = np.where(lost, 0.5 * filters.fill_gaps(np.where(lost, np.nan, score)), score)
    bridged = np.where(lost & (filters.run_lengths(lost) > round(_SHORT_GAP_S * fps)), 0.0, bridged)
    by_joint = np.stack([bridged[:, list(_SCORES[n])].mean(axis=1) for n in JOINTS], axis=-1)
    edge = np.flatnonzero(~body_lost)
    seen[: edge[0]] = seen[edge[-1] + 1 :] = False
    return points, xy, weight, seen, np.clip(by_joint, 0.0, 1.0)


def legs_seen(keypoints):
    """(T,2) 0..1 how surely the left and right leg are seen: out of the picture they are made up.

    A leg in the picture is as sure as the other one where that hides it.
    """
    score = filters.fill_gaps(np.where(np.isfinite(keypoints.xyz).all(axis=-1), keypoints.score, np.nan))
    sure = np.stack([score[:, [25 + k, 27 + k]].mean(axis=1) for k in (0, 1)], axis=-1)
    xy = filters.fill_gaps(np.array(keypoints.xy, np.float64))
    inside = ((xy >= 0.0) & (xy <= keypoints.size)).all(axis=-1)
    whole = np.stack([inside[:, [25 + k, 27 + k]].all(axis=1) for k in (0, 1)], axis=-1)
    sure = np.where(whole, sure.max(axis=1, keepdims=True), sure)
    return np.clip(filters.smooth(np.clip((sure - 0.15) / 0.2, 0.0, 1.0), 1.0, keypoints.fps), 0.0, 1.0)
