"""What a camera that moved has seen, as one that stood still would have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..motion import quat
from ..motion.resection import FOCAL, through
from ..motion.types import Keypoints

WIDEST_RAD = np.radians(65.0)  # further aside no flat picture shows anything


def steadied(keypoints: Keypoints) -> tuple[Keypoints, float]:
    """The keypoints without their `view`, and the share of frames that turned too far away to be told (0..1).

    Those frames count as unseen.  The estimator's metres roll with the picture.
    """
    if keypoints.view is None:
        return keypoints, 0.0
    xy = np.array(keypoints.xy, np.float64)
    middle = np.nanmean(np.where(np.isfinite(xy), xy, np.nan), axis=1) if len(xy) else xy[:, 0]
    up = middle - np.array([0.0, 50.0])
    moved, ahead = through(keypoints.view, xy)
    ends = [through(keypoints.view, point[:, None])[0][:, 0] for point in (middle, up)]
    way = ends[1] - ends[0]
    roll = np.nan_to_num(np.arctan2(way[:, 0], -way[:, 1]))
    far = np.abs(moved - 0.5 * np.array(keypoints.size)).max(axis=-1) > FOCAL * max(keypoints.size) * np.tan(WIDEST_RAD)
    gone = ((far | (ahead <= 0.0)) & np.isfinite(xy).all(axis=-1)).any(axis=1)
    xyz, score = keypoints.xyz, np.array(keypoints.score)
    if xyz is not None:
        turn = quat.from_axis_angle(np.array([0.0, 1.0, 0.0]), roll)
        xyz = quat.rotate(turn[:, None], np.nan_to_num(np.array(xyz, np.float64)))
        xyz[~np.isfinite(keypoints.xyz)] = np.nan
        xyz[gone] = np.nan
    moved[gone], score[gone] = np.nan, 0.0
    return replace(keypoints, xy=moved, xyz=xyz, score=score, view=None), float(gone.mean()) if len(gone) else 0.0

