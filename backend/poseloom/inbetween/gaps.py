"""A motion with holes cut into windows: one for each hole, with what is known around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import BadInput

AROUND = 10  # frames of context on either side of a hole


@dataclass(frozen=True)
class Gap:
    """Frames first..last (included) of a motion, whose hole is `hole` (first, last, included)."""

    first: int
    last: int
    hole: tuple


def keyed_frames(known, joints: int) -> np.ndarray:
    """(T,) frames at which the whole body is keyed; BadInput where keys are of single joints only, or fewer than two."""
    known = np.asarray(known, bool)
    if known.ndim != 2 or known.shape[1] != joints:
        raise BadInput("bad_shape", f"known is {known.shape}, expected (frames, {joints}).")
    rows = known.all(axis=1)
    if rows.sum() < 2:
        some = "Only single bones are keyed" if known.any() and not rows.any() else "There are fewer than two key poses"
        raise BadInput("few_keys", f"{some}, so there is nothing to fill between.", "Key the whole body, or use spline.")
    return rows


def gaps(rows) -> list:
    """The Gaps between neighbouring key poses, rows (T,) bool; what lies before the first and after the last is none.

    The context goes to the nearest known frame at most AROUND frames away that is joined to the hole by known
    frames; where keys are single poses, to the neighbouring key.
    """
    keys = np.flatnonzero(rows)
    found = []
    for a, b in zip(keys[:-1], keys[1:]):
        if b - a < 2:
            continue
        first, last = a, b
        while first > 0 and rows[first - 1] and a - first < AROUND - 1:
            first -= 1
        while last < len(rows) - 1 and rows[last + 1] and last - b < AROUND - 1:
            last += 1
        found.append(Gap(int(first), int(last), (int(a) + 1, int(b) - 1)))
    return found


def stretches(rows, most: int) -> list:
    """[(first, last), ...] frames of rows (T,) bool to be matched as one: neighbouring gaps with few known frames
    between, joined up to `most` frames; with the context of the first and last gap."""
    joined: list = []
    for gap in gaps(rows):
        (a, b), held = gap.hole, joined[-1] if joined else None
        if held and a - held[1] <= AROUND // 2 and b - held[0] < most:
            joined[-1] = (held[0], b, held[2], gap.last)
        else:
            joined.append((a, b, gap.first, gap.last))
    return [(first, last) for _, _, first, last in joined]


def key_poses(known) -> np.ndarray:
    """(T,) frames of known (T,J) that are taken for poses of the whole body: the root and half of all joints that
    have any keys are keyed there."""
    known = np.asarray(known, bool)
    used = known.any(axis=0)
    return known[:, 0] & (2 * known[:, used].sum(axis=1) >= used.sum())


def outside(rows, lrot, root):
    """lrot (T,J,4), root (T,3) with the frames before the first key and after the last held."""
    keys = np.flatnonzero(rows)
    here = np.clip(np.arange(len(rows)), keys[0], keys[-1])
    outer = here != np.arange(len(rows))
    lrot, root = np.array(lrot), np.array(root)
    lrot[outer], root[outer] = lrot[here[outer]], root[here[outer]]
    return lrot, root
