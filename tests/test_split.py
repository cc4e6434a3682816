"""One clip seen by several processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from clips import numbered, write

from poseloom import cli, cores, pose
from poseloom.errors import BadInput, Cancelled
from poseloom.media import Clip, open_clip
from poseloom.motion.types import Keypoints
from poseloom.pose import graphs, split
from poseloom.progress import silent

SAMPLE = Path(split.__file__).parents[1] / "assets" / "sample.mp4"


def keypoints(xy, score=None) -> Keypoints:
    score = np.ones(xy.shape[:2]) if score is None else score
    return Keypoints("blazepose", xy, None, score, (640, 480), 30.0, 0.0, 1)


@pytest.fixture
def walk():
    """A person whose points go over the picture, 100 frames."""
    rng = np.random.default_rng(1)
    return rng.uniform(100, 400, (1, 33, 2)) + np.arange(100.0)[:, None, None]


@pytest.mark.parametrize("frames,fps,processes,count", [(60, 30, None, 1), (100_000, 30, 3, 3), (40, 30, 8, 1), (None, 30, 4, 1)])
def test_stretches_cover_the_clip_once(frames, fps, processes, count):
    stretches = split.share_out(frames, fps, processes)
    assert len(stretches) == count
    assert stretches[0][0] == 0 and stretches[-1][1] == (frames or 0)
    assert all(a[1] == b[0] for a, b in zip(stretches, stretches[1:]))


def test_equal_stretches_join_to_the_whole(walk):
    parts = [keypoints(walk[:50]), keypoints(walk[50 - split.OVERLAP :])]
    np.testing.assert_allclose(split.join(parts, [0, 50]).xy, walk, rtol=1e-6)


def test_a_step_between_stretches_is_spread_over_the_overlap(walk):
    parts = [keypoints(walk[:50]), keypoints(walk[50 - split.OVERLAP :] + 6.0)]
    joined = split.join(parts, [0, 50]).xy - walk
    assert np.abs(np.diff(joined, axis=0)).max() < 6.0 / split.OVERLAP + 1e-3
    assert np.abs(joined[: 50 - split.OVERLAP]).max() < 1e-3 and np.abs(joined[50:] - 6.0).max() < 1e-3


def test_frames_that_one_stretch_missed_come_from_the_other(walk):
    late = walk[50 - split.OVERLAP :].copy()
    late[:4] = np.nan
    joined = split.join([keypoints(walk[:50]), keypoints(late)], [0, 50])
    np.testing.assert_allclose(joined.xy, walk, rtol=1e-6)


def test_two_people_are_not_joined(walk):
    assert split.join([keypoints(walk[:50]), keypoints(walk[50 - split.OVERLAP :] + 300.0)], [0, 50]) is None
    walk[:, 20:] = np.nan  # points that no frame shows hide nobody
    assert split.join([keypoints(walk[:50]), keypoints(walk[50 - split.OVERLAP :] + 300.0)], [0, 50]) is None


@pytest.mark.parametrize("fps", [None, 12.5])
def test_a_stretch_shows_the_same_frames_as_the_whole(tmp_path, fps):
    clip = open_clip(write(tmp_path / "clip.mp4", [numbered(k) for k in range(60)]), fps=fps)
    whole = [frame.rgb for frame in clip]
    first = len(whole) // 3
    for begin, end in ((0, first), (first, len(whole))):
        stretch = Clip(clip.source, clip.start_s + begin / clip.fps, clip.start_s + end / clip.fps, clip.fps)
        shown = [frame.rgb for frame in stretch]
        assert len(shown) == end - begin
        assert all(np.array_equal(a, b) for a, b in zip(shown, whole[begin:end]))


def test_two_processes_see_what_one_sees(data):
    """Within what the estimator itself differs by when it comes to a frame by another way: a few pixels."""
    pytest.importorskip("mediapipe")
    clip = open_clip(data / "media" / "pose_squats.mp4")
    (one,) = pose.load("mediapipe")()(clip, silent)
    (two,) = split.estimate("mediapipe", clip, 2)
    assert len(one) == len(two) and two.size == one.size and two.start_s == one.start_s
    apart = np.linalg.norm(one.xy - two.xy, axis=-1)
    seam = split.share_out(clip.frame_count, clip.fps, 2)[1][0]
    assert np.nanmax(apart[: seam - split.OVERLAP]) < 0.01
    tall = np.nanmedian(np.ptp(one.xy[..., 1], axis=1))
    assert np.nanmedian(apart[seam:]) < 0.005 * tall
    step = np.linalg.norm(np.diff(two.xy, axis=0), axis=-1).mean(axis=1)
    assert step[seam - split.OVERLAP - 1 : seam + 1].max() < 3.0 * np.median(step)


def test_cancel_ends_the_processes_at_once(data):
    pytest.importorskip("mediapipe")
    psutil = pytest.importorskip("psutil")
    clip = open_clip(data / "media" / "pose_squats.mp4")
    began = []

    def report(fraction, text):
        if fraction > 0.0:
            began.append(time.perf_counter())
            raise Cancelled

    with pytest.raises(Cancelled):
        split.estimate("mediapipe", clip, 2, report)
    assert time.perf_counter() - began[0] < 1.0
    assert not [child for child in psutil.Process().children() if "split" in " ".join(child.cmdline())]


def test_what_a_process_refuses_is_said(tmp_path):
    pytest.importorskip("mediapipe")
    clip = open_clip(write(tmp_path / "nobody.mp4", [numbered(k) for k in range(60)]))
    with pytest.raises(BadInput) as caught:
        split.estimate("mediapipe", clip, 2)
    assert caught.value.code == "no_person"


def test_cores_are_shared_out():
    there = cores.mine()
    with cores.at_most(1):
        assert cores.mine() == 1
        with cores.at_most(there + 1):
            assert cores.mine() == there
    assert cores.mine() == there >= 1


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="needs /proc/stat")
def test_cores_that_others_use_are_not_idle():
    assert 1 <= cores.idle() <= cores.mine()
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores.mine())]
    try:
        time.sleep(0.5)
        assert cores.idle() == 1
    finally:
        for process in busy:
            process.kill()
            process.wait()


class Slow:
    """A graph that takes as many seconds as a picture's first value."""

    def __init__(self, threads, log, clock):
        self.threads, self.log, self.clock = threads, log, clock

    def process(self, picture):
        self.log.append((self.threads, picture[0]))
        self.clock.now += picture[0]
        return self.threads

    def close(self):
        self.log.append("closed")


