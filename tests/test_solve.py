"""Keypoints to Motion: laws, and known movements seen by a made-up camera."""

import numpy as np
import pytest

from poseloom.errors import BadInput
from poseloom.motion import quat
from poseloom.motion.contacts import foot_points
from poseloom.motion.skeleton import JOINTS, MIRROR, fk, motion_fk, standard
from poseloom.motion.types import Keypoints, Motion
from poseloom.pose.solve import solve
from seen import film, landmarks
from test_contacts import slide_m_s, walking

J = {n: j for j, n in enumerate(JOINTS)}
X, Y, Z = np.eye(3)
# joints whose place does not hang on what BlazePose does not see (the shape of the spine)
LIMBS = [J[n + s] for n in ("upper_arm_", "forearm_", "hand_", "thigh_", "shin_", "foot_") for s in "lr"]


def dance(fps=30.0, seconds=4.0, turn=0.0, height_m=1.75):
    """Squats and arm swings over standing feet; with `turn` also turning on the spot, so that the feet do slide."""
    t = np.arange(max(1, int(round(seconds * fps)))) / fps
    lrot = np.tile(quat.IDENTITY, (len(t), 22, 1))
    squat = 0.5 - 0.5 * np.cos(2.0 * t)

    def bend(name, axis, angle):
        lrot[:, J[name]] = quat.multiply(lrot[:, J[name]], quat.from_axis_angle(axis, angle))

    yaw = turn * (0.5 - 0.5 * np.cos(np.pi * np.clip(t / max(seconds, 1e-3), 0, 1)))
    bend("pelvis", Z, yaw)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        bend("thigh_" + side, X, -0.2 - 0.7 * squat)
        bend("shin_" + side, X, 0.4 + 1.4 * squat)
        bend("foot_" + side, X, -0.2 - 0.7 * squat)
        bend("upper_arm_" + side, Y, sign * (1.1 - 0.5 * np.sin(3.0 * t)))
        bend("upper_arm_" + side, Z, -sign * 0.6 * squat)
        bend("forearm_" + side, Z, -sign * (0.9 + 0.5 * np.sin(2.5 * t + sign)))
    bend("head", Z, 0.4 * np.sin(2.0 * t))
    root = np.zeros((len(t), 3))
    motion = Motion(standard(height_m), lrot, root, fps)
    root -= foot_points(motion).mean(axis=1)
    return motion.with_(root=root)


def about_hips(motion, joints=LIMBS):
    """(T,n,3) joints about the middle of the hips."""
    gpos = motion_fk(motion)[1]
    return (gpos - gpos[:, [J["thigh_l"], J["thigh_r"]]].mean(axis=1, keepdims=True))[:, joints]


def heading_between(found, truth):
    """The one turn about z, as a quaternion, that best lays the joints of `found` on those of `truth`."""
    a, b = about_hips(found).reshape(-1, 3), about_hips(truth).reshape(-1, 3)
    yaw = np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a[:, :2] * b[:, :2]).sum())
    return quat.from_axis_angle(Z, yaw)


def joint_error_mm(found, truth):
    """Mean distance of limb joints about the hips, after one turn about z for the whole clip."""
    turned = quat.rotate(heading_between(found, truth), about_hips(found))
    return 1e3 * float(np.linalg.norm(turned - about_hips(truth), axis=-1).mean())


def bone_lengths(motion):
    gpos = fk(quat.normalise(motion.lrot), motion.skeleton.offsets, motion.skeleton.parents)[1]
    return np.linalg.norm(gpos[:, 1:] - gpos[:, motion.skeleton.parents[1:]], axis=-1)


