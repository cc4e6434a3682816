"""Key poses on a rig: a few frames that are keyed alone, of single pictures or picked of a motion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from .chains import placed_on
from .motion.resample import resample
from .motion.types import Motion, Rig, RigMotion
from .named_pictures import SPACING, frames_of
from .rigfill import RigHoles, splined


@dataclass(frozen=True)
class Keys:
    """What of a motion is keyed: `times`, when in the scene each of its rows is, which are single poses, as
    `named_pictures.frames_of` reads them with `spacing`; or `seconds`, when in it the poses are that are taken."""

    times: Optional[tuple] = None
    seconds: Optional[tuple] = None
    spacing: int = SPACING


def on_rig(
    motion: Motion, keys: Keys, rig: Rig, fps: float, start: int = 1, root: str = "hips", rest: Optional[RigMotion] = None
) -> tuple[RigMotion, np.ndarray]:
    """(one row for each key pose, the scene's frames (T,) of these) of `motion` on a rig with roles.

    `fps` is the scene's rate, `start` its first frame, on which a motion whose poses are picked begins.  Two that fall on one frame
    become one.  `root` and `rest` as `to_rig`.
    """
    if keys.times is not None:
        poses = [placed_on(pose, rig, root, rest)[0] for pose in singles(motion)]
        return stacked(poses), np.array(frames_of(keys.times, fps, start, keys.spacing), int)
    moved, _ = placed_on(resample(motion, fps), rig, root, rest)
    at = np.unique(np.minimum(np.round(np.array(keys.seconds) * fps).astype(int), len(moved) - 1))
    return rows_of(moved, at), start + at


def singles(motion: Motion) -> list[Motion]:
    """Each row of a motion as a motion of one frame: nothing goes from one to the next."""
    return [picked(motion, [t]) for t in range(len(motion))]


def picked(motion: Motion, rows) -> Motion:
    return motion.with_(
        lrot=motion.lrot[rows], root=motion.root[rows], contact=motion.contact[rows], score=motion.score[rows],
        curves={name: values[rows] for name, values in motion.curves.items()},
    )  # fmt: skip


def stacked(poses: list[RigMotion]) -> RigMotion:
    """Poses of one rig as the rows of one motion."""
    return replace(
        poses[0], basis=np.concatenate([pose.basis for pose in poses]), location=np.concatenate([pose.location for pose in poses]),
        keyed=np.any([pose.keyed for pose in poses], axis=0),
        props={path: np.concatenate([pose.props[path] for pose in poses]) for path in poses[0].props},
    )  # fmt: skip


def rows_of(motion: RigMotion, rows) -> RigMotion:
    return replace(
        motion, basis=motion.basis[rows], location=motion.location[rows],
        props={path: values[rows] for path, values in motion.props.items()},
    )  # fmt: skip


def through(poses: RigMotion, frames, fps: float) -> RigMotion:
    """Every frame from the first of the key poses to the last, for formats without keys: splines through them."""
    at = np.asarray(frames, int) - int(frames[0])
    near = np.searchsorted(at, np.arange(at[-1] + 1), side="right") - 1
    held = replace(rows_of(poses, near), fps=fps)
    if len(at) < 2:
        return held
    keyed = np.zeros(len(near), bool)
    keyed[at] = True
    return splined(RigHoles.at(held, keyed))
