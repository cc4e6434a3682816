"""A still picture seen several times, mirrored and tilted: what errs differently each time is less in the mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable

import numpy as np

from ..errors import BadInput
from ..motion.layouts import layout
from ..motion.types import Keypoints
from ..progress import Report, part, silent
from ..registry import package

_ROOM = 0.5  # around the person's points, in their longer side
_LARGEST = 1280  # px of a look's longer side
_SAME = 0.1  # of the person's size: farther from the first look on average, it is somebody else, or wrong
_TILT = np.radians(8.0)


@dataclass(frozen=True)
class Look:
    """mirrored, then turned clockwise by tilt_rad."""

    mirrored: bool
    tilt_rad: float


LOOKS = (Look(True, 0.0), Look(False, _TILT), Look(False, -_TILT))


def seen_again(estimate: Callable, clip, seen: Keypoints, report: Report = silent) -> Keypoints:
    """`seen` of the one frame of `clip`, as the mean of it and of what `estimate` sees in other looks at that person."""
    frame = next(iter(clip))
    points = np.array(seen.xy[0], np.float64)
    tall = max(np.ptp(points[np.isfinite(points).all(axis=1)], axis=0).max(), 1.0)
    rows = [_row(seen)]
    for i, look in enumerate(LOOKS):
        try:
            other = estimate(_Picture(clip, frame, look, points), part(report, i / len(LOOKS), (i + 1) / len(LOOKS)))[0]
        except BadInput as error:
            if error.code != "no_person":
                raise
            continue
        row = _back(look, _matrix(look, points), _row(other), seen.layout)
        off = np.linalg.norm(row[0] - points, axis=-1)
        if np.isfinite(off).any() and np.nanmean(off) < _SAME * tall:
            rows.append(row)
    xy, xyz, score = (None if values[0] is None else _mean(values) for values in zip(*rows))
    return replace(seen, xy=xy[None], xyz=None if xyz is None else xyz[None], score=score[None])


class _Picture:
    """A clip of one frame: a look at a person."""

    frame_count = 1

    def __init__(self, clip, frame, look: Look, points):
        cv2 = package("cv2", "Seeing a picture again", "pose")
        matrix, size = _matrix(look, points), _size(points)
        rgb = cv2.warpAffine(frame.rgb, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        self.frame, self.size, self.fps, self.start_s, self.path = replace(frame, rgb=rgb), size, clip.fps, clip.start_s, clip.path

    def __iter__(self):
        return iter([self.frame])


def _size(points) -> tuple:
    """Width and height of a look, px."""
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    sides = high - low + 2.0 * _ROOM * (high - low).max()
    return tuple(int(side) for side in np.maximum(np.round(sides * min(1.0, _LARGEST / sides.max())), 16))


def _matrix(look: Look, points) -> np.ndarray:
    """(2,3) from pixels of the picture to those of the look."""
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    size = np.array(_size(points), float)
    scale = size.max() / (high - low + 2.0 * _ROOM * (high - low).max()).max()
    cos, sin = scale * np.cos(look.tilt_rad), scale * np.sin(look.tilt_rad)
    turn = np.array([[cos, -sin], [sin, cos]]) @ np.diag([-1.0 if look.mirrored else 1.0, 1.0])
    return np.hstack([turn, (0.5 * size - turn @ (0.5 * (low + high)))[:, None]])


def _row(seen: Keypoints) -> tuple:
    return tuple(None if values is None else np.array(values[0], np.float64) for values in (seen.xy, seen.xyz, seen.score))


def _back(look: Look, matrix, row: tuple, name: str) -> tuple:
    """What was seen in a look, as it is in the picture."""
    xy, xyz, score = row
    xy = (xy - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    if xyz is not None:
        turn = np.array([[np.cos(look.tilt_rad), np.sin(look.tilt_rad)], [-np.sin(look.tilt_rad), np.cos(look.tilt_rad)]])
        flat = xyz[:, [0, 2]] * [1.0, -1.0] @ turn.T * [-1.0 if look.mirrored else 1.0, -1.0]
        xyz = np.stack([flat[:, 0], xyz[:, 1], flat[:, 1]], axis=-1)
    order = list(layout(name).mirror()) if look.mirrored else slice(None)
    return xy[order], None if xyz is None else xyz[order], score[order]


def _mean(values) -> np.ndarray:
    """Where a point was not seen in the first look, it stays so; a look that did not see it does not count."""
    values = np.array(values)
    lost = ~np.isfinite(values[0])
    return np.where(lost, np.nan, np.nanmean(np.where(lost, 0.0, values), axis=0))
