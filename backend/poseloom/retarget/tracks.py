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
_Z = np.array([0.0, 0.0, 1.0])


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


def anchored(points, rest, leg: float):
    """(T,3) what brings points (T,3) to one place in each stretch of `rest` (T,): their mean, on the floor if near it."""
    move = np.zeros_like(points)
    for start, end in runs(rest):
        place = points[start:end].mean(axis=0)
        if abs(place[2]) < _ON_FLOOR * leg:
            place[2] = 0.0
        move[start:end] = place - points[start:end]
    return move


def levelled(foot, soles, rest, fps: float):
    """(T,4) turns that lay a foot flat while heel and ball rest; neither sinks while the other rests.

    foot (T,4) global rotations; soles (2,3) heel and ball from the ankle; rest (T,2) of heel and ball.
    """
    ahead = quat.rotate(foot, soles[1] - soles[0])
    length = np.maximum(np.linalg.norm(ahead, axis=-1), 1e-9)
    slope = np.arcsin(np.clip(ahead[:, 2] / length, -1.0, 1.0))
    turn, _ = eased(-slope, rest.all(axis=-1), fps)
    ball_only, heel_only = rest[:, 1] & ~rest[:, 0], rest[:, 0] & ~rest[:, 1]
    turn = np.where(ball_only, np.minimum(turn, -slope), np.where(heel_only, np.maximum(turn, -slope), turn))
    return quat.from_axis_angle(np.cross(ahead, _Z) + 1e-12, turn)


def held(ankle, foot, soles, rest, fps: float, leg: float):
    """(ankle (T,3), share (T,)) of a foot that neither slides nor sinks nor floats where it rests; share 1 there.

    The ball is fixed; the heel only where the ball does not touch down in the same stretch.
    """
    heel, ball = (ankle + quat.rotate(foot, point) for point in soles)
    lone = np.zeros(len(rest), bool)
    for start, end in runs(rest.any(axis=-1)):
        lone[start:end] = not rest[start:end, 1].any()
    fixed = rest[:, 1] | lone
    level = np.where(lone[:, None], anchored(heel, lone, leg), anchored(ball, rest[:, 1], leg))
    heel_only = rest[:, 0] & ~fixed & (np.abs(heel[:, 2]) < _ON_FLOOR * leg)
    upright = np.where(heel_only, -heel[:, 2], level[:, 2])
    move = np.empty_like(ankle)
    move[:, :2], _ = eased(level[:, :2], fixed, fps)
    move[:, 2], share = eased(upright, fixed | heel_only, fps)
    lowest = np.minimum(heel[:, 2], ball[:, 2]) + move[:, 2]
    # what only passes the floor stays above it
    move[:, 2] += np.where(rest.any(axis=-1), 0.0, np.maximum(-lowest, 0.0))
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
