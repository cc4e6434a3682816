"""Depth along rays, and the proportions that it hangs on."""

import numpy as np
import pytest

from poseloom.motion import filters
from poseloom.motion.skeleton import JOINTS, motion_fk
from poseloom.motion.types import Skeleton
from poseloom.pose import depth, landmarks, proportions
from poseloom.pose.lift import Lifted
from poseloom.pose.solve import solve
from seen import correlated, film, landmarks as points_of
from test_solve import J, dance, joint_error_mm

FOCAL_PX, SIZE = 900.0, (1280, 720)
PLACES = [J[n + s] for n in ("upper_arm_", "forearm_", "hand_", "thigh_", "shin_", "foot_") for s in "lr"]


def scene(height_m=1.70, away_m=4.5, turn=1.6):
    """(places (T,12,3) in camera axes, pixels (T,12,2)) of a known movement."""
    places = motion_fk(dance(turn=turn, height_m=height_m))[1][:, PLACES] + [0.2, away_m, -0.9]
    xy = 0.5 * np.array(SIZE) + FOCAL_PX * places[..., [0, 2]] / places[..., 1:2] * [1.0, -1.0]
    return places, xy


def resolved(deep, xy, **more):
    return depth.resolve(deep, xy, np.ones(deep.shape), proportions.usual(1.70), SIZE, 30.0, FOCAL_PX, **more)


def about_hips(places):
    return places - places[:, 6:8].mean(axis=1, keepdims=True)


def test_perfect_points_come_back():
    """Perfect pixels and depth of an average body: within 15 mm about the hips, 5 cm on the whole."""
    places, xy = scene()
    found, _ = resolved(places[..., 1], xy)
    assert np.linalg.norm(about_hips(found) - about_hips(places), axis=-1).mean() < 0.015
    assert np.linalg.norm(found - places, axis=-1).mean() < 0.05


def test_every_joint_lies_on_its_ray():
    """To 1e-6 px, whatever the depth."""
    places, xy = scene()
    rng = np.random.default_rng(0)
    found, _ = resolved(places[..., 1] + 0.2 * rng.normal(size=xy.shape[:2]), xy)
    again = 0.5 * np.array(SIZE) + FOCAL_PX * found[..., [0, 2]] / found[..., 1:2] * [1.0, -1.0]
    assert np.abs(again - xy).max() < 1e-6


def test_bones_give_back_the_depth_that_an_estimator_flattens():
    """Depth of half the size: less than 60 % of that error is left."""
    places, xy = scene()
    true = about_hips(places)[..., 1]
    found, _ = resolved(0.5 * true, xy)
    left = np.abs(about_hips(found)[..., 1] - true).mean()
    assert left < 0.6 * np.abs(0.5 * true - true).mean()


def test_depth_knows_no_direction_of_time():
    places, xy = scene()
    deep = places[..., 1] + 0.1 * correlated(np.random.default_rng(1), xy.shape[:2], 0.2, 30.0)
    forth, back = resolved(deep, xy)[0], resolved(deep[::-1], xy[::-1])[0][::-1]
    assert np.abs(forth - back).max() < 1e-6


def test_blocks_of_a_long_clip_leave_no_seam(monkeypatch):
    """Cut every second, with 2 s of overlap: within 1 mm of the whole."""
    places, xy = scene()
    deep = places[..., 1] + 0.1 * correlated(np.random.default_rng(1), xy.shape[:2], 0.2, 30.0)
    whole = resolved(deep, xy)[0]
    every_second = filters.blocks(len(deep), 30.0, block_s=1.0)
    assert len(every_second) == 4
    monkeypatch.setattr(filters, "blocks", lambda frames, fps: every_second)
    assert np.abs(resolved(deep, xy)[0] - whole).max() < 1e-3


