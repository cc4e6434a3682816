"""A rest pose for skeletons whose zero pose is none a body could take.

Some programs write every joint's rotation in the joint's own axes, so that with all channels at zero the limbs lie
folded over each other.  Their axes are right-angled: among the 24 such turns of each joint we take one that
lays the bone where a T-pose has it, and of these the nearest to what the joint does in the motion.
"""

from __future__ import annotations

from itertools import permutations, product

import numpy as np

from . import quat, skeleton

# how much an angle off the T-pose outweighs the same angle off the joint's mean rotation
_POSE_WEIGHT = 3.0


def stand_up(limbs, parents, heads, tails, basis, up, left):
    """(local (B,4), whole (B,4), heads (B,3), tails (B,3)) of a T-pose: each joint's rotation relative to its
    parent and in all, and where the bones then are; roots stay.

    limbs a `Limbs`; heads, tails (B,3) with all rotations zero; basis (T,B,4) the motion; up, left (3,) in the
    axes of the root.
    """
    targets = _targets(limbs, heads, np.asarray(up, float), np.asarray(left, float))
    turns, has_child = _right_angles(), np.isin(np.arange(len(parents)), parents)
    local = np.tile(quat.IDENTITY, (len(parents), 1))
    whole = local.copy()
    for joint, parent in enumerate(parents):
        if parent < 0:
            continue
        cost = quat.angle(turns, _mean(basis[:, joint]))
        # an End Site may be written in other axes than its joint: only a child's place counts
        if joint in targets and has_child[joint]:
            placed = quat.rotate(quat.multiply(whole[parent], turns), tails[joint] - heads[joint])
            cost = cost + _POSE_WEIGHT * _angle_between(placed, targets[joint])
        local[joint] = turns[np.argmin(cost)]
        whole[joint] = quat.multiply(whole[parent], local[joint])
    above = np.where((np.asarray(parents) >= 0)[:, None], heads[np.maximum(parents, 0)], 0.0)
    _, places = skeleton.fk(local, heads - above, parents)
    bones = quat.rotate(whole, tails - heads)
    for joint, direction in targets.items():
        if not has_child[joint]:
            bones[joint] = np.linalg.norm(bones[joint]) * direction
    return local, whole, places, places + bones


def _targets(limbs, heads, up, left):
    """{joint: direction (3,)} of the bones of a T-pose."""
    targets = {joint: up for joint in (*limbs.spine[1:], *limbs.head)}
    for sign, leg, arm in zip((1.0, -1.0), limbs.legs, limbs.arms):
        targets.update({joint: sign * left for joint in arm})
        steps = np.linalg.norm(np.diff(heads[list(leg)], axis=0), axis=-1)
        thigh = int(np.argmax(steps[:-1] + steps[1:])) if len(steps) > 1 else 0
        targets.update({joint: -up for joint in leg[thigh : thigh + 2]})
        targets.update({joint: np.cross(left, up) for joint in leg[thigh + 2 :]})
    return targets


def _right_angles():
    """(24,4) the rotations that take axes to axes."""
    matrices = []
    for order, signs in product(permutations(range(3)), product((1.0, -1.0), repeat=3)):
        matrix = np.zeros((3, 3))
        matrix[range(3), order] = signs
        if np.linalg.det(matrix) > 0:
            matrices.append(matrix)
    return quat.from_matrix(np.array(matrices))


def _mean(q):
    """The rotation nearest to all of q (T,4): main axis of their outer products (Markley et al. 2007)."""
    return np.linalg.eigh(np.einsum("ti,tj->ij", q, q))[1][:, -1]


def _angle_between(a, b):
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), a @ b)
