"""The piece of a picture that a top-down network looks at: around a person, at the network's size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PADDING = 1.25  # room around a person's box, as networks were trained with


@dataclass(frozen=True, eq=False)
class Crop:
    """middle (2,) and size (2,) px of the piece; into (width, height) of the network.  unbiased: pixels are counted by
    their middles (Huang 2020, "The devil is in the details"), as networks trained with UDP want it."""

    middle: np.ndarray
    size: np.ndarray
    into: tuple
    unbiased: bool = False

    @classmethod
    def around(cls, low, high, into: tuple, unbiased: bool = False, padding: float = PADDING) -> "Crop":
        """Of the box from `low` (2,) to `high` (2,) px, padded, then widened or heightened to the network's shape."""
        low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        width, height = np.maximum(high - low, 1.0) * padding
        aspect = into[0] / into[1]
        size = np.array([max(width, height * aspect), max(height, width / aspect)])
        return cls(0.5 * (low + high), size, into, unbiased)

    @property
    def matrix(self) -> np.ndarray:
        """(2,3) from pixels of the picture to those of the piece."""
        into = np.array(self.into, np.float64) - (1.0 if self.unbiased else 0.0)
        scale = into / self.size
        return np.stack([[scale[0], 0.0, 0.5 * into[0]], [0.0, scale[1], 0.5 * into[1]]]) - np.pad(
            (scale * self.middle)[:, None], ((0, 0), (2, 0))
        )

    def back(self, points) -> np.ndarray:
        """Points (...,2) of the piece in the picture."""
        matrix = self.matrix
        return (np.asarray(points, np.float64) - matrix[:, 2]) / matrix[[0, 1], [0, 1]]

    def cut(self, rgb: np.ndarray, cv2, border: int = 0) -> np.ndarray:
        """(height, width, 3) uint8, bilinear; outside the picture all channels are `border`."""
        return cv2.warpAffine(rgb, self.matrix, self.into, flags=cv2.INTER_LINEAR, borderValue=(border,) * 3)


def fitted(size: tuple, into: tuple) -> Crop:
    """The whole picture of `size` (width, height), in the upper left of the network's; what is left over is empty."""
    scale = min(into[0] / size[0], into[1] / size[1])
    return Crop(0.5 * np.array(into) / scale, np.array(into) / scale, into)


def box(points, score, least: float):
    """(low (2,), high (2,)) of the points (K,2) that score at least `least`; of all where fewer than three do."""
    sure = np.asarray(score) >= least
    points = points[sure] if sure.sum() >= 3 else points
    return points.min(axis=0), points.max(axis=0)
