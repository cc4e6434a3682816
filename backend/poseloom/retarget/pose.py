"""A rig in motion, with Blender's own arithmetic: basis -> pose and back.

pose[b] = pose[parent] @ inv(rest[parent]) @ rest[b] @ T(location) R(basis)

Everything is done with `delta`, the rotation in armature axes that a bone has made since rest: a bone without
keys shares its parent's, and a bone's roll never enters.
"""

from __future__ import annotations

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
