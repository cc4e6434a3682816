"""Curves made whole and smooth.  Axis 0 is time; offline, so nothing here lags behind."""

from __future__ import annotations

import numpy as np

from . import quat

_BLOCK = 2_000_000
_MAX_STIFFNESS = 1e10  # beyond it the banded solve loses its digits; about 0.1 Hz at 240 fps


def butterworth(x, cutoff_hz: float, fps: float):
    """Zero-phase second-order Butterworth low-pass, forwards and backwards; (T,...) -> (T,...).

    The same numbers as scipy.signal.filtfilt(*butter(2, cutoff_hz, fs=fps), x, axis=0).  Half the
    amplitude is left at `cutoff_hz`.  Clips shorter than the padding are padded less; a cutoff at
    or above half of `fps` changes nothing.
    """
    x = np.asarray(x, np.float64)
    if len(x) < 2 or cutoff_hz >= 0.5 * fps:
        return x.copy()
    k = np.tan(np.pi * cutoff_hz / fps)
    norm = 1.0 / (1.0 + np.sqrt(2.0) * k + k * k)
    b = np.array([1.0, 2.0, 1.0]) * k * k * norm
    a1, a2 = 2.0 * (k * k - 1.0) * norm, (1.0 - np.sqrt(2.0) * k + k * k) * norm
    # the state in which a constant 1 stays 1
    rest = np.array([1.0 - b[0], b[2] - a2])
    pad = min(9, len(x) - 1)
    padded = np.concatenate([2 * x[0] - x[pad:0:-1], x, 2 * x[-1] - x[-2 : -pad - 2 : -1]])

    def run(y):
        out = np.empty_like(y)
        s0, s1 = rest[0] * y[0], rest[1] * y[0]
        for t, now in enumerate(y):
            out[t] = new = b[0] * now + s0
            s0, s1 = b[1] * now - a1 * new + s1, b[2] * now - a2 * new
        return out

    return run(run(padded)[::-1])[::-1][pad : pad + len(x)]


def smooth(x, cutoff_hz: float, fps: float, weight=None, slope=None, slope_weight=None):
    """The smooth curve nearest to x (T,...) where `weight` (T,...) is high; NaN-free input.

    Minimises sum weight (y - x)^2 + stiffness (second difference of y)^2 [+ slope_weight
    (y[t+1] - y[t] - slope[t])^2, both (T-1,...)]: Whittaker 1923.  With all weights 1 it passes
    half the amplitude at `cutoff_hz`, as `butterworth` does, and it needs no padding at the ends.
    Where the weight is small it bridges; scale-free in time.  A cutoff at or above half of `fps`
    returns x unless a slope is given.
    """
    x = np.asarray(x, np.float64)
    if len(x) < 3 or (cutoff_hz >= 0.5 * fps and slope is None):
        return x.copy()
    flat = x.reshape(len(x), -1)
    weight = np.ones_like(flat) if weight is None else _like(weight, x)
    weight = np.maximum(weight, 1e-9)
    stiff = min(0.5 / np.sin(np.pi * min(cutoff_hz / fps, 0.5)), 1e4) ** 4
    stiff = min(stiff, _MAX_STIFFNESS)
    main, one, two = weight.copy(), np.zeros_like(flat), np.zeros_like(flat)
    right = weight * flat
    main[:-2] += stiff
    main[1:-1] += 4.0 * stiff
    main[2:] += stiff
    one[:-2] -= 2.0 * stiff
    one[1:-1] -= 2.0 * stiff
    two[:-2] += stiff
    if slope is not None:
        s, w = _like(slope, x[1:]), _like(slope_weight, x[1:])
        main[:-1] += w
        main[1:] += w
        one[:-1] -= w
        right[:-1] -= w * s
        right[1:] += w * s
    return _solve_banded(main, one, two, right).reshape(x.shape)


def _like(value, x):
    return np.array(np.broadcast_to(np.asarray(value, np.float64), x.shape).reshape(len(x), -1))


