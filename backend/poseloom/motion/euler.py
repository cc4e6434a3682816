"""Rotations over time as curves an animator can read: no flips, no jumps of a whole turn."""

from __future__ import annotations

import numpy as np

from . import quat


def smooth_euler(q, mode: str, first=None):
    """Angles (T,...,3) in radians, x y z, of rotations (T,...,4), in Blender's rotation `mode`.

    Mode "XYZ" turns about x first, then y, then z, about fixed axes.  Of the two triples that
    give a rotation the one nearer to the frame before is taken, so curves run on through the
    poles and past half a turn; the first frame takes the one nearest to `first` (...,3), by default zero.
    """
    order = mode.lower()[::-1]  # fixed axes in the order written = moving axes in reverse
    columns = ["xyz".index(letter) for letter in order]
    one = quat.to_euler(q, order)
    two = np.stack([one[..., 0] + np.pi, np.pi - one[..., 1], one[..., 2] + np.pi], axis=-1)
    out = np.empty_like(one)
    before = np.zeros(one.shape[1:]) if first is None else np.asarray(first, np.float64)[..., columns]
    for t in range(len(one)):
        before = _nearest(one[t], two[t], before)
        out[t] = before
    angles = np.empty_like(out)
    angles[..., columns] = out
    return angles


def _nearest(a, b, before):
    a, b = _unwrap(a, before), _unwrap(b, before)
    cost_a, cost_b = (np.abs(x - before).sum(axis=-1, keepdims=True) for x in (a, b))
    return np.where(cost_a <= cost_b + 1e-9, a, b)


def _unwrap(angles, before):
    """The angles, whole turns added, within half a turn of `before`."""
    return angles - 2.0 * np.pi * np.round((angles - before) / (2.0 * np.pi))


def smooth_axis_angle(q, first=None):
    """Angle (radians) and unit axis (T,...,4) of rotations (T,...,4), as Blender's AXIS_ANGLE.

    The axis never flips from frame to frame, and keeps its direction where there is no rotation; it goes on from
    `first` (...,4), an angle and an axis, if given.
    """
    q = quat.unroll(quat.normalise(q))
    sine = np.linalg.norm(q[..., 1:], axis=-1)
    turn = 2.0 * np.arctan2(sine, q[..., 0])
    out = np.empty_like(q)
    axis = np.broadcast_to([0.0, 1.0, 0.0], q.shape[1:-1] + (3,))
    before = np.zeros(q.shape[1:-1])
    if first is not None:
        first = np.asarray(first, np.float64)
        axis, before = first[..., 1:], first[..., 0]
    for t in range(len(q)):
        own = q[t, ..., 1:] / np.maximum(sine[t], 1e-12)[..., None]
        flip = np.where(np.sum(own * axis, axis=-1) < 0.0, -1.0, 1.0)
        axis = np.where((sine[t] > 1e-6)[..., None], own * flip[..., None], axis)
        before = _unwrap(np.where(sine[t] > 1e-6, turn[t] * flip, 0.0), before)
        out[t, ..., 0], out[t, ..., 1:] = before, axis
    return out
