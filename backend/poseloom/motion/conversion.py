"""Keypoints of one layout as those of another: each point a weighted mean of the points there are."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Optional

import numpy as np

from .layouts import Layout, layout
from .points import MADE_OF
from .types import Keypoints


@lru_cache(maxsize=64)
def weights(source: str, target: str) -> np.ndarray:
    """(K_target, K_source) of two layouts by name, read-only; a row sums to 1, or is 0 where the source lacks the point."""
    have, want = layout(source), layout(target)
    rows = np.zeros((len(want), len(have)))
    for i, name in enumerate(_meanings(want)):
        for of, weight in (_made_of(name, _meanings(have), frozenset()) or {}).items():
            rows[i, _meanings(have).index(of)] = weight
    rows.setflags(write=False)
    return rows


def converted(keypoints: Keypoints, target: str) -> Keypoints:
    """The keypoints in the layout `target`; a made point scores as the worst it is made of, one that lacks is unseen."""
    if target == keypoints.layout:
        return keypoints
    rows = weights(keypoints.layout, target)
    score = np.zeros((len(keypoints), len(rows)))
    for i, row in enumerate(rows):
        if row.any():
            score[:, i] = keypoints.score[:, row != 0.0].min(axis=1)
    xyz = None if keypoints.xyz is None else _mixed(rows, keypoints.xyz)
    return replace(keypoints, layout=target, xy=_mixed(rows, keypoints.xy), xyz=xyz, score=score)


def lacking(source: str, target: str) -> list:
    """The names of the points of `target` that no keypoints of `source` can give."""
    return [name for name, row in zip(layout(target).names, weights(source, target)) if not row.any()]


def _meanings(of: Layout) -> tuple:
    return tuple(f"joint {name}" for name in of.names) if of.inner else of.names


def _made_of(name: str, have: tuple, asked: frozenset) -> Optional[dict]:
    """{point of `have`: weight} that make `name`, by the first rule that leads there; None where none does."""
    if name in have:
        return {name: 1.0}
    for way in MADE_OF.get(name, ()):
        total: dict = {}
        for part, weight in way.items():
            made = None if part in asked else _made_of(part, have, asked | {name})
            if made is None:
                break
            for of, share in made.items():
                total[of] = total.get(of, 0.0) + weight * share
        else:
            return {of: share for of, share in total.items() if share}
    return None


def _mixed(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(T,K_target,D) of values (T,K_source,D); NaN where one that counts is NaN, and where no point counts."""
    out = np.full((len(values), len(rows), values.shape[-1]), np.nan)
    for i, row in enumerate(rows):
        if row.any():
            out[:, i] = np.einsum("k,tkd->td", row[row != 0.0], np.asarray(values, np.float64)[:, row != 0.0])
    return out
