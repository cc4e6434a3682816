"""What a camera and BlazePose would make of a known Motion: points on the body, pixels, noise."""

from __future__ import annotations

import numpy as np

from poseloom.motion import quat
from poseloom.motion.skeleton import motion_fk
from poseloom.motion.types import Keypoints

_AT_JOINT = {11: "upper_arm_", 13: "forearm_", 15: "hand_", 23: "thigh_", 25: "shin_", 27: "foot_"}
# on the body of 1.75 m, left side, in the joint's rest axes: eyes, ear, mouth; pinky, index, thumb; heel, toes
_ON_BODY = {
    2: ("head", (0.03, -0.10, 0.11)), 1: ("head", (0.02, -0.10, 0.11)), 3: ("head", (0.04, -0.10, 0.11)),
    7: ("head", (0.075, 0.0, 0.08)), 9: ("head", (0.02, -0.10, 0.03)),
    17: ("hand_l", (0.08, 0.03, 0.0)), 19: ("hand_l", (0.085, -0.03, 0.0)), 21: ("hand_l", (0.04, -0.05, 0.0)),
    29: ("foot_l", (0.0, 0.05, -0.035)), 31: ("toe_l", (0.0, -0.06, -0.01)),
}  # fmt: skip
_RIGHT_OF = {1: 4, 2: 5, 3: 6, 7: 8, 9: 10}


def landmarks(motion) -> np.ndarray:
    """(T,33,3) BlazePose's points of the motion in the world, metres."""
    grot, gpos = motion_fk(motion)
    skeleton, size = motion.skeleton, float(np.linalg.norm(motion.skeleton.offsets[15])) / 0.42
    out = np.zeros((len(motion), 33, 3))
    for point, joint in _AT_JOINT.items():
        for side, letter in enumerate("lr"):
            out[:, point + side] = gpos[:, skeleton.index(joint + letter)]
    trunk = out[:, 11:13].mean(axis=1) - out[:, 23:25].mean(axis=1)
    length = np.linalg.norm(trunk, axis=-1, keepdims=True)
    up, left = trunk / length, quat.rotate(grot[:, 0], np.array([1.0, 0.0, 0.0]))
    back = np.cross(up, left)
    out[:, 23:25] -= (length * (0.04 * up + 0.035 * back))[:, None]  # its hips lie before and below the joints
    for point, (joint, offset) in _ON_BODY.items():
        for side, sign in enumerate((1.0, -1.0)):
            j = skeleton.index(joint[:-1] + "lr"[side] if joint.endswith("_l") else joint)
            at = gpos[:, j] + quat.rotate(grot[:, j], size * np.array(offset) * [sign, 1.0, 1.0])
            out[:, point if side == 0 else _RIGHT_OF.get(point, point + 1)] = at
    head = skeleton.index("head")
    out[:, 0] = gpos[:, head] + quat.rotate(grot[:, head], size * np.array([0.0, -0.12, 0.05]))
    return out


def correlated(rng, shape, seconds, fps):
    """Noise (T,...) of standard deviation 1 that forgets itself in `seconds`."""
    keep = np.exp(-1.0 / (seconds * fps))
    x = rng.normal(size=shape)
    for t in range(1, len(x)):
        x[t] = keep * x[t - 1] + np.sqrt(1.0 - keep**2) * x[t]
    return x


def film(points, fps, rng=None, *, noise=1.0, pitch_deg=0.0, focal=0.9, away_m=4.5, yaw_rad=0.0, size=(1280, 720),
         scale=1.0) -> Keypoints:  # fmt: skip
    """Keypoints of world points (T,33,3) seen by a camera `away_m` in front of them, `pitch_deg` downwards.

    noise 1 is 12 mm sideways and 25 mm in depth with a memory of 0.15 s, 5 mm without, a constant 8 mm per point,
    1 % outliers of 12 cm, 2.5 px and 1.2 px.  `scale` is the estimator's own idea of the person's size; as it sees the
    person in the middle of a crop, the way there is its straight ahead.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    turn = quat.from_axis_angle([0.0, 0.0, 1.0], np.array(yaw_rad))
    world = quat.rotate(turn, points)
    middle = world[:, 23:25].mean(axis=(0, 1))
    pitch = np.radians(pitch_deg)
    eye = np.array([middle[0], middle[1] - away_m * np.cos(pitch), max(0.9 + away_m * np.sin(pitch), 0.3)])
    view = quat.rotate(quat.from_axis_angle([1.0, 0.0, 0.0], np.array(pitch)), world - eye)
    focal_px = focal * max(size)
    xy = 0.5 * np.array(size) + focal_px * view[..., [0, 2]] / view[..., 1:2] * [1.0, -1.0]
    ahead = view[:, [11, 12, 23, 24]].mean(axis=1)
    in_crop = quat.rotate(quat.between(ahead, np.array([0.0, 1.0, 0.0]))[:, None], view)
    rel = scale * (in_crop - in_crop[:, 23:25].mean(axis=1, keepdims=True))
    if noise > 0.0:
        shape = rel.shape
        xy = xy + noise * (2.5 * correlated(rng, xy.shape, 0.15, fps) + 1.2 * rng.normal(size=xy.shape))
        rel = rel + noise * correlated(rng, shape, 0.15, fps) * [0.012, 0.025, 0.012]
        rel = rel + noise * (0.005 * rng.normal(size=shape) + 0.008 * rng.normal(size=(1,) + shape[1:]))
        rel = rel + (rng.random(shape[:2]) < 0.01 * noise)[..., None] * 0.12 * rng.normal(size=shape)
        rel = rel - rel[:, 23:25].mean(axis=1, keepdims=True)
    return Keypoints("blazepose", xy, rel, np.full(rel.shape[:2], 0.95), size, fps)
