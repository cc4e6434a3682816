"""The order of the stages.  Only this file and chains.py know it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from .errors import BadInput
from .motion.types import Keypoints, Motion
from .progress import Report, part, silent


@dataclass(frozen=True)
class AnimateOptions:
    """What a user may choose; times are "12" (a frame) or "1.5s" (seconds)."""

    estimator: str = "mediapipe"
    person: int = 1
    height_m: Optional[float] = None
    start: Optional[str] = None
    end: Optional[str] = None
    fps: Optional[float] = None
    smooth_hz: float = 6.0
    foot_lock: bool = True


def media_to_keypoints(path: Path, options: AnimateOptions, report: Report = silent) -> Keypoints:
    """Decode and estimate: the chosen person's keypoints."""
    from . import pose
    from .media import open_clip

    estimate = pose.load(options.estimator)()
    clip = open_clip(path, start=options.start, end=options.end, fps=options.fps)
    people = estimate(clip, report)
    if not 1 <= options.person <= len(people):
        raise BadInput(
            "no_such_person",
            f"Person {options.person} was asked for, but {len(people)} "
            f"{'person was' if len(people) == 1 else 'people were'} found in {Path(path).name}.",
            f"Choose a person from 1 to {len(people)}.",
        )
    return people[options.person - 1]


def keypoints_to_motion(keypoints: Keypoints, options: AnimateOptions, report: Report = silent) -> Motion:
    """Solve: constant bones, joint rotations, feet on the floor."""
    from .pose.solve import solve

    return solve(
        keypoints, height_m=options.height_m, smooth_hz=options.smooth_hz, foot_lock=options.foot_lock, report=report
    )


def media_to_motion(path: Path, options: AnimateOptions, report: Report = silent) -> tuple[Keypoints, Motion]:
    seen = media_to_keypoints(path, options, part(report, 0.0, 0.9))
    return seen, keypoints_to_motion(seen, options, part(report, 0.9, 1.0))
