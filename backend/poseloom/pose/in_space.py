"""Keypoints of any layout, with or without depth, as the solver takes them: BlazePose's points in space, by the lifter."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..errors import Unavailable
from ..motion import quat
from ..motion.conversion import converted, lacking
from ..motion.layouts import BLAZEPOSE
from ..motion.skeleton import JOINTS
from ..motion.types import Keypoints
from . import landmarks
from .lift import HEIGHT_M, Lifted

_SIZE = HEIGHT_M / 1.75
# points of a rigid part from its joint, on the left of a body of 1.75 m in the T-pose, metres
_FACE = {
    "nose": (0.0, -0.12, 0.05), "eye_l": (0.03, -0.10, 0.11), "eye_inner_l": (0.02, -0.10, 0.11),
    "eye_outer_l": (0.04, -0.10, 0.11), "ear_l": (0.075, 0.0, 0.08), "mouth_l": (0.02, -0.10, 0.03),
}  # fmt: skip
_HAND = {"wrist_l": (0.0, 0.0, 0.0), "index_l": (0.085, -0.03, 0.0), "pinky_l": (0.08, 0.03, 0.0), "thumb_l": (0.04, -0.05, 0.0)}
_FOOT = {"ankle_l": (0.0, 0.0, 0.0), "heel_l": (0.0, 0.05, -0.035), "toe_l": (0.0, -0.19, -0.07)}
_BALL = np.array([0.0, -0.13, -0.06]) / np.hypot(0.13, 0.06)  # from the ankle
_AT_JOINT = {"shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand", "hip": "thigh", "knee": "shin", "ankle": "foot"}
_GUESSED = 0.3  # how much a point that no estimator saw counts beside the joint that carries it
_ACROSS = np.array([-1.0, 1.0, 1.0])
_ROUNDS = 8


def for_solver(keypoints: Keypoints, lifted: Optional[Lifted]) -> Keypoints:
    """The keypoints as the solver takes them; Unavailable where that needs what the lifter says, and it said nothing."""
    if keypoints.xyz is not None and not lacking(keypoints.layout, "blazepose"):
        return converted(keypoints, "blazepose")
    if lifted is None:
        raise Unavailable(
            "no_depth", f"These {keypoints.xy.shape[1]} points become a motion by our lifter, which is missing.",
            "Install onnxruntime (the extra learn), or estimate by mediapipe.",
        )  # fmt: skip
    return in_space(keypoints, lifted)


def in_space(keypoints: Keypoints, lifted: Lifted) -> Keypoints:
    """BlazePose's 33 points with depth: joints where the lifter says, head and hands turned so that their points meet
    the picture, feet along the lifter's.  What was seen keeps its pixels; the rest is put where it must be."""
    seen = converted(keypoints, "blazepose")
    joint = {name: np.array(lifted.xyz[:, j], np.float64) for j, name in enumerate(JOINTS)}
    xy, score = np.array(seen.xy, np.float64), np.array(seen.score, np.float64)
    score[~np.isfinite(xy).all(axis=-1)] = 0.0
    xyz = np.full(xy.shape[:2] + (3,), np.nan)
    for s in "lr":
        for point, at in _AT_JOINT.items():
            xyz[:, _at(f"{point}_{s}")] = joint[f"{at}_{s}"]
    scale = _pixels(xyz, xy, score)
    chest = _chest(joint)
    _put(xyz, _both_sides(_FACE), joint["head"], _turned(_both_sides(_FACE), xy, score, scale, chest))
    for s, sign in (("l", 1.0), ("r", -1.0)):
        hand = {name[:-1] + s: np.array(place) * [sign, 1.0, 1.0] for name, place in _HAND.items()}
        _put(xyz, hand, joint[f"hand_{s}"], _turned(hand, xy, score, scale, _forearm(joint, s, sign, chest)))
        foot = {name[:-1] + s: np.array(place) * [sign, 1.0, 1.0] for name, place in _FOOT.items()}
        _put(xyz, foot, joint[f"foot_{s}"], _turned(foot, xy, score, scale, _sole(joint, s)))
    there = np.isfinite(xyz).all(axis=(1, 2)) & (score > 0.0).any(axis=1)
    xyz[~there], xy[~there], score[~there] = np.nan, np.nan, 0.0
    xy, score = _placed(xyz, xy, score, scale)
    # the solver moves BlazePose's hips, which lie outside, into the joints; these are there already
    inner, inner_xy = landmarks.centred(xyz[there], xy[there])
    xyz[there], xy[there] = 2.0 * xyz[there] - inner, 2.0 * xy[there] - inner_xy
    return Keypoints(
        "blazepose", xy, xyz, score, keypoints.size, keypoints.fps, keypoints.start_s, keypoints.person, keypoints.cuts,
        keypoints.view,
    )  # fmt: skip


def _at(name: str) -> int:
    return BLAZEPOSE.index(name)


def _both_sides(points: dict) -> dict:
    right = {name[:-1] + "r": np.array(place) * _ACROSS for name, place in points.items() if name.endswith("_l")}
    return {name: np.array(place) for name, place in points.items()} | right


