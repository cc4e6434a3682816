"""BlazePose's 33 points as a camera and a skeleton mean them: in the camera's axes, at the joints' centres."""

from __future__ import annotations

import numpy as np

from ..motion import quat

# shoulders, elbows, wrists, hips, knees, ankles: the points that are joints
JOINTS = (11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
SHOULDERS, HIPS = (11, 12), (23, 24)
# the other points, and the joints they go along with
_CARRIED = ((range(11), (11, 12)), ((17, 19, 21), (15,)), ((18, 20, 22), (16,)), ((29, 31), (27,)), ((30, 32), (28,)))
# from the points at the hips to where thighs turn, in lengths of the trunk: backwards, upwards; by least squares on
# rendered people of other subjects than those of any test
_HIP_IN = np.array([0.037, 0.038])


def in_camera_axes(points, xy, size, focal_px):
    """points (T,33,3) turned from the axes of the crop that the estimator saw to those of the camera.

    An estimator that sees the person alone, in the middle of its crop, takes the way there for straight
    ahead.  xy (T,33,2) pixels.
    """
    middle = (xy[:, SHOULDERS + HIPS].mean(axis=1) - 0.5 * np.asarray(size, np.float64)) / focal_px
    ahead = np.stack([middle[:, 0], np.ones(len(middle)), -middle[:, 1]], axis=-1)
    return quat.rotate(quat.between(np.array([0.0, 1.0, 0.0]), ahead)[:, None], points)


def centred(points, xy):
    """points (T,33,3) in camera axes and their pixels xy (T,33,2), the hips moved into the joints."""
    points, xy = np.array(points), np.array(xy)
    up = points[:, SHOULDERS].mean(axis=1) - points[:, HIPS].mean(axis=1)
    left = points[:, SHOULDERS[0]] - points[:, SHOULDERS[1]] + points[:, HIPS[0]] - points[:, HIPS[1]]
    back = quat.cross(up, left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-9))
    move = _HIP_IN[0] * back + _HIP_IN[1] * up
    # pixels of a metre, by the body's extent in both
    flat = points[:, JOINTS][..., [0, 2]] * [1.0, -1.0]
    flat = flat - flat.mean(axis=1, keepdims=True)
    seen = xy[:, JOINTS] - xy[:, JOINTS].mean(axis=1, keepdims=True)
    pixels = (flat * seen).sum(axis=(1, 2)) / np.maximum((flat**2).sum(axis=(1, 2)), 1e-9)
    points[:, HIPS] += move[:, None]
    xy[:, HIPS] += (move[:, [0, 2]] * [1.0, -1.0] * pixels[:, None])[:, None]
    return points, xy


def placed(points, places):
    """points (T,33,3), the JOINTS at their `places` (T,12,3), the others carried along; all about the hips."""
    out = np.array(points)
    for others, joints in _CARRIED:
        at = [JOINTS.index(p) for p in joints]
        out[:, list(others)] += (places[:, at] - points[:, list(joints)]).mean(axis=1, keepdims=True)
    out[:, JOINTS] = places
    return out - out[:, HIPS].mean(axis=1, keepdims=True)
