"""Speed curves between keys: the same path at another timing.

A curve is an array of shares of the way 0..1 at even times, the first 0, the last 1.
"""

from __future__ import annotations

from typing import Mapping

import numpy as np

from ..errors import BadInput
from ..motion import quat

SAMPLES = 65
_T = np.linspace(0.0, 1.0, SAMPLES)
PRESETS = {
    "linear": _T,
    "ease_in": _T**2,
    "ease_out": 1.0 - (1.0 - _T) ** 2,
    "ease_in_out": _T**2 * (3.0 - 2.0 * _T),
    "slow_in": _T**3,
    "slow_out": 1.0 - (1.0 - _T) ** 3,
    "snap": _T**4 * (35.0 - 84.0 * _T + 70.0 * _T**2 - 20.0 * _T**3),
}


def curve(text: str) -> np.ndarray:
    """The curve that a preset's name means, or points drawn "0:0/0.3:0.1/1:1" (time:share, straight between them).

    BadInput where it is neither, or points do not go on in time from 0:0 to 1:1.
    """
    if text in PRESETS:
        return PRESETS[text]
    try:
        points = np.array([[float(number) for number in point.split(":")] for point in text.split("/")])
        fine = points.ndim == 2 and points.shape[1] == 2 and len(points) > 1 and np.isfinite(points).all()
    except ValueError:
        fine = False
    if not fine or (np.diff(points[:, 0]) <= 0.0).any() or not np.allclose(points[[0, -1]], [[0.0, 0.0], [1.0, 1.0]]):
        raise BadInput(
            "bad_ease", f'"{text}" is no speed curve.',
            f"Name one of {', '.join(PRESETS)}, or draw one: 0:0/0.3:0.1/1:1 (time:share of the way).",
        )  # fmt: skip
    return np.clip(np.interp(_T, points[:, 0], points[:, 1]), 0.0, 1.0)


def pairs(rows) -> list:
    """[(a, b), ...] neighbouring key frames with a hole between, of rows (T,) bool."""
    keys = np.flatnonzero(rows)
    return [(int(a), int(b)) for a, b in zip(keys[:-1], keys[1:]) if b - a > 1]


def retimed(lrot, root, known, rows, curves):
    """lrot (T,J,4), root (T,3) moved in time between the keys of each joint, known (T,J); the keys stay.

    `curves` holds one for all pairs of keys, or one for each pair of key poses in rows (T,), or is a mapping from the
    first frame of a pair to its curve; a joint with keys of its own takes the curve of the pair in which its own
    begins.  BadInput where their number is another.
    """
    chosen = _by_start(pairs(rows), curves)
    lrot, root = np.array(lrot, np.float64), np.array(root, np.float64)
    columns, group = np.unique(known, axis=1, return_inverse=True)
    starts = sorted(chosen)
    for g in range(columns.shape[1]):
        mine, at = np.flatnonzero(np.ravel(group) == g), np.arange(len(known), dtype=np.float64)
        for a, b in pairs(columns[:, g]):
            shape = chosen[starts[max(int(np.searchsorted(starts, a, side="right")) - 1, 0)]]
            share = (np.arange(a + 1, b) - a) / (b - a)
            at[a + 1 : b] = a + (b - a) * np.interp(share, np.linspace(0.0, 1.0, len(shape)), shape)
        low = np.clip(np.floor(at).astype(int), 0, max(len(at) - 2, 0))
        share, high = at - low, np.minimum(low + 1, len(at) - 1)
        before, after = lrot[low][:, mine], lrot[high][:, mine]
        lrot[:, mine] = quat.slerp(before, after, np.repeat(share[:, None], len(mine), axis=1))
        if 0 in mine:
            root = root[low] * (1.0 - share[:, None]) + root[high] * share[:, None]
    return lrot, root


def _by_start(poses, curves) -> dict:
    """{first frame of a pair: its curve}."""
    if isinstance(curves, Mapping):
        return dict(curves)
    if len(curves) == 1:
        return {0: curves[0]}
    if len(curves) != len(poses):
        raise BadInput(
            "bad_ease", f"There are {len(curves)} speed curves for {len(poses)} pairs of keys.",
            "Give one for all, or one for each pair.",
        )  # fmt: skip
    return {a: curve for (a, _), curve in zip(poses, curves)}
