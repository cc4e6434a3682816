"""Keypoints on disk, and the table of models."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from poseloom import cli, pose, weights
from poseloom.errors import BadInput, Unavailable
from poseloom.motion.files import keypoints_from_bytes, keypoints_to_bytes
from poseloom.motion.types import Keypoints
from poseloom.pose import export


@pytest.fixture(scope="module")
def walk() -> Keypoints:
    """65 frames of made-up points, two of them without anybody."""
    rng = np.random.default_rng(3)
    xy, xyz = rng.normal(300, 200, (65, 33, 2)), rng.normal(0, 0.5, (65, 33, 3))
    score = rng.uniform(0, 1, (65, 33))
    xy[5:7], xyz[5:7], score[5:7] = np.nan, np.nan, 0.0
    return Keypoints("blazepose", xy, xyz, score, (720, 1280), 5.0, start_s=0.4)


@st.composite
def keypoints(draw, world=st.booleans()):
    frames = draw(st.integers(1, 4))
    number = st.floats(-1e6, 1e6, width=32) | st.just(float("nan"))
    score = draw(hnp.arrays(np.float32, (frames, 33), elements=st.floats(0, 1, width=32)))
    return Keypoints(
        layout="blazepose",
        xy=draw(hnp.arrays(np.float32, (frames, 33, 2), elements=number)),
        xyz=draw(hnp.arrays(np.float32, (frames, 33, 3), elements=number)) if draw(world) else None,
        score=score,
        size=(draw(st.integers(1, 8000)), draw(st.integers(1, 8000))),
        fps=draw(st.floats(0.5, 240.0)),
        start_s=draw(st.floats(0.0, 1000.0)),
        person=draw(st.integers(1, 9)),
    )


def assert_same(a: Keypoints, b: Keypoints) -> None:
    np.testing.assert_array_equal(a.xy, b.xy)
    np.testing.assert_array_equal(a.score, b.score)
    assert (a.xyz is None) == (b.xyz is None)
    if a.xyz is not None:
        np.testing.assert_array_equal(a.xyz, b.xyz)
    assert (a.layout, a.size, a.fps, a.start_s, a.person) == (b.layout, b.size, b.fps, b.start_s, b.person)


@settings(max_examples=25, deadline=None)
@given(person=keypoints())
def test_json_and_npz_come_back_bit_for_bit(person):
    (back,) = export.people_from_json(export.people_to_json([person]))
    assert_same(back, person)
    assert_same(keypoints_from_bytes(keypoints_to_bytes(person)), person)


def test_files_by_their_ending(tmp_path, walk):
    for ending in (".json", ".npz"):
        path = export.write_keypoints(tmp_path / f"walk{ending}", [walk])
        (back,) = export.read_keypoints(path)
        assert_same(back, walk)
    rows = export.write_keypoints(tmp_path / "walk.csv", [walk]).read_text().splitlines()
    assert rows[0] == "person,frame,time_s,point,x_px,y_px,x_m,y_m,z_m,score" and len(rows) == 1 + 65 * 33
    cells = rows[1 + 33 * 3 + 7].split(",")
    assert cells[:4] == ["1", "3", "1.000000", "ear_l"]
    np.testing.assert_array_equal(np.array(cells[4:6], np.float32), walk.xy[3, 7])
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".csv", ".json", ".npz"]


def test_several_people_share_a_json_file(tmp_path, walk):
    k = walk
    second = Keypoints("blazepose", k.xy + 5, None, k.score, k.size, k.fps, k.start_s, person=2)
    back = export.read_keypoints(export.write_keypoints(tmp_path / "two.json", [walk, second]))
    assert_same(back[0], walk)
    assert_same(back[1], second)
    with pytest.raises(BadInput, match="holds one person, and 2 were seen"):
        export.write_keypoints(tmp_path / "two.npz", [walk, second])


def test_unseen_is_null_and_an_empty_cell():
    nowhere = np.full((1, 33, 2), np.nan)
    person = Keypoints("blazepose", nowhere, None, np.zeros((1, 33)), (10, 10), 25.0)
    read = json.loads(export.people_to_json([person]))
    assert read["people"][0]["frames"][0]["xy"][0] == [None, None] and "xyz" not in read["people"][0]["frames"][0]
    assert export.people_to_csv([person]).splitlines()[1] == "1,0,0.000000,nose,,,,,,0.0"


@pytest.mark.parametrize(
    "text, code",
    [
        ("no json", "not_keypoints"),
        ("[]", "not_keypoints"),
        ('{"format": "other"}', "not_keypoints"),
        ('{"format": "poseloom-keypoints", "version": 99}', "newer_version"),
        ('{"format": "poseloom-keypoints", "version": 1}', "not_keypoints"),
    ],
)
def test_other_json_is_refused(text, code):
    with pytest.raises(BadInput) as caught:
        export.people_from_json(text)
    assert caught.value.code == code


def test_a_broken_keypoints_file_is_refused(walk):
    whole = json.loads(export.people_to_json([walk]))
    for spoil in (
        lambda frame: frame.pop("xy"),
        lambda frame: frame["xy"].pop(),
        lambda frame: frame["score"].__setitem__(0, "high"),
        lambda frame: frame["score"].__setitem__(0, None),
    ):
        broken = json.loads(json.dumps(whole))
        spoil(broken["people"][0]["frames"][0])
        with pytest.raises(BadInput):
            export.people_from_json(json.dumps(broken))


def test_keypoints_go_nowhere_bad(tmp_path, walk):
    for name, code in {"a.txt": "bad_ending", "no/a.json": "cannot_write"}.items():
        with pytest.raises(BadInput) as caught:
            export.write_keypoints(tmp_path / name, [walk])
        assert caught.value.code == code
    with pytest.raises(BadInput):
        export.read_keypoints(tmp_path / "gone.json")
    assert list(tmp_path.iterdir()) == []


def test_the_default_models_are_present_and_whole(tmp_path):
    states = {s.model.name: s for s in weights.status(tmp_path)}
    for name in ("mediapipe-detector", "mediapipe-full"):
        assert states[name].state == "present" and states[name].model.needed and states[name].where.is_file()
    for name in ("mediapipe-lite", "mediapipe-heavy"):
        assert states[name].state == "missing" and not states[name].model.needed
    assert all(s.model.licence and s.model.source and s.model.size_bytes > 1e6 for s in states.values())


def test_a_damaged_model_is_noticed(tmp_path):
    model = next(m for m in weights.MODELS if m.name == "mediapipe-lite")
    where = tmp_path / model.path
    where.parent.mkdir(parents=True)
    where.write_bytes(b"\0" * model.size_bytes)
    states = {s.model.name: s.state for s in weights.status(tmp_path)}
    assert states["mediapipe-lite"] == "damaged" and states["mediapipe-heavy"] == "missing"


def test_a_model_is_added_by_its_checksum_alone(tmp_path, monkeypatch):
    lite = replace(weights.find("mediapipe-lite"), sha256=sha256(b"it").hexdigest(), size_bytes=2)
    monkeypatch.setattr(weights, "MODELS", (lite,))
    (tmp_path / "other.tflite").write_bytes(b"no")
    (tmp_path / "right.tflite").write_bytes(b"it")
    folder = tmp_path / "models"
    with pytest.raises(Unavailable, match="models add mediapipe-lite"):
        weights.path_of("mediapipe-lite", folder)
    for source, code in (("other.tflite", "other_checksum"), ("gone.tflite", "no_such_file")):
        with pytest.raises(BadInput) as caught:
            weights.add("mediapipe-lite", tmp_path / source, folder)
        assert caught.value.code == code and not folder.exists()
    where = weights.add("mediapipe-lite", tmp_path / "right.tflite", folder)
    assert where == weights.path_of("mediapipe-lite", folder) and where.read_bytes() == b"it"
    assert weights.remove("mediapipe-lite", folder) and not weights.remove("mediapipe-lite", folder)
    with pytest.raises(BadInput, match="known: mediapipe-lite"):
        weights.add("mediapipe-huge", None, folder)


def test_nothing_is_downloaded_unasked(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path))
    assert cli.main(["models", "add", "mediapipe-heavy"]) == 2
    told = capsys.readouterr()
    assert "27.7 MB" in told.out and "Apache-2.0" in told.out and "--yes" in told.err
    assert not list(tmp_path.rglob("*.tflite"))
    assert cli.main(["models", "list"]) == 0 and "missing  mediapipe-heavy" in capsys.readouterr().out


def test_an_estimator_without_its_weights_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match="poseloom models add mediapipe-heavy"):
        pose.load("mediapipe-both")()
