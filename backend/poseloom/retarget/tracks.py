"""Tracks of feet and hands that rest where they rest: fixed in each contact, eased from one to the next."""

from __future__ import annotations

import numpy as np

from ..motion import filters, quat
from ..motion.contacts import runs

# how long before and after a contact a limb is led to its place
_EASE_S = 0.2
# a resting point this near the floor, in leg lengths, rests on it; higher ones lie on steps
_ON_FLOOR = 0.08
# long clips are smoothed in blocks side by side; beyond the margin nothing of a neighbour is felt
_BLOCK_S, _MARGIN_S = 5.0, 2.5
_TIPTOE = 0.3
_X, _AHEAD, _Z = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])


def eased(values, known, fps: float):
    """(values (T,...) held where `known` (T,), fading to nothing within 0.2 s of it; share (T,) 1 there, fading).

    Between two stretches that are nearer, from the one's last value to the other's first.
    """
    values = np.asarray(values, np.float64)
    frames, t = np.flatnonzero(known), np.arange(len(values))
    if len(frames) == 0:
        return np.zeros_like(values), np.zeros(len(values))
    after = np.searchsorted(frames, t)
    before = np.searchsorted(frames, t, side="right") - 1
    last, first = frames[np.maximum(before, 0)], frames[np.minimum(after, len(frames) - 1)]
    ease = max(2.0, _EASE_S * fps)
    gap = np.where((before >= 0) & (after < len(frames)), np.maximum(first - last, 1), ease)
    ease = np.minimum(ease, gap)
    left = np.where(before >= 0, _fade((t - last) / ease), 0.0)
    right = np.where(after < len(frames), _fade((first - t) / ease), 0.0)
    right[known] = 0.0
    wide = (slice(None),) + (None,) * (values.ndim - 1)
    return left[wide] * values[last] + right[wide] * values[first], left + right


def _fade(x):
    x = np.clip(x, 0.0, 1.0)
    return 1.0 - x * x * (3.0 - 2.0 * x)


def bulged(values, fps: float):
    """A smooth curve (T,) nowhere below values (T,) >= 0, that rises and falls within 0.2 s."""
    wide = max(1, round(_EASE_S * fps / 2.0))
    padded = np.pad(values, 2 * wide, mode="edge")
    high = np.lib.stride_tricks.sliding_window_view(padded, 2 * wide + 1).max(axis=-1)
    window = np.hanning(2 * wide + 3)[1:-1]
    return np.convolve(high, window / window.sum(), mode="valid")


def levelled(foot, soles, rest, fps: float):
    """(T,4) turns that lay a foot flat, with one heading, while heel and ball rest; neither sinks while the other rests.

    foot (T,4) global rotations; soles (2,3) heel and ball from the ankle; rest (T,2) of heel and ball.
    """
    ahead, flat = quat.rotate(foot, soles[1] - soles[0]), rest.all(axis=-1)
    length = np.maximum(np.linalg.norm(ahead, axis=-1), 1e-9)
    slope = np.arcsin(np.clip(ahead[:, 2] / length, -1.0, 1.0))
    turn, _ = eased(-slope, flat, fps)
    ball_only, heel_only = rest[:, 1] & ~rest[:, 0], rest[:, 0] & ~rest[:, 1]
    turn = np.where(ball_only, np.minimum(turn, -slope), np.where(heel_only, np.maximum(turn, -slope), turn))
    heading, steady = np.unwrap(np.arctan2(ahead[:, 1], ahead[:, 0])), np.zeros(len(ahead))
    for start, end in runs(flat):
        steady[start:end] = heading[start:end].mean() - heading[start:end]
    steady, _ = eased(steady, flat, fps)
    return quat.multiply(quat.from_axis_angle(_Z, steady), quat.from_axis_angle(np.cross(ahead, _Z) + 1e-12, turn))


def upright(foot, rest, fps: float):
    """(T,4) turns that let a foot (T,4), or its toes, lean to neither side while it rests (T,)."""
    # a foot on the tip of its toes leans nowhere
    lean = np.arctan2(quat.rotate(foot, _X)[:, 2], np.maximum(quat.rotate(foot, _Z)[:, 2], _TIPTOE))
    return quat.from_axis_angle(quat.rotate(foot, _AHEAD), eased(-lean, rest, fps)[0])


def held(ankle, foot, soles, rest, fps: float, leg: float):
    """(ankle (T,3), share (T,)) of a foot that neither slides nor sinks nor floats where it rests; share 1 there.

    In a rest it rolls from heel to ball without slipping, about the place where it was on the whole.
    """
    heel, ball = (ankle + quat.rotate(foot, point) for point in soles)
    fixed = rest.any(axis=-1)
    rolls = np.where((rest[1:, 1] & rest[:-1, 1])[:, None], np.diff(ball, axis=0),
                     np.where((rest[1:, 0] & rest[:-1, 0])[:, None], np.diff(heel, axis=0),
                              (np.diff(heel, axis=0) + np.diff(ball, axis=0)) / 2.0))  # fmt: skip
    move = -np.concatenate([np.zeros((1, 3)), np.cumsum(rolls, axis=0)])
    height = np.where(rest[:, 1], ball[:, 2], heel[:, 2])
    for start, end in runs(fixed):
        move[start:end] -= move[start:end].mean(axis=0)
        ground = height[start:end].mean()
        move[start:end, 2] = (ground if abs(ground) > _ON_FLOOR * leg else 0.0) - height[start:end]
    move, share = eased(move, fixed, fps)
    lowest = np.minimum(heel[:, 2], ball[:, 2]) + move[:, 2]
    # what only passes the floor stays above it
    move[:, 2] += np.where(fixed, 0.0, np.maximum(-lowest, 0.0))
    return ankle + move, share


def smoothed(values, weight, cutoff_hz: float, fps: float):
    """`filters.smooth` of values (T,C) with one weight (T,) for all columns, quick for long clips."""
    frames, block, margin = len(values), round(_BLOCK_S * fps), round(_MARGIN_S * fps)
    if frames <= 2 * block:
        return filters.smooth(values, cutoff_hz, fps, weight[:, None])
    first = np.append(np.arange(0, frames - block, block), frames - block)
    at = first - margin + np.arange(block + 2 * margin)[:, None]
    inside = (at >= 0) & (at < frames)
    at = np.clip(at, 0, frames - 1)
    smooth = filters.smooth(values[at], cutoff_hz, fps, (weight[at] * inside)[..., None])
    out, kept = np.empty_like(values), slice(margin, margin + block)
    out[at[kept]] = smooth[kept]
    return out
