"""Keypoints that are hard to solve: people who leave, lie, crawl or stand on their hands, and half-seen ones."""

from dataclasses import replace

import numpy as np
import pytest

from poseloom.capture import AnimateOptions, keypoints_to_motion
from poseloom.errors import BadInput
from poseloom.motion import quat
from poseloom.motion.contacts import foot_points
from poseloom.motion.skeleton import motion_fk, standard
from poseloom.motion.types import Keypoints, Motion
from poseloom.pose.doubts import doubts
from poseloom.pose.lift import Lifter
from poseloom.pose.solve import solve
from seen import film, landmarks
from test_solve import J, X, Y, Z, dance, joint_error_mm, with_gap


def posed(pelvis, frames=60, **bends):
    """A pose with waving forearms on the floor z = 0; bends {joint: (axis, radians)}."""
    t = np.arange(frames) / 30.0
    lrot = np.tile(quat.IDENTITY, (frames, 22, 1))
    lrot[:, 0] = pelvis
    for name, (axis, angle) in bends.items():
        lrot[:, J[name]] = quat.from_axis_angle(axis, np.full(frames, angle))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        lrot[:, J["forearm_" + side]] = quat.from_axis_angle(Z, -sign * (0.5 + 0.3 * np.sin(3.0 * t)))
    motion = Motion(standard(), lrot, np.zeros((frames, 3)), 30.0)
    root = np.zeros((frames, 3))
    root[:, 2] = 0.06 - motion_fk(motion)[1][..., 2].min()
    return motion.with_(root=root)


def turned(*turns):
    out = quat.IDENTITY
    for axis, angle in turns:
        out = quat.multiply(out, quat.from_axis_angle(axis, np.array(angle)))
    return out


ARMS_UP = dict(upper_arm_l=(Y, -1.5), upper_arm_r=(Y, 1.5))
POSES = {
    "on the back": posed(turned((Z, 1.2), (X, -np.pi / 2))),
    "on the belly": posed(turned((Z, 1.2), (X, np.pi / 2))),
    "crawling": posed(
        turned((Z, 1.2), (X, 1.35)), thigh_l=(X, -1.4), thigh_r=(X, -1.3), shin_l=(X, 1.5), shin_r=(X, 1.5)
    ),
    "on the hands": posed(turned((X, np.pi)), **ARMS_UP),
}


def elevation_deg(motion):
    trunk = motion_fk(motion)[1][:, J["neck"]] - motion_fk(motion)[1][:, 0]
    return np.degrees(np.arcsin(trunk[:, 2] / np.linalg.norm(trunk, axis=-1))).mean()


@pytest.mark.parametrize("lifts", [False, True])
@pytest.mark.parametrize("name", POSES)
def test_bodies_that_do_not_stand_keep_their_pose_and_lie_on_the_floor(name, lifts):
    """Level camera: trunk within 6 degrees, limbs within 45 mm; nothing under the floor by 20 cm, something on it.

    A lifter that never saw such bodies does no harm.
    """
    truth = POSES[name]
    seen = film(landmarks(truth), 30.0, np.random.default_rng(3))
    lifted = None
    if lifts:
        pytest.importorskip("onnxruntime")
        lifted = Lifter()(seen)
    found = solve(seen, height_m=1.75, lifted=lifted)
    assert elevation_deg(found) == pytest.approx(elevation_deg(truth), abs=6.0)
    assert joint_error_mm(found, truth) < 45.0
    lowest = motion_fk(found)[1][..., 2].min(axis=1)
    assert lowest.min() > -0.2
    assert lowest.max() < 0.2


def test_feet_in_the_air_of_a_handstand_touch_nothing():
    found = solve(film(landmarks(POSES["on the hands"]), 30.0, noise=0.0), height_m=1.75)
    assert not found.contact.any()
    assert foot_points(found)[..., 2].min() > 1.5


def test_a_tilt_that_nobody_tells_is_said():
    keypoints = film(landmarks(POSES["on the belly"]), 30.0, noise=0.0)
    assert any("tilt" in text for text in doubts(keypoints, solve(keypoints)))
    upright = film(landmarks(dance()), 30.0, noise=0.0)
    assert doubts(upright, solve(upright)) == []


@pytest.mark.parametrize("fps", [24.0, 60.0])
def test_a_camera_that_shakes_is_said_with_the_way_out(fps):
    """Shaken by a twentieth of the body's height: said; a body that dances, seen with an estimator's noise: not."""
    steady = film(landmarks(dance()), fps, np.random.default_rng(3))
    tall = np.ptp(steady.xy[..., 1], axis=1).mean()
    shift = np.random.default_rng(4).normal(0.0, 0.05 * tall, (len(steady), 1, 2))
    shaken = replace(steady, xy=np.float32(steady.xy + shift))
    assert not any("shake" in text for text in doubts(steady, solve(steady)))
    assert any("--camera moving" in text for text in doubts(shaken, solve(shaken)))


def test_a_person_who_leaves_and_comes_back_goes_on_elsewhere():
    """Away for 1.5 s, back 1 m further: there within 15 cm, the gap scored 0 and said, the poses as if never away."""
    truth = dance()
    root = np.array(truth.root)
    root[75:, 0] += 1.0
    truth = truth.with_(root=root)
    keypoints = film(landmarks(truth), 30.0, noise=0.0)
    gone = with_gap(keypoints, 30, 75)
    found = solve(gone, height_m=1.75)
    assert (found.score[31:74] == 0.0).all() and (found.score[80:] > 0.5).all()
    # where front is was told by the first frame
    assert np.linalg.norm(found.root[100, :2] - found.root[10, :2]) == pytest.approx(1.0, abs=0.15)
    whole = solve(with_gap(film(landmarks(dance()), 30.0, noise=0.0), 30, 75), height_m=1.75)
    assert quat.angle(found.lrot[80:, 1:], whole.lrot[80:, 1:]).mean() < np.radians(4.0)
    assert [text for text in doubts(gone, found) if "1.00 s to 2.50 s" in text]


