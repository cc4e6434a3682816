"""MediaPipe's parts put together as graphs of ours: people found all over a picture, and looked at one by one."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from .. import cores, weights
from ..settings import models_folder

COMPLEXITY = {"lite": 0, "full": 1, "heavy": 2}
DETECTOR = "posedetectioncpu__TensorsToDetectionsCalculator"
LANDMARKS = "poselandmarkbyroicpu__tensorstoposelandmarksandsegmentation__ThresholdingCalculator"
_WHOLE, _ROOM = 2.0, 1.25  # BlazePose's crop: twice the way from the hips to the circle's edge, and room around it
# sides of the tiles that are searched, as shares of the picture's longer side; neighbours overlap by half
_TILES = (0.6, 0.4)
_CUT_OFF = 1.6  # a crop this many times as large as its tile is of somebody the tile cuts off: a larger one sees them
_MOST = 4  # threads of one network
_CROWDED, _CROWDED_S = 4.0, 0.3  # so many times as slow as at best, or so slow: somebody else uses the cores
_PATIENCE = 3  # pictures in a row
_MEMORY_BYTES = 64e6  # of pictures that are kept to be seen again
_OPENING = 2  # pictures that say nothing of that: files are opened, and people looked for
_TWICE = 0.05  # of their side: crops nearer than this are of one person
_FIND = """
input_stream: "image"
output_stream: "detections"
node { calculator: "PoseDetectionCpu" input_stream: "IMAGE:image" output_stream: "DETECTIONS:detections" }
"""
_LOOK = """
input_stream: "image"
input_stream: "roi"
input_side_packet: "model_complexity"
output_stream: "landmarks"
output_stream: "world"
output_stream: "auxiliary"
node {
  calculator: "PoseLandmarkByRoiCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  input_side_packet: "MODEL_COMPLEXITY:model_complexity"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "WORLD_LANDMARKS:world"
  output_stream: "AUXILIARY_LANDMARKS:auxiliary"
}
"""


@dataclass(frozen=True, eq=False)
class Roi:
    """A turned square in a picture: its middle (2,) and side in pixels, and its turn clockwise in radians."""

    middle: np.ndarray
    side: float
    turn: float

    @classmethod
    def around(cls, hips, edge) -> "Roi":
        """BlazePose's crop of a person, by the middle of the hips (2,) and a point (2,) of the circle around."""
        x, y = np.asarray(edge, np.float64) - hips
        turn = np.pi / 2 - np.arctan2(-y, x)
        return cls(
            np.array(hips, np.float64),
            _WHOLE * _ROOM * float(np.hypot(x, y)),
            float((turn + np.pi) % (2 * np.pi) - np.pi),
        )

    def moved(self, by) -> "Roi":
        return Roi(self.middle + by, self.side, self.turn)

    def is_near(self, other: "Roi") -> bool:
        side = min(self.side, other.side)
        return bool(
            np.linalg.norm(self.middle - other.middle) < _TWICE * side and max(self.side, other.side) < 1.25 * side
        )

    def message(self, size):
        from mediapipe.framework.formats import rect_pb2

        (x, y), (width, height) = self.middle, size
        return rect_pb2.NormalizedRect(
            x_center=x / width,
            y_center=y / height,
            width=self.side / width,
            height=self.side / height,
            rotation=self.turn,
        )


class Finder:
    """Rois of the people in a picture, the surest first; some twice, some where nobody is."""

    def __init__(self, least: float):
        """least: the detector's score, 0..1, from which on somebody may be there."""
        with quiet_stderr():
            self._graph = solution(_FIND, params={f"{DETECTOR}.min_score_thresh": least})

    def __call__(self, rgb: np.ndarray) -> list[Roi]:
        found = []
        for x, y, width, height in tiles(rgb.shape[1], rgb.shape[0]):
            seen = self._graph.process({"image": np.ascontiguousarray(rgb[y : y + height, x : x + width])})
            for person in seen.detections or []:
                marks = [(p.x * width + x, p.y * height + y) for p in person.location_data.relative_keypoints[:2]]
                roi = Roi.around(*marks)
                if width == rgb.shape[1] or roi.side < _CUT_OFF * width:
                    found.append((person.score[0], roi))
        kept: list[Roi] = []
        for _, roi in sorted(found, key=lambda pair: -pair[0]):
            if not any(roi.is_near(other) for other in kept):
                kept.append(roi)
        return kept

    def close(self) -> None:
        self._graph.close()


