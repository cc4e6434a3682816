"""In-betweening: keys -> Motion.  What every method promises, and the table of methods."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..motion.types import Motion
from ..progress import Report, silent
from ..registry import Method
from ..registry import load as _load


class Inbetweener(Protocol):
    """Fills the holes of a motion.  Known frames come back bit for bit."""

    def __call__(self, motion: Motion, known: np.ndarray, report: Report = silent) -> Motion:
        """`known` (T,J) tells which joints are keyed at which frame; the root's place goes with joint 0."""
        ...


METHODS = {
    "spline": Method("poseloom.inbetween.spline:Spline", "smooth curves through the keys", "GPL-3.0-or-later"),
    "dtw": Method(
        "poseloom.inbetween.follow:Dtw", "as the clips of your library move that fit the keys best", "GPL-3.0-or-later"
    ),
    "lstm": Method(
        "poseloom.inbetween.lstm:Lstm", "as a network moves that learned from motion capture", "GPL-3.0-or-later", "learn"
    ),
}


def load(name: str):
    """The class behind a method's name; UnknownMethod or Unavailable with the way out."""
    return _load("in-betweener", METHODS, name)
