"""Fingers for a body without: an average hand's, at rest straight ahead, thumbs half way to the front."""

from __future__ import annotations

import numpy as np

from . import quat
from .skeleton import FINGERS, JOINTS, parent_of
from .types import Skeleton

# of the left hand, per length of the hand: the first joint from the wrist, then the lengths of the three bones
_FINGERS = {
    "thumb": ((0.14, -0.11, -0.05), (0.24, 0.18, 0.15)),
    "index": ((0.50, -0.14, 0.0), (0.24, 0.14, 0.12)),
    "middle": ((0.51, -0.03, 0.0), (0.26, 0.16, 0.13)),
    "ring": ((0.48, 0.07, 0.0), (0.24, 0.15, 0.13)),
    "pinky": ((0.44, 0.16, 0.0), (0.19, 0.11, 0.12)),
}
AHEAD = {"l": np.array([1.0, 0.0, 0.0]), "r": np.array([-1.0, 0.0, 0.0])}
# degrees that a hand at rest is bent at the three joints of each finger
_RELAXED = {"thumb": (5.0, 10.0, 15.0), "index": (15.0, 22.0, 12.0), "middle": (20.0, 26.0, 14.0),
            "ring": (24.0, 28.0, 15.0), "pinky": (26.0, 28.0, 15.0)}  # fmt: skip


def ahead(finger: str, side: str) -> np.ndarray:
    """(3,) where a finger of side "l" or "r" points at rest."""
    return (AHEAD[side] - [0.0, 1.0, 0.0]) / np.sqrt(2.0) if finger == "thumb" else AHEAD[side]


def with_fingers(skeleton: Skeleton) -> Skeleton:
    """The 22 body joints and thirty of fingers that fit its hands."""
    offsets, tips = list(skeleton.offsets[: len(JOINTS)]), list(skeleton.tips[: len(JOINTS)])
    names = JOINTS + FINGERS
    for joint in FINGERS:
        name, side = joint.split("_")
        finger, number = name[:-1], int(name[-1])
        size = float(np.linalg.norm(skeleton.tips[skeleton.index(f"hand_{side}")]))
        base, lengths = _FINGERS[finger]
        along = ahead(finger, side) * size
        offsets.append(
            np.array(base) * [AHEAD[side][0], 1.0, 1.0] * size if number == 1 else along * lengths[number - 2]
        )
        tips.append(along * lengths[number - 1])
    return Skeleton(names, np.array([names.index(parent_of(n)) if parent_of(n) else -1 for n in names]), offsets, tips)


def relaxed() -> np.ndarray:
    """(30,4) local rotations of the fingers, in the order of FINGERS, of hands that hang."""
    turns = []
    for joint in FINGERS:
        name, side = joint.split("_")
        turns.append(bent(name[:-1], side, np.radians(_RELAXED[name[:-1]][int(name[-1]) - 1])))
    return np.array(turns)


def bent(finger: str, side: str, angle_rad):
    """(...,4) a joint of a finger bent towards the palm."""
    sign = AHEAD[side][0]
    axis = np.array([1.0, sign, 0.0]) / np.sqrt(2.0) if finger == "thumb" else np.array([0.0, sign, 0.0])
    return quat.from_axis_angle(axis, np.asarray(angle_rad, np.float64))
