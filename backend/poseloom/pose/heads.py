"""What the heads of pose networks give, as points in pixels of the network's input.

Arrays are (N people, K points, ...).  A point's place is that of a pixel's corner grid: 0 is where pixel 0 is sampled.
"""

from __future__ import annotations

import numpy as np

_BLUR = 11  # px of a heatmap over which it is smoothed before its peak is fitted, for networks trained with sigma 2


def simcc(x: np.ndarray, y: np.ndarray, split: float):
    """(points (N,K,2), score (N,K)) of one row a coordinate, x (N,K,W split) and y (N,K,H split) (Li 2022, "SimCC").

    A score is the lower of both maxima; a point that scores nothing has no place, NaN.
    """
    points = np.stack([x.argmax(axis=-1), y.argmax(axis=-1)], axis=-1) / split
    score = np.minimum(x.max(axis=-1), y.max(axis=-1))
    return np.where(score[..., None] > 0.0, points, np.nan), np.maximum(score, 0.0)


def heatmaps(maps: np.ndarray, size: tuple, unbiased: bool, cv2):
    """(points (N,K,2), score (N,K)) of maps (N,K,h,w) for an input of `size` (width, height).

    The peak is that of the parabola through the logarithm about the highest pixel (Zhang 2020, "DARK").
    """
    people, count, height, width = maps.shape
    score = maps.max(axis=(2, 3))
    flat = maps.reshape(people, count, -1).argmax(axis=-1)
    peak = np.stack([flat % width, flat // width], axis=-1).astype(np.float64)
    for n in range(people):
        for k in range(count):
            if score[n, k] > 0.0:
                peak[n, k] += _fitted(maps[n, k], *peak[n, k].astype(int), cv2)
    shape = np.array([width, height], np.float64)
    scale = (np.array(size) - 1.0) / (shape - 1.0) if unbiased else np.array(size) / shape
    return np.where(score[..., None] > 0.0, peak * scale, np.nan), np.maximum(score, 0.0)


def _fitted(map_: np.ndarray, column: int, row: int, cv2) -> np.ndarray:
    """How far (2,) px the peak lies from the highest pixel."""
    reach = _BLUR // 2
    wide = cv2.GaussianBlur(np.pad(map_.astype(np.float32), reach), (_BLUR, _BLUR), 0)
    smooth = wide[reach:-reach, reach:-reach]
    smooth = smooth * (map_.max() / max(smooth.max(), 1e-12))
    around = np.pad(np.log(np.clip(smooth, 1e-3, 50.0)), 1, mode="edge")[row : row + 3, column : column + 3].astype(np.float64)
    slope = 0.5 * np.array([around[1, 2] - around[1, 0], around[2, 1] - around[0, 1]])
    dxx = around[1, 2] - 2.0 * around[1, 1] + around[1, 0]
    dyy = around[2, 1] - 2.0 * around[1, 1] + around[0, 1]
    dxy = 0.5 * (
        around[2, 2] - around[1, 2] - around[2, 1] + 2.0 * around[1, 1] - around[1, 0] - around[0, 1] + around[0, 0]
    )
    bend = np.array([[dxx, dxy], [dxy, dyy]]) + np.finfo(np.float32).eps * np.eye(2)
    return -np.linalg.solve(bend, slope)


def one_stage(boxes: np.ndarray, points: np.ndarray, least: float):
    """(points (N,K,2), score (N,K)) of boxes (M,5) x y x y score and points (M,K,3) x y score, all of one picture (RTMO);
    boxes that score under `least` are nobody."""
    sure = boxes[:, 4] >= least
    return points[sure, :, :2].astype(np.float64), np.clip(points[sure, :, 2], 0.0, 1.0)
