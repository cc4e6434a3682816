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
# how strongly a pinned key holds its value, against one frame
_PIN = 1e6
_NOTHING = 1e-12
# a property that stays this near to its first value, of what is allowed, is one key
_STILL = 0.05


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


def best_keys(keys, values, pinned) -> tuple[np.ndarray, np.ndarray]:
    """(values (K,C), slopes (K,C)) at keys (K,) of the curve that passes nearest to values (T,C).

    Least squares over all frames 0..T-1, the first and last of which are keys; where pinned (K,) the key keeps its
    frame's own value.  One block tridiagonal system for all components.
    """
    keys, values = np.asarray(keys), np.asarray(values, np.float64)
    if len(keys) == 1:
        return values[keys], np.zeros_like(values[keys])
    count = len(keys)
    low, gap, u = _place(keys, np.arange(len(values)))
    h00, h01, h10, h11 = _weights(u, gap)
    sums = lambda weight: np.bincount(low, weight, count)  # noqa: E731
    main, beside = np.zeros((count, 2, 2)), np.zeros((count, 2, 2))
    near, far = (h00, h10), (h01, h11)
    right = np.zeros((count, 2, values.shape[1]))
    for i in (0, 1):
        for j in (0, 1):
            main[:, i, j] = sums(near[i] * near[j])
            main[1:, i, j] += sums(far[i] * far[j])[:-1]
            beside[:, i, j] = sums(near[i] * far[j])
        for c in range(values.shape[1]):
            right[:, i, c] = sums(near[i] * values[:, c])
            right[1:, i, c] += sums(far[i] * values[:, c])[:-1]
    hold = np.where(pinned, _PIN, 0.0)
    main[:, 0, 0] += hold
    right[:, 0] += hold[:, None] * values[keys]
    main[:, 1, 1] += _LEAN
    right[:, 1] += _LEAN * _chords(keys, values[keys])
    found = _solve_blocks(main, beside[:-1], right)
    return np.where(np.asarray(pinned)[:, None], values[keys], found[:, 0]), found[:, 1]


