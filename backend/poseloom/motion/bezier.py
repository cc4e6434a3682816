"""Curves with few keys, as Blender's F-curves play them: Bezier segments whose handles lie at a third of the way.

With handles there, time runs evenly along a segment, so that it is the cubic Hermite polynomial of its two keys and
slopes: no root has to be sought, and the best slopes are a linear problem.  Both handles of a key lie on one line
(Blender's ALIGNED), so the curve has no corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import numpy as np

from ..errors import BadArray
from .types import array

# a removed key is tried where the curve without it, other slopes unchanged, misses by less than this many times
_HOPEFUL = 2.5
# how strongly a slope that the frames say little about follows the neighbouring keys
_LEAN = 0.01


@dataclass(frozen=True, eq=False)
class Curve:
    """Keys of one property of one bone, all components on the same frames.

    path, a property of the bone ("rotation_quaternion", "location" ...); index (C,) its components; frames (K,)
    whole, rising, from 0; values (K,C); slopes (K,C) change a frame.
    """

    bone: str
    path: str
    index: tuple
    frames: np.ndarray
    values: np.ndarray
    slopes: np.ndarray

    def __post_init__(self):
        frames = array("Curve", "frames", self.frames, (None,), dtype=np.int64)
        if not len(frames) or (np.diff(frames) <= 0).any():
            raise BadArray("bad_frames", "Curve.frames must rise and hold at least one.")
        shape = (len(frames), len(self.index))
        object.__setattr__(self, "frames", frames)
        for name in ("values", "slopes"):
            value = array("Curve", name, getattr(self, name), shape, "frames and index", dtype=np.float64)
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.frames)

    def at(self, frames) -> np.ndarray:
        """(N,C) at `frames` (N,); before the first key and after the last the curve holds."""
        return evaluate(self.frames, self.values, self.slopes, frames)

    def handles(self) -> tuple[np.ndarray, np.ndarray]:
        """(left, right), each (K,C,2) frame and value, for `handle_left` and `handle_right` of type ALIGNED."""
        gap = np.diff(self.frames).astype(np.float64)
        # the outer handles of the ends change nothing
        before, after = np.r_[gap[:1], gap] / 3.0, np.r_[gap, gap[-1:]] / 3.0
        if not len(gap):
            before = after = np.ones(1)
        sides = []
        for step in (-before, after):
            time = np.broadcast_to((self.frames + step)[:, None], self.values.shape)
            sides.append(np.stack([time, self.values + step[:, None] * self.slopes], axis=-1))
        return sides[0], sides[1]


def evaluate(keys, values, slopes, frames) -> np.ndarray:
    """(N,C) at `frames` (N,) of cubic Hermite segments between values (K,C) with slopes (K,C) at keys (K,)."""
    keys, values, slopes = np.asarray(keys), np.asarray(values, np.float64), np.asarray(slopes, np.float64)
    if len(keys) == 1:
        return np.repeat(values, len(frames), axis=0)
    low, gap, u = _place(keys, np.clip(frames, keys[0], keys[-1]))
    h00, h01, h10, h11 = _weights(u[:, None], gap[:, None])
    return h00 * values[low] + h01 * values[low + 1] + h10 * slopes[low] + h11 * slopes[low + 1]


def best_slopes(keys, values) -> np.ndarray:
    """(K,C) slopes at keys (K,) with which the curve through values[keys] passes nearest to values (T,C).

    Least squares over all frames from the first key to the last; one tridiagonal system for all components.
    """
    keys, values = np.asarray(keys), np.asarray(values, np.float64)
    if len(keys) == 1:
        return np.zeros_like(values[keys])
    frames = np.arange(keys[0], keys[-1] + 1)
    low, gap, u = _place(keys, frames)
    h00, h01, h10, h11 = _weights(u, gap)
    rest = values[frames] - h00[:, None] * values[keys][low] - h01[:, None] * values[keys][low + 1]
    count = len(keys)
    main = np.bincount(low, h10 * h10, count) + np.bincount(low + 1, h11 * h11, count) + _LEAN
    beside = np.bincount(low, h10 * h11, count)[:-1]
    right = _LEAN * _chords(keys, values[keys])
    for c in range(values.shape[1]):
        right[:, c] += np.bincount(low, h10 * rest[:, c], count) + np.bincount(low + 1, h11 * rest[:, c], count)
    return _solve_tridiagonal(main, beside, right)


def fit(values, error: Callable[[np.ndarray], np.ndarray], must=()) -> tuple[np.ndarray, np.ndarray]:
    """(keys (K,), slopes (K,C)): few frames of values (T,C) through which a curve stays within what `error` allows.

    error(curve (T,C)) -> (T,) is how far a curve is off, 1 being the most that is allowed; it must allow the keys
    themselves.  `must` are frames that have to be keys; the ends always are.  Keys are put where a curve is off
    most until none is, then those are taken out that the others can do without.
    """
    values = np.asarray(values, np.float64)
    frames = np.arange(len(values))
    fixed = np.zeros(len(values), bool)
    fixed[[0, -1]] = True
    fixed[np.asarray(must, int)] = True
    if np.ptp(values, axis=0).max(initial=0.0) < 1e-6:
        return np.zeros(1, int), np.zeros_like(values[:1])
    chosen = _filled(fixed.copy(), values, error)
    while True:
        keys = np.flatnonzero(chosen)
        tried = _dispensable(keys, fixed, values, error)
        if not len(tried):
            return keys, best_slopes(keys, values)
        chosen[tried] = False
        back = _put_back(chosen, tried, values, error, frames)
        # what had to come back is asked no second time
        fixed[back] = True


def _filled(chosen, values, error):
    """Keys added (in place) where the curve is off most, one a segment at a time, until it is off nowhere."""
    frames = np.arange(len(values))
    while True:
        keys = np.flatnonzero(chosen)
        off = error(evaluate(keys, values[keys], best_slopes(keys, values), frames))
        off = np.where(chosen, 0.0, off)
        low, _, u = _place(keys, frames)
        wrong = np.flatnonzero(off > 1.0)
        if not len(wrong):
            return chosen
        # rather well inside a segment than beside its end
        worth = off * np.where(np.isin(low, low[wrong]), 0.1 + u * (1.0 - u), 0.0) * ~chosen
        order = np.lexsort((-worth, low))
        first = order[np.r_[True, np.diff(low[order]) > 0]]
        chosen[first[worth[first] > 0.0]] = True


def _dispensable(keys, fixed, values, error):
    """Frames of keys, no two of them neighbours, whose loss the others may make up for; the least missed first."""
    slopes = best_slopes(keys, values)
    frames = np.arange(len(values))
    missed = np.full(len(keys), np.inf)
    for odd in (1, 2):
        gone = np.arange(odd, len(keys) - 1, 2)
        rest = np.setdiff1d(np.arange(len(keys)), gone)
        off = error(evaluate(keys[rest], values[keys[rest]], slopes[rest], frames))
        for k in gone:
            if not fixed[keys[k]]:
                missed[k] = off[keys[k - 1] + 1 : keys[k + 1]].max()
    around = np.minimum(np.r_[np.inf, missed[:-1]], np.r_[missed[1:], np.inf])
    position = np.arange(len(keys))
    tie = np.r_[np.inf, missed[:-1]] == missed
    return keys[(missed < _HOPEFUL) & (missed <= around) & ~(tie & (position % 2 == 1))]


def _put_back(chosen, tried, values, error, frames):
    """The frames of `tried` that have to be keys after all; `chosen` is corrected in place."""
    back = []
    while True:
        keys = np.flatnonzero(chosen)
        off = np.where(chosen, 0.0, error(evaluate(keys, values[keys], best_slopes(keys, values), frames)))
        wrong = np.flatnonzero(off > 1.0)
        waiting = np.setdiff1d(tried, back)
        if not len(wrong) or not len(waiting):
            return np.array(back, int)
        at = np.clip(np.searchsorted(waiting, wrong), 0, len(waiting) - 1)
        before = np.maximum(at - 1, 0)
        nearest = np.where(wrong - waiting[before] < np.abs(waiting[at] - wrong), before, at)
        again = np.unique(waiting[nearest])
        chosen[again] = True
        back.extend(again.tolist())


def _place(keys, frames):
    """(low, gap, u): the segment of each frame, its length, and how far along it the frame lies, 0..1."""
    low = np.clip(np.searchsorted(keys, frames, side="right") - 1, 0, len(keys) - 2)
    gap = (keys[low + 1] - keys[low]).astype(np.float64)
    return low, gap, (frames - keys[low]) / gap


def _weights(u, gap):
    """Cubic Hermite weights of both values and both slopes."""
    s = 1.0 - u
    return s * s * (1.0 + 2.0 * u), u * u * (1.0 + 2.0 * s), gap * u * s * s, -gap * u * u * s


def _chords(keys, values):
    """(K,C) slopes from each key's neighbours alone."""
    step = np.diff(values, axis=0) / np.diff(keys)[:, None]
    gap = np.diff(keys)[:, None].astype(np.float64)
    inner = (step[:-1] * gap[1:] + step[1:] * gap[:-1]) / (gap[:-1] + gap[1:])
    return np.concatenate([step[:1], inner, step[-1:]])


def _solve_tridiagonal(main, beside, right):
    """x (K,C) of a symmetric tridiagonal system: parallel cyclic reduction (Hockney and Jesshope 1981)."""
    a, b, c = np.r_[0.0, beside], np.array(main), np.r_[beside, 0.0]
    x, count, step = np.array(right), len(main), 1
    while step < count:
        pad = np.zeros(step)
        up = lambda v: np.concatenate([pad, v[:-step]])  # noqa: E731
        down = lambda v: np.concatenate([v[step:], pad])  # noqa: E731
        safe_up, safe_down = np.concatenate([pad + 1.0, b[:-step]]), np.concatenate([b[step:], pad + 1.0])
        p, q = -a / safe_up, -c / safe_down
        rows = np.zeros((step, x.shape[1]))
        above, below = np.concatenate([rows, x[:-step]]), np.concatenate([x[step:], rows])
        x = x + p[:, None] * above + q[:, None] * below
        b = b + p * up(c) + q * down(a)
        a, c = p * up(a), q * down(c)
        step *= 2
    return x / b[:, None]
