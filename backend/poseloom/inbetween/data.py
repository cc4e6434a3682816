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
from ..motion.skeleton import JOINTS, PARENTS
from . import window

PAST, LONGEST_GAP = 10, 60
_KEYED, _KEYS = 0.3, 5  # share of windows with single keys alone, and how many at most
_LIMBS = (  # joints whose offsets change together: legs first
    [JOINTS.index(f"{n}_{s}") for n in ("shin", "foot", "toe") for s in "lr"],
    [JOINTS.index(f"{n}_{s}") for n in ("forearm", "hand") for s in "lr"],
    [JOINTS.index(n) for n in ("spine1", "spine2", "spine3", "neck", "head", "clavicle_l", "clavicle_r")],
    [JOINTS.index(f"{n}_{s}") for n in ("upper_arm", "thigh") for s in "lr"],
)
_PARTS = (*([JOINTS.index(f"{n}_{s}") for n in ("clavicle", "upper_arm", "forearm", "hand")] for s in "lr"),
          [JOINTS.index(n) for n in ("spine1", "spine2", "spine3", "neck", "head")])  # fmt: skip
_FARTHEST = 2.5  # radians that a joint may be turned within a window once it is made to move farther
_UPPER = [i for i, n in enumerate(JOINTS) if n.startswith(("spine", "neck", "head", "clav", "upper", "fore", "hand"))]


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
    """Windows in the frame of their anchor, and the way that the network starts from."""

    features: np.ndarray
    base_lrot: np.ndarray
    base_root: np.ndarray
    lrot: np.ndarray
    root: np.ndarray
    contact: np.ndarray
    offsets: np.ndarray
    seg: window.Segments
    anchor: int


def prepare(lrot, root, contact, offsets, known, anchor: int, start: str) -> Batch:
    """A Batch of windows (N,T,J,4), (N,T,3), (N,T,4), (N,J,3) that share the pattern known (T,)."""
    seg = window.segments(known)
    lrot, root, _, _ = window.to_anchor(lrot, root, anchor)
    base_lrot, base_root = window.STARTS[start](lrot, root, seg)
    told = window.features(base_lrot, base_root, offsets, PARENTS, seg, anchor)
    return Batch(told, base_lrot, base_root, lrot, root, contact, offsets, seg, anchor)


def pattern(rng, gap_max: int) -> tuple:
    """(known (T,), anchor): ten known frames, a gap and a key; or single keys far apart, as an animator sets them."""
    kind = rng.random()
    if kind < _KEYED:
        keys = [0, _gap(rng, gap_max) + 1]
        while len(keys) < _KEYS and rng.random() < 0.7:
            keys.append(keys[-1] + _gap(rng, gap_max) + 1)
            if keys[-1] > gap_max + 2 * PAST:
                keys.pop()
                break
        known = np.isin(np.arange(keys[-1] + 1), keys)
    else:
        past = PAST if kind < 0.9 else int(rng.integers(1, PAST + 1))
        future = 1 if kind < 0.85 else int(rng.integers(1, PAST + 1))
        known = np.r_[np.ones(past, bool), np.zeros(_gap(rng, gap_max), bool), np.ones(future, bool)]
    return known, int(np.argmin(known)) - 1


def _gap(rng, most: int) -> int:
    return int(np.ceil(most * (1.0 - rng.random()) ** 1.5))  # short gaps are cheap, and as many to learn


@dataclass(frozen=True)
class Variety:
    """How far windows are changed from what was captured: shares of windows, factors, degrees."""

    pace: float = 1.5  # faster or slower by up to this
    sway: float = 0.2  # the pace itself swings by up to this share within a window
    size: float = 1.12
    limb: float = 1.12  # legs, arms and trunk each longer or shorter by up to this
    posture_deg: float = 3.0  # of every joint, constant, and as much again swinging slowly
    swap: float = 0.3  # share of windows with the upper body of another
    parts: float = 0.3  # and with an arm, or the trunk, of another
    reach: float = 1.6  # arms and trunk each move farther, or less far, by up to this
    reverse: float = 0.4  # share of windows that run backwards
    even: float = 0.7  # clips are drawn by their subject's length to this power


LITTLE = Variety(pace=1.35, sway=0.0, size=1.1, limb=1.0, posture_deg=0.0, swap=0.0, parts=0.0, reach=1.0, reverse=0.0, even=1.0)


