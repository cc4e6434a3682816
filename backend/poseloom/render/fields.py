"""Guides as encodings for networks: a heat map for each joint, a vector field for each limb (part affinity field)."""

from __future__ import annotations

import numpy as np

from ..motion import openpose
from ..motion.pictures import Guides


def heat_maps(guides: Guides, stride: int = 8, sigma_px: float = 7.0) -> np.ndarray:
    """(B,h,w) float32: for each point of the body a Gaussian bell of height 1 over everyone's, h = H / stride rounded up.

    Hidden points have their bell too, points outside the picture and points that are not there none.  Several people's
    bells are not added: the higher one counts.  As in Cao et al., "Realtime Multi-Person 2D Pose Estimation", 2017.
    """
    body = openpose.body_of(guides.layout)
    x, y = _grid(guides.size, stride)
    out = np.zeros((body, len(y), len(x)), np.float32)
    for k in range(body):
        for at in guides.xy[:, k]:
            if _in(at, guides.size):
                squared = (x[None] - at[0]) ** 2 + (y[:, None] - at[1]) ** 2
                out[k] = np.maximum(out[k], np.exp(-squared / (2.0 * sigma_px**2)))
    return out


def limb_fields(guides: Guides, stride: int = 8, half_px: float = 8.0) -> np.ndarray:
    """(L,2,h,w) float32: on each limb the unit vector (x, y) along it, 0 elsewhere; the mean where people's limbs meet.

    A limb is what lies between its ends and within `half_px` of the line.  Source as `heat_maps`.
    """
    body = openpose.body_of(guides.layout)
    names = openpose.names(body)
    x, y = _grid(guides.size, stride)
    out = np.zeros((len(openpose.LIMBS[body]), 2, len(y), len(x)), np.float32)
    for limb, (a, b) in enumerate(openpose.LIMBS[body]):
        count = np.zeros((len(y), len(x)))
        for person in guides.xy:
            start, end = person[names.index(a)], person[names.index(b)]
            line = end - start
            length = float(np.hypot(*line))
            if not np.isfinite(length) or length < 1e-6:
                continue
            unit = line / length
            dx, dy = x[None] - start[0], y[:, None] - start[1]
            along, across = dx * unit[0] + dy * unit[1], np.abs(dx * unit[1] - dy * unit[0])
            on = (along >= 0.0) & (along <= length) & (across <= half_px)
            out[limb] += on * unit[:, None, None]
            count += on
        out[limb] /= np.maximum(count, 1.0)
    return out


def _grid(size: tuple, stride: int) -> tuple:
    """Where the middles of the cells are, in pixels."""
    return tuple((np.arange(-(-length // stride)) + 0.5) * stride for length in size)


def _in(at, size: tuple) -> bool:
    return bool(np.isfinite(at).all() and (at >= 0).all() and (at <= size).all())
