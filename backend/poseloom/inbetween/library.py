"""Reference clips: canonical motions end to end, and what makes one pose like another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion import quat
from ..motion.skeleton import JOINTS, fk
from . import window

FPS = 30.0  # of all clips in a library
# how much a joint's place says about a pose
_WEIGHTS = {"hand": 0.7, "forearm": 0.9, "foot": 1.4, "toe": 1.0, "shin": 1.2, "head": 0.8, "clavicle": 0.3, "spine": 0.5}


@dataclass(frozen=True, eq=False)
class Library:
    """lrot (M,J,4), root (M,3) of all clips end to end at one rate; start (C+1,); names (C,); legs (C,) metres.

    poses (M,D) is what pose_features made of them, of bodies with legs of one metre.
    """

    lrot: np.ndarray
    root: np.ndarray
    start: np.ndarray
    names: tuple
    legs: np.ndarray
    poses: np.ndarray

    @classmethod
    def of(cls, lrot, root, offsets, parents, start, names) -> "Library":
        """Of packed clips; offsets (C,J,3)."""
        legs = np.array([leg_length(o) for o in offsets])
        poses = []
        for c in range(len(names)):
            rows = slice(int(start[c]), int(start[c + 1]))
            poses.append(pose_features(lrot[rows], root[rows], offsets[c], parents))
        return cls(lrot, root, np.asarray(start), tuple(names), legs, np.concatenate(poses))

    @property
    def clip_starts(self):
        flags = np.zeros(len(self.root), bool)
        flags[self.start[:-1]] = True
        return flags

    def clip_of(self, frame: float) -> int:
        return int(np.searchsorted(self.start, frame, side="right") - 1)

    def at(self, where):
        """(lrot (Q,J,4), root (Q,3)) at frames that need not be whole."""
        low = np.clip(np.floor(where).astype(int), 0, len(self.root) - 2)
        share = np.clip(where - low, 0.0, 1.0)
        lrot = quat.slerp(self.lrot[low], self.lrot[low + 1], np.repeat(share[:, None], self.lrot.shape[1], axis=1))
        return lrot, self.root[low] * (1.0 - share[:, None]) + self.root[low + 1] * share[:, None]


def leg_length(offsets) -> float:
    """Thigh and shin, metres, of offsets (J,3)."""
    return float(np.linalg.norm(offsets[JOINTS.index("shin_l")]) + np.linalg.norm(offsets[JOINTS.index("foot_l")]))


def pose_features(lrot, root, offsets, parents):
    """(T, 3J+4): weighted joint places in leg lengths seen from the ground below the root and its facing, and
    velocity of the root (3) and turning (1) over a fifth of a second."""
    scale = 1.0 / leg_length(offsets)
    lpos = np.repeat(np.asarray(offsets, np.float64)[None], len(lrot), axis=0)
    lpos[:, 0] = root
    _, gpos = fk(lrot, lpos, parents)
    back = quat.inverse(window.facing(np.asarray(lrot, np.float64)[:, 0]))
    ground = gpos[:, :1] * np.array([1.0, 1.0, 0.0])
    seen = quat.rotate(back[:, None], gpos - ground) * scale
    weight = np.array([_WEIGHTS.get(name.rsplit("_", 1)[0].rstrip("123"), 1.0) for name in JOINTS])
    places = (seen * weight[:, None]).reshape(len(lrot), -1)
    return np.concatenate([places, movement(root, lrot[:, 0], scale)], axis=1).astype(np.float32)


def movement(root, pelvis, scale: float, span: int = 6):
    """(T,4): how far the root goes (leg lengths, seen from its facing) and turns (radians) per frame, times `span`."""
    root, pelvis = np.asarray(root, np.float64), np.asarray(pelvis, np.float64)
    frames = len(root)
    if frames < 2:
        return np.zeros((frames, 4))
    here = np.arange(frames)
    low, high = np.maximum(here - span // 2, 0), np.minimum(here + span // 2, frames - 1)
    turn = window.facing(pelvis)
    step = quat.rotate(quat.inverse(turn), root[high] - root[low]) * scale
    yaw = quat.log(quat.multiply(quat.inverse(turn[low]), turn[high]))[:, 2:]
    return np.concatenate([step, yaw], axis=1) * (span / np.maximum(high - low, 1))[:, None]
