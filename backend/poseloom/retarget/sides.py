"""Left and right exchanged on an animator's own rig."""

from __future__ import annotations

import re
from typing import Optional

import numpy as np

from ..motion import quat
from ..motion.mirror import FLIP_TURN, FLIP_VECTOR, other_side
from ..motion.types import Rig, RigMotion
from .align import Alignment, align
from .pose import Posed, Poser, location_axes

# bones without names or roles that lie this near to each other's mirror image are a pair, in body sizes
_SAME_PLACE = 0.005


def mirror_rig(motion: RigMotion, rig: Rig) -> RigMotion:
    """`motion` as a mirror between the rig's sides shows it, on all of `rig.bones`; twice gives it back.

    The mirror stands upright through the armature's origin.  Bones change sides by their roles, else by their
    names; a bone with no other side is mirrored in itself.  Rests that differ from side to side are allowed for by
    the bones' directions.  BadInput where the rig lacks hips, legs or arms.
    """
    a, posed, frames = align(rig), Posed(rig, motion), len(motion)
    partner, tpose = sides(rig, a), _tposes(rig, a)
    at = {bone: i for i, bone in enumerate(motion.bones)}
    rows = np.array([at.get(bone, -1) for bone in rig.bones])
    keyed = (rows >= 0) & motion.keyed[rows]
    moved = (rows >= 0) & np.isfinite(motion.location[:, rows]).all(axis=(0, 2))
    deltas = {}
    for bone in np.flatnonzero(keyed[partner]):
        twin = partner[bone]
        seen = quat.multiply(quat.multiply(a.body, posed.delta(twin)), quat.inverse(tpose[twin])) * FLIP_TURN
        delta = quat.multiply(quat.multiply(quat.inverse(a.body), seen), tpose[bone])
        deltas[int(bone)] = np.broadcast_to(delta, (frames, 4))
    poser = Poser(rig, deltas, frames)
    props = {_renamed(path, rig, partner): values for path, values in motion.props.items()}
    made = poser.motion(motion.fps, props)
    location = np.array(made.location)
    for bone in np.flatnonzero(moved[partner]):
        twin = partner[bone]
        way = quat.rotate(a.body, posed.head(twin) - posed.base(twin)) * FLIP_VECTOR
        axes = location_axes(rig, poser.rest, bone, poser.delta)
        location[:, bone] = quat.rotate(quat.inverse(quat.multiply(a.body, axes)), way)
    return RigMotion(made.bones, made.basis, location, made.keyed, made.fps, made.props)


def sides(rig: Rig, a: Optional[Alignment] = None) -> np.ndarray:
    """(B,) for every bone the number of the same bone on the other side, or its own; twice is the bone itself.

    By roles, else by names, else by where the bones lie at rest.
    """
    a = align(rig) if a is None else a
    number, own = {bone: i for i, bone in enumerate(rig.bones)}, np.arange(len(rig))
    partner = np.array([number.get(other_side(bone), i) for i, bone in enumerate(rig.bones)])
    for role, bones in rig.roles.items():
        twins = rig.roles.get(other_side(role), ())
        for k, bone in enumerate(bones):
            partner[number[bone]] = number[twins[k]] if len(twins) == len(bones) else number[bone]
    partner = np.where(partner[partner] == own, partner, own)
    ends = quat.rotate(a.body, np.stack([a.heads, a.tails], axis=1))
    lone = np.flatnonzero((partner == own) & ~np.isin(own, [number[b] for bones in rig.roles.values() for b in bones]))
    if len(lone):
        apart = np.abs(ends[lone][:, None] * FLIP_VECTOR - ends[lone]).max(axis=(-1, -2))
        near = lone[apart.argmin(axis=-1)]
        found = apart.min(axis=-1) < _SAME_PLACE * np.ptp(ends[:, 0], axis=0).max()
        partner[lone] = np.where(found, near, lone)
    return np.where(partner[partner] == own, partner, own)


def _tposes(rig: Rig, a: Alignment) -> list:
    """What takes each bone's directions at rest to the T-pose's: that of the joint it belongs to or hangs from."""
    mapped = {bone: a.tpose[joint] for joint, bones in a.joints.items() for bone in bones}
    found = []
    for bone, parent in enumerate(rig.parents):
        found.append(mapped.get(bone, found[parent] if parent >= 0 else a.body))
    return found


def _renamed(path: str, rig: Rig, partner) -> str:
    """A property's path on the bone of the other side."""
    number = {bone: i for i, bone in enumerate(rig.bones)}

    def swap(match):
        return match[1] + (rig.bones[partner[number[match[2]]]] if match[2] in number else match[2]) + match[3]

    return re.sub(r'^(pose\.bones\[")(.*?)("\])', swap, path)
