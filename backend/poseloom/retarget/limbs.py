"""A rig's proportions as a canonical skeleton, and where hips must be so that the feet stand as they stood."""

from __future__ import annotations

import numpy as np

from ..motion import contacts, quat
from ..motion.ik import two_bone
from ..motion.skeleton import FINGERS, JOINTS, REST_HEIGHT_M, parent_of, standard
from ..motion.types import Rig, Skeleton
from .align import SPINE, Alignment, align

# an armature's own origin is the floor if the lowest point of its legs is this near, in leg lengths
_FLOOR_BELOW, _FLOOR_ABOVE = 0.15, 0.05
# how fast a foot's say in the height of the hips fades with its height, in leg lengths
_STANDING = 0.04
# a foot this high above the floor is in part, or wholly, in the air, in leg lengths
_AIR = (0.05, 0.25)
# the hips come down at most this much for a foot out of reach, in leg lengths
_MOST_DROP = 0.15
_Y, _Z = np.eye(3)[1:]


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
    usual = standard(REST_HEIGHT_M * _leg(names, offsets) / _leg(names, standard().offsets))
    for i, joint in enumerate(names):
        if joint.startswith("toe") and joint not in a.joints:
            offsets[i] = usual.offsets[i]
        if i in parents:
            tips[i] = offsets[parents.index(i)]
        elif joint in a.joints:
            tips[i] = quat.rotate(a.tpose[joint], a.tails[a.joints[joint][-1]] - a.head(joint))
        elif i < len(usual):
            tips[i] = usual.tips[i]
    offsets[0] = (0.0, 0.0, _ankle_above_floor(a, _leg(names, offsets)) - _feet(names, offsets)[:, 2].mean())
    return Skeleton(names, parents, offsets, tips)


def lies_on(a: Alignment, joint: str) -> str:
    """The joint of the rig at whose place `joint` lies: itself, or the next up the spine; "" where there is none."""
    for line in (SPINE, ("neck", "head")):
        if joint in line:
            return next((name for name in line[line.index(joint) :] if name in a.joints), "")
    return joint if joint in a.joints else ""


def _chain(names, side):
    return [names.index(f"{n}_{side}") for n in ("thigh", "shin", "foot")]


def _leg(names, offsets) -> float:
    """Mean length of thigh and shin."""
    return sum(np.linalg.norm(offsets[_chain(names, side)[1:]], axis=-1).sum() for side in "lr") / 2.0


def _feet(names, offsets):
    """(2,3) ankles from the pelvis in the T-pose."""
    return np.array([np.asarray(offsets)[_chain(names, side)].sum(axis=0) for side in "lr"])


def _ankle_above_floor(a: Alignment, leg: float) -> float:
    up = quat.rotate(quat.inverse(a.body), _Z)
    ends, points = [], []
    for side in "lr":
        ends.append(a.end(f"shin_{side}", f"foot_{side}") @ up)
        for joint in ("foot", "toe"):
            if f"{joint}_{side}" in a.joints:
                points += [a.head(f"{joint}_{side}") @ up, a.tails[a.joints[f"{joint}_{side}"][-1]] @ up]
    lowest = min(points, default=min(ends))
    floor = 0.0 if -_FLOOR_ABOVE * leg <= lowest <= _FLOOR_BELOW * leg else lowest
    return float(np.mean(ends) - floor)


class Stance:
    """What of a skeleton decides how it stands: leg length, ankle height, width of the hips, shape of the feet."""

    def __init__(self, skeleton: Skeleton):
        names, offsets = skeleton.names, np.asarray(skeleton.offsets, np.float64)
        self.offsets, self.legs = offsets, [_chain(names, side) for side in "lr"]
        self.leg = _leg(names, offsets)
        self.hips = np.mean([offsets[leg[0]] for leg in self.legs], axis=0)
        self.width = np.ptp([offsets[leg[0]][0] for leg in self.legs]) / 2.0
        self.ankle = offsets[0, 2] + _feet(names, offsets)[:, 2].mean()
        points, toes = contacts.sole(skeleton), [offsets[names.index(f"toe_{side}")] for side in "lr"]
        self.toes = [names.index(f"toe_{side}") for side in "lr"]
        self.tips = np.asarray(skeleton.tips, np.float64)[self.toes]
        # heel and ball of each foot, from its ankle
        self.soles = [np.stack([points[k], toes[k] + points[2 + k]]) for k in (0, 1)]

    def joints(self, grot, root, side: int):
        """Hip, knee and ankle (T,3) of the left (0) or right (1) leg."""
        thigh, shin, foot = self.legs[side]
        hip = root + quat.rotate(grot[:, 0], self.offsets[thigh])
        knee = hip + quat.rotate(grot[:, thigh], self.offsets[shin])
        return hip, knee, knee + quat.rotate(grot[:, shin], self.offsets[foot])

    def toe(self, grot, root, side: int):
        """The toe joint (T,3) and its tip (T,3)."""
        toe = self.toes[side]
        ball = self.joints(grot, root, side)[2] + quat.rotate(grot[:, self.legs[side][2]], self.offsets[toe])
        return ball, ball + quat.rotate(grot[:, toe], self.tips[side])

    def depth(self, grot, side: int):
        """(T,) how far the lowest point of a foot lies below its ankle."""
        foot = grot[:, self.legs[side][2], None]
        return -quat.rotate(foot, self.soles[side])[..., 2].min(axis=-1)


