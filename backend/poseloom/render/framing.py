"""Where in a picture the square lies that a model of one person looks at, so that the person is as large as it knows them."""

from __future__ import annotations

import numpy as np

from ..motion import openpose

SHARE = 0.74  # of the square's side that somebody standing would take
_LEAST, _MOST = 0.58, 0.88  # shares for which one square for all frames still does
_ALIKE = 1.3  # the farthest and the nearest height of a run that one square holds
_STEADY = 5  # frames over which a square that follows is evened out
_ROOM = 0.07  # of the height beyond the points: crown, hands, soles
# lengths as shares of the height: Drillis and Contini, "Body segment parameters", 1966; the neck is between the shoulders
_LENGTHS = {("hip", "knee"): 0.245, ("knee", "ankle"): 0.246, ("shoulder", "elbow"): 0.186, ("elbow", "wrist"): 0.146}
_TRUNK, _ABOVE = 0.288, 0.88  # from neck to hips; from the ankles to the eyes


def squares(xy, away, size: tuple, gap: int = 1) -> np.ndarray:
    """(T,3) left, top and side in pixels of the square for each of T frames of a person, in pictures of `size`.

    xy (T,18,2) pixels of OpenPose's points, away (T,18) metres along the camera's axis, NaN where not known.  One square
    for all where that does, within the picture and of its shorter side if it may, else one that follows, evened out
    over a few frames; gap: how many frames lie from one to the next.  NaN in frames that show no point.
    """
    xy, away = np.asarray(xy, np.float64), np.asarray(away, np.float64)
    tall = heights(xy, away)
    shown = np.isfinite(tall)
    if not shown.any():
        return np.full((len(xy), 3), np.nan)
    room = _ROOM * tall[:, None]
    with np.errstate(invalid="ignore"):
        low, high = np.fmin.reduce(xy, axis=1) - room, np.fmax.reduce(xy, axis=1) + room
    first, last = np.nanmin(low, axis=0), np.nanmax(high, axis=0)
    least, middle, most = np.nanmin(tall), np.nanmedian(tall), np.nanmax(tall)
    span_in_picture = np.ptp(np.clip([first, last], 0, size), axis=0)
    for side, span in ((float(min(size)), span_in_picture), (max(most / SHARE, *(last - first)), last - first)):
        if max(span) <= side and _LEAST <= middle / side and most / side <= _MOST and most <= _ALIKE * least:
            return np.where(shown[:, None], _square(0.5 * (first + last), side, size), np.nan)
    return _following(shown, tall, low, high, max(1, _STEADY // max(gap, 1)))


def _following(shown, tall, low, high, steady: int) -> np.ndarray:
    """Squares about the person's middle, as the reference's is."""
    even = _evened(tall, shown, steady) if np.nanmax(tall) > _ALIKE * np.nanmin(tall) else np.full(len(tall), np.nanmax(tall))
    wide = np.nan_to_num((high - low).max(axis=1))
    side = np.maximum(even / SHARE, np.minimum(wide, even / _LEAST))
    side = _evened(side, shown, steady) if np.ptp(even) > 0 else np.full(len(tall), side[shown].max())
    centre = np.stack([_evened(np.nan_to_num(0.5 * (low + high)[:, i]), shown, steady) for i in (0, 1)], axis=1)
    top, bottom = np.nanmin(low[:, 1]), np.nanmax(high[:, 1])
    if bottom - top <= side[shown].min():  # nobody jumps: the floor stays where it is
        centre[:, 1] = 0.5 * (top + bottom)
    return np.where(shown[:, None], _square(centre, side, None), np.nan)


def heights(xy, away) -> np.ndarray:
    """(T,) pixels from sole to crown if the person of each frame stood upright there; NaN where no point is shown.

    Of the limbs' lengths, each taken where it is least foreshortened in all frames, and how far away the person is.
    """
    xy = np.asarray(xy, np.float64)
    names = openpose.BODIES[18]
    at = {name: xy[:, i] for i, name in enumerate(names)}
    seen = np.isfinite(xy).all(axis=-1)
    deep = np.where(seen, away, np.nan)
    known = np.isfinite(deep).any(axis=1)
    near = np.ones(len(xy))
    near[known] = np.nanmean(deep[known], axis=1)
    limbs = [
        _apart(at[f"{a}_{side}"], at[f"{b}_{side}"]) / length for (a, b), length in _LENGTHS.items() for side in "lr"
    ]
    limbs.append(_apart(at["neck"], 0.5 * (at["hip_l"] + at["hip_r"])) / _TRUNK)
    said = [np.nanmax(limb * near) for limb in limbs if np.isfinite(limb).any()]
    extent = np.full(len(xy), np.nan)
    some = seen.any(axis=1)
    extent[some] = np.nanmax(xy[some, :, 1], axis=1) - np.nanmin(xy[some, :, 1], axis=1)
    if some.any() and np.nanmax(extent) > 0:
        said.append(np.nanmedian(extent * near) / _ABOVE if not said else 0.0)
    whole = np.quantile([s for s in said if s > 0], 0.6) if any(s > 0 for s in said) else 1.0
    return np.where(some, np.maximum(whole / near, 1.0), np.nan)


def pair_heights(one, other, size: int) -> np.ndarray:
    """(N,) px of people upright, each seen in two pictures of `size` with points one, other (N,18,2): by the limbs least
    foreshortened; SHARE of the picture where none is known."""
    at = [{name: xy[:, i] for i, name in enumerate(openpose.BODIES[18])} for xy in (one, other)]
    said = [_apart(a[f"{i}_{s}"], a[f"{j}_{s}"]) / share for a in at for (i, j), share in _LENGTHS.items() for s in "lr"]
    said += [_apart(a["neck"], 0.5 * (a["hip_l"] + a["hip_r"])) / _TRUNK for a in at]
    longest = np.sort(np.nan_to_num(said), axis=0)[-4:-1].mean(axis=0)
    return np.where(longest > 0.1 * size, longest, SHARE * size).clip(0.3 * size, 1.2 * size).astype(np.float32)


def _apart(a, b) -> np.ndarray:
    return np.linalg.norm(a - b, axis=-1)


def _square(centre, side, size) -> np.ndarray:
    """Left, top and side; within a picture of `size`, where one is given, along the axes that have room for it."""
    side = np.asarray(side, np.float64)[..., None]
    start = np.asarray(centre) - 0.5 * side
    if size is not None:
        room = np.asarray(size) - side
        start = np.where(room >= 0, np.clip(start, 0, np.maximum(room, 0)), start)
    return np.concatenate([start, side], axis=-1)


def _evened(values, shown, steady: int) -> np.ndarray:
    """The mean over neighbours that are shown."""
    window = np.ones(min(steady, len(values) - 1 + len(values) % 2 or 1))
    total = np.convolve(np.where(shown, values, 0.0), window, mode="same")
    return total / np.maximum(np.convolve(shown.astype(float), window, mode="same"), 1.0)
