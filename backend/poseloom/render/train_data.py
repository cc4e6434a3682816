"""Pairs of pictures of one character, as the embedded model is trained on them.  Needs torch and numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..motion import openpose
from .encoding import BODY, CELLS, FINE, encode
from .warping import warp

_SWAP = {"l": "r", "r": "l"}
_MIRROR = [
    openpose.BODIES[BODY].index(f"{n[:-1]}{_SWAP[n[-1]]}" if n.endswith(("_l", "_r")) else n) for n in openpose.BODIES[BODY]
]
_HELD_SHARE = 0.03  # of the characters, for the log
_FRONT = 0.75  # of the references are among the first half of a character's pictures, which face the camera


@dataclass
class Batch:
    """Of B pairs, first the reference, then the frame: rgb (2,B,3,S,S) -1..1; pose (2,B,C,32,32); warped (B,W,S,S) of
    `warping.warp`; region (2,B,32,32) 0 the background; shown (B,64,64) the frame's more finely; rest (2,B,3,32,32) in
    heights; body (B,1,S,S) 1 where the frame shows the body."""

    rgb: torch.Tensor
    pose: torch.Tensor
    warped: torch.Tensor
    region: torch.Tensor
    shown: torch.Tensor
    rest: torch.Tensor
    body: torch.Tensor

    def to(self, device, dtype) -> "Batch":
        """On a device, what is not counted in `dtype`; pictures to compare with stay exact."""
        exact = {name: getattr(self, name).to(device) for name in ("rgb", "warped", "region", "shown", "body")}
        return Batch(**exact, pose=self.pose.to(device, dtype), rest=self.rest.to(device, dtype))


class Pairs:
    """Packs of pictures, and pairs drawn from them."""

    def __init__(self, packs, seed: int):
        count = 0
        numbers = []
        for pack in packs:  # characters of different packs are different people
            numbers.append(pack["character"] + count)
            count = int(numbers[-1].max()) + 1
        self.rgb, self.region, self.rest, self.xy, self.away, self.seen = (
            np.concatenate([pack[name] for pack in packs]) for name in ("rgb", "region", "rest", "xy", "away", "seen")
        )
        self.size = self.rgb.shape[1]
        number = np.concatenate(numbers)
        rows = [np.flatnonzero(number == n) for n in range(count)]
        held = np.random.default_rng([seed, 0]).permutation(count)[: max(1, round(_HELD_SHARE * count))]
        self.held = [rows[n] for n in sorted(held)]
        self.rows = [rows[n] for n in sorted(set(range(count)) - set(held.tolist()))]

    def __len__(self) -> int:
        """How many characters are trained on."""
        return len(self.rows)

    def batch(self, rng, count: int) -> Batch:
        """Pairs drawn and varied by `rng`: mirrored, in other colours, with points that are off or not told."""
        first, second = zip(*(self._draw(self.rows[i], rng) for i in rng.integers(len(self.rows), size=count)))
        return self.take(np.array(first), np.array(second), rng)

    def held_out(self, count: int) -> Batch:
        """Pairs of the first characters that are not trained on, as they are: the first picture, and the last or one before."""
        turns = [divmod(i, len(self.held)) for i in range(count)]
        some = [(self.held[n], turn) for turn, n in turns]
        first = [rows[0] for rows, _ in some]
        return self.take(np.array(first), np.array([rows[-1 - turn % (len(rows) - 1)] for rows, turn in some]))

    def take(self, first, second, rng=None) -> Batch:
        count, pick = len(first), np.concatenate([first, second])
        rgb = self.rgb[pick].transpose(0, 3, 1, 2)
        region = self.region[pick].astype(np.int64) + 1
        rest = self.rest[pick].transpose(0, 3, 1, 2).astype(np.float32) / 100
        xy, away, seen = (a[pick].copy() for a in (self.xy, self.away, self.seen))
        if rng is not None:
            turned = np.tile(rng.random(count) < 0.5, 2)
            rgb, region, rest = (_flip(a, turned) for a in (rgb, region, rest))
            rest[turned, 0] *= -1
            xy[turned, :, 0] = self.size - xy[turned, :, 0]
            xy[turned], away[turned], seen[turned] = (a[turned][:, _MIRROR] for a in (xy, away, seen))
            _disturb(xy, away, rng, self.size)
            rgb = _recolour(rgb, rng)
        rgb, pose = rgb.astype(np.float32) / np.float32(127.5) - 1, encode(xy, away, seen, self.size)
        points = [(xy[half], away[half]) for half in (slice(count), slice(count, None))]
        warped = warp(rgb[:count], *points)
        coarse, fine = (region[:, n // 2 :: n, n // 2 :: n] for n in (self.size // CELLS, self.size // FINE))
        body = (region[count:, None] > 0).astype(np.float32)
        two = (_tensor(a).unflatten(0, (2, count)) for a in (rgb, pose, coarse, rest))
        rgb, pose, coarse, rest = two
        return Batch(rgb, pose, _tensor(warped), coarse, _tensor(fine[count:]), rest, _tensor(body))

    def _draw(self, rows, rng) -> tuple:
        first = rng.choice(rows[: len(rows) // 2] if rng.random() < _FRONT else rows)
        return first, rng.choice(rows[rows != first])


def _tensor(a) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(a))


def _flip(a, turned):
    a = a.copy()
    a[turned] = a[turned][..., ::-1]
    return a


def _disturb(xy, away, rng, size: int) -> None:
    """Points as an estimator finds them: off by a little, some missing, now and then without depth."""
    count = len(xy)
    off = rng.normal(0.0, 0.006 * size, xy.shape) * (rng.random((count, 1, 1)) < 0.4)
    xy += off.astype(np.float32)
    lost = (rng.random(xy.shape[:2]) < 0.06) & (rng.random((count, 1)) < 0.2)
    xy[lost] = np.nan
    away[rng.random(count) < 0.2] = np.nan


def _recolour(rgb, rng):
    """Both pictures of a pair with the same channels changed about, or lighter and darker."""
    count = len(rgb) // 2
    out = rgb.astype(np.float32)
    for i in range(count):
        both = [i, count + i]
        if rng.random() < 0.3:
            out[both] = out[both][:, rng.permutation(3)]
        out[both] = 255 * (out[both] / 255) ** np.exp(rng.uniform(-0.25, 0.25, (1, 3, 1, 1)))
    return out
