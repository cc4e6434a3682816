"""Key poses of a motion: the extremes and contacts between which the rest is in-betweens."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..errors import BadInput
from . import filters
from .contacts import runs
from .skeleton import motion_fk
from .types import Motion

MIN_MOTION_M = 0.08
_APART_S = 0.12  # between two key poses, at least
_RISE_M = 0.03  # hips that rise and sink by less stay where they are
_SEEN_HZ = 4.0  # what is faster than that is no pose of its own


def pick_keys(motion: Motion, count: Optional[int] = None, min_motion_m: float = MIN_MOTION_M) -> np.ndarray:
    """Rows (N,) of the key poses: the first frame, the last, and of the extremes and contacts between those that tell
    most.

    One after the other that candidate is taken whose joints are farthest from the straight line between the poses
    already taken, until `count` are there, or, without it, until no joint of one is more than `min_motion_m` off: so
    stretches in which nothing moves get none but the poses they begin and end with.  With `count` other frames follow
    where the candidates do not suffice.  BadInput for fewer than two, or a bound that is not above 0.
    """
    if count is not None and count < 2:
        raise BadInput("bad_count", f"{count} key poses do not tell a motion.", "Pick 2 or more.")
    if not min_motion_m > 0.0:
        raise BadInput("bad_option", f"A least motion of {min_motion_m:g} m makes no sense.", "Give one above 0.")
    if len(motion) < 3:
        return np.arange(len(motion))
    places = motion_fk(motion)[1].reshape(len(motion), -1, 3)
    wanted = candidates(motion)
    taken = _until(places, [0, len(motion) - 1], wanted, count, min_motion_m, motion.fps)
    if count is not None and len(taken) < count:
        taken = _until(places, taken, np.ones(len(motion), bool), count, min_motion_m, motion.fps)
    return np.array(taken)


def candidates(motion: Motion) -> np.ndarray:
    """(T,) True on extremes, where the body is slowest, and where feet or hands come down or leave."""
    found = np.zeros(len(motion), bool)
    places = filters.smooth(motion_fk(motion)[1].reshape(len(motion), -1), _SEEN_HZ, motion.fps).reshape(len(motion), -1, 3)
    speed = np.sqrt((np.gradient(places, 1.0 / motion.fps, axis=0) ** 2).sum(axis=-1).mean(axis=-1))
    found[1:-1] |= (speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])
    for contact in np.asarray(motion.contact).T > 0.5:
        for start, end in runs(contact):
            found[[start, end - 1]] = True
    hips = places[:, 0, 2]  # the highest and the lowest of a jump or a squat
    if np.ptp(hips) > _RISE_M:
        found[1:-1] |= (np.diff(hips[:-1]) > 0.0) != (np.diff(hips[1:]) > 0.0)
    return found


def _until(places, taken: list, wanted, count: Optional[int], least_m: float, fps: float) -> list:
    """`taken` and the frames of `wanted` that are farthest from the lines between, in order."""
    taken, apart = sorted(taken), max(1, round(_APART_S * fps))
    while count is None or len(taken) < count:
        at = np.arange(len(places))
        after = np.clip(np.searchsorted(taken, at, side="right"), 1, len(taken) - 1)
        first, last = np.array(taken)[after - 1], np.array(taken)[after]
        share = ((at - first) / (last - first))[:, None, None]
        off = np.linalg.norm(places - (1.0 - share) * places[first] - share * places[last], axis=-1).max(axis=1)
        off[~wanted | (at - first < apart) | (last - at < apart)] = 0.0
        best = int(off.argmax())
        if off[best] < least_m:
            return taken
        taken = sorted([*taken, best])
    return taken
