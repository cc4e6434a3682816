"""Mirror, in place and root motion, and loops on animators' rigs."""

import cmu_clips
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig_records import record
from strategies import motion_on, rigs, seeds

from poseloom.chains import clip_to_motion
from poseloom.errors import BadInput
from poseloom.motion import filters, quat
from poseloom.motion.bvh import read_bvh
from poseloom.motion.contacts import foot_points
from poseloom.motion.loop import find_cycle
from poseloom.motion.mirror import mirror
from poseloom.motion.resample import cut_rig
from poseloom.motion.travel import heading, travel_of
from poseloom.motion.types import Rig, RigMotion
from poseloom.retarget import from_rig, global_pose, grounded, skeleton_of, to_rig
from poseloom.retarget.carry import off_root, onto_root, rig_in_place, rig_travel, rig_travelling
from poseloom.retarget.cycle import loop_rig
from poseloom.retarget.sides import mirror_rig, sides
from poseloom.rigs.recognise import recognise

NAMES = ("mixamo", "unreal", "makehuman", "cmu", "rigify_metarig")


def known(name) -> Rig:
    return recognise(record(name)).rig


def waving(rig, rng, frames=20) -> RigMotion:
    """A smooth motion on all joints that the rig has."""
    motion = motion_on(skeleton_of(rig), rng, frames)
    turns = filters.smooth(rng.normal(size=(frames, motion.lrot.shape[1] * 3)), 2.0, 30.0).reshape(frames, -1, 3)
    root = motion.root + np.cumsum(rng.normal(size=(frames, 3)) * [0.05, 0.05, 0.0], axis=0)
    return to_rig(motion.with_(lrot=quat.exp(turns), root=root), rig, plant_feet=False)


def assert_same_pose(rig, a, b, rad=2e-4, metres=1e-4):
    """Rotations within what float32 allows, 2e-4 rad, and places within 0.1 mm of a body's size."""
    (grot, gpos), (grot2, gpos2) = global_pose(rig, a), global_pose(rig, b)
    assert quat.angle(grot, grot2).max() < rad
    size = max(1.0, np.abs(gpos).max())
    np.testing.assert_allclose(gpos2, gpos, atol=metres * size)


@given(rigs(), seeds)
@settings(max_examples=25, deadline=None)
def test_a_rig_mirrored_twice_moves_as_before(case, seed):
    rig = case.rig()
    motion = waving(rig, np.random.default_rng(seed))
    twice = mirror_rig(mirror_rig(motion, rig), rig)
    assert_same_pose(rig, motion, twice)
    np.testing.assert_array_equal(twice.keyed, motion.keyed)
    np.testing.assert_array_equal(np.isfinite(twice.location), np.isfinite(motion.location))


