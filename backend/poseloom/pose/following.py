"""People followed through a clip by a network that tells points in the picture: where to look, and who is who."""

from __future__ import annotations

from contextlib import ExitStack, closing
from importlib.util import find_spec
from typing import Callable

import numpy as np

from ..errors import BadInput
from ..motion.layouts import layout
from ..motion.types import Keypoints
from ..progress import Report, silent
from . import crops, track

LEAST, SURE = 0.3, 0.3  # mean score from which on there is a person; of points that tell where to look next
_SEARCH_S = 0.5  # between two looks for others
_BODY = 17  # faces and hands of a whole-body layout must not outweigh the body


def follow(
    clip, look: Callable, of: str, everyone: bool, whole: bool, report: Report = silent
) -> list[Keypoints]:
    """The main person of the clip, or everyone, in the layout `of`; BadInput "no_person" where there is nobody.

    look(rgb, boxes) gives points (N,K,2) px and scores (N,K) of the people in boxes [(low (2,), high (2,))]; with
    `whole` of all in the picture, and no boxes.  Boxes come from MediaPipe's detector, or are the whole picture where
    that is not installed, then from where people were in the frame before.
    """
    tracker, again, count = track.Tracker(clip.fps), 0, 0
    with ExitStack() as stack:
        find = None if whole else _finder(stack)
        for frame in clip:
            now, count = frame.index, frame.index + 1
            report(min(now / clip.frame_count, 1.0) if clip.frame_count else 0.0, f"frame {now + 1}")
            known = [_box(p, now) for p in tracker.people if tracker.near(p, now)]
            sights = _sights(look, frame.rgb, known) if known or whole else []
            if find and (now >= again if everyone else not sights):
                again = now + max(1, round(_SEARCH_S * clip.fps))
                sights += _anew(look, frame.rgb, find(frame.rgb), everyone)
            tracker.step(sights, now)
    people = track.lasting(tracker.people, count, clip.fps)
    if not people:
        raise BadInput(
            "no_person", f"No person was found in {clip.path.name}.",
            "Use a clip in which the whole body is seen, large enough and well lit.",
        )  # fmt: skip
    report(1.0, f"{count} frames")
    people = people if everyone else people[:1]
    return [_keypoints(person, number, count, clip, of) for number, person in enumerate(people, 1)]


def _finder(stack: ExitStack):
    """A function from a picture to boxes of people in it, the surest first."""

    def picture(rgb):
        return [(np.zeros(2), np.array(rgb.shape[1::-1], np.float64))]

    if find_spec("mediapipe") is None:
        return picture
    from .graphs import Finder

    find = stack.enter_context(closing(Finder(0.5)))
    # its square has room for the body turned any way: a box half as wide as high sees one who stands
    half = np.array([0.25, 0.5]) / crops.PADDING
    return lambda rgb: [(roi.middle - half * roi.side, roi.middle + half * roi.side) for roi in find(rgb)] or picture(rgb)


def _anew(look, rgb, boxes: list, everyone: bool) -> list:
    """Sights of people in boxes found, each looked at twice: the first look tells the box of the second."""
    first = _sights(look, rgb, boxes if everyone else boxes[:1])
    return _sights(look, rgb, [crops.box(s.xy, s.score, SURE) for s in first]) if first else []


def _sights(look, rgb, boxes: list) -> list:
    sights = []
    for xy, score in zip(*look(rgb, boxes)):
        body, sure = np.asarray(xy[:_BODY], np.float64), score[:_BODY]
        if sure.mean() >= LEAST:
            body = np.where(np.isfinite(body), body, np.nanmean(body, axis=0))
            sights.append(track.Sight(body, sure, np.full((2, 3), np.nan), (xy, score)))
    return sights


def _box(person: track.Person, frame: int):
    sight = person.sights[person.last]
    low, high = crops.box(sight.xy, sight.score, SURE)
    step = person.speed * (frame - person.last)
    return low + step, high + step


def _keypoints(person: track.Person, number: int, count: int, clip, of: str) -> Keypoints:
    points = len(layout(of))
    xy, score = np.full((count, points, 2), np.nan), np.zeros((count, points))
    for frame, sight in person.sights.items():
        xy[frame], score[frame] = sight.row
    score[~np.isfinite(xy).all(axis=-1)] = 0.0
    return Keypoints(
        layout=of, xy=xy, xyz=None, score=score, size=clip.size, fps=clip.fps, start_s=clip.start_s, person=number
    )
