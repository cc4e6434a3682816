"""Where hips must be, and how legs must reach, so that the feet of one body stand as those of another."""

from __future__ import annotations

import numpy as np

from ..motion import contacts, quat
from ..motion.ik import two_bone
from ..motion.types import Skeleton
from .limbs import ankles, leg_chain, leg_length

# how fast a foot's say in the height of the hips fades with its height, in leg lengths
_STANDING = 0.04
# a foot this high above the floor is in part, or wholly, in the air, in leg lengths
_AIR = (0.05, 0.25)
# of the least squares that moves the hips: damping, ease of moving along x, y, z, longest step in leg lengths
_DAMPING, _EASE, _MOST_STEP = 0.05, np.array([0.1, 0.1, 1.0]), 0.1
_Y, _Z = np.eye(3)[1:]


class Stance:
    """What of a skeleton decides how it stands: leg length, ankle height, width of the hips, shape of the feet."""

    def __init__(self, skeleton: Skeleton):
        names, offsets = skeleton.names, np.asarray(skeleton.offsets, np.float64)
        self.offsets, self.legs = offsets, [leg_chain(names, side) for side in "lr"]
        self.reach = [np.linalg.norm(offsets[leg[1:]], axis=-1).sum() for leg in self.legs]
        self.leg = leg_length(names, offsets)
        self.hips = np.mean([offsets[leg[0]] for leg in self.legs], axis=0)
        self.width = np.ptp([offsets[leg[0]][0] for leg in self.legs]) / 2.0
        self.ankle = offsets[0, 2] + ankles(names, offsets)[:, 2].mean()
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
    source's is, scaled by the leg length, and to its own side by as much as the hips are wider.  The hips give way
    so that legs keep their stretch, and the legs reach by IK.  Feet in the air keep the directions of their legs.
    Toes bend up where they would sink.
    """
    root = np.asarray(root, np.float64)
    a, b = Stance(source), Stance(target)
    scale, grot = b.leg / max(a.leg, 1e-9), np.array(grot)
    tips = [scale * a.toe(grot, root, side)[1][:, 2] for side in (0, 1)]
    feet = [_foot_goal(a, b, scale, grot, root, side) for side in (0, 1)]
    stretch = []
    for side in (0, 1):
        hip, _, ankle = a.joints(grot, root, side)
        stretch.append(np.linalg.norm(ankle - hip, axis=-1) / a.reach[side])
    moved = _give_way(b, grot, moved, feet, stretch)
    for side, (wanted, near) in enumerate(feet):
        thigh, shin, foot = b.legs[side]
        hip, _, now = b.joints(grot, moved, side)
        goal = now + near[:, None] * (wanted - now)
        # a leg that is right stays as it is, to the last bit
        wrong = np.linalg.norm(goal - now, axis=-1) > 1e-5 * b.leg
        if wrong.any():
            grot[wrong, thigh], grot[wrong, shin] = two_bone(
                grot[wrong, thigh], grot[wrong, shin], b.offsets[shin], b.offsets[foot], hip[wrong], goal[wrong], -_Y
            )
    for side, tip in enumerate(tips):
        _bend_toe(b, grot, moved, side, tip)
    return grot, moved


def _foot_goal(a: Stance, b: Stance, scale, grot, root, side):
    """(T,3) where an ankle of `b` must be, and (T,) how near the floor its foot is, 0..1."""
    foot = b.legs[side][2]
    ankle = a.joints(grot, root, side)[2]
    height = scale * (ankle[:, 2] - a.depth(grot, side))
    left = _level_left(grot[:, foot])
    wanted = _ankle_goal(a.soles[side], b.soles[side], scale, grot[:, foot], ankle, left)
    wanted += (b.width - scale * a.width) * (1.0, -1.0)[side] * left
    wanted[:, 2] = height + b.depth(grot, side)
    air = np.clip((height / b.leg - _AIR[0]) / (_AIR[1] - _AIR[0]), 0.0, 1.0)
    return wanted, 1.0 - air * air * (3.0 - 2.0 * air)


def _give_way(b: Stance, grot, moved, feet, stretch):
    """(T,3) the pelvis moved, mostly up or down, so that each leg is stretched to its goal as `stretch` (T,) says.

    A nearly straight leg counts most: 1 % of its reach bends the knee by 16 degrees.  Damped least squares on
    both legs at once; legs in the air do not count.
    """
    stretch = np.stack(stretch, axis=-1)
    count = np.stack([near for _, near in feet], axis=-1) / (1.02 - np.minimum(stretch, 1.0) ** 2)
    slack = _DAMPING / np.maximum(count, 1e-9)
    for _ in range(3):
        away, error = [], []
        for side, (wanted, _near) in enumerate(feet):
            leg = b.joints(grot, moved, side)[0] - wanted
            length = np.linalg.norm(leg, axis=-1)
            away.append(leg / np.maximum(length, 1e-9)[:, None])
            error.append(np.minimum(stretch[:, side], 1.0) * b.reach[side] - length)
        (u, v), (e, f) = away, error
        # (U U' + slack) x = error, two by two; sideways moves cost more than up and down
        weighed_u, weighed_v = u * _EASE, v * _EASE
        uu, vv = np.sum(u * weighed_u, -1) + slack[:, 0], np.sum(v * weighed_v, -1) + slack[:, 1]
        uv = np.sum(u * weighed_v, -1)
        det = uu * vv - uv * uv
        x, y = (e * vv - f * uv) / det, (f * uu - e * uv) / det
        step = x[:, None] * weighed_u + y[:, None] * weighed_v
        size = np.linalg.norm(step, axis=-1, keepdims=True)
        moved = moved + step * np.minimum(1.0, _MOST_STEP * b.leg / np.maximum(size, 1e-9))
    return moved


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
