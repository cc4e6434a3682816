"""Pose estimation: pictures in, keypoints out.

A method is one class in one file of this package, made without arguments (or with its own
`Options`) and called with a clip.
"""

from __future__ import annotations

from functools import partial
from typing import Callable, Protocol

from .. import registry
from ..errors import BadInput
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
    "holistic": Method(
        "poseloom.pose.holistic:Holistic",
        "BlazePose full with 21 points of each hand and 68 of the face, pupils too; several times slower",
        "Apache-2.0",
        extra="pose",
    ),
    "rtm": Method(
        "poseloom.pose.rtm:Rtm",
        "your RTMPose, DWPose, RTMW, RTMO or ViTPose in an ONNX file (--model): 17, 26 or 133 points, depth by our lifter",
        "that of the file",
        extra="learn",
    ),
    "mmpose": Method(
        "poseloom.pose.mmpose:MMPose",
        "any model of mmpose by config and checkpoint (--model, --checkpoint); needs: poseloom setup mmpose",
        "Apache-2.0, its models their own",
    ),
}


def load(name: str) -> Callable[[], Estimator]:
    """What makes the estimator `name`, "rtm:MODEL" with a model; UnknownMethod or Unavailable with the way out."""
    kind, _, model = name.partition(":")
    made = registry.load("estimator", METHODS, kind)
    if model and not hasattr(made, "files"):
        raise BadInput("no_model_taken", f'The estimator "{kind}" brings its own model.', "Leave out --model.")
    return partial(made, model) if model else made


def files_of(name: str) -> list:
    """The files of the model in "rtm:MODEL" that are there; what an estimator of ours brings is not among them."""
    kind, _, model = name.partition(":")
    return [path for path in load(kind).files(model) if path.is_file()] if model else []
