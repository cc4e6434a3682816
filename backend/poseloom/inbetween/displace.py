"""Displacement mapping: a motion bent so that it meets keys (Witkin and Popović 1995)."""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.types import Motion
from .spline import SplineOptions, places, rotations

_SOFT = SplineOptions(overshoot=1.0)


def to_keys(filled: Motion, keys: Motion, known) -> Motion:
    """`filled` with what still differs from `keys` where known (T,J) spread between by splines, joint by joint."""
    frames = len(filled)
    lrot, root = np.array(filled.lrot, np.float64), np.array(filled.root, np.float64)
    columns, group = np.unique(known, axis=1, return_inverse=True)
    for g in range(columns.shape[1]):
        at, mine = np.flatnonzero(columns[:, g]), np.flatnonzero(np.ravel(group) == g)
        if len(at) == 0:
            continue
        key = np.asarray(keys.lrot, np.float64)[at][:, mine]
        off = quat.multiply(key, quat.inverse(lrot[at][:, mine]))
        off = np.where(off[..., :1] < 0.0, -off, off)
        lrot[:, mine] = quat.multiply(rotations(at, off, frames, _SOFT), lrot[:, mine])
        if 0 in mine:
            root = root + places(at, np.asarray(keys.root, np.float64)[at] - root[at], frames, _SOFT)
    return filled.with_(lrot=lrot, root=root)
