"""Contacts and the foot lock."""

import numpy as np
import pytest

from poseloom.motion import quat
from poseloom.motion.contacts import find_contacts, foot_points, lock_feet, runs, sole
from poseloom.motion.skeleton import JOINTS, motion_fk, standard
from poseloom.motion.types import Motion

X, Z = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
J = {n: j for j, n in enumerate(JOINTS)}


def standing(frames=60, fps=30.0, sway=0.0, bend=0.3, seed=0):
    """Standing with knees bent by `bend`, hips drifting by `sway` metres (slowly) over still feet that slide along."""
    skeleton = standard(1.75)
    lrot = np.tile(quat.IDENTITY, (frames, 22, 1))
    for letter in "lr":
        lrot[:, J["thigh_" + letter]] = quat.from_axis_angle(X, np.full(frames, -0.5 * bend))
        lrot[:, J["shin_" + letter]] = quat.from_axis_angle(X, np.full(frames, bend))
        lrot[:, J["foot_" + letter]] = quat.from_axis_angle(X, np.full(frames, -0.5 * bend))
    root = np.zeros((frames, 3))
    motion = Motion(skeleton, lrot, root, fps)
    root[:, 2] -= foot_points(motion)[0, 0, 2]
    t = np.linspace(0.0, 2.0 * np.pi, frames)
    root += sway * np.stack([np.sin(t), np.cos(t), 0.3 * np.sin(2 * t)], axis=-1)
    contact = np.zeros((frames, 6))
    contact[:, :4] = 1.0
    return motion.with_(root=root, contact=contact)


def walking(steps=4, fps=30.0, stride=0.4, noise=0.0, seed=0):
    """Feet that rest and swing by turns, made by sending the legs along known tracks; hips glide."""
    from poseloom.motion.ik import two_bone
    from poseloom.motion.skeleton import local_rotations

    half = int(0.6 * fps)
    frames = half * (2 * steps)
    base = standing(frames, fps, bend=0.6)
    time = np.arange(frames) / half
    tracks = []
    for side in (0, 1):
        phase = (time + side) / 2.0
        swing = np.clip((phase % 1.0) * 2.0 - 1.0, 0.0, 1.0)
        ease = swing * swing * (3 - 2 * swing)
        ahead = -2 * stride * (np.floor(phase) + ease - side / 2)
        track = np.stack([0 * phase, ahead, 0.1 * np.sin(np.pi * swing)], axis=-1)
        tracks.append((track, swing > 0))
    root = np.array(base.root, np.float64)
    root[:, 1] -= stride * (time - 0.5)
    grot, gpos = motion_fk(base.with_(root=root))
    contact = np.zeros((frames, 6))
    for side, letter in enumerate("lr"):
        thigh, shin, foot = (J[n + letter] for n in ("thigh_", "shin_", "foot_"))
        track, swings = tracks[side]
        target = track + gpos[0, foot] - [0, gpos[0, foot, 1], 0]
        grot[:, thigh], grot[:, shin] = two_bone(
            grot[:, thigh], grot[:, shin], base.skeleton.offsets[shin], base.skeleton.offsets[foot],
            gpos[:, thigh], target, -np.eye(3)[1],
        )  # fmt: skip
        contact[:, side] = contact[:, 2 + side] = ~swings
    lrot = local_rotations(grot, base.skeleton.parents)
    if noise:
        rng = np.random.default_rng(seed)
        lrot = quat.multiply(lrot, quat.exp(noise * rng.normal(size=(frames, 22, 3))))
    return base.with_(lrot=lrot, root=root, contact=contact)


def slide_m_s(motion):
    """Mean speed along the floor of resting sole points, away from the ends of each rest."""
    speed = np.linalg.norm(np.gradient(foot_points(motion)[..., :2], 1.0 / motion.fps, axis=0), axis=-1)
    inside = []
    for k in range(4):
        for start, end in runs(motion.contact[:, k] > 0.5):
            inside.append(speed[start + 1 : end - 1, k])
    return float(np.concatenate(inside).mean())


