"""33 BlazePose points to the joint rotations of the canonical body.

Everything here is in one frame of axes, whatever it is: z up, x to the right, y away.  Where a
direction is badly seen (the twist of a straight limb, a hand edge-on) its place is taken smoothly
by the neighbouring frames and by the anatomically neutral pose.
"""

from __future__ import annotations

import numpy as np

from ..motion import filters, quat
from ..motion.skeleton import JOINTS
from ..motion.types import Skeleton

POINTS = 33
NOSE, EYE, EAR, SHOULDER, ELBOW, WRIST = 0, (2, 5), (7, 8), (11, 12), (13, 14), (15, 16)
PINKY, INDEX, HIP, KNEE, ANKLE, HEEL, TOE = (17, 18), (19, 20), (23, 24), (25, 26), (27, 28), (29, 30), (31, 32)
J = {name: j for j, name in enumerate(JOINTS)}
_X, _Y, _Z = np.eye(3)
# from BlazePose's heel, which lies above the sole, to the toes
_SOLE = np.array([0.0, -np.cos(np.radians(10.0)), -np.sin(np.radians(10.0))])
_PRIOR = 0.04  # weight of the neutral twist beside a perfectly seen one of 1
_TWIST_HZ = 3.0
_MAX_CLAVICLE, _MAX_WRIST, _MAX_ANKLE, _MAX_NECK = np.radians([25.0, 65.0, 60.0, 60.0])


def rotations(points, weight, skeleton: Skeleton, fps: float):
    """Global rotations (T,22,4) of the canonical joints from points (T,33,3) and weights (T,33).

    Spine: pelvis from the hip line and the trunk, chest from the shoulder line, shared over the
    three joints between.  Limbs: the bone's direction, and for twist the elbow or knee hinge, for
    a straight knee the foot.  Knees and elbows never bend backwards.
    """
    q = np.empty((len(points), 22, 4))
    _trunk(q, points, skeleton)
    _head(q, points, skeleton)
    for side, sign, letter in ((0, 1.0, "l"), (1, -1.0, "r")):
        _arm(q, points, weight, side, sign, letter, fps)
        _leg(q, points, weight, side, letter, fps)
    return q


def _trunk(q, points, skeleton):
    hips, shoulders = _middle(points, HIP), _middle(points, SHOULDER)
    up = _unit(shoulders - hips)
    across = points[:, HIP[0]] - points[:, HIP[1]]
    across_chest = _unit(points[:, SHOULDER[0]] - points[:, SHOULDER[1]])
    q[:, 0] = quat.from_two_vectors(across, up, along=_X, beside=_Z)
    chest = quat.from_two_vectors(up, across_chest, along=_Z, beside=_X)
    tilt = np.arcsin(np.clip(_dot(across_chest, up)[:, 0], -1.0, 1.0))  # of the shoulder line
    chest = quat.multiply(chest, quat.from_axis_angle(_Y, -0.5 * tilt))
    bones = np.array([skeleton.offsets[J[n]] for n in ("spine1", "spine2", "spine3", "clavicle_l")], np.float64)
    bones[3, 0] = 0.0
    for i, name in enumerate(("spine1", "spine2", "spine3")):
        q[:, J[name]] = quat.slerp(q[:, 0], chest, np.full(len(q), (i + 1) / 3.0))
    chain = [quat.rotate(q[:, j], bones[i]) for i, j in enumerate(range(4))]
    base = hips + quat.rotate(q[:, 0], [0.0, 0.0, -skeleton.offsets[J["thigh_l"]][2]])
    mend = quat.between(sum(chain), shoulders - base)
    for j in (1, 2, 3):
        q[:, j] = quat.multiply(mend, q[:, j])
    for letter, sign in (("l", 1.0), ("r", -1.0)):
        away = quat.rotate(quat.inverse(q[:, J["spine3"]]), across_chest * sign)
        lift = quat.between(sign * _X, away)
        q[:, J["clavicle_" + letter]] = quat.multiply(q[:, J["spine3"]], _limit(lift, _MAX_CLAVICLE))


