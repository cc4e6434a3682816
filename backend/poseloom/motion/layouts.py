"""Keypoint layouts: what the K points of `Keypoints` are, and which lines join them; the points stand in `points.py`.

A name is one point of the body in every layout that has it, except in "canonical22": its joints lie inside the body.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Iterable, Mapping

from ..errors import BadInput
from . import points


@dataclass(frozen=True)
class Layout:
    """names (K), `_l` and `_r` for the person's own left and right; edges: pairs of point names;
    fine: the points of face and hands, which a picture shows small; parts: {"hands": names, ...}; inner: joints inside
    the body, none of which is the point that another layout calls so."""

    names: tuple
    edges: tuple
    fine: frozenset = frozenset()
    parts: Mapping[str, tuple] = field(default_factory=dict, hash=False)
    inner: bool = False

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        return self.names.index(name)

    def pairs(self) -> tuple:
        """The edges as pairs of indices."""
        return tuple((self.index(a), self.index(b)) for a, b in self.edges)

    def mirror(self) -> tuple:
        """The side-swapped point of each: mirror()[index("hip_l")] is index("hip_r")."""
        return tuple(self.index(_other_side(name)) for name in self.names)

    def only(self, parts: Iterable[str]) -> "Layout":
        """The points of these parts, in the order they have here; BadInput lists the parts there are."""
        wanted = set(parts)
        if not wanted or wanted - set(self.parts):
            lacking = ", ".join(sorted(wanted - set(self.parts))) or "nothing"
            raise BadInput("unknown_part", f'This layout has no part "{lacking}"; known: {", ".join(self.parts)}.')
        names = {name for part in wanted for name in self.parts[part]}
        return Layout(
            names=tuple(name for name in self.names if name in names),
            edges=tuple((a, b) for a, b in self.edges if a in names and b in names),
            fine=self.fine & names,
            parts={part: own for part, own in self.parts.items() if part in wanted},
            inner=self.inner,
        )


def side(name: str) -> str:
    """"l", "r", or "" for a point of the middle."""
    return name[-1] if name.endswith(("_l", "_r")) else ""


def edge_side(a: str, b: str) -> str:
    """The side both ends are on; a line from left to right, or from the middle to either, has none."""
    return side(a) if side(a) == side(b) else ""


@lru_cache(maxsize=64)
def layout(name: str) -> Layout:
    """The layout called `name`, or parts of it as "wholebody133:feet,hands"; BadInput that lists the known ones."""
    whole, _, parts = name.partition(":")
    if whole not in LAYOUTS:
        raise BadInput("unknown_layout", f'No keypoint layout "{name}"; known: {", ".join(sorted(LAYOUTS))}.')
    return LAYOUTS[whole].only(parts.split(",")) if parts else LAYOUTS[whole]


def _other_side(name: str) -> str:
    return name[:-1] + {"l": "r", "r": "l"}[name[-1]] if side(name) else name


def _of(names: Iterable[str], edges: Iterable[tuple], inner: bool = False) -> Layout:
    """A layout of these points with those of `edges` that are between them."""
    names = tuple(names)
    parts = {part: tuple(n for n in names if points.part(n) == part) for part in points.PARTS}
    return Layout(
        names=names,
        edges=tuple((a, b) for a, b in edges if a in names and b in names),
        fine=frozenset(n for n in names if points.part(n) in ("face", "hands", "feet")),
        parts={part: own for part, own in parts.items() if own},
        inner=inner,
    )


BLAZEPOSE = _of(points.BLAZEPOSE, points.BLAZEPOSE_EDGES)
LAYOUTS = {
    "blazepose": BLAZEPOSE,
    "coco17": _of(points.COCO, points.EDGES),
    "halpe26": _of(points.HALPE, points.EDGES),
    "wholebody133": _of(points.WHOLEBODY, points.EDGES),
    "openpose25": _of(points.OPENPOSE, points.OPENPOSE_EDGES),
    "h36m17": _of(points.H36M, points.H36M_EDGES),
    "holistic139": _of(points.HOLISTIC, points.HOLISTIC_EDGES),
    "canonical22": _of(points.CANONICAL, points.CANONICAL_EDGES, inner=True),
}
