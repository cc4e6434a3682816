"""What of a rig's mesh meets the floor, where it is known: `Rig.soles`, which says more than bones do."""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.types import Rig
from .align import Alignment, align

PARTS = ("foot_l", "toe_l", "foot_r", "toe_r", "head")
# the floor as feet meet it: pitched and rolled; a head meets it from anywhere
_PITCH, _ROLL = np.radians(np.linspace(-75.0, 75.0, 13)), np.radians(np.linspace(-40.0, 40.0, 7))
_ANYHOW = np.radians(np.linspace(-180.0, 165.0, 24)), np.radians(np.linspace(-75.0, 75.0, 6))
# how far a foot tips up when it stands on its heel, or its front
_TIPPED = np.radians(25.0)
_BACK, _FORWARD = (np.array([0.0, sign * np.sin(_TIPPED), -np.cos(_TIPPED)]) for sign in (1.0, -1.0))


def corners(a: Alignment, joint: str, points) -> np.ndarray:
    """(K,3) those of the points (N,3) of one of PARTS, armature space at rest, that can touch the floor first."""
    points = np.asarray(points, np.float64)
    pitch, roll = (angle.ravel() for angle in np.meshgrid(*(_ANYHOW if joint == "head" else (_PITCH, _ROLL))))
    down = np.stack([np.sin(roll), np.cos(roll) * np.sin(pitch), -np.cos(roll) * np.cos(pitch)], axis=-1)
    seen = quat.rotate(a.tpose[joint], points @ a.metric.T)
    return points[np.unique((seen @ down.T).argmax(axis=0))]


def front(a: Alignment, foot: str) -> np.ndarray:
    """(3,) where a foot stands that is tipped forward, from its ankle, in the axes of the T-pose."""
    points = _from_joint(a, foot, foot)
    return [0.0, 1.0, 1.0] * points[(points @ _FORWARD).argmax()]


def ends(rig: Rig, side: str):
    """The middle of where the left ("l") or right foot stands when tipped back, and its toes, or it, when forward:
    (3,) each, armature space at rest."""
    a, foot, toe = align(rig), f"foot_{side}", f"toe_{side}"
    toe = toe if toe in a.soles else foot
    out = []
    for joint, way in ((foot, _BACK), (toe, _FORWARD)):
        points = _from_joint(a, joint, foot)
        middle = [0.0, 1.0, 1.0] * points[(points @ way).argmax()]
        out.append(np.linalg.solve(a.metric, a.head(joint) + quat.rotate(quat.inverse(a.tpose[foot]), middle)))
    return out


def under(a: Alignment):
    """For the left and the right foot (how far the heel is behind the ankle, its soles (K,3) from the ankle, those of
    its toes (K,3) from the toe joint), and the head's points (K,3) from its joint, metres in the axes of the T-pose;
    None where a foot's mesh is not known."""
    if not {"foot_l", "foot_r"} <= set(a.soles):
        return None
    feet = []
    for side in "lr":
        foot, toe = (_from_joint(a, f"{part}_{side}", f"foot_{side}") for part in ("foot", "toe"))
        heel = foot[(foot @ _BACK).argmax(), 1]
        feet.append((heel, foot, toe))
    return *feet, _from_joint(a, "head", "head")


def _from_joint(a, joint, foot):
    if joint not in a.soles:
        return np.zeros((0, 3))
    return quat.rotate(a.tpose[foot], a.soles[joint] - a.head(joint))
