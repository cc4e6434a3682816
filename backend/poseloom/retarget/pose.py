"""A rig in motion, with Blender's own arithmetic: basis -> pose and back.

pose[b] = pose[parent] @ inv(rest[parent]) @ rest[b] @ T(location) R(basis)

Everything is done with `delta`, the rotation in armature axes that a bone has made since rest: a bone without
keys shares its parent's, and a bone's roll never enters.
"""

from __future__ import annotations

from typing import Mapping

import numpy as np

from ..errors import BadArray, BadInput
from ..motion import quat
from ..motion.types import Rig, RigMotion


def split_world(rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """(turn (4,), metric (3,3)): rig.world = turn after metric; metric, symmetric, makes metres of armature units.

    BadInput where the object is mirrored or flat.
    """
    linear = rig.world[:3, :3]
    u, scale, vt = np.linalg.svd(linear)
    if not scale.min() > 1e-9 * max(scale.max(), 1e-9):
        raise BadInput(
            "flat_object", f'The object "{rig.name}" is scaled to nothing along an axis.', "Apply or reset its scale."
        )
    if np.linalg.det(linear) < 0.0:
        raise BadInput(
            "mirrored_object",
            f'The object "{rig.name}" is mirrored: its scale is negative along one axis or all three.',
            "Apply its scale (Ctrl A, Scale), or make the scale positive.",
        )
    return quat.from_matrix(u @ vt), vt.T @ np.diag(scale) @ vt


class Posed:
    """Deltas (T,4) and heads (T,3) of the bones of a rig, armature space, worked out when asked for."""

    def __init__(self, rig: Rig, motion: RigMotion):
        self.rig, self.motion = rig, motion
        column = {bone: i for i, bone in enumerate(motion.bones)}
        unknown = sorted(set(column) - set(rig.bones))
        if unknown:
            raise BadArray("bad_bones", f"RigMotion.bones are not in the rig: {', '.join(unknown[:5])}.")
        self._column = [column.get(bone, -1) for bone in rig.bones]
        self.rest = quat.from_matrix(rig.rest[:, :3, :3])
        self._delta, self._head = {}, {}

    def delta(self, bone: int):
        """(T,4), or (4,) the identity where nothing above is keyed."""
        if bone not in self._delta:
            turned = self._turned(bone)
            parent = self.rig.parents[bone]
            if parent >= 0 and self.rig.inherit_rotation[bone]:
                above = self.delta(parent)
                turned = above if turned is None else quat.multiply(above, turned) if above.ndim > 1 else turned
            self._delta[bone] = quat.IDENTITY if turned is None else turned
        return self._delta[bone]

    def _turned(self, bone):
        column = self._column[bone]
        if column < 0:
            return None
        basis = self.motion.basis[:, column]
        if np.abs(basis[:, 1:]).max(initial=0.0) == 0.0:
            return None
        rest = self.rest[bone]
        return quat.multiply(quat.multiply(rest, basis), quat.inverse(rest))

    def base(self, bone: int):
        """(T,3) or (3,): where the head would be with no location of its own."""
        rest = self.rig.rest[:, :3, 3]
        parent = self.rig.parents[bone]
        if parent < 0:
            return rest[bone]
        return self.head(parent) + quat.rotate(self.delta(parent), rest[bone] - rest[parent])

    def head(self, bone: int):
        """(T,3), or (3,) where nothing above is keyed."""
        if bone not in self._head:
            head, column = self.base(bone), self._column[bone]
            if column >= 0:
                location = np.asarray(self.motion.location[:, column], np.float64)
                keyed = np.isfinite(location)
                if keyed.any():
                    axes = location_axes(self.rig, self.rest, bone, self.delta)
                    head = head + quat.rotate(axes, np.where(keyed, location, 0.0))
            self._head[bone] = head
        return self._head[bone]


class Poser:
    """Deltas and places that bones should have -> the basis and location that give them: undoes `Posed`."""

    def __init__(self, rig: Rig, deltas: Mapping[int, np.ndarray], frames: int):
        """deltas {bone: (T,4)} of the bones to be keyed; the others stay at rest."""
        self.rig, self.rest = rig, quat.from_matrix(rig.rest[:, :3, :3])
        self._deltas, self._places, self._heads = dict(deltas), {}, {}
        self.basis = np.zeros((frames, len(rig), 4), np.float32)
        self.basis[..., 0] = 1.0
        for bone in deltas:
            self.basis[:, bone] = quat.unroll(self._basis(bone))
        self.keyed = np.isin(np.arange(len(rig)), list(deltas))

    def delta(self, bone: int):
        """(T,4), or (4,) the identity where nothing above is keyed."""
        if bone not in self._deltas:
            follows = self.rig.parents[bone] >= 0 and self.rig.inherit_rotation[bone]
            self._deltas[bone] = self.delta(self.rig.parents[bone]) if follows else quat.IDENTITY
        return self._deltas[bone]

    def _basis(self, bone):
        delta, parent, rest = self.delta(bone), self.rig.parents[bone], self.rest[bone]
        if parent >= 0 and self.rig.inherit_rotation[bone]:
            delta = quat.multiply(quat.inverse(self.delta(parent)), delta)
        return quat.multiply(quat.multiply(quat.inverse(rest), delta), rest)

    def place(self, bone: int, head) -> None:
        """Key the location of `bone` so that its head lies at `head` (T,3), armature space."""
        self._places[bone] = lambda: head

    def hang(self, bone: int, carrier: int) -> None:
        """Key the location of `bone` so that it moves as if `carrier` were its parent."""
        offset = self.rig.rest[bone, :3, 3] - self.rig.rest[carrier, :3, 3]
        self._places[bone] = lambda: self.head(carrier) + quat.rotate(self.delta(carrier), offset)

    def head(self, bone: int):
        """(T,3) or (3,): where the bone's head will be."""
        if bone not in self._heads:
            self._heads[bone] = self._places[bone]() if bone in self._places else self._base(bone)
        return self._heads[bone]

    def _base(self, bone):
        rest, parent = self.rig.rest[:, :3, 3], self.rig.parents[bone]
        if parent < 0:
            return rest[bone]
        return self.head(parent) + quat.rotate(self.delta(parent), rest[bone] - rest[parent])

    def motion(self, fps: float, props: Mapping[str, np.ndarray]) -> RigMotion:
        location = np.full(self.basis.shape[:2] + (3,), np.nan, np.float32)
        for bone in self._places:
            axes = location_axes(self.rig, self.rest, bone, self.delta)
            location[:, bone] = quat.rotate(quat.inverse(axes), self.head(bone) - self._base(bone))
        return RigMotion(self.rig.bones, self.basis, location, self.keyed, fps, props)


def location_axes(rig: Rig, rest, bone: int, delta):
    """(T,4) or (4,): the axes in which a bone's location counts, in armature space; as measured in Blender.

    With local_location the bone's own at rest, carried by the parent; without, the parent's pose axes, or the
    armature's for a root.
    """
    parent = rig.parents[bone]
    own = rest[bone] if rig.local_location[bone] else rest[parent] if parent >= 0 else quat.IDENTITY
    return own if parent < 0 else quat.multiply(delta(parent), own)


def pose_matrices(rig: Rig, rig_motion: RigMotion) -> np.ndarray:
    """(T,B,4,4) in armature space: what Blender shows as pose_bone.matrix, without constraints."""
    posed, frames, count = Posed(rig, rig_motion), len(rig_motion), len(rig)
    out = np.zeros((frames, count, 4, 4))
    out[..., 3, 3] = 1.0
    for bone in range(count):
        out[:, bone, :3, :3] = quat.to_matrix(posed.delta(bone)) @ rig.rest[bone, :3, :3]
        out[:, bone, :3, 3] = posed.head(bone)
    return out


def global_pose(rig: Rig, rig_motion: RigMotion) -> tuple[np.ndarray, np.ndarray]:
    """(grot (T,B,4), gpos (T,B,3)) of every bone in the house's world, metres."""
    posed, turn = Posed(rig, rig_motion), split_world(rig)[0]
    grot, gpos = np.empty((len(rig_motion), len(rig), 4)), np.empty((len(rig_motion), len(rig), 3))
    for bone in range(len(rig)):
        grot[:, bone] = quat.multiply(turn, quat.multiply(posed.delta(bone), posed.rest[bone]))
        gpos[:, bone] = posed.head(bone) @ rig.world[:3, :3].T + rig.world[:3, 3]
    return grot, gpos
