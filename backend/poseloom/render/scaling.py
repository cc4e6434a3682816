"""Pictures in other sizes and crops, by cubic interpolation; at its edges a picture goes on as it ends."""

from __future__ import annotations

import numpy as np


def framed(picture: np.ndarray, box: tuple, size: tuple) -> np.ndarray:
    """(h,w,C) float32: what `box` (left, top, right, bottom) in pixels shows of a picture (H,W,C), at `size` (w, h).

    The box may reach beyond the picture.  Catmull and Rom's cubic, widened where pixels get fewer, so that each counts.
    """
    high, wide = picture.shape[:2]
    across = _weights(box[0], box[2], size[0], wide)
    down = _weights(box[1], box[3], size[1], high)
    lines = np.einsum("xi,hic->hxc", across, picture.astype(np.float32), optimize=True)
    return np.einsum("yh,hxc->yxc", down, lines, optimize=True)


def shrunk(rgb: np.ndarray, width: int) -> np.ndarray:
    """(h,width,3) uint8: the whole picture."""
    high = max(1, round(rgb.shape[0] * width / rgb.shape[1]))
    return to_bytes(framed(rgb, (0, 0, rgb.shape[1], rgb.shape[0]), (width, high)))


def to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _weights(start: float, end: float, count: int, length: int) -> np.ndarray:
    """(count, length) what each new pixel takes of each old one."""
    step = (end - start) / count
    wide = max(step, 1.0)
    middles = start + (np.arange(count) + 0.5) * step - 0.5
    reach = int(np.ceil(2.0 * wide)) + 1
    near = np.round(middles).astype(int)[:, None] + np.arange(-reach, reach + 1)
    share = _cubic((near - middles[:, None]) / wide)
    out = np.zeros((count, length), np.float32)
    rows = np.repeat(np.arange(count), near.shape[1])
    np.add.at(out, (rows, np.clip(near, 0, length - 1).ravel()), (share / share.sum(axis=1, keepdims=True)).ravel())
    return out


def _cubic(x) -> np.ndarray:
    x = np.abs(x)
    return np.where(x < 1, 1.5 * x**3 - 2.5 * x**2 + 1, np.where(x < 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0.0))
