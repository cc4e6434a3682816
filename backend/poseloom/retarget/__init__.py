"""Canonical motion <-> any rig that has roles, whatever its rest pose, rolls, axes and unit.

    motion = from_rig(rig_motion, rig)          rig_motion = to_rig(motion, rig)

Global rotations are carried over joint by joint, so a bone that one side lacks needs no rule: what is below it
still points where it should.
"""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..errors import BadInput
from ..motion import quat
from ..motion.skeleton import global_rotations, local_rotations, parent_of
from ..motion.types import Motion, Rig, RigMotion
from .align import SHARED, SPINE, Alignment, align
from .carry import onto_root, rig_in_place, rig_travel
from .controls import place_controls, turn_controls
from .floor import grounded
from .limbs import proportions, skeleton_of
from .pose import Posed, Poser, global_pose, pose_matrices
from .rest import as_rest, moved_to
from .soles import under
from .stance import plant, travel
from .twist import carrier, share, twists

__all__ = ["ROOTS", "from_rig", "global_pose", "grounded", "pose_matrices", "retarget", "skeleton_of", "to_rig"]

# who goes over the ground: the hips, the rig's root bone, or nobody
ROOTS = ("hips", "bone", "in_place")


def to_rig(
    motion: Motion, rig: Rig, *, plant_feet: bool = True, root: str = "hips", rest: Optional[RigMotion] = None
) -> RigMotion:
    """`motion` on `rig`: rotations of the bones with roles, the pelvis' location, switches as constant props.

    Limbs point where the motion's point, but for legs whose feet are near the floor: these reach to where the
    feet stand, scaled by the leg length, and so do hands that rest, unless `plant_feet` is False.  Twist bones share
    the twist; other bones without a role stay at rest.  `root` is one of ROOTS.  The first frame of `rest` is taken
    as the rig's rest pose.  BadInput where the rig lacks hips, legs or arms, its object is mirrored, or it has no
    root bone and that is to travel.
    """
    if root not in ROOTS:
        raise BadInput("bad_option", f'There is no way to travel called "{root}".', f"Known: {', '.join(ROOTS)}.")
    if rest is not None:
        other = as_rest(rig, rest)
        return moved_to(to_rig(motion, other, plant_feet=plant_feet, root=root), other, rig)
    a = align(rig)
    grot = global_rotations(motion.lrot, motion.skeleton.parents)
    target = proportions(a)
    place = travel(grot, motion.root, motion.skeleton, target)
    if plant_feet:
        grot, place = plant(motion, grot, place, target, under(a))
    wanted = _wanted_deltas(a, motion.skeleton, grot)
    share(a, twists(rig, a), wanted)
    turn_controls(rig, a, wanted)
    poser = Poser(rig, wanted, len(motion))
    poser.place(a.joints["pelvis"][0], (place - rig.world[:3, 3]) @ np.linalg.inv(rig.world[:3, :3]).T)
    for bone, limb in _loose_bones(rig, a):
        poser.hang(bone, limb)
    place_controls(rig, a, poser)
    out = poser.motion(motion.fps, {path: np.full(len(motion), value) for path, value in rig.switches.items()})
    if root == "in_place":
        return rig_in_place(out, rig, rig_travel(out, rig, turn=False))
    return onto_root(out, rig, rig_travel(out, rig)) if root == "bone" else out


def from_rig(rig_motion: RigMotion, rig: Rig, *, rest: Optional[RigMotion] = None) -> Motion:
    """The canonical motion of a rig with roles, on `skeleton_of(rig)`: undoes `to_rig`; `rest` as there."""
    if rest is not None:
        other = as_rest(rig, rest)
        return from_rig(moved_to(rig_motion, rig, other), other)
    a = align(rig)
    posed, skeleton, frames, cut = Posed(rig, rig_motion), proportions(a), len(rig_motion), twists(rig, a)
    grot = np.zeros((frames, len(skeleton), 4))
    for i, joint in enumerate(skeleton.names):
        if joint in a.joints:
            above = skeleton.names.index(a.above(joint)) if a.above(joint) else -1
            grot[:, i] = _joint_rotation(a, posed, joint, grot[:, above] if above >= 0 else None, cut)
        else:
            grot[:, i] = grot[:, skeleton.names.index(parent_of(joint))]
    _fill_between(a, skeleton, grot)
    pelvis = posed.head(a.joints["pelvis"][0]) @ rig.world[:3, :3].T + rig.world[:3, 3]
    place = np.broadcast_to(pelvis, (frames, 3))
    return Motion(skeleton, local_rotations(grot, skeleton.parents), place, rig_motion.fps)


def retarget(
    rig_motion: RigMotion, source: Rig, target: Rig, *, source_rest: Optional[RigMotion] = None, **options
) -> RigMotion:
    """A recorded clip on another rig, with its floor put to zero; options as `to_rig`."""
    return to_rig(grounded(from_rig(rig_motion, source, rest=source_rest)), target, **options)


def _joint_rotation(a: Alignment, posed: Posed, joint, above, cut):
    """(T,4) global; of several bones that share a joint's turn, the turn that bends their chain as far as it is."""
    bones = a.joints[joint] if joint in SHARED and above is not None else [carrier(cut, joint, a.joints[joint][0])]
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


def _wanted_deltas(a: Alignment, skeleton, grot):
    """{bone: (T,4)} the rotation in armature axes that each bone with a role makes from rest."""
    wanted, back = {}, quat.inverse(a.turn)
    column = {name: i for i, name in enumerate(skeleton.names)}

    def delta(joint, tpose):
        return quat.multiply(quat.multiply(back, grot[:, column[joint]]), tpose)

    for joint, bones in a.joints.items():
        if joint not in column:
            continue
        turned, above = delta(joint, a.tpose[joint]), a.above(joint)
        if joint in SHARED and len(bones) > 1 and above:
            start = delta(above, a.tpose[joint])
            for k, bone in enumerate(bones, 1):
                wanted[bone] = quat.slerp(start, turned, np.array(k / len(bones)))
        else:
            wanted[bones[0]] = turned
    return wanted


def _loose_bones(rig: Rig, a: Alignment):
    """(bone, carrier) of bones that do not hang from the limb above, and must be carried to where that limb ends."""
    role = {bones[0]: joint for joint, bones in a.joints.items()}
    mapped = {bone for bones in a.joints.values() for bone in bones}
    for bone, joint in role.items():
        above = a.above(joint)
        if not above or rig.locked[bone, :3].all():
            continue
        carrier = a.joints[above][-1 if above in SHARED else 0]
        line = _carriers(rig, bone, mapped)
        if carrier not in line or any(_is_below(role[b], joint) for b in line if b in role):
            yield bone, carrier


def _carriers(rig: Rig, bone, mapped):
    """The bones above that carry `bone` along: up to one without a role that keeps its own direction."""
    line = []
    while rig.parents[bone] >= 0:
        bone = int(rig.parents[bone])
        line.append(bone)
        if bone not in mapped and not rig.inherit_rotation[bone]:
            break
    return line


def _is_below(joint, other):
    while joint:
        joint = parent_of(joint)
        if joint == other:
            return True
    return False
