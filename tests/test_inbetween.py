"""Laws of in-betweening: splines through keys, warping, windows with holes, and the metrics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseloom.errors import BadInput
from poseloom.inbetween import displace, dtw, library, load, metrics, window
from poseloom.inbetween.gaps import gaps, keyed_frames
from poseloom.inbetween.spline import Spline, SplineOptions, places, rotations
from poseloom.motion import quat
from poseloom.motion.skeleton import PARENTS, motion_fk, standard
from poseloom.motion.types import Motion

SEEDS = st.integers(0, 2**32 - 1)


def wander(rng, frames=60, step=0.08):
    """A smooth random motion that walks along."""
    turn = np.cumsum(np.cumsum(step * 0.1 * rng.normal(size=(frames, 22, 3)), axis=0), axis=0)
    root = np.array([0.0, 0.0, 0.96]) + np.cumsum([0.0, -0.03, 0.0] + 0.004 * rng.normal(size=(frames, 3)), axis=0)
    return Motion(standard(), quat.exp(turn), root, 30.0)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_known_frames_come_back_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    motion = wander(rng, 30)
    known = rng.random((30, 22)) < 0.3  # every joint its own keys
    filled = Spline()(motion, known)
    assert np.array_equal(filled.lrot[known], motion.lrot[known])
    assert np.array_equal(filled.root[known[:, 0]], motion.root[known[:, 0]])
    assert np.isfinite(filled.lrot).all()
    unkeyed = ~known.any(axis=0)
    assert np.array_equal(filled.lrot[:, unkeyed], motion.lrot[:, unkeyed])


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_even_movement_is_kept_by_uneven_keys(seed):
    """A turn and a path of constant speed are reproduced to 1e-6 rad and m, whatever the keys' spacing."""
    rng = np.random.default_rng(seed)
    keys = np.unique(np.concatenate([[0, 50], rng.integers(1, 50, 4)]))
    frames = np.arange(51)
    axis = rng.normal(size=(3, 3))
    truth = quat.exp(frames[:, None, None] * 0.02 * axis / np.linalg.norm(axis, axis=-1, keepdims=True))
    assert quat.angle(rotations(keys, truth[keys], 51), truth).max() < 1e-6
    path = frames[:, None] * rng.normal(size=3)
    assert np.abs(places(keys, path[keys], 51) - path).max() < 1e-6


def test_the_linear_spline_is_slerp_and_holds_outside_its_keys():
    rng = np.random.default_rng(1)
    q = quat.normalise(rng.normal(size=(2, 3, 4)))
    found = rotations(np.array([4, 14]), q, 20, SplineOptions(linear=True))
    for t in range(11):
        assert quat.angle(found[4 + t], quat.slerp(q[0], q[1], np.full(3, t / 10))).max() < 1e-6
    assert quat.angle(found[:4], q[0]).max() < 1e-7 and quat.angle(found[15:], q[1]).max() < 1e-7


def test_splines_pass_keys_without_a_corner():
    """Speed before and after a key differs by less than a tenth of what slerp's corner is there."""
    rng = np.random.default_rng(2)
    q, keys = quat.normalise(rng.normal(size=(4, 5, 4))), np.array([0, 200, 500, 700])

    def corner(options):
        path = rotations(keys, q, 701, options)
        step = quat.log(quat.multiply(quat.inverse(path[:-1]), path[1:]))
        return np.linalg.norm(step[200] - step[199], axis=-1).max()

    assert corner(SplineOptions(overshoot=10.0)) < 0.1 * corner(SplineOptions(linear=True))


def test_methods_are_a_table():
    assert load("spline") is Spline
    with pytest.raises(BadInput, match="splin"):
        load("splin")