def test_soles_lie_on_the_floor_of_the_rest_pose():
    skeleton = standard(1.62)
    rest = Motion(skeleton, np.tile(quat.IDENTITY, (1, 22, 1)), skeleton.offsets[:1], 30.0)
    assert np.abs(foot_points(rest)[..., 2]).max() < 1e-6
    assert (sole(skeleton)[:2, 1] > 0).all()  # the heel is behind the ankle


@pytest.mark.parametrize("fps", [24.0, 60.0, 240.0])
def test_contacts_of_a_known_walk_are_found(fps):
    """At least 95 % of frames right, at any rate."""
    motion = walking(fps=fps)
    found = find_contacts(foot_points(motion), fps)
    assert (found == motion.contact[:, :4]).mean() > 0.95


def test_contacts_know_no_direction_of_time():
    points = foot_points(walking(noise=0.02))
    assert (find_contacts(points, 30.0) == find_contacts(points[::-1], 30.0)[::-1]).all()


def test_one_frame_rests_where_it_touches():
    points = np.array([[[0.0, 0.0, 0.01], [0.0, 0.0, 0.5]]])
    assert find_contacts(points, 30.0).tolist() == [[1.0, 0.0]]


def test_the_lock_leaves_a_perfect_walk_alone():
    """Joints move by less than 2 mm, knees by less than 1 degree."""
    motion = walking()
    locked = lock_feet(motion)
    assert np.abs(motion_fk(locked)[1] - motion_fk(motion)[1]).max() < 2e-3
    assert np.degrees(quat.angle(locked.lrot, motion.lrot)).max() < 1.0


def test_the_lock_stops_the_slide_of_a_noisy_walk():
    """Below 1 cm/s, from more than 10; resting soles within 5 mm of the floor, none more than 1 mm under it."""
    from poseloom.motion import filters

    motion = walking(noise=0.05)
    motion = motion.with_(lrot=filters.smooth_quaternions(motion.lrot, 6.0, 30.0))
    locked = lock_feet(motion)
    assert slide_m_s(motion) > 0.10
    assert slide_m_s(locked) < 0.01
    height = foot_points(locked)[..., 2]
    assert np.abs(height[locked.contact[:, :4] > 0.5]).mean() < 0.005
    assert height.min() > -0.001


def test_swaying_hips_stand_on_still_feet():
    motion = standing(sway=0.03)
    locked = lock_feet(motion)
    assert slide_m_s(motion) > 0.05
    assert slide_m_s(locked) < 0.002


def test_the_lock_keeps_bones_and_never_bends_a_knee_backwards():
    locked = lock_feet(walking(noise=0.05, seed=4))
    bend = quat.log(locked.lrot)[:, [J["shin_l"], J["shin_r"]], 0]
    assert bend.min() > -0.02
    grot, gpos = motion_fk(locked)
    length = np.linalg.norm(gpos[:, J["foot_l"]] - gpos[:, J["shin_l"]], axis=-1)
    assert np.ptp(length) < 1e-6


def test_without_contacts_nothing_changes():
    motion = walking().with_(contact=None)
    assert lock_feet(motion) is motion


@pytest.mark.parametrize("stride", [0.4, 0.8])
def test_steps_seen_from_the_side_are_found_in_noisy_video(stride):
    """A fast walk and one of double stride across the picture: within a frame, F1 of contacts at least 0.85."""
    from poseloom.pose.solve import solve
    from seen import film, landmarks

    truth = walking(steps=3, stride=stride)
    keypoints = film(landmarks(truth), 30.0, np.random.default_rng(4), away_m=7.0, yaw_rad=np.pi / 2)
    found, true = solve(keypoints, height_m=1.75).contact[:, :4] > 0.5, truth.contact[:, :4] > 0.5

    def near(flags):
        wide = np.pad(flags, ((1, 1), (0, 0)))
        return wide[:-2] | wide[1:-1] | wide[2:]

    precision, recall = (found & near(true)).sum() / found.sum(), (true & near(found)).sum() / true.sum()
    assert 2.0 * precision * recall / (precision + recall) >= 0.85
