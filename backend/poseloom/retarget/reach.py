"""Limbs that must reach a place: the hips give way, then upper and lower bones turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ..motion import quat
from ..motion.ik import two_bone
from .tracks import smoothed

# of the least squares that moves the hips: damping, longest step in lengths of the limb, softness of straight limbs
_DAMPING, _MOST_STEP, _STRAIGHT, _ROUNDS = 0.05, 0.3, 1.02, 3
# how fast hips follow over the ground; up and down they follow at once, for straight legs tell every millimetre
_LEVEL_HZ = 3.0
_Z = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, eq=False)
class Reach:
    """What a limb is asked for.

    chain: numbers of the joints below the pelvis, of which the last three are the limb's; wanted (T,3) where its
    end must be; near (T,) how much that counts, 0..1; forward (3,) where its middle joint points when straight,
    in the rest axes of its upper bone; say, its say in where the hips go: hands have less of it than feet; least (T,)
    metres, how high its end must be at least, or None.
    """

    chain: tuple
    wanted: np.ndarray
    near: np.ndarray
    forward: np.ndarray
    say: float = 1.0
    least: Optional[np.ndarray] = None


def joints(offsets, grot, root, chain):
    """The places (T,3) of the last three joints of `chain`."""
    places, above = [root], 0
    for joint in chain:
        places.append(places[-1] + quat.rotate(grot[:, above], offsets[joint]))
        above = joint
    return places[-3:]


def give_way(offsets, grot, root, reaches, fps) -> np.ndarray:
    """(T,3) the root moved so that limbs that reach their goals turn and bend as little as can be.

    Damped least squares over all limbs, by Gauss and Newton.  A change of a nearly straight limb's length counts
    most: 1 % of it bends a knee by 16 degrees.  With `fps` the hips follow smoothly, and then only rise or sink;
    without, frames do not see each other.
    """
    limbs = []
    for ask in reaches:
        start, _, end = joints(offsets, grot, root, ask.chain)
        length = np.linalg.norm(offsets[list(ask.chain[-2:])], axis=-1).sum()
        limbs.append((ask.wanted - start, end - start, ask.say * ask.near, length))
    way = np.zeros_like(root)
    for _ in range(_ROUNDS):
        way += _step(way, limbs)
    if fps is not None:
        count = np.clip(sum(ask.say * ask.near for ask in reaches), 0.02, 1.0)
        way = smoothed(way, count, _LEVEL_HZ, fps)
        for _ in range(_ROUNDS):
            way += _step(way, limbs, _Z)
    return root + way


def _step(way, limbs, axis=None):
    """(T,3) the next step from `way` (T,3), freely or along `axis` (3,)."""
    square = np.empty((len(way), 3, 3))
    square[:], right = _DAMPING * np.eye(3), -_DAMPING * way
    for goal, aim, near, length in limbs:
        # from the limb's start: across it should point as it did, along it should be as long
        limb = goal - way
        far, reach = quat.length(limb), quat.length(aim)
        along = limb / np.maximum(far, 1e-9)[:, None]
        miss = limb - aim
        across = miss - quat.dot(miss, along)[:, None] * along
        stiff = near / (_STRAIGHT - np.minimum(reach / length, 1.0) ** 2)
        right += near[:, None] * across + (stiff * (far - reach))[:, None] * along
        square += near[:, None, None] * np.eye(3) + ((stiff - near)[:, None] * along)[:, :, None] * along[:, None]
    if axis is None:
        step = np.linalg.solve(square, right[..., None])[..., 0]
    else:
        step = ((right @ axis) / (square @ axis @ axis))[:, None] * axis
    most = _MOST_STEP * max(length for *_, length in limbs)
    return step * np.minimum(1.0, most / np.maximum(quat.length(step)[:, None], 1e-9))


def reach_out(offsets, grot, root, ask: Reach) -> None:
    """Turn the two bones of a limb (in `grot`) so that its end is where it is wanted, in part where `near` is less."""
    upper, lower, end = ask.chain[-3:]
    start, _, now = joints(offsets, grot, root, ask.chain)
    goal = now + ask.near[:, None] * (ask.wanted - now)
    if ask.least is not None:
        goal[:, 2] = np.maximum(goal[:, 2], ask.least)
    # a limb that is right stays as it is, to the last bit
    wrong = quat.length(goal - now) > 1e-5 * np.linalg.norm(offsets[[lower, end]], axis=-1).sum()
    if wrong.any():
        grot[wrong, upper], grot[wrong, lower] = two_bone(
            grot[wrong, upper], grot[wrong, lower], offsets[lower], offsets[end], start[wrong], goal[wrong], ask.forward
        )