def naive_subsequence(cost, starts):
    """The same recurrence one cell at a time."""
    rows, columns = cost.shape
    clip = np.cumsum(starts)
    total = np.full((rows, columns), np.inf)
    total[0] = cost[0]
    for i in range(1, rows):
        for j in range(columns):
            options = [np.inf]
            if j >= 1 and clip[j - 1] == clip[j]:
                options.append(total[i - 1, j - 1])
                if i >= 2:
                    options.append(total[i - 2, j - 1] + cost[i - 1, j])
            if j >= 2 and clip[j - 2] == clip[j]:
                options.append(total[i - 1, j - 2])
            total[i, j] = min(options) + cost[i, j]
    return total[-1]


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_warping_equals_the_naive_recurrence(seed):
    rng = np.random.default_rng(seed)
    cost = rng.random((int(rng.integers(2, 9)), 40)).astype(np.float32)
    starts = rng.random(40) < 0.08
    starts[0] = True
    truth = naive_subsequence(cost, starts)
    if not np.isfinite(truth).any():
        with pytest.raises(BadInput):
            dtw.subsequence(cost, starts=starts)
        return
    found = dtw.subsequence(cost, starts=starts)[0]
    assert found.cost * len(cost) == pytest.approx(truth.min(), rel=1e-5)
    clips = np.cumsum(starts)[np.round(found.where[[0, -1]]).astype(int)]
    assert clips[0] == clips[1]
    speed = np.diff(found.where)
    assert (speed >= 0.5 - 1e-9).all() and (speed <= 2.0 + 1e-9).all()


def test_a_planted_warp_is_found():
    """A piece of the reference, played at 1.4 times its speed and with noise, is found within 2 frames."""
    rng = np.random.default_rng(5)
    reference = np.cumsum(rng.normal(size=(2000, 12)), axis=0)
    where = 700 + 1.4 * np.arange(50)
    low = where.astype(int)
    query = reference[low] + (where - low)[:, None] * (reference[low + 1] - reference[low])
    query = query + 0.1 * rng.normal(size=query.shape)
    found = dtw.subsequence(dtw.distances(query, reference))[0]
    assert np.abs(dtw.smooth_warp(found.where) - where).max() < 2.0
    assert (np.diff(dtw.smooth_warp(found.where)) > 0.0).all()


def test_candidates_are_apart_and_best_first():
    rng = np.random.default_rng(6)
    found = dtw.subsequence(rng.random((10, 500)), count=5, apart=20)
    ends = [match.where[-1] for match in found]
    assert len(found) == 5 and [m.cost for m in found] == sorted(m.cost for m in found)
    assert min(abs(a - b) for i, a in enumerate(ends) for b in ends[:i]) > 20


def test_whole_clips_too_different_in_length_are_refused():
    with pytest.raises(BadInput, match="^[^0-9]*twice[^0-9]*$"):  # no numbers of frames at rates unseen
        dtw.whole(np.ones((10, 40)))
    path = dtw.whole(np.ones((10, 14))).where
    assert path[0] == 0 and path[-1] == 13


