"""People as an estimator saw them in a clip, each point where it is in the picture and as far away as its metres say."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from ..errors import BadInput
from ..motion import openpose
from ..motion.layouts import layout
from ..motion.skeleton import REST_HEIGHT_M
from ..motion.types import Camera, Keypoints
from .cast import Cast, still

_SURE = 0.3  # keypoints below this score count as unseen
_USUAL_M = 1.5  # from the ankles to the nose, where keypoints have no metres
_FOCAL = 1.2  # of the camera, in longer sides of the picture
_ENDS = {"thumb": ("cmc", "mcp", "ip", "tip"), **{f: ("mcp", "pip", "dip", "tip") for f in openpose.FINGERS[1:]}}
# openpose's name of a point -> its name in our layouts
_CALLED = {
    **{f"{finger}{i + 1}_{side}": f"{finger}_{end}_{side}"
       for finger, ends in _ENDS.items() for i, end in enumerate(ends) for side in "lr"},
    **dict(zip(openpose.FACE, openpose.FACE_NAMES)),
}  # fmt: skip


def of_keypoints(people: Sequence[Keypoints], body: int = 18) -> Cast:
    """The people of one clip, hands and face too where they were seen.

    BadInput where a layout lacks shoulders or hips, or nobody is seen.
    """
    if not people:
        raise _nobody()
    first = people[0]
    count, focal = max(map(len, people)), _FOCAL * max(first.size)
    points = np.full((count, len(people), len(openpose.names(body)), 3), np.nan)
    for p, one in enumerate(people):
        points[: len(one), p] = _points(one, body, focal)
    if not np.isfinite(points[:, :, :body]).any():
        raise _nobody()
    wide, high = first.size
    camera = Camera(np.array([[focal, 0, 0.5 * wide], [0, focal, 0.5 * high], [0, 0, 1]]), np.eye(4), first.size)
    names = ["the person"] if len(people) == 1 else [f"person {one.person}" for one in people]
    start = round(first.start_s * first.fps)
    return still(points, camera, [REST_HEIGHT_M] * len(people), first.fps, body, names=names, first=start)


def _nobody() -> BadInput:
    return BadInput("no_person", "The keypoints show nobody.", "Choose another clip.")


def _points(keypoints: Keypoints, body: int, focal: float) -> np.ndarray:
    """(T,K,3) before a camera at the origin that looks along -Z; NaN for what was not seen."""
    xy, away = _figure(keypoints, body)
    away = away + focal / max(_px_a_metre(keypoints, xy[:, :body]), 1.0)
    flat = (xy - 0.5 * np.array(keypoints.size)) * away[..., None] / focal
    return np.concatenate([flat, away[..., None]], axis=-1) * np.array([1.0, -1.0, -1.0])


def _px_a_metre(keypoints: Keypoints, xy) -> float:
    """How large the person is in the picture: by its metres, else as if from head to feet; xy (T,B,2)."""
    sizes = []
    if keypoints.xyz is not None:
        sure = (keypoints.score >= _SURE) & np.isfinite(keypoints.xy).all(axis=-1) & np.isfinite(keypoints.xyz).all(axis=-1)
        for seen, flat, metres in zip(sure, keypoints.xy, keypoints.xyz[..., [0, 2]]):
            if seen.sum() > 2 and (spread := np.ptp(metres[seen], axis=0).max()) > 0.1:
                sizes.append(np.ptp(flat[seen], axis=0).max() / spread)
    else:
        high = [row[np.isfinite(row)] for row in xy[..., 1]]
        sizes = [np.ptp(row) / _USUAL_M for row in high if len(row) > 1]
    return float(np.median(sizes)) if sizes else 0.0


def _figure(keypoints: Keypoints, body: int) -> tuple:
    """(xy (T,K,2), away (T,K) metres from the hips) of the points that keypoints have."""
    names = layout(keypoints.layout).names
    sure = (keypoints.score >= _SURE) & np.isfinite(keypoints.xy).all(axis=-1)
    xyz = np.zeros((*keypoints.score.shape, 3)) if keypoints.xyz is None else keypoints.xyz
    own = np.concatenate([np.where(sure[..., None], keypoints.xy, np.nan), xyz[..., 1:2]], axis=-1).astype(np.float64)
    at = {name: own[:, i] for i, name in enumerate(names)}
    if any(f"{name}_{side}" not in at for name in ("shoulder", "hip") for side in "lr"):
        raise BadInput("bad_layout", f'The layout "{keypoints.layout}" has no shoulders or no hips.', "Use keypoints of a whole body.")
    at["neck"] = 0.5 * (at["shoulder_l"] + at["shoulder_r"])
    at["pelvis"] = 0.5 * (at["hip_l"] + at["hip_r"])
    none = np.full((len(own), 3), np.nan)
    found = np.stack([at.get(_CALLED.get(name, name), none) for name in openpose.names(body)], axis=1)
    return found[..., :2], _deep(found[..., 2], body)


def _deep(away: np.ndarray, body: int) -> np.ndarray:
    """(T,K) with what has no depth of its own as far away as the wrist, the nose, or else the hips."""
    all_names = openpose.names(body)
    roots = [all_names.index(n) for n in ("wrist_l", "wrist_r", "nose")]
    starts = np.cumsum([body, len(openpose.HAND), len(openpose.HAND), len(openpose.FACE)])
    out = away.copy()
    out[:, :body] = np.nan_to_num(away[:, :body])
    for root, begin, end in zip(roots, starts[:-1], starts[1:]):
        out[:, begin:end] = np.where(np.isfinite(away[:, begin:end]), away[:, begin:end], out[:, root, None])
    return out
