"""Markers on an Action: where feet stand, which an animator may move, and where parts of the body were not seen."""

from __future__ import annotations

import numpy as np
from poseloom.errors import BadInput
from poseloom.motion.contacts import runs
from poseloom.motion.types import Motion

_FEET = ("L foot", "R foot")
_DOWN, _UP = "down", "up"
# what is spoken of as one where it is hidden
_PARTS = {
    "L arm": ("forearm_l", "hand_l"), "R arm": ("forearm_r", "hand_r"),
    "L leg": ("shin_l", "foot_l"), "R leg": ("shin_r", "foot_r"),
}  # fmt: skip
_UNSURE, _LONG_S = 0.2, 0.5  # a part less sure than that for so long was hidden


def write(action, motion: Motion, start_frame: int) -> int:
    """Markers `L foot down`, `L foot up`, `L arm unseen`, `L arm seen` ...; how many were set.

    `motion` runs at the scene's rate.  A foot that is down at the first frame is marked there; one that is down at
    the last gets no `up`.
    """
    spans = []
    for side, foot in enumerate(_FEET):
        down = (np.asarray(motion.contact)[:, [side, 2 + side]] > 0.5).any(axis=1)
        spans += [(foot, _DOWN, _UP, span) for span in runs(down)]
    spans += [(part, "unseen", "seen", span) for part, span in hidden(motion)]
    count = 0
    for name, begins, ends, (first, end) in sorted(spans, key=lambda s: s[3]):
        _add(action, f"{name} {begins}", start_frame + first)
        count += 1
        if end < len(motion):
            _add(action, f"{name} {ends}", start_frame + end)
            count += 1
    return count


def hidden(motion: Motion) -> list:
    """[(part, (first, end))] of the parts of the body that were hidden for long; "Body" where all of it was."""
    score, names = np.asarray(motion.score), motion.skeleton.names
    unsure = {part: score[:, [names.index(j) for j in joints]].mean(axis=1) < _UNSURE for part, joints in _PARTS.items()}
    everything = (score < _UNSURE).all(axis=1)
    found = {"Body": everything, **{part: flags & ~everything for part, flags in unsure.items()}}
    long = max(1, round(_LONG_S * motion.fps))
    return [(part, span) for part, flags in found.items() for span in runs(flags) if span[1] - span[0] >= long]


def feet_down(action, start: int, end: int) -> np.ndarray:
    """(T,2) whether the left and right foot are down on the frames from `start` to `end`, by the markers.

    BadInput where no marker speaks of a foot.
    """
    down = np.zeros((end - start + 1, 2), bool)
    told = False
    for side, foot in enumerate(_FEET):
        marks = sorted((m.frame, m.name.strip().lower() == f"{foot} {_DOWN}".lower()) for m in action.pose_markers
                       if m.name.strip().lower() in {f"{foot} {word}".lower() for word in (_DOWN, _UP)})  # fmt: skip
        told = told or bool(marks)
        for i, (frame, is_down) in enumerate(marks):
            until = marks[i + 1][0] if i + 1 < len(marks) else end + 1
            if is_down:
                down[max(0, frame - start) : max(0, until - start), side] = True
        if marks and not marks[0][1]:  # it was down before its first "up"
            down[: max(0, marks[0][0] - start), side] = True
    if not told:
        raise BadInput(
            "no_marks", f'"{action.name}" has no markers such as "{_FEET[0]} {_DOWN}".',
            "Animate from a video, or add such markers in the Action editor (M, then F2 to name them).",
        )  # fmt: skip
    return down


def _add(action, name: str, frame: int) -> None:
    action.pose_markers.new(name).frame = frame
