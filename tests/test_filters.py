"""Filters against scipy, and the laws they must keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseloom.motion import filters, quat
from strategies import rotations, seeds


@settings(max_examples=25, deadline=None)
@given(seeds, st.integers(12, 120), st.floats(0.5, 14.0))
def test_butterworth_is_scipys_filtfilt(seed, frames, cutoff_hz):
    """Equal to 1e-9 of the data's size."""
    signal = pytest.importorskip("scipy.signal")
    x = np.random.default_rng(seed).normal(size=(frames, 3)).cumsum(axis=0)
    expected = signal.filtfilt(*signal.butter(2, cutoff_hz, fs=30.0), x, axis=0)
    assert np.abs(filters.butterworth(x, cutoff_hz, 30.0) - expected).max() < 1e-9 * max(1.0, np.abs(x).max())


@pytest.mark.parametrize("low_pass", [filters.butterworth, filters.smooth])
@pytest.mark.parametrize("fps", [20.0, 60.0, 240.0])
def test_half_the_amplitude_is_left_at_the_cutoff_and_no_phase_is_lost(low_pass, fps):
    t = np.arange(int(20 * fps)) / fps
    middle = (t > 5) & (t < 15)
    for hz, left in ((3.0, 0.5), (0.3, 1.0)):
        x = np.sin(2 * np.pi * hz * t)
        y = low_pass(x, 3.0, fps)[middle]
        assert np.dot(y, x[middle]) / np.dot(x[middle], x[middle]) == pytest.approx(left, abs=0.01)
        across = np.cos(2 * np.pi * hz * t)[middle]
        assert abs(np.dot(y, across)) / np.dot(across, across) < 2e-3


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 60))
def test_smoothing_knows_no_direction_of_time_and_keeps_straight_lines(seed, frames):
    rng = np.random.default_rng(seed)
    x, weight = rng.normal(size=(frames, 2)), rng.uniform(0.05, 1.0, (frames, 2))
    forth = filters.smooth(x, 4.0, 30.0, weight)
    back = filters.smooth(x[::-1], 4.0, 30.0, weight[::-1])[::-1]
    assert np.abs(forth - back).max() < 1e-8
    line = np.arange(frames)[:, None] * rng.normal(size=2) + 1.0
    assert np.abs(filters.smooth(line, 4.0, 30.0, weight) - line).max() < 1e-6


def test_smooth_solves_its_least_squares_with_slopes():
    """The banded solve equals numpy's dense one to 1e-10."""
    rng = np.random.default_rng(3)
    x, weight = rng.normal(size=50), rng.uniform(0.1, 1.0, 50)
    slope, certain = rng.normal(size=49), rng.uniform(0.0, 3.0, 49)
    first, second = np.diff(np.eye(50), axis=0), np.diff(np.eye(50), 2, axis=0)
    stiff = (0.5 / np.sin(np.pi * 2.0 / 30.0)) ** 4
    left = np.diag(weight) + stiff * second.T @ second + first.T @ np.diag(certain) @ first
    expected = np.linalg.solve(left, weight * x + first.T @ (certain * slope))
    assert np.abs(filters.smooth(x, 2.0, 30.0, weight, slope, certain) - expected).max() < 1e-10


def test_a_lone_outlier_moves_the_robust_curve_by_less_than_5_mm_and_is_found():
    t = np.arange(90) / 30.0
    x = np.stack([np.sin(2 * t), np.cos(t), t], axis=-1)[:, None]
    spoiled = x.copy()
    spoiled[40] += [0.3, -0.2, 0.1]
    clean = filters.robust_smooth(x, 6.0, 30.0)
    assert np.abs(filters.robust_smooth(spoiled, 6.0, 30.0) - clean).max() < 5e-3
    assert np.abs(filters.smooth(spoiled, 6.0, 30.0) - clean).max() > 5e-2  # plain smoothing does not
    assert np.flatnonzero(filters.outliers(spoiled, 30.0, floor=0.05)[:, 0]).tolist() == [40]


def test_gaps_are_bridged_and_ends_held():
    x = np.array([np.nan, 1.0, np.nan, np.nan, 4.0, np.nan])
    assert filters.fill_gaps(x).tolist() == [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]
    assert filters.fill_gaps(np.full((3, 2), np.nan)).tolist() == [[0.0, 0.0]] * 3
    assert filters.run_lengths([1, 1, 0, 1, 1, 1, 0]).tolist() == [2, 2, 0, 3, 3, 3, 0]


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_slerped_gaps_turn_evenly_and_known_frames_stay(seed):
    rng = np.random.default_rng(seed)
    q = rotations(rng, 9, 2)
    known = np.array([0, 1, 0, 0, 0, 1, 1, 0, 0], bool)
    out = filters.slerp_gaps(q, known)
    assert quat.angle(out[known], q[known]).max() < 1e-6
    steps = quat.angle(out[1:5], out[2:6])
    assert np.abs(steps - steps[0]).max() < 1e-6
    assert quat.angle(out[[0, 7, 8]], q[[1, 6, 6]]).max() < 1e-6


def test_quaternion_smoothing_ignores_signs():
    """The same rotations with other signs give the same rotations, to 1e-6 rad."""
    rng = np.random.default_rng(5)
    q = quat.exp(np.cumsum(rng.normal(0.0, 0.1, (60, 1, 3)), axis=0))
    sign = rng.choice([-1.0, 1.0], (60, 1, 1))
    same, other = (filters.smooth_quaternions(x, 3.0, 30.0) for x in (q, q * sign))
    assert quat.angle(same, other).max() < 1e-6


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 500), st.floats(1.0, 240.0), st.floats(0.1, 5.0), st.floats(0.0, 3.0))
def test_blocks_hold_every_frame_once_and_their_neighbours(frames, fps, block_s, overlap_s):
    x = np.arange(frames)
    found = filters.blocks(frames, fps, block_s=block_s, overlap_s=overlap_s)
    own = [x[wide][mine] for wide, mine in found]
    assert (np.concatenate(own) if own else x[:0]).tolist() == x.tolist()
    for (wide, _), mine in zip(found, own):
        near = np.abs(x[:, None] - mine).min(axis=1) <= round(overlap_s * fps)
        assert x[near][0] == x[wide][0] and x[near][-1] <= x[wide][-1]
