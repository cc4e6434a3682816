"""Which points of people are hidden: behind a body made of capsules, or behind what a depth picture shows."""

from __future__ import annotations

import numpy as np

# metres at a height of 1.75 m: how far the skin is from a point inside
_FLESH = {
    "hip": 0.12, "pelvis": 0.12, "shoulder": 0.09, "neck": 0.08, "knee": 0.07, "ankle": 0.055, "elbow": 0.05,
    "wrist": 0.04, "nose": 0.02, "eye": 0.02, "ear": 0.04, "toe": 0.04, "small_toe": 0.04, "heel": 0.04,
}  # fmt: skip
_OF_HANDS, _OF_FACE = 0.025, 0.02
# what lies behind the skin of the same place by less than this is not hidden by it: clothes, a rig that fits loosely
_LOOSE = 0.04
_LIMBS = (("shoulder", "elbow", 0.05), ("elbow", "wrist", 0.04), ("hip", "knee", 0.075), ("knee", "ankle", 0.055))
_TRUNK, _SIDE, _HEAD = 0.11, 0.075, 0.09
_INWARD = 0.45


def flesh(names) -> np.ndarray:
    """(K,) metres from each point to the skin before it, on a body of 1.75 m."""

    def of(name: str) -> float:
        bare = name.removesuffix("_l").removesuffix("_r")
        return _FLESH.get(bare, _OF_FACE if bare.startswith("face") else _OF_HANDS)

    return np.array([of(name) for name in names])


def capsules(points, names, scale: float) -> np.ndarray:
    """(C,7) of one person's points (K,3): both ends of an axis, and a radius; those whose points are there.

    `scale` is the body's height over 1.75 m.
    """
    at = dict(zip(names, np.asarray(points, np.float64)))
    found = []

    def put(a, b, radius):
        if a is not None and b is not None and np.isfinite(a).all() and np.isfinite(b).all():
            found.append(np.concatenate([a, b, [radius * scale]]))

    hips = 0.5 * (at["hip_l"] + at["hip_r"])
    put(at["neck"], hips, _TRUNK)
    for side in "lr":
        for a, b, radius in _LIMBS:
            put(at[f"{a}_{side}"], at[f"{b}_{side}"], radius)
        inward = [at[f"{n}_{side}"] + _INWARD * (middle - at[f"{n}_{side}"]) for n, middle in (("shoulder", at["neck"]), ("hip", hips))]
        put(*inward, _SIDE)
    skull = 0.5 * (at["ear_l"] + at["ear_r"])
    put(skull, skull, _HEAD)
    return np.array(found).reshape(-1, 7)


def behind(points, clear, bodies: np.ndarray, parallel: bool) -> np.ndarray:
    """(N,) whether places (N,3) in a camera's axes are behind one of `bodies` (C,7) by more than `clear` (N,) metres."""
    points = np.asarray(points, np.float64)
    if not len(bodies):
        return np.zeros(len(points), bool)
    forward = np.array([0.0, 0.0, 1.0])
    ray = np.broadcast_to(forward, points.shape) if parallel else points / np.linalg.norm(points, axis=1, keepdims=True)
    ray, at = ray[:, None], points[:, None]
    a, axis, radius = bodies[:, :3], bodies[:, 3:6] - bodies[:, :3], bodies[:, 6]
    # the two nearest places of a line and a segment: with w = a - at, minimise |w + s axis - t ray|
    w, long = a - at, (axis**2).sum(axis=-1)
    both, w_axis, w_ray = (axis * ray).sum(-1), (w * axis).sum(-1), (w * ray).sum(-1)
    flat = long - both**2
    s = np.clip((both * w_ray - w_axis) / np.where(flat > 1e-12, flat, np.inf), 0.0, 1.0)
    nearest = a + s[..., None] * axis
    gap = nearest - at
    t = (gap * ray).sum(-1)  # along the ray from the place: below 0 is before it
    off = np.linalg.norm(gap - t[..., None] * ray, axis=-1)
    return ((off < radius) & (-t > 0.8 * radius + 0.3 * np.asarray(clear)[:, None])).any(axis=1)


def behind_surface(xy, away, clear, depth_m: np.ndarray) -> np.ndarray:
    """(N,) whether points at `xy` (N,2) px and `away` (N,) metres lie behind the surface of `depth_m` (H,W) metres.

    By more than `clear` (N,) metres: a joint lies inside its own limb.  Infinite depth hides nothing, and neither
    does what is outside the picture.
    """
    high, wide = depth_m.shape
    pixel = np.floor(np.nan_to_num(xy, nan=-1.0)).astype(int)
    inside = ((pixel >= 0) & (pixel < (wide, high))).all(axis=1)
    x, y = np.clip(pixel, 0, (wide - 1, high - 1)).T
    # the farthest surface around: a joint near an edge is not hidden by what begins beside it
    around = np.stack([
        depth_m[np.clip(y + dy, 0, high - 1), np.clip(x + dx, 0, wide - 1)] for dx in (-1, 0, 1) for dy in (-1, 0, 1)
    ])  # fmt: skip
    return inside & (np.asarray(away) - around.max(axis=0) > 1.6 * np.asarray(clear) + _LOOSE)


def inside(bodies: np.ndarray) -> bool:
    """Whether the eye, the origin, is inside one of `bodies` (C,7)."""
    if not len(bodies):
        return False
    a, axis = bodies[:, :3], bodies[:, 3:6] - bodies[:, :3]
    s = np.clip(-(a * axis).sum(-1) / np.maximum((axis**2).sum(-1), 1e-12), 0.0, 1.0)
    return bool((np.linalg.norm(a + s[:, None] * axis, axis=1) < bodies[:, 6]).any())
