"""Quality presets: what sees, how much of the clip, and what is said where something is missing."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from clips import numbered, write
from seen import film, landmarks
from test_solve import dance

from poseloom import capture, quality, weights
from poseloom.capture import AnimateOptions, keypoints_to_motion
from poseloom.errors import BadInput
from poseloom.motion.skeleton import motion_fk


@pytest.fixture
def brought(monkeypatch):
    """A function that says which weights are there."""

    def here(*names):
        monkeypatch.setattr(weights, "is_present", lambda name, folder=None: name in names)

    return here


def test_presets_take_the_weights_that_are_there(brought):
    brought("mediapipe-lite", "mediapipe-heavy")
    assert [quality.estimator(name, None, []) for name in quality.PRESETS] == [
        "mediapipe-lite", "mediapipe", "mediapipe-both",
    ]  # fmt: skip
    assert quality.estimator("best", "mediapipe", []) == "mediapipe"


def test_what_is_missing_is_said_with_the_way_out(brought):
    brought()
    warnings: list = []
    assert quality.estimator("draft", None, warnings) == "mediapipe" and not warnings
    assert quality.estimator("best", None, warnings) == "mediapipe"
    assert "models add mediapipe-heavy" in warnings[0]


def test_a_draft_sees_every_other_frame_and_gives_all(tmp_path):
    pytest.importorskip("av")
    path = write(tmp_path / "clip.mp4", [numbered(k) for k in range(30)])
    whole = capture.open_media(path, AnimateOptions())
    draft = capture.open_media(path, AnimateOptions(quality="draft"))
    assert draft.fps == whole.fps / 2 and sum(1 for _ in draft) == 15
    asked = capture.open_media(path, AnimateOptions(quality="draft", fps=12.0))
    assert asked.fps == 12.0
    slow = write(tmp_path / "slow.mp4", [numbered(k) for k in range(12)], fps=10)
    assert capture.open_media(slow, AnimateOptions(quality="draft")).fps == 10.0  # has none to spare
    seen = film(landmarks(dance(fps=15.0, seconds=2.0)), 15.0)
    motion = keypoints_to_motion(seen, AnimateOptions(quality="draft"))
    assert motion.fps == 30.0 and len(motion) == 2 * len(seen) - 1


def test_the_lifter_has_its_say_where_it_is_there(monkeypatch):
    """Without onnxruntime depth is the estimator's alone, another one, and that is said with the way out."""
    pytest.importorskip("onnxruntime")
    seen = film(landmarks(dance(seconds=2.0)), 30.0, np.random.default_rng(1))
    warnings: list = []
    lifted = keypoints_to_motion(seen, AnimateOptions(height_m=1.75), warnings=warnings)
    assert not warnings
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if it were not installed
    alone = keypoints_to_motion(seen, AnimateOptions(height_m=1.75), warnings=warnings)
    assert "lifter" in warnings[0] and "[learn]" in warnings[0]
    places = [motion_fk(m)[1] - motion_fk(m)[1][:, :1] for m in (lifted, alone)]
    assert np.abs(places[0] - places[1]).max() > 1e-3


@pytest.mark.parametrize("wrong", [{"quality": "great"}, {"camera": "flying"}])
def test_what_is_not_there_is_refused(wrong):
    with pytest.raises(BadInput) as caught:
        AnimateOptions(**wrong)
    assert caught.value.hint


@pytest.mark.parametrize("fps", [5.0, 240.0])
def test_odd_rates_are_solved(fps):
    """Limbs within 8 cm on average of where they were, at 5 frames a second and at 240."""
    truth = dance(fps=fps, seconds=4.0 if fps < 30 else 1.5)
    found = keypoints_to_motion(film(landmarks(truth), fps, np.random.default_rng(1)), AnimateOptions(height_m=1.75))
    from test_solve import joint_error_mm

    assert len(found) == len(truth) and found.fps == fps and joint_error_mm(found, truth) < 80.0


def test_a_person_in_part_of_the_frames_is_solved_there_and_held_else():
    seen = film(landmarks(dance(seconds=3.0)), 30.0, np.random.default_rng(1))
    from dataclasses import replace

    xy, xyz, score = (np.array(getattr(seen, name)) for name in ("xy", "xyz", "score"))
    for rows in (slice(0, 20), slice(70, None)):
        xy[rows], xyz[rows], score[rows] = np.nan, np.nan, 0.0
    motion = keypoints_to_motion(replace(seen, xy=xy, xyz=xyz, score=score), AnimateOptions())
    assert not motion.score[:15].any() and not motion.score[75:].any() and motion.score[30:60].min() > 0.3
    np.testing.assert_allclose(motion.lrot[0], motion.lrot[18], atol=1e-5)
