"""The canonical 22 joints, and walking up and down them."""

from __future__ import annotations

import numpy as np

from . import quat
from .types import Skeleton

# name: (parent, offset from it, tip), metres at a height of 1.75 m; left is +X, front is -Y
_BODY = {
    "pelvis": (None, (0.0, 0.0, 0.96), (0.0, 0.0, 0.09)),
    "spine1": ("pelvis", (0.0, 0.0, 0.09), (0.0, 0.0, 0.12)),
    "spine2": ("spine1", (0.0, 0.0, 0.12), (0.0, 0.0, 0.12)),
    "spine3": ("spine2", (0.0, 0.0, 0.12), (0.0, 0.0, 0.21)),
    "neck": ("spine3", (0.0, 0.0, 0.21), (0.0, 0.0, 0.10)),
    "head": ("neck", (0.0, 0.0, 0.10), (0.0, 0.0, 0.15)),
    "clavicle_l": ("spine3", (0.03, 0.0, 0.14), (0.15, 0.0, 0.0)),
    "upper_arm_l": ("clavicle_l", (0.15, 0.0, 0.0), (0.28, 0.0, 0.0)),
    "forearm_l": ("upper_arm_l", (0.28, 0.0, 0.0), (0.25, 0.0, 0.0)),
    "hand_l": ("forearm_l", (0.25, 0.0, 0.0), (0.18, 0.0, 0.0)),
    "clavicle_r": ("spine3", (-0.03, 0.0, 0.14), (-0.15, 0.0, 0.0)),
    "upper_arm_r": ("clavicle_r", (-0.15, 0.0, 0.0), (-0.28, 0.0, 0.0)),
    "forearm_r": ("upper_arm_r", (-0.28, 0.0, 0.0), (-0.25, 0.0, 0.0)),
    "hand_r": ("forearm_r", (-0.25, 0.0, 0.0), (-0.18, 0.0, 0.0)),
    "thigh_l": ("pelvis", (0.09, 0.0, -0.05), (0.0, 0.0, -0.42)),
    "shin_l": ("thigh_l", (0.0, 0.0, -0.42), (0.0, 0.0, -0.41)),
    "foot_l": ("shin_l", (0.0, 0.0, -0.41), (0.0, -0.13, -0.06)),
    "toe_l": ("foot_l", (0.0, -0.13, -0.06), (0.0, -0.07, 0.0)),
    "thigh_r": ("pelvis", (-0.09, 0.0, -0.05), (0.0, 0.0, -0.42)),
    "shin_r": ("thigh_r", (0.0, 0.0, -0.42), (0.0, 0.0, -0.41)),
    "foot_r": ("shin_r", (0.0, 0.0, -0.41), (0.0, -0.13, -0.06)),
    "toe_r": ("foot_r", (0.0, -0.13, -0.06), (0.0, -0.07, 0.0)),
}
JOINTS = tuple(_BODY)
PARENTS = tuple(-1 if parent is None else JOINTS.index(parent) for parent, _, _ in _BODY.values())
# thirty finger joints follow where there are any; each finger hangs from its hand
FINGERS = tuple(
    f"{finger}{i}_{side}" for side in "lr" for finger in ("thumb", "index", "middle", "ring", "pinky") for i in (1, 2, 3)
)
REST_HEIGHT_M = 1.75
# the side-swapped joint of each, for mirroring
MIRROR = tuple(
    JOINTS.index(n[:-1] + {"l": "r", "r": "l"}[n[-1]]) if n.endswith(("_l", "_r")) else i
    for i, n in enumerate(JOINTS)
)


def standard(height_m: float = REST_HEIGHT_M) -> Skeleton:
    """The 22 body joints of an average adult scaled to `height_m`, sole to crown."""
    scale = height_m / REST_HEIGHT_M
    return Skeleton(
        names=JOINTS,
        parents=np.array(PARENTS),
        offsets=scale * np.array([offset for _, offset, _ in _BODY.values()]),
        tips=scale * np.array([tip for _, _, tip in _BODY.values()]),
    )


_FRAMES = 1000  # worked on at once


def parent_of(joint: str) -> str:
    """The canonical parent of a body or finger joint; "" for the pelvis and for names that are no joints."""
    if joint in _BODY:
        return _BODY[joint][0] or ""
    if joint in FINGERS:
        name, side = joint.split("_")
        return f"hand_{side}" if name[-1] == "1" else f"{name[:-1]}{int(name[-1]) - 1}_{side}"
    return ""


def fk(lrot, lpos, parents):
    """Forward kinematics: (grot (...,J,4), gpos (...,J,3)) of local rotations and offsets.

    lpos (J,3) or (...,J,3); the root's local values are its global ones.
    """
    lrot = np.asarray(lrot, np.float64)
    lpos = np.broadcast_to(np.asarray(lpos, np.float64), lrot.shape[:-1] + (3,))
    grot, gpos = np.empty_like(lrot), np.empty_like(lpos)
    for j, parent in enumerate(parents):
        if parent < 0:
            grot[..., j, :], gpos[..., j, :] = lrot[..., j, :], lpos[..., j, :]
        else:
            grot[..., j, :] = quat.multiply(grot[..., parent, :], lrot[..., j, :])
            gpos[..., j, :] = gpos[..., parent, :] + quat.rotate(grot[..., parent, :], lpos[..., j, :])
    return grot, gpos


def motion_fk(motion):
    """(grot (T,J,4), gpos (T,J,3)) of a Motion, in the world."""
    grot, gpos = np.empty(motion.lrot.shape), np.empty(motion.lrot.shape[:2] + (3,))
    for first in range(0, len(motion), _FRAMES):
        here = slice(first, first + _FRAMES)
        root = motion.root[here]
        lpos = np.repeat(np.asarray(motion.skeleton.offsets, np.float64)[None], len(root), axis=0)
        lpos[:, 0] = root
        grot[here], gpos[here] = fk(motion.lrot[here], lpos, motion.skeleton.parents)
    return grot, gpos


def global_rotations(lrot, parents):
    """Global rotations (T,J,4) of local ones: `fk` without places; each joint's column lies together in memory."""
    lrot = np.moveaxis(np.asarray(lrot), -2, 0).astype(np.float64, order="C")
    for j, parent in enumerate(parents):
        if parent >= 0:
            lrot[j] = quat.multiply(lrot[parent], lrot[j])
    return np.moveaxis(lrot, 0, -2)


def local_rotations(grot, parents, dtype=np.float64):
    """Local rotations (...,J,4) of global ones: undoes `fk` and `global_rotations`."""
    grot = np.asarray(grot, np.float64)
    lrot = np.empty(grot.shape, dtype)
    for j, parent in enumerate(parents):
        own = grot[..., j, :]
        lrot[..., j, :] = own if parent < 0 else quat.multiply(quat.inverse(grot[..., parent, :]), own)
    return lrot
