"""`poseloom render --video` and `--keypoints`: several people, hands and face, frame numbers, a clip's own pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest

from poseloom import cli
from poseloom.motion import openpose, png
from poseloom.motion.layouts import layout
from poseloom.motion.types import Keypoints
from poseloom.pose.export import write_keypoints
from poseloom.render import shelf, sighted

NAMES = layout("blazepose").names


def run(*words) -> int:
    return cli.main(["render", *map(str, words), "--guides-only", "--progress", "none"])


def seen(left: float, high: float, person: int, frames: int = 3, **more) -> Keypoints:
    """Somebody whose points stand in a column `high` pixels tall."""
    xy = np.stack([np.full(len(NAMES), left), 100 + np.linspace(-0.5, 0.5, len(NAMES)) * high], axis=-1)
    xy[NAMES.index("shoulder_l")] += (0.2 * high, 0)
    sure = np.ones((frames, len(NAMES)))
    return Keypoints("blazepose", np.tile(xy, (frames, 1, 1)), None, sure, (200, 200), 25.0, person=person, **more)


def test_people_of_a_file_keep_their_numbers_and_the_larger_is_nearer(tmp_path):
    write_keypoints(tmp_path / "two.json", [seen(50, 80, 1), seen(150, 160, 2, frames=2)])
    assert run("--keypoints", tmp_path / "two.json", "--out", tmp_path / "out") == 0
    guides = shelf.Shelf(tmp_path / "out")
    hip = openpose.names(18).index("hip_l")
    assert guides.told["people"] == ["person 1", "person 2"] and guides[0].people.tolist() == [1, 2]
    assert guides[0].away[0, hip] == pytest.approx(2 * guides[0].away[1, hip], rel=1e-3)
    assert np.isnan(guides[2].xy[1]).all()  # the second was seen in two frames
    assert run("--keypoints", tmp_path / "two.json", "--person", 2, "--out", tmp_path / "one") == 0
    assert shelf.Shelf(tmp_path / "one")[0].people.tolist() == [1]
    assert run("--keypoints", tmp_path / "two.json", "--person", 3, "--out", tmp_path / "none") == 2


def test_a_file_that_shows_nobody_or_no_picture_is_named_and_its_folder_stays_free(tmp_path, capsys):
    path, out = tmp_path / "k.json", tmp_path / "out"
    whole = json.loads(write_keypoints(path, [seen(50, 80, 1)]).read_text())
    for spoilt, says in (
        ({"people": []}, "In k.json: The keypoints show nobody. Choose"),
        ({"people": [{"person": 1, "frames": []}]}, "In k.json: The keypoints show nobody. Choose"),
        ({"size": [0, 0]}, "size is (0, 0), expected a width and a height above 0. Give"),
        ({"size": [200]}, "size is (200,), expected a width and a height above 0. Give"),
        ({"layout": "none"}, "In k.json: "),
    ):
        path.write_text(json.dumps({**whole, **spoilt}))
        assert run("--keypoints", path, "--size", 64, "--out", out) == 2
        wrong = capsys.readouterr().err
        assert says in wrong and wrong.count("k.json") == 1
        assert list(out.iterdir()) == []
    write_keypoints(path, [seen(50, 80, 1)])
    assert run("--keypoints", path, "--out", out) == 0


def test_one_persons_npz_is_keypoints_where_it_is_said_to_be(tmp_path):
    write_keypoints(tmp_path / "k.npz", [seen(50, 80, 1)])
    assert run("--keypoints", tmp_path / "k.npz", "--out", tmp_path / "out") == 0
    assert len(shelf.Shelf(tmp_path / "out")) == 3


def test_metres_tell_how_near_somebody_is_who_is_cut_off_by_the_picture(tmp_path):
    whole = seen(50, 150, 1)
    metres = np.zeros((3, len(NAMES), 3))
    metres[..., 2] = np.linspace(0.9, -0.9, len(NAMES))
    whole = Keypoints("blazepose", whole.xy, metres, whole.score, whole.size, 25.0)
    half = whole.score.copy()
    half[:, NAMES.index("hip_r") + 1 :] = 0.0
    cut = Keypoints("blazepose", whole.xy, metres, half, whole.size, 25.0)
    nose = [float(sighted.of_keypoints([one]).points[0, 0, 0, 2]) for one in (whole, cut)]
    assert nose[0] == pytest.approx(nose[1], rel=0.05)


def test_hands_and_face_are_drawn_where_they_were_seen():
    names = layout("holistic139").names
    xy = np.random.default_rng(0).uniform(20, 180, (1, len(names), 2))
    cast = sighted.of_keypoints([Keypoints("holistic139", xy, None, np.ones((1, len(names))), (200, 200), 25.0)])
    from poseloom.motion import lens

    camera, points = cast.camera(0), openpose.names(18)
    at = lens.to_pixels(camera, lens.in_camera(camera, cast.points[0, 0]))
    ours = {"face8": "chin", "face36": "eye_outer_r", "face57": "lip_low", "thumb1_l": "thumb_cmc_l", "pinky4_r": "pinky_tip_r"}
    for point, name in ours.items():
        assert np.abs(at[points.index(point)] - xy[0, names.index(name)]).max() < 1e-3, point
    assert np.isfinite(at).all()


def test_a_video_is_looked_at_from_start_to_end_and_its_pictures_come_along(data, tmp_path):
    pytest.importorskip("mediapipe", reason="this Python has no mediapipe")
    words = ["--video", data / "media" / "pose_squats.mp4", "--start", 6, "--end", 10, "--every", 2, "--size", 128]
    words += ["--passes", "picture", "--out", tmp_path / "out"]
    assert run(*words) == 0
    guides = shelf.Shelf(tmp_path / "out")
    assert guides.frames == [6, 8, 10] and guides[0].size == (72, 128)
    assert guides[0].picture.shape == (128, 72, 3) and guides[0].picture.std() > 20
    at = dict(zip(openpose.names(18), guides[1].xy[0]))
    x, y = np.floor(0.4 * at["neck"] + 0.3 * (at["hip_l"] + at["hip_r"])).astype(int)
    red = guides[1].picture[y, x].astype(int)
    assert red[0] > red[1] + 40  # her shirt, where her belly is in the guide
    (tmp_path / "out" / "pose" / "0008.png").unlink()
    before = (tmp_path / "out" / "picture" / "0006.png").stat().st_mtime_ns
    assert run(*words, "--resume") == 0
    assert png.read(tmp_path / "out" / "pose" / "0008.png").any()
    assert (tmp_path / "out" / "picture" / "0006.png").stat().st_mtime_ns == before


@pytest.mark.parametrize("words, part", [
    (["--video", "a.mp4", "--passes", "depth"], 'no pass "depth" of a video'),
    (["--motion", "a.bvh", "--person", "1"], "--person belongs to --keypoints or --video"),
    (["--keypoints", "a.json", "--estimator", "holistic"], "--estimator belongs to --video"),
])  # fmt: skip
def test_options_of_other_sources_are_refused(tmp_path, monkeypatch, capsys, words, part):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "a.bvh", "a.json"):
        (tmp_path / name).touch()
    assert run(*words, "--out", tmp_path / "out") == 2
    assert part in capsys.readouterr().err
