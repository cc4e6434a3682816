"""Several people of one clip on one floor: each is solved alone, the camera that saw them all tells where they are."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from . import quat
from .resample import resample
from .resection import cameras
from .skeleton import motion_fk
from .types import Keypoints, Motion

# by two people's measures of the camera's height over the floor one is so much larger, in logarithms: doubted up to
# the first, as a degree of its tilt does as much, and believed beyond up to the second
_DOUBTED, _MOST = 0.2, 0.5


def together(motions: Sequence[Motion], people: Sequence[Keypoints]) -> list[Motion]:
    """`motions`, each solved from the keypoints of one of `people` in the same clip, moved and turned over one floor.

    The first keeps its heading.  The origin is the middle of where they are when they are nearest to each other, so
    that characters of other sizes, whose paths shrink or grow about it, still meet.  A person keeps their path; where
    it lies is by the camera's place and heading before the first shot, its height telling who is how far.
    """
    if len(motions) < 2:
        return list(motions)
    eyes = [_eye(motion, seen) for motion, seen in zip(motions, people)]
    roots = [np.array(motion.root, np.float64) for motion in motions]
    turns = [quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(eyes[0][1] - yaw)) for _, yaw in eyes]
    sizes = [_size(eyes[0][0][2] / max(place[2], 1e-3)) for place, _ in eyes]
    level = np.array([1.0, 1.0, 0.0])
    # over the floor, from the camera
    paths = [
        size * quat.rotate(turn, (root - place) * level)
        for root, turn, size, (place, _) in zip(roots, turns, sizes, eyes)
    ]
    meet = _nearest(paths, [motion.score for motion in motions])
    middle = np.mean([path[meet] for path in paths], axis=0)
    out = []
    for motion, root, turn, path in zip(motions, roots, turns, paths):
        lrot = np.array(motion.lrot, np.float64)
        lrot[:, 0] = quat.unroll(quat.multiply(turn, lrot[:, 0]))
        there = path[meet] - middle - quat.rotate(turn, root[meet] * level)
        out.append(motion.with_(lrot=lrot, root=quat.rotate(turn, root) + there))
    return out


def _eye(motion: Motion, seen: Keypoints) -> tuple[np.ndarray, float]:
    """(place (3,) of the camera in the motion's own world, its heading about z in radians)."""
    gpos = motion_fk(resample(motion, seen.fps))[1][: len(seen)]
    gpos = np.concatenate([gpos, np.repeat(gpos[-1:], len(seen) - len(gpos), axis=0)])
    world = cameras(gpos[:, :22], seen)[0].world[0]
    x, y, _ = -world[:3, 2]
    return world[:3, 3], float(np.arctan2(y, x))


def _size(ratio: float) -> float:
    larger = np.log(max(ratio, 1e-3))
    return float(np.exp(np.sign(larger) * np.clip(abs(larger) - _DOUBTED, 0.0, _MOST)))


def _nearest(paths: list, scores: list) -> int:
    """The frame in which people, all of them seen if that ever is so, are nearest to their middle."""
    apart = np.linalg.norm(np.array(paths) - np.mean(paths, axis=0), axis=-1).max(axis=0)
    seen = np.min([score.max(axis=1) > 0.0 for score in scores], axis=0)
    return int(np.argmin(np.where(seen, apart, np.inf) if seen.any() else apart))
