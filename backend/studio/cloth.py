"""Cutting and hanging cloth: polygons whose vertices are blends of a figure's points."""

from __future__ import annotations

import numpy as np


class Cloth:
    """Polygons over new vertices, each a blend of two points of the figure, moved by an offset."""

    def __init__(self, first, second, share, moved, faces):
        self.first, self.second, self.share, self.moved, self.faces = first, second, share, moved, faces

    @classmethod
    def of(cls, faces, count):
        every = np.arange(count)
        return cls(every, every, np.zeros(count), np.zeros((count, 3)), [list(f) for f in faces])

    def places(self, points):
        share = self.share[:, None]
        return points[self.first] * (1 - share) + points[self.second] * share + self.moved

    def blend(self, values):
        """values (N,...) of the figure's points, seen on the cloth's vertices."""
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        return values[self.first] * (1 - share) + values[self.second] * share

    def append(self, first, second, share, moved):
        start = len(self.first)
        self.first = np.concatenate([self.first, first])
        self.second = np.concatenate([self.second, second])
        self.share = np.concatenate([self.share, share])
        self.moved = np.concatenate([self.moved, moved])
        return start + np.arange(len(first))

    def pin(self, points, carriers, places):
        """New vertices at places (M,3), moved by the figure's points `carriers` (M)."""
        return self.append(carriers, carriers, np.zeros(len(places)), places - points[carriers])

    def cut(self, field) -> "Cloth":
        """Keep what lies where `field` (N,) of the figure's points is positive, cut cleanly at zero.

        Only for cloth that has not been moved or cut on the same edges yet.
        """
        value = self.blend(field)
        new, cache = [], {}
        first, second, share = [], [], []
        for face in self.faces:
            signs = [value[v] > 0 for v in face]
            if all(signs):
                new.append(face)
            elif any(signs):
                polygon = []
                for a, b in zip(face, face[1:] + face[:1]):
                    if value[a] > 0:
                        polygon.append(a)
                    if (value[a] > 0) != (value[b] > 0):
                        key = (min(a, b), max(a, b))
                        if key not in cache:
                            low, high = key
                            cache[key] = len(self.first) + len(first)
                            first.append(self.first[low])
                            second.append(self.first[high])
                            share.append(value[low] / (value[low] - value[high]))
                        polygon.append(cache[key])
                new.append(polygon)
        self.append(np.array(first, int), np.array(second, int), np.array(share), np.zeros((len(first), 3)))
        self.faces = new
        return self

    def rim(self, points, depth_m) -> "Cloth":
        """Turn every open border inwards, so that the cloth looks thick and its edge is closed."""
        inward = -depth_m * vertex_normals(self.places(points), self.faces)
        border = self.border()
        corners = sorted({v for edge in border for v in edge})
        blends = self.first[corners], self.second[corners], self.share[corners]
        # the border twice, so that shading breaks there as a fold does
        fold = dict(zip(corners, self.append(*blends, self.moved[corners])))
        inner = dict(zip(corners, self.append(*blends, self.moved[corners] + inward[corners])))
        self.faces += [[fold[b], fold[a], inner[a], inner[b]] for a, b in border]
        return self

    def border(self) -> list:
        """The directed edges that have a face on one side only."""
        edges = {(a, b): None for face in self.faces for a, b in zip(face, face[1:] + face[:1])}
        return [(a, b) for a, b in edges if (b, a) not in edges]


def vertex_normals(points, faces):
    """(N,3) unit normals, weighted by the area of the faces around; zero where there is no face."""
    normals = np.zeros((len(points), 3))
    for face in faces:
        corners = points[face]
        normals[face] += np.cross(corners - corners[0], np.roll(corners, -1, 0) - corners[0]).sum(0)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)


def smoothstep(x, low, high):
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def hang(cloth, points, share, slice_m):
    """(V,3) horizontal moves that round the level slices of a cloth, as if it hung over its hollows.

    share (V,) 0..1: how much of it; the slices are made of the vertices with more than 0.5.  A
    slice is rounded to its convex hull, taken as the meeting of half planes in 72 directions.
    """
    used = np.unique(np.concatenate([np.array(f) for f in cloth.faces]))
    places = cloth.places(points)
    moves = np.zeros_like(places)
    body = places[used[share[used] > 0.5]]
    angles = np.arange(72) * np.pi / 36
    ways = np.stack([np.cos(angles), np.sin(angles)])
    for v in used[share[used] > 0]:
        near = body[np.abs(body[:, 2] - places[v, 2]) < slice_m, :2]
        if len(near) < 8:
            continue
        middle = (near.min(0) + near.max(0)) / 2
        xy = places[v, :2] - middle
        towards = xy @ ways / np.hypot(*xy)
        reach = ((near - middle) @ ways).max(0) / np.where(towards > 0.01, towards, np.nan)
        moves[v, :2] = xy * (max(np.nanmin(reach) / np.hypot(*xy), 1.0) - 1.0) * share[v]
    return moves