def test_an_upper_body_alone_stands_on_straight_legs_and_says_so():
    keypoints = film(landmarks(dance()), 30.0, noise=0.0)
    score, xyz = np.array(keypoints.score), np.array(keypoints.xyz)
    score[:, 25:] = 0.02
    xyz[:, 25:] += np.random.default_rng(1).normal(0.0, 0.3, xyz[:, 25:].shape)
    half = Keypoints("blazepose", keypoints.xy, xyz, score, keypoints.size, 30.0)
    warnings = []
    found = keypoints_to_motion(half, AnimateOptions(), warnings=warnings)
    knees = quat.angle(found.lrot[:, [J["shin_l"], J["shin_r"]]], quat.IDENTITY)
    assert np.degrees(knees).mean() < 5.0
    assert any("out of sight" in text for text in warnings)


def test_legs_cut_off_by_the_picture_are_not_believed_however_sure_the_estimator_is():
    """Cropped above the knees, where the points of legs run wild: straight legs that score 0, the way as if they were
    seen, and the share of the time is right."""
    truth = dance()
    root = np.array(truth.root)
    root[:, 1] += np.linspace(0.0, -1.5, len(root))
    keypoints = film(landmarks(truth.with_(root=root)), 30.0, noise=0.0)
    xy, xyz, rng = np.array(keypoints.xy), np.array(keypoints.xyz), np.random.default_rng(1)
    low = float(xy[:, 25:27, 1].min()) - 0.3 * float(np.linalg.norm(xy[:, 11] - xy[:, 23], axis=-1).max())
    xyz[:, 25:] += rng.normal(0.0, 0.3, (1, 8, 3))
    xy[:, 25:] += rng.normal(0.0, 10.0, (1, 8, 2))
    cut = Keypoints("blazepose", xy, xyz, keypoints.score, (keypoints.size[0], int(low)), 30.0)
    assert cut.score[:, 25:].min() > 0.5
    warnings = []
    found = keypoints_to_motion(cut, AnimateOptions(height_m=1.75), warnings=warnings)
    knees = quat.angle(found.lrot[:, [J["shin_l"], J["shin_r"]]], quat.IDENTITY)
    assert np.degrees(knees).mean() < 3.0
    legs = [J[name + side] for name in ("thigh_", "shin_", "foot_") for side in "lr"]
    assert found.score[:, legs].max() < 0.05 and not found.contact.any()
    assert np.linalg.norm(np.ptp(found.root[:, :2], axis=0)) == pytest.approx(1.5, abs=0.3)
    assert any("For 100% of the time a leg is out of sight" in text for text in warnings)


def test_legs_that_a_moving_camera_has_seen_are_believed_where_its_first_picture_ends():
    """The camera turned after the person: steadied, the points lie beside the picture, but they were in it."""
    keypoints = film(landmarks(dance()), 30.0, noise=0.0)
    view = np.tile(np.eye(3), (len(keypoints), 1, 1))
    view[:, 0, 2] = keypoints.size[0]
    warnings = []
    found = keypoints_to_motion(replace(keypoints, view=view), AnimateOptions(height_m=1.75), warnings=warnings)
    assert not any("out of sight" in text for text in warnings)
    assert found.score[:, [J["shin_l"], J["shin_r"]]].min() > 0.5 and found.contact[:, :4].any()


def test_scattered_frames_and_points_without_numbers_are_bridged():
    """Every seventh frame and a tenth of all points NaN: limbs within 35 mm."""
    truth = dance()
    keypoints = film(landmarks(truth), 30.0, np.random.default_rng(2))
    xy, xyz = np.array(keypoints.xy), np.array(keypoints.xyz)
    rng = np.random.default_rng(3)
    holes = rng.random(xy.shape[:2]) < 0.1
    holes[::7] = True
    xy[holes], xyz[holes] = np.nan, np.nan
    found = solve(Keypoints("blazepose", xy, xyz, keypoints.score, keypoints.size, 30.0), height_m=1.75)
    assert joint_error_mm(found, truth) < 35.0


@pytest.mark.parametrize("fps", [5.0, 240.0])
def test_slow_and_fast_cameras_tell_the_same_movement(fps):
    """Limbs within 40 mm; a slow one is said to be."""
    truth = dance(fps, seconds=3.0)
    keypoints = film(landmarks(truth), fps, np.random.default_rng(7))
    found = solve(keypoints, height_m=1.75)
    assert joint_error_mm(found, truth) < 40.0
    assert any("frames a second" in text for text in doubts(keypoints, found)) == (fps < 10.0)


@pytest.mark.parametrize("height_m", [0.0, 9.0, -1.7, float("inf")])
def test_heights_of_nobody_are_refused_with_a_way_out(height_m):
    keypoints = film(landmarks(dance())[:5], 30.0, noise=0.0)
    with pytest.raises(BadInput) as caught:
        solve(keypoints, height_m=height_m)
    assert caught.value.code == "bad_height" and "metres" in caught.value.hint