def _pixels(xyz, xy, score):
    """(T,) pixels of a metre: by the joints' extent in space and in the picture."""
    joints = list(landmarks.JOINTS)
    weight = score[:, joints, None] + 1e-6
    flat, seen = xyz[:, joints][..., [0, 2]] * [1.0, -1.0], np.nan_to_num(xy[:, joints])
    flat = flat - (flat * weight).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    seen = seen - (seen * weight).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    return np.maximum((weight * flat * seen).sum(axis=(1, 2)) / np.maximum((weight * flat**2).sum(axis=(1, 2)), 1e-9), 1e-3)


def _chest(joint):
    """(T,3,3) axes of the chest as columns: left, backwards, up."""
    left = joint["upper_arm_l"] - joint["upper_arm_r"]
    up = joint["upper_arm_l"] + joint["upper_arm_r"] - joint["thigh_l"] - joint["thigh_r"]
    up = _unit(up)
    left = _unit(left - (left * up).sum(axis=-1, keepdims=True) * up)
    return np.stack([left, np.cross(up, left), up], axis=-1)


def _forearm(joint, s, sign, chest):
    """(T,3,3) what a hand is turned by where it goes on straight from the forearm, its palm as the elbow's hinge asks."""
    upper = _unit(joint[f"forearm_{s}"] - joint[f"upper_arm_{s}"])
    fore = _unit(joint[f"hand_{s}"] - joint[f"forearm_{s}"])
    hinge = np.cross(upper, fore) - 0.1 * np.cross(upper, chest[..., 1])
    z = np.array([0.0, 0.0, 1.0])
    turn = quat.from_two_vectors(np.nan_to_num(fore), np.nan_to_num(hinge), along=sign * np.eye(3)[0], beside=-sign * z)
    return np.stack([quat.rotate(turn, axis) for axis in np.eye(3)], axis=-1)


def _sole(joint, s):
    """(T,3,3) the turn of a foot, by where the lifter has its ball and the shin."""
    ankle, ball = joint[f"foot_{s}"], joint[f"toe_{s}"]
    aside = np.cross(ball - ankle, ankle - joint[f"shin_{s}"])
    turn = quat.from_two_vectors(np.nan_to_num(ball - ankle), np.nan_to_num(aside), along=_BALL, beside=np.eye(3)[0])
    return np.stack([quat.rotate(turn, axis) for axis in np.eye(3)], axis=-1)


def _turned(points: dict, xy, score, scale, prior):
    """(T,3,3) the turn of a rigid part whose points meet the picture, the one nearest to `prior`.

    Depth is taken from the last turn and the turn from the points with that depth, in rounds (as POSIT, DeMenthon 1995);
    a point that was not seen stays where `prior` has it.
    """
    at = [_at(name) for name in points]
    rigid = _SIZE * np.array(list(points.values()))
    weight = score[:, at, None] ** 2 + 1e-3
    mean = (rigid * weight).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    turn = np.nan_to_num(prior)
    unseen = score[:, at, None] <= 0.0
    where = xy[:, at] / scale[:, None, None] * [1.0, -1.0]
    for _ in range(_ROUNDS):
        placed = rigid @ turn.swapaxes(1, 2)
        middle = np.where(unseen, 0.0, np.nan_to_num(where) - placed[..., [0, 2]])
        middle = (middle * weight * ~unseen).sum(axis=1, keepdims=True) / np.maximum((weight * ~unseen).sum(axis=1, keepdims=True), 1e-9)
        aim = placed.copy()
        aim[..., [0, 2]] = np.where(unseen, placed[..., [0, 2]], np.nan_to_num(where) - middle)
        aim = aim - (aim * weight).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
        turn = _kabsch(rigid - mean, aim, weight, turn)
    return turn


def _kabsch(rigid, aim, weight, prior):
    """(T,3,3) rotations that bring rigid (T,N,3) nearest to aim (T,N,3); where few points tell, towards `prior`."""
    moment = np.einsum("tni,tnj->tij", weight * aim, rigid) + 1e-4 * prior
    left, _, right = np.linalg.svd(moment)
    flip = np.sign(np.linalg.det(left @ right))
    left[..., -1] *= flip[:, None]
    return left @ right


def _put(xyz, points: dict, at, turn):
    for name, place in points.items():
        if not name.startswith(("wrist", "ankle")):
            xyz[:, _at(name)] = at + _SIZE * np.einsum("tij,j->ti", turn, place)


def _placed(xyz, xy, score, scale):
    """xy and score with places for points that were not seen, by those joints that were."""
    joints = list(landmarks.JOINTS)
    flat = xyz[..., [0, 2]] * [1.0, -1.0] * scale[:, None, None]
    weight = score[:, joints, None]
    off = (weight * (np.nan_to_num(xy[:, joints]) - flat[:, joints])).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    lost = (score <= 0.0) & np.isfinite(flat).all(axis=-1)
    xy = np.where(lost[..., None], flat + off[:, None], xy)
    carried = np.array(score)
    for name in BLAZEPOSE.names:
        part, _, s = name.partition("_")
        by = {"heel": "ankle", "toe": "ankle", "index": "wrist", "pinky": "wrist", "thumb": "wrist"}.get(part)
        of = score[:, [_at(f"{by}_{s}")]] if by else score[:, list(landmarks.SHOULDERS)]
        carried[:, _at(name)] = np.where(lost[:, _at(name)], _GUESSED * of.mean(axis=1), score[:, _at(name)])
    return xy, carried


def _unit(v):
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)
