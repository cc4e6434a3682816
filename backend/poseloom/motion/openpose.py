"""OpenPose's points: what they are called, which limbs join them, and where they are on the canonical skeleton.

A figure has the points of its body (18 or 25), then 21 a hand, left first, then 70 of the face.
"""

from __future__ import annotations

from typing import Mapping

import numpy as np

from ..errors import BadInput
from . import quat
from .skeleton import JOINTS, REST_HEIGHT_M, motion_fk


def _sides(side: str, *names: str) -> tuple:
    return tuple(f"{name}_{side}" for name in names)


_EYES = ("eye_r", "eye_l", "ear_r", "ear_l")
_ARMS = ("nose", "neck", *(n for s in "rl" for n in _sides(s, "shoulder", "elbow", "wrist")))
_LEGS = {side: _sides(side, "hip", "knee", "ankle") for side in "rl"}
_FEET = tuple(n for s in "lr" for n in _sides(s, "toe", "small_toe", "heel"))
BODIES = {
    18: (*_ARMS, *_LEGS["r"], *_LEGS["l"], *_EYES),
    25: (*_ARMS, "pelvis", *_LEGS["r"], *_LEGS["l"], *_EYES, *_FEET),
}
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
HAND = ("palm", *(f"{finger}{i}" for finger in FINGERS for i in (1, 2, 3, 4)))
FACE = tuple(f"face{i}" for i in range(70))
_LID = ("lid_up_outer", "lid_up_inner", "lid_low_inner", "lid_low_outer")
FACE_NAMES = (  # what is where on it, in the same order
    *(f"jaw{i}_r" for i in range(8, 0, -1)), "chin", *(f"jaw{i}_l" for i in range(1, 9)),
    *(f"brow{i}_r" for i in range(5, 0, -1)), *(f"brow{i}_l" for i in range(1, 6)),
    *(f"bridge{i}" for i in range(1, 5)), "nostril2_r", "nostril1_r", "nose_base", "nostril1_l", "nostril2_l",
    *_sides("r", "eye_outer", *_LID[:2], "eye_inner", *_LID[2:]),
    *_sides("l", "eye_inner", _LID[1], _LID[0], "eye_outer", _LID[3], _LID[2]),
    "mouth_r", "lip_up2_r", "lip_up1_r", "lip_up", "lip_up1_l", "lip_up2_l",
    "mouth_l", "lip_low2_l", "lip_low1_l", "lip_low", "lip_low1_r", "lip_low2_r",
    "mouth_in_r", "lip_up_in_r", "lip_up_in", "lip_up_in_l", "mouth_in_l", "lip_low_in_l", "lip_low_in", "lip_low_in_r",
    "pupil_r", "pupil_l",
)  # fmt: skip

_HEAD = (("neck", "nose"), ("nose", "eye_r"), ("eye_r", "ear_r"), ("nose", "eye_l"), ("eye_l", "ear_l"))
_UPPER = (
    ("neck", "shoulder_r"), ("neck", "shoulder_l"), ("shoulder_r", "elbow_r"), ("elbow_r", "wrist_r"),
    ("shoulder_l", "elbow_l"), ("elbow_l", "wrist_l"),
)  # fmt: skip
# in the order in which OpenPose's colours are given to them
LIMBS = {
    18: (
        *_UPPER, ("neck", "hip_r"), ("hip_r", "knee_r"), ("knee_r", "ankle_r"),
        ("neck", "hip_l"), ("hip_l", "knee_l"), ("knee_l", "ankle_l"), *_HEAD,
    ),
    25: (
        *_UPPER, ("neck", "pelvis"), ("pelvis", "hip_r"), ("hip_r", "knee_r"), ("knee_r", "ankle_r"),
        ("pelvis", "hip_l"), ("hip_l", "knee_l"), ("knee_l", "ankle_l"), *_HEAD,
        *(edge for s in "lr" for edge in ((f"ankle_{s}", f"toe_{s}"), (f"toe_{s}", f"small_toe_{s}"), (f"ankle_{s}", f"heel_{s}"))),
    ),
}  # fmt: skip
HAND_LIMBS = tuple(pair for first in range(1, 21, 4) for pair in ((0, first), *((first + i, first + i + 1) for i in range(3))))

_JOINT_OF = {"shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand", "hip": "thigh", "knee": "shin", "ankle": "foot"}
# metres at a height of 1.75 m in a head that faces -Y, from the crown, or from between the eyes
_FROM_CROWN = {"eye": (0.032, -0.1, -0.115), "ear": (0.078, 0.0, -0.115), "nose": (0.0, -0.125, -0.155)}
_FROM_EYES = {"ear": (0.078, 0.1, 0.0), "nose": (0.0, -0.025, -0.04)}
_CROWN_M = 0.15  # above the joint of the head
# a bone of the head that is shorter or longer than these shares of the height does not end at the crown
_HEAD_BONE = (0.05, 0.2)
_SHOULDERS = 0.805  # of the height
# in a foot's axes, from the ankle, and from the tip of the toes; x away from the other foot
_HEEL, _BIG_TOE, _SMALL_TOE = (0.0, 0.055, -0.07), (-0.02, 0.0, 0.0), (0.04, 0.04, 0.0)


def names(body: int = 18) -> tuple:
    """The names of all points; BadInput for a body that is none."""
    if body not in BODIES:
        raise BadInput("bad_option", f"OpenPose has no body of {body} points.", "Choose 18 or 25.")
    return (*BODIES[body], *_hand("l"), *_hand("r"), *FACE)


