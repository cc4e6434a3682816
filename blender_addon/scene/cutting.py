"""An F-curve cut at two frames: what is between stays as it was, keys, handles and all."""

from __future__ import annotations

import numpy as np

from . import curves

_STEPS = 60  # halvings, to a double's precision
_SAME = 1e-4  # frames
_PLACES = ("co", "handle_left", "handle_right")
# all that a key has, its handles' types last
_KEY = (
    *((name, np.float32) for name in (*_PLACES, "amplitude", "back", "period")),
    *((name, bool) for name in ("select_control_point", "select_left_handle", "select_right_handle")),
    *((name, np.uint8) for name in ("interpolation", "easing", "type", "handle_left_type", "handle_right_type")),
)


def trim(curve, first: float, last: float) -> None:
    """Keys outside `first`..`last` removed; where the curve was moving, keys on both frames hold its course."""
    points = curve.keyframe_points
    for frame in (first, last):
        if points[0].co[0] < frame < points[-1].co[0]:
            split(curve, frame)
    frames = _frames(points)
    kept = np.flatnonzero((frames >= first - _SAME) & (frames <= last + _SAME))
    _keep(points, kept if len(kept) else [0 if frames[0] > last else len(frames) - 1])
    if not first - 1e-4 <= points[0].co[0] <= last + 1e-4:  # it held one value all along
        point = points[0]
        move = (first if point.co[0] < first else last) - point.co[0]
        for name in ("handle_left", "handle_right", "co"):
            at = getattr(point, name)
            setattr(point, name, (at[0] + move, at[1]))
    curve.update()


def split(curve, frame: float) -> None:
    """A key at `frame`, between two keys, that changes nothing where their handles do not overlap (de Casteljau)."""
    points = curve.keyframe_points
    k = int(np.searchsorted(_frames(points), frame - _SAME))
    if abs(points[k].co[0] - frame) <= _SAME:
        _free(points[k])
        return
    left, right = points[k - 1], points[k]
    mode, value = left.interpolation, curve.evaluate(frame)
    corners = _segment(left, right)
    _free(left)
    _free(right)
    kind, easing = left.type, left.easing
    points.insert(frame, value, options={"FAST"})
    left, made, right = points[k - 1], points[k], points[k + 1]
    made.co, made.interpolation, made.type, made.easing = (frame, value), mode, kind, easing
    if mode == "BEZIER":
        made.handle_left_type = made.handle_right_type = "FREE"
        outer, before, here, after, inner = _casteljau(corners, frame)
        left.handle_right, made.handle_left, made.co = outer, before, here
        made.handle_right, right.handle_left = after, inner
    curve.update()


def _free(point) -> None:
    """Automatic handles would follow other neighbours."""
    for side in ("handle_left_type", "handle_right_type"):
        if getattr(point, side) in {"AUTO", "AUTO_CLAMPED", "VECTOR"}:
            setattr(point, side, "FREE")


def _frames(points) -> np.ndarray:
    places = np.empty(2 * len(points), np.float32)
    points.foreach_get("co", places)
    return places[::2].astype(np.float64)


def _keep(points, rows) -> None:
    """These keys alone; all at once, as removing one moves all behind it."""
    if len(rows) == len(points):
        return
    kept = {}
    for name, kind in _KEY:
        values = np.empty(len(points) * (2 if name in _PLACES else 1), kind)
        points.foreach_get(name, values)
        kept[name] = values.reshape(len(points), -1)[rows].ravel()
    points.clear()
    points.add(len(rows))
    for name, values in kept.items():
        points.foreach_set(name, values)


def _segment(left, right) -> np.ndarray:
    """(4,2) the Bezier corners between two keys, handles shortened as Blender does where they reach past the other."""
    ends = np.array([left.co, left.handle_right, right.handle_left, right.co], np.float64)
    span = ends[3, 0] - ends[0, 0]
    out, back = curves.within(ends[1] - ends[0], span), curves.within(ends[3] - ends[2], span)
    return np.array([ends[0], ends[0] + out, ends[3] - back, ends[3]])


def _casteljau(corners, frame: float) -> tuple:
    """(left's right handle, the new key's left handle, its place, its right handle, right's left handle)."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        t = (low + high) / 2.0
        s = 1.0 - t
        x = s**3 * corners[0, 0] + 3 * s * s * t * corners[1, 0] + 3 * s * t * t * corners[2, 0] + t**3 * corners[3, 0]
        low, high = (t, high) if x < frame else (low, t)
    mix = lambda p: p[:-1] + t * np.diff(p, axis=0)  # noqa: E731
    once = mix(corners)
    twice = mix(once)
    here = mix(twice)[0]
    return tuple(map(tuple, (once[0], twice[0], here, twice[1], once[2])))
