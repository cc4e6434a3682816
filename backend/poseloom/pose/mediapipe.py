"""BlazePose through MediaPipe: one person, 33 points, in the picture and in metres."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import weights
from ..errors import BadInput
from ..motion.layouts import BLAZEPOSE
from ..motion.types import Keypoints
from ..progress import Report, silent
from ..registry import package
from ..settings import models_folder


_COMPLEXITY = {"lite": 0, "full": 1, "heavy": 2}
_SAME_PERSON = 0.2  # of the body's height in the picture: further apart, two models follow two people
_DETECTOR = "posedetectioncpu__TensorsToDetectionsCalculator"
_LANDMARKS = "poselandmarkbyroicpu__tensorstoposelandmarksandsegmentation__ThresholdingCalculator"


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

    models = ("full",)

    def __init__(self, options: Options = Options()):
        self.options = options
        self._solution = package("mediapipe.python.solutions.pose", 'The estimator "mediapipe"', "pose")
        for model in self.models:
            weights.path_of(f"mediapipe-{model}")

    def __call__(self, clip, report: Report = silent) -> list[Keypoints]:
        rows = []
        with ExitStack() as stack:
            with _quiet_stderr():
                eyes = [stack.enter_context(self._eye(model, clip.frame_count == 1)) for model in self.models]
            for frame in clip:
                report(_share(frame.index, clip.frame_count), f"frame {frame.index + 1}")
                rows.append(_both([eye.see(frame.rgb) for eye in eyes]))
        if all(row is None for row in rows):
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

    def _eye(self, model: str, still: bool) -> "_Eye":
        """One model, loaded: MediaPipe opens its files when it sees the first picture."""
        options = self.options
        if model == "full":
            pose = self._solution.Pose(
                static_image_mode=still,
                model_complexity=1,
                smooth_landmarks=options.smooth,
                min_detection_confidence=options.detection_confidence,
                min_tracking_confidence=options.tracking_confidence,
            )
        else:
            pose = _from_folder(self._solution, model, models_folder(), still, options)
        eye = _Eye(pose)
        eye.process(np.zeros((64, 64, 3), np.uint8))
        return eye


class MediaPipeLite(MediaPipe):
    models = ("lite",)


class MediaPipeHeavy(MediaPipe):
    models = ("heavy",)


class MediaPipeBoth(MediaPipe):
    """The picture from heavy, metres from full: each is the better one there (Polimi 2025)."""

    models = ("heavy", "full")


class _Eye:
    """One running graph, which follows one person from frame to frame."""

    def __init__(self, pose):
        self._pose, self._follows, self._found = pose, False, False

    def __enter__(self) -> "_Eye":
        return self

    def __exit__(self, *_) -> None:
        self._pose.close()

    def process(self, rgb: np.ndarray):
        """(33, 6): x y as a share of the picture, x y z in house axes, visibility; None for nobody."""
        seen = self._pose.process(rgb)
        if seen.pose_landmarks is None:
            return None
        picture, world = seen.pose_landmarks.landmark, seen.pose_world_landmarks.landmark
        # its world is x right, y down, z away from the camera
        return np.array([(p.x, p.y, w.x, w.z, -w.y, p.visibility) for p, w in zip(picture, world)])

    def see(self, rgb: np.ndarray):
        """`process` of the next frame of a clip; looks anew where the track breaks."""
        if self._found:
            row = self.process(rgb)
        else:
            with _quiet_stderr():  # it warns once more when the first person comes in
                row = self.process(rgb)
        if row is None and self._follows:
            row = self.process(rgb)  # the track broke: now it looks for the person anew
        self._follows = row is not None
        self._found = self._found or self._follows
        return row


def _both(rows: list):
    """The first model's points with the last one's metres, where both follow the same person."""
    first, last = rows[0], rows[-1]
    if first is None or last is None:
        return first if last is None else last
    tall = np.ptp(first[:, 1])
    apart = np.linalg.norm(first[:, :2] - last[:, :2], axis=1).mean()
    if apart > _SAME_PERSON * tall:
        return first
    return np.hstack([first[:, :2], last[:, 2:5], 0.5 * (first[:, 5:] + last[:, 5:])])


def _from_folder(solution, model: str, folder: Path, still: bool, options: Options):
    """A pose graph whose weights lie in `folder`, as the package brings those of full alone."""
    from mediapipe.python import solution_base
    from mediapipe.python._framework_bindings import resource_util

    detector = weights.find("mediapipe-detector")
    beside = folder / "mediapipe" / detector.path
    if not beside.is_file():
        beside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(weights.path_of(detector.name), beside)

    class Pose(solution_base.SolutionBase):
        def _modify_calculator_options(self, *args):
            super()._modify_calculator_options(*args)
            resource_util.set_resource_dir(str(folder))  # after the base class has set the package's

    return Pose(
        binary_graph_path=solution._BINARYPB_FILE_PATH,
        side_inputs={
            "model_complexity": _COMPLEXITY[model],
            "smooth_landmarks": options.smooth and not still,
            "enable_segmentation": False,
            "smooth_segmentation": False,
            "use_prev_landmarks": not still,
        },
        calculator_params={
            f"{_DETECTOR}.min_score_thresh": options.detection_confidence,
            f"{_LANDMARKS}.threshold": options.tracking_confidence,
        },
        outputs=["pose_landmarks", "pose_world_landmarks"],
    )


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
