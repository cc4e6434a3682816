"""Where feet go that are near the floor: to the source's places, flat where they rest, their toes above the floor."""

from __future__ import annotations

import numpy as np

from ..motion import quat
from .reach import Reach
from .tracks import held, levelled, upright

# a foot this high above the floor is in part, or wholly, in the air, in leg lengths: where nothing says when it rests,
# and where contacts do
_AIR, _AIR_BETWEEN_RESTS = (0.05, 0.25), (0.0, 0.06)
# a foot whose ball is up to so many times as far from its ankle as the source's tips as far; one further off less, down
# to this share, as long as it is lower than so many leg lengths; and while that is so by this share it leans to no side
_LIKE, _LEAST_TIP, _HIGH, _LOW = 2.0, 0.25, 0.6, 0.8
_Y, _Z = np.eye(3)[1:]


def foot_goal(a, b, scale, grot, root, side, rest, fps):
    """The Reach of a leg: where its ankle must be, and how near the floor its foot is.

    a, b: the Stance of source and target.  A foot that rests, rest (T,2) of heel and ball or None where nothing is
    known of that, lies flat with its toes (turned in place), stays, and passes above the floor.
    """
    foot, known, bounds = b.legs[side][2], rest is not None, _AIR if rest is None else _AIR_BETWEEN_RESTS
    ankle, was = a.joints(grot, root, side)[2], grot[:, foot].copy()
    height = scale * (ankle[:, 2] - a.depth(was, side))
    # feet alike have their ankles where the source's are, though they are laid flat; others where their own soles say
    far = scale * np.linalg.norm(a.soles[side][1]) / max(np.linalg.norm(b.soles[side][1]), 1e-9)
    tips = float(np.clip(_LIKE * far, _LEAST_TIP, 1.0))
    if known:
        low = np.where(rest.any(axis=-1), 1.0, _fade(height / (_HIGH * b.leg)) if tips < 1.0 else 0.0)
        _lay(b, grot, side, rest, 1.0 - low * (1.0 - tips), low > _LOW, fps)
    own = was if tips == 1.0 else grot[:, foot]
    wanted = _ankle_goal(a.soles[side], b.soles[side], scale, was, own, ankle)
    wanted += (b.width - scale * a.width) * (1.0, -1.0)[side] * _level_left(grot[:, 0])
    wanted[:, 2] = height + b.depth(own, side)
    near = _fade((height / b.leg - bounds[0]) / (bounds[1] - bounds[0]))
    if not known:
        return Reach(b.legs[side], wanted, near, -_Y)
    wanted, share = held(wanted, grot[:, foot], b.soles[side], rest, fps, b.leg)
    return Reach(b.legs[side], wanted, np.maximum(near, share), -_Y, least=b.depth(grot[:, foot], side))


def _lay(b, grot, side, rest, tips, level, fps):
    """Turn a foot that rests and its toes (in place) to lie flat; else it tips by the share `tips` (T,) alone.

    Where `level` (T,) it leans to no side, if its mesh is known.
    """
    foot, flat = b.legs[side][2], levelled(grot[:, b.legs[side][2]], b.soles[side], rest, fps)
    for joint in (foot, b.toes[side]):
        grot[:, joint] = quat.multiply(flat, grot[:, joint])
    if (tips < 1.0).any():
        ahead = quat.rotate(grot[:, foot], b.soles[side][1] - b.soles[side][0])
        slope = np.arcsin(np.clip(ahead[:, 2] / np.maximum(quat.length(ahead), 1e-9), -1.0, 1.0))
        less = quat.from_axis_angle(np.cross(ahead, _Z) + 1e-12, (tips - 1.0) * slope)
        grot[:, foot] = quat.multiply(less, grot[:, foot])
    for joint in (foot, b.toes[side]) if b.wide else ():
        grot[:, joint] = quat.multiply(upright(grot[:, joint], level, fps), grot[:, joint])


def bend_toe(b, grot, root, side, tip_was):
    """Turn toes (in place) that would sink below the floor by more than they did."""
    toe, points = b.toes[side], b.under_toes[side]
    ball = b.toe(grot, root, side)[0]
    at_rest = b.offsets[0, 2] + b.offsets[b.legs[side] + [toe], 2].sum()
    floor = at_rest + points[:, 2].min() + np.minimum(tip_was - at_rest - b.tips[side][2], 0.0) - ball[:, 2]
    ahead = quat.rotate(grot[:, toe], -_Y if b.wide else b.tips[side] / max(np.linalg.norm(b.tips[side]), 1e-9))
    # toes that point straight down have no heading: they bend about their own left
    axis = quat.cross(ahead, np.broadcast_to(_Z, ahead.shape)) - ahead[:, 2:] ** 2 * _level_left(grot[:, toe])
    axis /= np.maximum(quat.length(axis)[:, None], 1e-9)
    way = quat.rotate(grot[:, toe, None], points)
    ahead = np.sum(way * np.cross(_Z, axis)[:, None], axis=-1)
    length = np.hypot(ahead, way[..., 2])
    rise = np.arcsin(np.clip(floor[:, None] / np.maximum(length, 1e-9), -1.0, 1.0)) - np.arctan2(way[..., 2], ahead)
    # what lies below the joint hardly rises with the toes
    sinks = (points[:, 1] < -np.abs(points[:, 2])) & (way[..., 2] < floor[:, None] - 1e-5 * b.leg)
    rise = np.where(sinks, rise, 0.0).max(axis=-1)
    low = rise > 0.0
    grot[low, toe] = quat.multiply(quat.from_axis_angle(axis[low], rise[low]), grot[low, toe])


def _ankle_goal(source, target, scale, was, foot, ankle):
    """(T,3) where an ankle must be (height aside) for the heel or ball on the floor to roll and not to slide.

    source, target (2,3) heel and ball from the ankle; was, foot (T,4) how the feet of either are turned; a longer one
    reaches further, both ways, when flat.
    """
    ahead = np.cross(_level_left(was), _Z)
    points = ankle[:, None] + quat.rotate(was[:, None], source)
    longer = (target - scale * source) @ -_Y
    wanted = scale * points + ahead[:, None] * longer[:, None]
    height = scale * points[..., 2]
    weight = np.exp((height.min(axis=-1, keepdims=True) - height) / (0.25 * np.ptp(target[:, 1])))
    weight /= weight.sum(axis=-1, keepdims=True)
    return np.sum(weight[..., None] * (wanted - quat.rotate(foot[:, None], target)), axis=1)


def _fade(x):
    x = np.clip(x, 0.0, 1.0)
    return 1.0 - x * x * (3.0 - 2.0 * x)


def _level_left(grot):
    """(T,3) a foot's own left, laid level."""
    left = quat.rotate(grot, np.array([1.0, 0.0, 0.0])) * [1.0, 1.0, 0.0]
    return left / np.maximum(quat.length(left)[:, None], 1e-9)
