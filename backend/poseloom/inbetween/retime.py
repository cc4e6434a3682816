"""A clip played so that it does what another does, or what key poses show, at the same moments."""

from __future__ import annotations

import numpy as np

from ..errors import BadInput
from ..motion import quat
from ..motion.resample import resample
from ..motion.skeleton import JOINTS
from ..motion.types import Motion
from . import dtw
from .library import pose_features


def retime(clip: Motion, like: Motion, keys=None) -> Motion:
    """`clip` with the timing of `like`: as long and at its rate, each frame the one of `clip` that looks most like it.

    Time goes on strictly, at half to twice the clip's speed.  With `keys`, frames of `like`, these alone are looked
    at, and what lies between is played evenly; `clip` may then begin before the first and end after the last.
    BadInput where either is no human body, lengths differ more than twofold, or there are fewer than two keys.
    """
    return played(clip, alignment(clip, like, keys) * (clip.fps / like.fps), like.fps)


def alignment(clip: Motion, like: Motion, keys=None) -> np.ndarray:
    """(T,) for each frame of `like` the one of `clip`, not whole, at `like`'s rate, that it falls on."""
    reference = resample(clip, like.fps)
    told = [_features(motion) for motion in (like, reference)]
    if keys is None:
        return dtw.smooth_warp(dtw.whole(dtw.distances(*told)).where)
    keys = np.unique(np.asarray(keys, int))
    if len(keys) < 2 or keys[0] < 0 or keys[-1] >= len(like):
        raise BadInput(
            "bad_keys", f"Two keys or more are needed, inside the {len(like)} frames.", "Give them as 0,18,40."
        )
    first, last = keys[0], keys[-1]
    says = np.zeros(len(like))
    says[keys] = 1.0
    cost = dtw.distances(told[0], told[1], says)[first : last + 1]
    where = dtw.subsequence(cost)[0].where[keys - first]
    inside = np.interp(np.arange(len(like)), keys, where)
    # before the first key and after the last the clip goes on at its own speed
    here = np.arange(len(like))
    inside += np.minimum(here - first, 0) + np.maximum(here - last, 0)
    return np.clip(inside, 0.0, len(reference) - 1.0)


def played(clip: Motion, where, fps: float) -> Motion:
    """`clip` at its frames `where` (T,), not whole, as a motion at `fps`."""
    low = np.clip(np.floor(where).astype(int), 0, max(len(clip) - 2, 0))
    high = np.minimum(low + 1, len(clip) - 1)
    share = np.clip(where - low, 0.0, 1.0)

    def between(values):
        part = share.reshape(-1, *[1] * (np.ndim(values) - 1))
        return values[low] * (1.0 - part) + values[high] * part

    turn = quat.slerp(clip.lrot[low], clip.lrot[high], np.repeat(share[:, None], len(clip.skeleton), axis=1))
    return clip.with_(
        lrot=turn, root=between(clip.root), contact=between(clip.contact), score=between(clip.score), fps=fps,
        curves={name: between(curve) for name, curve in clip.curves.items()},
    )  # fmt: skip


def _features(motion: Motion):
    count = len(JOINTS)
    if tuple(motion.skeleton.names[:count]) != JOINTS:
        raise BadInput("not_humanoid", "Only motions of human bodies can be aligned.", "Use clips of people.")
    return pose_features(
        motion.lrot[:, :count], motion.root, np.asarray(motion.skeleton.offsets[:count]), motion.skeleton.parents[:count]
    )
