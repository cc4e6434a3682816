"""Laws of retargeting, on rigs of every build, rest pose, roll, axis and unit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import motion_on, object_world, plan, rigs, rotations, seeds

from poseloom.errors import BadInput
from poseloom.motion import contacts, quat
from poseloom.motion.skeleton import local_rotations, motion_fk, standard
from poseloom.retarget import from_rig, global_pose, grounded, pose_matrices, skeleton_of, to_rig
from poseloom.retarget.floor import floor_level

_PAIRS = (("upper_arm", "forearm"), ("thigh", "shin"), ("shin", "foot"))
LIMBS = [(f"{a}_{s}", f"{b}_{s}") for s in "lr" for a, b in _PAIRS]
RESTS = {
    "T": dict(),
    "A": dict(arms_down_rad=0.8, leg_spread_rad=0.1, toe_out_rad=0.2),
    "down": dict(arms_down_rad=1.5),
    "bent": dict(arms_down_rad=0.6, elbow_rad=1.2),
}


def limb_directions(rig, rig_motion):
    """(T,L,3) unit directions of the limbs between the heads of their bones, in the world."""
    _, gpos = global_pose(rig, rig_motion)
    ends = [[rig.index(rig.roles[joint][0]) for joint in limb] for limb in LIMBS]
    return np.stack([unit(gpos[:, b] - gpos[:, a]) for a, b in ends], axis=1)


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def angles(a, b):
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1))


@settings(max_examples=50, deadline=None)
@given(rigs(all_joints=True), seeds)
def test_from_rig_undoes_to_rig(case, seed):
    rig = case.rig()
    motion = motion_on(skeleton_of(rig), np.random.default_rng(seed))
    back = from_rig(to_rig(motion, rig), rig)
    assert back.skeleton.names == motion.skeleton.names
    np.testing.assert_allclose(back.skeleton.offsets, motion.skeleton.offsets, atol=1e-7)
    assert quat.angle(back.lrot, motion.lrot).max() < 1e-4
    assert np.abs(back.root - motion.root).max() < 1e-4


@settings(max_examples=40, deadline=None)
@given(rigs(), seeds)
def test_what_a_rig_with_missing_bones_can_show_comes_back(case, seed):
    rig = case.rig()
    shown = from_rig(to_rig(motion_on(skeleton_of(rig), np.random.default_rng(seed)), rig), rig)
    again = from_rig(to_rig(shown, rig), rig)
    assert quat.angle(again.lrot, shown.lrot).max() < 1e-4
    assert np.abs(again.root - shown.root).max() < 1e-4


@settings(max_examples=40, deadline=None)
@given(rigs(), seeds)
def test_limbs_point_where_the_source_points(case, seed):
    rig = case.rig()
    motion = motion_on(standard(), np.random.default_rng(seed))
    _, gpos = motion_fk(motion)
    index = motion.skeleton.index
    has = [limb for limb in LIMBS if limb[1] in rig.roles]
    source = np.stack([unit(gpos[:, index(b)] - gpos[:, index(a)]) for a, b in has], axis=1)
    assert angles(limb_directions(rig, to_rig(motion, rig, plant_feet=False)), source).max() < 1e-4


@pytest.mark.parametrize("rest", RESTS)
@pytest.mark.parametrize("source_rest", RESTS)
def test_rest_poses_on_either_side_do_not_matter(rest, source_rest):
    rng = np.random.default_rng(7)
    source = plan(rng, **RESTS[source_rest]).build(rng, object_world(rng))
    target = plan(rng, **RESTS[rest]).build(rng, object_world(rng))
    clip = to_rig(motion_on(skeleton_of(source), rng), source)
    moved = to_rig(from_rig(clip, source), target, plant_feet=False)
    assert angles(limb_directions(source, clip), limb_directions(target, moved)).max() < 1e-4


@pytest.mark.parametrize("rest", RESTS)
def test_the_t_pose_stands_upright_with_level_arms_and_palms_down(rest):
    rng = np.random.default_rng(3)
    rig = plan(rng, fingers=True, **RESTS[rest]).build(rng, object_world(rng))
    skeleton = skeleton_of(rig)
    still = motion_on(skeleton, rng, frames=1, reach_rad=0.0)
    still = still.with_(lrot=np.broadcast_to(quat.IDENTITY, still.lrot.shape), root=skeleton.offsets[:1])
    rig_motion = to_rig(still, rig)
    rotations_, places = global_pose(rig, rig_motion)
    at = {joint: places[0, rig.index(bones[0])] for joint, bones in rig.roles.items()}
    np.testing.assert_allclose(unit(at["hand_l"] - at["upper_arm_l"]), [1, 0, 0], atol=1e-4)
    np.testing.assert_allclose(unit(at["hand_r"] - at["upper_arm_r"]), [-1, 0, 0], atol=1e-4)
    for side in "lr":
        np.testing.assert_allclose(unit(at[f"foot_{side}"] - at[f"thigh_{side}"]), [0, 0, -1], atol=1e-4)
        # index in front of the little finger, toes in front of the ankle
        np.testing.assert_allclose(unit(at[f"index1_{side}"] - at[f"pinky1_{side}"])[1:], [-1, 0], atol=0.05)
        assert abs(unit(at[f"toe_{side}"] - at[f"foot_{side}"])[0]) < 1e-4
        assert at[f"toe_{side}"][1] < at[f"foot_{side}"][1]


@pytest.mark.parametrize("sign, side", [(1.0, "l"), (-1.0, "r")])
def test_a_well_bent_elbow_at_rest_tells_its_hinge(sign, side):
    """Arms held out with the forearms straight up: laid into the T-pose they would bend forwards."""
    rng = np.random.default_rng(5)
    made = plan(rng, hands=False)
    up = made.bones.index(f"fore_{side}")
    made.tails[up] = made.heads[up] + [0, 0, 0.25]
    rig = made.build(rng)
    forward = quat.from_axis_angle([0, 0, 1], np.array(-sign * np.pi / 2))
    motion = motion_on(skeleton_of(rig), rng, frames=1, reach_rad=0.0)
    lrot = np.tile(quat.IDENTITY, (1, len(motion.skeleton), 1))
    lrot[:, motion.skeleton.index(f"forearm_{side}")] = forward
    matrices = pose_matrices(rig, to_rig(motion.with_(lrot=lrot), rig))
    rest_bend = rig.rest[rig.index(f"arm_{side}")][:3, :3].T @ rig.rest[up][:3, :3]
    bend = matrices[0, rig.index(f"arm_{side}"), :3, :3].T @ matrices[0, up, :3, :3]
    # forearm forward by 90 degrees is just how this rig rests: no twist between its two bones
    np.testing.assert_allclose(bend, rest_bend, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from(sorted(RESTS)))
def test_rolls_and_axes_do_not_matter(seed, rest):
    made = plan(np.random.default_rng(seed), **RESTS[rest])
    rng = np.random.default_rng(seed + 1)
    first, second = made.build(rng), made.build(rng)
    motion = motion_on(standard(), rng)
    poses = [pose_matrices(rig, to_rig(motion, rig)) @ np.linalg.inv(rig.rest) for rig in (first, second)]
    np.testing.assert_allclose(*poses, atol=2e-5)


@settings(max_examples=20, deadline=None)
@given(rigs(), seeds)
def test_the_object_transform_changes_nothing_in_the_world(case, seed):
    rig = case.rig()
    rng = np.random.default_rng(seed)
    motion = motion_on(standard(), rng)
    plain = to_rig(motion, rig)
    grot, gpos = global_pose(rig, plain)
    turned = rig.with_(world=_turned(rotations(rng)) @ rig.world)
    grot_turned, gpos_turned = global_pose(turned, to_rig(motion, turned))
    assert quat.angle(grot, grot_turned)[:, plain.keyed].max() < 1e-4
    np.testing.assert_allclose(gpos[:, plain.keyed], gpos_turned[:, plain.keyed], atol=1e-4)
    other = rig.with_(world=object_world(rng))
    # another size: compared without IK, whose straight knees are sensitive to rounding
    grot, _ = global_pose(rig, to_rig(motion, rig, plant_feet=False))
    grot_other, _ = global_pose(other, to_rig(motion, other, plant_feet=False))
    assert quat.angle(grot, grot_other)[:, plain.keyed].max() < 1e-4


def _turned(rotation):
    world = np.eye(4)
    world[:3, :3] = quat.to_matrix(rotation)
    return world


@settings(max_examples=20, deadline=None)
@given(rigs(), seeds)
def test_frames_do_not_see_each_other(case, seed):
    rig = case.rig()
    rng = np.random.default_rng(seed)
    motion = motion_on(standard(), rng, frames=6)
    order = rng.permutation(6)
    whole = to_rig(motion, rig)
    shuffled = to_rig(motion.with_(lrot=motion.lrot[order], root=motion.root[order]), rig)
    assert quat.angle(whole.basis[order], shuffled.basis).max() < 1e-5
    np.testing.assert_allclose(whole.location[order], shuffled.location, atol=1e-6, rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(3, 6), st.integers(1, 3), st.booleans())
def test_bones_lie_where_forward_kinematics_puts_the_joints(seed, spine, neck, helpers):
    """Exactly so where every joint has one bone or none."""
    rng = np.random.default_rng(seed)
    rig = plan(rng, spine=3, neck=1, helpers=helpers, fingers=True, elbow_rad=0.3).build(rng, object_world(rng))
    motion = motion_on(skeleton_of(rig), rng)
    _, joints = motion_fk(motion)
    _, bones = global_pose(rig, to_rig(motion, rig))
    for joint, role in rig.roles.items():
        if joint != "root":
            np.testing.assert_allclose(bones[:, rig.index(role[0])], joints[:, motion.skeleton.index(joint)], atol=1e-4)


@pytest.mark.parametrize("count", range(1, 7))
def test_any_number_of_spine_bones_ends_with_the_chest_and_bends_evenly(count):
    rng = np.random.default_rng(1)
    rig = plan(rng, spine=count).build(rng)
    skeleton = skeleton_of(rig)
    lrot = np.tile(quat.IDENTITY, (1, len(skeleton), 1))
    for joint in ("spine1", "spine2", "spine3"):
        lrot[0, skeleton.index(joint)] = quat.from_axis_angle([1, 0, 0], np.array(0.3))
    motion = motion_on(skeleton, rng, frames=1, reach_rad=0.0).with_(lrot=lrot, root=[[0, 0, 1]])
    grot, _ = global_pose(rig, to_rig(motion, rig))
    rest = quat.from_matrix(rig.rest[:, :3, :3])
    turned = quat.log(quat.multiply(grot[0], quat.inverse(rest)))[[rig.index(f"spine{k}") for k in range(count)], 0]
    assert turned[-1] == pytest.approx(0.9, abs=1e-5)
    steps = np.diff(turned, prepend=0.0)
    assert steps.min() > 0.1 and steps.max() < 0.9 / count * 2 + 1e-6


def test_feet_stay_on_the_floor_when_legs_are_longer():
    rng = np.random.default_rng(2)
    source, target = standard(1.75), plan(rng).build(rng)
    turns = np.tile(quat.IDENTITY, (3, len(source), 1))
    for bend, frame in ((0.0, 0), (0.5, 1), (1.2, 2)):  # squats
        for side in "lr":
            turns[frame, source.index(f"thigh_{side}")] = quat.from_axis_angle([1, 0, 0], np.array(-bend))
            turns[frame, source.index(f"shin_{side}")] = quat.from_axis_angle([1, 0, 0], np.array(2 * bend))
            turns[frame, source.index(f"foot_{side}")] = quat.from_axis_angle([1, 0, 0], np.array(-bend))
    shin = abs(source.offsets[source.index("foot_l"), 2])
    thigh = abs(source.offsets[source.index("shin_l"), 2])
    root = [[0, 0, source.offsets[0, 2] - (thigh + shin) * (1 - np.cos(b))] for b in (0.0, 0.5, 1.2)]
    motion = motion_on(source, rng, frames=3).with_(lrot=turns, root=root)
    _, gpos = global_pose(target, to_rig(motion, target))
    for bone in ("foot_l", "foot_r", "toe_l", "toe_r"):
        at_rest = target.rest[target.index(bone), 2, 3]
        np.testing.assert_allclose(gpos[:, target.index(bone), 2], at_rest, atol=0.005)


def stepping(skeleton, frames=120, fps=30.0):
    """Marking time on the spot: one foot lifted, then the other, by legs that reach; the hips sway."""
    leg = {s: [skeleton.index(f"{n}_{s}") for n in ("thigh", "shin", "foot", "toe")] for s in "lr"}
    t = np.arange(frames) / fps
    thigh, shin = (np.linalg.norm(skeleton.offsets[leg["l"][k]]) for k in (1, 2))
    root = np.stack([0.02 * np.sin(t), 0.02 * np.cos(t), skeleton.offsets[0, 2] - 0.06 + 0.01 * np.sin(3 * t)], axis=-1)
    grot = np.tile(quat.IDENTITY, (frames, len(skeleton), 1))
    for sign, side in ((1.0, "l"), (-1.0, "r")):
        lift = 0.3 * (thigh + shin) * np.maximum(sign * np.sin(2 * np.pi * t), 0.0)
        hip = root + skeleton.offsets[leg[side][0]]
        ankle = skeleton.offsets[0] + skeleton.offsets[leg[side][:3]].sum(axis=0) + lift[:, None] * [0.0, 0.0, 1.0]
        away = ankle - hip
        far = np.linalg.norm(away, axis=-1)
        bend = np.arccos((thigh**2 + far**2 - shin**2) / (2 * thigh * far))
        knee = np.arccos((thigh**2 + shin**2 - far**2) / (2 * thigh * shin))
        reach = quat.between(np.array([0.0, 0.0, -1.0]), away)
        grot[:, leg[side][0]] = quat.multiply(reach, quat.from_axis_angle([1, 0, 0], -bend))
        grot[:, leg[side][1]] = quat.multiply(reach, quat.from_axis_angle([1, 0, 0], np.pi - knee - bend))
    rng = np.random.default_rng(0)
    return motion_on(skeleton, rng, frames).with_(lrot=local_rotations(grot, skeleton.parents), root=root, fps=fps)


@pytest.mark.parametrize("seed", range(6))
def test_standing_feet_neither_slide_nor_sink_nor_float_on_other_proportions(seed):
    """The source's feet stand still to 0.1 mm; so must the target's, 1 mm, whatever its legs, hips and feet."""
    rng = np.random.default_rng(seed)
    source, target = standard(1.75), plan(rng, toe_out_rad=0.2, leg_spread_rad=0.1).build(rng, object_world(rng, False))
    motion = stepping(source)
    seen = contacts.foot_points(motion)
    back = from_rig(to_rig(motion, target), target)
    points = contacts.foot_points(back)
    for k in range(4):
        standing = seen[:, k, 2] < 0.001
        assert standing.sum() > 40
        halves = np.split(np.flatnonzero(standing), np.flatnonzero(np.diff(np.flatnonzero(standing)) > 1) + 1)
        for frames in halves:
            assert np.ptp(points[frames, k], axis=0).max() < 0.001
            assert np.abs(points[frames, k, 2]).max() < 0.001
    assert points[..., 2].min() > -0.001


def test_a_big_foot_on_tiptoe_bends_its_toes_and_does_not_sink():
    rng = np.random.default_rng(1)
    made = plan(rng)
    for side in "lr":
        k = made.bones.index(f"toe_{side}")
        made.tails[k] = made.heads[k] + [0.0, -0.2, 0.0]
    rig, source = made.build(rng), standard(1.75)
    grot = np.tile(quat.IDENTITY, (1, len(source), 1))
    for joint in ("foot_l", "foot_r", "toe_l", "toe_r"):
        grot[0, source.index(joint)] = quat.from_axis_angle([1, 0, 0], np.array(0.5))
    motion = motion_on(source, rng, 1).with_(lrot=local_rotations(grot, source.parents), root=source.offsets[:1])
    toe = source.index("toe_l")
    tip = motion_fk(motion)[1][0, toe] + quat.rotate(grot[0, toe], source.tips[toe])
    motion = motion.with_(root=motion.root - [0.0, 0.0, tip[2]])
    matrices = pose_matrices(rig, to_rig(motion, rig))
    for side in "lr":
        k = rig.index(f"toe_{side}")
        tip = matrices[0, k] @ np.linalg.inv(rig.rest[k]) @ np.append(rig.tails[k], 1.0)
        assert tip[2] > -0.001


def test_a_clip_recorded_above_the_floor_is_put_down_and_its_contacts_found():
    motion = stepping(standard())
    lifted = motion.with_(root=motion.root + [0.0, 0.0, 0.07])
    down = grounded(lifted)
    np.testing.assert_allclose(down.root, motion.root, atol=0.002)
    np.testing.assert_array_equal(down.lrot, motion.lrot)
    assert down.contact[:, 0].mean() == pytest.approx(0.5, abs=0.1)
    # a clip without a still foot stays where it is
    sliding = motion.with_(root=motion.root + np.linspace(0, 40, len(motion))[:, None] * [1.0, 0.0, 0.0])
    np.testing.assert_array_equal(grounded(sliding).root, sliding.root)


def test_a_floor_that_is_touched_once_is_found():
    """Far below all other resting heights, so that no height lies near a percentile between the two."""
    points = np.full((20, 2, 3), 0.2)
    points[10, 0, 2] = 0.0
    assert floor_level(points, 30.0) == 0.0


def test_a_foot_that_hangs_from_the_root_stays_at_the_end_of_the_shin():
    rng = np.random.default_rng(4)
    tied = plan(rng)
    loose = plan(np.random.default_rng(4))
    for side in "lr":
        loose.parents[loose.bones.index(f"foot_{side}")] = 0
    motion = motion_on(standard(), rng)
    for rig in (tied.build(rng), loose.build(rng, object_world(rng))):
        grot, gpos = global_pose(rig, to_rig(motion, rig, plant_feet=False))
        for side in "lr":
            gap = gpos[:, rig.index(f"foot_{side}")] - gpos[:, rig.index(f"shin_{side}")]
            length = np.linalg.norm(gap, axis=-1)
            assert np.ptp(length) < 1e-5
            _, joints = motion_fk(motion)
            seen = joints[:, motion.skeleton.index(f"foot_{side}")] - joints[:, motion.skeleton.index(f"shin_{side}")]
            assert angles(gap, seen).max() < 1e-4
    back = from_rig(to_rig(motion, rig, plant_feet=False), rig)
    assert quat.angle(back.lrot, motion.lrot).max() < 1e-4


def test_limbs_strung_upside_down_still_move():
    """Some rigs hang the thigh from the shin and the shin from the foot."""
    rng = np.random.default_rng(4)
    made = plan(rng, toes=False)
    order = [b for b in made.bones if not b.startswith(("thigh", "shin", "foot"))]
    order += [f"{n}_{s}" for s in "lr" for n in ("foot", "shin", "thigh")]
    parent = {b: made.bones[p] if p >= 0 else None for b, p in zip(made.bones, made.parents)}
    for side in "lr":
        parent.update({f"foot_{side}": "root", f"shin_{side}": f"foot_{side}", f"thigh_{side}": f"shin_{side}"})
    where = [made.bones.index(b) for b in order]
    made.heads, made.tails = [made.heads[i] for i in where], [made.tails[i] for i in where]
    made.bones, made.parents = order, [order.index(parent[b]) if parent[b] else -1 for b in order]
    rig = made.build(rng)
    motion = motion_on(standard(), rng)
    _, joints = motion_fk(motion)
    index = motion.skeleton.index
    source = np.stack([unit(joints[:, index(b)] - joints[:, index(a)]) for a, b in LIMBS], axis=1)
    assert angles(limb_directions(rig, to_rig(motion, rig, plant_feet=False)), source).max() < 1e-4


def test_only_bones_with_roles_and_twist_bones_are_keyed_and_only_hips_travel():
    rng = np.random.default_rng(0)
    rig = plan(rng, helpers=True).build(rng).with_(switches={'pose.bones["arm"]["IK_FK"]': 1.0})
    out = to_rig(motion_on(standard(), rng), rig)
    roles = {b for joint, bones in rig.roles.items() if joint != "root" for b in bones}
    assert {b for b, keyed in zip(out.bones, out.keyed) if keyed} == roles | {"twist_l", "twist_r"}
    assert {b for b, place in zip(out.bones, out.location[0]) if np.isfinite(place).any()} == {"hips"}
    np.testing.assert_array_equal(out.props['pose.bones["arm"]["IK_FK"]'], np.ones(len(out)))


def test_neighbouring_keys_lie_in_the_same_half():
    rng = np.random.default_rng(0)
    skeleton = standard()
    turn = quat.from_axis_angle([0.2, 0.3, 1.0], np.linspace(0, 20, 200))
    lrot = np.repeat(turn[:, None], len(skeleton), axis=1)
    rig = plan(rng).build(rng, object_world(rng))
    basis = to_rig(motion_on(skeleton, rng, 200).with_(lrot=lrot), rig).basis
    assert (np.sum(basis[1:] * basis[:-1], axis=-1) > 0).all()


@pytest.mark.parametrize("scale", [(-1, 1, 1), (-1, -1, -1), (1, 0, 1)])
def test_a_mirrored_or_flat_object_is_refused(scale):
    rng = np.random.default_rng(0)
    rig = plan(rng).build(rng).with_(world=np.diag([*scale, 1]))
    with pytest.raises(BadInput, match="scale"):
        to_rig(motion_on(standard(), rng), rig)


def test_a_rig_without_shins_is_refused_by_name():
    rng = np.random.default_rng(0)
    rig = plan(rng).build(rng)
    rig = rig.with_(roles={k: v for k, v in rig.roles.items() if k != "shin_l"})
    with pytest.raises(BadInput, match="shin_l"):
        to_rig(motion_on(standard(), rng), rig)


def test_an_unevenly_scaled_object_puts_the_hips_in_the_right_place():
    rng = np.random.default_rng(0)
    rig = plan(rng).build(rng).with_(world=np.diag([1.5, 1.0, 0.8, 1.0]))
    motion = motion_on(skeleton_of(rig), rng)
    back = from_rig(to_rig(motion, rig), rig)
    assert quat.angle(back.lrot, motion.lrot).max() < 1e-4
    np.testing.assert_allclose(back.root, motion.root, atol=1e-4)
