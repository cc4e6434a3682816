"""Clips that cut, people who leave, and estimators that go over to somebody else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from seen import film, landmarks
from test_contacts import slide_m_s
from test_solve import dance

from poseloom.capture import AnimateOptions, keypoints_to_motion
from poseloom.errors import BadInput
from poseloom.motion.contacts import foot_points
from poseloom.motion.skeleton import motion_fk
from poseloom.pose import stretches

FPS = 30.0


@pytest.fixture(scope="module")
def filmed():
    return film(landmarks(dance(seconds=4.0)), FPS, np.random.default_rng(1))


def moved(keypoints, rows, by, size=1.0):
    """The keypoints with those rows of another person: elsewhere in the picture, and of another size."""
    xy = np.array(keypoints.xy)
    middle = xy[rows].mean(axis=1, keepdims=True)
    xy[rows] = middle + size * (xy[rows] - middle) + by
    return replace(keypoints, xy=xy)


def test_one_person_is_one_person(filmed):
    assert stretches.of_one_person(filmed) == (filmed, [])


def test_somebody_else_is_taken_out(filmed):
    kept, others = stretches.of_one_person(moved(filmed, slice(50, 80), [450.0, 30.0], 0.8))
    assert others == [(50, 80)]
    assert np.isnan(kept.xy[50:80]).all() and np.isnan(kept.xyz[50:80]).all() and not kept.score[50:80].any()
    np.testing.assert_array_equal(kept.xy[:50], filmed.xy[:50])


def test_who_is_seen_longer_is_kept(filmed):
    assert stretches.of_one_person(moved(filmed, slice(0, 40), [450.0, 0.0]))[1] == [(0, 40)]


def test_somebody_of_another_size_at_the_same_place_is_taken_out(filmed):
    for size in (0.45, 2.2):
        assert stretches.of_one_person(moved(filmed, slice(50, 80), [0.0, 0.0], size))[1] == [(50, 80)]


@pytest.mark.parametrize("fps", [15.0, 30.0, 60.0])
def test_whose_trunk_shrinks_while_the_estimator_is_lost_is_still_the_same(fps):
    """As in a cartwheel: smaller and smaller to a tenth for a third of a second, then at once as before."""
    filmed = film(landmarks(dance(fps=fps, seconds=4.0)), fps, np.random.default_rng(1))
    xy, lost = np.array(filmed.xy), slice(round(1.5 * fps), round(1.85 * fps))
    middle = xy[lost].mean(axis=1, keepdims=True)
    xy[lost] = middle + np.geomspace(0.8, 0.1, lost.stop - lost.start)[:, None, None] * (xy[lost] - middle)
    assert stretches.of_one_person(replace(filmed, xy=xy))[1] == []


@pytest.mark.parametrize("fps", [5.0, 30.0, 240.0])
def test_a_sprinter_is_one_person(fps):
    """Across the picture at 9 m/s."""
    truth = dance(fps=fps, seconds=1.0)
    root = np.array(truth.root)
    root[:, 0] += 9.0 * (np.arange(len(truth)) / fps - 0.5)
    seen = film(landmarks(truth.with_(root=root)), fps, away_m=8.0)
    assert stretches.of_one_person(seen)[1] == []


def test_who_leaves_and_comes_back_is_the_same(filmed):
    xy, xyz, score = (np.array(getattr(filmed, name)) for name in ("xy", "xyz", "score"))
    xy[40:80], xyz[40:80], score[40:80] = np.nan, np.nan, 0.0
    xy[80:] += [300.0, 0.0]
    away = replace(filmed, xy=xy, xyz=xyz, score=score)
    assert stretches.of_one_person(away)[1] == []
    motion = keypoints_to_motion(away, AnimateOptions())
    assert len(motion) == len(away) and not motion.score[45:75].any() and motion.score[90:].min() > 0.3
    speed = np.linalg.norm(np.diff(motion_fk(motion)[1], axis=0), axis=-1) * FPS
    assert speed.max() < 6.0


def test_shots_are_solved_apart_and_joined(filmed):
    """The second shot is filmed from elsewhere: nothing of one leaks into the other, and the body does not leap."""
    other = film(landmarks(dance(seconds=4.0)), FPS, np.random.default_rng(2), yaw_rad=2.0, away_m=6.0, pitch_deg=15.0)
    both = {name: np.concatenate([getattr(filmed, name), getattr(other, name)]) for name in ("xy", "xyz", "score")}
    spliced, cut, warnings = replace(filmed, **both, cuts=(len(filmed),)), len(filmed), []
    motion = keypoints_to_motion(spliced, AnimateOptions(height_m=1.75), warnings=warnings)
    assert len(motion) == len(spliced)
    assert "cuts at 4.00 s" in warnings[0] and "2 shots" in warnings[0]
    alone = [keypoints_to_motion(k, AnimateOptions(height_m=1.75)) for k in (filmed, other)]
    for rows, solved in ((slice(0, cut), alone[0]), (slice(cut, None), alone[1])):
        turns = np.abs((motion.lrot[rows, 1:] * solved.lrot[:, 1:]).sum(axis=-1))
        assert np.degrees(2.0 * np.arccos(np.clip(turns, 0.0, 1.0))).mean() < 2.0
        part = motion.with_(**{n: getattr(motion, n)[rows] for n in ("lrot", "root", "contact", "score")})
        assert slide_m_s(part) < 0.05
    assert np.linalg.norm((motion.root[cut] - motion.root[cut - 1])[:2]) < 0.01
    assert abs(foot_points(motion)[cut:, :, 2].min()) < 0.06


def test_a_shot_without_anybody_is_no_stretch(filmed):
    xy = np.array(filmed.xy)
    xy[60:90] = np.nan
    found = stretches.cut_apart(replace(filmed, xy=xy, cuts=(60, 90)))
    assert [(s.first, s.end) for s in found] == [(0, 90), (90, 120)]


@pytest.mark.parametrize("height_m", [0.0, 9.0, -1.0])
def test_heights_of_nobody_are_refused_at_once(height_m):
    with pytest.raises(BadInput) as caught:
        AnimateOptions(height_m=height_m)
    assert caught.value.code == "bad_height" and "0.3" in caught.value.hint


def test_an_estimator_that_goes_over_to_another_is_brought_back(data):
    """In this clip somebody jumps out of the light; the estimator follows a walker from frame 51 until he is back."""
    pytest.importorskip("mediapipe")
    from poseloom.capture import media_to_keypoints

    warnings: list = []
    media = data / "media" / "sports2d_demo.mp4"
    seen = media_to_keypoints(media, AnimateOptions(start="5s", end="7.4s", processes=1, reuse=True), warnings=warnings)
    assert not [warning for warning in warnings if "somebody else" in warning] and len(seen) > 60
    assert np.isfinite(seen.xy).all(axis=2).any(axis=1).sum() > 54
    trunk = np.array(seen.xy[:, [11, 12, 23, 24]], np.float64).mean(axis=1)
    step = np.linalg.norm(np.diff(trunk, axis=0), axis=-1)
    assert np.nanmax(step) < 0.5 * 390


def test_a_mirror_shows_nobody_else(data, tmp_path):
    """Beside a mirror that shows a person half as large the person is seen as without it: limbs within 50 mm, none lost."""
    pytest.importorskip("mediapipe")
    av = pytest.importorskip("av")
    from clips import write
    from poseloom.capture import media_to_keypoints

    with av.open(str(data / "media" / "pose_squats.mp4")) as reading:
        frames = [frame.to_ndarray(format="rgb24") for frame in reading.decode(video=0)][:40]
    high = len(frames[0]) // 4
    walls = [np.pad(f[::2, ::-2], ((high, len(f) - high - len(f[::2])), (0, 0), (0, 0)), mode="edge") for f in frames]
    mirrored = write(tmp_path / "mirror.mp4", [np.concatenate(pair, axis=1) for pair in zip(frames, walls)])
    alone = write(tmp_path / "alone.mp4", frames)
    seen, plain = (media_to_keypoints(path, AnimateOptions(processes=1)) for path in (mirrored, alone))
    assert np.isfinite(seen.xyz).all()
    middle = seen.xy[:, [11, 12, 23, 24], 0].mean(axis=1)
    assert (np.abs(np.diff(middle)) < 0.1 * frames[0].shape[1]).all()  # never from the one to the other
    assert middle.mean() < frames[0].shape[1]
    apart = np.linalg.norm(seen.xyz - plain.xyz, axis=-1)[:, [11, 12, 13, 14, 23, 24, 25, 26, 27, 28]]
    assert np.median(apart) < 0.05
