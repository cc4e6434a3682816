"""A rig's proportions as a canonical skeleton."""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.skeleton import FINGERS, JOINTS, REST_HEIGHT_M, parent_of, standard
from ..motion.types import Rig, Skeleton
from .align import SPINE, Alignment, align
from .soles import front

# an armature's own origin is the floor if the lowest point of its legs is this near, in leg lengths
_FLOOR_BELOW, _FLOOR_ABOVE = 0.15, 0.05
_Z = np.array([0.0, 0.0, 1.0])


def skeleton_of(rig: Rig) -> Skeleton:
    """The canonical skeleton with the rig's own proportions, metres; 52 joints where the rig has fingers, else 22.

    A joint that the rig lacks lies on a neighbour that it has, so that its bones' heads and `motion_fk` agree.
    """
    return proportions(align(rig))


def proportions(a: Alignment) -> Skeleton:
    """The Skeleton of an aligned rig."""
    names = JOINTS + (FINGERS if any(f in a.joints for f in FINGERS) else ())
    parents = [names.index(parent_of(name)) if parent_of(name) else -1 for name in names]
    places = [a.head("pelvis")]
    for name, parent in zip(names[1:], parents[1:]):
        places.append(a.head(lies_on(a, name)) if lies_on(a, name) else places[parent])
    offsets, tips = np.zeros((len(names), 3)), np.zeros((len(names), 3))
    for i in range(1, len(names)):
        offsets[i] = quat.rotate(a.tpose[a.above(names[i])], places[i] - places[parents[i]])
    usual = standard(REST_HEIGHT_M * leg_length(names, offsets) / leg_length(names, standard().offsets))
    for i, joint in enumerate(names):
        if joint.startswith("toe") and joint not in a.joints:
            offsets[i] = _ball(a, joint[-1], usual.offsets[i])
        if i in parents:
            tips[i] = offsets[parents.index(i)]
        elif joint in a.joints:
            tips[i] = quat.rotate(a.tpose[joint], a.tails[a.joints[joint][-1]] - a.head(joint))
        elif i < len(usual):
            tips[i] = usual.tips[i]
    offsets[0] = (0.0, 0.0, _ankle_above_floor(a, leg_length(names, offsets)) - ankles(names, offsets)[:, 2].mean())
    return Skeleton(names, parents, offsets, tips)


def _ball(a: Alignment, side, usual):
    """(3,) the ball of a foot without toes, from its ankle: its mesh's front, or the foot bone's tail, else `usual`."""
    foot = f"foot_{side}"
    if foot not in a.joints:
        return usual
    if foot in a.soles:
        return front(a, foot)
    tail = quat.rotate(a.tpose[foot], a.tails[a.joints[foot][-1]] - a.head(foot))
    ahead = np.hypot(tail[0], tail[1])
    possible = tail[1] < -0.8 * ahead and tail[2] < 0.0 and 0.6 < ahead / np.hypot(usual[0], usual[1]) < 2.5
    return tail if possible else usual


def lies_on(a: Alignment, joint: str) -> str:
    """The joint of the rig at whose place `joint` lies: itself, or the next up the spine; "" where there is none."""
    for line in (SPINE, ("neck", "head")):
        if joint in line:
            return next((name for name in line[line.index(joint) :] if name in a.joints), "")
    return joint if joint in a.joints else ""


def leg_chain(names, side) -> list:
    """Numbers of thigh, shin and foot of side "l" or "r"."""
    return [names.index(f"{n}_{side}") for n in ("thigh", "shin", "foot")]


def leg_length(names, offsets) -> float:
    """Mean length of thigh and shin."""
    return sum(np.linalg.norm(offsets[leg_chain(names, side)[1:]], axis=-1).sum() for side in "lr") / 2.0


def ankles(names, offsets):
    """(2,3) ankles from the pelvis in the T-pose."""
    return np.array([np.asarray(offsets)[leg_chain(names, side)].sum(axis=0) for side in "lr"])


def _ankle_above_floor(a: Alignment, leg: float) -> float:
    up = quat.rotate(quat.inverse(a.body), _Z)
    ends, points = [], []
    for side in "lr":
        ends.append(a.end(f"shin_{side}", f"foot_{side}") @ up)
        for joint in ("foot", "toe"):
            if f"{joint}_{side}" in a.joints:
                points += [a.head(f"{joint}_{side}") @ up, a.tails[a.joints[f"{joint}_{side}"][-1]] @ up]
    if a.soles:
        return float(np.mean(ends) - min((sole @ up).min() for sole in a.soles.values()))
    lowest = min(points, default=min(ends))
    floor = 0.0 if -_FLOOR_ABOVE * leg <= lowest <= _FLOOR_BELOW * leg else lowest
    return float(np.mean(ends) - floor)