class Sampler:
    """Random windows of a pack, mirrored half the time, with `Variety`."""

    def __init__(self, pack: Pack, rng, variety: Variety = Variety(), start: str = "eased"):
        self.pack, self.rng, self.variety, self.start = pack, rng, variety, start
        span = np.diff(pack.start)
        subject = np.array([name.split("_")[0] for name in pack.names])
        total = {s: span[subject == s].sum() for s in set(subject)}
        self.weight = np.array([float(total[s]) ** (variety.even - 1.0) for s in subject])

    def batch(self, size: int, gap_max: int = LONGEST_GAP) -> Batch:
        known, anchor = pattern(self.rng, gap_max)
        return prepare(*self.stretch(size, len(known)), known, anchor, self.start)

    def stretch(self, size: int, length: int) -> tuple:
        """Windows (N,T,J,4), (N,T,3), their contacts (N,T,4) and bodies (N,J,3)."""
        lrot, root, contact, offsets = self._cut(size, length)
        lrot, root, contact, offsets = self._mirror(lrot, root, contact, offsets)
        root, offsets = self._resize(root, offsets)
        lrot = self._move_farther(self._mix(self._repose(lrot)))
        back = self.rng.random(size) < self.variety.reverse
        for rows in (lrot, root, contact):
            rows[back] = rows[back][:, ::-1]
        return lrot, root, contact, offsets

    def _cut(self, size, length):
        """Windows between the frames of a clip, at a pace of their own."""
        rng, pack, v = self.rng, self.pack, self.variety
        span = np.diff(pack.start)
        pace = np.exp(rng.uniform(-1.0, 1.0, (size, 1)) * np.log(v.pace))
        swing = np.sin(2 * np.pi * (rng.random((size, 1)) + np.arange(length) * rng.uniform(0.01, 0.04, (size, 1))))
        when = np.cumsum(pace * np.exp(v.sway * rng.random((size, 1)) * swing), axis=1)
        when -= when[:, :1]
        when *= np.minimum(1.0, (span.max() - 3) / np.maximum(when[:, -1:], 1.0))  # slower, where no clip is so long
        room = np.maximum(span - when[:, -1:] - 2, 0.0)
        odds = (room * self.weight).cumsum(axis=1)
        clip = (rng.random(size)[:, None] * odds[:, -1:] >= odds).sum(axis=1)
        when += pack.start[clip][:, None] + (rng.random(size) * room[np.arange(size), clip])[:, None]
        low = np.minimum(when.astype(int), pack.start[clip + 1][:, None] - 2)
        share = np.clip(when - low, 0.0, 1.0)[..., None]
        a, b = pack.lrot[low], pack.lrot[low + 1]  # neighbouring frames: a straight line is as good as an arc
        lrot = quat.normalise(a + share[..., None] * (np.where((a * b).sum(-1, keepdims=True) < 0, -b, b) - a))
        root = pack.root[low] * (1 - share) + pack.root[low + 1] * share
        return lrot, root, pack.contact[low], pack.offsets[clip]

    def _mirror(self, lrot, root, contact, offsets):
        flip = self.rng.random(len(lrot)) < 0.5
        lrot[flip], root[flip], offsets[flip] = window.mirrored(lrot[flip], root[flip], offsets[flip])
        contact[flip] = contact[flip][:, :, [1, 0, 3, 2]]
        return lrot, root, contact, offsets

    def _resize(self, root, offsets):
        """Another body: the root's way goes with the legs."""
        rng, v = self.rng, self.variety
        size = np.exp(rng.uniform(-1, 1, (len(root), 1)) * np.log(v.size))
        limb = np.exp(rng.uniform(-1, 1, (len(root), len(_LIMBS))) * np.log(v.limb)) * size
        factor = np.ones(offsets.shape[:2])
        for k, joints in enumerate(_LIMBS):
            factor[:, joints] = limb[:, k : k + 1]
        return root * limb[:, :1, None], offsets * factor[..., None]

    def _repose(self, lrot):
        """Another bearing, and for some the upper body of another window."""
        rng, v = self.rng, self.variety
        size, length, joints = lrot.shape[:3]
        swap = np.flatnonzero(rng.random(size) < v.swap)
        lrot[np.ix_(swap, np.arange(length), _UPPER)] = lrot[np.ix_((swap + size // 2) % size, np.arange(length), _UPPER)]
        if v.posture_deg == 0.0:
            return lrot
        sigma = np.radians(v.posture_deg) * rng.random((size, 1, 1)) * 1.5
        still, wave = rng.normal(size=(2, size, joints, 3)) * sigma
        still[:, 0, 2] = 0.0  # facing is taken out anyway
        phase = 2 * np.pi * (rng.random((size, 1)) + np.arange(length) * rng.uniform(0.003, 0.02, (size, 1)))
        lean = still[:, None] + wave[:, None] * np.sin(phase)[..., None, None]
        return quat.multiply(lrot, quat.exp(lean))

    def _mix(self, lrot):
        """Arms and trunks of other windows."""
        size, every = len(lrot), np.arange(lrot.shape[1])
        for joints in _PARTS if self.variety.parts else ():
            taken = np.flatnonzero(self.rng.random(size) < self.variety.parts)
            given = self.rng.permutation(size)[taken]
            lrot[np.ix_(taken, every, joints)] = lrot[np.ix_(given, every, joints)]
        return lrot

    def _move_farther(self, lrot):
        """Arms and trunks turn about their pose amid the window by more or less than they did."""
        size, length = lrot.shape[:2]
        for joints in _PARTS if self.variety.reach > 1.0 else ():
            factor = np.exp(self.rng.uniform(-1, 1, (size, 1, 1, 1)) * np.log(self.variety.reach))
            amid = lrot[:, [length // 2]][:, :, joints]
            turn = quat.log(quat.multiply(quat.inverse(amid), lrot[:, :, joints]))
            most = np.linalg.norm(turn, axis=-1, keepdims=True).max(axis=1, keepdims=True)
            factor = np.minimum(factor, np.maximum(1.0, _FARTHEST / np.maximum(most, 1e-3)))
            lrot[:, :, joints] = quat.multiply(amid, quat.exp(turn * factor))
        return lrot
