"""The camera of a match view: found from a body and where its joints were seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from seen import film, landmarks
from test_solve import dance

from poseloom.motion import quat
from poseloom.motion.resection import FOCAL, cameras, through
from poseloom.motion.skeleton import JOINTS, motion_fk
from poseloom.pose.solve import solve


def seen_by(shot, gpos, size):
    """(T,J,2) pixels of joints in the pictures of a Shot."""
    rays = np.einsum("tij,tkj->tki", np.linalg.inv(shot.world), np.concatenate([gpos, np.ones((*gpos.shape[:2], 1))], -1))
    x, y, away = rays[..., 0], -rays[..., 1], -rays[..., 2]
    return np.stack([x / away, y / away], -1) * shot.focal_px[:, None, None] + 0.5 * np.array(size)


@pytest.mark.parametrize("yaw_rad", [0.0, 1.2, 3.0])
@pytest.mark.parametrize("pitch_deg", [0.0, 20.0])
def test_the_camera_that_filmed_is_found(yaw_rad, pitch_deg):
    """From exact joints: on its place within 15 cm at 4.5 m, within 2 degrees, joints within 1 % of the picture."""
    truth = dance(turn=1.0)
    keypoints = film(landmarks(truth), 30.0, pitch_deg=pitch_deg, yaw_rad=yaw_rad)
    gpos = motion_fk(truth)[1]
    (shot,) = cameras(gpos, keypoints)
    pitch, middle = np.radians(pitch_deg), landmarks(truth)[:, 23:25].mean(axis=(0, 1))
    back = quat.from_axis_angle([0.0, 0.0, 1.0], np.array(-yaw_rad))
    middle = quat.rotate(quat.inverse(back), middle)
    eye = np.array([middle[0], middle[1] - 4.5 * np.cos(pitch), max(0.9 + 4.5 * np.sin(pitch), 0.3)])
    assert np.linalg.norm(shot.world[0, :3, 3] - quat.rotate(back, eye)) < 0.15
    ahead = quat.rotate(back, np.array([0.0, np.cos(pitch), -np.sin(pitch)]))
    assert np.degrees(np.arccos(-shot.world[0, :3, 2] @ ahead)) < 2.0
    assert shot.off_px < 0.01 * 1280 and shot.focal_px[0] == pytest.approx(FOCAL * 1280)


def test_a_solved_body_covers_the_person():
    keypoints = film(landmarks(dance()), 30.0, np.random.default_rng(1), pitch_deg=10.0)
    gpos = motion_fk(solve(keypoints, height_m=1.75))[1]
    (shot,) = cameras(gpos, keypoints)
    tall = np.ptp(keypoints.xy[..., 1], axis=1).mean()
    assert shot.off_px < 0.03 * tall


def test_units_do_not_matter():
    truth = dance(seconds=1.0)
    keypoints, gpos = film(landmarks(truth), 30.0), motion_fk(truth)[1]
    (metres,), (centimetres,) = cameras(gpos, keypoints), cameras(100.0 * gpos, keypoints)
    np.testing.assert_allclose(100.0 * metres.world[0, :3, 3], centimetres.world[0, :3, 3], atol=2.0)


def test_a_camera_that_turned_turns_again():
    """The picture of each frame, not of the one that stands still, is met."""
    truth = dance(seconds=1.0)
    keypoints, gpos = film(landmarks(truth), 30.0), motion_fk(truth)[1]
    focal_px = FOCAL * 1280
    K = np.array([[focal_px, 0.0, 640.0], [0.0, focal_px, 360.0], [0.0, 0.0, 1.0]])
    turns = quat.to_matrix(quat.from_axis_angle(np.array([0.1, 1.0, 0.3]) / np.sqrt(1.1), np.linspace(0.0, 0.3, 30)))
    view = K @ turns @ np.linalg.inv(K)
    xy, _ = through(np.linalg.inv(view), np.array(keypoints.xy, np.float64))
    (shot,) = cameras(gpos, replace(keypoints, xy=xy, view=view))
    wrists = seen_by(shot, gpos[:, [JOINTS.index("hand_l"), JOINTS.index("hand_r")]], keypoints.size)
    assert np.linalg.norm(wrists - xy[:, [15, 16]], axis=-1).max() < 25.0


def test_each_shot_has_its_camera():
    truth = dance(seconds=1.0)
    a, b = film(landmarks(truth), 30.0), film(landmarks(truth), 30.0, yaw_rad=1.5, away_m=7.0)
    both = {name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("xy", "xyz", "score")}
    gpos = motion_fk(truth)[1]
    first, second = cameras(np.concatenate([gpos, gpos]), replace(a, **both, cuts=(30,)))
    assert (first.first, second.first, len(first.world), len(second.world)) == (0, 30, 30, 30)
    apart = [np.linalg.norm(s.world[0, :2, 3] - gpos[:, 0, :2].mean(axis=0)) for s in (first, second)]
    assert apart == pytest.approx([4.5, 7.0], abs=0.3)