def test_a_known_movement_comes_back():
    """Without noise: limbs within 15 mm, rotations within 2.5 degrees, no joint off by over 6, the path within 6 cm."""
    truth = dance(turn=1.6)
    found = solve(film(landmarks(truth), 30.0, noise=0.0), height_m=1.75, foot_lock=False)
    assert joint_error_mm(found, truth) < 15.0
    a, b = motion_fk(found), motion_fk(truth)
    turned = quat.multiply(heading_between(found, truth), a[0])
    assert np.degrees(quat.angle(turned, b[0])).mean(axis=0).max() < 6.0
    assert np.degrees(quat.angle(turned, b[0])).mean() < 2.5
    path_a, path_b = a[1][:, 0] - a[1][0, 0], b[1][:, 0] - b[1][0, 0]
    assert np.linalg.norm(path_a - path_b, axis=-1).max() < 0.06


@pytest.mark.parametrize("pitch_deg", [0.0, 10.0, 20.0])
def test_a_known_movement_comes_back_through_noise_and_a_pitched_camera(pitch_deg):
    """Limbs no worse than the raw points, in the camera's axes, whose error is 37 mm; feet on the floor."""
    truth = dance()
    keypoints = film(landmarks(truth), 30.0, np.random.default_rng(1), pitch_deg=pitch_deg)
    found = solve(keypoints, height_m=1.75)
    assert joint_error_mm(found, truth) < 37.0
    soles = foot_points(found)[..., 2]
    assert soles.min() > -0.002
    assert soles.min(axis=1).max() < 0.03


def test_a_walk_towards_a_pitched_camera_keeps_its_length_and_stands_still():
    """Path within 12 %, resting soles below 2 cm/s and within 5 mm of the floor, 85 % of contacts right."""
    truth = walking(steps=4)
    keypoints = film(landmarks(truth), 30.0, np.random.default_rng(11), pitch_deg=10.0, away_m=6.0)
    found = solve(keypoints, height_m=1.75)
    way = [np.linalg.norm(m.root[-1] - m.root[0]) for m in (found, truth)]
    assert way[0] == pytest.approx(way[1], rel=0.12)
    assert slide_m_s(found) < 0.02
    rests = found.contact[:, :4] > 0.5
    assert np.abs(foot_points(found)[..., 2][rests]).mean() < 0.005
    assert (rests == (truth.contact[:, :4] > 0.5)).mean() > 0.85


def test_bones_are_constant_and_scaled_to_the_height():
    """Lengths within 1e-6 m over time; half the height, half the bones and half the path."""
    keypoints = film(landmarks(dance()), 30.0, np.random.default_rng(2))
    tall, small = solve(keypoints, height_m=1.8), solve(keypoints, height_m=0.9)
    assert np.ptp(bone_lengths(tall), axis=0).max() < 1e-6
    assert np.allclose(tall.skeleton.offsets, 2.0 * small.skeleton.offsets, atol=1e-6)
    left, right = tall.skeleton.offsets[J["shin_l"]], tall.skeleton.offsets[J["shin_r"]]
    assert np.linalg.norm(left) == pytest.approx(np.linalg.norm(right), abs=1e-9)


def test_mirrored_input_gives_mirrored_output():
    """To 1e-3 rad and 1 mm."""
    keypoints = film(landmarks(dance()), 30.0, np.random.default_rng(3), pitch_deg=8.0)
    swap = np.arange(33)
    for left, right in [(1, 4), (2, 5), (3, 6), (7, 8), (9, 10)] + [(i, i + 1) for i in range(11, 33, 2)]:
        swap[left], swap[right] = right, left
    mirrored = Keypoints(
        "blazepose", np.array([keypoints.size[0], 0]) + keypoints.xy[:, swap] * [-1, 1],
        keypoints.xyz[:, swap] * [-1, 1, 1], keypoints.score[:, swap], keypoints.size, keypoints.fps,
    )  # fmt: skip
    a, b = solve(keypoints), solve(mirrored)
    flipped = np.array(a.lrot)[:, list(MIRROR)] * [1, 1, -1, -1]
    assert quat.angle(flipped, b.lrot).max() < 1e-3
    assert np.abs(a.root * [-1, 1, 1] - b.root).max() < 1e-3


