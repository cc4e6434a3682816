"""Canonical motion <-> any rig that has roles, whatever its rest pose, rolls, axes and unit.

    motion = from_rig(rig_motion, rig)          rig_motion = to_rig(motion, rig)

Global rotations are carried over joint by joint, so a bone that one side lacks needs no rule: what is below it
still points where it should.
"""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.skeleton import fk, local_rotations, parent_of
from ..motion.types import Motion, Rig, RigMotion
from .align import SHARED, SPINE, Alignment, align
from .floor import grounded
from .limbs import plant, proportions, skeleton_of, travel
from .pose import Posed, global_pose, location_axes, pose_matrices

__all__ = ["from_rig", "global_pose", "grounded", "pose_matrices", "retarget", "skeleton_of", "to_rig"]


def to_rig(motion: Motion, rig: Rig, *, plant_feet: bool = True) -> RigMotion:
    """`motion` on `rig`: rotations of the bones with roles, the pelvis' location, switches as constant props.

    Limbs point where the motion's point, but for legs whose feet are near the floor: these reach to where the
    feet stand, scaled by the leg length, unless `plant_feet` is False.  Bones without a role stay at rest.
    BadInput where the rig lacks hips, legs or arms, or its object is mirrored.
    """
    a = align(rig)
    lpos = np.repeat(np.asarray(motion.skeleton.offsets, np.float64)[None], len(motion), axis=0)
    lpos[:, 0] = motion.root
    grot, _ = fk(motion.lrot, lpos, motion.skeleton.parents)
    target = proportions(a)
    root = travel(grot, motion.root, motion.skeleton, target)
    if plant_feet:
        grot, root = plant(grot, motion.root, root, motion.skeleton, target)
    writer = _Writer(rig, a, motion, grot)
    writer.place(a.joints["pelvis"][0], (root - rig.world[:3, 3]) @ np.linalg.inv(rig.world[:3, :3]).T)
    return writer.motion(motion.fps, {path: np.full(len(motion), value) for path, value in rig.switches.items()})


def from_rig(rig_motion: RigMotion, rig: Rig) -> Motion:
    """The canonical motion of a rig with roles, on `skeleton_of(rig)`: undoes `to_rig`."""
    a = align(rig)
    posed, skeleton, frames = Posed(rig, rig_motion), proportions(a), len(rig_motion)
    grot = np.zeros((frames, len(skeleton), 4))
    for i, joint in enumerate(skeleton.names):
        if joint in a.joints:
            above = skeleton.names.index(a.above(joint)) if a.above(joint) else -1
            grot[:, i] = _joint_rotation(a, posed, joint, grot[:, above] if above >= 0 else None)
        else:
            grot[:, i] = grot[:, skeleton.names.index(parent_of(joint))]
    _fill_between(a, skeleton, grot)
    pelvis = posed.head(a.joints["pelvis"][0]) @ rig.world[:3, :3].T + rig.world[:3, 3]
    root = np.broadcast_to(pelvis, (frames, 3))
    return Motion(skeleton, local_rotations(grot, skeleton.parents), root, rig_motion.fps)


def retarget(rig_motion: RigMotion, source: Rig, target: Rig) -> RigMotion:
    """A recorded clip on another rig, with its floor put to zero."""
    return to_rig(grounded(from_rig(rig_motion, source)), target)


def _joint_rotation(a: Alignment, posed: Posed, joint, above):
    """(T,4) global; of several bones that share a joint's turn, the turn that bends their chain as far as it is."""
    bones = a.joints[joint] if joint in SHARED and above is not None else a.joints[joint][:1]
    back = quat.inverse(a.tpose[joint])
    grots = [quat.multiply(a.turn, quat.multiply(posed.delta(bone), back)) for bone in bones]
    if len(bones) == 1:
        return grots[0]
    turns = [quat.log(quat.multiply(quat.inverse(above), grot)) for grot in grots]
    # written as 1/k, 2/k ... of the turn, whose mean is (k + 1) / 2k
    return quat.multiply(above, quat.exp(np.mean(turns, axis=0) * (2.0 * len(bones) / (len(bones) + 1.0))))


def _fill_between(a: Alignment, skeleton, grot):
    """Joints of the spine or neck that the rig lacks share the turn between those around them."""
    for line in (("pelvis",) + SPINE, ("spine3", "neck", "head")):
        have = [0] + [k for k, joint in enumerate(line) if k and joint in a.joints]
        for low, high in zip(have, have[1:]):
            first, last = skeleton.index(line[low]), skeleton.index(line[high])
            for k in range(low + 1, high):
                share = np.array((k - low) / (high - low))
                grot[:, skeleton.index(line[k])] = quat.slerp(grot[:, first], grot[:, last], share)


