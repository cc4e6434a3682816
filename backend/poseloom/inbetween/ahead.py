"""A motion as a row of steps, as the network that runs forward sees it: poses without place and facing.

Each frame is (136,): local rotations as 6D, the pelvis's without its facing; the root's height and its way
since the frame before, seen from where it faced then, in leg lengths; and the turn since then, in radians.
"""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.skeleton import JOINTS
from . import window

STEP = len(JOINTS) * 6 + 4
UP = np.array([0.0, 0.0, 1.0])
RATE = 10.0  # ways and turns of one frame are given ten times as large, to be of the size of the rest


def leg_length(offsets) -> float:
    """Hip to ankle of a skeleton (J,3), metres: mean of both sides."""
    bones = [JOINTS.index(f"{name}_{side}") for name in ("shin", "foot") for side in "lr"]
    return float(np.linalg.norm(np.asarray(offsets, np.float64)[bones], axis=-1).sum() / 2.0)


def heading(pelvis):
    """Angle (...) in radians about Z by which a pelvis (...,4) faces away from -Y."""
    twist = window.facing(pelvis)
    return 2.0 * np.arctan2(twist[..., 3], twist[..., 0])


def steps(lrot, root, leg):
    """(N,T,136) of windows (N,T,J,4), (N,T,3) on legs (N,); the first frame repeats the second's way and turn."""
    yaw = heading(lrot[:, :, 0])
    level = np.array(lrot, np.float64)
    level[:, :, 0] = quat.multiply(quat.inverse(about_up(yaw)), lrot[:, :, 0])
    way = quat.rotate(quat.inverse(about_up(yaw[:, :-1])), np.diff(root, axis=1))[..., :2] / leg[:, None, None]
    turn = (np.diff(yaw, axis=1) + np.pi) % (2 * np.pi) - np.pi
    moved = RATE * np.concatenate([way, turn[..., None]], axis=-1)
    moved = np.concatenate([moved[:, :1], moved], axis=1)
    height = root[..., 2:] / leg[:, None, None]
    return np.concatenate([window.sixd(level).reshape(*yaw.shape, -1), height, moved], axis=-1)


def unstep(x, yaw, root, leg: float):
    """(T,J,4), (T,3) of the steps (T,136) that follow a frame facing `yaw` with its root (3,) there."""
    frames = len(x)
    lrot = window.from_sixd(x[:, : STEP - 4].reshape(frames, len(JOINTS), 6))
    turn, way = x[:, -1] / RATE, x[:, -3:-1] * (leg / RATE)
    after = yaw + np.cumsum(turn)
    before = np.concatenate([[yaw], after[:-1]])
    flat = quat.rotate(about_up(before), np.concatenate([way, np.zeros((frames, 1))], axis=-1))
    places = np.asarray(root, np.float64) * [1.0, 1.0, 0.0] + np.cumsum(flat, axis=0)
    lrot[:, 0] = quat.multiply(about_up(after), lrot[:, 0])
    return lrot, places + x[:, STEP - 4, None] * leg * UP


def about_up(angle):
    return quat.from_axis_angle(UP, angle)