class Looker:
    """The 33 points of the person in a Roi, by one of BlazePose's models."""

    def __init__(self, model: str, least: float):
        """least: how sure the model must be, 0..1, that there is a person."""
        with quiet_stderr():
            self._graph = Shared(lambda threads: solution(
                _LOOK, params={f"{LANDMARKS}.threshold": least}, side_inputs={"model_complexity": COMPLEXITY[model]},
                folder=None if model == "full" else folder_of_models(), threads=threads,
            ), model)  # fmt: skip
            self(np.zeros((64, 64, 3), np.uint8), Roi(np.array([32.0, 32.0]), 64.0, 0.0))  # it opens its files now

    def __call__(self, rgb: np.ndarray, roi: Roi):
        """((33, 6) x y px, x y z m in house axes, visibility; the Roi in which to look next); None for nobody."""
        size = rgb.shape[1], rgb.shape[0]
        seen = self._graph.process({"image": rgb, "roi": roi.message(size)})
        if seen.landmarks is None:
            return None
        row = points(seen.landmarks.landmark, seen.world.landmark)
        row[:, :2] *= size
        hips, edge = (np.array([p.x, p.y]) * size for p in seen.auxiliary.landmark[:2])
        return row, Roi.around(hips, edge)

    def close(self) -> None:
        self._graph.close()


def points(picture, world) -> np.ndarray:
    """(33, 6): x y as a share of the picture, x y z in house axes, visibility."""
    # its world is x right, y down, z away from the camera
    return np.array([(p.x, p.y, w.x, w.z, -w.y, p.visibility) for p, w in zip(picture, world)])


def tiles(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """[(left, top, width, height)] of the whole picture, then of squares that cover it, overlapping by half."""
    out = [(0, 0, width, height)]
    for share in _TILES:
        side = round(share * max(width, height))
        across, down = min(side, width), min(side, height)
        for left in _steps(width - across, side / 2):
            out += [(left, top, across, down) for top in _steps(height - down, side / 2)]
    return out


def _steps(room: int, most: float) -> list[int]:
    return np.linspace(0, room, int(np.ceil(room / most)) + 1).round().astype(int).tolist()


def folder_of_models() -> Path:
    """The folder from which MediaPipe takes models that its package lacks, with the detector beside them."""
    folder = models_folder()
    detector = weights.find("mediapipe-detector")
    beside = folder / "mediapipe" / detector.path
    if not beside.is_file():
        beside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(weights.path_of(detector.name), beside)
    return folder


def solution(config: str, *, params: dict, side_inputs=None, folder: Path | None = None, outputs=None, threads: int = 1):
    """A running graph of the text `config`, or of a file of the package; models from `folder`, None: the package."""
    from mediapipe.calculators.tensor.inference_calculator_pb2 import InferenceCalculatorOptions
    from mediapipe.python import solution_base
    from mediapipe.python._framework_bindings import resource_util

    class Solution(solution_base.SolutionBase):
        def _initialize_graph_interface(self, *args):
            graph = super()._initialize_graph_interface(*args)
            for node in graph.node:
                if node.calculator.startswith("InferenceCalculator"):
                    options = InferenceCalculatorOptions()
                    if not (node.node_options and node.node_options[0].Unpack(options)):
                        options = node.options.Extensions[InferenceCalculatorOptions.ext]
                    options.delegate.xnnpack.num_threads = threads
                    if node.node_options:
                        node.node_options[0].Pack(options)
            if folder is not None:
                resource_util.set_resource_dir(str(folder))  # after the base class has set the package's
            return graph

    where = {"binary_graph_path" if config.endswith(".binarypb") else "graph_config": config}
    return Solution(**where, calculator_params=params, side_inputs=side_inputs, outputs=outputs)


class Shared:
    """A graph on as many threads as there are idle cores, which goes on with one once others use these.

    MediaPipe's threads wait for one another without sleeping: with one too many they are far slower than one.
    """

    def __init__(self, make: Callable, model: str, memory: int = 0, same: Callable = lambda one, other: True):
        """make(threads) starts the graph; memory: how many of the last pictures it must see again to know what it did;
        same: whether what two graphs saw in one picture is of one person: if not, it goes on as it was."""
        # the heavy model, and those of hands and faces, gain little by threads or lose
        self._threads = 1 if model == "heavy" else min(cores.idle(), _MOST)
        self._make, self._graph, self._same = make, make(self._threads), same
        self._recent: deque = deque(maxlen=memory)
        self._best_s, self._count, self._slow = np.inf, 0, 0

    def process(self, given):
        if self._threads == 1:
            return self._graph.process(given)
        began = time.perf_counter()
        seen = self._graph.process(given)
        took_s = time.perf_counter() - began
        self._remember(given)
        self._count += 1
        if self._count > _OPENING:
            self._best_s = min(self._best_s, took_s)
            self._slow = self._slow + 1 if took_s > min(_CROWDED * self._best_s, _CROWDED_S) else 0
        if self._slow == _PATIENCE:
            self._go_on_alone(seen)
        return seen

    def close(self) -> None:
        self._graph.close()

    def _remember(self, given) -> None:
        self._recent.append(given)
        while len(self._recent) > 1 and sum(rgb.nbytes for rgb in self._recent) > _MEMORY_BYTES:
            self._recent.popleft()

    def _go_on_alone(self, seen) -> None:
        with quiet_stderr():
            graph, again = self._make(1), seen
            for given in self._recent:
                again = graph.process(given)
        kept, dropped = (graph, self._graph) if self._same(seen, again) else (self._graph, graph)
        dropped.close()
        self._threads, self._graph = 1, kept
        self._recent.clear()


@contextmanager
def quiet_stderr():
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
