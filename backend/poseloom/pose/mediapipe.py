"""BlazePose through MediaPipe's `solutions`: one person, 33 points, in the picture and in metres."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ..errors import BadInput
from ..motion.layouts import BLAZEPOSE
from ..motion.types import Keypoints
from ..progress import Report, silent
from ..registry import package


@dataclass(frozen=True)
class Options:
    """smooth: MediaPipe's own causal filter, which trails behind fast motion; confidences 0..1."""

    smooth: bool = False
    detection_confidence: float = 0.5
    tracking_confidence: float = 0.5


class MediaPipe:
    """`Estimator` of the most prominent person; xyz from BlazePose's world landmarks.

    Score is the visibility.  Points outside the picture or hidden keep their guessed place, with a
    low score; frames in which nobody is found are NaN and 0.
    """

    def __init__(self, options: Options = Options()):
        self.options = options
        self._solution = package("mediapipe.python.solutions.pose", 'The estimator "mediapipe"', "pose")

    def __call__(self, clip, report: Report = silent) -> list[Keypoints]:
        rows = []
        with _quiet_stderr():
            pose = self._solution.Pose(
                static_image_mode=clip.frame_count == 1,
                model_complexity=1,
                smooth_landmarks=self.options.smooth,
                min_detection_confidence=self.options.detection_confidence,
                min_tracking_confidence=self.options.tracking_confidence,
            )
            _see(pose, np.zeros((64, 64, 3), np.uint8))  # both models are loaded once this returns
        with pose:
            found = False
            for frame in clip:
                report(_share(frame.index, clip.frame_count), f"frame {frame.index + 1}")
                if found:
                    row = _see(pose, frame.rgb)
                else:
                    with _quiet_stderr():  # it warns once more when the first person comes in
                        row = _see(pose, frame.rgb)
                if row is None and rows and rows[-1] is not None:
                    row = _see(pose, frame.rgb)  # the track broke: now it looks for the person anew
                found = found or row is not None
                rows.append(row)
        if not found:
            raise BadInput(
                "no_person",
                f"No person was found in any of the {len(rows)} frames of {clip.path.name}."
                if len(rows) > 1
                else f"No person was found in {clip.path.name}.",
                "Use a clip in which the whole body is seen, large enough and well lit.",
            )
        report(1.0, f"{len(rows)} frames")
        empty = np.full((len(BLAZEPOSE), 6), np.nan)
        values = np.stack([empty if row is None else row for row in rows])
        return [
            Keypoints(
                layout="blazepose",
                xy=values[..., 0:2] * clip.size,
                xyz=values[..., 2:5],
                score=np.nan_to_num(values[..., 5]),
                size=clip.size,
                fps=clip.fps,
                start_s=clip.start_s,
            )
        ]


def _see(pose, rgb: np.ndarray):
    """(33, 6): x y as a share of the picture, x y z in house axes, visibility; None for nobody."""
    seen = pose.process(rgb)
    if seen.pose_landmarks is None:
        return None
    picture, world = seen.pose_landmarks.landmark, seen.pose_world_landmarks.landmark
    # its world is x right, y down, z away from the camera
    return np.array([(p.x, p.y, w.x, w.z, -w.y, p.visibility) for p, w in zip(picture, world)])


def _share(index: int, count) -> float:
    return min(index / count, 1.0) if count else 0.0


@contextmanager
def _quiet_stderr():
    """Without the notes that MediaPipe's native code writes past Python to the error stream."""
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, AttributeError):  # no error stream, as under pythonw
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
