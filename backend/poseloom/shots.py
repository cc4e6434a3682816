"""Where a clip cuts to another shot, found while its frames pass by on their way to the estimator."""

from __future__ import annotations

from collections import deque
from functools import lru_cache

import numpy as np

_CELLS = (18, 32)  # rows and columns of the small picture
_SAMPLES = 4  # a side of the pixels that are averaged to a cell
_BEFORE, _AFTER = 10, 3  # frames on either side that a cut is judged by
_OTHER = 0.5  # pictures of different scenes are further apart, 0 for the same, 1 for unrelated ones
_SUDDEN = 3.0  # times what the frames around change by
_SHIFTS = [(dy, dx) for dy in (-2, -1, 0, 1, 2) for dx in (-3, -2, -1, 0, 1, 2, 3)]  # cells, for cameras that move


class CutFinder:
    """Sees one frame after the other; `cuts` are the frames that begin another shot, known _AFTER frames later.

    A cut is a change of the picture's structure in one frame, much larger than what the frames around
    change by, to something that none of the frames lately before has shown: fast movement changes
    them all, and after a flash, or when something large has passed, the old picture is back.
    """

    def __init__(self):
        self.cuts: list[int] = []
        self._seen = 0
        self._small: deque = deque(maxlen=_BEFORE + 1 + _AFTER)  # around the frame judged, which is the _AFTER + 1st last
        self._steps: deque = deque(maxlen=_BEFORE + 1 + _AFTER)  # from one of them to the next

    def see(self, rgb: np.ndarray) -> None:
        small = miniature(rgb)
        if self._small:
            self._steps.append(apart(self._small[-1], small))
        self._small.append(small)
        self._seen += 1
        if len(self._small) > _AFTER + 1:
            self._judge()

    def _judge(self) -> None:
        step = self._steps[-_AFTER - 1]
        if step < _OTHER:
            return
        around = [*self._steps]
        del around[-_AFTER - 1]
        before, after = list(self._small)[: -_AFTER - 1], list(self._small)[-_AFTER - 1 :]
        frame = self._seen - _AFTER - 1
        lately = frame - self.cuts[-1] if self.cuts else _BEFORE
        if lately <= _AFTER or step < _SUDDEN * np.median(around):
            return
        if min(apart(old, new) for old in before[-lately:] for new in after) > _OTHER:
            self.cuts.append(frame)


class Watched:
    """A `media.Clip` that shows its frames to `watcher.see(rgb)` too as they are read."""

    def __init__(self, clip, watcher):
        self._clip, self._watcher = clip, watcher

    @property
    def cuts(self) -> list[int]:
        """What the watcher has found so far."""
        return self._watcher.cuts

    def __getattr__(self, name):
        return getattr(self._clip, name)

    def __iter__(self):
        for frame in self._clip:
            self._watcher.see(frame.rgb)
            yield frame


def miniature(rgb: np.ndarray) -> np.ndarray:
    """(18,32) grey means of a picture (H,W,3), from a few of its pixels."""
    rows, columns, down, across = _sampled(rgb.shape[:2])
    # `take` and products are several times as fast as one index for both, and as `mean`
    return down @ (rgb.take(rows, axis=0).take(columns, axis=1) @ np.full(3, 1.0 / 3.0)) @ across


@lru_cache(maxsize=4)
def _sampled(size: tuple) -> tuple:
    """Rows (72,) and columns (128,) that are looked at in pictures of `size`, and what makes means of their cells:
    (18,72) from the left, (128,32) from the right."""
    places = [np.linspace(0, n - 1, _SAMPLES * cells).astype(int) for n, cells in zip(size, _CELLS)]
    down, across = (np.kron(np.eye(cells), np.full((1, _SAMPLES), 1.0 / _SAMPLES)) for cells in _CELLS)
    return *places, down, np.ascontiguousarray(across.T)


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """How little two small pictures have in common: 1 - their correlation, at the shift where it is largest."""
    best = 1.0 - _correlation(a, b)
    if best < 0.5 * _OTHER:
        return best
    return min(best, *(1.0 - _correlation(*_overlap(a, b, *shift)) for shift in _SHIFTS))


def _overlap(a, b, dy, dx):
    rows, columns = a.shape
    return (
        a[max(0, dy) : rows + min(0, dy), max(0, dx) : columns + min(0, dx)],
        b[max(0, -dy) : rows + min(0, -dy), max(0, -dx) : columns + min(0, -dx)],
    )


def _correlation(a, b) -> float:
    a, b = a - a.mean(), b - b.mean()
    # a grey level or two of noise is no structure: black frames are alike
    return float(((a * b).sum() + a.size) / (np.sqrt((a * a).sum() * (b * b).sum()) + a.size))
