"""People before a camera become guides: an OpenPose-style map, and the same as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from ..errors import BadInput
from ..motion import lens, openpose
from ..motion.pictures import Guides
from ..motion.skeleton import REST_HEIGHT_M
from ..motion.types import Camera
from . import hidden
from .drawing import FACE_POINT, HAND_POINT, LIMB_COLOURS, LIMB_SHADE, POINT_COLOURS, Stroke, hand_colours, paint

HIDDEN = ("dim", "drop", "draw")
_DIM = 0.35
# half a limb's width in metres on a body of 1.75 m, and in pixels at least, in a picture of 512; lines of hands, dots
_LIMB_M, _HAND_M, _DOT_M, _FACE_M = 0.016, 0.004, 0.006, 0.003
_LEAST_PX = {_LIMB_M: 1.5, _HAND_M: 0.6, _DOT_M: 0.8, _FACE_M: 0.6}
_SAMPLES = np.linspace(0.1, 0.9, 9)
_FACE_NAMES = frozenset(("nose", *(f"{n}_{s}" for n in ("eye", "ear") for s in "lr"), *openpose.FACE))


@dataclass(frozen=True)
class Look:
    """How guides are drawn: body 18 or 25; hidden one of HIDDEN, for limbs (a face turned away is never drawn)."""

    body: int = 18
    hidden: str = "dim"
    hands: bool = True
    face: bool = True

    def __post_init__(self):
        openpose.names(self.body)
        if self.hidden not in HIDDEN:
            raise BadInput("bad_option", f'Hidden limbs cannot be "{self.hidden}".', f"Choose one of {', '.join(HIDDEN)}.")


def make(
    frame: int, people, points, camera: Camera, look: Look = Look(), *, heights=None, depth_m=None,
    depth: Optional[np.ndarray] = None, normal: Optional[np.ndarray] = None,
) -> Guides:  # fmt: skip
    """The guides of one frame.

    people (P,) ids; points (P,K,3) metres in the world, as `openpose.points` gives them; heights (P,) metres from sole
    to crown, 1.75 where not known; depth_m (H,W) metres to what the camera sees, infinite where that is nothing: with
    it a point is hidden by what is really before it, without it by bodies of capsules.  depth and normal go along.
    """
    points = np.asarray(points, np.float64).reshape(len(people), len(openpose.names(look.body)), 3)
    scale = (np.full(len(people), REST_HEIGHT_M) if heights is None else np.asarray(heights)) / REST_HEIGHT_M
    seen = lens.in_camera(camera, points)
    xy, away = lens.to_pixels(camera, seen), seen[..., 2]
    return assemble(frame, people, xy, away, scale, camera, seen, look, depth_m=depth_m, depth=depth, normal=normal)


def assemble(
    frame: int, people, xy, away, scale, camera: Camera, places, look: Look, *, depth_m=None, depth=None, normal=None,
    missing=None,
) -> Guides:  # fmt: skip
    """`make` for points whose pixels xy (P,K,2) and places (P,K,3) in the camera's axes are known already.

    missing (P,K): points that nobody saw, which count as hidden.
    """
    sight = _Sight(camera, look, places, scale, depth_m)
    count = len(people)
    points_hidden = np.zeros(xy.shape[:2], bool)
    limbs_hidden = []
    for p in range(count):
        points_hidden[p] = sight.of_points(p)
        limbs_hidden.append(sight.of_limbs(p))
    if missing is not None:
        points_hidden |= missing
    strokes = []
    for p in range(count):
        strokes += _strokes(xy[p], away[p], points_hidden[p], limbs_hidden[p], scale[p], camera, look)
    inside = np.isfinite(xy).all(axis=-1) & (xy >= 0).all(axis=-1) & (xy <= camera.size).all(axis=-1)
    return Guides(
        frame, paint(strokes, camera.size), openpose.layout_name(look.body), people,
        np.where(np.isfinite(xy), xy, np.nan), np.where(np.isfinite(xy[..., 0]), away, np.nan),
        inside & ~points_hidden, depth, normal,
    )  # fmt: skip


class _Sight:
    """What of each person is hidden; `places` (P,K,3) in the camera's axes."""

    def __init__(self, camera: Camera, look: Look, places, scale, depth_m):
        self.camera, self.places, self.depth_m = camera, np.asarray(places, np.float64), depth_m
        self.names = openpose.names(look.body)
        self.clear = hidden.flesh(self.names)[None] * np.asarray(scale)[:, None]
        bodies = [hidden.capsules(p, self.names, s) for p, s in zip(self.places, scale)]
        self.bodies = np.concatenate([np.zeros((0, 7)), *bodies])
        self.limbs = [(self.names.index(a), self.names.index(b)) for a, b in openpose.LIMBS[look.body]]

    def of_points(self, p: int) -> np.ndarray:
        return self._hidden(self.places[p], self.clear[p])

    def of_limbs(self, p: int) -> np.ndarray:
        """(L,) whether most of a limb is hidden."""
        a, b = np.array(self.limbs).T
        t = _SAMPLES[None, :, None]
        along = self.places[p][a][:, None] * (1 - t) + self.places[p][b][:, None] * t
        clear = self.clear[p][a][:, None] * (1 - t[..., 0]) + self.clear[p][b][:, None] * t[..., 0]
        found = self._hidden(along.reshape(-1, 3), clear.ravel()).reshape(len(a), -1)
        return found.mean(axis=1) > 0.5

    def _hidden(self, at, clear) -> np.ndarray:
        known = np.isfinite(at).all(axis=1)
        out = np.zeros(len(at), bool)
        if self.depth_m is not None:
            xy = lens.to_pixels(self.camera, at[known])
            out[known] = hidden.behind_surface(xy, at[known, 2], clear[known], self.depth_m)
        else:
            out[known] = hidden.behind(at[known], clear[known], self.bodies, self.camera.parallel)
        return out


