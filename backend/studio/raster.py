"""A small software rasteriser in numpy: which triangle is seen in each pixel, how far away, and where in it.

Every triangle's bounding box becomes a list of pixels, the barycentric test keeps those inside, and of all that
fall on one pixel the nearest wins (z-buffer).  Pixel (row, column) is sampled at its middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEAR_M = 0.05
_AT_ONCE = 4_000_000  # pixels of bounding boxes tested together


def to_camera(points, world) -> np.ndarray:
    """(...,3) camera axes (looking along -Z, +Y up) of points (...,3) in the world; world (4,4) camera to world."""
    return (np.asarray(points, np.float64) - world[:3, 3]) @ world[:3, :3]


def project(points, K, world) -> np.ndarray:
    """(...,2) pixels from the top left of points (...,3) in the world; K (3,3)."""
    local = to_camera(points, world)
    return local[..., :2] / -local[..., 2:] * [1.0, -1.0] * [K[0, 0], K[1, 1]] + K[:2, 2]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a picture shows: rows and columns (P,) of its covered pixels, in each the triangle (P,), its corners'
    shares (P,3), perspective taken into account, and the depth (P,) along the camera's axis in metres."""

    row: np.ndarray
    column: np.ndarray
    triangle: np.ndarray
    share: np.ndarray
    depth: np.ndarray

    def blend(self, values, triangles) -> np.ndarray:
        """(P,...) of values (V,...) at the triangles' corners (F,3)."""
        corner = triangles[self.triangle]
        return sum(self.share[:, k, None] * values[corner[:, k]] for k in range(3))


def rasterise(xy, inverse_depth, triangles, size) -> Seen:
    """The nearest front of triangles (F,3) over corners xy (V,2) px and inverse_depth (V,) 1/m; size (width, height).

    A front's corners run anticlockwise as seen.  Triangles with a corner behind the camera (inverse depth not above
    0) are left out.  For a parallel projection give the depth a large constant share, or use `shadow_map`.
    """
    width, height = size
    corner, inverse = xy[triangles], inverse_depth[triangles]
    a, b, c = corner[:, 0], corner[:, 1], corner[:, 2]
    # y points down here, so what runs anticlockwise to the eye has a negative area
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    low = np.ceil(np.nan_to_num(corner.min(1), nan=1e9).clip(-1e6, 1e6) - 0.5).astype(np.int64)
    high = np.floor(np.nan_to_num(corner.max(1), nan=-1e9).clip(-1e6, 1e6) - 0.5).astype(np.int64)
    low, high = np.maximum(low, 0), np.minimum(high, [width - 1, height - 1])
    wide, tall = high[:, 0] - low[:, 0] + 1, high[:, 1] - low[:, 1] + 1
    use = np.flatnonzero((area < -1e-12) & (wide > 0) & (tall > 0) & (inverse > 0).all(1))
    # edge functions as x, y and constant factors of the shares of corners b and c
    u = np.stack([c[:, 1] - a[:, 1], a[:, 0] - c[:, 0]], 1)[use] / area[use, None]
    v = np.stack([a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]], 1)[use] / area[use, None]
    u0, v0 = -(u * a[use]).sum(1), -(v * a[use]).sum(1)
    near = inverse[use]
    best = np.full(width * height, -1, np.int64)
    span = wide[use] * tall[use]
    for part in _parts(span):
        owner = np.repeat(np.arange(part.start, part.stop), span[part])
        first = np.cumsum(span[part]) - span[part]
        step = np.arange(len(owner)) - np.repeat(first, span[part])
        across = wide[use][owner]
        y, x = np.divmod(step, across)
        x, y = x + low[use[owner], 0], y + low[use[owner], 1]
        second = u[owner, 0] * (x + 0.5) + u[owner, 1] * (y + 0.5) + u0[owner]
        third = v[owner, 0] * (x + 0.5) + v[owner, 1] * (y + 0.5) + v0[owner]
        inside = (second >= 0) & (third >= 0) & (second + third <= 1)
        owner, second, third = owner[inside], second[inside], third[inside]
        z = near[owner, 0] + second * (near[owner, 1] - near[owner, 0]) + third * (near[owner, 2] - near[owner, 0])
        key = ((z * NEAR_M).clip(0, 1) * (1 << 36)).astype(np.int64) << 26 | owner
        np.maximum.at(best, (y * width + x)[inside], key)
    at = np.flatnonzero(best >= 0)
    owner = best[at] & ((1 << 26) - 1)
    row, column = np.divmod(at, width)
    second = u[owner, 0] * (column + 0.5) + u[owner, 1] * (row + 0.5) + u0[owner]
    third = v[owner, 0] * (column + 0.5) + v[owner, 1] * (row + 0.5) + v0[owner]
    share = np.stack([1 - second - third, second, third], 1) * near[owner]
    total = share.sum(1)
    return Seen(row, column, use[owner], share / total[:, None], 1 / total)


