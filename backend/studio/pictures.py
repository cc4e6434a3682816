"""Pictures of bodies in a room, with everything about them known: masks of persons and regions, and depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bodies import Body
from outfits import Outfit
from raster import ShadowMap, photograph
from rooms import Plate, Room

_FOOT_M, _FOOT_DARK = 0.11, 0.55  # how far and how much a thing near the floor darkens it
_LIGHT = np.linspace(0.0, 1.0, 8192, dtype=np.float32)
_SRGB = np.where(_LIGHT < 0.0031308, 12.92 * _LIGHT, 1.055 * _LIGHT ** (1 / 2.4) - 0.055)


@dataclass(frozen=True, eq=False)
class Actor:
    """A body as it stands in one frame: points (V,3) of its skin, in metres in the world."""

    body: Body
    points: np.ndarray
    outfit: Outfit


@dataclass(frozen=True, eq=False)
class Picture:
    """rgb (H,W,3) uint8 sRGB; person (H,W) int8, the actor's number or -1; region (H,W) int8, of Body.region_names or
    -1; depth (H,W) float32 m along the camera's axis, the room's too."""

    rgb: np.ndarray
    person: np.ndarray
    region: np.ndarray
    depth: np.ndarray


def shoot(
    actors, room: Room, K, world, size, rng=None, plate: Plate | None = None, fine: int = 2, grain: float = 0.012
) -> Picture:
    """The picture of `actors` in `room` by a pinhole camera K (3,3), world (4,4); `plate` is the empty room if known.

    `fine`² samples a pixel.  `rng` gives the sensor's noise, none without; `grain` is its share of white.
    """
    width, height = size
    plate = room.plate(K, world, size) if plate is None else plate
    start = np.cumsum([0] + [len(actor.points) for actor in actors])
    points = np.concatenate([actor.points for actor in actors])
    triangles = np.concatenate([actor.body.triangles + first for actor, first in zip(actors, start)])
    owner = np.concatenate([np.full(len(actor.body.triangles), i) for i, actor in enumerate(actors)])
    region = np.concatenate([actor.body.region for actor in actors])
    close = np.diag([fine, fine, 1.0]) @ K
    seen = photograph(points, triangles, close, world, (width * fine, height * fine))
    front = seen.depth < plate.depth[seen.row // fine, seen.column // fine]
    seen = type(seen)(*(getattr(seen, name)[front] for name in ("row", "column", "triangle", "share", "depth")))

    shadow = ShadowMap(points, triangles, room.to_light)
    colour = _lit_bodies(actors, seen, points, triangles, owner, region, room, shadow)
    back = plate.ambient + plate.lamp * _lamp_share(plate, points, room, shadow)[..., None]
    back = back * _feet(plate, actors)[..., None]

    light = np.clip(back, 0.0, 1.0)
    if len(seen.row):
        _lay_over(light, seen, colour, fine)
    rgb = _SRGB[(light * (len(_SRGB) - 1) + 0.5).astype(np.int32)]
    if rng is not None:
        rgb = rgb + rng.standard_normal(rgb.shape, np.float32) * np.float32(grain)
    person, part = (np.full((height, width), -1, np.int8) for _ in range(2))
    depth = plate.depth.astype(np.float32)
    here = np.flatnonzero((seen.row % fine == fine // 2) & (seen.column % fine == fine // 2))
    at, triangle = (seen.row[here] // fine, seen.column[here] // fine), seen.triangle[here]
    person[at], part[at], depth[at] = owner[triangle], region[triangle], seen.depth[here]
    return Picture((rgb.clip(0, 1) * 255 + 0.5).astype(np.uint8), person, part, depth)


def _lay_over(light, seen, colour, fine) -> None:
    """Put the covered pixels, fine² to one of light (H,W,3), over it."""
    top, left = seen.row.min() // fine, seen.column.min() // fine
    tall, wide = seen.row.max() // fine + 1 - top, seen.column.max() // fine + 1 - left
    sheet = np.zeros((tall * fine, wide * fine, 4), np.float32)
    place = seen.row - top * fine, seen.column - left * fine
    sheet[(*place, slice(0, 3))], sheet[(*place, 3)] = np.clip(colour, 0.0, 1.0), 1.0
    sheet = sum(sheet[i::fine, j::fine] for i in range(fine) for j in range(fine)) / np.float32(fine**2)
    under = light[top : top + tall, left : left + wide]
    under *= 1.0 - sheet[..., 3:]
    under += sheet[..., :3]


def _lit_bodies(actors, seen, points, triangles, owner, region, room, shadow):
    """(P,3) linear colours of the covered pixels."""
    rest = np.concatenate([actor.body.vertices for actor in actors])
    normal = np.concatenate([actor.body.normals(actor.points) for actor in actors])
    place, at_rest, normal = np.split(seen.blend(np.concatenate([points, rest, normal], 1), triangles), 3, axis=1)
    normal = normal / np.sqrt(np.maximum((normal**2).sum(1, keepdims=True), 1e-18))
    albedo = np.empty_like(place)
    who, what = owner[seen.triangle], region[seen.triangle]
    for i, actor in enumerate(actors):
        for r, name in enumerate(actor.body.region_names):
            on = np.flatnonzero((who == i) & (what == r))
            if len(on):
                albedo[on] = actor.outfit.paint(name, at_rest[on])
    lamp = np.maximum(normal @ room.to_light, 0.0) * shadow.lit(place + 0.01 * normal)
    # little of the ceiling's light reaches what lies low or looks down
    sky = room.sky(normal) * (0.7 + 0.3 * np.clip(place[:, 2], 0.0, 1.0))
    return albedo * (sky + room.lamp * lamp)[:, None]


def _lamp_share(plate, points, room, shadow):
    """(H,W) 0..1 of the lamp's light that reaches the room; worked out only where a shadow may fall."""
    out = np.ones(plate.depth.shape, np.float32)
    flat = plate.place.reshape(-1, 3)
    local, body = flat @ shadow.axes, points @ shadow.axes
    near = ((local[:, :2] > body.min(0)[:2] - 0.05) & (local[:, :2] < body.max(0)[:2] + 0.05)).all(1)
    near = np.flatnonzero(near & (local[:, 2] < body[:, 2].max()))
    out.reshape(-1)[near] = shadow.lit(flat[near], soft=2)
    return out


def _feet(plate, actors):
    """(H,W) 0..1: how much of the room's light is left under and beside feet near the floor."""
    out = np.ones(plate.depth.shape, np.float32)
    flat, left = plate.place.reshape(-1, 3), out.reshape(-1)
    for actor in actors:
        middles = np.stack([actor.points[sole].mean(0) for sole in actor.body.soles.values()])
        low, high = middles.min(0) - 3 * _FOOT_M, middles.max(0) + 3 * _FOOT_M
        near = (flat[:, 2] < 0.01) & (flat[:, 0] > low[0]) & (flat[:, 0] < high[0])
        floor = np.flatnonzero(near & (flat[:, 1] > low[1]) & (flat[:, 1] < high[1]))
        for middle in middles:
            apart = ((flat[floor, :2] - middle[:2]) ** 2).sum(1)
            near = floor[apart < (3 * _FOOT_M) ** 2]
            strength = _FOOT_DARK * np.exp(-max(middle[2], 0.0) / 0.08)
            left[near] *= 1 - strength * np.exp(-((flat[near, :2] - middle[:2]) ** 2).sum(1) / (2 * _FOOT_M**2))
    return out