def travel(grot, root, source: Skeleton, target: Skeleton) -> np.ndarray:
    """The pelvis' place (T,3) on `target` that does what `root` (T,3) does on `source`.

    grot (T,J,4) global rotations, body joints first.  The middle of the hips is scaled by the leg length about
    the ankles, then shifted so that the lower foot is as high above the floor as it was, likewise scaled.  The
    same skeleton gives `root` back.
    """
    root = np.asarray(root, np.float64)
    a, b = Stance(source), Stance(target)
    scale = b.leg / max(a.leg, 1e-9)
    hips = root + quat.rotate(grot[:, 0], a.hips)
    moved = scale * (hips - a.ankle * _Z) + b.ankle * _Z - quat.rotate(grot[:, 0], b.hips)
    height = [s.joints(grot, r, k)[2][:, 2] - s.depth(grot, k) for s, r in ((a, root), (b, moved)) for k in (0, 1)]
    wanted, got = scale * np.stack(height[:2], axis=-1), np.stack(height[2:], axis=-1)
    weight = np.exp((wanted.min(axis=-1, keepdims=True) - wanted) / (_STANDING * b.leg))
    return moved + (np.sum(weight * (wanted - got), axis=-1) / weight.sum(axis=-1))[:, None] * _Z


def plant(grot, root, moved, source: Skeleton, target: Skeleton):
    """(grot, root) on `target` whose feet near the floor stand as on `source`: they neither slide, sink nor float.

    `root` is the pelvis on `source`, `moved` what `travel` made of it.  A foot near the floor goes where the
    source's is, scaled by the leg length, and to its own side by as much as the hips are wider; its leg reaches by
    IK and the hips come down where it cannot.  Feet in the air keep the directions of their legs.  Toes bend up
    where they would sink.
    """
    root = np.asarray(root, np.float64)
    a, b = Stance(source), Stance(target)
    scale, grot, drop, goals = b.leg / max(a.leg, 1e-9), np.array(grot), np.zeros(len(grot)), []
    tips = [scale * a.toe(grot, root, side)[1][:, 2] for side in (0, 1)]
    for side, sign in ((0, 1.0), (1, -1.0)):
        thigh, shin, foot = b.legs[side]
        ankle = a.joints(grot, root, side)[2]
        height = scale * (ankle[:, 2] - a.depth(grot, side))
        left = _level_left(grot[:, foot])
        wanted = _ankle_goal(a.soles[side], b.soles[side], scale, grot[:, foot], ankle, left)
        wanted += (b.width - scale * a.width) * sign * left
        wanted[:, 2] = height + b.depth(grot, side)
        near = np.clip((height / b.leg - _AIR[0]) / (_AIR[1] - _AIR[0]), 0.0, 1.0)
        near = 1.0 - near * near * (3.0 - 2.0 * near)
        hip, _, now = b.joints(grot, moved, side)
        goal = now + near[:, None] * (wanted - now)
        reach = np.linalg.norm(b.offsets[shin]) + np.linalg.norm(b.offsets[foot])
        flat = np.sum((hip - goal)[:, :2] ** 2, axis=-1)
        excess = (hip - goal)[:, 2] - np.sqrt(np.maximum(reach**2 - flat, 0.0))
        drop = np.maximum(drop, near * np.clip(excess, 0.0, _MOST_DROP * b.leg))
        goals.append(goal)
    moved = moved - drop[:, None] * _Z
    for side, goal in enumerate(goals):
        thigh, shin, foot = b.legs[side]
        hip, _, now = b.joints(grot, moved, side)
        # a leg that is right stays as it is, to the last bit
        wrong = np.linalg.norm(goal - now, axis=-1) > 1e-5 * b.leg
        if wrong.any():
            grot[wrong, thigh], grot[wrong, shin] = two_bone(
                grot[wrong, thigh], grot[wrong, shin], b.offsets[shin], b.offsets[foot], hip[wrong], goal[wrong], -_Y
            )
    for side, tip in enumerate(tips):
        _bend_toe(b, grot, moved, side, tip)
    return grot, moved


def _bend_toe(b: Stance, grot, root, side, tip_was):
    """Turn toes (in place) that would sink below the floor by more than they did."""
    toe = b.toes[side]
    ball, tip = b.toe(grot, root, side)
    floor = np.minimum(b.offsets[0, 2] + b.offsets[b.legs[side] + [toe], 2].sum() + b.tips[side][2], tip_was)
    low = tip[:, 2] < floor - 1e-5 * b.leg
    length = np.linalg.norm((tip - ball)[low], axis=-1)
    if not low.any() or not length.min() > 0.0:
        return
    slope = np.arcsin(np.clip((tip - ball)[low, 2] / length, -1.0, 1.0))
    rise = np.arcsin(np.clip((floor - ball[:, 2])[low] / length, -1.0, 1.0)) - slope
    axis = np.cross(tip[low] - ball[low], _Z)
    grot[low, toe] = quat.multiply(quat.from_axis_angle(axis, rise), grot[low, toe])


def _ankle_goal(source, target, scale, grot, ankle, left):
    """(T,3) where an ankle must be (height aside) for the heel or ball on the floor to roll and not to slide.

    source, target (2,3) heel and ball from the ankle; a longer foot reaches further, both ways, when flat.
    """
    ahead = np.cross(left, _Z)
    points = ankle[:, None] + quat.rotate(grot[:, None], source)
    longer = (target - scale * source) @ -_Y
    wanted = scale * points + ahead[:, None] * longer[:, None]
    height = scale * points[..., 2]
    weight = np.exp((height.min(axis=-1, keepdims=True) - height) / (0.25 * np.ptp(target[:, 1])))
    weight /= weight.sum(axis=-1, keepdims=True)
    return np.sum(weight[..., None] * (wanted - quat.rotate(grot[:, None], target)), axis=1)


def _level_left(grot):
    """(T,3) a foot's own left, laid level."""
    left = quat.rotate(grot, np.array([1.0, 0.0, 0.0])) * [1.0, 1.0, 0.0]
    return left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-9)
