"""Laws of quaternions, each against matrices or against its own inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rotations, seeds

from poseloom.motion import quat

ORDERS = ("xyz", "xzy", "yxz", "yzx", "zxy", "zyx")
each = settings(max_examples=25, deadline=None)


def same_rotation(a, b, atol_rad=1e-7):
    assert quat.angle(a, b).max() < atol_rad


@each
@given(seeds)
def test_multiplying_is_turning_one_after_the_other(seed):
    rng = np.random.default_rng(seed)
    a, b, v = rotations(rng, 20), rotations(rng, 20), rng.normal(size=(20, 3))
    np.testing.assert_allclose(quat.rotate(quat.multiply(a, b), v), quat.rotate(a, quat.rotate(b, v)), atol=1e-12)
    np.testing.assert_allclose(quat.to_matrix(quat.multiply(a, b)), quat.to_matrix(a) @ quat.to_matrix(b), atol=1e-12)


@each
@given(seeds)
def test_rotating_is_the_matrix_times_the_vector_and_keeps_lengths(seed):
    rng = np.random.default_rng(seed)
    q, v = rotations(rng, 20), rng.normal(size=(20, 3))
    turned = quat.rotate(q, v)
    np.testing.assert_allclose(turned, np.einsum("tij,tj->ti", quat.to_matrix(q), v), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(v, axis=-1), atol=1e-12)


@each
@given(seeds)
def test_the_inverse_undoes(seed):
    q = rotations(np.random.default_rng(seed), 20)
    same_rotation(quat.multiply(q, quat.inverse(q)), np.broadcast_to(quat.IDENTITY, q.shape))


@each
@given(seeds)
def test_matrices_come_back(seed):
    q = rotations(np.random.default_rng(seed), 200)
    same_rotation(quat.from_matrix(quat.to_matrix(q)), q)


def test_matrices_of_half_turns_come_back():
    """Where the trace is -1 and the naive formula divides by zero."""
    axes = np.concatenate([np.eye(3), rotations(np.random.default_rng(0), 50)[:, 1:]])
    half_turns = quat.from_axis_angle(axes, np.full(len(axes), np.pi))
    same_rotation(quat.from_matrix(quat.to_matrix(half_turns)), half_turns)


@each
@given(seeds)
def test_exp_undoes_log(seed):
    q = rotations(np.random.default_rng(seed), 50)
    same_rotation(quat.exp(quat.log(q)), q)
    assert (np.linalg.norm(quat.log(q), axis=-1) <= np.pi + 1e-12).all()


@pytest.mark.parametrize("length", [0.0, 1e-14, 1e-10, 1e-8, 1e-4])
def test_exp_and_log_are_exact_for_tiny_turns(length):
    v = length * np.array([0.6, 0.0, -0.8])
    np.testing.assert_allclose(quat.log(quat.exp(v)), v, rtol=1e-9, atol=1e-16)


@pytest.mark.parametrize("order", ORDERS)
@each
@given(seed=seeds)
def test_euler_angles_come_back_as_the_same_rotation(order, seed):
    q = rotations(np.random.default_rng(seed), 50)
    angles_rad = quat.to_euler(q, order)
    same_rotation(quat.from_euler(angles_rad, order), q)
    assert np.abs(angles_rad[:, 1]).max() <= np.pi / 2


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("middle_rad", [np.pi / 2, -np.pi / 2])
def test_euler_angles_at_the_poles_are_the_same_rotation(order, middle_rad):
    angles_rad = np.array([[0.3, middle_rad, -0.7], [2.0, middle_rad, 1.0], [0.0, middle_rad, 0.0]])
    q = quat.from_euler(angles_rad, order)
    same_rotation(quat.from_euler(quat.to_euler(q, order), order), q, 1e-5)


@pytest.mark.parametrize("order", ORDERS)
def test_euler_order_is_that_of_the_matrices(order):
    angles_rad = np.array([0.3, -0.5, 1.1])
    axes = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1]}
    product = np.eye(3)
    for letter, angle in zip(order, angles_rad):
        product = product @ quat.to_matrix(quat.from_axis_angle(axes[letter], np.array(angle)))
    np.testing.assert_allclose(quat.to_matrix(quat.from_euler(angles_rad, order)), product, atol=1e-12)


@each
@given(seeds)
def test_between_takes_one_direction_to_the_other_the_short_way(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 30, 3))
    q = quat.between(a, b)
    unit_a, unit_b = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (a, b))
    np.testing.assert_allclose(quat.rotate(q, unit_a), unit_b, atol=1e-9)
    turned = np.linalg.norm(quat.log(q), axis=-1)
    np.testing.assert_allclose(turned, np.arccos(np.clip(np.sum(unit_a * unit_b, -1), -1, 1)), atol=1e-6)


@pytest.mark.parametrize("axis", [*np.eye(3), np.array([0.6, -0.64, 0.48])])
def test_between_opposite_directions_is_half_a_turn(axis):
    np.testing.assert_allclose(quat.rotate(quat.between(axis, -axis), axis), -axis, atol=1e-9)


@each
@given(seeds)
def test_two_vectors_fix_a_rotation(seed):
    rng = np.random.default_rng(seed)
    along, beside, primary, secondary = rng.normal(size=(4, 10, 3))
    q = quat.from_two_vectors(primary, secondary, along, beside)
    got, want = quat.rotate(q, along), primary
    np.testing.assert_allclose(np.cross(got, want), 0.0, atol=1e-9)
    assert (np.sum(got * want, -1) > 0).all()
    # the second direction lies in the half plane of the first and `secondary`
    normal = np.cross(primary, secondary)
    assert np.abs(np.sum(quat.rotate(q, beside) * normal, -1)).max() < 1e-9
    share = np.sum(secondary * primary, -1, keepdims=True) / np.sum(primary**2, -1, keepdims=True)
    across = secondary - share * primary
    assert (np.sum(quat.rotate(q, beside) * across, -1) > 0).all()


@each
@given(seeds, st.floats(0.0, 1.0))
def test_slerp_goes_the_short_way_at_constant_speed(seed, t):
    rng = np.random.default_rng(seed)
    a, b = rotations(rng, 20), rotations(rng, 20)
    q = quat.slerp(a, b, np.full(20, t))
    np.testing.assert_allclose(quat.angle(a, q), t * quat.angle(a, b), atol=1e-6)
    np.testing.assert_allclose(quat.angle(q, b), (1 - t) * quat.angle(a, b), atol=1e-6)


@each
@given(seeds)
def test_unroll_keeps_rotations_and_removes_jumps(seed):
    rng = np.random.default_rng(seed)
    steps = quat.exp(rng.normal(size=(60, 4, 3)) * 0.3)
    q = np.empty_like(steps)
    q[0] = steps[0]
    for t in range(1, 60):
        q[t] = quat.multiply(q[t - 1], steps[t])
    jumpy = q * rng.choice([-1.0, 1.0], (60, 4, 1))
    smooth = quat.unroll(jumpy)
    same_rotation(smooth, q)
    assert (np.sum(smooth[1:] * smooth[:-1], -1) >= 0).all()
    np.testing.assert_array_equal(smooth[0], jumpy[0])


@each
@given(seeds)
def test_swing_and_twist_make_the_whole(seed):
    rng = np.random.default_rng(seed)
    q, axis = rotations(rng, 20), rng.normal(size=(20, 3))
    axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
    swing, twist = quat.swing_twist(q, axis)
    same_rotation(quat.multiply(swing, twist), q)
    np.testing.assert_allclose(np.cross(twist[:, 1:], axis), 0.0, atol=1e-9)
    np.testing.assert_allclose(np.sum(swing[:, 1:] * axis, -1), 0.0, atol=1e-9)
    np.testing.assert_allclose(quat.rotate(swing, axis), quat.rotate(q, axis), atol=1e-9)


def test_a_zero_quaternion_becomes_the_identity():
    np.testing.assert_array_equal(quat.normalise(np.zeros((2, 4))), np.tile(quat.IDENTITY, (2, 1)))
