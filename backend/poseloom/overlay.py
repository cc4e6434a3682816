"""Keypoints drawn over the pictures they were seen in."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Sequence

import numpy as np

from .errors import BadInput
from .formats import OVERLAY_PICTURES
from .media import write_video
from .motion.files import write_bytes
from .motion.layouts import Layout, edge_side, layout, side
from .motion.types import Keypoints
from .progress import Report, silent
from .registry import package

# the person's left is orange and the right is blue: told apart with colour-blind eyes too
COLOURS = {"l": (255, 145, 40), "r": (60, 165, 255), "": (245, 245, 245)}
OUTLINE = (20, 20, 24)
# cv2 draws to a sixteenth of a pixel, so that the lines do not hop
_SHIFT = 4


def draw(
    rgb: np.ndarray, xy: np.ndarray, score: np.ndarray, of: Layout, *, opacity: float = 0.9, threshold: float = 0.3
) -> np.ndarray:
    """A new picture (H,W,3) uint8: `rgb` with one person's points xy (K,2) px and their lines.

    Points below `threshold` (score 0..1) or NaN are left out, and so are their lines.  The
    strokes are as wide as fits the person's size in the picture.
    """
    cv2 = _cv2()
    seen = (np.asarray(score) >= threshold) & np.isfinite(xy).all(axis=-1)
    if not seen.any():
        return rgb.copy()
    span = np.ptp(xy[seen], axis=0)
    width = float(np.clip(0.007 * np.hypot(*span), 1.5, 0.006 * np.hypot(*rgb.shape[:2])))
    fine = [name in of.fine for name in of.names]
    # far outside the picture the fixed-point numbers of cv2 would run over
    places = np.clip(np.nan_to_num(xy), -8000, 16000)
    places = [tuple(int(v) for v in p) for p in np.round(places * (1 << _SHIFT))]
    canvas = rgb.copy()
    for outline in (True, False):
        extra = max(0.7, 0.35 * width) if outline else 0.0
        for a, b in of.pairs():
            if seen[a] and seen[b]:
                colour = OUTLINE if outline else COLOURS[edge_side(of.names[a], of.names[b])]
                stroke = width * (0.4 if fine[a] and fine[b] else 1.0) + 2.0 * extra
                cv2.line(canvas, places[a], places[b], colour, max(1, round(stroke)), cv2.LINE_AA, _SHIFT)
        for i in np.flatnonzero(seen):
            colour = OUTLINE if outline else COLOURS[side(of.names[i])]
            radius = width * (0.5 if fine[i] else 1.2) + extra
            cv2.circle(canvas, places[i], round(radius * (1 << _SHIFT)), colour, -1, cv2.LINE_AA, _SHIFT)
    return cv2.addWeighted(canvas, opacity, rgb, 1.0 - opacity, 0.0)


def frames(clip, people: Sequence[Keypoints], report: Report = silent, **look):
    """The clip's pictures (H,W,3), one after the other, with everyone in `people` drawn on them."""
    for k in people:
        if k.size != tuple(clip.size):
            raise BadInput(
                "other_clip",
                f"The keypoints belong to a clip of {k.size[0]} x {k.size[1]} pixels, "
                f"but {clip.path.name} is {clip.size[0]} x {clip.size[1]}.",
                "Give the clip they were made from.",
            )
    total = max((len(k) for k in people), default=0)
    for frame in clip:
        report(min(frame.index / total, 1.0) if total else 0.0, f"frame {frame.index + 1}")
        rgb = frame.rgb
        for k in people:
            if frame.index < len(k):
                rgb = draw(rgb, k.xy[frame.index], k.score[frame.index], layout(k.layout), **look)
        yield rgb


def write_overlay(path, clip, people: Sequence[Keypoints], report: Report = silent, **look) -> Path:
    """Write the clip with everyone's keypoints drawn on it as a video, or its first frame as a picture; `look` as for
    `draw`."""
    drawn = frames(clip, people, report, **look)
    if Path(path).suffix.lower() not in OVERLAY_PICTURES:
        return write_video(path, drawn, clip.fps)
    with closing(drawn):
        _, data = _cv2().imencode(Path(path).suffix, next(drawn)[..., ::-1])
    write_bytes(path, data.tobytes())
    return Path(path)


def _cv2():
    cv2 = package("cv2", "Drawing keypoints", "pose")
    cv2.setNumThreads(1)
    return cv2
