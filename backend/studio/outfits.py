"""What bodies wear: colours and patterns of each region, as functions of the place on the body at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rooms import noise

PATTERNS = ("plain", "hoops", "stripes", "checks", "dots", "melange")
SKINS = ((0.60, 0.34, 0.24), (0.50, 0.27, 0.17), (0.30, 0.15, 0.09), (0.68, 0.43, 0.33), (0.16, 0.08, 0.05))
HAIRS = ((0.030, 0.018, 0.012), (0.10, 0.05, 0.02), (0.30, 0.20, 0.09), (0.25, 0.24, 0.23), (0.012, 0.011, 0.010))
FIXED = {"eyes": (0.80, 0.80, 0.78), "iris": (0.05, 0.03, 0.02)}


@dataclass(frozen=True, eq=False)
class Outfit:
    """colours {region: (3,)} linear; patterns {region: (name, second colour (3,), size in metres)}."""

    colours: dict
    patterns: dict

    @classmethod
    def random(cls, rng) -> "Outfit":
        skin = np.array(SKINS[rng.integers(len(SKINS))]) * rng.uniform(0.9, 1.1)
        cloth = {region: _cloth(rng) for region in ("shirt", "trousers", "shoes")}
        colours = {name: np.array(value) for name, value in FIXED.items()} | cloth | {
            "skin": skin, "lips": skin * [0.75, 0.5, 0.5], "hair": np.array(HAIRS[rng.integers(len(HAIRS))]),
            "soles": np.full(3, rng.choice([0.7, 0.03])),
        }  # fmt: skip
        names = {"shirt": PATTERNS, "trousers": ("plain", "plain", "melange", "checks"), "shoes": ("plain",)}
        patterns = {region: (str(rng.choice(choice)), _cloth(rng), rng.uniform(0.02, 0.08))
                    for region, choice in names.items()}  # fmt: skip
        return cls(colours, patterns)

    def paint(self, region: str, place) -> np.ndarray:
        """(P,3) colours of a region at places (P,3) m of the body at rest."""
        base = np.broadcast_to(self.colours[region], place.shape)
        x, y, z = place.T
        if region not in self.patterns:
            depth = 0.12 if region == "skin" else 0.5 if region == "hair" else 0.0
            return base * (1 - depth / 2 + depth * noise(x * 90 + y * 40, z * 90 - y * 60))[:, None]
        name, second, size = self.patterns[region]
        share = _pattern(name, x, y, z, size)
        folds = noise(x * 14 + y * 9, z * 7 + 3 * noise(x * 5, y * 5))
        weave = noise(x * 300 + y * 170, z * 300)
        return (base * (1 - share[:, None]) + second * share[:, None]) * (0.78 + 0.3 * folds + 0.12 * weave)[:, None]


def _cloth(rng):
    """A colour as clothes have: of any hue, mostly not vivid, dark to light."""
    hue, vivid, light = rng.uniform(0, 6), rng.beta(1.3, 2.0), rng.choice([0.03, 0.1, 0.25, 0.5, 0.75])
    wheel = np.clip(np.abs((hue + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return light * (1 - vivid + vivid * wheel) * rng.uniform(0.85, 1.1)


def _pattern(name, x, y, z, size):
    """(P,) the share 0..1 of the second colour."""
    if name == "hoops":
        return (z % (2 * size) < size).astype(float)
    if name == "stripes":
        return (x % size < 0.3 * size).astype(float)
    if name == "checks":
        return 0.5 * (z % (2 * size) < size) + 0.5 * ((x + y) % (2 * size) < size)
    if name == "dots":
        return (((x % size) - size / 2) ** 2 + ((z % size) - size / 2) ** 2 < (0.28 * size) ** 2).astype(float)
    if name == "melange":
        return noise(x * 120 + y * 70, z * 160)
    return np.zeros_like(x)
