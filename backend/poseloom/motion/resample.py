"""A motion at another frame rate: the same seconds, other frames."""

from __future__ import annotations

import numpy as np

from . import quat
from .types import Motion


def resample(motion: Motion, fps: float) -> Motion:
    """`motion` at `fps`, beginning at the same moment and ending at its last frame or just before.

    Rotations by slerp, all else linearly; frames that fall on a source frame are that frame.  A
    motion that has the rate already is returned as it is.
    """
    if abs(fps / motion.fps - 1.0) < 1e-6 or len(motion) < 2:
        return motion.with_(fps=fps)
    frames = int(np.floor((len(motion) - 1) * fps / motion.fps + 1e-6)) + 1
    at = np.minimum(np.arange(frames) * (motion.fps / fps), len(motion) - 1)
    before = np.minimum(at.astype(int), len(motion) - 2)
    share = at - before
    after = before + 1

    def linear(values):
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        return values[before] * (1.0 - weight) + values[after] * weight

    return motion.with_(
        lrot=quat.slerp(motion.lrot[before], motion.lrot[after], share[:, None]),
        root=linear(motion.root),
        contact=linear(motion.contact),
        score=linear(motion.score),
        curves={name: linear(curve) for name, curve in motion.curves.items()},
        fps=fps,
    )