def _solve_banded(main, one, two, right):
    """Symmetric pentadiagonal systems (T,N) side by side, columns independent: T >= 3 unknowns each, `one` and `two`
    the couplings to the next and the next but one.

    Eliminated from both ends at once, which halves the steps, down to the two unknowns in the middle.
    """
    frames, columns = main.shape
    if frames % 2:  # one more, of its own
        main, one, two, right = (np.concatenate([x, np.full((1, columns), end)]) for x, end in
                                 ((main, 1.0), (one, 0.0), (two, 0.0), (right, 0.0)))  # fmt: skip
    half, last = len(main) // 2 - 1, len(main) - 1
    rows = np.arange(half + 2)
    # the second half backwards beside the first: main, one, two
    band = np.stack([
        np.concatenate([x[rows], x[np.maximum(last - k - rows, 0)]], axis=1) for k, x in enumerate((main, one, two))
    ], axis=1)  # fmt: skip
    y = np.concatenate([right[rows], right[last - rows]], axis=1)
    share = np.empty((half, 2, 2 * columns))
    for t in range(half):
        near, next_ = np.divide(band[t, 1:], band[t, 0], out=share[t])
        band[t + 1, :2] -= near * band[t, 1:]
        band[t + 2, 0] -= next_ * band[t, 2]
        y[t + 1] -= near * y[t]
        y[t + 2] -= next_ * y[t]
    # the middle has been changed from both sides
    front, back = np.s_[:columns], np.s_[columns:]
    a, c = (band[half + k, 0, front] + band[half + 1 - k, 0, back] - main[half + k] for k in (0, 1))
    b = band[half, 1, front] + band[half, 1, back] - one[half]
    u, v = (y[half + k, front] + y[half + 1 - k, back] - right[half + k] for k in (0, 1))
    scale = 1.0 / (a * c - b * b)
    middle = (c * u - b * v) * scale, (a * v - b * u) * scale
    out = np.empty_like(y)
    out[half], out[half + 1] = np.concatenate(middle), np.concatenate(middle[::-1])
    out[:half] = y[:half] / band[:half, 0]
    for t in range(half - 1, -1, -1):
        out[t] -= share[t, 0] * out[t + 1]
        out[t] -= share[t, 1] * out[t + 2]
    return np.concatenate([out[: half + 1, front], out[half::-1, back]])[:frames]


def robust_smooth(x, cutoff_hz: float, fps: float, weight=None, spread=0.03, rounds: int = 2):
    """`smooth` that lets go of points (..., last axis together) off the curve by several `spread`.

    `spread` is the usual distance of a good point from the curve, in units of x; the weight of a
    point at distance d falls as 1 / (1 + (d / 3 spread)^2)^2 (Geman and McClure 1987).
    """
    x = np.asarray(x, np.float64)
    weight = np.ones(x.shape[:-1]) if weight is None else np.asarray(weight, np.float64)
    y = smooth(x, cutoff_hz, fps, weight[..., None])
    for _ in range(rounds):
        off = np.linalg.norm(x - y, axis=-1) / (3.0 * spread)
        y = smooth(x, cutoff_hz, fps, (weight / (1.0 + off**2) ** 2)[..., None])
    return y


def blocks(frames: int, fps: float, *, block_s: float = 20.0, overlap_s: float = 2.0) -> list:
    """[(frames of a block and what overlaps, those of its own in there)], for memory that does not grow with a clip."""
    length, over = max(1, round(block_s * fps)), round(overlap_s * fps)
    out = []
    for start in range(0, frames, length):
        before = min(start, over)
        wide = slice(start - before, start + length + over)
        out.append((wide, slice(before, before + min(length, frames - start))))
    return out


def in_blocks(work, fps: float, *arrays, overlap_s: float = 2.0, dtype=np.float32) -> list:
    """The arrays (T,...) that `work(*arrays)` returns for arrays (T,...), worked out block by block, as `dtype`.

    What `work` says of a frame may depend on frames up to `overlap_s` away.
    """
    out = []
    for wide, own in blocks(len(arrays[0]), fps, overlap_s=overlap_s):
        done = work(*(array[wide] for array in arrays))
        out = out or [np.empty(arrays[0].shape[:1] + part.shape[1:], dtype) for part in done]
        for whole, part in zip(out, done):
            first = wide.start + own.start
            whole[first : first + own.stop - own.start] = part[own]
    return out


