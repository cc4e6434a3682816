"""Everyone in a clip by BlazePose: found over tiles and scales, looked at one by one, followed from frame to frame."""

from __future__ import annotations

from contextlib import ExitStack, closing

import numpy as np

from ..motion.types import Keypoints
from ..progress import Report, silent
from . import landmarks, track
from .graphs import Finder, Looker, Roi

_SEARCH_S, _LOST_S = 0.5, 0.1  # between two searches of the whole picture, and while somebody is missing
_FIND, _LOOK = 0.5, 0.5
_POINTS = (0, *landmarks.JOINTS)
# of the trunk and of the thighs: the corners between which colours are taken
_CLOTHES = (((11, 12), (23, 24)), ((23, 24), (25, 26)))


def everyone(models: tuple, clip, report: Report = silent) -> tuple[list[Keypoints], int]:
    """Everyone in the clip, the largest for longest first, empty where there is nobody; and how many frames there are.

    models: names of BlazePose's; the first tells the picture, the last metres.
    """
    following, frames, again = track.Tracker(clip.fps), [], 0
    with ExitStack() as stack:
        find = stack.enter_context(closing(Finder(_FIND)))
        looks = [stack.enter_context(closing(Looker(model, _LOOK))) for model in models]
        for frame in clip:
            now = frame.index
            report(min(now / clip.frame_count, 1.0) if clip.frame_count else 0.0, f"frame {now + 1}")
            known = [p for p in following.people if following.near(p, now)]
            crops = [p.sights[p.last].row[1].moved(p.speed * (now - p.last)) for p in known]
            sights = [sight for crop in crops if (sight := _sight(frame.rgb, crop, looks)) is not None]
            lost = len(track.apart(sights)) < len(known)
            if now >= again or (lost and now >= again - _search(clip.fps, _SEARCH_S - _LOST_S)):
                again = now + _search(clip.fps, _SEARCH_S)
                sights += [sight for crop in find(frame.rgb) if (sight := _closer(frame.rgb, crop, looks)) is not None]
            following.step(sights, now)
            frames.append(sights)
    report(1.0, f"{len(frames)} frames")
    # once more, now that it is known where the clip cuts
    tracker = track.Tracker(clip.fps, getattr(clip, "cuts", ()))
    for now, sights in enumerate(frames):
        tracker.step(sights, now)
    people = track.lasting(tracker.people, len(frames), clip.fps)
    track.unmix(people, clip.fps)
    return [_keypoints(person, number, len(frames), clip) for number, person in enumerate(people, 1)], len(frames)


def _search(fps: float, seconds: float) -> int:
    return max(1, round(seconds * fps))


def _sight(rgb: np.ndarray, roi: Roi, looks: list):
    seen = [look(rgb, roi) for look in looks]
    if any(one is None for one in seen):
        return None
    (row, after), metres = seen[0], seen[-1][0]
    row = np.hstack([row[:, :2], metres[:, 2:5], 0.5 * (row[:, 5:] + metres[:, 5:])])
    points = list(_POINTS)
    return track.Sight(row[points, :2], row[points, 5], _colours(rgb, row[:, :2]), (row, after))


def _closer(rgb: np.ndarray, roi: Roi, looks: list):
    """A second look, in the crop that the first one's points ask for."""
    first = _sight(rgb, roi, looks)
    return None if first is None else _sight(rgb, first.row[1], looks)


def _colours(rgb: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """(2,3) of shirt and trousers: what is between the shoulders and the hips, and in the thighs."""
    out, share = [], np.linspace(0.2, 0.8, 5)[:, None]
    for above, below in _CLOTHES:
        top, bottom = xy[list(above)], xy[list(below)]
        places = np.concatenate([a + share * (b - a) for a, b in zip(0.9 * top + 0.1 * top[::-1], 0.9 * bottom + 0.1 * bottom[::-1])])
        column, row = np.floor(places).astype(int).T
        inside = (column >= 0) & (column < rgb.shape[1]) & (row >= 0) & (row < rgb.shape[0])
        out.append(rgb[row[inside], column[inside]].mean(axis=0) if inside.any() else np.full(3, np.nan))
    return np.array(out)


def _keypoints(person: track.Person, number: int, frames: int, clip) -> Keypoints:
    values = np.full((frames, 33, 6), np.nan)
    for frame, sight in person.sights.items():
        values[frame] = sight.row[0]
    return Keypoints(
        layout="blazepose", xy=values[..., :2], xyz=values[..., 2:5], score=np.nan_to_num(values[..., 5]),
        size=clip.size, fps=clip.fps, start_s=clip.start_s, person=number,
    )  # fmt: skip
