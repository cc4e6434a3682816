"""Two-bone inverse kinematics."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from poseloom.motion import quat
from poseloom.motion.ik import two_bone
from strategies import seeds

THIGH, SHIN, KNEE_WARD = np.array([0.0, 0.0, -0.43]), np.array([0.0, 0.0, -0.41]), np.array([0.0, -1.0, 0.0])
X = np.array([1.0, 0.0, 0.0])


def leg(rng, count, bend=(0.05, 2.2)):
    """Random turns of the thigh and knees bent by `bend` radians."""
    upper = quat.exp(rng.uniform(-1.0, 1.0, (count, 3)))
    return upper, quat.multiply(upper, quat.from_axis_angle(X, rng.uniform(*bend, count)))


def ends(start, upper, lower):
    knee = start + quat.rotate(upper, THIGH)
    return knee, knee + quat.rotate(lower, SHIN)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_ik_undoes_fk(seed):
    """A leg sent where it stands stays as it is, to 1e-6 rad."""
    rng = np.random.default_rng(seed)
    start, (upper, lower) = rng.normal(size=(20, 3)), leg(rng, 20, (0.3, 2.2))
    _, foot = ends(start, upper, lower)
    new_upper, new_lower = two_bone(upper, lower, THIGH, SHIN, start, foot, KNEE_WARD)
    assert quat.angle(new_upper, upper).max() < 1e-6
    assert quat.angle(new_lower, lower).max() < 1e-6


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_end_reaches_what_it_can_and_points_at_what_it_cannot(seed):
    """Within 1e-6 m; out of reach the limb is straight towards the target, to 1e-3 rad."""
    rng = np.random.default_rng(seed)
    start, (upper, lower) = rng.normal(size=(40, 3)), leg(rng, 40)
    direction = quat.rotate(upper, np.array([0.0, 0.0, -1.0])) + 0.4 * rng.normal(size=(40, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    distance = rng.uniform(0.1, 1.1, (40, 1))
    target = start + distance * direction
    knee, foot = ends(start, *two_bone(upper, lower, THIGH, SHIN, start, target, KNEE_WARD))
    near = distance[:, 0] < 0.84 - 1e-6
    assert np.linalg.norm(foot - target, axis=-1)[near].max(initial=0.0) < 1e-6
    along = (foot - start) / np.linalg.norm(foot - start, axis=-1, keepdims=True)
    assert np.linalg.norm(along - direction, axis=-1)[~near].max(initial=0.0) < 1e-3
    assert np.abs(np.linalg.norm(knee - start, axis=-1) - 0.43).max() < 1e-9


@settings(max_examples=30, deadline=None)
@given(seeds, st.floats(0.02, 0.83))
def test_the_knee_keeps_its_side(seed, reach):
    """Pulling a foot along its own line bends the knee about the same axis and never backwards."""
    rng = np.random.default_rng(seed)
    start, (upper, lower) = np.zeros((20, 3)), leg(rng, 20, (0.0, 2.2))
    _, foot = ends(start, upper, lower)
    target = foot / np.linalg.norm(foot, axis=-1, keepdims=True) * reach
    new_upper, new_lower = two_bone(upper, lower, THIGH, SHIN, start, target, KNEE_WARD)
    hinge = quat.log(quat.multiply(quat.inverse(new_upper), new_lower))
    assert (hinge[:, 0] > 0.0).all()
    assert np.abs(hinge[:, 1:]).max() < 1e-5


def test_no_knee_pop_while_the_leg_straightens():
    """A foot that moves evenly through full reach turns the thigh by less than 4 degrees a step of 2 mm."""
    upper = np.tile(quat.IDENTITY, (101, 1))
    lower = quat.multiply(upper, quat.from_axis_angle(X, np.linspace(0.2, 0.0, 101)))
    target = np.stack([np.zeros(101), np.zeros(101), -np.linspace(0.75, 0.95, 101)], axis=-1)
    new_upper, _ = two_bone(upper, lower, THIGH, SHIN, np.zeros((101, 3)), target, KNEE_WARD)
    assert np.degrees(quat.angle(new_upper[1:], new_upper[:-1])).max() < 4.0
    assert quat.rotate(new_upper, KNEE_WARD)[:, 1].max() < -0.8


def test_a_deep_squat_keeps_its_knees_in_front():
    """The thigh past level, its own front then facing backwards: the hinge alone tells where the knee belongs."""
    short, long, raised = 0.3, 0.45, np.radians([95.0, 105.0, 120.0])
    thigh = quat.from_axis_angle(X, -raised)
    shin = quat.from_axis_angle(X, np.arcsin(short / long * np.sin(raised)))
    bones = np.array([0.0, 0.0, -short]), np.array([0.0, 0.0, -long])
    ankle = quat.rotate(thigh, bones[0]) + quat.rotate(shin, bones[1])
    np.testing.assert_allclose(ankle[:, 1], 0.0, atol=1e-12)
    upper, _ = two_bone(thigh, shin, *bones, np.zeros((3, 3)), ankle * 1.1, KNEE_WARD)
    assert (quat.rotate(upper, bones[0])[:, 1] < -0.2).all()