def _head(q, points, skeleton):
    ears, chest = _middle(points, EAR), q[:, J["spine3"]]
    ahead = 0.5 * (points[:, NOSE] + _middle(points, EYE)) - ears
    head = quat.from_two_vectors(points[:, EAR[0]] - points[:, EAR[1]], ahead, along=_X, beside=-_Y)
    local = _limit(quat.multiply(quat.inverse(chest), head), 1.5 * _MAX_NECK)
    shoulders = _middle(points, SHOULDER)
    rise = quat.rotate(quat.inverse(chest), _unit(ears - shoulders))
    lean = _limit(quat.between([0.0, -0.12, 1.0], rise), _MAX_NECK)
    half = quat.slerp(np.broadcast_to(quat.IDENTITY, local.shape), local, np.full(len(q), 0.5))
    q[:, J["neck"]] = quat.multiply(chest, quat.slerp(half, lean, np.full(len(q), 0.5)))
    q[:, J["head"]] = quat.multiply(chest, local)


def _arm(q, points, weight, side, sign, letter, fps):
    shoulder, elbow, wrist = points[:, SHOULDER[side]], points[:, ELBOW[side]], points[:, WRIST[side]]
    upper, fore = _unit(elbow - shoulder), _unit(wrist - elbow)
    mirror = np.array([sign, 1.0, 1.0])
    neutral = _unit(np.array([0.5, -0.5, -0.7]) * mirror)
    neutral_hinge = _unit(np.cross(neutral, np.array([-0.2, -0.9, 0.3]) * mirror))
    seen = np.minimum(weight[:, ELBOW[side]], weight[:, WRIST[side]])
    hinge = _hinge(
        q[:, J["spine3"]], upper, neutral, neutral_hinge, [(np.cross(upper, fore), seen)], np.radians(110.0), fps
    )
    rest_hinge = -sign * _Z
    fore = _bend_forward(upper, fore, hinge)
    q[:, J["upper_arm_" + letter]] = quat.from_two_vectors(upper, hinge, along=sign * _X, beside=rest_hinge)
    forearm = quat.from_two_vectors(fore, hinge, along=sign * _X, beside=rest_hinge)

    knuckles = 0.5 * (points[:, PINKY[side]] + points[:, INDEX[side]])
    palm, thumbward = knuckles - wrist, points[:, INDEX[side]] - points[:, PINKY[side]]
    seen = np.minimum(weight[:, PINKY[side]], weight[:, INDEX[side]])
    ahead, above = quat.rotate(forearm, -_Y), np.cross(fore, quat.rotate(forearm, -_Y))
    twist = _seen_angle(ahead, above, [(thumbward / 0.06, seen)], np.radians(100.0), 4.0 * _PRIOR, fps)
    q[:, J["forearm_" + letter]] = quat.multiply(quat.from_axis_angle(fore, 0.5 * twist), forearm)
    straight = quat.multiply(quat.from_axis_angle(fore, twist), forearm)
    local = quat.rotate(quat.inverse(straight), _unit(palm))
    share = np.clip(_norm(palm) / 0.05, 0.0, 1.0) * 0.7 * np.clip(2.0 * seen, 0.0, 1.0)
    bend = quat.exp(quat.log(_limit(quat.between(sign * _X, local), _MAX_WRIST)) * share[:, None])
    q[:, J["hand_" + letter]] = quat.multiply(straight, bend)


