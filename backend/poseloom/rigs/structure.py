"""Roles by the shape of the tree alone, for rigs whose names say nothing."""

from __future__ import annotations

import numpy as np

from ..motion.anatomy import find_limbs
from ..motion.types import Rig
from ..motion.upright import left_of
from .tables import deal_spine


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
    if not limbs.sided:
        doubts.append("Left and right were told by where the feet point.")
        left = left_of(limbs, heads, tails, np.array([0.0, 0.0, 1.0]))
        legs, arms = (_left_first(pair, heads, left) for pair in (legs, arms))
    roles = {"pelvis": limbs.spine[0], **deal_spine(limbs.spine[1:])}
    if limbs.head:
        # the last joint may be the crown; the head is the longest bone above the neck
        steps = [np.linalg.norm(tails[j] - heads[j]) for j in limbs.head]
        top = int(np.argmax(steps)) if len(limbs.head) > 1 else 0
        roles["head"] = limbs.head[top]
        if top:
            roles["neck"] = tuple(limbs.head[:top])
    for side, leg, arm in zip("lr", legs, arms):
        roles.update(_limb(leg, heads, side, (None, "thigh", "shin", "foot", "toe")))
        roles.update(_limb(arm, heads, side, ("clavicle", "upper_arm", "forearm", "hand", None)))
    names = {
        joint: tuple(rig.bones[b] for b in (bones if isinstance(bones, tuple) else (bones,)))
        for joint, bones in roles.items()
    }
    names.update({k: v if isinstance(v[0], str) else tuple(rig.bones[b] for b in v) for k, v in names.items()})
    return names, tuple(doubts)


def _left_first(pair, heads, left):
    first, second = (np.mean(heads[list(chain)], axis=0) for chain in pair)
    return pair if (first - second) @ left > 0 else pair[::-1]


def _limb(chain, heads, side, joints):
    """Joints of a limb by its two longest neighbouring bones, which are thigh and shin or arm and forearm."""
    before, upper, lower, end, tip = joints
    steps = np.linalg.norm(np.diff(heads[list(chain)], axis=0), axis=-1)
    if len(steps) < 2:
        return {}
    at = int(np.argmax(steps[:-1] + steps[1:]))
    found = {upper: chain[at], lower: chain[at + 1], end: chain[at + 2]}
    if before and at:
        found[before] = chain[at - 1]
    if tip and at + 3 < len(chain):
        found[tip] = chain[at + 3]
    return {f"{joint}_{side}": bone for joint, bone in found.items()}
