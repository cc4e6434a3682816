"""The measures of the embedded renderer's benchmark do what they are called."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")
sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import picture_measures as measure  # noqa: E402


def smooth(seed: int, size: int = 96) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (size // 8, size // 8, 3))
    return np.kron(coarse, np.ones((8, 8, 1)))


def test_structural_similarity_falls_with_what_is_done_to_a_picture():
    picture, rng = smooth(0), np.random.default_rng(1)
    noise = rng.normal(size=picture.shape)
    values = [measure.ms_ssim(picture, picture + strength * noise) for strength in (0, 10, 40)]
    assert values[0] == pytest.approx(1.0) and values[0] > values[1] > values[2] > 0
    assert measure.ms_ssim(picture, smooth(2)) < 0.3
    assert measure.ms_ssim(picture, picture + 20) > 0.9  # brightness counts at the coarsest scale alone
    assert measure.ms_ssim(picture, smooth(2)) == pytest.approx(measure.ms_ssim(smooth(2), picture))


def test_structural_similarity_is_that_of_its_formula():
    """On constants only the luminance of the coarsest scale is left."""
    a, b = np.full((40, 40, 3), 100.0), np.full((40, 40, 3), 140.0)
    light = (2 * 100 * 140 + 2.55**2) / (100**2 + 140**2 + 2.55**2)
    weights = (0.0448, 0.2856)  # 40 and 20 pixels leave room for the window, 10 do not
    assert measure.ms_ssim(a, b) == pytest.approx(light ** (weights[1] / sum(weights)))


@pytest.mark.parametrize("rgb, lab", [
    ((255, 255, 255), (100, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((255, 0, 0), (53.24, 80.09, 67.20)),
    ((0, 255, 0), (87.74, -86.18, 83.18)), ((0, 0, 255), (32.30, 79.19, -107.86)),
])  # fmt: skip
def test_known_colours(rgb, lab):
    assert measure.cielab(np.array(rgb)) == pytest.approx(lab, abs=0.05)


def test_who_wears_what_is_recognised():
    regions = np.zeros((32, 32), int)
    regions[:16], regions[16:30], regions[30, :4] = 1, 2, 3  # the third is too small to count
    red, blue, green = (200, 20, 20), (20, 20, 200), (20, 150, 20)

    def wears(top, legs) -> np.ndarray:
        return np.where((regions == 1)[..., None], top, legs).astype(float)

    looks = [(red, blue), (blue, red), (green, blue)]
    references = np.stack([measure.region_colours(wears(*look), regions, 3) for look in looks])
    assert np.isnan(references[:, 2]).all() and np.isfinite(references[:, :2]).all()
    for i, look in enumerate(looks):
        seen = measure.region_colours(wears(*look) + np.random.default_rng(i).normal(0, 15, (32, 32, 3)), regions, 3)
        assert measure.nearest(seen, references) == i
        seen[1] = np.nan  # the legs are not in the picture
        assert measure.nearest(seen, references) == i


def test_a_picture_that_moves_as_it_should_has_no_warp_error():
    picture = smooth(3)
    moved = np.roll(picture, (5, -3), axis=(0, 1))
    y, x = np.mgrid[:96, :96] + 0.5
    place, seen = np.stack([x + 3, y - 5], axis=-1), np.zeros((96, 96), bool)
    seen[8:-8, 8:-8] = True
    assert measure.warp_error(picture, moved, place, seen) == pytest.approx(0.0, abs=1e-9)
    assert measure.warp_error(picture, picture, place, seen) > 10
    assert measure.warp_error(picture, moved + 7, place, seen) == pytest.approx(7.0)


def test_blur_takes_sharpness():
    picture = smooth(4)
    blurred = (picture + np.roll(picture, 1, 0) + np.roll(picture, 1, 1) + np.roll(picture, (1, 1), (0, 1))) / 4
    assert measure.sharpness(blurred) < 0.5 * measure.sharpness(picture)
    left = np.zeros((96, 96), bool)
    left[:, :40] = True
    picture[:, 48:] = 100.0
    assert measure.sharpness(picture, left) > measure.sharpness(picture) > measure.sharpness(picture, ~left)


def test_points_count_within_a_share_of_the_height():
    true = np.array([[0.0, 0], [10, 0], [20, 0], [np.nan, np.nan]])
    found = np.array([[0.0, 0], [10, 9.9], [np.nan, np.nan], [3, 3]])
    assert measure.correct_points(found, true, 100.0) == pytest.approx(2 / 3)
    assert measure.correct_points(found, true, 50.0) == pytest.approx(1 / 3)
