"""Jaw and eyes of a rig, which are no canonical joints, by the curves of a motion's face."""

from __future__ import annotations

import re

import numpy as np

from ..motion import quat
from ..motion.types import Motion, Rig, RigMotion
from .align import align

_JAW = re.compile(r"(.*[:_\-. ])?(jaw|mandible|jaw_master|jawroot|c_jawbone)", re.IGNORECASE)
_EYE = re.compile(r"(.*[:_\-. ])?(eye|eyeball|eye_?master)", re.IGNORECASE)
_SIDED = re.compile(r"(left|right|[lr])[._\- ]?(.+)|(.+?)[._\- ]?(left|right|[lr])", re.IGNORECASE)
_JAW_DEG, _ASIDE_DEG, _UP_DEG = 25.0, 30.0, 22.0  # what a curve at 1 turns
_X, _, _Z = np.eye(3)


def with_face(keys: RigMotion, rig: Rig, motion: Motion) -> RigMotion:
    """`keys`, in which bones named as a jaw or as eyes turn by the curves of `motion`."""
    found = face_bones(rig)
    if "jawOpen" not in motion.curves or not found:
        return keys
    body = quat.inverse(align(rig).body)  # from upright and facing -Y to the armature's axes
    basis, keyed = np.array(keys.basis), np.array(keys.keyed)
    for part, bone in found.items():
        i = rig.index(bone)
        turn = quat.multiply(quat.multiply(body, _turn(part, motion.curves)), quat.inverse(body))
        rest = quat.from_matrix(rig.rest[i, :3, :3])
        basis[:, i] = quat.multiply(quat.multiply(quat.inverse(rest), turn), rest)
        keyed[i] = True
    return RigMotion(keys.bones, basis, keys.location, keyed, keys.fps, keys.props)


def face_bones(rig: Rig) -> dict:
    """{"jaw", "eye_l", "eye_r": bone} of those there are, told by their names; none of them plays a canonical joint."""
    taken = {bone for bones in rig.roles.values() for bone in bones}
    found: dict = {}
    for bone in rig.bones:
        if bone in taken:
            continue
        if _JAW.fullmatch(bone):
            found.setdefault("jaw", bone)
            continue
        sided = _SIDED.fullmatch(bone.split(":")[-1])
        if sided:
            word, name = (sided[1], sided[2]) if sided[1] else (sided[4], sided[3])
            if _EYE.fullmatch(name):
                found.setdefault(f"eye_{word[0].lower()}", bone)
    return found


def _turn(part: str, curves):
    """(T,4) in upright axes: the jaw down, eyes to the sides and up."""
    if part == "jaw":
        return quat.from_axis_angle(_X, np.radians(_JAW_DEG) * np.asarray(curves["jawOpen"], np.float64))
    word, outwards = ("Left", 1.0) if part == "eye_l" else ("Right", -1.0)
    look = {way: np.asarray(curves[f"eyeLook{way}{word}"], np.float64) for way in ("Out", "In", "Up", "Down")}
    aside = quat.from_axis_angle(_Z, np.radians(_ASIDE_DEG) * outwards * (look["Out"] - look["In"]))
    return quat.multiply(aside, quat.from_axis_angle(_X, np.radians(_UP_DEG) * (look["Down"] - look["Up"])))