class Clock:
    """Time that passes only where `Slow` says so."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.mark.parametrize("model, memory, same", [("full", 0, True), ("full", 2, True), ("heavy", 2, True), ("full", 2, False)])
def test_a_graph_goes_on_with_one_thread_once_it_is_slow(monkeypatch, model, memory, same):
    clock, log = Clock(), []
    monkeypatch.setattr(cores, "idle", lambda: 2)
    monkeypatch.setattr(graphs, "time", clock)
    graph = graphs.Shared(lambda threads: Slow(threads, log, clock), model, memory, lambda *seen: same)
    first = 1 if model == "heavy" else 2
    pictures = [np.full(10, seconds) for seconds in (0.02, 0.02, 0.02, 0.25, 0.02, 0.25, 0.25, 0.25)]
    assert {graph.process(picture) for picture in pictures} == {first}
    assert graph.process(np.zeros(10)) == (1 if same else first)
    again = [(1, 0.25)] * memory  # the last pictures, which it must have seen
    assert log[8:] == ([(1, 0.0)] if model == "heavy" else [*again, "closed", (1 if same else 2, 0.0)])
    graph.close()
    assert log[-1] == "closed"


def test_pictures_kept_for_another_graph_take_only_so_much_memory(monkeypatch):
    """Of the twelve that it asks for it gets what fits, but the last one always."""
    for count, bytes_ in ((3, 10), (1, 0), (12, 1e9)):
        clock, log = Clock(), []
        monkeypatch.setattr(cores, "idle", lambda: 2)
        monkeypatch.setattr(graphs, "time", clock)
        monkeypatch.setattr(graphs, "_MEMORY_BYTES", count * 80 + bytes_ if count < 12 else bytes_)
        graph = graphs.Shared(lambda threads: Slow(threads, log, clock), "full", 12)  # noqa: B023
        for k in range(20):
            graph.process(np.full(10, 0.02 + 0.001 * k))
        for _ in range(graphs._PATIENCE):
            graph.process(np.full(10, 1.0))
        kept = [seconds for threads, seconds in log[:-1] if threads == 1]
        assert len(kept) == count and kept[-1] == 1.0


def test_a_graph_that_follows_somebody_else_is_not_gone_on_with():
    """Here the same person beside the place where they were; nobody is like nobody alone."""
    pytest.importorskip("mediapipe")
    from poseloom.pose.mediapipe import _of_one_person

    def landmarks(rgb):
        graph = graphs.solution(
            "mediapipe/modules/pose_landmark/pose_landmark_cpu.binarypb", params={}, threads=1,
            side_inputs={"model_complexity": 1, "smooth_landmarks": False, "use_prev_landmarks": False},
            outputs=["pose_landmarks", "pose_world_landmarks"],
        )  # fmt: skip
        try:
            return graph.process(rgb)
        finally:
            graph.close()

    rgb = next(iter(open_clip(SAMPLE, end="1"))).rgb
    here, again, nobody = landmarks(rgb), landmarks(rgb), landmarks(np.zeros_like(rgb))
    aside = landmarks(np.roll(rgb, 150, axis=1))
    assert _of_one_person(here, again) and _of_one_person(nobody, nobody)
    assert not _of_one_person(here, aside)
    assert not _of_one_person(here, nobody) and not _of_one_person(nobody, here)


def test_a_clip_is_seen_alike_where_its_graph_is_exchanged(monkeypatch):
    pytest.importorskip("mediapipe")
    seen, exchanged, go_on = [], [], graphs.Shared._go_on_alone
    monkeypatch.setattr(cores, "idle", lambda: 2)

    def noted(self, found):
        go_on(self, found)
        exchanged.append(self._count)

    monkeypatch.setattr(graphs.Shared, "_go_on_alone", noted)
    for crowded_s in (1e9, 0.0):  # never, and as soon as it may
        for name in ("_CROWDED", "_CROWDED_S"):
            monkeypatch.setattr(graphs, name, crowded_s)
        monkeypatch.setattr(graphs, "_OPENING", 25)
        seen += split.estimate("mediapipe", open_clip(SAMPLE, end="40"), 1)
    assert exchanged == [28]
    assert np.linalg.norm(seen[0].xy - seen[1].xy, axis=-1).max() < 5.0  # px, of 640
    assert np.array_equal(seen[0].xy[:26], seen[1].xy[:26])


def test_threads_wait_asleep_unless_somebody_says_otherwise(monkeypatch):
    for said, then in ((None, "PASSIVE"), ("ACTIVE", "ACTIVE")):
        monkeypatch.setenv("OMP_WAIT_POLICY", "")  # so that it is put back
        monkeypatch.delenv("OMP_WAIT_POLICY")
        if said:
            monkeypatch.setenv("OMP_WAIT_POLICY", said)
        assert cli.main(["library", "list"]) == 0
        assert os.environ["OMP_WAIT_POLICY"] == then


@pytest.mark.skipif(cores.mine() < 2, reason="needs two cores")
def test_on_more_threads_the_same_is_seen(monkeypatch):
    monkeypatch.setattr(cores, "idle", cores.mine)  # whatever else runs
    monkeypatch.setattr(graphs, "_PATIENCE", 10**9)
    pytest.importorskip("mediapipe")
    seen, most = [], []
    for count in (1, 2):
        threads: list = []
        with cores.at_most(count):
            clip = open_clip(SAMPLE, end="20")
            seen += split.estimate("mediapipe", clip, 1, lambda *_: threads.append(psutil.Process().num_threads()))
        most.append(max(threads))
    assert most[1] > most[0]
    np.testing.assert_allclose(seen[0].xyz, seen[1].xyz, atol=1e-5)
    np.testing.assert_allclose(seen[0].xy, seen[1].xy, atol=1e-2)
