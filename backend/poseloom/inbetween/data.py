"""Training windows: one packed npz of clips, sampled with augmentation.

The pack holds, for all clips end to end: lrot (M,J,4), root (M,3), contact (M,4), offsets (C,J,3),
start (C+1,), names (C,), parents (J,), fps.  J are the canonical joints, M all frames, C clips.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..motion import quat
from ..motion.files import write_bytes
from ..motion.skeleton import MIRROR, PARENTS
from . import window

PAST, LONGEST_GAP = 10, 60
_FLIP = np.array([1.0, 1.0, -1.0, -1.0])  # a rotation seen in a mirror that swaps left and right (x)


@dataclass(frozen=True, eq=False)
class Pack:
    lrot: np.ndarray
    root: np.ndarray
    contact: np.ndarray
    offsets: np.ndarray
    start: np.ndarray
    names: tuple

    @classmethod
    def load(cls, path) -> "Pack":
        with np.load(path, allow_pickle=False) as z:
            return cls(z["lrot"], z["root"], z["contact"], z["offsets"], z["start"], tuple(map(str, z["names"])))

    def save(self, path: Path) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, lrot=self.lrot.astype(np.float32), root=self.root.astype(np.float32),
                 contact=self.contact.astype(np.float32), offsets=self.offsets.astype(np.float32),
                 start=self.start, names=np.array(self.names))  # fmt: skip
        write_bytes(path, buffer.getvalue())

    def only(self, keep) -> "Pack":
        """The clips whose name `keep` accepts."""
        chosen = [i for i, name in enumerate(self.names) if keep(name)]
        frames = np.concatenate([np.arange(self.start[i], self.start[i + 1]) for i in chosen])
        lengths = [self.start[i + 1] - self.start[i] for i in chosen]
        return Pack(self.lrot[frames], self.root[frames], self.contact[frames], self.offsets[chosen],
                    np.concatenate([[0], np.cumsum(lengths)]), tuple(self.names[i] for i in chosen))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows in the frame of their anchor, and the baseline that the network starts from."""

    features: np.ndarray
    base_lrot: np.ndarray
    base_root: np.ndarray
    lrot: np.ndarray
    root: np.ndarray
    contact: np.ndarray
    offsets: np.ndarray
    seg: window.Segments
    anchor: int


def prepare(lrot, root, contact, offsets, known, anchor: int) -> Batch:
    """A Batch of windows (N,T,J,4), (N,T,3), (N,T,4), (N,J,3) that share the pattern known (T,)."""
    seg = window.segments(known)
    lrot, root, _, _ = window.to_anchor(lrot, root, anchor)
    base_lrot, base_root = window.interpolate(lrot, root, seg)
    told = window.features(base_lrot, base_root, offsets, PARENTS, seg, anchor)
    return Batch(told, base_lrot, base_root, lrot, root, contact, offsets, seg, anchor)


def pattern(rng, gap_max: int) -> tuple:
    """(known (T,), anchor): ten known frames, a gap and a key; or keys far apart, as an animator sets them."""
    kind = rng.random()
    gap = int(rng.integers(1, gap_max + 1))
    past = PAST if kind < 0.7 else int(rng.integers(1, PAST + 1))
    future = 1 if kind < 0.55 else int(rng.integers(1, PAST + 1))
    known = np.r_[np.ones(past, bool), np.zeros(gap, bool), np.ones(future, bool)]
    if kind >= 0.7 and gap > 4:
        keys = rng.choice(np.arange(past, past + gap), size=int(rng.integers(1, max(2, gap // 8))), replace=False)
        known[keys] = True
    first_hole = int(np.argmin(known)) if not known.all() else past
    return known, max(first_hole - 1, 0)


class Sampler:
    """Random windows of a pack: mirrored half the time, faster or slower, taller or smaller."""

    def __init__(self, pack: Pack, rng):
        self.pack, self.rng = pack, rng

    def batch(self, size: int, gap_max: int = LONGEST_GAP) -> Batch:
        rng, pack = self.rng, self.pack
        known, anchor = pattern(rng, gap_max)
        length = len(known)
        span = np.diff(pack.start)
        speed = np.exp(rng.uniform(np.log(0.75), np.log(1.35), size))
        room = np.maximum(span[None, :] - (length * speed[:, None]) - 2, 0.0)
        odds = room.cumsum(axis=1)
        clip = (rng.random(size)[:, None] * odds[:, -1:] >= odds).sum(axis=1)
        speed = np.minimum(speed, (span[clip] - 2) / length)
        first = pack.start[clip] + rng.random(size) * np.maximum(room[np.arange(size), clip], 0.0)
        when = first[:, None] + speed[:, None] * np.arange(length)
        low = np.minimum(when.astype(int), pack.start[clip + 1][:, None] - 2)
        share = when - low
        lrot = quat.slerp(pack.lrot[low], pack.lrot[low + 1], np.repeat(share[..., None], pack.lrot.shape[1], axis=-1))
        root = pack.root[low] * (1 - share[..., None]) + pack.root[low + 1] * share[..., None]
        contact, offsets = pack.contact[low], pack.offsets[clip]
        swap = rng.random(size) < 0.5
        lrot[swap] = lrot[swap][:, :, list(MIRROR)] * _FLIP
        root[swap] *= [-1.0, 1.0, 1.0]
        contact[swap] = contact[swap][:, :, [1, 0, 3, 2]]
        offsets[swap] = offsets[swap][:, list(MIRROR)] * [-1.0, 1.0, 1.0]
        size_factor = rng.uniform(0.9, 1.1, size)
        return prepare(lrot, root * size_factor[:, None, None], contact, offsets * size_factor[:, None, None], known, anchor)
