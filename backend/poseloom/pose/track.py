"""Who is who from frame to frame: what is seen is matched to the people known, all at once (Hungarian method)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

_SAME = 0.16  # of the body's size: two sights whose points lie nearer on average are one person, seen twice
_NEAR = 0.45  # of the body's size: how far a person can be from where they were expected, in the next frame
_FAST_S = 0.6  # what is added to that for each second they were not seen
_LOST_S = 2.0  # after this, and after a cut, clothes alone tell who comes
_ALIKE = 0.07  # of white: clothes whose colours differ by less on average are the same
_SHAPE, _COLOUR = 1.0, 1.0  # what unlikeness of pose and of clothes weighs beside distance
_PACE_S = 0.15  # over which the speed of a person is averaged
_KEPT = 0.95  # of what is known of the clothes; the rest is from the last sight
_AWAY, _NEVER = 10.0, 1e6  # whoever is near goes before those who may have come back
_MIXED_S, _BESIDE = 0.07, 0.5  # how long and, of the other's size, how near people are taken for one another
_SHORTEST_S = 0.2  # of sights in all: below, it was nobody


@dataclass(frozen=True, eq=False)
class Sight:
    """One person in one frame: xy (K,2) px and score (K,) of some points; colour (N,3) 0..255 of their clothes, NaN
    where not seen; row: whatever the estimator wants back."""

    xy: np.ndarray
    score: np.ndarray
    colour: np.ndarray
    row: object = None

    @property
    def size(self) -> float:
        """Pixels from head to foot, or what comes nearest; more than 0."""
        spread = self.xy - self.xy.mean(axis=0)
        return max(3.0 * float(np.sqrt((spread**2).sum(axis=1).mean())), 1.0)

    @property
    def middle(self) -> np.ndarray:
        return self.xy.mean(axis=0)


@dataclass(eq=False)
class Person:
    """sights {frame: Sight}; last: the frame of the latest; speed (2,) px a frame; lately: [(frame, middle)] that
    tell it; colour: of their clothes on average."""

    sights: dict = field(default_factory=dict)
    last: int = -1
    speed: np.ndarray = field(default_factory=lambda: np.zeros(2))
    lately: deque = field(default_factory=deque)
    colour: np.ndarray | None = None

    def seen(self, frame: int, sight: Sight, fps: float) -> None:
        self.lately.append((frame, sight.middle))
        while len(self.lately) > 2 and self.lately[1][0] <= frame - _PACE_S * fps:
            self.lately.popleft()
        past, there = self.lately[0]
        self.speed = (sight.middle - there) / max(frame - past, 1)
        known = sight.colour if self.colour is None else self.colour
        mixed = _KEPT * known + (1.0 - _KEPT) * sight.colour
        self.colour = np.where(np.isnan(known), sight.colour, np.where(np.isnan(mixed), known, mixed))
        self.sights[frame], self.last = sight, frame


class Tracker:
    """Takes the sights of one frame after the other; `people` are all whom it has met, in the order of their coming.

    Frames that `cuts` names begin another shot, in which everybody is somewhere else.
    """

    def __init__(self, fps: float, cuts=()):
        from scipy.optimize import linear_sum_assignment

        self.fps, self.people, self._cuts, self._assigned = fps, [], sorted(cuts), linear_sum_assignment

    def near(self, person: Person, frame: int) -> bool:
        """Whether where they were tells where they are in `frame`."""
        cut = any(person.last < cut <= frame for cut in self._cuts)
        return not cut and frame - person.last <= max(1.0, _LOST_S * self.fps)

    def step(self, sights: list[Sight], frame: int) -> None:
        """The people of `frame`: known ones take their sights, the others are newcomers."""
        sights = apart(sights)
        cost = np.array([[self._cost(p, s, frame) for s in sights] for p in self.people]).reshape(
            len(self.people), len(sights)
        )
        newcomers = set(range(len(sights)))
        for i, j in zip(*self._assigned(np.minimum(cost, _NEVER))):
            if cost[i, j] < _NEVER:
                self.people[i].seen(frame, sights[j], self.fps)
                newcomers.discard(j)
        for j in sorted(newcomers):
            self.people.append(Person())
            self.people[-1].seen(frame, sights[j], self.fps)

    def _cost(self, person: Person, sight: Sight, frame: int) -> float:
        """How unlikely it is that the sight is the person; infinite where it cannot be."""
        unlike = np.abs(sight.colour - person.colour) / 255.0
        unlike = float(np.nanmean(unlike)) if np.isfinite(unlike).any() else np.nan
        if not self.near(person, frame):
            return _AWAY + unlike if unlike < _ALIKE else np.inf
        before, gap = person.sights[person.last], frame - person.last
        size, expected = max(before.size, sight.size), before.middle + person.speed * gap
        away = np.linalg.norm(sight.middle - expected) / size
        if away > _NEAR + _FAST_S * gap / self.fps:
            return np.inf
        shape = np.linalg.norm((sight.xy - sight.middle) - (before.xy - before.middle), axis=-1).mean() / size
        return away + _SHAPE * shape / (1.0 + gap / self.fps) + _COLOUR * np.nan_to_num(unlike)


def apart(sights: list[Sight]) -> list[Sight]:
    """The sights without those of a person who is seen already, in a surer sight."""
    kept: list[Sight] = []
    for sight in sorted(sights, key=lambda s: -s.score.mean()):
        if not any(_is_same(sight, other) for other in kept):
            kept.append(sight)
    return kept


def lasting(people: list[Person], frames: int, fps: float) -> list[Person]:
    """Those seen long enough not to be a trick of the light; who is largest for longest comes first."""
    least = min(np.ceil(_SHORTEST_S * fps), 0.5 * frames)
    kept = [p for p in people if len(p.sights) >= least]
    return sorted(kept, key=lambda p: -sum(s.size for s in p.sights.values()))


def unmix(people: list[Person], fps: float) -> None:
    """Forget the sights just before a person goes behind another and just after: these show some of both."""
    margin = max(1, round(_MIXED_S * fps))
    for person in people:
        seen = sorted(person.sights)
        for last, first in zip(seen[:-1], seen[1:]):
            if first - last < 2 or len(person.sights) <= 2 * margin:
                continue
            for edge, frames in ((last, range(last - margin + 1, last + 1)), (first, range(first, first + margin))):
                before = person.sights.get(edge)
                others = [other.sights.get(edge) for other in people if other is not person]
                if before and any(o and np.linalg.norm(o.middle - before.middle) < _BESIDE * o.size for o in others):
                    for frame in frames:
                        person.sights.pop(frame, None)


def _is_same(a: Sight, b: Sight) -> bool:
    return bool(np.linalg.norm(a.xy - b.xy, axis=-1).mean() < _SAME * max(a.size, b.size))
