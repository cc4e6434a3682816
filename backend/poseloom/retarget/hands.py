"""Hands on the floor: where palms and fingertips are, and how a hand that rests lies flat."""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.contacts import runs
from ..motion.types import Skeleton
from .reach import Reach, joints
from .tracks import eased

_KNUCKLES = ("index1", "middle1", "ring1", "pinky1")
# half a hand's thickness, in leg lengths; how steeply fingers may point down, and hands tilt, where a hand rests
_THICK, _STEEPEST, _TILT = 0.015, np.sin(np.radians(20.0)), np.radians(10.0)
# a hand that points straight down bends to its back by this much before it bends to where it happens to lean
_BACK = 0.5
# hands' say in where the hips go; a goal this far off, in arm lengths, counts ever less, or no more: the arm would fold
_SAY, _FAR = 0.3, (0.5, 0.9)
_Y, _Z = np.eye(3)[1:]


def palms(skeleton: Skeleton) -> np.ndarray:
    """(2,3) the middle of each hand, from its wrist, in rest axes."""
    return np.stack([0.5 * _knuckles(skeleton, side) for side in "lr"])


def fingertips(skeleton: Skeleton) -> np.ndarray:
    """(2,3) the furthest point of each hand from its wrist, with straight fingers; the tail where there are none."""
    names, offsets, tips = skeleton.names, np.asarray(skeleton.offsets, np.float64), np.asarray(skeleton.tips, np.float64)
    out = []
    for side in "lr":
        hand = names.index(f"hand_{side}")
        places = {hand: np.zeros(3)}
        for i, parent in enumerate(skeleton.parents):  # what is above comes first
            if parent in places:
                places[i] = places[parent] + offsets[i]
        ends = np.array([place + tips[i] for i, place in places.items() if i != hand] or [tips[hand]])
        out.append(ends[np.linalg.norm(ends, axis=-1).argmax()])
    return np.stack(out)


def _knuckles(skeleton, side):
    names = skeleton.names
    found = [names.index(f"{k}_{side}") for k in _KNUCKLES if f"{k}_{side}" in names]
    places = np.asarray(skeleton.offsets, np.float64)[found]
    places = places[np.linalg.norm(places, axis=-1) > 1e-6]
    return places.mean(axis=0) if len(places) else np.asarray(skeleton.tips[names.index(f"hand_{side}")], np.float64)


def hand_goal(a, b, scale, grot, root, moved, side, rest, fps) -> Reach:
    """The Reach of an arm whose palm lies where the source's does while it rests (T,), scaled by the leg length.

    a, b: the Stance of source and target; moved (T,3) where the target's root is so far.  One touch is one place.
    Turns hand and fingers (in `grot`) that rest or sink so that they lie on the floor, bent to the back of the hand.
    """
    arm, palm, tip = b.arms[side], b.palms[side], b.fingertips[side]
    hand, thick = arm[-1], _THICK * b.leg
    wrist = scale * joints(a.offsets, grot, root, arm)[2]
    place = wrist + scale * quat.rotate(grot[:, hand], a.palms[side])
    below = scale * np.minimum(quat.rotate(grot[:, hand], a.fingertips[side])[:, 2], 0.0)
    height, move = place[:, 2].copy(), np.zeros_like(place)
    for start, end in runs(rest):
        height[start:end] = place[start:end, 2].mean()
        move[start:end, :2] = place[start:end, :2].mean(axis=0) - place[start:end, :2]
    length = np.linalg.norm(tip - palm)
    steep, share = eased(np.clip((height - thick) / max(length, 1e-9), 0.0, _STEEPEST), rest, fps)
    # what sinks in the source may sink as deep
    floor = thick - (1.0 - share) * np.maximum(thick - wrist[:, 2] - below, 0.0)
    now = joints(b.offsets, grot, moved, arm)[2]
    above = now[:, 2] - floor
    least = np.maximum(-steep - (1.0 - share), -np.maximum(above, 0.0) / max(np.linalg.norm(tip), 1e-9))
    turn = _raised(grot[:, hand], tip, least)
    if share.any():
        turn = quat.multiply(_level(quat.multiply(turn, grot[:, hand]), tip, share), turn)
    for joint in (hand, *(finger for finger in b.fingers[side] if finger < grot.shape[1])):
        grot[:, joint] = quat.multiply(turn, grot[:, joint])
    to_palm, to_tip = quat.rotate(grot[:, hand], palm), quat.rotate(grot[:, hand], tip)
    lowest = np.minimum(to_tip[:, 2], 0.0)  # of the hand, from its wrist
    move[:, 2] = np.where(rest, thick + to_palm[:, 2] - lowest - place[:, 2], 0.0)
    wanted = place + eased(move, rest, fps)[0] - to_palm
    return Reach(arm, wanted, _within_reach(b, wanted, now, arm, rest, fps), _Y, _SAY, least=floor - lowest)


def _within_reach(b, wanted, now, arm, rest, fps):
    """(T,) how much the goals `wanted` (T,3) of a hand at `now` (T,3) count: 1 in a touch (T,), eased around it.

    Less in a touch for which the arm would have to fold or swing far: bodies are built too differently.
    """
    miss = quat.length(wanted - now) / max(np.linalg.norm(b.offsets[list(arm[-2:])], axis=-1).sum(), 1e-9)
    share = np.zeros_like(miss)
    for start, end in runs(rest):
        far = np.clip((miss[start:end].mean() - _FAR[0]) / (_FAR[1] - _FAR[0]), 0.0, 1.0)
        share[start:end] = 1.0 - far * far * (3.0 - 2.0 * far)
    return eased(share, rest, fps)[0]


def _level(hand, tip, share):
    """(T,4) turns of a hand (T,4) about its length that lay it on its palm, not on an edge, by `share` (T,)."""
    ahead, side = quat.rotate(hand, tip / max(np.linalg.norm(tip), 1e-9)), quat.rotate(hand, _Y)
    up = np.cross(ahead, side)[:, 2]
    angle = np.arctan2(side[:, 2], np.abs(up))
    return quat.from_axis_angle(ahead, -share * np.sign(up) * (angle - np.clip(angle, -_TILT, _TILT)))


def _raised(hand, tip, least):
    """(T,4) turns of a hand (T,4) that bring its tip (3,) up to the slope `least` (T,), a sine, where it is below."""
    length = max(np.linalg.norm(tip), 1e-9)
    ahead = quat.rotate(hand, tip / length)
    back = _Z + _BACK * quat.rotate(hand, _Z)
    across = back - quat.dot(back, ahead)[:, None] * ahead
    across /= np.maximum(quat.length(across)[:, None], 1e-9)
    # the tip's height as it turns: ahead cos + across sin
    most = np.maximum(np.hypot(ahead[:, 2], across[:, 2]), 1e-9)
    rise, now = np.arcsin(np.clip(least / most, -1.0, 1.0)), np.arctan2(ahead[:, 2], np.abs(across[:, 2]))
    angle = np.where(ahead[:, 2] < least - 1e-5, np.where(across[:, 2] < 0.0, now - rise, rise - now), 0.0)
    return quat.from_axis_angle(np.cross(ahead, across), angle)
