"""Pictures in other sizes and crops."""

from __future__ import annotations

import numpy as np

from poseloom.render.scaling import framed, shrunk


def waves(high: int, wide: int) -> np.ndarray:
    y, x = np.mgrid[:high, :wide] + 0.5
    grey = 128 + 100 * np.sin(2 * np.pi * (2 * x / wide + 0.5 * y / high))
    return np.repeat(grey[..., None], 3, axis=-1)


def test_the_whole_box_at_its_own_size_is_the_picture():
    picture = np.random.default_rng(0).uniform(0, 255, (20, 31, 3))
    assert np.abs(framed(picture, (0, 0, 31, 20), (31, 20)) - picture).max() < 1e-3
    assert np.abs(framed(picture, (3, 5, 13, 11), (10, 6)) - picture[5:11, 3:13]).max() < 1e-3


def test_smaller_and_larger_show_the_same():
    picture = waves(64, 96)
    for size in ((24, 16), (192, 128), (50, 70)):
        assert np.abs(framed(picture, (0, 0, 96, 64), size) - waves(*size[::-1]))[2:-2, 2:-2].max() < 4


def test_every_pixel_counts_when_there_are_fewer():
    picture = np.zeros((8, 90, 3))
    picture[:, ::3] = 90.0
    assert np.abs(framed(picture, (0, 0, 90, 8), (10, 8))[:, 2:-2] - 30).max() < 1.5


def test_beyond_its_edges_a_picture_goes_on_as_it_ends():
    picture = np.random.default_rng(1).uniform(0, 255, (10, 10, 3))
    seen = framed(picture, (-10, 0, 20, 10), (30, 10))
    assert np.abs(seen[:, :8] - picture[:, :1]).max() < 1e-3 and np.abs(seen[:, 22:] - picture[:, -1:]).max() < 1e-3
    assert np.abs(seen[:, 10:20] - picture).max() < 1e-3


def test_shrunk_keeps_the_sides():
    out = shrunk(np.full((100, 50, 3), 77, np.uint8), 20)
    assert out.shape == (40, 20, 3) and (out == 77).all() and out.dtype == np.uint8
