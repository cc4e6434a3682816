"""Analytic inverse kinematics of two bones: a leg or an arm, all frames at once."""

from __future__ import annotations

import numpy as np

from . import quat


def two_bone(upper_grot, lower_grot, upper_bone, lower_bone, start, target, forward):
    """Turn both bones so that the end of the lower one lies at `target`; bones keep their length.

    upper_grot, lower_grot (...,4) global rotations; upper_bone, lower_bone (...,3) the bones in
    their own rest axes; start, target (...,3) in the world; forward (...,3), in the upper bone's
    rest axes, where the middle joint points when the limb is straight (-Y for a knee).
    Returns (upper_grot, lower_grot).  The middle joint stays in the plane it was in, turned with
    the line from start to target, unless it bends the wrong way; twist about the bones is kept.  A
    target out of reach is approached as far as the straight limb goes: there is no margin, since
    1 % of reach bends a straight knee by 16 degrees.
    """
    start, target = np.asarray(start, np.float64), np.asarray(target, np.float64)
    upper = quat.rotate(upper_grot, upper_bone)
    lower = quat.rotate(lower_grot, lower_bone)
    a, b = _norm(upper), _norm(lower)
    swing = quat.between(upper + lower, target - start)
    upper, lower = quat.rotate(swing, upper), quat.rotate(swing, lower)
    toward = _unit(target - start)
    distance = np.clip(_norm(target - start), np.abs(a - b) + 1e-9, a + b - 1e-9)
    # the pole: where the middle joint is now; for a nearly straight limb, where its hinge would send it.  The
    # hinge tells at any bend, `forward` itself points backwards in a deep squat
    hinge = quat.cross(np.asarray(forward, np.float64), np.asarray(upper_bone, np.float64))
    ahead = quat.cross(toward, quat.rotate(quat.multiply(swing, upper_grot), hinge))
    now = _across(upper, toward)
    same_side = quat.dot(_unit(now), _unit(ahead))[..., None]
    trust = _ease(_norm(now) / (0.03 * (a + b)) - 1.0) * _ease(1.0 + 2.0 * same_side)
    pole = _unit(_across(trust * _unit(now) + (1.0 - trust) * _unit(ahead) + 1e-6 * _unit(ahead), toward))
    along = (distance**2 + a**2 - b**2) / (2.0 * distance)
    out = np.sqrt(np.maximum(a**2 - along**2, 0.0))
    upper_new = along * toward + out * pole
    lower_new = distance * toward - upper_new
    upper_grot = quat.multiply(quat.between(upper, upper_new), quat.multiply(swing, upper_grot))
    lower_grot = quat.multiply(quat.between(lower, lower_new), quat.multiply(swing, lower_grot))
    return upper_grot, lower_grot


def _ease(x):
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def _across(v, axis):
    return v - quat.dot(v, axis)[..., None] * axis


def _norm(v):
    return quat.length(v)[..., None]


def _unit(v):
    return v / np.maximum(_norm(v), 1e-12)
