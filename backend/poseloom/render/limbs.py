"""The parts of a body in a picture, told by OpenPose's 18 points: which one each pixel lies on, and where on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion import openpose

_BODY = openpose.BODIES[18]
_HEAD = [_BODY.index(n) for n in ("nose", "eye_l", "eye_r", "ear_l", "ear_r")]
_DEPTH_M = 0.25
_EDGE = 0.008  # of the height: softness of outlines
_WIDER, _SHOES = 0.045, 0.08  # how far what hides the background goes beyond them


def _each(left: str, *more) -> list:
    return [(f"{left}_{side}", *(f"{m}_{side}" if isinstance(m, str) else m for m in more)) for side in "lr"]


# from, to, group of what is dressed alike; of the height: half the width, length beyond the points; how much nearer in m
_ROWS = [
    ("neck", "head", 0, 0.060, 0.040, 0.02), ("neck", "hips", 1, 0.080, 0.040, 0.0),
    *_each("shoulder", "elbow", 2, 0.034, 0.0, 0.01), *_each("elbow", "wrist", 3, 0.028, 0.09, 0.02),
    *_each("hip", "knee", 4, 0.055, 0.0, 0.0), *_each("knee", "ankle", 5, 0.038, 0.01, 0.0),
    *_each("ankle", "ankle", 6, 0.050, 0.0, 0.01),
]  # fmt: skip
_HEAD_PART, _TRUNK_PART = 0, 1
_TRUNK_WIDTHS = (("shoulder", 0.030, 0.072), ("hip", 0.045, 0.075))  # beyond the points, and at least


class TABLE:
    """Columns (PARTS,) of the table of parts."""

    group = np.array([row[2] for row in _ROWS])
    half, beyond, nearer = (np.array([row[i] for row in _ROWS], np.float32) for i in (3, 4, 5))


PARTS, GROUPS = len(_ROWS), int(TABLE.group.max()) + 1


@dataclass(frozen=True, eq=False)
class Limbs:
    """Of N people in pictures of S pixels a side; px.  start, axis (N,PARTS,2), length (N,PARTS), half (N,PARTS,2) the widths
    at both points, known (N,PARTS); along, across (N,PARTS,S,S) where each pixel lies, inside (N,PARTS,S,S) 0..1, apart
    the distance from the part's core; behind (N,PARTS) in 0.25 m; height (N,)."""

    start: np.ndarray
    axis: np.ndarray
    length: np.ndarray
    half: np.ndarray
    known: np.ndarray
    along: np.ndarray
    across: np.ndarray
    inside: np.ndarray
    apart: np.ndarray
    behind: np.ndarray
    height: np.ndarray

    def front(self) -> np.ndarray:
        """(N,S,S) the part in front, where none is the one nearest by."""
        near = (TABLE.nearer / _DEPTH_M - self.behind)[..., None, None]
        score = np.where(self.inside > 0.5, 1e3 + near, -self.apart)
        score -= np.where(self.known, 0, 1e6)[..., None, None].astype(np.float32)
        return score.argmax(axis=1)

    def of(self, values, part) -> np.ndarray:
        """(N,S,S) of values (N,PARTS,S,S) or (N,PARTS) those of `part` (N,S,S)."""
        if values.ndim == 2:
            return values[np.arange(len(part))[:, None, None], part]
        return np.take_along_axis(values, part[:, None], axis=1)[:, 0]

    def near(self, part) -> np.ndarray:
        return self.of(np.clip(-self.behind, -2, 2), part)

    def share(self, part) -> np.ndarray:
        """(N,S,S) 0..1 how far along `part` each pixel is; feet, which have no length, from top to toe."""
        more = TABLE.beyond + np.where(TABLE.group == GROUPS - 1, TABLE.half, 0)
        ends = self.height[:, None] * more
        first = np.where(TABLE.group == GROUPS - 1, ends, 0)
        return np.clip((self.of(self.along, part) + self.of(first, part)) / self.of(self.length + first + ends, part), 0, 1)

    def moved(self, other: "Limbs", part) -> np.ndarray:
        """(N,S,S,2) px where in the picture of `other` the same place of `part` is: between the points in proportion."""
        along, length = self.of(self.along, part), self.of(self.length, part)
        share = np.clip(along / length, 0, 1)
        wide = other.half / self.half
        wide = self.of(wide[..., 0], part) * (1 - share) + self.of(wide[..., 1], part) * share
        there = share * (self.of(other.length, part) - length) + along
        across = self.of(self.across, part) * wide
        (x, y), (ux, uy) = ([self.of(v[..., i], part) for i in (0, 1)] for v in (other.start, other.axis))
        return np.stack([x + there * ux + across * uy, y + there * uy - across * ux], axis=-1)

    def hides(self) -> np.ndarray:
        """(N,S,S) where the person, with shoes, hair and skirts, may hide the background."""
        wide = _EDGE + np.where(TABLE.group == GROUPS - 1, _SHOES, _WIDER).astype(np.float32)
        near = self.apart < (wide * self.height[:, None])[..., None, None]
        return (near & self.known[..., None, None]).any(axis=1)


