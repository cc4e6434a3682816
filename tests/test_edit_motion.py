"""Mirror, in place and root motion, and loops, of canonical motion."""

import cmu_clips
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import motion_on, seeds

from poseloom.chains import clip_to_motion
from poseloom.errors import BadInput
from poseloom.motion import filters, loop, quat
from poseloom.motion.bvh import read_bvh
from poseloom.motion.contacts import foot_points
from poseloom.motion.mirror import mirror, other_side
from poseloom.motion.skeleton import MIRROR, motion_fk, standard
from poseloom.motion.travel import Travel, heading, in_place, travel_of, travelling

FPS = 30.0


def full(seed, frames=7):
    """A random motion with everything a Motion may hold."""
    rng = np.random.default_rng(seed)
    body = standard(rng.uniform(0.5, 2.0))
    curves = {name: rng.random(frames) for name in ("blinkLeft", "blinkRight", "jaw")}
    return motion_on(body, rng, frames).with_(
        contact=rng.random((frames, 6)), score=rng.random((frames, len(body))), curves=curves
    )


def assert_same(a, b, atol=0.0):
    for name in ("lrot", "root", "contact", "score"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=atol, rtol=0, err_msg=name)
    assert set(a.curves) == set(b.curves)
    for name, curve in a.curves.items():
        np.testing.assert_allclose(curve, b.curves[name], atol=atol)
    np.testing.assert_array_equal(a.skeleton.offsets, b.skeleton.offsets)


@given(seeds)
def test_mirrored_twice_is_the_motion_itself(seed):
    motion = full(seed)
    assert_same(mirror(mirror(motion)), motion)


@given(seeds)
def test_a_mirrored_body_is_where_the_mirror_shows_it(seed):
    motion = full(seed)
    made = mirror(motion)
    expected = motion_fk(motion)[1][:, MIRROR] * [-1.0, 1.0, 1.0]
    np.testing.assert_allclose(motion_fk(made)[1], expected, atol=1e-5)
    np.testing.assert_array_equal(made.contact[:, [1, 0]], motion.contact[:, [0, 1]])
    np.testing.assert_array_equal(made.curves["blinkLeft"], motion.curves["blinkRight"])


@pytest.mark.parametrize(
    "name, other",
    [
        ("hand_l", "hand_r"), ("mixamorig:LeftHand", "mixamorig:RightHand"), ("upper_arm_fk.L", "upper_arm_fk.R"),
        ("Bip01 R Thigh", "Bip01 L Thigh"), ("J_Bip_L_Hand", "J_Bip_R_Hand"), ("lShldr", "rShldr"),
        ("LThumb", "RThumb"),
        ("thigh_r_twist.001", "thigh_l_twist.001"), ("spine_01", "spine_01"), ("l", "r"), ("root", "root"),
        ("DEF-shin.L.001", "DEF-shin.R.001"), ("collar", "collar"), ("eye_right", "eye_left"),
    ],
)  # fmt: skip
def test_names_of_sides(name, other):
    assert other_side(name) == other and other_side(other) == name


@given(seeds, st.booleans(), st.sampled_from([None, 1.0]))
def test_in_place_and_back_is_the_motion_itself(seed, turn, smooth_hz):
    motion = full(seed)
    travel = travel_of(motion, turn=turn, smooth_hz=smooth_hz)
    still = in_place(motion, travel)
    assert_same(travelling(still, travel), motion, atol=1e-5)
    if smooth_hz is None:
        np.testing.assert_allclose(still.root[:, :2], 0.0, atol=1e-5)
    np.testing.assert_allclose(still.root[:, 2], motion.root[:, 2], atol=1e-5)


@given(seeds, st.floats(-3.0, 3.0))
def test_a_body_in_place_does_not_know_which_way_it_went(seed, yaw):
    """Carried along any path, upright bodies come back the same."""
    rng = np.random.default_rng(seed)
    motion = motion_on(standard(), rng, 30)
    lrot = np.array(motion.lrot)
    lrot[:, 0] = quat.exp(0.4 * rng.uniform(-1, 1, (30, 3)))
    motion = motion.with_(lrot=lrot)
    path = Travel(np.cumsum(rng.normal(size=(30, 2)), axis=0), np.linspace(0.0, 3.0 * yaw, 30) + yaw)
    moved = travelling(motion, path)
    a, b = (in_place(m, travel_of(m)) for m in (motion, moved))
    assert quat.angle(a.lrot, b.lrot).max() < 1e-3
    np.testing.assert_allclose(a.root, b.root, atol=1e-4)


