"""Points of the picture alone become a motion, by the lifter and by rigid heads, hands and feet."""

from __future__ import annotations

import numpy as np
import pytest
import seen
from test_lift import strolling

from poseloom.capture import AnimateOptions, keypoints_to_motion
from poseloom.errors import Unavailable
from poseloom.motion import quat
from poseloom.motion.conversion import converted
from poseloom.motion.skeleton import JOINTS, motion_fk
from poseloom.motion.types import Keypoints
from poseloom.pose import in_space, lift
from poseloom.pose.lift import Lifter

LIMBS = [JOINTS.index(f"{n}_{s}") for n in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot") for s in "lr"]


def looking_about(frames=90):
    """A stroll whose head turns from side to side by 40 degrees."""
    motion = strolling(frames)
    lrot = np.array(motion.lrot, np.float64)
    angle = np.radians(40.0) * np.sin(np.linspace(0.0, 2 * np.pi, frames))
    lrot[:, JOINTS.index("head")] = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), angle)
    return motion.with_(lrot=lrot)


def flat(motion, layout: str, **how) -> Keypoints:
    """The motion as a network without depth would see it in `layout`."""
    keypoints = converted(seen.film(seen.landmarks(motion), motion.fps, np.random.default_rng(0), noise=0.5, **how), layout)
    return Keypoints(layout, keypoints.xy, None, keypoints.score, keypoints.size, keypoints.fps)


def aligned_mm(found, truth):
    """Mean error (mm) of joints (T,N,3) after the best turn, move and scale of each frame."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (found, truth))
    left, size, right = np.linalg.svd(np.einsum("tni,tnj->tij", b, a))
    flip = np.sign(np.linalg.det(left @ right))
    left[..., -1] *= flip[:, None]
    size[:, -1] *= flip
    scale = size.sum(axis=1) / (a**2).sum(axis=(1, 2))
    return 1e3 * np.linalg.norm(scale[:, None, None] * np.einsum("tij,tnj->tni", left @ right, a) - b, axis=-1).mean()


def apart_deg(found, truth, joint: str):
    """Median degrees between the turns (T,22,4) of a joint about those of the pelvis."""
    local = [quat.multiply(quat.inverse(g[:, 0]), g[:, JOINTS.index(joint)]) for g in (found, truth)]
    return np.degrees(np.median(np.linalg.norm(quat.log(quat.multiply(quat.inverse(local[0]), local[1])), axis=-1)))


@pytest.mark.parametrize("layout, foot_deg", [("wholebody133", 20.0), ("halpe26", 20.0), ("coco17", 30.0)])
def test_a_stroll_without_depth_comes_back(layout, foot_deg):
    """As well as the lifter alone has it, with the head turned as the face is."""
    motion = looking_about()
    keypoints = flat(motion, layout, yaw_rad=0.6)
    found, lifted = keypoints_to_motion(keypoints, AnimateOptions()), Lifter()(keypoints)
    (turns, places), (true_turns, true_places) = motion_fk(found), motion_fk(motion)
    assert aligned_mm(places[:, LIMBS], true_places[:, LIMBS]) < aligned_mm(lifted.xyz[:, LIMBS], true_places[:, LIMBS]) + 3.0
    assert apart_deg(turns, true_turns, "head") < 15.0
    assert apart_deg(turns, true_turns, "foot_l") < foot_deg


def test_points_that_have_their_depth_are_only_put_in_order():
    keypoints = seen.film(seen.landmarks(looking_about(20)), 30.0, np.random.default_rng(0))
    assert in_space.for_solver(keypoints, None) is keypoints
    wider = converted(keypoints, "holistic139")
    again = in_space.for_solver(wider, None)
    assert again.layout == "blazepose"
    np.testing.assert_array_equal(again.xyz, keypoints.xyz)


def test_seen_points_keep_their_pixels_and_all_have_a_place():
    keypoints = flat(looking_about(30), "coco17")
    out = in_space.in_space(keypoints, Lifter()(keypoints))
    assert out.layout == "blazepose" and np.isfinite(out.xy).all() and np.isfinite(out.xyz).all()
    back = converted(out, "coco17")
    kept = [i for i in range(17) if i not in (11, 12)]  # but the hips, which BlazePose has elsewhere
    np.testing.assert_allclose(back.xy[:, kept], keypoints.xy[:, kept], atol=1e-3)
    heel = out.score[:, 29]
    assert (heel > 0.0).all() and (heel < out.score[:, 27]).all()


def test_frames_without_anybody_stay_empty():
    keypoints = flat(looking_about(40), "halpe26")
    xy, score = np.array(keypoints.xy), np.array(keypoints.score)
    xy[10:14], score[10:14] = np.nan, 0.0
    keypoints = Keypoints("halpe26", xy, None, score, keypoints.size, keypoints.fps)
    out = in_space.in_space(keypoints, Lifter()(keypoints))
    gone = ~np.isfinite(out.xyz).all(axis=(1, 2))
    assert gone.nonzero()[0].tolist() == [10, 11, 12, 13] and (out.score[10:14] == 0.0).all()
    assert len(keypoints_to_motion(keypoints, AnimateOptions())) == 40


def test_without_the_lifter_it_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(lift, "MODEL", tmp_path / "gone.onnx")
    with pytest.raises(Unavailable, match="our lifter, which is missing"):
        keypoints_to_motion(flat(looking_about(10), "coco17"), AnimateOptions())
