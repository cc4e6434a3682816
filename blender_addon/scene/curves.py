"""F-curves on many frames at once, with the arithmetic of Blender's own evaluation."""

from __future__ import annotations

import numpy as np

CONSTANT, LINEAR, BEZIER = 0, 1, 2  # as Blender numbers the interpolations of keys
_STEPS = 40  # halvings of a segment, far below a key's single precision


def sample(curve, frames, modifiers: bool = True) -> np.ndarray:
    """(T,) the curve's values at rising `frames` (T,); without `modifiers`, what they add is left out."""
    points, frames = curve.keyframe_points, np.asarray(frames, np.float64)
    active = [modifier for modifier in curve.modifiers if not modifier.mute]
    if not len(points) or (active and modifiers):
        return _asked(curve, frames)
    at, kinds = _pairs(points, "co"), _kinds(points)
    held = curve.extrapolation == "CONSTANT" or (at[0, 0] <= frames[0] and frames[-1] <= at[-1, 0])
    if not held or (kinds > BEZIER).any() or (np.diff(at[:, 0]) <= 0.0).any():
        return _without(active, curve, frames)
    low = np.clip(np.searchsorted(at[:, 0], frames, side="right") - 1, 0, None)
    values = at[low, 1]
    inside = np.flatnonzero((low + 1 < len(at)) & (frames > at[low, 0]) & (kinds[low] != CONSTANT))
    for kind, between in ((LINEAR, _straight), (BEZIER, _bent)):
        rows = inside[kinds[low[inside]] == kind]
        if len(rows):
            values[rows] = between(points, at, low[rows], frames[rows])
    return values


def still_at(curve, value: float, within: float) -> bool:
    """Whether the curve never leaves `value`, by its keys and handles alone."""
    points = curve.keyframe_points
    if any(not modifier.mute for modifier in curve.modifiers) or (len(points) and (_kinds(points) > BEZIER).any()):
        return False
    names = ("co", "handle_left", "handle_right")
    return all(np.abs(_pairs(points, name)[:, 1] - value).max(initial=0.0) < within for name in names)


def _straight(points, at, low, frames):
    share = (frames - at[low, 0]) / (at[low + 1, 0] - at[low, 0])
    return at[low, 1] + share * (at[low + 1, 1] - at[low, 1])


def _bent(points, at, low, frames):
    """Bezier segments, their handles shortened as Blender does where they reach past the other key."""
    start, end = at[low], at[low + 1]
    out, back = _pairs(points, "handle_right")[low] - start, end - _pairs(points, "handle_left")[low + 1]
    span = end[:, :1] - start[:, :1]
    corners = np.stack([start, start + within(out, span), end - within(back, span), end])
    first, last = np.zeros(len(low)), np.ones(len(low))
    for _ in range(_STEPS):
        middle = (first + last) / 2.0
        early = _point(corners[..., 0], middle) < frames
        first, last = np.where(early, middle, first), np.where(early, last, middle)
    return _point(corners[..., 1], (first + last) / 2.0)


def within(handle, span):
    """A handle (...,2) from its key, no longer in time than `span`, to the other key."""
    return handle * np.minimum(1.0, span / np.maximum(np.abs(handle[..., :1]), 1e-12))


def _point(corners, t):
    s = 1.0 - t
    return s**3 * corners[0] + 3.0 * s * s * t * corners[1] + 3.0 * s * t * t * corners[2] + t**3 * corners[3]


def _pairs(points, name) -> np.ndarray:
    flat = np.empty(2 * len(points), np.float32)
    points.foreach_get(name, flat)
    return flat.reshape(-1, 2).astype(np.float64)


def _kinds(points) -> np.ndarray:
    kinds = np.empty(len(points), np.uint8)
    points.foreach_get("interpolation", kinds)
    return kinds


def _asked(curve, frames):
    return np.array([curve.evaluate(frame) for frame in frames.tolist()])


def _without(modifiers, curve, frames):
    """What Blender says with its modifiers muted for the while."""
    try:
        for modifier in modifiers:
            modifier.mute = True
        return _asked(curve, frames)
    finally:
        for modifier in modifiers:
            modifier.mute = False
