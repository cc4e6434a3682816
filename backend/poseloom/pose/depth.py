"""How far away each joint is: somewhere on its ray, with bones that keep their length.

A bone of known length that looks short in the picture points towards the camera or away from it:
the picture tells by how much, the estimator which of the two.  Axes of the camera: x to the
picture's right, y away, z up.
"""

from __future__ import annotations

import numpy as np

from ..motion import filters
from . import landmarks, proportions

_AT = {point: i for i, point in enumerate(landmarks.JOINTS)}
_BONES = np.array([(_AT[a], _AT[b]) for pairs in proportions.SEEN.values() for a, b in pairs])
_KIND = np.array([k for k, pairs in enumerate(proportions.SEEN.values()) for _ in pairs])
# the trunk bends, shoulders lift
_BONE_M = np.array([0.045, 0.045, 0.045, 0.045, 0.05, 0.03, 0.03, 0.03])[_KIND]
# pairs of points between which the estimator's depth is believed: along bones, and from the hips
_PAIRS = np.array(
    [tuple(bone) for bone, kind in zip(_BONES, _KIND) if kind < 7]
    + [(_AT[p + side], _AT[23 + side]) for p in (13, 15, 27) for side in (0, 1)]
)
# its usual error: within the trunk, in the arms, in the legs
_DEPTH_M = np.array([
    0.06 if set(pair) <= {0, 1, 6, 7} else 0.12 if set(pair) & {2, 3, 4, 5} else 0.16 for pair in _PAIRS
])  # fmt: skip
# the lifter's share of the depth of each of landmarks.JOINTS, by least squares on clips of subjects 08 and 17; and the
# errors at which it counts as doubtful as BlazePose, and as lost
_LIFTED = np.array([1.0] * 6 + [0.85] * 2 + [0.8] * 4)
_DOUBT_M, _LOST_M = 0.1, 0.25
_SPEED_UP_M_S2 = 19.0
_ROUNDS = 7


def resolve(deep, xy, sure, lengths, size, fps, focal_px, doubt=1.0):
    """(T,12,3) landmarks.JOINTS in camera axes, metres, and the person's lengths (8,), see `proportions`.

    deep (T,12) the estimator's depth in metres from any origin of each frame; xy (T,12,2) pixels;
    sure (T,12) 0..1; lengths (8,) an average body's; doubt (T,12) or a number: how far off `deep` is,
    BlazePose's being 1.  By Gauss-Newton over all frames: bones keep their length, depths differ as
    the estimator says, and change without haste; what is far off is believed less.
    """
    rays = (xy - 0.5 * np.asarray(size, np.float64)) / focal_px
    rays = np.stack([rays[..., 0], np.ones(rays.shape[:2]), -rays[..., 1]], axis=-1)
    away = _first(deep, rays, lengths, sure, fps)[:, None] + deep - deep[:, 6:8].mean(axis=1, keepdims=True)
    average, doubt = lengths, np.broadcast_to(doubt, deep.shape)[:, _PAIRS].max(axis=-1)
    for again in range(_ROUNDS):
        if again in (2, 4):
            lengths = proportions.fitted(_way(away, rays), sure[:, _BONES].min(axis=-1), _KIND, average, fps)
        step = np.concatenate([
            _step(*(a[wide] for a in (away, deep, doubt, rays, sure)), lengths, fps)[own]
            for wide, own in filters.blocks(len(away), fps)
        ])  # fmt: skip
        away = np.maximum(away + np.clip(step, -0.3, 0.3), 0.2)
    return away[..., None] * rays, lengths


def _way(away, rays):
    """(T,n,3) from end to end of _BONES."""
    places = away[..., None] * rays
    return places[:, _BONES[:, 0]] - places[:, _BONES[:, 1]]


def blended(deep, other, error_m):
    """One depth (T,12) of the estimator's `deep` and the lifter's `other` with its expected error (T,12), metres,
    both about the hips; and the doubt (T,12) in it for `resolve`.

    The two err together, having the same eyes, so the mixture is hardly surer than the better one.  A lifter that says
    it is lost, as before people upside down, is not heard.
    """
    heard = 1.0 / (1.0 + (error_m / _LOST_M) ** 4)
    share = heard * _LIFTED
    other = other - other[:, 6:8].mean(axis=1, keepdims=True)
    deep = deep - deep[:, 6:8].mean(axis=1, keepdims=True)
    return share * other + (1.0 - share) * deep, heard * error_m / _DOUBT_M + (1.0 - heard)


def _first(deep, rays, lengths, sure, fps):
    """(T,) how far away the hips are by the size of the long bones in the picture."""
    long = np.isin(_KIND, [proportions.NAMES.index(n) for n in ("thigh", "shin", "flank")])
    a, b = _BONES[long].T
    full = lengths[_KIND[long]]
    across = np.sqrt(np.maximum(full**2 - (deep[:, a] - deep[:, b]) ** 2, (0.3 * full) ** 2))
    seen = np.maximum(np.linalg.norm(rays[:, a] - rays[:, b], axis=-1), 1e-4)
    return filters.smooth(np.median(across / seen, axis=1), 1.0, fps, np.maximum(sure.mean(axis=1), 1e-3))


def _step(away, deep, doubt, rays, sure, lengths, fps):
    """(T,12) the Gauss-Newton step of `away`."""
    from scipy.linalg import solveh_banded

    frames, points = away.shape
    band, right = np.zeros((2 * points + 1, frames, points)), np.zeros((frames, points))

    def add(a, b, slope_a, slope_b, off, weight):
        """weight/2 (off + slope_a da + slope_b db)^2, each (T,)"""
        band[0, :, a] += weight * slope_a**2
        band[0, :, b] += weight * slope_b**2
        band[abs(a - b), :, min(a, b)] += weight * slope_a * slope_b
        right[:, a] -= weight * slope_a * off
        right[:, b] -= weight * slope_b * off

    way, one = _way(away, rays), np.ones(frames)
    long = np.maximum(np.linalg.norm(way, axis=-1), 1e-6)
    off = long - lengths[_KIND]
    weight = sure[:, _BONES].min(axis=-1) / _BONE_M**2 / (1.0 + (off / (4.0 * _BONE_M)) ** 2)
    way /= long[..., None]
    for k, (a, b) in enumerate(_BONES):
        slopes = np.einsum("tc,tc->t", way[:, k], rays[:, a]), -np.einsum("tc,tc->t", way[:, k], rays[:, b])
        add(a, b, *slopes, off[:, k], weight[:, k])
    apart = away - deep
    off = apart[:, _PAIRS[:, 0]] - apart[:, _PAIRS[:, 1]]
    spread = _DEPTH_M * doubt
    weight = sure[:, _PAIRS].min(axis=-1) / spread**2 / (1.0 + (off / (2.0 * spread)) ** 2)
    for k, (a, b) in enumerate(_PAIRS):
        add(a, b, one, -one, off[:, k], weight[:, k])
    if frames > 2:
        stiff = (fps**2 / _SPEED_UP_M_S2) ** 2
        bend = stiff * np.diff(away, 2, axis=0)
        for shift, share in enumerate((1.0, -2.0, 1.0)):
            here = slice(shift, frames - 2 + shift)
            band[0, here] += stiff * share**2
            right[here] -= share * bend
        band[points, :-2] -= 2.0 * stiff
        band[points, 1:-1] -= 2.0 * stiff
        band[2 * points, :-2] += stiff
    band[0] += 1.0
    flat = band.reshape(2 * points + 1, -1)
    return solveh_banded(flat, right.reshape(-1), lower=True, check_finite=False).reshape(frames, points)