def test_long_shins_are_noticed_and_the_stature_kept():
    """Shins longer and upper arms shorter by an eighth: some half of it is found; legs and trunk keep their sum."""
    motion = dance(height_m=1.70)
    offsets = np.array(motion.skeleton.offsets)
    for side in "lr":
        offsets[J["foot_" + side]] *= 1.125
        offsets[J["forearm_" + side]] *= 0.875
    body = Skeleton(JOINTS, motion.skeleton.parents, offsets, motion.skeleton.tips)
    places = motion_fk(motion.with_(skeleton=body))[1][:, PLACES] + [0.0, 4.5, -0.9]
    xy = 0.5 * np.array(SIZE) + FOCAL_PX * places[..., [0, 2]] / places[..., 1:2] * [1.0, -1.0]
    usual = proportions.usual(1.70)
    lengths = dict(zip(proportions.NAMES, resolved(places[..., 1], xy)[1] / usual))
    assert lengths["shin"] / lengths["thigh"] > 1.05
    assert lengths["upper_arm"] / lengths["forearm"] < 0.94
    tall = [proportions.NAMES.index(n) for n in ("thigh", "shin", "flank")]
    assert resolved(places[..., 1], xy)[1][tall].sum() == pytest.approx(usual[tall].sum(), abs=1e-9)


def test_average_lengths_make_the_average_skeleton():
    from poseloom.motion.skeleton import standard

    body = proportions.skeleton(proportions.usual(1.62), 1.62)
    assert np.allclose(body.offsets[1:], standard(1.62).offsets[1:], atol=1e-6)


def test_two_depths_blend_between_them_and_the_doubt_is_the_lifters():
    """Arms are the lifter's, legs lie between the two, nearer to it; no agreement of the two makes it surer; a
    lifter that is lost is not heard."""
    one, other = (z - z[:, 6:8].mean(axis=1, keepdims=True) for z in np.random.default_rng(2).normal(size=(2, 5, 12)))
    error_m = np.full((5, 12), 0.05)
    both, doubt = depth.blended(one + 3.0, other - 2.0, error_m)  # each from its own origin
    np.testing.assert_allclose(both[:, :6], other[:, :6], atol=0.01)
    share = (both - one)[:, 8:] / (other - one)[:, 8:]
    assert (share > 0.5).all() and (share < 1.0).all()
    np.testing.assert_allclose(doubt, depth.blended(other, other, error_m)[1])
    assert (depth.blended(one, other, 2.0 * error_m)[1] > 1.9 * doubt).all()
    lost, doubt = depth.blended(one, other, np.full((5, 12), 2.0))
    np.testing.assert_allclose(lost, one, atol=2e-3)
    np.testing.assert_allclose(doubt, 1.0, atol=0.01)


def test_a_lifter_that_is_right_mends_depth_that_is_wrong():
    """Depth seen a third too flat, a lifter within some 3 cm: at least a quarter of the error goes."""
    truth = dance(turn=1.6)
    keypoints = film(points_of(truth), 30.0, np.random.default_rng(5), noise=1.0)
    xyz = np.array(keypoints.xyz) * [1.0, 0.6, 1.0]
    flat = type(keypoints)("blazepose", keypoints.xy, xyz, keypoints.score, keypoints.size, 30.0)
    gpos = motion_fk(truth)[1]
    true = gpos - gpos[:, [J["thigh_l"], J["thigh_r"]]].mean(axis=1, keepdims=True)
    lifted = Lifted(JOINTS, true * 1.70 / 1.75, np.full(true.shape[:2], np.exp(-0.3)))
    alone, mended = solve(flat, height_m=1.75), solve(flat, height_m=1.75, lifted=lifted)
    assert joint_error_mm(mended, truth) < 0.75 * joint_error_mm(alone, truth)


def test_hips_on_the_skin_are_moved_into_the_joints_alike_in_space_and_picture():
    """Backwards and up by some 2 cm on an upright person, to within 1 px of the same place in the picture."""
    keypoints = film(points_of(dance()), 30.0, noise=0.0)
    seen, hips, shoulders = np.array(keypoints.xy, float), landmarks.HIPS, landmarks.SHOULDERS
    points = landmarks.in_camera_axes(np.array(keypoints.xyz, float), seen, keypoints.size, 1152.0)
    moved, xy = landmarks.centred(points, seen)
    way = (moved - points)[:, hips].mean(axis=1)
    assert (way[:, 1] > 0.01).all() and (way[:, 2] > 0.01).all()
    trunk_px = (seen[:, hips] - seen[:, shoulders]).mean(axis=1)[:, 1]
    trunk_m = (points[:, shoulders] - points[:, hips]).mean(axis=1)[:, 2]
    rise_px = (seen - xy)[:, hips].mean(axis=1)[:, 1]
    assert np.abs(rise_px - way[:, 2] * trunk_px / trunk_m).max() < 1.0
