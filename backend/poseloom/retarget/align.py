"""How a rig's rest pose relates to the canonical T-pose: found from where its bones are, never from their axes.

`Alignment.tpose[j]` is the rotation K that takes directions of the rig at rest (armature axes) to where they
are in the canonical T-pose.  Arms and legs are laid along the T-pose's limbs; the torso, neck, head and
clavicles keep their anatomical curvature; feet keep their pitch, for a rig stands flat at rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Mapping

import numpy as np

from ..errors import BadInput
from ..motion import quat
from ..motion.skeleton import FINGERS, JOINTS, parent_of
from ..motion.types import Rig
from .pose import split_world

SPINE = ("spine1", "spine2", "spine3")
# several bones of such a role share the turn; elsewhere the first takes all of it
SHARED = SPINE + ("neck", "head", "clavicle_l", "clavicle_r")
NEEDED = ("pelvis",) + tuple(f"{n}_{s}" for s in "lr" for n in ("thigh", "shin", "upper_arm", "forearm"))
_X, _Y, _Z = np.eye(3)
_SNAP_UP, _SNAP_LEFT = np.cos(np.radians(35.0)), np.cos(np.radians(5.0))
# below the first bend (of a straight or carried elbow) the rest pose says nothing about the hinge
_SPLAY_RAD = np.radians(14.0)
_BEND_NONE_RAD, _BEND_FULL_RAD = np.radians(15.0), np.radians(45.0)


@dataclass(frozen=True, eq=False)
class Alignment:
    """What is constant between a rig and the canonical skeleton.

    turn (4,) armature axes -> house axes; metric (3,3) armature units -> metres in armature axes; joints {joint:
    bone numbers, from parent to child}, spine roles moved up so that the chest is spine3; tpose {joint: (4,)};
    body (4,) armature axes -> the upright body facing -Y; heads, tails (B,3) and soles {joint: (K,3)}, those of `Rig`,
    metres, armature axes.
    """

    turn: np.ndarray
    metric: np.ndarray
    joints: Mapping[str, tuple]
    tpose: Mapping[str, np.ndarray]
    body: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    soles: Mapping[str, np.ndarray] = field(default_factory=dict)

    def head(self, joint: str) -> np.ndarray:
        return self.heads[self.joints[joint][0]]

    def end(self, joint: str, child: str) -> np.ndarray:
        """Where `joint`'s bone ends: at the child joint, or at its last bone's tail."""
        return self.head(child) if child in self.joints else self.tails[self.joints[joint][-1]]

    def above(self, joint: str) -> str:
        """The nearest joint above that the rig has; "" for the topmost."""
        joint = parent_of(joint)
        while joint and joint not in self.joints:
            joint = parent_of(joint)
        return joint


@lru_cache(maxsize=8)
def align(rig: Rig) -> Alignment:
    """The Alignment of a rig with roles; BadInput where it is mirrored, flat, or lacks hips, legs or arms."""
    missing = [j for j in NEEDED if not rig.roles.get(j)]
    if missing:
        raise BadInput(
            "not_humanoid",
            f'The rig "{rig.name}" has no bone for: {", ".join(missing)}.',
            "Name these bones in a preset, or choose another armature.",
        )
    turn, metric = split_world(rig)
    heads = rig.rest[:, :3, 3] @ metric.T
    tails = rig.tails @ metric.T
    joints = _joints(rig)
    partial = Alignment(turn, metric, joints, {}, quat.IDENTITY, heads, tails)
    body = _body(partial)
    tpose = {joint: body for joint in joints}
    soles = {joint: points @ metric.T for joint, points in rig.soles.items() if joint in joints and len(points)}
    known = Alignment(turn, metric, joints, tpose, body, heads, tails, soles)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        _align_arm(known, tpose, side, sign)
        _align_leg(known, tpose, side)
    return known


def _joints(rig):
    number = {bone: i for i, bone in enumerate(rig.bones)}
    roles = {j: tuple(number[b] for b in rig.roles[j]) for j in JOINTS + FINGERS if rig.roles.get(j)}
    spine = [j for j in SPINE if j in roles]
    if spine and spine[-1] != "spine3":
        # the chest carries neck and arms, whatever the preset calls it
        roles["spine3"] = roles.pop(spine[-1])
    return {j: roles[j] for j in JOINTS + FINGERS if j in roles}


def _body(a: Alignment):
    """Armature axes -> upright and facing -Y, by hips, shoulders and spine.

    Done in armature axes so that turning the object changes nothing.
    """
    house = quat.to_matrix(quat.inverse(a.turn))
    hips = (a.head("thigh_l") + a.head("thigh_r")) / 2.0
    shoulders = (a.head("upper_arm_l") + a.head("upper_arm_r")) / 2.0
    up = _unit(shoulders - hips, house @ _Z)
    up = _snapped(up, _SNAP_UP)
    left = np.zeros(3)
    for joint in ("thigh", "upper_arm"):
        across = a.head(f"{joint}_l") - a.head(f"{joint}_r")
        left += across - (across @ up) * up
    left = _unit(left, house @ _X)
    left = _snapped(left, _SNAP_LEFT)
    return quat.from_two_vectors(_Z, _X, along=up, beside=left)


def _unit(v, otherwise):
    length = np.linalg.norm(v)
    return v / length if length > 1e-6 else otherwise


def _snapped(v, cosine):
    """v, or the axis it nearly is: rigs are built along their axes, bodies are not quite straight."""
    axis = np.zeros(3)
    axis[np.abs(v).argmax()] = np.sign(v[np.abs(v).argmax()])
    return axis if v @ axis > cosine else v


def _laid(above, direction, along):
    """`above` followed by the shortest rotation that lays `direction` (armature axes) along `along`."""
    if np.linalg.norm(direction) < 1e-6:
        return above
    return quat.multiply(quat.between(quat.rotate(above, direction), along), above)


def _hinged(above, upper, lower, along, hinge):
    """`_laid`, with the limb rolled so that a well bent rest pose bends about `hinge`."""
    laid = _laid(above, upper, along)
    bent = np.cross(along, quat.rotate(laid, lower))
    bend = np.arctan2(np.linalg.norm(bent), along @ quat.rotate(laid, lower))
    trust = np.clip((bend - _BEND_NONE_RAD) / (_BEND_FULL_RAD - _BEND_NONE_RAD), 0.0, 1.0)
    roll = np.arctan2(along @ np.cross(bent, hinge), bent @ hinge)
    return quat.multiply(quat.from_axis_angle(along, trust * trust * (3.0 - 2.0 * trust) * roll), laid)


def _align_arm(a, tpose, side, sign):
    upper_arm, forearm, hand = (f"{n}_{side}" for n in ("upper_arm", "forearm", "hand"))
    along, hinge = sign * _X, -sign * _Z
    upper = a.head(forearm) - a.head(upper_arm)
    lower = a.end(forearm, hand) - a.head(forearm)
    tpose[upper_arm] = _hinged(a.body, upper, lower, along, hinge)
    tpose[forearm] = _laid(tpose[upper_arm], lower, along)
    if hand in a.joints:
        tpose[hand] = _hand(a, tpose[forearm], hand, side, along)
    below = tpose[hand] if hand in a.joints else tpose[forearm]
    for finger in ("thumb", "index", "middle", "ring", "pinky"):
        _align_finger(a, tpose, below, finger, side, along)


def _hand(a, forearm, hand, side, along):
    """Palm down in the T-pose where the knuckles show the palm, else as the forearm has it."""
    knuckles = [f"{f}1_{side}" for f in ("index", "middle", "ring", "pinky") if f"{f}1_{side}" in a.joints]
    if knuckles:
        direction = np.mean([a.head(k) for k in knuckles], axis=0) - a.head(hand)
    else:
        direction = a.tails[a.joints[hand][-1]] - a.head(hand)
        seen = quat.rotate(forearm, direction)
        if seen @ along < np.cos(np.radians(50.0)) * np.linalg.norm(seen):
            return forearm  # a tail that importers made up
    laid = _laid(forearm, direction, along)
    if len(knuckles) < 2:
        return laid
    across = quat.rotate(laid, a.head(knuckles[0]) - a.head(knuckles[-1]))
    across = across - (across @ along) * along
    return quat.multiply(_turn_about(along, across, -_Y), laid)


def _turn_about(axis, a, b):
    """The rotation about `axis` that brings `a` nearest to `b`."""
    return quat.from_axis_angle(axis, np.arctan2(axis @ np.cross(a, b), a @ b - (a @ axis) * (b @ axis)))


def _align_finger(a, tpose, above, finger, side, along):
    if finger == "thumb":
        along = (along - _Y) / np.sqrt(2.0)
    for i in (1, 2, 3):
        joint = f"{finger}{i}_{side}"
        if joint in a.joints:
            above = tpose[joint] = _laid(above, a.end(joint, f"{finger}{i + 1}_{side}") - a.head(joint), along)


def _align_leg(a, tpose, side):
    thigh, shin, foot, toe = (f"{n}_{side}" for n in ("thigh", "shin", "foot", "toe"))
    upper = a.head(shin) - a.head(thigh)
    lower = a.end(shin, foot) - a.head(shin)
    tpose[thigh] = _hinged(a.body, upper, lower, -_Z, _X)
    tpose[shin] = _laid(tpose[thigh], lower, -_Z)
    if foot in a.joints:
        tpose[foot] = _foot(a, tpose[shin], foot, toe, lower)
    if toe in a.joints:
        tpose[toe] = tpose.get(foot, tpose[shin])


def _foot(a, shin, foot, toe, lower):
    direction = a.end(foot, toe) - a.head(foot)
    x, _, z = quat.rotate(a.body, lower)
    standing = -z > 0.7 * np.linalg.norm(lower)
    upright = a.body if standing else shin
    splay = np.arctan2(x, -z)
    if standing and abs(splay) > _SPLAY_RAD:
        # no stance, but a zero pose (CMU's 20 degrees): the feet lean out with the legs
        upright = quat.multiply(quat.from_axis_angle(_Y, splay), upright)
    x, y, z = quat.rotate(upright, direction)
    level = np.hypot(x, y)
    if level > 0.3 * np.linalg.norm(direction) and -y > 0.2 * level:
        return quat.multiply(_turn_about(_Z, np.array([x, y, 0.0]), -_Y), upright)
    if toe in a.joints and np.linalg.norm(direction) > 1e-6:
        # on tiptoe, or no pose at all: then its direction is the best there is
        return _laid(shin, direction, np.array([0.0, -0.91, -0.42]))
    return upright
