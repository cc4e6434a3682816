"""Where hips must be, and how legs must reach, so that the feet of one body stand as those of another."""

from __future__ import annotations

import numpy as np

from ..motion import contacts, quat
from ..motion.ik import two_bone
from ..motion.types import Motion, Skeleton
from .limbs import ankles, leg_chain, leg_length
from .tracks import held, levelled, smoothed

# how fast a foot's say in the height of the hips fades with its height, in leg lengths
_STANDING = 0.04
# a foot this high above the floor is in part, or wholly, in the air, in leg lengths
_AIR = (0.05, 0.25)
# of the least squares that moves the hips: damping, longest step in leg lengths, softness of straight legs
_DAMPING, _MOST_STEP, _STRAIGHT, _ROUNDS = 0.05, 0.1, 1.02, 3
# how fast hips follow the feet, level and up and down
_LEVEL_HZ, _UPRIGHT_HZ = 2.0, 4.0
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


def plant(motion: Motion, grot, moved, target: Skeleton):
    """(grot, root) on `target` whose feet near the floor stand as in `motion`: they neither slide, sink nor float.

    grot (T,J,4) the motion's global rotations; `moved` what `travel` made of its root.  First the feet get their
    tracks: near the floor a foot goes where the source's is, scaled by the leg length, and to its own side by as
    much as the hips are wider; while it rests (`motion.contact`) it stays in one place.  Then the hips give way so
    that legs keep their direction and stretch, and the legs reach by IK.  Feet in the air keep the directions of
    their legs.  Toes bend up where they would sink.
    """
    root, contact = np.asarray(motion.root, np.float64), motion.contact > 0.5
    a, b = Stance(motion.skeleton), Stance(target)
    scale, grot = b.leg / max(a.leg, 1e-9), np.array(grot)
    tips = [scale * a.toe(grot, root, side)[1][:, 2] for side in (0, 1)]
    feet = [_foot_goal(a, b, scale, grot, root, side) for side in (0, 1)]
    if contact[:, :4].any():
        for side, (wanted, near) in enumerate(feet):
            feet[side] = _rested(b, grot, side, wanted, near, contact[:, [side, 2 + side]], motion.fps)
        tips = [np.full_like(tip, np.inf) for tip in tips]
    moved = _give_way(b, grot, moved, feet, motion.fps if contact.any() else None)
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


def _rested(b: Stance, grot, side, wanted, near, rest, fps):
    """`_foot_goal`'s answer for a foot that rests; turns the foot and its toes (in place) to lie flat."""
    if not rest.any():
        return wanted, near
    foot, toe = b.legs[side][2], b.toes[side]
    turn = levelled(grot[:, foot], b.soles[side], rest, fps)
    for joint in (foot, toe):
        grot[:, joint] = quat.multiply(turn, grot[:, joint])
    wanted, share = held(wanted, grot[:, foot], b.soles[side], rest, fps, b.leg)
    return wanted, np.maximum(near, share)


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


def _give_way(b: Stance, grot, moved, feet, fps):
    """(T,3) the pelvis moved so that legs that reach their goals turn and bend as little as can be.

    Damped least squares over both legs, by Gauss and Newton.  A change of a nearly straight leg's length counts
    most: 1 % of its reach bends the knee by 16 degrees.  Legs in the air do not count.  With `fps` the hips follow
    smoothly, and then only rise or sink.
    """
    aims = [ankle - hip for hip, _, ankle in (b.joints(grot, moved, side) for side in (0, 1))]
    way = np.zeros_like(moved)
    for _ in range(_ROUNDS):
        way += _step(b, grot, moved, way, feet, aims)
    if fps is not None:
        count = np.clip(sum(near for _, near in feet), 0.02, 1.0)
        way = smoothed(way, count, (_LEVEL_HZ, _LEVEL_HZ, _UPRIGHT_HZ), fps)
        for _ in range(_ROUNDS):
            way[:, 2] += _step(b, grot, moved, way, feet, aims, _Z)[:, 2]
    return moved + way


def _step(b: Stance, grot, root, way, feet, aims, axis=None):
    """(T,3) the next step of `_give_way` from root + way (T,3), freely or along `axis` (3,)."""
    square = np.empty((len(root), 3, 3))
    square[:], right = _DAMPING * np.eye(3), -_DAMPING * way
    for side, (wanted, near) in enumerate(feet):
        leg = wanted - b.joints(grot, root + way, side)[0]
        far, reach = np.linalg.norm(leg, axis=-1), np.linalg.norm(aims[side], axis=-1)
        along = leg / np.maximum(far, 1e-9)[:, None]
        miss = leg - aims[side]
        across = miss - np.sum(miss * along, -1)[:, None] * along
        stiff = near / (_STRAIGHT - np.minimum(reach / b.reach[side], 1.0) ** 2)
        right += near[:, None] * across + (stiff * (far - reach))[:, None] * along
        square += near[:, None, None] * np.eye(3) + (stiff - near)[:, None, None] * along[:, :, None] * along[:, None]
    if axis is None:
        step = np.linalg.solve(square, right[..., None])[..., 0]
    else:
        step = ((right @ axis) / (square @ axis @ axis))[:, None] * axis
    size = np.linalg.norm(step, axis=-1, keepdims=True)
    return step * np.minimum(1.0, _MOST_STEP * b.leg / np.maximum(size, 1e-9))


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
