"""The face of a rig that has a jaw: the points of OpenPose's face, a usual one's, or those that Rigify's bones tell."""

from __future__ import annotations

import re
from typing import Optional

import numpy as np
from poseloom.motion import face_points, openpose, quat
from poseloom.motion.skeleton import REST_HEIGHT_M

_JAW = re.compile(r"(?:.*:)?(?:cc_base_|facial_c_)?(jaw_?master|jaw_?root|lower_?jaw|jaw)")  # in order of preference
_RANK = ("jawmaster", "jawroot", "lowerjaw", "jaw")
_NEAR_HEAD = 0.12  # shares of the height within which a jaw is from the head's joint
_STRETCH = (0.5, 2.5)  # how far eyes may widen a face against its body's height
# bones of Rigify's face whose heads are points of it; of pairs without their side
_RIGIFY = {
    "brow5": "brow.T.{}.001", "brow3": "brow.T.{}.002", "brow1": "brow.T.{}.003",
    "eye_outer": "lid.B.{}", "eye_inner": "lid.T.{}",
    "lid_up_inner": "lid.T.{}.001", "lid_up_outer": "lid.T.{}.003", "lid_low_outer": "lid.B.{}.001",
    "lid_low_inner": "lid.B.{}.003", "lip_up2": "lip.T.{}.001", "lip_low2": "lip.B.{}.001", "nostril2": "nose.{}.001",
    "jaw2": "chin.{}", "jaw5": "jaw.{}.001",
}  # fmt: skip
_RIGIFY_MIDDLE = {
    "bridge1": "nose", "bridge3": "nose.001", "bridge4": "nose.002", "nose_base": "nose.004",
    "lip_up": "lip.T.L", "lip_low": "lip.B.L", "chin": "chin",
}  # fmt: skip
_RIGIFY_TAIL = {"mouth": "lip.T.{}.001"}


class Face:
    """Points that go with the head, as far as they are the jaw's with that, or with bones of their own.

    `eyes` {"eye_l", "eye_r"}: bones, or {}; middle (3,) and turn wxyz: between the eyes, and the head's, in the world
    at rest; height in scene units.
    """

    def __init__(self, obj, head: str, jaw: str, eyes: dict, middle, turn, height: float):
        self.head, self.jaw = head, jaw
        world, bones = np.array(obj.matrix_world), obj.data.bones
        scale = height / REST_HEIGHT_M
        if eyes:
            left, right = (_moved(world, bones[eyes[name]].head_local) for name in ("eye_l", "eye_r"))
            middle = 0.5 * (left + right)
            scale *= float(np.clip(np.linalg.norm(left - right) / (scale * face_points.EYES_APART_M), *_STRETCH))
        places = middle + quat.rotate(turn, scale * face_points.usual())
        self.rest = _moved(np.linalg.inv(world), places)
        self.undone = [np.linalg.inv(np.array(bones[name].matrix_local)) for name in (head, jaw)]
        self.share = face_points.by_jaw()[:, None]
        self.own = _own(bones)

    def places(self, world, pose) -> dict:
        """{point of openpose.FACE: (1,3)} in the world at the playhead; `pose` the evaluated bones."""
        moves = [np.array(pose[name].matrix) @ undone for name, undone in zip((self.head, self.jaw), self.undone)]
        by_head, by_jaw = (_moved(move, self.rest) for move in moves)
        found = by_head + self.share * (by_jaw - by_head)
        for row, (bone, end) in self.own.items():
            found[row] = getattr(pose[bone], end)
        return {name: place[None] for name, place in zip(openpose.FACE, _moved(world, found))}


def jaw_of(obj, head: str, height: float) -> Optional[str]:
    """The bone that opens the mouth; None where there is none."""
    bones, found = obj.data.bones, {}
    scale = obj.matrix_world.to_scale()[0]
    for bone in bones:
        match = _JAW.fullmatch(bone.name.lower())
        if match and (bone.head_local - bones[head].head_local).length * scale < _NEAR_HEAD * height:
            found.setdefault(_RANK.index(match[1].replace("_", "")), bone.name)
    return found[min(found)] if found else None


def _own(bones) -> dict:
    """{row of openpose.FACE: (bone, "head" or "tail")} where the face is one of Rigify's."""
    found = {}
    for row, name in enumerate(openpose.FACE_NAMES):
        bare, side = (name[:-2], name[-1].upper()) if name[-2:] in ("_l", "_r") else (name, "")
        by_head = _RIGIFY if side else _RIGIFY_MIDDLE
        for end, pattern in (("head", by_head.get(bare, "")), ("tail", _RIGIFY_TAIL.get(bare, ""))):
            named = next((n + pattern.format(side) for n in ("DEF-", "") if n + pattern.format(side) in bones), None)
            if pattern and named:
                found[row] = (named, end)
    return found


def _moved(matrix, places) -> np.ndarray:
    """(...,3) places through a matrix (4,4)."""
    return np.asarray(places, np.float64) @ np.array(matrix)[:3, :3].T + np.array(matrix)[:3, 3]