def _strokes(xy, away, points_hidden, limbs_hidden, scale: float, camera: Camera, look: Look) -> list:
    names = openpose.names(look.body)
    index = {name: i for i, name in enumerate(names)}
    there = np.isfinite(xy).all(axis=-1)
    away_face = points_hidden & np.array([name in _FACE_NAMES for name in names])
    near = -away if camera.parallel else 1.0 / np.where(there, away, np.inf)
    least = max(camera.size) / 512.0

    def half(i: int, metres: float) -> float:
        shrink = 1.0 if camera.parallel else max(away[i], 1e-6)
        return max(camera.K[0, 0] * metres * scale / shrink, _LEAST_PX[metres] * least)

    def shade(colour, is_hidden: bool) -> np.ndarray | None:
        if is_hidden and look.hidden == "drop":
            return None
        return np.array(colour, np.float64) * (_DIM if is_hidden and look.hidden == "dim" else 1.0)

    found = []

    def line(i: int, j: int, metres: float, colour, is_hidden: bool) -> None:
        if there[i] and there[j] and not (away_face[i] or away_face[j]):
            colour = shade(colour, is_hidden)
            if colour is not None:
                found.append(Stroke(xy[i], xy[j], (half(i, metres), half(j, metres)), (near[i], near[j]), colour))

    def dot(i: int, metres: float, colour) -> None:
        if there[i] and not away_face[i]:
            colour = shade(colour, points_hidden[i])
            if colour is not None:  # a joint lies over the limbs that end in it
                found.append(Stroke(xy[i], None, (half(i, metres),) * 2, (_over(near[i], camera),) * 2, colour))

    for (a, b), colour, is_hidden in zip(openpose.LIMBS[look.body], LIMB_COLOURS[look.body], limbs_hidden):
        line(index[a], index[b], _LIMB_M, LIMB_SHADE * np.array(colour), is_hidden)
    for i, colour in enumerate(POINT_COLOURS[look.body]):
        dot(i, _LIMB_M, colour)
    for first in (look.body, look.body + len(openpose.HAND)) if look.hands else ():
        for (a, b), colour in zip(openpose.HAND_LIMBS, hand_colours()):
            line(first + a, first + b, _HAND_M, colour, bool(points_hidden[first + a] and points_hidden[first + b]))
        for i in range(len(openpose.HAND)):
            dot(first + i, _DOT_M, HAND_POINT)
    if look.face:
        for name in openpose.FACE:
            dot(index[name], _FACE_M, FACE_POINT)
    return found


def _over(near: float, camera: Camera) -> float:
    return near + 0.02 if camera.parallel else near / max(1.0 - 0.02 * near, 0.5)
