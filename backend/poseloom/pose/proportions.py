"""The person's proportions: lengths of bones that stay the same throughout the clip, left as right."""

from __future__ import annotations

import numpy as np

from ..motion.skeleton import JOINTS, REST_HEIGHT_M, standard
from ..motion.types import Skeleton

# a length and between which of BlazePose's points it is seen: left, right
SEEN = {
    "thigh": ((23, 25), (24, 26)), "shin": ((25, 27), (26, 28)),
    "upper_arm": ((11, 13), (12, 14)), "forearm": ((13, 15), (14, 16)),
    "hips": ((23, 24),), "shoulders": ((11, 12),), "flank": ((11, 23), (12, 24)), "diagonal": ((11, 24), (12, 23)),
}  # fmt: skip
NAMES = tuple(SEEN)
# how far people are from the average (standard deviation)
_SPREAD = np.array([0.065, 0.065, 0.065, 0.065, 0.24, 0.11, 0.1, 0.1])
_VIEW_M = 0.02  # error of a length seen square on, and what a length pointing at the camera adds
_VIEW_DEEP_M = 0.15
_MEMORY_S = 0.5  # errors of lengths last that long
_J = {name: j for j, name in enumerate(JOINTS)}


def usual(height_m: float) -> np.ndarray:
    """(8,) metres, in the order of NAMES: the lengths of an average adult's body scaled to `height_m`."""
    at = standard(height_m).offsets
    shoulder = at[_J["clavicle_l"]] + at[_J["upper_arm_l"]]
    trunk = sum(at[_J[n]][2] for n in ("spine1", "spine2", "spine3")) + shoulder[2] - at[_J["thigh_l"]][2]
    hips, shoulders = 2.0 * at[_J["thigh_l"]][0], 2.0 * shoulder[0]
    return np.array([
        np.linalg.norm(at[_J["shin_l"]]), np.linalg.norm(at[_J["foot_l"]]),
        np.linalg.norm(at[_J["forearm_l"]]), np.linalg.norm(at[_J["hand_l"]]), hips, shoulders,
        np.hypot(trunk, 0.5 * (shoulders - hips)), np.hypot(trunk, 0.5 * (shoulders + hips)),
    ])  # fmt: skip


def unit(points, weight, lengths) -> float:
    """The factor from the unit of points (T,33,3), weights (T,33), to metres, by the long bones."""
    total, seen = 1e-9, 1e-9
    for name, length in zip(NAMES, lengths):
        if name in ("thigh", "shin", "flank"):
            for a, b in SEEN[name]:
                sure = np.minimum(weight[:, a], weight[:, b])
                away = np.linalg.norm(points[:, a] - points[:, b], axis=-1)
                seen += median(away, sure) * sure.mean()
                total += length * sure.mean()
    return float(total / seen) if seen > 1e-6 else 1.0


def fitted(way, sure, kind, average, fps) -> np.ndarray:
    """The likeliest lengths (8,): what is seen against what is usual.

    way (T,n,3) from end to end, y away from the camera; sure (T,n) 0..1; kind (n,) the index of
    each in NAMES; average (8,).  The legs and trunk together keep their average length: how large
    a person is in metres no picture tells.
    """
    away = np.linalg.norm(way, axis=-1)
    deep = (way[..., 1] / np.maximum(away, 1e-6)) ** 2
    trust = sure / (_VIEW_M**2 + deep * _VIEW_DEEP_M**2)
    lengths = np.array(average, np.float64)
    for k, length in enumerate(average):
        mine = kind == k
        total = float(trust[:, mine].sum())
        if total <= 0.0:
            continue
        found = float((trust[:, mine] * away[:, mine]).sum()) / total
        certain = 1.0 / ((0.03 * length) ** 2 + _MEMORY_S * fps / total)
        prior = 1.0 / (_SPREAD[k] * length) ** 2
        lengths[k] = (certain * found + prior * length) / (certain + prior)
    tall = [NAMES.index(n) for n in ("thigh", "shin", "flank")]
    return lengths * (sum(average[tall]) / sum(lengths[tall]))


def skeleton(lengths, height_m: float) -> Skeleton:
    """The canonical skeleton with these lengths (8,); neck, head, hands and feet are an average body's."""
    body, size = standard(REST_HEIGHT_M), height_m / REST_HEIGHT_M
    ratio = dict(zip(NAMES, np.asarray(lengths) / usual(height_m)))
    share = {"shin": ratio["thigh"], "foot": ratio["shin"], "forearm": ratio["upper_arm"], "hand": ratio["forearm"]}
    offsets, tips = size * np.array(body.offsets, np.float64), size * np.array(body.tips, np.float64)
    for name, j in _J.items():
        part = name[:-2] if name.endswith(("_l", "_r")) else name
        if part in share:
            offsets[j] *= share[part]
        elif part == "thigh":
            offsets[j, 0] *= ratio["hips"]
        elif part in ("clavicle", "upper_arm"):
            offsets[j] *= [ratio["shoulders"], 1.0, ratio["flank"]]
        elif part in ("spine1", "spine2", "spine3", "neck"):
            offsets[j] *= ratio["flank"]
    for name, j in _J.items():
        children = [c for c in range(len(JOINTS)) if body.parents[c] == j]
        if children and name != "pelvis":
            tips[j] = offsets[children[0]]
    tips[0] = offsets[_J["spine1"]]
    leg = offsets[_J["thigh_l"]] + offsets[_J["shin_l"]] + offsets[_J["foot_l"]]
    offsets[0] = [0.0, 0.0, -leg[2] + size * 0.08]
    return Skeleton(JOINTS, body.parents, offsets, tips)


def median(values, weight) -> float:
    """The weighted median of values (T,)."""
    order = np.argsort(values)
    total = np.cumsum(np.maximum(weight[order], 1e-6))
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])
