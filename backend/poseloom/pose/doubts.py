"""What a solved clip leaves open, in sentences for the person who keeps it."""

from __future__ import annotations

import numpy as np

from ..motion.contacts import runs
from ..motion.skeleton import motion_fk
from ..motion.types import Keypoints, Motion
from . import clean

_LONG_S = 0.5
_SLOW_FPS = 10.0
# of a body that moves, all points together leap by 0.01 to 0.025 trunks between frames; slow cameras see large leaps
_SHAKE, _SHAKE_FPS = 0.05, 20.0
_BODY = [11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]


def doubts(keypoints: Keypoints, motion: Motion) -> list:
    """Sentences on what of `motion`, solved from `keypoints`, is made up; none where all was seen."""
    lost = ~np.isfinite(keypoints.xy).all(axis=-1).any(axis=1)
    said = [
        f"From {keypoints.start_s + start / keypoints.fps:.2f} s to {keypoints.start_s + end / keypoints.fps:.2f} s "
        "nobody is seen; the movement there is made up and scores 0."
        for start, end in runs(lost) if end - start > _LONG_S * keypoints.fps
    ]  # fmt: skip
    seen = ~lost
    legs = 1.0 - clean.legs_seen(keypoints)[seen].min(axis=1).mean() if seen.any() else 0.0
    single = np.array_equal(keypoints.xy, np.broadcast_to(keypoints.xy[:1], keypoints.xy.shape), equal_nan=True)  # held or not
    if legs > 0.1 and single:
        said.append("A leg is out of sight; it hangs straight down.")
    elif legs > 0.1:
        said.append(f"For {legs:.0%} of the time a leg is out of sight; there it hangs straight down.")
    gpos = motion_fk(motion)[1]
    trunk = gpos[:, motion.skeleton.index("neck")] - gpos[:, 0]
    upright = trunk[:, 2] > 0.7 * np.linalg.norm(trunk, axis=-1)
    if seen.any() and upright[seen].mean() < 0.1:
        what = "picture" if single else "clip"
        said.append(f"Nobody stands in this {what}, which would tell the camera's tilt; it is taken to look level.")
    if _shakes(keypoints):
        said.append('The camera seems to shake; the camera "moving" (--camera moving) takes that out of the movement.')
    if keypoints.fps < _SLOW_FPS and len(keypoints) > 1:
        said.append(f"At {keypoints.fps:g} frames a second, fast movement and short steps are guesses.")
    return said


def _shakes(keypoints: Keypoints) -> bool:
    """Whether all points of the body leap together from frame to frame, as no body does."""
    xy = keypoints.xy[:, _BODY].astype(np.float64)
    xy = xy[np.isfinite(xy).all(axis=(1, 2))]
    if keypoints.fps < _SHAKE_FPS or len(xy) < 0.5 * keypoints.fps:
        return False
    trunk = np.median(np.linalg.norm(xy[:, 0] - xy[:, 7], axis=-1))
    leap = np.linalg.norm(np.median(np.diff(xy, 2, axis=0), axis=1), axis=-1)
    return bool(np.median(leap) > _SHAKE * trunk)
