"""A motion with holes, filled: a method's curves, the animator's controls over them, and the keys as they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional, Union

import numpy as np

from ..errors import BadInput
from ..motion import quat
from ..motion.skeleton import JOINTS
from ..motion.types import Motion, Skeleton
from ..progress import Report, part, silent
from . import easing, feet
from .displace import to_keys
from .gaps import key_poses
from .spline import Spline, SplineOptions


@dataclass(frozen=True)
class FillOptions:
    """eases: speed curves as `easing.retimed` takes them, or none; strength 0..1: from the spline
    to the method; feet: resting feet stay; tension, continuity, bias of the spline -1..1."""

    eases: Union[tuple, Mapping] = ()
    strength: float = 1.0
    feet: bool = True
    tension: float = 0.0
    continuity: float = 0.0
    bias: float = 0.0

    @property
    def spline(self) -> SplineOptions:
        return SplineOptions(self.tension, self.continuity, self.bias)


def fill(
    motion: Motion, known, method=None, options: FillOptions = FillOptions(), report: Report = silent,
    warnings: Optional[list] = None,
) -> Motion:  # fmt: skip
    """`motion` with the holes of known (T,J) filled by `method`, an Inbetweener, or None for the spline.

    Known frames come back bit for bit, and so do joints without keys and frames before a joint's first key and after
    its last.  A method is asked for key poses of the 22 body joints; keys of single joints bend its result.  To
    `warnings` are added sentences on what was done otherwise.  BadInput as the method, and where nothing is to fill.
    """
    known = checked(known, motion)
    smooth = Spline(options.spline)(motion, known)
    return _with_keys(shaped(smooth, known, method, options, report, warnings), motion, known)


def shaped(
    smooth: Motion, known, method=None, options: FillOptions = FillOptions(), report: Report = silent,
    warnings: Optional[list] = None,
) -> Motion:  # fmt: skip
    """`fill` of a motion whose holes the spline has filled already."""
    if not 0.0 <= options.strength <= 1.0:
        raise BadInput("bad_option", f"A strength of {options.strength:g} is none.", "Give a number from 0 to 1.")
    rows = key_poses(known)
    lrot, root = np.array(smooth.lrot, np.float64), np.array(smooth.root, np.float64)
    if method is not None and options.strength > 0.0:
        found = _by(method, smooth, rows, part(report, 0.0, 0.95), [] if warnings is None else warnings)
        found = to_keys(found, smooth, known)
        lrot = quat.slerp(lrot, found.lrot, np.full(lrot.shape[:2], options.strength))
        root = root + options.strength * (found.root - root)
    if options.eases:
        lrot, root = easing.retimed(lrot, root, known, rows, options.eases)
    done = _with_keys(smooth.with_(lrot=lrot, root=root), smooth, known)
    if options.feet and _has_legs(smooth.skeleton) and rows.any():
        done = _with_keys(feet.plant(done, rows), smooth, known)
    report(1.0, "Filled")
    return done


def checked(known, motion: Motion) -> np.ndarray:
    """known as (T,J) bool; BadInput where its shape is another, there are fewer than two keys or no hole."""
    known = np.asarray(known, bool)
    if known.shape != motion.lrot.shape[:2]:
        raise BadInput("bad_shape", f"known is {known.shape}, expected {motion.lrot.shape[:2]} to match the motion.")
    frames = np.flatnonzero(known.any(axis=1))
    if len(frames) < 2:
        there = "is one key" if len(frames) else "are no keys"
        raise BadInput("few_keys", f"There {there}, so there is nothing to fill between.", "Set at least two keys.")
    if not any(easing.pairs(column) for column in known.T):
        raise BadInput(
            "no_holes", "All keys are on neighbouring frames, so there is nothing to fill between.", "Move keys apart."
        )
    return known


def _by(method, smooth: Motion, rows, report: Report, warnings: list) -> Motion:
    """What the method makes of the body joints of `smooth` between key poses; other joints as they are."""
    count, body = len(JOINTS), body_of(smooth)
    if rows.sum() < 2:
        raise BadInput(
            "few_keys", "Fewer than two frames have keys of the whole body.", "Key the whole body there, or use spline."
        )
    longest = getattr(method, "longest_s", None)
    if longest is not None:
        body = _with_rests(method, body, rows, max(1, int(longest * smooth.fps)), report, warnings)
    else:
        body = method(body, np.repeat(rows[:, None], count, axis=1), report)
    lrot = np.array(smooth.lrot)
    lrot[:, :count] = body.lrot
    return smooth.with_(lrot=lrot, root=body.root)


def body_of(motion: Motion) -> Motion:
    """`motion` without fingers; BadInput where it is no human body."""
    skeleton, count = motion.skeleton, len(JOINTS)
    if tuple(skeleton.names[:count]) != JOINTS:
        raise BadInput("not_humanoid", "Only the spline fills what is no human body.", "Use spline.")
    if len(skeleton) == count:
        return motion
    own = Skeleton(JOINTS, skeleton.parents[:count], skeleton.offsets[:count], skeleton.tips[:count])
    return Motion(own, motion.lrot[:, :count], motion.root, motion.fps)


def _with_rests(method, body: Motion, rows, most: int, report: Report, warnings: list) -> Motion:
    """The method in gaps longer than `most` frames: first around helping poses from the spline, then over these."""
    helped, freed = rows.copy(), rows.copy()
    for a, b in easing.pairs(rows):
        pieces = -(-(b - a - 1) // most)
        if pieces > 1:
            at = np.round(np.linspace(a, b, pieces + 1)).astype(int)
            helped[at[1:-1]] = True
            freed[a : b + 1] = True
            for middle in at[1:-1]:
                reach = (b - a) // pieces // 2
                freed[max(a + 1, middle - reach + 1) : min(b, middle + reach)] = False
    every = lambda flags: np.repeat(flags[:, None], len(JOINTS), axis=1)  # noqa: E731
    if (helped == rows).all():
        return method(body, every(rows), report)
    warnings.append(
        f"A gap is longer than the {most} frames that the method was made for; it was filled in segments."
    )
    first = method(body, every(helped), part(report, 0.0, 0.5))
    return method(first, every(freed), part(report, 0.5, 1.0))


def _with_keys(filled: Motion, motion: Motion, known) -> Motion:
    """`filled`, but what was known, and what no keys surround, as it was."""
    before, after = np.maximum.accumulate(known, axis=0), np.maximum.accumulate(known[::-1], axis=0)[::-1]
    keep = known | ~(before & after)
    lrot, root = np.array(filled.lrot), np.array(filled.root)
    lrot[keep], root[keep[:, 0]] = motion.lrot[keep], motion.root[keep[:, 0]]
    return filled.with_(lrot=lrot, root=root)


def _has_legs(skeleton) -> bool:
    return {f"{n}_{s}" for n in ("thigh", "shin", "foot", "toe") for s in "lr"} <= set(skeleton.names)