def test_time_reversed_input_gives_time_reversed_poses():
    """Local rotations, but for the pelvis, whose heading is that of the first frame: to 1e-3 rad."""
    k = film(landmarks(dance()), 30.0, np.random.default_rng(4))
    back = Keypoints(k.layout, k.xy[::-1], k.xyz[::-1], k.score[::-1], k.size, k.fps)
    a, b = solve(k), solve(back)
    assert quat.angle(a.lrot[::-1, 1:], b.lrot[:, 1:]).max() < 1e-3
    steps_a, steps_b = (np.linalg.norm(np.diff(m.root, axis=0), axis=-1) for m in (a, b))
    assert np.abs(steps_a[::-1] - steps_b).max() < 1e-3


@pytest.mark.parametrize("yaw", [-2.5, 0.7, 3.0])
def test_it_faces_front_at_the_first_frame(yaw):
    found = solve(film(landmarks(dance()), 30.0, np.random.default_rng(5), yaw_rad=yaw))
    ahead = quat.rotate(found.lrot[0, 0], -Y)
    assert np.degrees(np.arctan2(ahead[0], -ahead[1])) == pytest.approx(0.0, abs=0.1)
    assert np.abs(found.root[0, :2]).max() < 1e-5


def test_a_turn_goes_the_right_way_by_the_right_angle():
    """A quarter turn to the left and more: within 3 degrees."""
    found = solve(film(landmarks(dance(turn=1.9)), 30.0, noise=0.0))
    ahead = quat.rotate(found.lrot[-1, 0], -Y)
    assert np.degrees(np.arctan2(ahead[0], -ahead[1])) == pytest.approx(np.degrees(1.9), abs=3.0)


@pytest.mark.parametrize("fps", [5.0, 12.5, 60.0, 240.0])
def test_any_frame_rate(fps):
    """Limbs within 40 mm on average, resting feet below 2 cm/s where there are frames enough to tell."""
    truth = dance(fps, seconds=3.0)
    found = solve(film(landmarks(truth), fps, np.random.default_rng(7)), height_m=1.75)
    assert joint_error_mm(found, truth) < 40.0
    assert fps < 20.0 or slide_m_s(found) < 0.02


def test_knees_and_elbows_never_bend_backwards():
    """Not by more than 0.02 rad, with twice the usual noise and straight limbs."""
    still = Motion(standard(), np.tile(quat.IDENTITY, (60, 22, 1)), np.tile(standard().offsets[0], (60, 1)), 30.0)
    found = solve(film(landmarks(still), 30.0, np.random.default_rng(8), noise=2.0), foot_lock=False)
    for joint, bone, back in (("shin_l", -Z, -Y), ("shin_r", -Z, -Y), ("forearm_l", X, Y), ("forearm_r", -X, Y)):
        assert (quat.rotate(found.lrot[:, J[joint]], bone) @ back).max() < 0.02


def test_one_frame_works():
    found = solve(film(landmarks(dance())[:1], 30.0, noise=0.0))
    assert len(found) == 1
    assert np.isfinite(found.lrot).all()
    assert foot_points(found)[..., 2].min() == pytest.approx(0.0, abs=0.01)


def with_gap(keypoints, start, end):
    xy, xyz, score = (np.array(v) for v in (keypoints.xy, keypoints.xyz, keypoints.score))
    xy[start:end], xyz[start:end], score[start:end] = np.nan, np.nan, 0.0
    return Keypoints(keypoints.layout, xy, xyz, score, keypoints.size, keypoints.fps)


