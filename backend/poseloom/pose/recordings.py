"""What the lifter learns from, recorded: what an estimator said of known motion; windows as in `projections`."""

from __future__ import annotations

import numpy as np

from ..motion.layouts import BLAZEPOSE
from ..motion.skeleton import MIRROR
from .habits import LIMBS, Habits, memory
from .lift import BODY, OTHER, POINTS, depth
from .projections import ACROSS, FINE, HEAD, about_hips, bursts, finished, windows


class Pairs:
    """What an estimator really said of known motion, as `studio/lifter_pairs.py` records it."""

    def __init__(self, recordings, rng):
        """Each of recordings: xy (M,33,2) px, xyz (M,33,3), score (M,33), truth (M,22,3) in camera axes, start (C+1,),
        size (C,2), focal_px (C,), fps; all are brought to 30 fps."""
        pick = [BLAZEPOSE.index(name) for name in POINTS]
        clips = []
        for made in recordings:
            for a, b, size, focal_px in zip(made["start"][:-1], made["start"][1:], made["size"], made["focal_px"]):
                at = np.arange(0.0, b - a - 1 + 1e-6, float(made["fps"]) / 30.0)
                low = np.minimum(at.astype(int), b - a - 2)
                columns = []
                for x in (made["xy"][a:b, pick], made["xyz"][a:b, pick], made["score"][a:b, pick], made["truth"][a:b]):
                    share = (at - low).reshape((-1,) + (1,) * (x.ndim - 1))
                    columns.append(x[low] * (1 - share) + x[low + 1] * share)
                clips.append((*columns, size.astype(np.float64), float(focal_px)))
        self.rng = rng
        self.xy, self.xyz, self.score, self.truth = (np.concatenate(x) for x in list(zip(*clips))[:4])
        self.size = np.stack([clip[4] for clip in clips])
        self.focal_px = np.array([clip[5] for clip in clips])
        self.start = np.concatenate([[0], np.cumsum([len(clip[0]) for clip in clips])])

    def __len__(self) -> int:
        return len(self.size)

    def clip(self, i: int):
        """One clip whole, unchanged: (features (1,T,F), joints (1,T,22,3), place (1,T,3))."""
        rows = slice(self.start[i], self.start[i + 1])
        xy, xyz, score, truth = (x[None, rows] for x in (self.xy, self.xyz, self.score, self.truth))
        return finished(xy, xyz, score, self.size[None, i], truth)

    def habits(self) -> Habits:
        """How the estimator errs in these recordings, and in their mirror images."""
        poses, errors = [], []
        for i in range(len(self)):
            rows = slice(self.start[i], self.start[i + 1])
            truth = self.truth[rows]
            rel, _, scale, _ = about_hips(truth[None])
            limbs = truth[:, LIMBS]
            exact = limbs[..., [0, 2]] / limbs[..., 1:2] * [self.focal_px[i], -self.focal_px[i]] + 0.5 * self.size[i]
            metre = (limbs[..., 1].mean(axis=1) * scale[0] / self.focal_px[i])[:, None, None]
            flat = (self.xy[rows][:, BODY] - exact) * [1.0, -1.0] * metre
            deep, there = depth(self.xyz[rows])
            away = np.concatenate([flat, deep[:, BODY] - rel[0][:, LIMBS]], axis=-1)
            whole = np.isfinite(away).all(axis=(1, 2)) & (there > 0)
            away, pose = np.clip(away[whole], -0.5, 0.5), rel[0][whole][:, LIMBS]
            other = np.arange(12) ^ 1
            for p, e in ((pose, away), (pose[:, other] * ACROSS, away[:, other] * [-1.0, 1.0, -1.0, 1.0, 1.0])):
                if len(p) > 20:
                    poses.append(p)
                    parts = [part.reshape(len(p), -1) for part in (e[..., :2], e[..., 2:])]
                    errors.append(np.concatenate(parts, axis=1))
        return Habits.of(poses, errors)

    def batch(self, count: int, frames: int):
        rng = self.rng
        clip, low, share = windows(rng, self.start, frames, count, (0.7, 1.6))

        def read(x):
            s = share.reshape(share.shape[:2] + (1,) * (x.ndim - 1))
            return x[low] * (1 - s) + x[low + 1] * s

        size = self.size[clip]
        xy, xyz, score, truth = read(self.xy), read(self.xyz), read(self.score), read(self.truth)
        shape = score.shape
        flat = (xy - 0.5 * size[:, None, None]) / size.max(axis=1)[:, None, None, None] * [1.0, -1.0]
        swap = rng.random(count) < 0.5
        flat[swap] = flat[swap][:, :, OTHER] * [-1.0, 1.0]
        xyz[swap], truth[swap] = xyz[swap][:, :, OTHER] * ACROSS, truth[swap][:, :, list(MIRROR)] * ACROSS
        score[swap] = score[swap][:, :, OTHER]
        roll = np.radians(4.0) * rng.normal(size=count)
        flat = _rolled(flat, roll, (0, 1))
        xyz, truth = _rolled(xyz, roll, (0, 2)), _rolled(truth, roll, (0, 2))
        flat = flat * np.exp(0.15 * rng.normal(size=(count, 1, 1, 1)))  # another focal length
        wide, deep, tall = (np.exp(0.06 * rng.normal(size=(count, 1, 1))) for _ in range(3))  # another body
        for x in (xyz, truth):
            for axis, factor in enumerate((wide, deep, tall)):
                x[..., axis] *= factor
        flat[..., 0], flat[..., 1] = flat[..., 0] * wide, flat[..., 1] * tall
        body = np.std(np.nan_to_num(flat), axis=(2, 3), keepdims=True)
        flat = flat + body * (0.015 * memory(rng, flat.shape, 0.3) + 0.02 * rng.normal(size=(count, 1, len(POINTS), 2)))
        back = rng.random(count) < 0.5  # time may run backwards
        for x in (flat, xyz, score, truth):
            x[back] = x[back][:, ::-1]
        xyz[..., 1] *= np.exp(0.08 * rng.normal(size=(count, 1, 1)))
        bias = rng.normal(size=(count, 1, len(POINTS), 3))
        xyz = xyz + np.array([0.015, 0.03, 0.015]) * (memory(rng, xyz.shape, 0.5) + bias)
        xyz = xyz + 0.004 * rng.normal(size=xyz.shape)
        score = np.nan_to_num(score) ** np.exp(0.3 * rng.normal(size=(count, 1, 1)))
        lost = bursts(rng, shape, 0.04)
        for some, odds in ((FINE, 0.1), (HEAD, 0.05)):
            dropped = rng.random(count) < odds
            lost[np.ix_(dropped, np.arange(frames), some)] = True
        flat[lost], xyz[lost], score[lost] = np.nan, np.nan, 0.0
        xyz[rng.random(count) < 0.15] = np.nan
        longer = size.max(axis=1)[:, None, None, None]
        return finished(flat * [1.0, -1.0] * longer + 0.5 * size[:, None, None], xyz, score, size, truth)


def _rolled(x, angle, axes):
    c, s = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    out = x.copy()
    out[..., axes[0]] = c * x[..., axes[0]] - s * x[..., axes[1]]
    out[..., axes[1]] = s * x[..., axes[0]] + c * x[..., axes[1]]
    return out
