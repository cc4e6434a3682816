"""A motion at another frame rate, or a stretch of it."""

from __future__ import annotations

import re
from typing import Optional

import numpy as np

from ..errors import BadInput
from . import quat
from .types import Motion, RigMotion


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


def cut(motion: Motion, start: Optional[str] = None, end: Optional[str] = None) -> Motion:
    """The frames from `start` on and before `end`; times are "12" (a frame) or "1.5s".

    BadInput where that is no time, or no frame is left.
    """
    part = _stretch(len(motion), motion.fps, start, end)
    return motion.with_(
        lrot=motion.lrot[part], root=motion.root[part], contact=motion.contact[part], score=motion.score[part],
        curves={name: curve[part] for name, curve in motion.curves.items()},
    )  # fmt: skip


def cut_rig(motion: RigMotion, start: Optional[str] = None, end: Optional[str] = None) -> RigMotion:
    """`cut` for the motion of a rig."""
    part = _stretch(len(motion), motion.fps, start, end)
    return RigMotion(
        motion.bones, motion.basis[part], motion.location[part], motion.keyed, motion.fps,
        {path: values[part] for path, values in motion.props.items()},
    )  # fmt: skip


def _stretch(frames: int, fps: float, start: Optional[str], end: Optional[str]) -> slice:
    first = 0 if start is None else round(parse_time(start, fps) * fps)
    last = frames if end is None else min(frames, round(parse_time(end, fps) * fps))
    if first >= last:
        raise BadInput(
            "no_frames",
            f"Nothing is left between {start or 'the start'} and {end or 'the end'}: "
            f"the clip has {frames} frames, {frames / fps:.2f} s.",
            "Choose a stretch inside the clip.",
        )
    return slice(first, last)


def parse_time(text: str, fps: float) -> float:
    """Seconds of "12" (frame 12 of `fps`, counted from 0) or of "1.5s"; BadInput for anything else."""
    match = re.fullmatch(r"(\d+)|(\d+(?:\.\d*)?|\.\d+)s", str(text).strip())
    if not match:
        raise BadInput("bad_time", f'"{text}" is no time.', 'Write a frame such as "12", or seconds such as "1.5s".')
    return int(match[1]) / fps if match[1] else float(match[2])