def _leg(q, points, weight, side, letter, fps):
    hip, knee, ankle = points[:, HIP[side]], points[:, KNEE[side]], points[:, ANKLE[side]]
    thigh, shin = _unit(knee - hip), _unit(ankle - knee)
    ahead = points[:, TOE[side]] - points[:, HEEL[side]]
    seen = np.minimum(weight[:, KNEE[side]], weight[:, ANKLE[side]])
    seen_foot = 0.3 * np.minimum(weight[:, TOE[side]], weight[:, HEEL[side]])
    # a foot tells the leg's twist only while it is square to the shin
    from_foot = np.cross(_unit(ahead), shin)
    hinge = _hinge(
        q[:, 0], thigh, _unit(np.array([0.0, -0.5, -0.85])), _X,
        [(np.cross(thigh, shin), seen), (from_foot, seen_foot)], np.radians(55.0), fps,
    )  # fmt: skip
    shin = _bend_forward(thigh, shin, hinge)
    q[:, J["thigh_" + letter]] = quat.from_two_vectors(thigh, hinge, along=-_Z, beside=_X)
    q[:, J["shin_" + letter]] = below = quat.from_two_vectors(shin, hinge, along=-_Z, beside=_X)
    foot = quat.from_two_vectors(ahead, quat.rotate(below, _X), along=_SOLE, beside=_X)
    local = _limit(quat.multiply(quat.inverse(below), foot), _MAX_ANKLE)
    q[:, J["foot_" + letter]] = q[:, J["toe_" + letter]] = quat.multiply(below, local)


def _hinge(base, along, neutral, neutral_hinge, seen, limit, fps):
    """The hinge's direction (T,3), square to the limb's direction `along` (T,3).

    It is the neutral hinge carried by the shortest swing from `neutral` in the frame `base`,
    turned about the limb by what `seen` tells: pairs of a direction (T,3), whose length counts as
    certainty, and a weight (T,).
    """
    swing = quat.between(neutral, quat.rotate(quat.inverse(base), along))
    carried = quat.rotate(base, quat.rotate(swing, neutral_hinge - _dot(neutral_hinge, neutral) * neutral))
    carried = _unit(carried)
    beside = np.cross(along, carried)
    angle = _seen_angle(carried, beside, seen, limit, _PRIOR, fps)[:, None]
    return np.cos(angle) * carried + np.sin(angle) * beside


def _seen_angle(ahead, beside, seen, limit, prior, fps):
    """The angle (T,) from `ahead` towards `beside` at which the `seen` directions lie, smoothly."""
    total = np.zeros((len(ahead), 2))
    total[:, 0] = prior
    certain = np.full(len(ahead), prior)
    for direction, weight in seen:
        flat = np.concatenate([_dot(direction, ahead), _dot(direction, beside)], axis=-1)
        length = np.minimum(_norm(flat), 1.0)
        flat = _unit(flat)
        # what lies far outside the joint's range is noise
        weight = weight * length**2 * np.clip(0.5 + flat[:, 0] - np.cos(limit), 0.0, 1.0)
        total += weight[:, None] * flat
        certain += weight
    smooth = filters.smooth(total / certain[:, None], _TWIST_HZ, fps, certain[:, None])
    return np.clip(np.arctan2(smooth[:, 1], smooth[:, 0]), -limit, limit)


def _bend_forward(upper, lower, hinge):
    """The lower limb's direction, where it would bend back about `hinge` laid along the upper one."""
    forward = np.cross(hinge, upper)
    bent = _dot(lower, forward)
    return _unit(lower - np.minimum(bent - 0.02, 0.0) * forward)


def _limit(q, most):
    """The rotation with its angle softly held under `most` radians; small angles are kept."""
    v = quat.log(q)
    size = np.maximum(_norm(v), 1e-9)
    knee = 0.75 * most
    held = np.where(size > knee, knee + (most - knee) * np.tanh((size - knee) / (most - knee)), size)
    return quat.exp(v * (held / size)[..., None])


def _middle(points, pair):
    return 0.5 * (points[:, pair[0]] + points[:, pair[1]])


def _norm(v):
    return np.linalg.norm(v, axis=-1)


def _unit(v):
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def _dot(a, b):
    return np.sum(a * b, axis=-1, keepdims=True)
