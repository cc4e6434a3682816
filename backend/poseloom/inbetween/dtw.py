"""Dynamic time warping with limited slope, whole or as a sub-sequence, vectorised over the reference.

Steps (1,1), (1,2), (2,1): between half and twice the reference's speed.  A step of two query frames
pays for both, one of two reference frames pays once, so paths of all slopes compare by query frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import BadInput

_FAR = np.float32(1e12)  # of the costs' own type, so that it equals itself once stored


@dataclass(frozen=True, eq=False)
class Match:
    """where (Q,): the reference frame, not whole, that each query frame falls on, strictly increasing; cost: the
    mean over query frames."""

    where: np.ndarray
    cost: float


def distances(query, reference, weight=None):
    """(Q,R) weighted squared distance of rows: query (Q,D), reference (R,D), weight (Q,) or (Q,D)."""
    query, reference = np.asarray(query, np.float32), np.asarray(reference, np.float32)
    if weight is None or np.ndim(weight) == 1:
        cost = (query**2).sum(1)[:, None] + (reference**2).sum(1)[None] - 2.0 * query @ reference.T
        cost = np.maximum(cost, 0.0, out=cost)
        return cost if weight is None else cost * np.asarray(weight, np.float32)[:, None]
    w = np.asarray(weight, np.float32)
    return np.maximum((w * query**2).sum(1)[:, None] + w @ (reference**2).T - 2.0 * (w * query) @ reference.T, 0.0)


def subsequence(cost, count: int = 1, apart: int = 15, starts=None, slant: float = 0.0) -> list:
    """The `count` best places of the query in the reference, best first, ends at least `apart` frames apart.

    cost (Q,R); starts (R,) bool tells where a path may begin and which frames end a clip: a path never
    crosses into a frame where a new clip starts; slant is what a step that changes the speed costs.  BadInput where the
    reference is too short.
    """
    cost = np.asarray(cost)
    total, origin = _accumulate(cost, None if starts is None else np.asarray(starts, bool), slant=slant)
    ends = total[-1].copy()
    found = []
    while len(found) < count:
        end = int(np.argmin(ends))
        if ends[end] >= _FAR:
            break
        found.append(Match(_trace(origin, end), float(ends[end]) / len(cost)))
        ends[max(0, end - apart) : end + apart + 1] = _FAR
    if not found:
        raise BadInput(
            "reference_short", f"No reference clip is long enough for {len(cost)} frames.", "Add longer clips to the library."
        )
    return found


def whole(cost) -> Match:
    """The path from the first pair of frames to the last, slope limited where the lengths allow it."""
    cost = np.asarray(cost)
    starts = np.zeros(cost.shape[1], bool)
    starts[0] = True
    total, origin = _accumulate(cost, starts, only_at_starts=True)
    if total[-1, -1] >= _FAR:
        raise BadInput(
            "too_different", "One clip is more than twice as long as the other.",
            "Cut the longer one, or choose another.",
        )  # fmt: skip
    return Match(_trace(origin, cost.shape[1] - 1), float(total[-1, -1]) / len(cost))


def _accumulate(cost, starts, only_at_starts=False, slant=0.0):
    rows, columns = cost.shape
    total = np.full((rows, columns), _FAR, np.float32)
    step = np.zeros((rows, columns), np.int8)
    # how many frames since the last start of a clip: a step of n needs at least n
    room = np.full(columns, columns) if starts is None else _since(starts)
    total[0] = cost[0]
    if only_at_starts:
        total[0, ~starts] = _FAR
    no1, no2 = room < 1, room < 2
    for i in range(1, rows):
        best = np.full(columns, _FAR, np.float32)
        best[1:] = total[i - 1, :-1]
        best[no1] = _FAR
        kind = np.ones(columns, np.int8)
        other = np.full(columns, _FAR, np.float32)
        other[2:] = total[i - 1, :-2] + np.float32(slant)
        other[no2] = _FAR
        better = other < best
        best[better], kind[better] = other[better], 2
        if i > 1:
            other = np.full(columns, _FAR, np.float32)
            other[1:] = total[i - 2, :-1] + cost[i - 1, 1:] + np.float32(slant)
            other[no1] = _FAR
            better = other < best
            best[better], kind[better] = other[better], 3
        total[i] = np.minimum(best + cost[i], _FAR)
        step[i] = kind
    return total, step


def _since(starts):
    here = np.arange(len(starts))
    first = np.maximum.accumulate(np.where(starts, here, 0))
    return here - first


def _trace(step, end):
    rows = len(step)
    where = np.full(rows, np.nan)
    i, j = rows - 1, end
    while True:
        where[i] = j
        if i == 0:
            break
        kind = step[i, j]
        if kind == 3:
            i, j = i - 2, j - 1
        else:
            i, j = i - 1, j - int(kind)
    known = np.isfinite(where)
    return np.interp(np.arange(rows), np.flatnonzero(known), where[known])


def smooth_warp(where, width: int = 7):
    """A strictly increasing, smooth version of a path (Q,) that keeps its ends: its speeds are averaged."""
    where = np.asarray(where, np.float64)
    if len(where) < 3:
        return where
    speed = np.diff(where)
    half = min(width // 2, len(speed) - 1)
    window = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(speed, half, mode="reflect") if half else speed
    speed = np.maximum(np.convolve(padded, window / window.sum(), mode="valid"), 1e-3)
    path = np.concatenate([[0.0], np.cumsum(speed)])
    return where[0] + path * ((where[-1] - where[0]) / path[-1])
