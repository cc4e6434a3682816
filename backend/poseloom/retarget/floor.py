"""Where a recorded clip has its floor: capture volumes and foreign skeletons leave feet above or below zero."""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.contacts import find_contacts, foot_points, runs
from ..motion.skeleton import JOINTS, fk
from ..motion.types import Motion
from .hands import palms

_STILL_M_S = 0.4
_STILL_S = 0.2
# the floor is the lowest level, this thick, at which feet are still: stairs and boxes lie above it
_LOWEST_PERCENT, _THICK_M = 2.0, 0.05
# more than this, in leg lengths, is no error of calibration
_MOST = 0.35
# of feet and palms at rest, for legs of 0.83 m: m/s and metres (tight, loose), metres they may stray from their middle,
# seconds that break no rest; a palm rolls from its heel to its knuckles
_LEG_M = 0.83
FEET, HANDS = ((0.2, 0.35), (0.03, 0.05), 0.03, 0.1), ((0.45, 0.7), (0.06, 0.14), 0.25, 0.2)
# how long a slip breaks a rest
_SLIP_S = 0.07


def grounded(motion: Motion) -> Motion:
    """A recorded clip moved up or down so that its resting feet stand on the floor, with its contacts filled in.

    For clips of other programs, whose skeleton says nothing of the thickness of soles; a motion of ours, or of a
    rig that is to come back to the same rig, needs none.  A clip whose feet never rest is not moved.
    """
    grot, gpos = _body(motion)
    points = foot_points(motion, grot, gpos)
    level = floor_level(points, motion.fps)
    bones = motion.skeleton.offsets[[motion.skeleton.index(joint) for joint in ("shin_l", "foot_l")]]
    leg = np.linalg.norm(bones, axis=-1).sum()
    if abs(level) > _MOST * leg:
        level = 0.0
    contact = np.array(motion.contact)
    contact[:, :4] = rests(points - [0.0, 0.0, level], motion.fps, leg / _LEG_M)
    contact[:, 4:] = rests(_palms(motion, grot, gpos) - [0.0, 0.0, level], motion.fps, leg / _LEG_M, HANDS)
    return motion.with_(root=motion.root - [0.0, 0.0, level], contact=contact)


def _body(motion):
    """Forward kinematics without fingers: rotations (T,22,4), places (T,22,3)."""
    body = len(JOINTS)
    lpos = np.repeat(motion.skeleton.offsets[None, :body].astype(np.float64), len(motion), axis=0)
    lpos[:, 0] = motion.root
    return fk(motion.lrot[:, :body], lpos, motion.skeleton.parents[:body])


def _palms(motion, grot, gpos):
    """(T,2,3) the middle of either hand, in the world."""
    hands = [motion.skeleton.index(joint) for joint in ("hand_l", "hand_r")]
    return gpos[:, hands] + quat.rotate(grot[:, hands], palms(motion.skeleton))


def rests(points, fps: float, size: float = 1.0, bounds=FEET) -> np.ndarray:
    """(T,K) 1 where a point (T,K,3) metres rests on the floor z = 0, else 0; `size` of the body, 1 for an adult.

    As `find_contacts`, with the slower of the steps before and after as a frame's speed, so that a rest has sharp
    ends.  A point that strays too far from the middle of its rest has slipped where it was fastest.
    """
    points = np.asarray(points, np.float64) / max(size, 1e-6)
    if len(points) < 2:
        return find_contacts(points, fps)
    step = np.linalg.norm(np.diff(points, axis=0), axis=-1) * fps
    speed = np.minimum(np.concatenate([step[:1], step]), np.concatenate([step, step[-1:]]))
    speed_m_s, height_m, stray_m, break_s = bounds
    contact = find_contacts(points, fps, speed_m_s=speed_m_s, height_m=height_m, speed=speed, break_s=break_s)
    for k in range(contact.shape[1]):
        stretches = runs(contact[:, k] > 0.5)
        while stretches:
            start, end = stretches.pop()
            if end - start > 2 and _strays(points[start:end, k, :2], stray_m):
                slip = start + 1 + int(np.argmax(step[start : end - 1, k]))
                half = max(1, round(_SLIP_S * fps / 2.0))
                contact[max(slip - half, start) : min(slip + half, end), k] = 0.0
                stretches += [(start, slip - half), (slip + half, end)]
    return contact


def _strays(place, most: float) -> bool:
    """Whether one of places (T,2) is further than `most` from their median."""
    if np.hypot(*np.ptp(place, axis=0)) <= most:
        return False
    return bool(np.linalg.norm(place - np.median(place, axis=0), axis=-1).max() > most)


def floor_level(points, fps: float) -> float:
    """The height in metres at which points (T,K,3) on the soles rest; 0 where they never do."""
    if len(points) < 2:
        return 0.0
    speed = np.linalg.norm(np.gradient(points, 1.0 / fps, axis=0), axis=-1)
    still = speed < _STILL_M_S
    if still.any(axis=-1).sum() < _STILL_S * fps:
        return 0.0
    heights = points[..., 2][still]
    lowest = np.percentile(heights, _LOWEST_PERCENT, method="lower")  # between two of them there may be none above it
    return float(np.median(heights[(heights >= lowest) & (heights <= lowest + _THICK_M)]))
