"""How far joints turn: each bone stays in a cone (its swing), and turns so far about itself (its twist)."""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.skeleton import JOINTS

# joint, left: the bone's rest direction, the middle of its cone in the parent's axes, the cone's half angle and the
# least and most twist about the rest direction, degrees.  What recorded movers of training subjects did in 99.8 %
# of frames, and some 15 degrees more
_RANGES = {
    "spine1": ((0.0, 0.0, 1.0), (0.0, -0.25, 0.97), 55.0, (-30.0, 30.0)),
    "spine2": ((0.0, 0.0, 1.0), (0.0, 0.0, 1.0), 38.0, (-30.0, 30.0)),
    "spine3": ((0.0, 0.0, 1.0), (0.0, 0.1, 1.0), 40.0, (-25.0, 25.0)),
    "upper_arm_l": ((1.0, 0.0, 0.0), (0.76, -0.53, -0.37), 112.0, (-160.0, 120.0)),
    "forearm_l": ((1.0, 0.0, 0.0), (0.28, -0.85, 0.45), 88.0, (-110.0, 110.0)),
    "thigh_l": ((0.0, 0.0, -1.0), (0.26, -0.62, -0.74), 88.0, (-100.0, 70.0)),
    "shin_l": ((0.0, 0.0, -1.0), (0.0, 0.95, -0.3), 88.0, (-20.0, 20.0)),
}
_SOFT = 0.85  # from this share of a limit on a joint is slowed


def within(lrot):
    """Local rotations (T,22,4) of the canonical joints, those out of range brought back, those well inside kept."""
    lrot = np.array(lrot, np.float64)
    for name, (rest, middle, cone_deg, twist_deg) in _RANGES.items():
        for joint, mirror in ((name, 1.0), (name[:-1] + "r", -1.0)) if name.endswith("_l") else ((name, 1.0),):
            across = np.array([mirror, 1.0, 1.0])
            j, rest_way = JOINTS.index(joint), np.array(rest) * across
            least, most = (np.radians(twist_deg) if rest[0] or mirror > 0.0 else -np.radians(twist_deg)[::-1])
            swing, twist = quat.swing_twist(lrot[:, j], rest_way)
            # a sideways rest direction is mirrored itself, and with it the sense of the turn
            about = np.abs(np.array(rest)) if rest[0] else np.array(rest)
            turn = quat.log(twist) @ about
            way = quat.rotate(swing, rest_way)
            centre = np.array(middle) * across / np.linalg.norm(middle)
            away = quat.log(quat.between(np.broadcast_to(centre, way.shape), way))
            angle = np.linalg.norm(away, axis=-1)
            held_turn, held_angle = _between(turn, least, most), _held(angle, np.radians(cone_deg))
            nearer = quat.rotate(quat.exp(away * (held_angle / np.maximum(angle, 1e-9))[:, None]), centre)
            new = quat.multiply(quat.between(rest_way, nearer), quat.from_axis_angle(about, held_turn))
            out = (held_turn != turn) | (held_angle != angle)
            lrot[:, j] = np.where(out[:, None], new, lrot[:, j])
    return lrot


def _held(x, most):
    """x (T,) >= 0 softly kept below `most`; the same up to _SOFT of it."""
    knee = _SOFT * most
    return np.where(x > knee, knee + (most - knee) * np.tanh((x - knee) / (most - knee)), x)


def _between(x, least, most):
    return np.where(x >= 0.0, _held(np.maximum(x, 0.0), most), -_held(np.maximum(-x, 0.0), -least))
