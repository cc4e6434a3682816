"""Pose estimation: pictures in, keypoints out.

A method is one class in one file of this package, made without arguments (or with its own
`Options`) and called with a clip.
"""

from __future__ import annotations

from typing import Protocol

from .. import registry
from ..motion.types import Keypoints
from ..progress import Report
from ..registry import Method


class Estimator(Protocol):
    def __call__(self, clip, report: Report) -> list[Keypoints]:
        """The main person seen in `clip`, and others where that costs nothing; never an empty list.

        `clip` is a `media.Clip`.  Each Keypoints has one row per frame of the clip (T), xy
        (T,K,2) in pixels of `clip.size`, xyz (T,K,3) or None, score (T,K), NaN and 0 in
        frames where that person is not seen, and the clip's fps and start_s.

        BadInput "no_person" where no frame shows anybody; BadInput from the clip itself;
        Cancelled through `report`.
        """

    def everyone(self, clip, report: Report) -> list[Keypoints]:
        """As above, with a look for others: `person` counts from 1, and each is the same person in all frames."""


METHODS = {
    "mediapipe": Method(
        "poseloom.pose.mediapipe:MediaPipe",
        "BlazePose full: 33 points in the picture and in metres, fast and offline",
        "Apache-2.0",
        extra="pose",
    ),
    "mediapipe-lite": Method(
        "poseloom.pose.mediapipe:MediaPipeLite",
        "BlazePose lite: the same 33 points, faster and coarser; poseloom models add mediapipe-lite",
        "Apache-2.0",
        extra="pose",
    ),
    "mediapipe-heavy": Method(
        "poseloom.pose.mediapipe:MediaPipeHeavy",
        "BlazePose heavy: the same 33 points, slower and finer; poseloom models add mediapipe-heavy",
        "Apache-2.0",
        extra="pose",
    ),
    "mediapipe-both": Method(
        "poseloom.pose.mediapipe:MediaPipeBoth",
        "the picture from BlazePose heavy, metres from full; the most exact of these",
        "Apache-2.0",
        extra="pose",
    ),
}


def load(name: str) -> type:
    """The estimator class behind `name`; UnknownMethod or Unavailable with the way out."""
    return registry.load("estimator", METHODS, name)
