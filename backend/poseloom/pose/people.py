"""Everyone in a clip by BlazePose: found over tiles and scales, looked at one by one, followed from frame to frame."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Callable

import numpy as np

from ..progress import Report, silent
from . import landmarks, track
from .graphs import Finder, Looker, Roi

_SEARCH_S, _LOST_S = 0.5, 0.1  # between two searches of the whole picture, and while somebody is missing
_FIND, _LOOK = 0.5, 0.5
_POINTS = (0, *landmarks.JOINTS)
# of the trunk and of the thighs: the corners between which colours are taken
_CLOTHES = (((11, 12), (23, 24)), ((23, 24), (25, 26)))


@dataclass
class _Look:
    """points: a row of what was seen; crop: where to look next."""

    points: np.ndarray
    crop: Roi


def everyone(models: tuple, clip, parts: Callable, report: Report = silent) -> tuple[list[list], int]:
    """Rows of everyone in the clip, the largest for longest first, empty where there is nobody; and how many frames.

    models: names of BlazePose's; the first tells the picture, the last metres.  A person has a row a frame: what
    `parts(rgb, row)` makes of BlazePose's (33,6), x y px, x y z m, visibility; None where they are not seen.
    """
    following, frames, again = track.Tracker(clip.fps), [], 0
    with ExitStack() as stack:
        find = stack.enter_context(closing(Finder(_FIND)))
        looks = [stack.enter_context(closing(Looker(model, _LOOK))) for model in models]
        for frame in clip:
            now = frame.index
            report(min(now / clip.frame_count, 1.0) if clip.frame_count else 0.0, f"frame {now + 1}")
            known = [p for p in following.people if following.near(p, now)]
            crops = [p.sights[p.last].row.crop.moved(p.speed * (now - p.last)) for p in known]
            sights = [sight for crop in crops if (sight := _sight(frame.rgb, crop, looks)) is not None]
            lost = len(track.apart(sights)) < len(known)
            if now >= again or (lost and now >= again - _search(clip.fps, _SEARCH_S - _LOST_S)):
                again = now + _search(clip.fps, _SEARCH_S)
                sights += [sight for crop in find(frame.rgb) if (sight := _closer(frame.rgb, crop, looks)) is not None]
            following.step(sights, now)
            for person in following.people:
                if person.last == now:
                    look = person.sights[now].row
                    look.points = parts(frame.rgb, look.points)
            frames.append(sights)
    report(1.0, f"{len(frames)} frames")
    # once more, now that it is known where the clip cuts
    tracker = track.Tracker(clip.fps, getattr(clip, "cuts", ()))
    for now, sights in enumerate(frames):
        tracker.step(sights, now)
    people = track.lasting(tracker.people, len(frames), clip.fps)
    track.unmix(people, clip.fps)
    seen = [[person.sights.get(now) for now in range(len(frames))] for person in people]
    return [[sight and sight.row.points for sight in sights] for sights in seen], len(frames)


def _search(fps: float, seconds: float) -> int:
    return max(1, round(seconds * fps))


def _sight(rgb: np.ndarray, roi: Roi, looks: list):
    seen = [look(rgb, roi) for look in looks]
    if any(one is None for one in seen):
        return None
    (row, after), metres = seen[0], seen[-1][0]
    row = np.hstack([row[:, :2], metres[:, 2:5], 0.5 * (row[:, 5:] + metres[:, 5:])])
    points = list(_POINTS)
    return track.Sight(row[points, :2], row[points, 5], _colours(rgb, row[:, :2]), _Look(row, after))


def _closer(rgb: np.ndarray, roi: Roi, looks: list):
    """A second look, in the crop that the first one's points ask for."""
    first = _sight(rgb, roi, looks)
    return None if first is None else _sight(rgb, first.row.crop, looks)


def _colours(rgb: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """(2,3) of shirt and trousers: what is between the shoulders and the hips, and in the thighs."""
    out, share = [], np.linspace(0.2, 0.8, 5)[:, None]
    for above, below in _CLOTHES:
        top, bottom = xy[list(above)], xy[list(below)]
        places = np.concatenate(
            [a + share * (b - a) for a, b in zip(0.9 * top + 0.1 * top[::-1], 0.9 * bottom + 0.1 * bottom[::-1])]
        )
        column, row = np.floor(places).astype(int).T
        inside = (column >= 0) & (column < rgb.shape[1]) & (row >= 0) & (row < rgb.shape[0])
        out.append(rgb[row[inside], column[inside]].mean(axis=0) if inside.any() else np.full(3, np.nan))
    return np.array(out)
