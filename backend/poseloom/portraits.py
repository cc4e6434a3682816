"""A picture of each person in a clip, to choose by."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import numpy as np

from .capture import AnimateOptions, open_media
from .motion.types import Keypoints
from .progress import Report, silent

_ROOM = 1.25  # around the person
SIDE = 160  # px


def portraits(path: Path, options: AnimateOptions, people: Sequence[Keypoints], report: Report = silent) -> list:
    """[(frame, picture (SIDE,SIDE,3) uint8)] of the `people` seen in the clip at `path` with `options`, each where they
    are seen best: large, and surely."""
    frames = [best_frame(person) for person in people]
    pictures: list = [None] * len(people)
    for frame in open_media(path, options):
        report(min(frame.index / (max(frames) + 1), 1.0), f"frame {frame.index + 1}")
        for i, person in enumerate(people):
            if frames[i] == frame.index:
                pictures[i] = _cut(frame.rgb, person.xy[frame.index])
        if frame.index >= max(frames):
            break
    return list(zip(frames, pictures))


def best_frame(person: Keypoints) -> int:
    seen = np.isfinite(person.xy).all(axis=2)
    xy = np.where(seen[..., None], person.xy, np.nan)
    rows = np.flatnonzero(seen.any(axis=1))
    tall = np.nanmax(xy[rows, :, 1], axis=1) - np.nanmin(xy[rows, :, 1], axis=1)
    # a body that is half outside says little: only points within the picture count
    inside = ((xy[rows] >= 0) & (xy[rows] < person.size)).all(axis=2)
    sure = np.where(inside, person.score[rows], 0.0).mean(axis=1)
    return int(rows[np.argmax(sure * np.sqrt(np.maximum(tall, 1.0)))])


def _cut(rgb, xy):
    """The square about the points xy (K,2), grey where it leaves the picture."""
    from PIL import Image

    points = xy[np.isfinite(xy).all(axis=1)]
    low, high = points.min(axis=0), points.max(axis=0)
    half = max(8, int(np.ceil(0.5 * _ROOM * (high - low).max())))
    left, top = (np.round(0.5 * (low + high)) - half).astype(int)
    canvas = Image.new("RGB", (2 * half, 2 * half), (60, 60, 60))
    canvas.paste(Image.fromarray(rgb), (-int(left), -int(top)))
    return np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