def test_pose_features_ignore_place_and_facing():
    rng = np.random.default_rng(7)
    motion = wander(rng, 20)
    yaw = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(1.1))
    lrot = np.array(motion.lrot, np.float64)
    lrot[:, 0] = quat.multiply(yaw, lrot[:, 0])
    root = quat.rotate(yaw, motion.root) + np.array([3.0, -2.0, 0.0])
    here = library.pose_features(motion.lrot, motion.root, motion.skeleton.offsets, PARENTS)
    there = library.pose_features(lrot, root, motion.skeleton.offsets, PARENTS)
    assert np.abs(here - there).max() < 1e-4


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_a_displaced_motion_meets_each_joints_own_keys(seed):
    rng = np.random.default_rng(seed)
    reference, wish = wander(rng, 40), wander(rng, 40)
    known = rng.random((40, 22)) < 0.15
    bent = displace.to_keys(reference, wish, known)
    assert quat.angle(bent.lrot, wish.lrot)[known].max() < 1e-3  # float32
    assert np.abs(bent.root - wish.root)[known[:, 0]].max(initial=0.0) < 1e-5
    free = ~known.any(axis=0)
    assert np.array_equal(bent.lrot[:, free], reference.lrot[:, free])


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_windows_go_to_their_anchor_and_back(seed):
    rng = np.random.default_rng(seed)
    motion = wander(rng, 30)
    lrot, root = np.asarray(motion.lrot, np.float64)[None], np.asarray(motion.root, np.float64)[None]
    near_lrot, near_root, yaw, ground = window.to_anchor(lrot, root, 9)
    ahead = quat.rotate(near_lrot[0, 9, 0], np.array([0.0, -1.0, 0.0]))
    assert abs(quat.swing_twist(near_lrot[0, 9, 0], np.array([0.0, 0.0, 1.0]))[1][3]) < 1e-9, ahead
    assert np.abs(near_root[0, 9, :2]).max() < 1e-9
    back = window.from_anchor(near_lrot, near_root, yaw, ground)
    assert quat.angle(back[0], lrot).max() < 1e-6 and np.abs(back[1] - root).max() < 1e-6


def test_no_change_is_the_interpolation_and_known_frames_never_change():
    rng = np.random.default_rng(8)
    motion = wander(rng, 30)
    lrot, root = np.asarray(motion.lrot, np.float64)[None], np.asarray(motion.root, np.float64)[None]
    known = np.ones(30, bool)
    known[10:25] = False
    seg = window.segments(known)
    base = window.interpolate(lrot, root, seg)
    same = window.apply(*base, np.zeros((1, 30, 22 * 6 + 3)), seg)
    assert quat.angle(same[0], base[0]).max() < 1e-6 and np.abs(same[1] - base[1]).max() == 0.0
    other = window.apply(*base, rng.normal(size=(1, 30, 22 * 6 + 3)), seg)
    assert np.array_equal(other[0][:, known], base[0][:, known]) and np.array_equal(other[1][:, known], base[1][:, known])
    assert quat.angle(other[0], base[0])[:, ~known].min() > 0.0


def test_holes_are_cut_with_what_is_known_around_them():
    rows = np.zeros(60, bool)
    rows[:20] = rows[30:33] = rows[50] = True
    found = [(g.first, g.last, g.hole) for g in gaps(rows)]
    assert found == [(10, 32, (20, 29)), (30, 50, (33, 49))]
    with pytest.raises(BadInput, match="fewer than two"):
        keyed_frames(np.eye(5, 22, dtype=bool)[:, :22] & False, 22)
    assert not gaps(np.ones(10, bool))


def test_the_metrics_on_cases_made_by_hand():
    rng = np.random.default_rng(9)
    truth, pos = motion_fk(wander(rng, 16))
    truth, pos = truth[None], pos[None]
    assert metrics.l2q(-truth, truth) == 0.0  # q and -q are one rotation
    turned = quat.multiply(quat.from_axis_angle(np.array([1.0, 0.0, 0.0]), np.array(0.2)), truth)
    assert metrics.l2q(turned, truth) == pytest.approx(2.0 * np.sin(0.05) * np.sqrt(22), rel=1e-6)
    assert metrics.l2p(pos + [0.0, 0.0, 0.1], pos, 0.0, np.full((22, 3), 0.5)) == pytest.approx(0.2 * np.sqrt(22))
    assert metrics.npss(truth, truth) == 0.0
    wave = np.zeros((1, 16, 1, 4))
    wave[0, :, 0, 0] = np.cos(2 * np.pi * np.arange(16) / 16)
    twice = np.zeros_like(wave)
    twice[0, :, 0, 0] = np.cos(4 * np.pi * np.arange(16) / 16)
    # half of the power one bin further at either end of the spectrum
    assert metrics._power(wave[..., 0]).argmax() == 1
    assert metrics.npss(np.abs(twice) + 2.0, np.abs(twice) + 2.0) == 0.0
