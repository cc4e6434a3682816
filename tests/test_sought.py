"""The main person is found among everyone where an estimator that follows one person loses them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from clips import numbered, write
from seen import film, landmarks
from test_solve import dance
from test_split import SAMPLE

from poseloom import capture
from poseloom.capture import AnimateOptions, media_to_people
from poseloom.errors import BadInput
from poseloom.media import open_clip, write_video
from poseloom.pose import sought

FPS = 30.0
LOST = slice(50, 80)


@pytest.fixture(scope="module")
def filmed():
    return film(landmarks(dance(seconds=4.0)), FPS, np.random.default_rng(1))


def without(person, rows):
    xy = np.array(person.xy)
    xy[rows] = np.nan
    return replace(person, xy=xy)


def beside(person, rows=slice(None), by=450.0):
    xy = np.array(person.xy)
    xy[rows] += [by, 0.0]
    return replace(person, xy=xy)


def test_who_is_lost_for_half_a_second_or_longer_is_lost(filmed):
    assert sought.lost(filmed) is None and sought.lost(without(filmed, slice(50, 64))) is None
    assert sought.lost(without(filmed, LOST)) == (50, 80)
    assert sought.lost(without(without(filmed, LOST), slice(10, 15))) == (50, 80)
    assert sought.lost(without(filmed, slice(None))) is None


def test_frames_are_taken_of_who_is_at_the_same_place(filmed):
    """And of these alone: what was seen stays, but where it lies beside the body."""
    one, near = without(filmed, LOST), beside(filmed, by=1.0)
    near = replace(near, xyz=near.xyz + 0.01, score=0.9 * near.score)
    full = sought.found(one, [beside(filmed), near])
    seen = np.r_[0 : LOST.start, LOST.stop : len(one)]
    for name in ("xy", "xyz", "score"):
        np.testing.assert_array_equal(getattr(full, name)[seen], getattr(one, name)[seen])
        np.testing.assert_array_equal(getattr(full, name)[LOST], getattr(near, name)[LOST])
    astray = sought.found(beside(one, slice(80, 84), 200.0), [near])
    np.testing.assert_array_equal(astray.xy[80:84], near.xy[80:84])
    np.testing.assert_array_equal(astray.xy[84:], one.xy[84:])
    part = sought.found(one, [without(near, slice(0, 60))])
    assert np.isnan(part.xy[50:60]).all() and np.isfinite(part.xy[60:]).all()
    for people in ([], [beside(filmed)], [one]):
        assert sought.found(one, people) is one


@pytest.fixture
def looks(monkeypatch):
    """What the looks at a clip find, in turn, and of how many seconds for how many people they were."""
    found, asked = [], []

    def look(clip, how, options, everyone, report):
        end = clip.end_s if clip.end_s is not None else clip.source.duration_s
        asked.append((round(end - clip.start_s, 2), everyone))
        if isinstance(people := found.pop(0), BadInput):
            raise people
        return people

    monkeypatch.setattr(capture, "_look", look)
    return found, asked


@pytest.fixture
def video(tmp_path):
    return write(tmp_path / "v.mp4", map(numbered, range(120)), fps=30)


def test_everyone_is_looked_for_only_where_somebody_is_there(filmed, video, looks):
    found, asked = looks
    options, whole = AnimateOptions(estimator="mediapipe"), (4.0, True)

    def seen(*results):
        found[:], asked[:] = results, []
        (one,) = media_to_people(video, options, [0], warnings=(warnings := []))
        assert not found
        return one, warnings

    assert seen([filmed]) == (filmed, []) and asked == [(4.0, False)]
    # nobody is there: a glance at a second of it
    lost, told = seen([without(filmed, LOST)], BadInput("no_person", "No person was found."))
    assert np.isnan(lost.xy[LOST]).all() and told == [] and asked == [(4.0, False), (1.0, True)]
    # what was taken for somebody is none
    lost, told = seen([beside(filmed, LOST)], BadInput("no_person", "No person was found."))
    assert np.isnan(lost.xy[LOST]).all() and len(told) == 1 and asked == [(4.0, False), whole]
    with pytest.raises(BadInput, match="has gone"):
        seen([without(filmed, LOST)], BadInput("no_such_file", "v.mp4 has gone."))
    # somebody is there, the same person or not
    other = replace(beside(filmed), person=2)
    one, told = seen([without(filmed, LOST)], [filmed], [other, filmed])
    assert (one.xy == filmed.xy).all() and told == [] and asked[1:] == [(1.0, True), whole]
    lost, _ = seen([without(filmed, LOST)], [filmed], [other])
    assert np.isnan(lost.xy[LOST]).all()
    # the estimator went over to somebody else
    one, told = seen([beside(filmed, LOST)], [other, filmed])
    assert (one.xy == filmed.xy).all() and (one.score == filmed.score).all() and told == [] and asked[1:] == [whole]
    _, told = seen([beside(filmed, LOST)], [other])
    assert len(told) == 1 and "From 1.67 s to 2.67 s somebody else" in told[0]


@pytest.mark.slow
def test_one_of_two_people_side_by_side_is_seen_all_the_time(tmp_path):
    """The estimator itself begins with the other one, until that one is gone."""
    pytest.importorskip("mediapipe")
    frames = [frame.rgb for frame in open_clip(SAMPLE)]
    both = [np.concatenate([frames[i - 66][:, ::-1], frames[i]], axis=1)[::2, ::2] for i in range(len(frames))]
    path = write_video(tmp_path / "two.mp4", both, 30)
    told: list = []
    (one,) = media_to_people(path, AnimateOptions(), [0], lambda share, text: told.append(share), warnings := [])
    hips = one.xy[:, 23:25, 0].mean(axis=1)
    assert hips.min() > 320 and np.abs(np.diff(hips)).max() < 20 and warnings == []  # on the right, without a leap
    assert told == sorted(told) and told[-1] == 1.0
