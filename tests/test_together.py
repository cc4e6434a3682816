"""Two people of one clip on two characters, on one floor."""

from __future__ import annotations

import json

import numpy as np
import pytest
from seen import landmarks

from poseloom.cli import main
from poseloom.motion import quat
from poseloom.motion.bvh import motion_to_rig, read_bvh, write_bvh
from poseloom.motion.resection import FOCAL
from poseloom.motion.skeleton import standard
from poseloom.motion.together import together
from poseloom.motion.types import Keypoints, Motion

SIZE, EYE = (1280, 720), np.array([0.3, -6.0, 1.5])


def person(start, step, yaw_rad, frames=60, height_m=1.75) -> Motion:
    """Somebody who goes from `start` by `step` in all, facing `yaw_rad`, arms and legs apart and swinging."""
    lrot = np.tile(quat.IDENTITY, (frames, 22, 1)).astype(float)
    skeleton = standard(height_m)
    swing = 0.6 * np.sin(np.arange(frames) / 4.0)
    for joint, sign in (("thigh_l", 1), ("thigh_r", -1), ("upper_arm_l", -1), ("upper_arm_r", -1)):
        axis = [1.0, 0.0, 0.0] if "thigh" in joint else [0.0, 0.0, 1.0]
        lrot[:, skeleton.index(joint)] = quat.from_axis_angle(axis, sign * swing)
    lrot[:, 0] = quat.from_axis_angle([0.0, 0.0, 1.0], np.array(yaw_rad))
    root = np.array([*start, skeleton.offsets[0, 2]]) + np.linspace(0, 1, frames)[:, None] * [*step, 0.0]
    return Motion(skeleton, lrot, root, 30.0)


def seen(motion: Motion, number: int) -> Keypoints:
    """What the camera at EYE, looking ahead, sees of it."""
    view = landmarks(motion) - EYE
    xy = 0.5 * np.array(SIZE) + FOCAL * max(SIZE) * view[..., [0, 2]] / view[..., 1:2] * [1.0, -1.0]
    return Keypoints("blazepose", xy, None, np.full(xy.shape[:2], 0.9), SIZE, 30.0, person=number)


def alone(motion: Motion) -> Motion:
    """As it is solved: beginning at the origin, facing the front."""
    back = quat.inverse(motion.lrot[0, 0])
    lrot = np.array(motion.lrot, float)
    lrot[:, 0] = quat.multiply(back, lrot[:, 0])
    return motion.with_(lrot=lrot, root=quat.rotate(back, motion.root - motion.root[0] * [1.0, 1.0, 0.0]))


def test_people_stand_to_each_other_as_they_did_before_the_camera():
    truth = [person((-1.5, 0.0), (3.0, 0.0), np.pi / 2), person((1.5, 1.0), (-3.0, 0.4), -np.pi / 2)]
    truth += [person((0.5, 2.0), (0.0, -1.0), 0.3)]
    people = [seen(motion, number) for number, motion in enumerate(truth, 1)]
    placed = together([alone(motion) for motion in truth], people)
    back = quat.inverse(truth[0].lrot[0, 0])  # all is turned as the first one begins
    for motion, true in zip(placed, truth):
        wanted = quat.rotate(back, true.root - truth[0].root)
        got = motion.root - placed[0].root
        assert np.linalg.norm((got - wanted)[:, :2], axis=-1).max() < 0.1
        turn = quat.multiply(quat.inverse(quat.multiply(back, true.lrot[:, 0])), motion.lrot[:, 0])
        assert np.degrees(np.linalg.norm(quat.log(turn), axis=-1)).max() < 2.0
        np.testing.assert_allclose(motion.root[:, 2], true.root[:, 2], atol=1e-6)
        np.testing.assert_array_equal(motion.lrot[:, 1:], true.lrot[:, 1:])


def test_they_are_nearest_about_the_origin_and_paths_keep_their_length():
    truth = [person((-1.5, 0.0), (3.0, 0.0), np.pi / 2), person((1.5, 0.8), (-3.0, 0.0), -np.pi / 2)]
    placed = together([alone(motion) for motion in truth], [seen(m, n) for n, m in enumerate(truth, 1)])
    apart = np.linalg.norm((placed[0].root - placed[1].root)[:, :2], axis=-1)
    meet = int(apart.argmin())
    assert abs(meet - 30) <= 2
    np.testing.assert_allclose((placed[0].root + placed[1].root)[meet, :2], 0.0, atol=1e-5)
    for motion in placed:
        np.testing.assert_allclose(np.linalg.norm((motion.root[-1] - motion.root[0])[:2]), 3.0, atol=1e-5)