def outliers(x, fps: float, window_s: float = 0.3, sigmas: float = 4.0, floor: float = 0.0):
    """(T,...) True where x (T,...,D) is far from the median of its neighbours (Hampel 1974), drift taken off.

    Far is `sigmas` times the window's own spread (1.4826 MAD), and at least `floor` in units of x.
    NaN counts as no outlier.  Windows hold at least 5 frames; shorter clips have no outliers.
    """
    x = np.asarray(x, np.float64)
    half = max(2, int(round(window_s * fps / 2.0)))
    if len(x) < 5:
        return np.zeros(x.shape[:-1], bool)
    half = min(half, (len(x) - 1) // 2)
    filled = fill_gaps(x)
    padded = np.concatenate([filled[half:0:-1], filled, filled[-2 : -half - 2 : -1]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    far = np.empty(x.shape[:-1], bool)
    block = max(1, _BLOCK // windows[0].size)  # so that memory does not grow with the clip
    for start in range(0, len(x), block):
        here = slice(start, start + block)
        drift = np.median(np.diff(windows[here], axis=-1), axis=-1)
        level = windows[here] - drift[..., None] * np.arange(-half, half + 1)
        middle = np.median(level, axis=-1)
        spread = 1.4826 * np.median(np.linalg.norm(level - middle[..., None], axis=-2), axis=-1)
        far[here] = np.linalg.norm(filled[here] - middle, axis=-1) > np.maximum(sigmas * spread, floor)
    return far


def fill_gaps(x):
    """NaN of x (T,...) bridged by straight lines, held before the first and after the last value.

    A column without any value becomes 0.
    """
    x = np.array(x, np.float64)
    flat = x.reshape(len(x), -1)
    frames = np.arange(len(x))
    for column in np.flatnonzero(np.isnan(flat).any(axis=0)):
        seen = ~np.isnan(flat[:, column])
        values = np.interp(frames, frames[seen], flat[seen, column]) if seen.any() else 0.0
        flat[:, column] = values
    return flat.reshape(x.shape)


def run_lengths(flags):
    """(T,...) for each True of flags (T,...) the length in frames of the run it stands in; else 0."""
    flags = np.asarray(flags, bool)
    frames = len(flags)
    # columns one after the other, with a False between them
    line = np.zeros((flags[:1].size if frames else 0, frames + 1), bool)
    line[:, :frames] = flags.reshape(frames, -1).T if frames else False
    line = line.reshape(-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8)])))
    starts, ends = edges[::2], edges[1::2]
    count = np.zeros(len(line), np.int64)
    count[line] = np.repeat(ends - starts, ends - starts)
    return count.reshape(-1, frames + 1)[:, :frames].T.reshape(flags.shape)


def smooth_quaternions(q, cutoff_hz: float, fps: float, weight=None):
    """`smooth` for rotations (T,...,4); weight (T,...).  Comes back unrolled and of unit length."""
    q = quat.unroll(quat.normalise(q))
    weight = None if weight is None else np.asarray(weight, np.float64)[..., None]
    return quat.unroll(quat.normalise(smooth(q, cutoff_hz, fps, weight)))


def slerp_gaps(q, known):
    """Rotations q (T,...,4), those of frames where `known` (T,) is False slerped between neighbours.

    Before the first and after the last known frame the nearest is held.
    """
    q, known = np.array(q, np.float64), np.asarray(known, bool)
    frames, gaps = np.flatnonzero(known), np.flatnonzero(~known)
    if len(frames) and len(gaps):
        i = np.searchsorted(frames, gaps)
        before, after = frames[np.maximum(i - 1, 0)], frames[np.minimum(i, len(frames) - 1)]
        share = np.clip((gaps - before) / np.maximum(after - before, 1), 0.0, 1.0)
        q[gaps] = quat.slerp(q[before], q[after], share.reshape(-1, *[1] * (q.ndim - 2)))
    return quat.unroll(q)
