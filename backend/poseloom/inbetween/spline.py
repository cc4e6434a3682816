"""Splines through keyed rotations and a keyed root, keys at any spacing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import BadInput
from ..motion import quat
from ..motion.types import Motion
from ..progress import Report, silent


@dataclass(frozen=True)
class SplineOptions:
    """Kochanek and Bartels' three (1984), each -1..1; tension 1 is a slerp that stops at every key.

    `overshoot` bounds a tangent to that many times the way to the next key; up to 3 times a curve between two
    values stays between them (Fritsch and Carlson 1980).  `linear` is plain slerp, with straight root lines.
    """

    tension: float = 0.0
    continuity: float = 0.0
    bias: float = 0.0
    overshoot: float = 3.0
    linear: bool = False


class Spline:
    """Quaternion Bezier curves (Shoemake 1985) whose tangents are TCB's, made fit for uneven keys."""

    def __init__(self, options: SplineOptions = SplineOptions()):
        self.options = options

    def __call__(self, motion: Motion, known, report: Report = silent) -> Motion:
        """The motion with every hole filled; before a joint's first key and after its last it holds."""
        known = np.asarray(known, bool)
        frames, joints = len(motion), len(motion.skeleton)
        if known.shape != (frames, joints):
            raise BadInput("bad_shape", f"known is {known.shape}, expected ({frames}, {joints}) to match the motion.")
        lrot, root = np.array(motion.lrot), np.array(motion.root)
        columns, group = np.unique(known, axis=1, return_inverse=True)
        group = np.ravel(group)
        for g in range(columns.shape[1]):
            keys = np.flatnonzero(columns[:, g])
            if len(keys) == 0:
                continue  # a joint without keys keeps what it has
            hole, mine = ~columns[:, g], np.flatnonzero(group == g)
            filled = rotations(keys, np.asarray(motion.lrot, np.float64)[keys][:, mine], frames, self.options)
            lrot[np.ix_(hole, mine)] = filled[hole]
            if group[0] == g:
                root[hole] = places(keys, np.asarray(motion.root, np.float64)[keys], frames, self.options)[hole]
        report(1.0, "Filled")
        return motion.with_(lrot=lrot, root=root)


def rotations(keys, q, frames: int, options: SplineOptions = SplineOptions()):
    """(frames,J,4) through q (K,J,4) at frame numbers keys (K,)."""
    at, low, high, gap = _where(keys, frames)
    q = quat.unroll(q)
    if len(keys) == 1:
        return np.repeat(q, frames, axis=0)
    way = quat.log(quat.multiply(quat.inverse(q[:-1]), q[1:]))  # (K-1,J,3), in the axes of the earlier key
    if options.linear:
        return quat.multiply(q[low], quat.exp(at[:, None, None] * way[np.minimum(low, len(way) - 1)]))
    arrive = np.concatenate([way[:1], way])  # log is the same seen from either end
    leave = np.concatenate([way, way[-1:]])
    into, out = _tangents(keys, arrive, leave, options)
    c0, c3 = q[low], q[high]
    c1 = quat.multiply(c0, quat.exp(out[low] * gap[:, None, None] / 3.0))
    c2 = quat.multiply(c3, quat.exp(-into[high] * gap[:, None, None] / 3.0))
    t = np.broadcast_to(at[:, None], c0.shape[:-1])
    a, b, c = quat.slerp(c0, c1, t), quat.slerp(c1, c2, t), quat.slerp(c2, c3, t)
    return quat.slerp(quat.slerp(a, b, t), quat.slerp(b, c, t), t)


def places(keys, p, frames: int, options: SplineOptions = SplineOptions()):
    """(frames,C) through p (K,C) at frame numbers keys (K,): cubic Hermite with the same tangents."""
    at, low, high, gap = _where(keys, frames)
    if len(keys) == 1:
        return np.repeat(p, frames, axis=0)
    way = np.diff(p, axis=0)
    at = at[:, None]
    if options.linear:
        return p[low] + at * way[np.minimum(low, len(way) - 1)]
    into, out = _tangents(
        keys, np.concatenate([way[:1], way])[:, None], np.concatenate([way, way[-1:]])[:, None], options
    )
    m0, m1 = out[low, 0] * gap[:, None], into[high, 0] * gap[:, None]
    s = 1.0 - at
    return s * s * (1 + 2 * at) * p[low] + s * s * at * m0 + at * at * (1 + 2 * s) * p[high] - at * at * s * m1


def _where(keys, frames):
    """For every frame: its share of the way from key `low` to key `high`, and that way's length in frames."""
    keys = np.asarray(keys)
    here = np.clip(np.arange(frames), keys[0], keys[-1])
    low = np.clip(np.searchsorted(keys, here, side="right") - 1, 0, max(len(keys) - 2, 0))
    high = np.minimum(low + 1, len(keys) - 1)
    gap = np.maximum(keys[high] - keys[low], 1).astype(np.float64)
    return (here - keys[low]) / gap, low, high, gap


def _tangents(keys, arrive, leave, options):
    """(into, out) (K,J,3) per frame at every key, from the ways before and after it (K,J,3).

    Kochanek-Bartels on speeds weighted by the length of the *other* side, which is the derivative
    of the parabola through three uneven keys.
    """
    step = np.diff(keys).astype(np.float64)
    before = np.concatenate([step[:1], step])[:, None, None]
    after = np.concatenate([step, step[-1:]])[:, None, None]
    slow, fast = arrive / before, leave / after
    t, c, b = options.tension, options.continuity, options.bias
    share = after / (before + after)  # of the speed before the key
    out = (1 - t) * ((1 + c) * (1 + b) * share * slow + (1 - c) * (1 - b) * (1 - share) * fast)
    into = (1 - t) * ((1 - c) * (1 + b) * share * slow + (1 + c) * (1 - b) * (1 - share) * fast)
    return _bounded(into, slow, options.overshoot), _bounded(out, fast, options.overshoot)


def _bounded(tangent, speed, overshoot):
    size = np.linalg.norm(tangent, axis=-1, keepdims=True)
    most = overshoot * np.linalg.norm(speed, axis=-1, keepdims=True)
    return tangent * np.minimum(1.0, most / np.maximum(size, 1e-12))