def fit(values, error: Callable[[np.ndarray], np.ndarray], must=()) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(keys (K,), values (K,C), slopes (K,C)): few keys of a curve that stays as near to values (T,C) as is asked.

    error(curve (T,C)) -> (T,) is how far a curve is off, 1 being the most that is allowed; it must allow the values
    themselves.  `must` are frames that have to be keys with their own values, and so are the ends.  Keys are put
    where a curve is off most until none is, then those are taken out, or merged, that the others can do without.
    """
    values = np.asarray(values, np.float64)
    if error(np.repeat(values[:1], len(values), axis=0)).max() <= _STILL:
        return np.zeros(1, int), values[:1], np.zeros_like(values[:1])
    tried = _Fit(values, error, must)
    tried.fill()
    tried.thin()
    if tried.merge():
        tried.thin()
    keys = np.flatnonzero(tried.chosen)
    return (keys, *best_keys(keys, values, tried.pinned[keys]))


class _Fit:
    """chosen, must, pinned, settled (T,): frames that are keys, have to be, keep their value, are asked no more."""

    def __init__(self, values, error, must):
        self.values, self.error, self.frames = values, error, np.arange(len(values))
        self.pinned = np.zeros(len(values), bool)
        self.pinned[np.asarray(must, int)] = True
        # the ends keep their values: loops and strips meet there
        self.pinned[[0, -1]] = True
        self.chosen = self.pinned.copy()
        self.must, self.settled = self.chosen.copy(), self.chosen.copy()

    def off(self):
        """(T,) how far off the best curve through the chosen keys is."""
        keys = np.flatnonzero(self.chosen)
        off = self.error(evaluate(keys, *best_keys(keys, self.values, self.pinned[keys]), self.frames))
        return np.where(self.pinned & self.chosen, 0.0, off)

    def fill(self):
        """Add keys where the curve is off most, one a segment at a time, until it is off nowhere."""
        while True:
            off = self.off()
            wrong = np.flatnonzero(off > 1.0)
            if not len(wrong):
                return
            self.pinned[wrong[self.chosen[wrong]]] = True
            keys = np.flatnonzero(self.chosen)
            low, _, u = _place(keys, self.frames)
            # rather well inside a segment than beside its end
            worth = off * np.where(np.isin(low, low[wrong]), 0.1 + u * (1.0 - u), 0.0) * ~self.chosen
            order = np.lexsort((-worth, low))
            first = order[np.r_[True, np.diff(low[order]) > 0]]
            self.chosen[first[worth[first] > 0.0]] = True

    def thin(self):
        """Take out the keys that the others can do without."""
        while len(tried := self._dispensable()):
            # what has to come back is asked no second time
            self.settled[self._try(tried[:, None], np.empty((len(tried), 0), int))] = True

    def merge(self) -> bool:
        """Put one key between two in the place of both; False where that is nowhere enough."""
        before = self.chosen.sum()
        for phase in range(3):
            keys = np.flatnonzero(self.chosen)
            pairs = np.arange(1 + phase, len(keys) - 2, 3)
            pairs = np.stack([keys[pairs], keys[pairs + 1]], axis=-1)
            pairs = pairs[~self.must[pairs].any(axis=-1) & (np.diff(pairs)[:, 0] > 1)]
            middle = pairs.sum(axis=-1, keepdims=True) // 2
            self.settled[middle] = False
            self._try(pairs, middle)
        return self.chosen.sum() < before

    def _try(self, out, into):
        """Take keys out (n,k) and put others in (n,m), row by row; undo rows that do harm, and return their `out`."""
        self.chosen[out], self.chosen[into] = False, True
        waiting, undone = np.arange(len(out)), []
        while len(waiting):
            wrong = np.flatnonzero(self.off() > 1.0)
            if not len(wrong):
                break
            place = out[waiting].mean(axis=-1)
            at = np.clip(np.searchsorted(place, wrong), 0, len(waiting) - 1)
            before = np.maximum(at - 1, 0)
            back = np.unique(np.where(wrong - place[before] < np.abs(place[at] - wrong), before, at))
            rows = waiting[back]
            self.chosen[into[rows]], self.chosen[out[rows]] = False, True
            undone.extend(rows.tolist())
            waiting = np.delete(waiting, back)
        return out[undone]

    def _dispensable(self):
        """Frames of keys, no two of them neighbours, whose loss the others may make up for: the least missed first."""
        keys = np.flatnonzero(self.chosen)
        at, slopes = best_keys(keys, self.values, self.pinned[keys])
        missed = np.full(len(keys), np.inf)
        for odd in (1, 2):
            gone = np.arange(odd, len(keys) - 1, 2)
            rest = np.setdiff1d(np.arange(len(keys)), gone)
            off = self.error(evaluate(keys[rest], at[rest], slopes[rest], self.frames))
            worst = np.maximum.reduceat(off, keys[rest][:-1])
            gone = gone[~self.settled[keys[gone]]]
            missed[gone] = worst[np.searchsorted(keys[rest], keys[gone]) - 1]
        left, right = np.r_[np.inf, missed[:-1]], np.r_[missed[1:], np.inf]
        return keys[(missed < _HOPEFUL) & (missed < left) & (missed <= right)]


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


def _solve_blocks(main, beside, right):
    """x (K,2,C) of a symmetric block tridiagonal system: main (K,2,2), beside (K-1,2,2) right of it, right (K,2,C).

    Parallel cyclic reduction (Hockney and Jesshope 1981), until what keys still say of each other is nothing.
    """
    edge = np.zeros((1,) + main.shape[1:])
    a, b, c = np.concatenate([edge, beside.transpose(0, 2, 1)]), main, np.concatenate([beside, edge])
    x, step = right, 1
    while step < len(main) and max(np.abs(a).max(), np.abs(c).max()) > _NOTHING:
        undo = _inverse(b)
        p, q = np.zeros_like(b), np.zeros_like(b)
        p[step:], q[:-step] = -a[step:] @ undo[:-step], -c[:-step] @ undo[step:]

        def mixed(here, above, below):
            out = np.array(here)
            out[step:] += p[step:] @ above[:-step]
            out[:-step] += q[:-step] @ below[step:]
            return out

        x, b, a, c = mixed(x, x, x), mixed(b, c, a), mixed(0.0 * a, a, 0.0 * a), mixed(0.0 * c, 0.0 * c, c)
        step *= 2
    return _inverse(b) @ x


def _inverse(m):
    """Inverses of matrices (K,2,2)."""
    adjugate = m[:, ::-1, ::-1].transpose(0, 2, 1) * [[1.0, -1.0], [-1.0, 1.0]]
    return adjugate / (m[:, 0, 0] * m[:, 1, 1] - m[:, 0, 1] * m[:, 1, 0])[:, None, None]
