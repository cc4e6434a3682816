"""BlazePose through MediaPipe: the main person or everyone, 33 points, in the picture and in metres."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass

import numpy as np

from .. import weights
from ..errors import BadInput
from ..motion.layouts import layout
from ..motion.types import Keypoints
from ..progress import Report, silent
from ..registry import package
from . import graphs
from .graphs import quiet_stderr

_MEMORY = 12  # frames after which a graph does not remember how it began
_SAME_PERSON = 0.2  # of the body's height in the picture: further apart, two models follow two people


@dataclass(frozen=True)
class Options:
    """smooth: MediaPipe's own causal filter, which trails behind fast motion; confidences 0..1; still: frames are pictures
    that have nothing to do with each other."""

    smooth: bool = False
    still: bool = False
    detection_confidence: float = 0.5
    tracking_confidence: float = 0.5


class MediaPipe:
    """`Estimator` of the most prominent person; xyz from BlazePose's world landmarks.

    Score is the visibility.  Points outside the picture or hidden keep their guessed place, with a
    low score; frames in which nobody is found are NaN and 0.
    """

    models = ("full",)
    layout = "blazepose"

    def __init__(self, options: Options = Options()):
        self.options = options
        self._solution = package("mediapipe.python.solutions.pose", 'The estimator "mediapipe"', "pose")
        for model in self.models:
            weights.path_of(f"mediapipe-{model}")

    def __call__(self, clip, report: Report = silent) -> list[Keypoints]:
        rows = []
        with ExitStack() as stack:
            parts = stack.enter_context(self._parts())
            with quiet_stderr():
                still = self.options.still or clip.frame_count == 1
                eyes = [stack.enter_context(self._eye(model, still)) for model in self.models]
            for frame in clip:
                report(_share(frame.index, clip.frame_count), f"frame {frame.index + 1}")
                row = _both([eye.see(frame.rgb) for eye in eyes])
                if row is not None:
                    row = np.float32(parts(frame.rgb, row * [*clip.size, 1.0, 1.0, 1.0, 1.0]))
                rows.append(row)
        if all(row is None for row in rows):
            return self._without_body(clip, len(rows))
        report(1.0, f"{len(rows)} frames")
        return [keypoints(self.layout, rows, clip)]

    def everyone(self, clip, report: Report = silent) -> list[Keypoints]:
        from .people import everyone

        with self._parts() as parts:
            people, frames = everyone(self.models, clip, parts, report)
        if not people:
            return self._without_body(clip, frames)
        return [keypoints(self.layout, rows, clip, number) for number, rows in enumerate(people, 1)]

    def _without_body(self, clip, frames: int) -> list[Keypoints]:
        """What there is to tell of a clip that shows nobody's body, or BadInput."""
        where = f"any of the {frames} frames of {clip.path.name}" if frames > 1 else clip.path.name
        raise BadInput(
            "no_person", f"No person was found in {where}.",
            "Use a clip in which the whole body is seen, large enough and well lit.",
        )  # fmt: skip

    def _parts(self):
        """What makes of a picture and the 33 rows x y px, x y z m, visibility of a person in it those of the layout."""
        return nullcontext(lambda rgb, row: row)

    def _eye(self, model: str, still: bool) -> "_Eye":
        """One model, loaded: MediaPipe opens its files when it sees the first picture."""
        options = self.options

        def make(threads: int):
            return graphs.solution(
                self._solution._BINARYPB_FILE_PATH,
                folder=None if model == "full" else graphs.folder_of_models(),
                side_inputs={
                    "model_complexity": graphs.COMPLEXITY[model],
                    "smooth_landmarks": options.smooth and not still,
                    "enable_segmentation": False,
                    "smooth_segmentation": False,
                    "use_prev_landmarks": not still,
                },
                params={
                    f"{graphs.DETECTOR}.min_score_thresh": options.detection_confidence,
                    f"{graphs.LANDMARKS}.threshold": options.tracking_confidence,
                },
                outputs=["pose_landmarks", "pose_world_landmarks"],
                threads=threads,
            )

        eye = _Eye(make(1) if still else graphs.Shared(make, model, _MEMORY, _of_one_person))
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
        return graphs.points(seen.pose_landmarks.landmark, seen.pose_world_landmarks.landmark)

    def see(self, rgb: np.ndarray):
        """`process` of the next frame of a clip; looks anew where the track breaks."""
        if self._found:
            row = self.process(rgb)
        else:
            with quiet_stderr():  # it warns once more when the first person comes in
                row = self.process(rgb)
        if row is None and self._follows:
            row = self.process(rgb)  # the track broke: now it looks for the person anew
        self._follows = row is not None
        self._found = self._found or self._follows
        return row


def _of_one_person(seen, again) -> bool:
    """Whether two graphs follow one person in a picture; nobody is like nobody alone."""
    one, other = (None if found.pose_landmarks is None else found.pose_landmarks.landmark for found in (seen, again))
    if one is None or other is None:
        return one is other
    xy, others = (np.array([(p.x, p.y) for p in points]) for points in (one, other))
    return np.linalg.norm(xy - others, axis=1).mean() <= _SAME_PERSON * np.ptp(xy[:, 1])


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


def keypoints(name: str, rows: list, clip, number: int = 1) -> Keypoints:
    """The Keypoints in the layout `name` of rows (K,6), x y px, x y z m, score, or None for frames without the person."""
    empty = np.full((len(layout(name)), 6), np.nan, np.float32)
    values = np.stack([empty if row is None else row for row in rows])
    return Keypoints(
        layout=name, xy=values[..., :2], xyz=values[..., 2:5], score=np.nan_to_num(values[..., 5]),
        size=clip.size, fps=clip.fps, start_s=clip.start_s, person=number,
    )  # fmt: skip


def _share(index: int, count) -> float:
    return min(index / count, 1.0) if count else 0.0
