"""Pictures of people made of coloured dots, which the networks in data/pose_networks find."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

NETWORKS = Path(__file__).parent / "data" / "pose_networks"
sys.path.insert(0, str(NETWORKS))

from make_networks import colours  # noqa: E402


def person(count: int, rng, low, high) -> np.ndarray:
    """(K,2) places inside a box, no two dots on one another."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    columns = int(np.ceil(np.sqrt(count * (high - low)[0] / (high - low)[1])))
    rows = int(np.ceil(count / columns))
    cell = (high - low) / [columns, rows]
    order = rng.permutation(columns * rows)[:count]
    return low + cell * (np.stack([order % columns, order // columns], axis=-1) + 0.5 + rng.uniform(-0.12, 0.12, (count, 2)))


def picture(people: list, size: tuple, radius: float = 6.0, count: int | None = None) -> np.ndarray:
    """(H,W,3) uint8: the dots of each (K,2) on black, their edges soft."""
    width, height = size
    rgb = np.zeros((height, width, 3))
    column, row = np.arange(width), np.arange(height)[:, None]
    for places in people:
        for (x, y), colour in zip(places, colours(len(places))):
            share = np.clip(radius + 0.5 - np.hypot(column - x, row - y), 0.0, 1.0)[..., None]
            rgb = rgb * (1 - share) + colour * share
    return np.round(rgb).astype(np.uint8)


class Shown(SimpleNamespace):
    """A list of RGB pictures, as an estimator takes a `media.Clip`."""

    def __init__(self, pictures: list, fps: float = 30.0):
        shots = [SimpleNamespace(index=i, rgb=rgb, time_s=i / fps) for i, rgb in enumerate(pictures)]
        super().__init__(
            shots=shots, size=pictures[0].shape[1::-1], fps=fps, start_s=0.0, frame_count=len(shots), path=Path("dots"), warnings=[]
        )

    def __iter__(self):
        return iter(self.shots)
