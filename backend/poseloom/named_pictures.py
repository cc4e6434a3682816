"""Which words of a command line name key-frame pictures, and when each of these is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence, Union

from .errors import BadInput
from .formats import PICTURE_ENDINGS

FPS = 24.0
SPACING = 12

Time = Union[int, str, None]  # a frame of the scene, "1.5s" from its first frame on, or nothing said


@dataclass(frozen=True)
class KeyPicture:
    """A picture, and when its pose is to be keyed."""

    path: Path
    time: Time


def are_meant(words: Sequence[str]) -> bool:
    """Whether the words name single pictures, each with "@TIME" behind it or not; BadInput where some do and some do not."""
    kinds = [_split(word)[0].suffix.lower() in PICTURE_ENDINGS and not any(mark in word for mark in "%*?") for word in words]
    timed = [word for word, picture in zip(words, kinds) if not picture and _split(word)[1] is not None]
    if timed:
        raise BadInput("not_a_picture", f"{timed[0]} is no picture, so it has no frame of its own.", "Leave out the @.")
    if any(kinds) and not all(kinds):
        raise BadInput(
            "mixed_media", f"{words[kinds.index(True)]} is a picture, {words[kinds.index(False)]} is not: they do not go together.",
            "Give pictures, which become key poses of one animation, or videos, which become one each.",
        )  # fmt: skip
    return all(kinds)


def named(words: Sequence[str], spacing: int = SPACING) -> list[KeyPicture]:
    """The pictures that words such as "JUMP.jpg@24" or "JUMP.jpg@1.5s" name, in the order of their times if all have one.

    BadInput where a picture is not there, or, as far as that is known before the scene's rate is, as `frames_of`.
    """
    pictures = [KeyPicture(*_split(word)) for word in words]
    for picture in pictures:
        if not picture.path.is_file():
            raise BadInput("no_such_file", f"There is no file {picture.path}.", "Check the path.")
    if all(picture.time is not None for picture in pictures):
        pictures.sort(key=lambda picture: _frame(picture.time, FPS, 1))
    if not any(isinstance(picture.time, str) for picture in pictures):
        frames_of([picture.time for picture in pictures], FPS, 1, spacing, [picture.path.name for picture in pictures])
    return pictures


def frames_of(times: Sequence[Time], fps: float, start: int = 1, spacing: int = SPACING, names: Sequence[str] = ()) -> list[int]:
    """The scene's frame of each time; `start` is its first.

    Those without a time lie evenly between the others beside them, `spacing` after the last and before the first of
    these; from `start` on where none has one.  BadInput where two are on one frame, or there is no room.
    """
    frames = _spread([None if time is None else _frame(time, fps, start) for time in times], spacing, start)
    for i, (before, after) in enumerate(zip(frames, frames[1:])):
        if after <= before:
            who = names[i : i + 2] if names else [f"picture {i + 1}", f"picture {i + 2}"]
            raise BadInput(
                "no_room", f"{who[0]} would be on frame {before} and {who[1]}, which follows it, on {after}.",
                "Give each picture a frame of its own, such as JUMP.jpg@24, or leave more room between them.",
            )  # fmt: skip
    return frames


def _split(word: str) -> tuple[Path, Time]:
    found = re.fullmatch(r"(.+)@(\d+|(?:\d+\.?\d*|\.\d+)s)", str(word))
    if found is None or Path(word).is_file():
        return Path(word), None
    return Path(found[1]), int(found[2]) if found[2].isdigit() else found[2]


def _frame(time: Time, fps: float, start: int) -> Optional[int]:
    return start + round(float(time[:-1]) * fps) if isinstance(time, str) else time


def _spread(frames: list, spacing: int, start: int) -> list[int]:
    known = [i for i, frame in enumerate(frames) if frame is not None]
    if not known:
        return [start + spacing * i for i in range(len(frames))]
    first, last, out = known[0], known[-1], list(frames)
    step = min(spacing, max(frames[first] - start, 0) // first) if first else 0
    for i in range(first):
        out[i] = frames[first] - step * (first - i)
    for i in range(last + 1, len(frames)):
        out[i] = frames[last] + spacing * (i - last)
    for a, b in zip(known, known[1:]):
        for i in range(a + 1, b):
            out[i] = round(frames[a] + (frames[b] - frames[a]) * (i - a) / (b - a))
    return out
