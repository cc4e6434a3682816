"""How good pictures of people are: structure, colours of clothes, steadiness from frame to frame, sharpness, joints.

Pictures are (H,W,3), 0..255.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, finest first: Wang, Simoncelli, Bovik 2003
_WINDOW, _SIGMA = 11, 1.5
_LUMA = (0.299, 0.587, 0.114)
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65
_SRGB = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
_FEWEST = 20  # pixels of a region whose colour counts


def ms_ssim(a, b) -> float:
    """Multi-scale structural similarity of the brightness, 1 for the same picture.

    Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality assessment", 2003: as many of its five
    scales as leave room for the window, their weights brought to a sum of 1.
    """
    a, b = (np.asarray(x, np.float64) @ _LUMA for x in (a, b))
    scales = 1
    while scales < len(_WEIGHTS) and min(a.shape) >> scales >= _WINDOW:
        scales += 1
    weights = np.array(_WEIGHTS[:scales]) / sum(_WEIGHTS[:scales])
    value = 1.0
    for scale, weight in enumerate(weights):
        light, structure = _similarity(a, b)
        last = scale == scales - 1
        value *= max(float((light * structure).mean() if last else structure.mean()), 0.0) ** weight
        a, b = _half(a), _half(b)
    return float(value)


def _similarity(a, b) -> tuple:
    """Luminance and contrast-structure, where the whole window lies in the picture."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a, var_b = _blurred(a * a) - mean_a**2, _blurred(b * b) - mean_b**2
    both = _blurred(a * b) - mean_a * mean_b
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return light, (2 * both + c2) / (var_a + var_b + c2)


def _blurred(x) -> np.ndarray:
    reach = _WINDOW // 2
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SIGMA) ** 2)
    for axis in (0, 1):
        x = correlate1d(x, bell / bell.sum(), axis=axis)
    return x[reach : x.shape[0] - reach, reach : x.shape[1] - reach]


def _half(x) -> np.ndarray:
    x = x[: x.shape[0] // 2 * 2, : x.shape[1] // 2 * 2]
    return 0.25 * (x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2])


def cielab(rgb) -> np.ndarray:
    """(...,3) CIE L*a*b* of sRGB 0..255, for the white of D65."""
    share = np.clip(np.asarray(rgb, np.float64) / 255.0, 0.0, 1.0)
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _SRGB.T / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def region_colours(rgb, regions, count: int) -> np.ndarray:
    """(count,3) mean L*a*b* of each region; regions (H,W) says 1..count, 0 is none; NaN for those hardly there."""
    colours = cielab(rgb)
    out = np.full((count, 3), np.nan)
    for region in range(1, count + 1):
        inside = np.asarray(regions) == region
        if inside.sum() >= _FEWEST:
            out[region - 1] = colours[inside].mean(axis=0)
    return out


def nearest(colours, references) -> int:
    """Which of `references` (N,R,3) has the colours (R,3): the least mean distance over regions that both have."""
    apart = np.linalg.norm(np.asarray(references) - colours, axis=-1)
    shared = np.isfinite(apart)
    mean = np.where(shared, apart, 0.0).sum(axis=1) / np.maximum(shared.sum(axis=1), 1)
    return int(np.argmin(np.where(shared.any(axis=1), mean, np.inf)))


def warp_error(before, after, place, seen) -> float:
    """Mean difference (0..255) of `after` to what was at `place` (H,W,2) px in `before`, over pixels `seen` (H,W) in both."""
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    high, wide = before.shape[:2]
    x, y = np.clip(place[..., 0] - 0.5, 0, wide - 1.001), np.clip(place[..., 1] - 0.5, 0, high - 1.001)
    x0, y0 = x.astype(int), y.astype(int)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    top = before[y0, x0] * (1 - fx) + before[y0, x0 + 1] * fx
    low = before[y0 + 1, x0] * (1 - fx) + before[y0 + 1, x0 + 1] * fx
    return float(np.abs(after - (top * (1 - fy) + low * fy))[seen].mean())


def sharpness(rgb, inside=None) -> float:
    """The variance of the brightness's Laplacian, over the pixels `inside` (H,W) alone where given."""
    grey = np.asarray(rgb, np.float64) @ _LUMA
    out = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    return float(out.var() if inside is None else out[np.asarray(inside)[1:-1, 1:-1]].var())


def correct_points(found, true, height: float, share: float = 0.1) -> float:
    """PCK: the part of the points true (K,2) that `found` (K,2) has within `share` of the height; NaN in found is a miss."""
    true = np.asarray(true, np.float64)
    there = np.isfinite(true).all(axis=-1)
    with np.errstate(invalid="ignore"):
        right = np.linalg.norm(np.asarray(found, np.float64) - true, axis=-1) <= share * height
    return float(right[there].mean())
