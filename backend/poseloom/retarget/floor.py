"""Where a recorded clip has its floor: capture volumes and foreign skeletons leave feet above or below zero."""

from __future__ import annotations

import numpy as np

from ..motion.contacts import find_contacts, foot_points
from ..motion.types import Motion

_STILL_M_S = 0.4
_STILL_S = 0.2
# the floor is the lowest level, this thick, at which feet are still: stairs and boxes lie above it
_LOWEST_PERCENT, _THICK_M = 2.0, 0.05
# more than this, in leg lengths, is no error of calibration
_MOST = 0.35


def grounded(motion: Motion) -> Motion:
    """A recorded clip moved up or down so that its resting feet stand on the floor, with its foot contacts filled in.

    For clips of other programs, whose skeleton says nothing of the thickness of soles; a motion of ours, or of a
    rig that is to come back to the same rig, needs none.  A clip whose feet never rest is not moved.
    """
    points = foot_points(motion)
    level = floor_level(points, motion.fps)
    bones = motion.skeleton.offsets[[motion.skeleton.index(joint) for joint in ("shin_l", "foot_l")]]
    leg = np.linalg.norm(bones, axis=-1).sum()
    if abs(level) > _MOST * leg:
        level = 0.0
    contact = np.array(motion.contact)
    contact[:, :4] = find_contacts(points, motion.fps, floor=level)
    return motion.with_(root=motion.root - [0.0, 0.0, level], contact=contact)


def floor_level(points, fps: float) -> float:
    """The height in metres at which points (T,K,3) on the soles rest; 0 where they never do."""
    if len(points) < 2:
        return 0.0
    speed = np.linalg.norm(np.gradient(points, 1.0 / fps, axis=0), axis=-1)
    still = speed < _STILL_M_S
    if still.any(axis=-1).sum() < _STILL_S * fps:
        return 0.0
    heights = points[..., 2][still]
    lowest = np.percentile(heights, _LOWEST_PERCENT)
    return float(np.median(heights[(heights >= lowest) & (heights <= lowest + _THICK_M)]))
