"""Roles by the shape of the tree alone, for rigs whose names say nothing."""

from __future__ import annotations

import numpy as np

from ..motion.anatomy import find_limbs
from ..motion.types import Rig
from ..motion.upright import left_of
from .tables import deal_spine

_LEG = (None, "thigh", "shin", "foot", "toe")
_ARM = ("clavicle", "upper_arm", "forearm", "hand", None)
# an arm or leg begins this far off the middle, as a share of a hip joint's distance from it
_ASIDE = 0.6


def roles_by_shape(rig: Rig):
    """({joint: (bone, ...)}, doubts), empty where there are no two pairs of limbs on a spine.

    Sides are told by names where those say left and right, else by where the toes point.
    """
    heads = rig.rest[:, :3, 3] @ rig.world[:3, :3].T + rig.world[:3, 3]
    tails = rig.tails @ rig.world[:3, :3].T + rig.world[:3, 3]
    limbs = find_limbs(rig.bones, rig.parents, heads, tails)
    if limbs is None:
        return {}, ()
    doubts = ["The bones' names say nothing: parts were told by the shape of the skeleton."]
    legs, arms = limbs.legs, limbs.arms
    left = left_of(limbs, heads, tails, np.array([0.0, 0.0, 1.0]))
    if not limbs.sided:
        doubts.append("Left and right were told by where the feet point.")
        legs, arms = (_left_first(pair, heads, left) for pair in (legs, arms))
    roles = {"pelvis": limbs.spine[:1], **deal_spine(limbs.spine[1:])}
    if limbs.head:
        # the head is the longest bone above the chest, what lies below it the neck
        top = int(np.argmax([np.linalg.norm(tails[j] - heads[j]) for j in limbs.head]))
        roles["head"] = limbs.head[top : top + 1]
        if top:
            roles["neck"] = limbs.head[:top]
    for side, leg, arm in zip("lr", legs, arms):
        found = _limb(leg, limbs.spine[0], heads, tails, left, 1e-3, _LEG)
        width = abs((heads[found["thigh"]] - heads[limbs.spine[0]]) @ left) if found else 0.0
        found.update(_limb(arm, limbs.spine[-1], heads, tails, left, _ASIDE * width, _ARM))
        roles.update({f"{joint}_{side}": (bone,) for joint, bone in found.items()})
    return {joint: tuple(rig.bones[b] for b in bones) for joint, bones in roles.items()}, tuple(doubts)


def _left_first(pair, heads, left):
    first, second = (np.mean(heads[list(chain)], axis=0) for chain in pair)
    return pair if (first - second) @ left > 0 else pair[::-1]


def _limb(chain, base, heads, tails, left, least, joints):
    """{joint: bone}: the two longest neighbouring bones that begin more than `least` metres aside of
    `base` are thigh and shin, or arm and forearm."""
    before, upper, lower, end, tip = joints
    points = np.vstack([heads[list(chain)], tails[chain[-1]]])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    first = int(np.argmax(np.abs((points - heads[base]) @ left) > least))
    if len(steps) - first < 2:
        return {}
    at = first + int(np.argmax(steps[first:-1] + steps[first + 1 :]))
    places = {before: at - 1, upper: at, lower: at + 1, end: at + 2, tip: at + 3}
    return {joint: chain[i] for joint, i in places.items() if joint and 0 <= i < len(chain)}
