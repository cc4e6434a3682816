"""Bones that share the twist of a limb: those that cut it in two, and those named so beside it.

An upper arm or thigh turns about its own length more and more from shoulder to elbow; a forearm or shin takes
part of the turn of hand or foot.  Directions of limbs do not change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..motion import quat
from ..motion.types import Rig
from .align import Alignment

_UPPER, _LOWER = {"upper_arm": "forearm", "thigh": "shin"}, {"forearm": "hand", "shin": "foot"}
_NAMED = re.compile("twist|roll", re.IGNORECASE)
# how far from the limb's line such a bone may begin, and the ends at which there is nothing to share, in limb lengths
_ASIDE, _ENDS = 0.1, 0.05
_MOST_RAD = np.radians(150.0)


@dataclass(frozen=True, eq=False)
class Twist:
    """axis (3,) of the limb at rest, armature space; shares {bone: (axis (3,), 0..1 of the turn)}, each about the line
    to the next bone, so that this stays where it is; last, the bone that carries what follows the limb, or -1: it
    has all of an upper limb's turn."""

    axis: np.ndarray
    shares: dict
    last: int


def twists(rig: Rig, a: Alignment) -> dict:
    """{joint: Twist} of the limbs that have such bones."""
    taken = {bone for bones in a.joints.values() for bone in bones}
    # mechanism and controls of a rig are not ours to turn
    taken |= set(np.flatnonzero(~rig.deform | rig.locked[:, 3:7].all(axis=1)).tolist())
    found = {}
    for side in "lr":
        for limb, following in {**_UPPER, **_LOWER}.items():
            joint, end = f"{limb}_{side}", f"{following}_{side}"
            if joint in a.joints and end in a.joints:
                twist = _twist(rig, a, joint, end, taken)
                if twist:
                    found[joint] = twist
    return found


def _twist(rig, a, joint, end, taken):
    bone, start = a.joints[joint][0], a.head(joint)
    along = a.head(end) - start
    length = np.linalg.norm(along)
    if length < 1e-6:
        return None
    axis = along / length

    def place(other):
        """How far down the limb, 0..1, or None if aside of it."""
        way = a.heads[other] - start
        far = way @ axis / length
        return far if np.linalg.norm(way - far * along) < _ASIDE * length else None

    inline, beside = _between(rig, a.joints[end][0], bone), {}
    inline = [b for b in inline if b not in taken and (far := place(b)) is not None and _ENDS < far < 1.0 - _ENDS]
    for other in [b for b in range(bone + 1, len(rig)) if b not in taken and b not in inline]:
        if int(rig.parents[other]) in (bone, *inline, *beside) and _NAMED.search(rig.bones[other]):
            far = place(other)
            if far is not None and -_ENDS < far < 1.0 + _ENDS:
                # where a tail was made up by an importer, the middle is the best guess
                beside[other] = float(np.clip(far, 0.0, 1.0)) if far > _ENDS else 0.5
    if not inline and not beside:
        return None
    count = len(inline) + 1
    upper = joint[:-2] in _UPPER
    shares = {other: (axis, part) for other, part in beside.items()}
    chain = [bone, *inline]
    for k, (one, end_at) in enumerate(zip(chain, [*a.heads[inline], a.head(end)])):
        part = (k + 1.0 if upper else k) / count
        if inline and 0.0 < part < 1.0:
            own = end_at - a.heads[one]
            shares[one] = (own / np.linalg.norm(own), part)
    return Twist(axis, shares, inline[-1] if inline else -1)


def _between(rig, low, high) -> list:
    """The bones between two of a chain, from the top; empty where `low` does not hang from `high`."""
    line, bone = [], int(rig.parents[low])
    while bone >= 0 and bone != high:
        line.append(bone)
        bone = int(rig.parents[bone])
    return line[::-1] if bone == high else []


def share(a: Alignment, found: dict, wanted: dict) -> None:
    """Add to `wanted` {bone: (T,4) turn since rest, armature axes} the bones of `twists`, and change the limbs'."""
    for joint, twist in found.items():
        bone, side = a.joints[joint][0], joint[-2:]
        whole = wanted[bone]
        if joint[:-2] in _UPPER:
            above = wanted[a.joints[a.above(joint)][-1]]
            angle = _angle(quat.multiply(quat.inverse(above), whole), twist.axis)
            # from the whole turn back
            back = 1.0
        else:
            follower = wanted[a.joints[_LOWER[joint[:-2]] + side][0]]
            angle, back = _angle(quat.multiply(quat.inverse(whole), follower), twist.axis), 0.0
        for other, (axis, part) in twist.shares.items():
            wanted[other] = quat.multiply(whole, quat.from_axis_angle(axis, (part - back) * angle))
        if back and twist.last >= 0:
            wanted[twist.last] = whole


def _angle(q, axis):
    """(T,) the twist of q (T,4) about `axis`; towards half a turn, which has no side, it fades."""
    _, twist = quat.swing_twist(q, axis)
    angle = 2.0 * np.arctan2(twist[..., 1:] @ axis, twist[..., 0])
    angle = (angle + np.pi) % (2.0 * np.pi) - np.pi
    return angle * np.clip((np.pi - np.abs(angle)) / (np.pi - _MOST_RAD), 0.0, 1.0)


def carrier(found: dict, joint: str, bone: int) -> int:
    """The bone that has all of the joint's turn: `bone`, or an upper limb's last twist bone."""
    twist = found.get(joint)
    return twist.last if twist and twist.last >= 0 and joint[:-2] in _UPPER else bone