@pytest.mark.parametrize("name", NAMES)
def test_the_mirrored_rig_does_what_the_mirrored_motion_does(name):
    """Within 2 cm and 2 degrees, for real rigs are not quite symmetric."""
    rig = known(name)
    motion = waving(rig, np.random.default_rng(3))
    a, b = from_rig(mirror_rig(motion, rig), rig), mirror(from_rig(motion, rig))
    assert np.degrees(quat.angle(a.lrot, b.lrot)).max() < 2.0
    np.testing.assert_allclose(a.root, b.root, atol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_sides_pair_every_bone_of_a_real_rig(name):
    rig = known(name)
    partner = sides(rig)
    np.testing.assert_array_equal(partner[partner], np.arange(len(rig)))
    heads = rig.rest[:, :3, 3]
    np.testing.assert_allclose(heads[partner] * [-1.0, 1.0, 1.0], heads, atol=0.03)
    assert (partner != np.arange(len(rig))).sum() >= 2 * 8


def test_bones_without_names_are_paired_by_where_they_lie():
    rig = known("makehuman")
    used = {bone for bones in rig.roles.values() for bone in bones}
    bare = rig.with_(bones=tuple(bone if bone in used else f"bone {i}" for i, bone in enumerate(rig.bones)))
    assert len(used) < len(rig) - 20
    np.testing.assert_array_equal(sides(bare), sides(rig))


def test_a_trimmed_rig_motion_is_that_stretch():
    motion = waving(known("rigify_metarig"), np.random.default_rng(0))
    made = cut_rig(motion, "5", "0.5s")
    np.testing.assert_array_equal(made.basis, motion.basis[5:15])
    np.testing.assert_array_equal(made.location, motion.location[5:15])
    assert all(len(values) == 10 for values in made.props.values()) and made.props.keys() == motion.props.keys()
    with pytest.raises(BadInput, match="Nothing is left"):
        cut_rig(motion, "25")


def test_switches_change_sides_too():
    rig = known("rigify_metarig")
    bone, twin = "upper_arm.L", "upper_arm.R"
    motion = waving(rig, np.random.default_rng(0))
    path = 'pose.bones["%s"]["IK_FK"]'
    motion = RigMotion(motion.bones, motion.basis, motion.location, motion.keyed, 30.0, {path % bone: np.ones(20)})
    assert list(mirror_rig(motion, rig).props) == [path % twin]


def with_root(rig) -> Rig:
    """`rig` with a root bone, turned askew, under all that had no parent."""
    rest = np.eye(4)
    rest[:3, :3] = quat.to_matrix(quat.normalise([0.3, 0.5, -0.7, 0.2]))
    parents = np.where(rig.parents < 0, 0, rig.parents + 1)
    return Rig(
        ("the root",) + rig.bones, np.r_[-1, parents], np.concatenate([rest[None], rig.rest]),
        np.concatenate([[[0.0, 0.1, 0.0]], rig.tails]), rig.world,
        inherit_rotation=np.r_[True, rig.inherit_rotation], local_location=np.r_[True, rig.local_location],
        roles={**rig.roles, "root": ("the root",)}, name=rig.name,
    )  # fmt: skip


@given(rigs(), seeds, st.booleans(), st.sampled_from([None, 1.0]))
@settings(max_examples=25, deadline=None)
def test_root_motion_is_the_same_motion_and_comes_back(case, seed, turn, smooth_hz):
    rig = with_root(case.rig())
    motion = waving(rig, np.random.default_rng(seed))
    carried = onto_root(motion, rig, rig_travel(motion, rig, turn=turn, smooth_hz=smooth_hz))
    assert carried.keyed[0] and not motion.keyed[0]
    rest = [rig.bones.index(bone) for bone in rig.bones if bone != "the root"]
    for a, b in zip(global_pose(rig, motion), global_pose(rig, carried)):
        assert np.abs(np.abs(a) - np.abs(b))[:, rest][:, motion.keyed[rest]].max() < 1e-4 * max(1.0, np.abs(a).max())
    back = off_root(carried, rig)
    assert_same_pose(rig, motion, back)
    np.testing.assert_array_equal(back.keyed, motion.keyed)


@given(rigs(), seeds, st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_rig_in_place_and_back_moves_as_before(case, seed, turn):
    rig = case.rig()
    motion = waving(rig, np.random.default_rng(seed))
    travel = rig_travel(motion, rig, turn=turn)
    still = rig_in_place(motion, rig, travel)
    hips = rig.index(rig.roles["pelvis"][0])
    rest = (rig.world @ rig.rest[hips])[:2, 3]
    at = global_pose(rig, still)[1][:, hips, :2]
    np.testing.assert_allclose(at, np.broadcast_to(rest, at.shape), atol=1e-4 * max(1.0, np.abs(rig.world).max()))
    assert_same_pose(rig, motion, rig_travelling(still, rig, travel))


def test_root_motion_goes_where_the_hips_go_and_says_when_it_cannot():
    rig = with_root(known("mixamo"))
    motion = waving(rig, np.random.default_rng(0))
    places = global_pose(rig, onto_root(motion, rig, rig_travel(motion, rig)))[1]
    hips = rig.index(rig.roles["pelvis"][0])
    np.testing.assert_allclose(np.ptp(places[:, 0, 2]), 0.0, atol=1e-5)
    assert np.abs(np.diff(places[:, 0, :2] - places[:, hips, :2], axis=0)).max() < 0.02
    with pytest.raises(BadInput, match="root bone"):
        onto_root(waving(known("mixamo"), np.random.default_rng(0)), known("mixamo"), rig_travel(motion, rig))


CMU = ("02_01", "09_01", "49_02")


@pytest.fixture(scope="module")
def cmu(data, tmp_path_factory):
    return cmu_clips.unpack(data, tmp_path_factory.mktemp("cmu"), CMU)


@pytest.mark.parametrize("clip, name", [("02_01", "mixamo"), ("09_01", "unreal"), ("49_02", "makehuman")])
@pytest.mark.parametrize("stay", [False, True])
def test_a_captured_clip_loops_on_a_rig(cmu, clip, name, stay):
    rig = known(name)
    motion = to_rig(clip_to_motion(*read_bvh(cmu / f"{clip}.bvh"))[0], rig)
    source = grounded(from_rig(motion, rig))
    start, end = find_cycle(source)
    made = loop_rig(motion, rig, start, end, stay=stay)
    assert len(made) == end - start + 1
    body = from_rig(made, rig)
    way = travel_of(body)
    turn = quat.from_axis_angle([0.0, 0.0, 1.0], way.yaw[-1] - way.yaw[0])
    first = np.array(body.lrot[0], np.float64)
    first[0] = quat.multiply(turn, first[0])
    assert quat.angle(first, body.lrot[-1]).max() < 1e-3
    assert abs(body.root[-1, 2] - body.root[0, 2]) < 1e-4
    if stay:
        np.testing.assert_allclose(body.root[0], body.root[-1], atol=1e-4)
        assert abs(heading(body.lrot[:, 0])[[0, -1]] @ [1, -1]) < 1e-3
    else:
        # nobody wants a foot that slips once a cycle: it stands as feet of any retargeted clip do, within 0.5 cm/s,
        # where it rests in the clip that was looped
        resting = source.contact[start : end + 1, :4] > 0.5
        resting = resting[1:] & resting[:-1]
        slip = np.linalg.norm(np.diff(foot_points(body)[..., :2], axis=0), axis=-1)[resting] * body.fps
        assert len(slip) > 5
        assert np.percentile(slip, 95) < 0.005


@pytest.mark.parametrize("clip, name", [("02_01", "mixamo"), ("09_01", "unreal"), ("49_02", "makehuman")])
def test_heels_and_balls_stand_where_they_rested(cmu, clip, name):
    """A planted heel neither slips before the ball comes down nor swings about it: within 0.5 cm/s."""
    rig = known(name)
    recorded = clip_to_motion(*read_bvh(cmu / f"{clip}.bvh"))[0]
    body = from_rig(to_rig(recorded, rig), rig)
    resting = recorded.contact[:, :4] > 0.5
    resting = resting[1:] & resting[:-1]
    slip, slipped = (
        np.linalg.norm(np.diff(foot_points(m)[..., :2], axis=0), axis=-1)[resting] * body.fps for m in (body, recorded)
    )
    assert np.percentile(slipped, 95) > 0.1
    assert np.percentile(slip, 95) < 0.005