def layout_name(body: int) -> str:
    return f"openpose-{body}"


def body_of(layout: str) -> int:
    """18 or 25, from a layout's name."""
    return int(layout.removeprefix("openpose-"))


def points(places: Mapping[str, np.ndarray], turns: Mapping[str, np.ndarray], height_m: float, body: int = 18) -> np.ndarray:
    """(T,K,3) places of the points in the world, NaN for those that the figure has not.

    places {joint: (T,3)} of canonical joints, of finger tips as "thumb4_l", and of points that are known better than
    from joints, by their own names ("eye_l", "face30"); "crown" is the end of the head's bone; turns {joint: (T,4)} global
    rotations of "head" and the feet.
    """
    known = dict(places)
    for side in "lr":
        for point, joint in _JOINT_OF.items():
            _put(known, f"{point}_{side}", places.get(f"{joint}_{side}"))
        _put(known, f"palm_{side}", places.get(f"hand_{side}") if f"index1_{side}" in places else None)
        _add_foot(known, side, turns.get(f"foot_{side}"), height_m / REST_HEIGHT_M)
    known["neck"] = _middle(known, "shoulder")
    known["pelvis"] = _middle(known, "hip")
    _add_head(known, turns.get("head"), height_m / REST_HEIGHT_M)
    frames = len(next(iter(places.values())))
    unknown = np.full((frames, 3), np.nan)
    return np.stack([unknown if known.get(n) is None else known[n] for n in names(body)], axis=1)


def of_motion(motion, body: int = 18) -> np.ndarray:
    """`points` (T,K,3) of a canonical motion."""
    grot, gpos = motion_fk(motion)
    skeleton = motion.skeleton
    places = {name: gpos[:, i] for i, name in enumerate(skeleton.names)}
    turns = {name: grot[:, i] for i, name in enumerate(skeleton.names)}
    ends = {"head": "crown", "toe_l": "toes_l", "toe_r": "toes_r", **{f"{f}3_{s}": f"{f}4_{s}" for f in FINGERS for s in "lr"}}
    for joint, end in ends.items():
        if joint in places:
            places[end] = places[joint] + quat.rotate(turns[joint], skeleton.tips[skeleton.index(joint)])
    return points(places, turns, height(skeleton), body)


def height(skeleton) -> float:
    """Metres from sole to crown of somebody whose shoulders are where the skeleton's are."""
    up, joint = 0.0, skeleton.index("upper_arm_l")
    while joint >= 0:
        up, joint = up + float(skeleton.offsets[joint, 2]), int(skeleton.parents[joint])
    return max(up / _SHOULDERS, 0.1)


def _hand(side: str) -> tuple:
    return tuple(f"{name}_{side}" for name in HAND)


def _put(known: dict, name: str, place) -> None:
    if place is not None:
        known.setdefault(name, place)


def _middle(known: dict, name: str):
    both = [known.get(f"{name}_{side}") for side in "lr"]
    return None if any(one is None for one in both) else 0.5 * (both[0] + both[1])


def _add_head(known: dict, turn, scale: float) -> None:
    if "head" not in known or turn is None:
        return
    eyes = _middle(known, "eye")
    root, offsets = (_crown(known, turn, scale), _FROM_CROWN) if eyes is None else (eyes, _FROM_EYES)
    for name, offset in offsets.items():
        for side, sign in (("", 1.0),) if name == "nose" else (("_l", 1.0), ("_r", -1.0)):
            place = root + quat.rotate(turn, scale * np.array(offset) * (sign, 1.0, 1.0))
            _put(known, name + side, place)
    for number, side in ((68, "r"), (69, "l")):  # the pupils, where the rest of the face is there too
        if "face36" in known:
            _put(known, f"face{number}", known[f"eye_{side}"])


def _crown(known: dict, turn, scale: float):
    """The end of the head's bone where that can be the crown, else a usual head above its joint."""
    usual = quat.rotate(turn, scale * np.array((0.0, 0.0, _CROWN_M)))
    bone = known.get("crown", known["head"]) - known["head"]
    long = np.linalg.norm(bone, axis=-1) / (scale * REST_HEIGHT_M)
    upright = (bone * usual).sum(axis=-1) > 0.8 * np.linalg.norm(bone, axis=-1) * np.linalg.norm(usual, axis=-1)
    fits = upright & (long > _HEAD_BONE[0]) & (long < _HEAD_BONE[1])
    return known["head"] + np.where(fits[..., None], bone, usual)


def _add_foot(known: dict, side: str, turn, scale: float) -> None:
    """The points of the sole in place of the joint of the toes, which has the name of one of them."""
    ball, tip = known.pop(f"toe_{side}", None), known.pop(f"toes_{side}", None)
    ankle = known.get(f"foot_{side}")
    if turn is None or ankle is None or (ball is None and tip is None):
        return
    outward = 1.0 if side == "l" else -1.0
    if tip is None:
        tip = ball + quat.rotate(turn, scale * np.array((0.0, -0.07, 0.0)))
    for name, root, offset in (("heel", ankle, _HEEL), ("toe", tip, _BIG_TOE), ("small_toe", tip, _SMALL_TOE)):
        known[f"{name}_{side}"] = root + quat.rotate(turn, scale * np.array(offset) * (outward, 1.0, 1.0))


assert set(_JOINT_OF.values()) <= {name.rpartition("_")[0] for name in JOINTS}
