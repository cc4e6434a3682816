"""The video benchmark's own measures: what is exact gives nothing, and what is put in comes out."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
import video_measures as measure  # noqa: E402

from poseloom.motion import quat  # noqa: E402
from poseloom.motion.skeleton import JOINTS, standard  # noqa: E402
from poseloom.motion.types import Motion  # noqa: E402

FPS = 30.0


@pytest.fixture
def walk():
    """Two seconds of a body that goes 4 m along -Y and moves all its limbs."""
    rng, time = np.random.default_rng(3), np.arange(60) / FPS
    swing = 0.4 * np.sin(2 * np.pi * time[:, None, None] + rng.uniform(0, 6, (1, 22, 3)))
    lrot = quat.exp(swing)
    lrot[:, 0] = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), 0.2 * np.sin(time))
    root = np.stack([0 * time, -2.0 * time, 0.96 + 0.02 * np.sin(9 * time)], 1)
    return Motion(standard(), lrot, root, FPS)


def turned(places, angle, shift=(0.0, 0.0, 0.0)):
    return quat.rotate(quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(angle)), places) + shift


def test_the_truth_itself_has_no_error(walk):
    truth = measure.joints_of(walk)
    assert measure.mpjpe_mm(truth, truth) == measure.angle_deg(truth, truth) == 0
    assert measure.accel_m_s2(truth, truth, FPS) == 0
    assert measure.pa_mpjpe_mm(truth, truth) < 1e-6 and measure.root_error_m(truth, truth) < 1e-9
    assert measure.bone_spread_mm(truth) < 0.001
    assert measure.rotation_deg(walk, quat_of(walk), list(JOINTS)) < 1e-3


def quat_of(motion):
    from poseloom.motion.skeleton import motion_fk

    return motion_fk(motion)[0]


def test_procrustes_forgives_turn_shift_and_scale_of_a_frame_and_nothing_else(walk):
    truth = measure.joints_of(walk)
    turn = quat.exp(np.random.default_rng(0).normal(size=(60, 1, 3)))
    assert measure.pa_mpjpe_mm(1.3 * quat.rotate(turn, truth) + [1.0, 2.0, 3.0], truth) < 1e-6
    assert measure.pa_mpjpe_mm(truth * [-1.0, 1.0, 1.0], truth) > 20.0, "a mirror is no turn"
    noise = 0.05 * np.random.default_rng(1).normal(size=truth.shape)
    assert 40.0 < measure.pa_mpjpe_mm(truth + noise, truth) < 80.0


def test_frames_that_were_not_seen_are_left_out(walk):
    truth = measure.joints_of(walk)
    holes = truth.copy()
    holes[5:9] = np.nan
    assert measure.pa_mpjpe_mm(holes, truth) < 1e-6 and measure.mpjpe_mm(holes, truth) == 0.0


def test_root_error_is_of_the_way_not_of_north(walk):
    truth = measure.joints_of(walk)
    assert measure.root_error_m(turned(truth, 1.0, (3.0, -1.0, 0.0)), truth) < 1e-9
    assert measure.root_error_m(truth + [0.0, 0.0, 0.1], truth) == pytest.approx(0.1)
    longer = measure.joints_of(walk.with_(root=np.asarray(walk.root) * [1.0, 1.25, 1.0]))
    assert measure.path_m(np.asarray(walk.root)) == pytest.approx(3.9, abs=0.1)
    assert measure.root_error_m(longer, truth) == pytest.approx(0.25 * 4.0 / 4, rel=0.1)


def test_slide_counts_only_where_feet_truly_rest():
    soles = np.zeros((31, 4, 3))
    soles[:, 0, 0] = np.arange(31) * 0.01  # 30 cm/s
    soles[:, 1, 2] = np.arange(31) * 0.01  # rises, which is no slide
    contact = np.zeros((31, 6))
    assert np.isnan(measure.slide_cm_s(soles, contact, FPS))
    contact[:, 0] = 1
    assert measure.slide_cm_s(soles, contact, FPS) == pytest.approx(30.0)
    contact[:, 1] = 1
    assert measure.slide_cm_s(soles, contact, FPS) == pytest.approx(15.0)


def test_contacts_may_be_a_frame_off_and_no_more():
    truth = np.zeros((40, 6))
    truth[10:20] = truth[30:35] = 1.0
    assert measure.f1(measure.contact_counts(truth, truth)) == 1.0
    assert measure.f1(measure.contact_counts(np.roll(truth, 1, axis=0), truth)) == 1.0
    assert measure.f1(measure.contact_counts(np.roll(truth, 3, axis=0), truth)) < 0.9
    assert measure.f1(measure.contact_counts(np.ones_like(truth), truth)) < 0.7
    assert measure.f1(measure.contact_counts(np.zeros_like(truth), truth)) == 0.0


def test_a_constant_offset_is_found_and_gains_no_more_than_it_should(walk):
    truth = measure.joints_of(walk)
    offsets = 0.03 * np.random.default_rng(5).normal(size=(12, 3))
    seen = measure.shifted(truth, offsets)
    found = measure.fit_offsets([(seen, truth)])
    assert measure.pa_mpjpe_mm(measure.shifted(seen, found), truth) < 0.25 * measure.pa_mpjpe_mm(seen, truth)
    assert np.abs(measure.fit_offsets([(truth, truth)])).max() < 1e-9