def test_gaps_are_filled_and_scored():
    """A gap of 0.2 s costs less than 40 mm inside it; one of 2 s scores 0 and holds no NaN."""
    truth = dance()
    keypoints = film(landmarks(truth), 30.0, noise=0.0)
    short = solve(with_gap(keypoints, 50, 56), height_m=1.75)
    whole = solve(keypoints, height_m=1.75)
    gap = np.linalg.norm(motion_fk(short)[1] - motion_fk(whole)[1], axis=-1)[50:56]
    assert 1e3 * gap.mean() < 40.0
    assert (short.score[50:56] < short.score[40]).all() and (short.score[50:56] > 0.0).all()
    long = solve(with_gap(keypoints, 30, 90))
    assert (long.score[31:89] == 0.0).all() and (long.score[:29] > 0.5).all()
    turns = quat.angle(long.lrot[31:88], long.lrot[32:89])
    assert np.degrees(turns).max() < 6.0  # even, without a jump


def test_a_person_seen_late_is_held_before():
    keypoints = with_gap(film(landmarks(dance()), 30.0, noise=0.0), 0, 40)
    found = solve(keypoints, foot_lock=False)
    assert (found.score[:40] == 0.0).all()
    assert quat.angle(found.lrot[0, 1:], found.lrot[39, 1:]).max() < 1e-5


def test_outside_the_sights_of_the_person_the_whole_body_stays():
    """Nobody in the first and last frames: not carried on by its speed, and front is where it starts."""
    truth = dance()
    keypoints = with_gap(with_gap(film(landmarks(truth), truth.fps, yaw_rad=0.6), 0, 12), len(truth) - 9, len(truth))
    motion = solve(keypoints)
    for first, last in ((0, 12), (len(truth) - 10, len(truth) - 1)):
        assert np.array_equal(motion.root[first], motion.root[last])
        assert np.array_equal(motion.lrot[first], motion.lrot[last])
    assert not motion.score[:12].any() and not motion.score[-9:].any() and motion.score[12:-9].any(axis=1).all()
    front = quat.rotate(motion.lrot[12, 0], np.array([0.0, -1.0, 0.0]))
    assert front[1] < -0.99 * np.hypot(front[0], front[1])


def test_a_track_gone_astray_does_not_tip_the_floor():
    """From halfway on the estimator follows somebody far behind and higher in the picture."""
    near = film(landmarks(dance()), 30.0, noise=0.0)
    xy = np.array(near.xy)
    half = len(xy) // 2
    middle = xy[half:].mean(axis=(0, 1))
    xy[half:] = 0.3 * (xy[half:] - middle) + middle + [150.0, -120.0]
    motion = solve(Keypoints(near.layout, xy, near.xyz, near.score, near.size, near.fps), height_m=1.75)

    def lean_deg(found):
        gpos = motion_fk(found)[1]
        spine = gpos[:, JOINTS.index("neck")] - gpos[:, 0]
        return np.degrees(np.arccos(spine[:, 2] / np.linalg.norm(spine, axis=-1)))

    usual = lean_deg(solve(near, height_m=1.75))
    assert np.abs(lean_deg(motion) - usual)[: half - 10].max() < 5.0


def test_brief_flips_are_undone():
    """Half a second read as from behind, and the first 0.2 s: the same motion, to 1e-6 rad."""
    k = film(landmarks(dance(turn=1.0)), 30.0, np.random.default_rng(14))
    xyz, xy = np.array(k.xyz), np.array(k.xy)
    swap = [0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9] + [i + 1 if i % 2 else i - 1 for i in range(11, 33)]
    for frames in (slice(0, 6), slice(50, 65)):
        xyz[frames] = xyz[frames][:, swap] * [1, -1, 1]
        xy[frames] = xy[frames][:, swap]
    found, whole = solve(Keypoints(k.layout, xy, xyz, k.score, k.size, k.fps)), solve(k)
    assert quat.angle(found.lrot, whole.lrot).max() < 1e-6


