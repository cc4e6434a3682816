"""What moves: feet and hands that rest, the root, twist bones; at any frame rate."""

from __future__ import annotations

import numpy as np
import pytest
from rig_records import record
from strategies import motion_on, plan
from test_retarget import stepping

from poseloom.errors import BadInput
from poseloom.motion import contacts, quat
from poseloom.motion.bvh import read_bvh
from poseloom.motion.resample import resample
from poseloom.motion.skeleton import motion_fk, standard
from poseloom.motion.types import RigMotion
from poseloom.retarget import ROOTS, from_rig, global_pose, grounded, skeleton_of, to_rig
from poseloom.retarget.hands import palms
from poseloom.retarget.floor import rests
from poseloom.retarget.rest import as_rest, moved_to
from poseloom.retarget.tracks import eased, smoothed
from poseloom.rigs.recognise import recognise


def slipping(seed=0, frames=120):
    """Marking time with feet that drift by centimetres while they rest, and their contacts."""
    motion = stepping(standard(), frames)
    still = contacts.foot_points(motion)[..., 2] < 0.001
    drift = np.cumsum(np.random.default_rng(seed).normal(size=(frames, 3)) * [0.003, 0.003, 0.0005], axis=0)
    contact = np.concatenate([still, np.zeros((frames, 2))], axis=-1)
    return motion.with_(root=motion.root + drift, contact=contact)


def balls_of(rig, rig_motion):
    return contacts.foot_points(from_rig(rig_motion, rig))


@pytest.mark.parametrize("seed", range(4))
def test_a_foot_that_rests_stays_in_one_place_though_the_sources_slips(seed):
    rng = np.random.default_rng(seed)
    rig, motion = plan(rng, toe_out_rad=0.1).build(rng), slipping(seed)
    points = balls_of(rig, to_rig(motion, rig))
    for side in (0, 1):
        for start, end in contacts.runs(motion.contact[:, 2 + side] > 0.5):
            assert np.ptp(points[start:end, 2 + side, :2], axis=0).max() < 2e-4
        rest = motion.contact[:, :4] > 0.5
    assert np.abs(points[..., 2][rest]).max() < 2e-3
    assert points[..., 2].min() > -2e-3


def test_between_rests_feet_move_smoothly_and_knees_do_not_pop():
    """The knees' angular acceleration is that of the same body with free legs, to a third."""
    rng = np.random.default_rng(2)
    rig, motion = plan(rng).build(rng), slipping()

    def knees(plant_feet):
        back = from_rig(to_rig(motion, rig, plant_feet=plant_feet), rig)
        at = [back.skeleton.index("shin_l"), back.skeleton.index("shin_r")]
        return np.degrees(np.linalg.norm(quat.log(back.lrot[:, at]), axis=-1))

    free, planted = (np.diff(knees(plant), 2, axis=0) for plant in (False, True))
    assert np.abs(planted).max() < 1.33 * np.abs(free).max() + 1.0


@pytest.mark.parametrize("fps", [24.0, 60.0, 29.97])
def test_another_frame_rate_keeps_contacts(fps):
    rng = np.random.default_rng(1)
    rig, motion = plan(rng).build(rng), resample(slipping(), fps)
    points = balls_of(rig, to_rig(motion, rig))[:, 2:]
    rest = motion.contact[:, 2:4] >= 0.5
    assert rest.mean() > 0.3
    held = rest[1:] & rest[:-1]
    speed = np.linalg.norm(np.diff(points[..., :2], axis=0), axis=-1) * fps
    assert np.percentile(speed[held], 95) < 0.005


def test_hands_that_touch_the_floor_stay_where_they_touched():
    """On all fours, the hips swaying: other arms, other legs, the same hands on the floor."""
    skeleton = standard()
    turns = np.tile(quat.IDENTITY, (60, len(skeleton), 1))
    sway = 0.02 * np.sin(np.linspace(0, 9, 60))
    about = {"pelvis": 1.5, "thigh_l": -1.4, "thigh_r": -1.4, "shin_l": 1.5, "shin_r": 1.5}
    for joint, angle in about.items():
        turns[:, skeleton.index(joint)] = quat.from_axis_angle([1, 0, 0], np.array(angle))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        # arms forward of the body, which now is down
        turns[:, skeleton.index(f"upper_arm_{side}")] = quat.from_axis_angle([0, 0, 1], np.array(-sign * 1.3))
    motion = motion_on(skeleton, np.random.default_rng(0), 60).with_(lrot=turns, root=np.zeros((60, 3)))
    _, places = motion_fk(motion)
    hands = [skeleton.index("hand_l"), skeleton.index("hand_r")]
    root = np.stack([sway, sway, np.full(60, 0.05 - places[0, hands, 2].min())], axis=-1)
    contact = np.zeros((60, 6))
    contact[:, 4:] = 1.0
    motion = motion.with_(root=root, contact=contact)
    rng = np.random.default_rng(3)
    rig = plan(rng).build(rng)
    back = from_rig(to_rig(motion, rig), rig)
    _, joints = motion_fk(back)
    grot, _ = motion_fk(back)
    for hand, middle in zip(hands, palms(back.skeleton)):
        palm = joints[:, hand] + quat.rotate(grot[:, hand], middle)
        assert np.ptp(palm, axis=0).max() < 0.002
    free = motion_fk(from_rig(to_rig(motion, rig, plant_feet=False), rig))[1]
    assert np.ptp(free[:, hands[0]], axis=0).max() > 0.015


