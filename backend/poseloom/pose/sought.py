"""Somebody whom an estimator that follows one person lost, sought among everyone in the clip."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional, Sequence

import numpy as np

from ..motion.contacts import runs
from ..motion.types import Keypoints

_LOST_S, _LOST_SHARE = 0.5, 0.02  # of the clip: unseen for less than either is bridged
_SAME_PERSON = 0.2  # of the body's height in the picture: further apart, two sights are of two people


def lost(person: Keypoints) -> Optional[tuple[int, int]]:
    """The longest (first, end) without the person, where they are unseen for too long in all; else None."""
    unseen = ~_seen(person)
    if unseen.all() or unseen.sum() <= max(_LOST_S * person.fps, _LOST_SHARE * len(person)):
        return None
    return max(runs(unseen), key=lambda run: run[1] - run[0])


def found(person: Keypoints, people: Sequence[Keypoints]) -> Keypoints:
    """`person` with the frames in which only the same one of `people`, of the same clip and layout, is seen."""
    same = [one for one in people if len(one) == len(person) and _apart(person, one) < _SAME_PERSON]
    if not same:
        return person
    other = max(same, key=lambda one: int((_seen(one) & ~_seen(person)).sum()))
    more = _seen(other) & ~_seen(person)
    rows = {name: np.array(getattr(person, name)) for name in ("xy", "xyz", "score") if getattr(person, name) is not None}
    for name, values in rows.items():
        values[more] = getattr(other, name)[more]
    return replace(person, **rows) if more.any() else person


def _seen(person: Keypoints) -> np.ndarray:
    return np.isfinite(person.xy).all(axis=2).any(axis=1)


def _apart(one: Keypoints, other: Keypoints) -> float:
    """The usual distance of two people's points in frames that show both, in heights; infinite without such frames."""
    both = np.isfinite(one.xy).all(axis=2) & np.isfinite(other.xy).all(axis=2)
    apart = [
        np.linalg.norm(p[seen] - q[seen], axis=-1).mean() / max(np.ptp(p[seen, 1]), 1.0)
        for p, q, seen in zip(one.xy, other.xy, both) if seen.any()
    ]  # fmt: skip
    return float(np.median(apart)) if apart else np.inf
