"""Rotations over time as curves an animator can read: no flips, no jumps of a whole turn."""

from __future__ import annotations

import numpy as np

from . import quat


def smooth_euler(q, mode: str):
    """Angles (T,...,3) in radians, x y z, of rotations (T,...,4), in Blender's rotation `mode`.

    Mode "XYZ" turns about x first, then y, then z, about fixed axes.  Of the two triples that
    give a rotation the one nearer to the frame before is taken, so curves run on through the
    poles and past half a turn; the first frame takes the one nearest to zero.
    """
    order = mode.lower()[::-1]  # fixed axes in the order written = moving axes in reverse
    columns = ["xyz".index(letter) for letter in order]
    first = quat.to_euler(q, order)
    second = np.stack([first[..., 0] + np.pi, np.pi - first[..., 1], first[..., 2] + np.pi], axis=-1)
    out = np.empty_like(first)
    before = np.zeros(first.shape[1:])
    for t in range(len(first)):
        before = _nearest(first[t], second[t], before)
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


def smooth_axis_angle(q):
    """Angle (radians) and unit axis (T,...,4) of rotations (T,...,4), as Blender's AXIS_ANGLE.

    The axis never flips from frame to frame, and keeps its direction where there is no rotation.
    """
    q = quat.unroll(quat.normalise(q))
    sine = np.linalg.norm(q[..., 1:], axis=-1)
    turn = 2.0 * np.arctan2(sine, q[..., 0])
    out = np.empty_like(q)
    axis = np.broadcast_to([0.0, 1.0, 0.0], q.shape[1:-1] + (3,))
    before = np.zeros(q.shape[1:-1])
    for t in range(len(q)):
        own = q[t, ..., 1:] / np.maximum(sine[t], 1e-12)[..., None]
        flip = np.where(np.sum(own * axis, axis=-1) < 0.0, -1.0, 1.0)
        axis = np.where((sine[t] > 1e-6)[..., None], own * flip[..., None], axis)
        before = _unwrap(np.where(sine[t] > 1e-6, turn[t] * flip, 0.0), before)
        out[t, ..., 0], out[t, ..., 1:] = before, axis
    return out