def test_rests_have_sharp_ends_and_a_slip_ends_one():
    place = np.zeros((60, 1, 3))
    place[20:, 0, 0] = 0.3
    place[40:, 0, 0] = np.linspace(0.3, 3.0, 20)
    # the jump is a slip, and the run has no rest
    found = rests(place, 30.0)[:, 0] > 0.5
    np.testing.assert_array_equal(np.delete(found, [19, 20]), np.delete(np.arange(60) < 41, [19, 20]))
    creeping = place * 0.0
    creeping[:, 0, 0] = np.linspace(0.0, 0.25, 60) + 0.05 * (np.arange(60) > 30)
    creeping *= 0.5
    found = rests(creeping, 30.0)[:, 0] > 0.5
    assert 0 < (~found).sum()
    for start, end in contacts.runs(found):
        assert np.ptp(creeping[start:end, 0, 0]) < 0.07


@pytest.mark.parametrize("root", ROOTS)
def test_the_chosen_bone_travels_and_poses_stay(root):
    rng = np.random.default_rng(0)
    rig = plan(rng).build(rng)
    motion = slipping()
    walk = motion.with_(root=motion.root + np.linspace(0, 2, len(motion))[:, None] * [0.3, -1.0, 0.0])
    out, hips = to_rig(walk, rig, root=root), to_rig(walk, rig)
    grot, gpos = global_pose(rig, out)
    _, expected = global_pose(rig, hips)
    at, top = rig.index("hips"), rig.index("root")
    moved = np.ptp(gpos[:, top, :2], axis=0).max()
    if root == "in_place":
        assert np.ptp(gpos[:, at, :2], axis=0).max() < 1e-4
        np.testing.assert_allclose(gpos[:, at, 2], expected[:, at, 2], atol=1e-4)
        return
    keyed = hips.keyed
    np.testing.assert_allclose(gpos[:, keyed], expected[:, keyed], atol=1e-4)
    assert (moved > 1.0) if root == "bone" else (moved == 0.0)


def test_a_way_to_travel_that_is_none_is_refused():
    rng = np.random.default_rng(0)
    rig = plan(rng).build(rng)
    with pytest.raises(BadInput, match="nowhere"):
        to_rig(slipping(), rig, root="nowhere")


def twist_deg(rig, rig_motion, bone, below):
    """Degrees by which `bone` turns about the limb relative to `below`, at each frame."""
    grot, _ = global_pose(rig, rig_motion)
    rest = quat.from_matrix(rig.rest[:, :3, :3])
    turned = [quat.multiply(grot[:, rig.index(b)], quat.inverse(rest[rig.index(b)])) for b in (below, bone)]
    return np.degrees(np.linalg.norm(quat.log(quat.multiply(quat.inverse(turned[0]), turned[1])), axis=-1))


@pytest.mark.parametrize("angle", [0.4, 1.2])
def test_bones_that_cut_a_limb_share_its_twist(angle):
    rng = np.random.default_rng(0)
    rig = plan(rng, helpers=True).build(rng)
    skeleton = skeleton_of(rig)
    lrot = np.tile(quat.IDENTITY, (3, len(skeleton), 1))
    lrot[1:, skeleton.index("upper_arm_l")] = quat.from_axis_angle([1, 0, 0], np.array(angle))
    motion = motion_on(skeleton, rng, 3).with_(lrot=lrot, root=np.zeros((3, 3)))
    out = to_rig(motion, rig)
    assert twist_deg(rig, out, "arm_l", "clavicle_l")[1] == pytest.approx(np.degrees(angle) / 2.0, abs=0.1)
    assert twist_deg(rig, out, "twist_l", "clavicle_l")[1] == pytest.approx(np.degrees(angle), abs=0.1)
    assert twist_deg(rig, out, "fore_l", "twist_l")[1] < 0.1
    assert quat.angle(from_rig(out, rig).lrot, motion.lrot).max() < 1e-4


