"""Points of the face to the head's rotation, and to jaw, eyelids and gaze as curves with ARKit's names."""

from __future__ import annotations

import numpy as np

from ..motion import filters, quat
from ..motion.layouts import layout
from ..motion.skeleton import JOINTS, global_rotations
from ..motion.types import Keypoints, Motion
from .hands import limited, share_of, to_world

_SURE, _HZ = 0.5, 8.0
_MOST_DEG = 80.0  # that a head turns against the chest
# the height of an eye over its width: shut, and open if nobody is ever seen wider or narrower; a mouth's over the
# distance of the eyes' outer corners; a pupil's way from the middle, and how far above it looks level, over half the
# eye's width
_SHUT, _OPEN, _NARROW, _WIDE = 0.10, 0.30, 0.20, 0.45
_GAPE, _LOOK_ASIDE, _LOOK_UP, _LEVEL = 0.5, 0.45, 0.30, 0.08
_X, _, _Z = np.eye(3)


def with_face(motion: Motion, keypoints: Keypoints) -> Motion:
    """`motion`, solved from `keypoints` with a face, its head as the face shows it, and curves 0..1 of the face.

    Where the face is not seen the head stays as it was solved, eyes are open and look ahead, and the mouth is shut,
    going over softly.  Motion and keypoints have the same frames.
    """
    points, sure = _points(keypoints)
    if not sure.any():
        return motion
    seen = sure > 0.0
    share = share_of(seen, motion.fps)
    left = points["eye_outer_l"] - points["eye_outer_r"]
    face = quat.multiply(
        to_world(motion, keypoints), quat.from_two_vectors(left, _upwards(points), along=_X, beside=_Z)
    )
    grot, j = global_rotations(motion.lrot, motion.skeleton.parents), JOINTS.index("head")
    chest = grot[:, JOINTS.index("spine3")]
    turned = limited(quat.multiply(quat.inverse(chest), face), _MOST_DEG)
    turned = filters.smooth_quaternions(filters.slerp_gaps(turned, seen), _HZ, motion.fps)
    local = quat.multiply(quat.inverse(grot[:, JOINTS.index("neck")]), quat.multiply(chest, turned))
    lrot = np.array(motion.lrot, np.float64)
    lrot[:, j] = quat.slerp(lrot[:, j], local, share)
    curves = {
        name: np.clip(share * _calm(value, sure, motion.fps), 0.0, 1.0) for name, value in _curves(points, seen).items()
    }
    return motion.with_(lrot=quat.unroll(lrot), curves={**motion.curves, **curves})


def _curves(points: dict, seen) -> dict:
    """{ARKit's name: (T,)} before smoothing."""
    left = points["eye_outer_l"] - points["eye_outer_r"]
    across = left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-9)
    upwards = _upwards(points)
    upwards = upwards - np.sum(upwards * across, axis=-1, keepdims=True) * across
    upwards = upwards / np.maximum(np.linalg.norm(upwards, axis=-1, keepdims=True), 1e-9)
    out = {
        "jawOpen": _apart(points, "lip_up_in", "lip_low_in") / np.maximum(_GAPE * np.linalg.norm(left, axis=-1), 1e-9)
    }
    for side, word, outwards in (("l", "Left", 1.0), ("r", "Right", -1.0)):
        inner, outer = points[f"eye_inner_{side}"], points[f"eye_outer_{side}"]
        half = 0.5 * np.maximum(np.linalg.norm(outer - inner, axis=-1), 1e-9)
        lids = [_apart(points, f"lid_up_{end}_{side}", f"lid_low_{end}_{side}") for end in ("outer", "inner")]
        height = 0.5 * (lids[0] + lids[1]) / (2.0 * half)
        usual = np.clip(np.percentile(height[seen], 75), _NARROW, _WIDE) if seen.sum() > 10 else _OPEN
        out[f"eyeBlink{word}"] = (usual - height) / (usual - _SHUT) - 0.25  # a little less open is no blink
        look = points[f"pupil_{side}"] - 0.5 * (inner + outer)
        aside = outwards * np.sum(look * across, axis=-1) / half / _LOOK_ASIDE
        raised = (np.sum(look * upwards, axis=-1) / half - _LEVEL) / _LOOK_UP
        out |= {
            f"eyeLookOut{word}": aside, f"eyeLookIn{word}": -aside,
            f"eyeLookUp{word}": raised, f"eyeLookDown{word}": -raised,
        }  # fmt: skip
    return out


def _upwards(points: dict):
    """(T,3) from the middle of the mouth to that of the eyes."""
    eyes = 0.25 * sum(points[f"eye_{end}_{side}"] for end in ("inner", "outer") for side in "lr")
    return eyes - 0.5 * (points["mouth_l"] + points["mouth_r"])


def _points(keypoints: Keypoints) -> tuple:
    """({name: (T,3)} filled over gaps, (T,) how surely a face is seen, 0 where not)."""
    of = layout(keypoints.layout)
    names = [name for name in of.parts["face"]]
    columns = [of.index(name) for name in names]
    xyz = np.array(keypoints.xyz[:, columns], np.float64)
    score = keypoints.score[:, of.index("chin")]
    sure = np.where(np.isfinite(xyz).all(axis=(1, 2)) & (score >= _SURE), score, 0.0)
    if sure.any():
        xyz[sure == 0.0] = np.nan
        xyz = filters.fill_gaps(xyz)
    return {name: xyz[:, i] for i, name in enumerate(names)}, sure


def _apart(points: dict, a: str, b: str):
    return np.linalg.norm(points[a] - points[b], axis=-1)


def _calm(value, sure, fps: float):
    return filters.smooth(np.clip(value, -1.0, 1.5), _HZ, fps, np.maximum(sure, 1e-3))
