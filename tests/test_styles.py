"""Keypoints in the files of other programs."""

from __future__ import annotations

import json

import numpy as np
from test_layouts import seen
from test_lift import strolling

from poseloom import cli
from poseloom.motion.bvh import read_bvh
from poseloom.motion.conversion import converted
from poseloom.motion.layouts import layout
from poseloom.motion.skeleton import JOINTS, motion_fk
from poseloom.motion.types import Keypoints
from poseloom.pose import styles


def half_seen(name: str) -> Keypoints:
    keypoints = seen(name, np.random.default_rng(2), 4)
    xy, score = np.array(keypoints.xy), np.array(keypoints.score)
    xy[1], score[1] = np.nan, 0.0
    xy[2, 5], score[2, 5] = np.nan, 0.0
    return Keypoints(name, xy, None, score, keypoints.size, 30.0)


def test_coco_holds_every_point_that_was_seen():
    keypoints = half_seen("coco17")
    told = json.loads(styles.to_coco([keypoints]))
    assert [image["id"] for image in told["images"]] == [0, 1, 2, 3]
    assert [note["image_id"] for note in told["annotations"]] == [0, 2, 3]
    for note in told["annotations"]:
        frame, points = note["image_id"], np.reshape(note["keypoints"], (17, 3))
        there = points[:, 2] == 2
        np.testing.assert_allclose(points[there, :2], keypoints.xy[frame][there], atol=1e-3)
        assert note["num_keypoints"] == there.sum() == (keypoints.score[frame] > 0).sum()
        x, y, width, height = note["bbox"]
        assert (points[there, 0] >= x - 0.01).all() and (points[there, 0] <= x + width + 0.01).all()
        assert (points[there, 1] >= y - 0.01).all() and (points[there, 1] <= y + height + 0.01).all()
    (category,) = told["categories"]
    assert category["keypoints"] == list(layout("coco17").names) and min(min(pair) for pair in category["skeleton"]) == 1


def test_openpose_holds_body_face_and_hands_a_file_a_frame(tmp_path):
    keypoints = half_seen("wholebody133")
    files = styles.write_openpose(tmp_path / "clip.json", [keypoints], lambda path: None)
    assert [f.name for f in files] == [f"clip_{i:012d}_keypoints.json" for i in range(4)]
    first, second = (json.loads(f.read_text()) for f in files[:2])
    assert first["version"] == 1.3 and second["people"] == []
    (person,) = first["people"]
    assert {k: len(v) for k, v in person.items()} == {
        "person_id": 1, "pose_keypoints_2d": 75, "face_keypoints_2d": 210, "hand_left_keypoints_2d": 63, "hand_right_keypoints_2d": 63,
    }  # fmt: skip
    body = np.reshape(person["pose_keypoints_2d"], (25, 3))
    np.testing.assert_allclose(body[:, :2], converted(keypoints, "openpose25").xy[0], atol=1e-3)
    left = np.reshape(person["hand_left_keypoints_2d"], (21, 3))
    np.testing.assert_allclose(left[:, :2], keypoints.xy[0, 91:112], atol=1e-3)
    (one,) = styles.write_openpose(tmp_path / "one.json", [half_seen("coco17")][:1], lambda path: None)[:1]
    assert json.loads(one.read_text())["people"][0]["hand_left_keypoints_2d"] == []


def test_trc_holds_the_joints_in_metres_with_y_up():
    motion = strolling(10)
    lines = styles.to_trc(motion, "walk.trc").splitlines()
    assert lines[0].split("\t")[:2] == ["PathFileType", "4"] and lines[2].split("\t")[2:5] == ["10", "22", "m"]
    rows = np.array([[float(v) for v in line.split("\t")] for line in lines[6:]])
    assert rows.shape == (10, 2 + 66) and rows[3, 0] == 4 and abs(rows[3, 1] - 3 / motion.fps) < 1e-6
    places = rows[:, 2:].reshape(10, 22, 3)
    np.testing.assert_allclose(places[:, :, [0, 2, 1]] * [1, -1, 1], motion_fk(motion)[1], atol=1e-5)
    assert places[0, JOINTS.index("head"), 1] > 1.2


def test_poseloom_pose_writes_them_all(data, tmp_path, capsys):
    picture = str(data / "media" / "pose.jpg")

    def run(*words) -> int:
        return cli.main(["pose", picture, *map(str, words)])

    assert run("--style", "coco", "--layout", "coco17", "--out", tmp_path / "coco.json") == 0
    assert len(json.loads((tmp_path / "coco.json").read_text())["annotations"]) == 1
    assert run("--style", "openpose", "--out", tmp_path / "open.json") == 0
    assert len(json.loads((tmp_path / "open.json").read_text())["people"]) == 1
    assert run("--out", tmp_path / "pose.trc") == 0 and (tmp_path / "pose.trc").read_text().startswith("PathFileType")
    assert run("--out", tmp_path / "pose.bvh") == 0 and len(read_bvh(tmp_path / "pose.bvh")[1]) == 1
    assert run("--style", "coco", "--out", tmp_path / "pose.csv") == 2
    assert run("--opacity", "2", "--out", tmp_path / "pose.csv") == 2
    assert "--style coco is one of .json files" in capsys.readouterr().err
