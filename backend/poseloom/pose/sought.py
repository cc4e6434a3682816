"""Somebody whom an estimator that follows one person lost, sought among everyone in the clip."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional, Sequence

import numpy as np

from ..motion.contacts import runs
from ..motion.types import Keypoints

_LOST_S, _LOST_SHARE = 0.5, 0.02  # of the clip: unseen for less than either is bridged
_SAME_PERSON = 0.2  # of the body's height in the picture: further apart, two sights are of two people


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(T,) how far the points (T,K,2) px of two sights are from each other, in the body's height; NaN where none is seen in
    both."""
    both = np.isfinite(one).all(axis=2) & np.isfinite(other).all(axis=2)
    found = np.full(len(one), np.nan)
    for frame in np.flatnonzero(both.any(axis=1)):
        a, b = one[frame, both[frame]], other[frame, both[frame]]
        found[frame] = np.linalg.norm(a - b, axis=-1).mean() / max(np.ptp(a[:, 1]), np.ptp(b[:, 1]), 1.0)
    return found


def lost(person: Keypoints) -> Optional[tuple[int, int]]:
    """The longest (first, end) without the person, where they are unseen for too long in all; else None."""
    unseen = ~_seen(person)
    if unseen.all() or unseen.sum() <= max(_LOST_S * person.fps, _LOST_SHARE * len(person)):
        return None
    return max(runs(unseen), key=lambda run: run[1] - run[0])


def found(person: Keypoints, people: Sequence[Keypoints]) -> Keypoints:
    """`person`, with the frames of the same one of `people`, of the same clip and layout, where only that one is seen or
    the two are not of one person: who looks for everyone is not lost beside the body."""
    same = [one for one in people if len(one) == len(person) and _usual(apart(person.xy, one.xy)) < _SAME_PERSON]
    missing = ~_seen(person)
    other = max(same, key=lambda one: int((_seen(one) & missing).sum()), default=person)
    if not (_seen(other) & missing).any():
        return person
    more = _seen(other) & ~(apart(person.xy, other.xy) < _SAME_PERSON)
    rows = {name: np.array(getattr(person, name)) for name in ("xy", "xyz", "score") if getattr(person, name) is not None}
    for name, values in rows.items():
        values[more] = getattr(other, name)[more]
    return replace(person, **rows)


def _seen(person: Keypoints) -> np.ndarray:
    return np.isfinite(person.xy).all(axis=2).any(axis=1)


def _usual(distance: np.ndarray) -> float:
    """The median of what is known; infinite where nothing is."""
    known = distance[np.isfinite(distance)]
    return float(np.median(known)) if len(known) else np.inf
