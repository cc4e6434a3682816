"""A pose taken as the rest pose, for a rig whose own rest no geometry could read: folded limbs, a sitting bind pose."""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.types import Rig, RigMotion
from .pose import Posed, Poser, pose_matrices


def as_rest(rig: Rig, pose: RigMotion, frame: int = 0) -> Rig:
    """`rig` as it stands in a frame of `pose`, as if it had been built so; for `moved_to` and back."""
    one = RigMotion(pose.bones, pose.basis[frame, None], pose.location[frame, None], pose.keyed, pose.fps)
    matrices = pose_matrices(rig, one)[0]
    arms = np.einsum("bji,bj->bi", rig.rest[:, :3, :3], rig.tails - rig.rest[:, :3, 3])
    soles = {}
    for joint, points in rig.soles.items():
        bone = rig.index(rig.roles[joint][0])
        moved = matrices[bone] @ np.linalg.inv(rig.rest[bone])
        soles[joint] = points @ moved[:3, :3].T + moved[:3, 3]
    tails = matrices[:, :3, 3] + np.einsum("bij,bj->bi", matrices[:, :3, :3], arms)
    return rig.with_(rest=matrices, tails=tails, soles=soles)


def moved_to(rig_motion: RigMotion, rig: Rig, other: Rig) -> RigMotion:
    """The same poses of keyed bones in space, on `other`: the same bones with another rest.

    Bones without keys between keyed ones get some where the rests differ; the rest stay without.
    """
    posed, frames = Posed(rig, rig_motion), len(rig_motion)
    turn = quat.multiply(posed.rest, quat.inverse(quat.from_matrix(other.rest[:, :3, :3])))
    column = {bone: i for i, bone in enumerate(rig_motion.bones)}
    keyed = [b for b, name in enumerate(rig.bones) if name in column and rig_motion.keyed[column[name]]]
    above, placed = set(), []
    for bone in keyed:
        while bone >= 0 and bone not in above:
            above.add(bone)
            bone = int(rig.parents[bone])
    deltas = {}
    for bone in sorted(above):
        delta = quat.multiply(posed.delta(bone), turn[bone])
        if bone in keyed or quat.angle(delta, quat.IDENTITY).max() > 1e-6:
            deltas[bone] = np.broadcast_to(delta, (frames, 4))
    for bone, name in enumerate(rig.bones):
        if name in column and np.isfinite(rig_motion.location[:, column[name]]).any():
            placed.append(bone)
    poser = Poser(other, deltas, frames)
    for bone in placed:
        poser.place(bone, np.broadcast_to(posed.head(bone), (frames, 3)))
    return poser.motion(rig_motion.fps, rig_motion.props)
