"""OpenPose-style pictures of people: coloured limbs and joints, near ones over far ones, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np

from ..motion import openpose

# the colours that OpenPose gives to its points, and to the limbs of its body of 18 in their order
_WHEEL = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85),
)  # fmt: skip
_BODY_25 = (
    (255, 0, 85), (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0),
    (255, 0, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (255, 0, 170),
    (170, 0, 255), (255, 0, 255), (85, 0, 255), *((0, 0, 255),) * 3, *((0, 255, 255),) * 3,
)  # fmt: skip
POINT_COLOURS = {18: _WHEEL, 25: _BODY_25}
LIMB_COLOURS = {
    18: _WHEEL[: len(openpose.LIMBS[18])],
    25: tuple(_BODY_25[openpose.BODIES[25].index(b)] for _, b in openpose.LIMBS[25]),
}
HAND_POINT, FACE_POINT = (0, 0, 255), (255, 255, 255)
LIMB_SHADE = 0.6  # limbs are darker than their joints


@dataclass(frozen=True)
class Stroke:
    """An ellipse from a to b (2,) px, or a disc where b is None, with half its width at either end in pixels, and how
    near (greater is nearer) each end is; colour (3,) 0..255."""

    a: np.ndarray
    b: np.ndarray | None
    half_px: tuple
    near: tuple
    colour: np.ndarray


def hand_colours() -> np.ndarray:
    """(20,3): the hues in a circle, one a line of the hand."""
    count = len(openpose.HAND_LIMBS)
    hue = np.arange(count)[:, None] / count * 6.0
    ramps = np.abs((hue + np.array([0.0, 4.0, 2.0])) % 6.0 - 3.0) - 1.0
    return np.round(255.0 * np.clip(ramps, 0.0, 1.0))


def paint(strokes: Sequence[Stroke], size: tuple) -> np.ndarray:
    """(H,W,3) uint8 of the strokes on black, with smooth edges; what is nearer covers what is farther."""
    canvas = np.zeros((size[1], size[0], 3))
    nearest = np.full((size[1], size[0]), -np.inf)
    for stroke in sorted(strokes, key=lambda s: sum(s.near)):
        _paint_one(stroke, canvas, nearest)
    return np.round(canvas).astype(np.uint8)


def _paint_one(stroke: Stroke, canvas: np.ndarray, nearest: np.ndarray) -> None:
    ends = np.array([stroke.a, stroke.a if stroke.b is None else stroke.b], np.float64)
    room = max(stroke.half_px) + 1.0
    low = np.clip(np.floor(ends.min(axis=0) - room), 0, (canvas.shape[1], canvas.shape[0])).astype(int)
    high = np.clip(np.ceil(ends.max(axis=0) + room), 0, (canvas.shape[1], canvas.shape[0])).astype(int)
    if (high <= low).any():
        return
    x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5 - ends[0, 0], np.arange(low[1], high[1]) + 0.5 - ends[0, 1])
    line = ends[1] - ends[0]
    length = float(np.hypot(*line))
    if stroke.b is None or length < 1e-6:
        inside, along = stroke.half_px[0] - np.hypot(x, y), np.zeros_like(x)
    else:
        along = np.clip((x * line[0] + y * line[1]) / length**2, 0.0, 1.0)
        across = np.abs(x * line[1] - y * line[0]) / length
        half = stroke.half_px[0] + (stroke.half_px[1] - stroke.half_px[0]) * along
        inside = half * np.sqrt(1.0 - (2.0 * along - 1.0) ** 2) - across
        before = (x * line[0] + y * line[1]) / length
        inside = np.where((before < 0.0) | (before > length), -1.0, inside)
    cover = np.clip(inside + 0.5, 0.0, 1.0)
    near = stroke.near[0] + (stroke.near[1] - stroke.near[0]) * along
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    cover = np.where(near >= nearest[window], cover, 0.0)
    canvas[window] += cover[..., None] * (stroke.colour - canvas[window])
    nearest[window] = np.where(cover >= 0.5, near, nearest[window])