def test_a_named_twist_bone_beside_the_forearm_takes_its_part_of_the_hands_turn():
    rng = np.random.default_rng(0)
    made = plan(rng)
    fore, hand = made.bones.index("fore_l"), made.bones.index("hand_l")
    at = made.heads[fore] + 0.75 * (made.heads[hand] - made.heads[fore])
    made.add("lowerarm_twist_01_l", "fore_l", at, at + [0.03, 0.0, 0.0])
    made.add("muscle_l", "fore_l", at, at + [0.03, 0.0, 0.0])
    rig = made.build(rng)
    skeleton = skeleton_of(rig)
    lrot = np.tile(quat.IDENTITY, (2, len(skeleton), 1))
    lrot[1, skeleton.index("hand_l")] = quat.from_axis_angle([1, 0, 0], np.array(1.0))
    out = to_rig(motion_on(skeleton, rng, 2).with_(lrot=lrot, root=np.zeros((2, 3))), rig)
    assert twist_deg(rig, out, "lowerarm_twist_01_l", "fore_l")[1] == pytest.approx(np.degrees(0.75), abs=0.5)
    assert not out.keyed[rig.index("muscle_l")]


def test_curves_are_eased_from_hold_to_hold():
    values = np.zeros((40, 1))
    values[10:12], values[30:] = 1.0, -1.0
    known = values[:, 0] != 0.0
    out, weight = eased(values, known, 30.0)
    np.testing.assert_array_equal(out[known], values[known])
    assert weight[known].min() == 1.0 and weight[0] == 0.0 and weight[20] == 0.0
    assert np.abs(np.diff(out[:, 0])).max() < 0.3


def test_long_curves_are_smoothed_as_short_ones():
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=(1500, 2)), axis=0)
    weight = rng.uniform(0.02, 1.0, 1500)
    long = smoothed(x, weight, 3.0, 30.0)
    short = smoothed(x[:500], weight[:500], 3.0, 30.0)
    assert np.abs(long[:450] - short[:450]).max() < 1e-3 * np.ptp(x)


@pytest.mark.parametrize("name", ["mixamo", "unreal", "rigify_metarig", "cmu"])
def test_a_recorded_walk_keeps_its_feet_and_its_legs(data, name):
    """Less than half a centimetre a second and a degree, where the recording itself slides by several."""
    source, recorded = read_bvh(data / "mocap" / "odd" / "daz_02_01.bvh")
    source = recognise(source).rig
    motion = grounded(from_rig(recorded, source))
    rig = recognise(record(name)).rig
    planted, free = (from_rig(to_rig(motion, rig, plant_feet=plant), rig) for plant in (True, False))
    points, rest = contacts.foot_points(planted), motion.contact[:, :4] > 0.5
    held = rest[1:, 2:] & rest[:-1, 2:]
    speed = np.linalg.norm(np.diff(points[:, 2:, :2], axis=0), axis=-1) * motion.fps
    assert np.percentile(speed[held], 95) < 0.005
    assert np.percentile(np.abs(points[..., 2][rest]), 95) < 0.01
    assert np.percentile(-points[..., 2].min(axis=-1), 95) < 0.005
    both = [motion_fk(m)[1] for m in (planted, free)]
    errors = []
    for side in "lr":
        for a, b in (("thigh", "shin"), ("shin", "foot")):
            i, j = (motion.skeleton.index(f"{n}_{side}") for n in (a, b))
            u, v = (p[:, j] - p[:, i] for p in both)
            errors.append(np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), np.sum(u * v, axis=-1)))
    assert np.degrees(np.median(errors)) < 1.0


@pytest.mark.parametrize("seed", range(3))
def test_a_pose_can_stand_for_the_rest_pose(seed):
    """A rig bound with folded limbs, of which one knows how it stands upright: as good as one built upright."""
    rng = np.random.default_rng(seed)
    rig = plan(rng, helpers=True).build(rng)
    motion = slipping()
    wanted, keyed = global_pose(rig, to_rig(motion, rig))[1], to_rig(motion, rig).keyed
    turns = np.tile(quat.IDENTITY, (1, len(rig), 1))
    turns[0, 1:] = quat.exp(rng.uniform(-1.0, 1.0, (len(rig) - 1, 3)))
    nowhere = np.full((1, len(rig), 3), np.nan)
    folding = RigMotion(rig.bones, turns, nowhere, np.ones(len(rig), bool), 30.0)
    folded = as_rest(rig, folding)
    upright = moved_to(RigMotion(rig.bones, np.tile(quat.IDENTITY, (1, len(rig), 1)), np.zeros((1, len(rig), 3)),
                                 np.ones(len(rig), bool), 30.0), rig, folded)  # fmt: skip
    out = to_rig(motion, folded, rest=upright)
    np.testing.assert_allclose(global_pose(folded, out)[1][:, keyed], wanted[:, keyed], atol=1e-4)
    back, expected = from_rig(out, folded, rest=upright), from_rig(to_rig(motion, rig), rig)
    assert quat.angle(back.lrot, expected.lrot).max() < 1e-4
    np.testing.assert_allclose(back.root, expected.root, atol=1e-4)