def limbs(xy, away, height, size: int) -> Limbs:
    """Of points xy (N,18,2) px and away (N,18) m, NaN for what is not known; height (N,) px of the person upright."""
    height = np.asarray(height, np.float32)
    start, end, behind, known = _ends(np.asarray(xy, np.float32), np.asarray(away, np.float32), height)
    line = end - start
    length = np.hypot(line[..., 0], line[..., 1])
    upright = length < 0.5
    axis = np.where(upright[..., None], np.float32([0, 1]), line / np.maximum(length, 1e-3)[..., None])
    length = np.maximum(length, 1.0)
    half = _widths(xy, axis, height)
    at = np.arange(size, dtype=np.float32) + np.float32(0.5)
    ux, uy, sx, sy = (v[..., i, None, None] for v in (axis, start) for i in (0, 1))
    dx, dy = at[None, None, None, :] - sx, at[None, None, :, None] - sy
    along, across = dx * ux + dy * uy, dx * uy - dy * ux
    beyond = (length + TABLE.beyond * height[:, None])[..., None, None]
    outside = along - np.clip(along, 0, beyond)
    apart = np.sqrt(outside * outside + across * across)
    apart -= half[..., 0, None, None]
    trunk = slice(_TRUNK_PART, _TRUNK_PART + 1)
    share = np.clip(along[:, trunk] / length[:, trunk, None, None], 0, 1)
    apart[:, trunk] -= (half[:, trunk, 1] - half[:, trunk, 0])[..., None, None] * share
    inside = np.clip(0.5 - apart / (2 * _EDGE * height[:, None, None, None]), 0, 1) * known[..., None, None]
    return Limbs(start, axis, length, half, known, along, across, inside, apart, behind, height)


def _ends(xy, away, height) -> tuple:
    """start, end (N,PARTS,2) px, behind (N,PARTS) how far behind the trunk in 0.25 m, known (N,PARTS)."""
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(xy[:, _HEAD]).all(-1)
        middle = np.nansum(xy[:, _HEAD], axis=1) / np.maximum(seen.sum(1), 1)[:, None]
        middle[~seen.any(1)] = np.nan
        at = {name: xy[:, i] for i, name in enumerate(_BODY)}
        deep = {name: away[:, i] for i, name in enumerate(_BODY)}
        at["hips"], deep["hips"] = (0.5 * (d["hip_l"] + d["hip_r"]) for d in (at, deep))
        at["head"], deep["head"] = middle, np.where(np.isfinite(away[:, _HEAD]).any(1), _mean(away[:, _HEAD]), np.nan)
        start, end = (np.stack([at[row[i]] for row in _ROWS], 1) for i in (0, 1))
        far = np.stack([0.5 * (deep[row[0]] + deep[row[1]]) for row in _ROWS], 1)
    known = np.isfinite(start).all(-1) & np.isfinite(end).all(-1)
    behind = np.nan_to_num((far - far[:, _TRUNK_PART, None]) / _DEPTH_M).clip(-8, 8)
    feet = TABLE.group == GROUPS - 1
    start, end = (np.where(known[..., None], p, 0) for p in (start, end))
    end[:, feet] = start[:, feet] + height[:, None, None] * np.float32([0, 0.015])
    start, end, behind = (p.astype(np.float32) for p in (start, end, behind))
    return start, end, behind, known


def _mean(values) -> np.ndarray:
    there = np.isfinite(values)
    return np.nansum(values, axis=1) / np.maximum(there.sum(axis=1), 1)


def _widths(xy, axis, height) -> np.ndarray:
    """(N,PARTS,2) px half the width at both points; the trunk's as shoulders and hips are seen."""
    half = np.repeat((TABLE.half * height[:, None])[..., None], 2, axis=-1)
    across = np.stack([axis[:, _TRUNK_PART, 1], -axis[:, _TRUNK_PART, 0]], axis=-1)
    for end, (name, more, least) in enumerate(_TRUNK_WIDTHS):
        left, right = (xy[:, _BODY.index(f"{name}_{side}")] for side in "lr")
        wide = np.nan_to_num(np.abs(((left - right) * across).sum(-1)) / 2) + more * height
        half[:, _TRUNK_PART, end] = np.clip(wide, least * height, 0.17 * height)
    return half.astype(np.float32)
