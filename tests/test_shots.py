"""Cuts are found while frames pass by; fast movement, flashes and moving cameras are none."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from poseloom.shots import CutFinder, Watched

SIZE = (180, 320)


@lru_cache
def scene(seed: int) -> np.ndarray:
    """A picture of large and small patches (360,640,3), larger than what a camera shows of it."""
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.uniform(30, 220, (9, 16, 3)), np.ones((40, 40, 1)))
    fine = np.kron(rng.uniform(-30, 30, (72, 128, 3)), np.ones((5, 5, 1)))
    return np.clip(coarse + fine, 0, 255)


def shown(picture, x=100, y=80, light=1.0) -> np.ndarray:
    return np.clip(light * picture[y : y + SIZE[0], x : x + SIZE[1]], 0, 255).astype(np.uint8)


def cuts(frames) -> list:
    finder = CutFinder()
    for rgb in frames:
        finder.see(rgb)
    return finder.cuts


@pytest.mark.parametrize("at", [1, 7, 30, 56])
def test_a_cut_is_found_on_its_frame(at):
    assert cuts([shown(scene(1 if k < at else 2), 100 + k) for k in range(60)]) == [at]


def test_every_cut_is_found():
    edges = [12, 20, 41]
    frames = [shown(scene(sum(k >= e for e in edges))) for k in range(60)]
    assert cuts(frames) == edges


@pytest.mark.parametrize("speed", [1, 8, 25])
def test_a_camera_that_pans_cuts_nothing(speed):
    assert cuts([shown(np.tile(scene(3), (1, 4, 1)), 2 * speed + speed * k) for k in range(40)]) == []


def test_flashes_and_lamps_are_no_cuts():
    frames = [shown(scene(4), light={20: 4.0, 21: 2.5}.get(k, 0.4 if k >= 30 else 1.0)) for k in range(45)]
    assert cuts(frames) == []


def test_something_large_that_darts_through_is_no_cut():
    frames = [shown(scene(5)) for _ in range(40)]
    for k in range(15, 21):
        frames[k][:, max(0, 60 * (k - 17)) : 60 * (k - 17) + 200] = 20
    assert cuts(frames) == []


def test_noise_on_black_is_no_cut():
    rng = np.random.default_rng(0)
    assert cuts([rng.integers(0, 4, (*SIZE, 3)).astype(np.uint8) for _ in range(30)]) == []


def test_a_watched_clip_is_the_clip():
    class Clip(list):
        fps = 24.0

    class Frame:
        def __init__(self, rgb):
            self.rgb = rgb

    clip, seen = Clip(Frame(np.full((2, 2, 3), k)) for k in range(3)), []

    class Watcher:
        def see(self, rgb):
            seen.append(int(rgb[0, 0, 0]))

    watched = Watched(clip, Watcher())
    assert list(watched) == list(clip) and watched.fps == 24.0 and seen == [0, 1, 2]


def test_clips_of_others_without_cuts_have_none_and_spliced_ones_have_theirs(data):
    pytest.importorskip("av")
    from poseloom.media import open_clip

    def frames(name, count):
        return [frame.rgb for _, frame in zip(range(count), open_clip(data / "media" / name))]

    flip = frames("sports2d_demo.mp4", 180)[100:]
    assert cuts(flip) == []  # a flare goes out and comes back in it
    squats, balance = frames("pose_squats.mp4", 60), frames("pose2sim_single/cam01.mp4", 30)
    assert cuts([*squats[:40], *flip[:40], *squats[40:], *balance]) == [40, 80, 100]
