"""The user's library, retiming and going on; warping against another's implementation."""

from __future__ import annotations

import numpy as np
import pytest
from test_inbetween_fill import animal, shelf, sway

from poseloom.errors import BadInput
from poseloom.inbetween import collection, dtw, onward
from poseloom.inbetween.retime import played, retime
from poseloom.motion.contacts import foot_points
from poseloom.motion.skeleton import motion_fk
from poseloom.motion.types import Motion


def test_clips_are_kept_listed_followed_and_removed(tmp_path):
    rng = np.random.default_rng(1)
    clips = {"b": sway(rng, 60), "a/c": sway(rng, 90)}
    for name, motion in clips.items():
        collection.add(motion, name, tmp_path)
    collection.add(clips["b"], "b", tmp_path)  # again: in its place
    assert [(e.name, round(e.seconds, 2)) for e in collection.entries(tmp_path)] == [("a/c", 3.0), ("b", 2.0)]
    kept, direct = collection.opened(tmp_path), collection.of_motions([("a/c", clips["a/c"]), ("b", clips["b"])])
    by_name = dict(zip(kept.names, kept.start))
    for name, start in zip(direct.names, direct.start):
        rows = slice(by_name[name], by_name[name] + 60), slice(start, start + 60)
        assert np.array_equal(kept.poses[rows[0]], direct.poses[rows[1]])
        assert np.array_equal(kept.lrot[rows[0]], direct.lrot[rows[1]])
    with pytest.raises(BadInput, match="no clip z"):
        collection.remove(["b", "z"], tmp_path)
    assert len(collection.entries(tmp_path)) == 2  # and none goes
    assert [e.name for e in collection.remove(["b"], tmp_path)] == ["b"]
    collection.remove([], tmp_path)
    with pytest.raises(BadInput, match="library is empty"):
        collection.opened(tmp_path)


def test_what_cannot_be_in_a_library_is_told(tmp_path):
    with pytest.raises(BadInput, match="half a second"):
        collection.add(sway(np.random.default_rng(1), 10), "short", tmp_path)
    with pytest.raises(BadInput, match="no human body"):
        collection.add(animal(), "animal", tmp_path)
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(BadInput, match="damaged"):
        collection.opened(tmp_path)


def test_clips_at_other_rates_become_30_fps():
    motion = sway(np.random.default_rng(2), 61).with_(fps=60.0)
    assert len(collection.of_motions([("x", motion)]).root) == 31


@pytest.mark.parametrize("keys", (None, [5, 20, 38, 60]))
def test_a_clip_takes_on_the_timing_of_another(keys):
    """A clip played faster and slower is brought back to itself: the time of every frame to 1.2 frames."""
    truth = sway(np.random.default_rng(3), 80)
    beat = np.arange(100) * 0.79 + 3.0 * np.sin(np.arange(100) / 16.0)
    beat = np.clip(beat - beat[0], 0.0, 79.0)
    other = played(truth, beat, 30.0)
    back = retime(other, truth, keys)
    assert len(back) == len(truth)
    part = slice(0, 80) if keys is None else slice(5, 61)
    speed = np.linalg.norm(np.gradient(motion_fk(truth)[1], axis=0), axis=-1)[part].max()
    far = np.linalg.norm(motion_fk(back)[1] - motion_fk(truth)[1], axis=-1)[part].max()
    assert far < 1.2 * speed  # metres


def test_what_cannot_be_retimed_is_told():
    clip, rng = sway(np.random.default_rng(4), 40), np.random.default_rng(5)
    for words, like, keys in (
        ("twice", sway(rng, 100), None), ("Two keys", clip, [3]), ("Two keys", clip, [3, 99]),
        ("human bodies", animal(), None), ("long enough", sway(rng, 100), [0, 99]),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=words):
            retime(clip, like, keys)


@pytest.mark.parametrize("fps", (24.0, 30.0, 60.0))
def test_a_continuation_keeps_what_was_and_stays_on_the_ground(fps):
    rng = np.random.default_rng(6)
    library, motion = shelf(*(sway(rng, 150) for _ in range(3))), sway(rng, 40).with_(fps=fps)
    longer = onward.go_on(motion, 300, library)
    assert len(longer) == 340
    assert np.array_equal(longer.lrot[:40], motion.lrot) and np.array_equal(longer.root[:40], motion.root)
    low = foot_points(longer)[..., 2].min(axis=1)
    assert np.isfinite(longer.root).all() and low[40:].min() > low[:40].min() - 0.03
    step = [np.linalg.norm(np.diff(motion_fk(m)[1], axis=0), axis=-1).max() for m in (longer, motion)]
    assert step[0] < 3.0 * step[1] * max(1.0, 30.0 / fps)  # metres: nothing jumps


def test_a_clip_that_is_in_the_library_goes_on_as_it_does():
    """To 1 cm for half a second, seen from its hips: their height follows the ground."""
    rng = np.random.default_rng(7)
    clip = sway(rng, 120)
    start = Motion(clip.skeleton, clip.lrot[:60], clip.root[:60], 30.0)
    longer = onward.go_on(start, 15, shelf(sway(rng, 100), clip))
    arms = [i for i, n in enumerate(clip.skeleton.names) if "arm" in n or "head" in n]
    seen = [motion_fk(m)[1] - m.root[:, None] for m in (longer, clip)]
    off = np.abs(seen[0] - seen[1][:75])[:, arms].max()
    assert np.abs(longer.root - clip.root[:75])[:, :2].max() < 0.01
    assert off < 0.01


def test_a_network_leads_over_to_the_clips():
    rng = np.random.default_rng(8)
    clip, asked = sway(rng, 120), []

    def ahead(motion, frames, report=None):
        asked.append(frames)
        return onward.go_on(motion, frames, shelf(clip))

    def none():
        raise BadInput("no_library", "The library is empty.")

    start = Motion(clip.skeleton, clip.lrot[:40], clip.root[:40], 30.0)
    assert len(onward.led_on(start, 60, lambda: shelf(clip), ahead)) == 100 and asked == [15]
    assert len(onward.led_on(start, 60, none, ahead)) == 100 and asked == [15, 60]
    with pytest.raises(BadInput, match="library is empty"):
        onward.led_on(start, 60, none)


@pytest.mark.slow  # its compiler takes a while
def test_a_planted_piece_is_found_where_tslearn_finds_it():
    metrics = pytest.importorskip("tslearn.metrics")
    rng = np.random.default_rng(10)
    reference = np.cumsum(rng.normal(size=(900, 4)), axis=0)
    query = reference[412:470:1] + 0.05 * rng.normal(size=(58, 4))
    path, _ = metrics.dtw_subsequence_path(query, reference)
    found = dtw.subsequence(dtw.distances(query, reference))[0]
    theirs = np.array([np.mean([j for i, j in path if i == k]) for k in range(58)])
    assert np.abs(found.where - theirs).max() <= 1.0
