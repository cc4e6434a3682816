"""A clip as guides: the people seen in it, and the clip's own pictures, which frames may begin from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Optional

import numpy as np

from .errors import BadInput
from .motion import png
from .motion.resample import parse_time
from .progress import Report, silent
from .registry import package
from .render import sighted
from .render.cast import Cast
from .render.shelf import picture

KEYPOINTS = (".json", ".npz")


def of_clip(path: Path, options, report: Report = silent) -> Cast:
    """The people whom an estimator sees in a video, `options` as `rendering.GuideOptions`; frames count from its first.

    Only the frames from start to end are looked at; what was seen of them before is taken.
    """
    from .capture import AnimateOptions, media_to_people

    everyone = options.person == "all"
    looking = AnimateOptions(
        estimator=options.estimator, person=0 if everyone else int(options.person or 0), start=options.start,
        end=_end(path, options.end), reuse=True,
    )  # fmt: skip
    people = media_to_people(path, looking, None if everyone else [looking.person], report)
    return sighted.of_keypoints([_sized(one, options.size) for one in people], options.body)


def of_keypoints(path: Path, options) -> Cast:
    """The people in a file of `poseloom pose`: all of them, or the one that options.person numbers.

    BadInput names the file.
    """
    try:
        return _in_file(path, options)
    except BadInput as error:
        if path.name in error.message:
            raise
        hint = error.hint or "Give a file that poseloom pose wrote."
        raise BadInput(error.code, f"In {path.name}: {error.message}", hint) from error


def _in_file(path: Path, options) -> Cast:
    from .pose.export import read_keypoints

    people = read_keypoints(path)
    if options.person not in (None, "all"):
        people = [one for one in people if one.person == int(options.person)]
        if not people:
            what = f"{path.name} has no person {options.person}."
            raise BadInput("no_such_person", what, "Leave out --person for all.")
    return sighted.of_keypoints([_sized(one, options.size) for one in people], options.body)


def add_pictures(path: Path, cast: Cast, out: Path, report: Report = silent) -> None:
    """What the clip shows in the frames of `cast`, as large as its guides, as picture/NNNN.png in `out`; what is there stays."""
    from .media import open_clip

    image = package("PIL.Image", "Reading a video's pictures", "render")
    wanted, last = {int(f) for f in cast.frames}, int(max(cast.frames))
    for frame in open_clip(path):
        if frame.index > last:
            break
        to = picture(out, "picture", frame.index)
        if frame.index not in wanted or to.is_file():
            continue
        report(frame.index / (last + 1), f"Reading frame {frame.index}")
        to.parent.mkdir(parents=True, exist_ok=True)
        png.write(to, np.asarray(image.fromarray(frame.rgb).resize(cast.size, image.LANCZOS)))


def _end(path: Path, end: Optional[str]) -> Optional[str]:
    """The first frame that is not taken, of an end that is."""
    if end is None:
        return None
    from .media import open_clip

    rate = open_clip(path).fps
    return str(round(parse_time(end, rate) * rate) + 1)


def _sized(keypoints, longest: Optional[int]):
    """The keypoints in a picture `longest` pixels along its longer side, both sides multiples of 8."""
    if longest is None:
        return keypoints
    size = tuple(max(8, 8 * round(side * longest / max(keypoints.size) / 8)) for side in keypoints.size)
    return replace(keypoints, xy=keypoints.xy * (np.array(size) / keypoints.size), size=size)
