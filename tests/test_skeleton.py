"""Laws of the canonical skeleton and of walking up and down it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import motion_on, rotations, seeds

from poseloom.errors import BadArray
from poseloom.motion import quat
from poseloom.motion.skeleton import (
    FINGERS, JOINTS, MIRROR, PARENTS, fk, global_rotations, local_rotations, motion_fk, parent_of, standard,
)  # fmt: skip
from poseloom.motion.types import Skeleton

each = settings(max_examples=25, deadline=None)


@each
@given(seeds)
def test_local_rotations_undo_forward_kinematics(seed):
    lrot = rotations(np.random.default_rng(seed), 4, len(JOINTS))
    grot, _ = fk(lrot, standard().offsets, PARENTS)
    assert quat.angle(local_rotations(grot, PARENTS), lrot).max() < 1e-7
    assert quat.angle(global_rotations(lrot, PARENTS), grot).max() < 1e-7


@each
@given(seeds)
def test_forward_kinematics_is_the_chain_of_matrices(seed):
    rng = np.random.default_rng(seed)
    skeleton = standard()
    lrot = rotations(rng, len(skeleton))
    grot, gpos = fk(lrot, skeleton.offsets, skeleton.parents)
    world = []
    for joint, parent in enumerate(skeleton.parents):
        local = np.eye(4)
        local[:3, :3], local[:3, 3] = quat.to_matrix(lrot[joint]), skeleton.offsets[joint]
        world.append(world[parent] @ local if parent >= 0 else local)
    np.testing.assert_allclose(quat.to_matrix(grot), np.array(world)[:, :3, :3], atol=1e-9)
    np.testing.assert_allclose(gpos, np.array(world)[:, :3, 3], atol=1e-9)


@each
@given(seeds)
def test_bones_keep_their_length_whatever_the_pose(seed):
    skeleton = standard()
    _, gpos = motion_fk(motion_on(skeleton, np.random.default_rng(seed)))
    bones = gpos[:, 1:] - gpos[:, skeleton.parents[1:]]
    want = np.linalg.norm(skeleton.offsets[1:], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(bones, axis=-1), np.broadcast_to(want, bones.shape[:2]), atol=1e-6)


@each
@given(seeds)
def test_turning_the_whole_body_turns_every_place(seed):
    rng = np.random.default_rng(seed)
    motion = motion_on(standard(), rng)
    turn = rotations(rng)
    lrot = np.array(motion.lrot)
    lrot[:, 0] = quat.multiply(turn, lrot[:, 0])
    _, gpos = motion_fk(motion)
    _, turned = motion_fk(motion.with_(lrot=lrot, root=quat.rotate(turn, motion.root)))
    np.testing.assert_allclose(turned, quat.rotate(turn, gpos), atol=1e-5)


def test_the_standard_body_stands_on_the_floor_facing_minus_y():
    skeleton = standard(1.8)
    rest = np.tile(quat.IDENTITY, (len(skeleton), 1))
    _, gpos = fk(rest, skeleton.offsets, skeleton.parents)
    ends = gpos + skeleton.tips
    assert 0.0 <= ends[:, 2].min() < 0.03
    assert gpos[skeleton.index("toe_l"), 1] < gpos[skeleton.index("foot_l"), 1]
    assert gpos[skeleton.index("hand_l"), 0] > 0.5 and gpos[skeleton.index("hand_r"), 0] < -0.5


def test_left_and_right_mirror_each_other():
    skeleton = standard()
    np.testing.assert_array_equal(skeleton.offsets[list(MIRROR)], skeleton.offsets * np.float32([-1, 1, 1]))
    assert [MIRROR[k] for k in MIRROR] == list(range(len(JOINTS)))


def test_every_joint_has_a_parent_that_comes_before_it():
    names = JOINTS + FINGERS
    assert len(set(names)) == 52
    for i, name in enumerate(names[1:], 1):
        assert names.index(parent_of(name)) < i
    assert parent_of("pelvis") == parent_of("root") == ""
    assert parent_of("index1_l") == "hand_l" and parent_of("index3_r") == "index2_r"


@pytest.mark.parametrize("parents", [[0, 0], [-1, 1], [-1, -1]])
def test_a_skeleton_out_of_order_is_refused(parents):
    with pytest.raises(BadArray, match="parents"):
        Skeleton(("a", "b"), parents, np.zeros((2, 3)), np.zeros((2, 3)))