def test_frames_in_which_one_is_unseen_do_not_tell_where_they_meet():
    truth = [person((-1.5, 0.0), (3.0, 0.0), np.pi / 2), person((1.5, 0.8), (-3.0, 0.0), -np.pi / 2)]
    people, motions = [seen(m, n) for n, m in enumerate(truth, 1)], [alone(m) for m in truth]
    score = np.ones((60, 22))
    score[20:40] = 0.0
    placed = together([motions[0], motions[1].with_(score=score)], people)
    middle = (placed[0].root + placed[1].root)[:, :2]
    assert np.linalg.norm(middle, axis=-1)[[19, 40]].min() < 1e-5


def test_a_child_seen_as_an_adult_is_put_nearer():
    """Taken for 1.7 m each, one who is 1.0 m tall seems twice as far; the camera's height over the floor tells."""
    truth = [person((-1.0, 0.5), (0.5, 0.0), 0.2), person((1.0, 0.0), (-0.5, 0.0), -0.2, height_m=1.0)]
    people = [seen(m, n) for n, m in enumerate(truth, 1)]
    grown = truth[1].with_(skeleton=standard(1.75), root=truth[1].root * 1.75)
    placed = together([alone(truth[0]), alone(grown)], people)
    off = abs(
        np.linalg.norm((placed[1].root - placed[0].root)[0, :2])
        - np.linalg.norm((truth[1].root - truth[0].root)[0, :2])
    )
    assert off < 1.2, "without the camera's height it would be 4 m too far"


# --- the whole way -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(data, tmp_path_factory):
    """A clip of the same squatting woman twice, side by side."""
    pytest.importorskip("mediapipe", reason="the default estimator")
    from poseloom.media import open_clip, write_video

    frames = [frame.rgb for frame in open_clip(data / "media" / "pose_squats.mp4", end="8")]
    return write_video(tmp_path_factory.mktemp("two") / "two.mp4", [np.hstack([rgb, rgb]) for rgb in frames], 5)


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    path = tmp_path_factory.mktemp("rig") / "rig.bvh"
    write_bvh(path, *motion_to_rig(person((0, 0), (0, 0), 0.0, frames=2)))
    return path


def test_each_gets_a_file_and_they_stand_side_by_side(two, rig, tmp_path):
    out = tmp_path / "pair.bvh"
    report = tmp_path / "pair.json"
    assert main(["animate", str(two), "--person", "1", "--to", str(rig), "--also", f"2={rig}", "--out", str(out),
                 "--report", str(report), "--progress", "none"]) == 0  # fmt: skip
    told = json.loads(report.read_text())
    assert [row["person"] for row in told["people"]] == [1, 2] and not out.exists()
    places = [read_bvh(tmp_path / f"pair_{n}.bvh")[1].location[0, 0] for n in (1, 2)]
    assert 0.5 < np.linalg.norm(np.subtract(*places)) / 100.0 < 4.0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--also 2=RIG", "--person N"),
        ("--person 1 --also 2", "no person and character"),
        ("--person 1 --also 1=RIG", "named twice"),
        ("--person 1 --also x=RIG", "no person and character"),
        ("--person 1 --also 2=nobody.blend", "no file"),
        ("--person 1 --also 2=RIG --joints j.npz", "files of one person"),
        ("--person 1 --also 7=RIG", "Person 7"),
    ],
)
def test_what_makes_no_sense_is_refused(words, code, two, rig, tmp_path, capsys):
    line = ["animate", str(two), "--to", str(rig), "--out", str(tmp_path / "x.bvh"), "--progress", "none"]
    assert main(line + words.replace("RIG", str(rig)).split()) == 2
    assert code in capsys.readouterr().err
    assert not list(tmp_path.glob("*.bvh"))


def test_two_characters_come_into_one_scene(two, tmp_path):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    from test_headless import script
    import sys

    first, second = tmp_path / "first.blend", tmp_path / "second.blend"
    line = ["animate", str(two), "--person", "1", "--progress", "none", "--to"]
    assert main(line + ["mixamo", "--also", "2=mixamo", "--out", str(first)]) == 0
    found = script(sys.executable, "scene_pair.py", first)
    (one, (action, place)), (other, (another, beside)) = sorted(found["objects"].items())
    assert action == f"{one}|two" and another == f"{other}|two" and found["frames"] == [1, 8]
    assert 0.5 < np.linalg.norm(np.subtract(place, beside)[:2]) < 4.0
    # and onto two armatures of one file
    cast = [str(first), "--armature", one, "--also", f"2={first}#{other}", "--out", str(second)]
    assert main(line + cast) == 0
    assert set(script(sys.executable, "scene_pair.py", second)["objects"]) == {one, other}
    assert (
        main(line + [str(first), "--armature", one, "--also", f"2={first}#{one}", "--out", str(second), "--overwrite"])
        == 2
    )
    assert not list(tmp_path.glob(".*"))