@pytest.mark.parametrize("axis", [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
def test_a_cartwheel_and_a_somersault_do_not_turn_the_way(axis):
    turns = quat.from_axis_angle(np.tile(axis, (61, 1)), np.linspace(0.0, 2.0 * np.pi, 61))
    np.testing.assert_allclose(heading(turns), 0.0, atol=1e-6)


def walking(rng, cycles=3, period=30, turn=0.0, noise=0.0):
    """A motion that repeats after `period` frames, going 1 m and turning by `turn` a cycle; and a little noise."""
    body, frames = standard(), cycles * period + 1
    phase = 2.0 * np.pi * np.arange(frames) / period
    wave = rng.normal(size=(len(body), 3)) * 0.3
    shift = rng.uniform(0, 6, len(body))
    turns = np.sin(phase[:, None] + shift)[..., None] * wave + noise * filters.smooth(
        rng.normal(size=(frames, len(body) * 3)), 2.0, FPS
    ).reshape(frames, -1, 3)
    still = motion_on(body, rng, frames).with_(
        lrot=quat.exp(turns), root=np.stack([0 * phase, 0 * phase, 1.0 + 0.03 * np.sin(2.0 * phase)], axis=-1)
    )
    heading_at = turn * np.arange(frames) / period
    steps = np.stack([np.sin(heading_at), -np.cos(heading_at)], axis=-1) / period
    return travelling(still, Travel(np.cumsum(steps, axis=0), heading_at))


@given(seeds, st.sampled_from([20, 30, 41]))
@settings(max_examples=20, deadline=None)
def test_the_period_of_what_repeats_is_found(seed, period):
    start, end = loop.find_cycle(walking(np.random.default_rng(seed), 3, period))
    assert end - start == period


@given(seeds, st.booleans(), st.sampled_from([0.0, 0.4, -1.5]))
@settings(max_examples=20, deadline=None)
def test_a_loop_closes_in_pose_and_speed(seed, stay, turn):
    rng = np.random.default_rng(seed)
    source = walking(rng, 3, 30, turn, noise=0.2)
    made = loop.make_loop(source, 30, 60, stay=stay, plant_feet=False)
    assert len(made) == 31
    # what comes after the last frame is the second one, carried by the cycle's own way
    way = travel_of(made)
    still = in_place(made, way)
    np.testing.assert_allclose(still.lrot[-1], still.lrot[0], atol=1e-5)
    np.testing.assert_allclose(still.root[-1], still.root[0], atol=1e-5)
    step = quat.log(quat.multiply(quat.inverse(still.lrot[:-1]), still.lrot[1:]))
    jump = np.linalg.norm(step[0] - step[-1], axis=-1)
    usual = np.linalg.norm(np.diff(step, axis=0), axis=-1)
    assert jump.max() < 1.5 * usual.max()
    speed = np.diff(way.xy, axis=0)
    assert np.linalg.norm(_turned(speed[0], way.yaw[-1] - way.yaw[0]) - speed[-1]) < 0.004
    if stay:
        np.testing.assert_allclose(made.root[-1], made.root[0], atol=1e-5)
        assert abs(way.yaw[-1] - way.yaw[0]) < 1e-4
    else:
        np.testing.assert_allclose(made.root[[0, -1], :2], source.root[[30, 60], :2], atol=1e-4)


def _turned(xy, yaw):
    return np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]) @ xy


def test_what_repeats_already_is_not_changed():
    source = walking(np.random.default_rng(0), 3, 30, 0.3)
    made = loop.make_loop(source, 30, 60)
    assert np.degrees(quat.angle(made.lrot, source.lrot[30:61])).max() < 0.01
    np.testing.assert_allclose(made.root, source.root[30:61], atol=1e-4)


def test_no_cycle_and_bad_ranges_are_refused():
    still = motion_on(standard(), np.random.default_rng(0), 1)
    held = still.with_(lrot=np.repeat(still.lrot, 60, axis=0), root=np.repeat(still.root, 60, axis=0), contact=None,
                       score=None)  # fmt: skip
    with pytest.raises(BadInput, match="comes back"):
        loop.find_cycle(held)
    with pytest.raises(BadInput, match="no loop"):
        loop.make_loop(held, 50, 60)
    with pytest.raises(BadInput, match="no loop"):
        loop.make_loop(held, 5, 6)


CMU = {"02_01": (1.0, 1.3), "07_01": (1.0, 1.3), "09_01": (0.6, 0.9), "05_01": (1.0, 1.4), "49_02": (0.9, 1.8)}


@pytest.fixture(scope="module")
def cmu(data, tmp_path_factory):
    return cmu_clips.unpack(data, tmp_path_factory.mktemp("cmu"), CMU)


@pytest.mark.parametrize("name", CMU)
def test_walks_and_runs_become_one_cycle_with_feet_that_stand(cmu, name):
    """A walk takes about 1.1 s for two steps, a run 0.7 s, a jump on the spot a little more."""
    source, _ = clip_to_motion(*read_bvh(cmu / f"{name}.bvh"))
    start, end = loop.find_cycle(source)
    assert CMU[name][0] <= (end - start) / source.fps <= CMU[name][1]
    made = loop.make_loop(source, start, end)
    assert np.linalg.norm(made.root[-1] - made.root[0] - source.root[end] + source.root[start]) < 0.08
    assert np.degrees(quat.angle(made.lrot, source.lrot[start : end + 1])).max() < 30.0
    resting = (made.contact[1:, :4] > 0.5) & (made.contact[:-1, :4] > 0.5)
    points = foot_points(made)
    speed = np.linalg.norm(np.diff(points[..., :2], axis=0), axis=-1) * made.fps
    was = np.linalg.norm(np.diff(foot_points(source)[start : end + 1, :, :2], axis=0), axis=-1) * made.fps
    assert np.percentile(speed[resting], 95) < 0.5 * np.percentile(was[resting], 95)
