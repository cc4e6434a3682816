"""How an estimator errs, learnt from recordings: what it does with a pose on average, and how far it strays from that.

Errors of the 12 limb joints are one vector: two numbers each in the picture (metres at the body's distance) and three
in space.  Their mean depends linearly on the pose; what is left is a part that stays the same throughout a clip, one
that changes slowly, and one that is new in every frame, each with the covariance it was found to have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion.skeleton import JOINTS

_PARTS = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
LIMBS = [JOINTS.index(f"{part}_{s}") for part in _PARTS for s in "lr"]
_RIDGE = 3.0  # metres^2 times frames per clip: how much pose it takes to believe in an effect of it
_FPS = 30.0
_LAG = 4  # frames


def memory(rng, shape, seconds):
    """Noise (N,T,...) of standard deviation 1 that forgets itself in `seconds`, at 30 fps."""
    keep = np.exp(-1.0 / (seconds * _FPS))
    x = rng.normal(size=shape).astype(np.float32)
    for t in range(1, shape[1]):
        x[:, t] = keep * x[:, t - 1] + np.sqrt(1.0 - keep**2) * x[:, t]
    return x


def drift(rng, shape, seconds):
    """As `memory`, without its jitter from frame to frame: alike after 0.3 `seconds` and more."""
    x, keep = memory(rng, shape, 0.4 * seconds), np.exp(-1.0 / (0.4 * seconds * _FPS))
    x[:, 0] = rng.normal(size=x[:, 0].shape) * np.sqrt(1.0 + keep**2) / (1.0 - keep**2)
    for t in range(1, shape[1]):
        x[:, t] += keep * x[:, t - 1]
    return x * (1.0 - keep**2) / np.sqrt(1.0 + keep**2)


@dataclass(frozen=True, eq=False)
class Habits:
    """effect (37,60) of a pose (12 joints about the hips, and 1) on the mean error; constant, slow and quick (60,60)
    such that noise @ them has the covariance found; slow_s how long the slow part lasts."""

    effect: np.ndarray
    constant: np.ndarray
    slow: np.ndarray
    quick: np.ndarray
    slow_s: float

    @classmethod
    def of(cls, poses, errors) -> "Habits":
        """From clips: lists of poses (T,12,3) and errors (T,60), at 30 fps."""
        told = [np.concatenate([p.reshape(len(p), -1), np.ones((len(p), 1))], axis=1) for p in poses]
        x, y = np.concatenate(told), np.concatenate(errors)
        held = _RIDGE * np.diag([1.0] * (x.shape[1] - 1) + [1e-6]) * len(poses)
        effect = np.linalg.solve(x.T @ x + held, x.T @ y)
        left = [e - t @ effect for t, e in zip(told, errors)]
        middle = np.stack([r.mean(axis=0) for r in left])
        within = np.concatenate([r - m for r, m in zip(left, middle)])
        within = within.T @ within / len(within)
        # half the mean square of changes over a lag t is quick + slow (1 - x^t), whatever stays constant
        a, b, c = (sum(((r[lag:] - r[:-lag]) ** 2).sum() for r in left) / sum(len(r[lag:]) for r in left) / 2.0
                   for lag in (_LAG, 2 * _LAG, 4 * _LAG))  # fmt: skip
        keep = float(np.clip(0.5 * (np.sqrt(1.0 + 4.0 * max(c - b, 0.0) / max(b - a, 1e-12)) - 1.0), 0.3, 0.97))
        slow = (b - a) / (keep - keep**2)
        quick = max(a - slow * (1.0 - keep), 0.0)
        within /= np.trace(within)
        constant = _root(middle.T @ middle / len(middle))
        return cls(effect, constant, _root(slow * within), _root(quick * within), -_LAG / _FPS / np.log(keep))

    def errors(self, poses, rng):
        """(N,T,60) made-up errors of poses (N,T,12,3)."""
        n, frames = poses.shape[:2]
        told = np.concatenate([poses.reshape(n, frames, -1), np.ones((n, frames, 1))], axis=-1)
        count = self.effect.shape[1]
        level = np.exp(0.25 * rng.normal(size=(n, 1, 1)))
        stray = rng.normal(size=(n, 1, count)) @ self.constant + drift(rng, (n, frames, count), self.slow_s) @ self.slow
        return told @ self.effect + level * (stray + rng.normal(size=(n, frames, count)) @ self.quick)


def _root(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
