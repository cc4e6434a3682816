"""Displacement mapping: a reference bent so that it meets the keys (Witkin and Popović 1995)."""

from __future__ import annotations

import numpy as np

from ..motion import quat
from . import window
from .spline import SplineOptions, places, rotations

_SOFT = SplineOptions(tension=0.0, overshoot=1.0)


def meet_keys(lrot, root, key_lrot, key_root, keys):
    """The reference (T,J,4), (T,3) meeting key poses (K,J,4), (K,3) at frames keys (K,), the first 0, the last T-1.

    First the reference is turned and its path stretched between its ends, then what still differs at the keys is
    spread between them by splines.
    """
    frames = len(root)
    lrot, root = np.array(lrot, np.float64), np.array(root, np.float64)
    turn, stretch = _similarity(root[keys[0]], root[keys[-1]], key_root[0], key_root[-1], lrot[keys[0], 0], key_lrot[0, 0])
    lrot[:, 0] = quat.multiply(turn, lrot[:, 0])
    path = quat.rotate(turn, (root - root[keys[0]]) * np.array([stretch, stretch, 1.0]))
    root = path + key_root[0] * np.array([1.0, 1.0, 0.0]) + root[keys[0]] * np.array([0.0, 0.0, 1.0])
    off = quat.multiply(key_lrot, quat.inverse(lrot[keys]))
    off = np.where(off[..., :1] < 0.0, -off, off)
    lrot = quat.multiply(rotations(keys, off, frames, _SOFT), lrot)
    root = root + places(keys, key_root - root[keys], frames, _SOFT)
    return lrot, root


def _similarity(a, b, key_a, key_b, pelvis, key_pelvis):
    """(turn (4,), stretch): by the way travelled where both travel, else by the facing at the first key."""
    way, want = (b - a)[:2], (key_b - key_a)[:2]
    far, need = np.linalg.norm(way), np.linalg.norm(want)
    face = quat.multiply(window.facing(key_pelvis), quat.inverse(window.facing(pelvis)))
    if far < 0.2 or need < 0.2:
        return face, 1.0
    yaw = np.arctan2(want[1], want[0]) - np.arctan2(way[1], way[0])
    by_path = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(yaw))
    if quat.angle(by_path, face) > np.radians(50.0):
        return face, 1.0
    return by_path, float(np.clip(need / far, 0.6, 1.7))