class _Writer:
    """Deltas and places that bones should have -> the basis and location that give them."""

    def __init__(self, rig: Rig, a: Alignment, motion: Motion, grot):
        self.rig, self.a = rig, a
        self.rest = quat.from_matrix(rig.rest[:, :3, :3])
        frames, count = len(motion), len(rig)
        self.basis = np.zeros((frames, count, 4), np.float32)
        self.basis[..., 0] = 1.0
        self.location = np.full((frames, count, 3), np.nan, np.float32)
        self.keyed = np.zeros(count, bool)
        self._wanted = self._wanted_deltas(motion.skeleton, grot)
        self._delta, self._place, self._head = {}, {}, {}
        for bone in sorted(self._wanted):
            self._turn(bone)
        self._hang_loose_bones()

    def _wanted_deltas(self, skeleton, grot):
        a, wanted, back = self.a, {}, quat.inverse(self.a.turn)
        column = {name: i for i, name in enumerate(skeleton.names)}
        for joint, bones in a.joints.items():
            if joint not in column:
                continue
            turned = quat.multiply(quat.multiply(back, grot[:, column[joint]]), a.tpose[joint])
            above = a.above(joint)
            if joint in SHARED and len(bones) > 1 and above:
                start = quat.multiply(quat.multiply(back, grot[:, column[above]]), a.tpose[joint])
                for k, bone in enumerate(bones, 1):
                    wanted[bone] = quat.slerp(start, turned, np.array(k / len(bones)))
            else:
                wanted[bones[0]] = turned
        return wanted

    def delta(self, bone):
        if bone in self._wanted:
            return self._wanted[bone]
        if bone not in self._delta:
            follows = self.rig.parents[bone] >= 0 and self.rig.inherit_rotation[bone]
            self._delta[bone] = self.delta(self.rig.parents[bone]) if follows else quat.IDENTITY
        return self._delta[bone]

    def _turn(self, bone):
        delta, parent, rest = self.delta(bone), self.rig.parents[bone], self.rest[bone]
        if parent >= 0 and self.rig.inherit_rotation[bone]:
            above = self.delta(parent)
            delta = quat.multiply(quat.inverse(above), delta)
        self.basis[:, bone] = quat.unroll(quat.multiply(quat.multiply(quat.inverse(rest), delta), rest))
        self.keyed[bone] = True

    def place(self, bone, head):
        """Key the location of `bone` so that its head lies at `head` (T,3), armature space."""
        self._place[bone] = lambda: head

    def _hang_loose_bones(self):
        """A limb's bone that does not hang from the limb above is carried to where that limb ends."""
        rest = self.rig.rest[:, :3, 3]
        role = {bones[0]: joint for joint, bones in self.a.joints.items()}
        for bone, joint in role.items():
            above = self.a.above(joint)
            if not above or self.rig.locked[bone, :3].all():
                continue
            line = self._ancestors(bone)
            carrier = self.a.joints[above][-1 if above in SHARED else 0]
            reversed_limb = any(self._is_below(role[b], joint) for b in line if b in role)
            if carrier not in line or reversed_limb:
                offset = rest[bone] - rest[carrier]
                self._place[bone] = lambda c=carrier, o=offset: self.head(c) + quat.rotate(self.delta(c), o)

    def _ancestors(self, bone):
        """The bones above that carry `bone` along: up to one without a role that keeps its own direction."""
        line = []
        while self.rig.parents[bone] >= 0:
            bone = int(self.rig.parents[bone])
            line.append(bone)
            if bone not in self._wanted and not self.rig.inherit_rotation[bone]:
                break
        return line

    @staticmethod
    def _is_below(joint, other):
        while joint:
            joint = parent_of(joint)
            if joint == other:
                return True
        return False

    def head(self, bone):
        """(T,3) or (3,): where the bone's head will be."""
        if bone not in self._head:
            self._head[bone] = self._place[bone]() if bone in self._place else self._base(bone)
        return self._head[bone]

    def _base(self, bone):
        rest, parent = self.rig.rest[:, :3, 3], self.rig.parents[bone]
        if parent < 0:
            return rest[bone]
        return self.head(parent) + quat.rotate(self.delta(parent), rest[bone] - rest[parent])

    def motion(self, fps, props) -> RigMotion:
        for bone in self._place:
            axes = location_axes(self.rig, self.rest, bone, self.delta)
            self.location[:, bone] = quat.rotate(quat.inverse(axes), self.head(bone) - self._base(bone))
        return RigMotion(self.rig.bones, self.basis, self.location, self.keyed, fps, props)
