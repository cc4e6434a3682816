"""Keypoints that were seen before."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from poseloom import pipelines, recall
from poseloom.motion.types import Keypoints
from poseloom.pipelines import AnimateOptions


def person(number: int = 1) -> Keypoints:
    xy = np.random.default_rng(number).uniform(0, 400, (30, 33, 2))
    return Keypoints("blazepose", xy, None, np.ones((30, 33)), (640, 480), 30.0, 0.5, number)


def test_what_was_kept_comes_back(tmp_path):
    recall.keep("it", [person(1), person(2)], ["One frame was damaged."], tmp_path)
    people, warnings = recall.load("it", tmp_path)
    assert [p.person for p in people] == [1, 2] and warnings == ["One frame was damaged."]
    np.testing.assert_array_equal(people[1].xy, person(2).xy)
    assert recall.load("other", tmp_path) is None


def test_what_is_damaged_is_not_taken(tmp_path):
    recall.keep("it", [person()], [], tmp_path)
    (tmp_path / "it" / "0.npz").write_bytes(b"half")
    assert recall.load("it", tmp_path) is None


def test_a_file_is_known_by_what_is_in_it(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"film")
    (tmp_path / "b.mp4").write_bytes(b"film")
    (tmp_path / "c.mp4").write_bytes(b"filn")
    question = {"estimator": "mediapipe", "fps": 30.0}
    names = {letter: recall.key([tmp_path / f"{letter}.mp4"], question) for letter in "abc"}
    assert names["a"] == names["b"] != names["c"]
    assert recall.key([tmp_path / "a.mp4"], {**question, "fps": 25.0}) != names["a"]


def test_the_oldest_are_forgotten(tmp_path, monkeypatch):
    recall.keep("old", [person()], [], tmp_path)
    size = sum(path.stat().st_size for path in (tmp_path / "old").iterdir())
    monkeypatch.setattr(recall, "MOST_BYTES", int(1.5 * size))
    recall.keep("new", [person()], [], tmp_path)
    assert recall.load("new", tmp_path) and recall.load("old", tmp_path) is None


def test_a_clip_is_seen_once_unless_asked_anew(data, tmp_path, monkeypatch):
    pytest.importorskip("mediapipe")
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path))
    clip = tmp_path / "renamed.jpg"
    shutil.copy(data / "media" / "pose.jpg", clip)
    told: list = []
    first = pipelines.media_to_keypoints(data / "media" / "pose.jpg", AnimateOptions(reuse=True))
    again = pipelines.media_to_keypoints(clip, AnimateOptions(reuse=True), lambda _, text: told.append(text))
    assert told[-1] == "seen before"
    np.testing.assert_array_equal(first.xy, again.xy)
    told.clear()
    pipelines.media_to_keypoints(clip, AnimateOptions(), lambda _, text: told.append(text))
    assert "seen before" not in told