def _parts(span):
    """Slices of the triangles whose bounding boxes together hold no more than _AT_ONCE pixels (or are one)."""
    ends = np.cumsum(span)
    start = 0
    while start < len(span):
        reach = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, reach + _AT_ONCE, side="right")), start + 1)
        yield slice(start, stop)
        start = stop


def photograph(points, triangles, K, world, size) -> Seen:
    """The triangles (F,3) over points (V,3) in the world, as a pinhole camera sees them."""
    local = to_camera(points, world)
    away = -local[:, 2]
    inverse = np.where(away > NEAR_M, 1.0 / np.maximum(away, NEAR_M), 0.0)
    xy = local[:, :2] * [1.0, -1.0] * inverse[:, None] * [K[0, 0], K[1, 1]] + K[:2, 2]
    return rasterise(xy, inverse, triangles, size)


class ShadowMap:
    """How deep light from far away reaches: `lit(points)` tells which of them see it."""

    def __init__(self, points, triangles, to_light, cells: int = 320, margin_m: float = 0.05):
        """points (V,3), triangles (F,3), to_light (3,) unit."""
        side = np.cross(to_light, [0.0, 0.0, 1.0] if abs(to_light[2]) < 0.9 else [0.0, 1.0, 0.0])
        side /= np.linalg.norm(side)
        self.axes = np.stack([side, np.cross(to_light, side), to_light], 1)
        local = points @ self.axes
        self.low = local.min(0) - margin_m
        self.scale = cells / (local.max(0) - self.low + margin_m)[:2].max()
        self.cells = cells
        # a parallel projection is one with 1/depth linear in height over the far side of the light
        xy = (local[:, :2] - self.low[:2]) * self.scale
        xy[:, 1] = cells - xy[:, 1]
        height = local[:, 2] - self.low[2]
        self.reach = 1.0 / (height.max() + margin_m)
        seen = rasterise(xy, 0.5 + 0.5 * height * self.reach, triangles, (cells, cells))
        self.height = np.full((cells, cells), -np.inf, np.float32)
        self.height[seen.row, seen.column] = (1 / seen.depth - 0.5) * 2 / self.reach

    def lit(self, points, bias_m: float = 0.02, soft: int = 1) -> np.ndarray:
        """(P,) 0..1, the share of the (2 soft + 1)² cells around that let light through."""
        local = points @ self.axes
        x = ((local[:, 0] - self.low[0]) * self.scale).astype(np.int64)
        y = (self.cells - (local[:, 1] - self.low[1]) * self.scale).astype(np.int64)
        inside = (x >= soft) & (y >= soft) & (x < self.cells - soft) & (y < self.cells - soft)
        out = np.ones(len(points))
        x, y, height = x[inside], y[inside], (local[:, 2] - self.low[2])[inside] + bias_m
        hits = np.zeros(len(x))
        around = range(-soft, soft + 1)
        for dy in around:
            for dx in around:
                hits += self.height[y + dy, x + dx] > height
        out[inside] = 1 - hits / len(around) ** 2
        return out