@pytest.mark.parametrize("limbs", [range(25, 33), range(13, 23)])
def test_limbs_taken_for_each_other_are_exchanged_back(limbs):
    """Legs or arms exchanged for a third of a second: the same motion, to 1e-6 rad."""
    k = film(landmarks(dance(turn=1.0)), 30.0, np.random.default_rng(14))
    xyz, xy = np.array(k.xyz), np.array(k.xy)
    swap = [(i + 1 if i % 2 else i - 1) if i in limbs else i for i in range(33)]
    xyz[40:50], xy[40:50] = xyz[40:50][:, swap], xy[40:50][:, swap]
    found = solve(Keypoints(k.layout, xy, xyz, k.score, k.size, k.fps))
    assert quat.angle(found.lrot, solve(k).lrot).max() < 1e-6


def test_legs_out_of_the_picture_stand_straight():
    """Thighs within 3 degrees of upright although their points run wild; arms as if nothing had happened."""
    keypoints = film(landmarks(dance()), 30.0, noise=0.0)
    xyz, score = np.array(keypoints.xyz), np.array(keypoints.score)
    xyz[:, 25:] += np.random.default_rng(13).normal(0.0, 0.3, (1, 8, 3))
    score[:, 25:] = 0.01
    found = solve(Keypoints("blazepose", keypoints.xy, xyz, score, keypoints.size, 30.0), height_m=1.75)
    down = quat.rotate(motion_fk(found)[0][:, [J["thigh_l"], J["thigh_r"]]], -Z)
    assert np.degrees(np.arccos(np.clip(-down[..., 2], -1.0, 1.0))).mean() < 3.0
    assert foot_points(found)[..., 2].min(axis=1).max() < 0.01
    whole = solve(keypoints, height_m=1.75)
    arms = [J["upper_arm_l"], J["forearm_l"], J["upper_arm_r"], J["forearm_r"]]
    assert np.degrees(quat.angle(found.lrot[:, arms], whole.lrot[:, arms])).mean() < 2.0


def test_a_lone_sighting_far_from_the_others_is_not_believed():
    """One wild frame 0.3 s before the person is seen for good changes nothing after, to 1e-6 rad."""
    late = with_gap(film(landmarks(dance()), 30.0, noise=0.0), 0, 20)
    xyz, xy, score = (np.array(v) for v in (late.xyz, late.xy, late.score))
    rng = np.random.default_rng(15)
    xyz[10], xy[10], score[10] = rng.normal(0.0, 0.4, (33, 3)), rng.uniform(0.0, 700.0, (33, 2)), 0.9
    found = solve(Keypoints("blazepose", xy, xyz, score, late.size, 30.0))
    assert quat.angle(found.lrot, solve(late).lrot).max() < 1e-6
    assert (found.score[10] == 0.0).all()


def test_neighbouring_quaternions_lie_in_one_half():
    found = solve(film(landmarks(dance(turn=6.0)), 30.0, np.random.default_rng(9)))
    assert (np.sum(found.lrot[1:] * found.lrot[:-1], axis=-1) > 0.0).all()


def test_what_cannot_be_solved_is_said():
    keypoints = film(landmarks(dance())[:5], 30.0, noise=0.0)
    flat = Keypoints("blazepose", keypoints.xy, None, keypoints.score, keypoints.size, 30.0)
    for bad, options, code in (
        (keypoints, dict(height_m=0.2), "bad_height"), (keypoints, dict(height_m=3.5), "bad_height"),
        (keypoints, dict(height_m=float("nan")), "bad_height"), (keypoints, dict(smooth_hz=-1.0), "bad_cutoff"),
        (flat, {}, "bad_layout"), (with_gap(keypoints, 0, 5), {}, "no_person"),
    ):  # fmt: skip
        with pytest.raises(BadInput) as caught:
            solve(bad, **options)
        assert caught.value.code == code


def test_progress_is_told_and_can_cancel():
    told = []
    solve(film(landmarks(dance())[:20], 30.0, noise=0.0), report=lambda share, text: told.append(share))
    assert told == sorted(told) and told[-1] == 1.0
