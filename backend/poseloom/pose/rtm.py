"""Pose networks of the user's (RTMPose, DWPose, RTMW, RTMO, ViTPose ...) in ONNX files, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import numpy as np

from .. import own_models
from ..errors import BadInput
from ..motion.layouts import layout
from ..motion.types import Keypoints
from ..progress import Report, silent
from ..registry import package
from . import crops, heads, networks

_BORDER = 114  # what RTMO was trained to see beside the picture


class Rtm:
    """`Estimator` by the network in an ONNX file; 17, 26 or 133 points in the picture, and no depth.

    model: the file, or the name it was added under (`poseloom models add`); threads 0: one a core.
    """

    def __init__(self, model: Optional[str] = None, threads: int = 0):
        if model is None:
            raise BadInput(
                "no_model", 'The estimator "rtm" needs a network.', "Add --model FILE.onnx, such as of an RTMPose."
            )
        self._cv2 = package("cv2", 'The estimator "rtm"', "pose")
        self.network = networks.open_network(*self.files(model), threads)

    @staticmethod
    def files(model: str) -> list:
        return [own_models.path_of(model) or Path(model)]

    def __call__(self, clip, report: Report = silent) -> list[Keypoints]:
        return self._follow(clip, report, False)

    def everyone(self, clip, report: Report = silent) -> list[Keypoints]:
        return self._follow(clip, report, True)

    def _follow(self, clip, report: Report, everyone: bool) -> list[Keypoints]:
        from .following import follow

        return follow(clip, self.look, self.network.layout, everyone, self.network.kind == "one_stage", report)

    def look(self, rgb: np.ndarray, boxes: list):
        """(points (N,K,2) px, score (N,K)) of the people in boxes [(low (2,), high (2,))]; by a network that sees all
        at once of everyone there is, whatever the boxes."""
        network = self.network
        if network.kind == "one_stage":
            return self._look_at_all(rgb)
        places, scores = [], []
        for low, high in boxes:
            crop = crops.Crop.around(low, high, network.size, network.unbiased)
            piece = (crop.cut(rgb, self._cv2).astype(np.float32) - networks.MEAN) / networks.SPREAD
            found = network.run(np.ascontiguousarray(piece.transpose(2, 0, 1)[None]))
            if network.kind == "simcc":
                points, score = heads.simcc(*found, network.split)
            else:
                points, score = heads.heatmaps(found[0], network.size, network.unbiased, self._cv2)
            places.append(crop.back(points[0]))
            scores.append(np.clip(score[0], 0.0, 1.0))
        count = len(layout(network.layout))
        return np.reshape(places, (-1, count, 2)), np.reshape(scores, (-1, count))

    def _look_at_all(self, rgb: np.ndarray):
        from .following import LEAST

        crop = crops.fitted((rgb.shape[1], rgb.shape[0]), self.network.size)
        piece = crop.cut(rgb, self._cv2, _BORDER)[..., ::-1]  # it was trained on BGR as it is
        boxes, points = self.network.run(np.ascontiguousarray(piece.transpose(2, 0, 1)[None], np.float32))
        places, score = heads.one_stage(boxes[0], points[0], LEAST)
        return crop.back(places), score
