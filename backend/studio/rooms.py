"""Rooms with textured floor, walls and furniture, ray-cast analytically, and the light in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from raster import project, to_camera

_GRAIN_M = 0.008  # of the textures
FLOORS = ("boards", "tiles", "carpet", "concrete")
_TILE = np.random.default_rng(7).random(256 * 256).astype(np.float32)


def noise(x, y) -> np.ndarray:
    """0..1, smooth between whole numbers (value noise); x, y of any shape."""
    i, j = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    u, v = (x - i).astype(np.float32), (y - j).astype(np.float32)
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    i0, i1, j0, j1 = (i & 255) << 8, ((i + 1) & 255) << 8, j & 255, (j + 1) & 255
    near, far = (_TILE.take(i0 | k) + u * (_TILE.take(i1 | k) - _TILE.take(i0 | k)) for k in (j0, j1))
    return near + v * (far - near)


@dataclass(frozen=True, eq=False)
class Plate:
    """An empty room as a camera sees it: colour (H,W,3), linear, without the lamp's share; what the lamp adds where
    nothing stands in its way (H,W,3); where it is (H,W,3) m; depth (H,W) m along the camera's axis."""

    ambient: np.ndarray
    lamp: np.ndarray
    place: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True, eq=False)
class Room:
    """A box with its floor at z = 0: middle (2,), half (2,) m, height, yaw; boxes (N,) of (low (3,), high (3,),
    colour (3,)) in the room's axes; to_light (3,) unit in the world."""

    middle: np.ndarray
    half: np.ndarray
    height: float
    yaw_rad: float
    floor: str
    floor_colour: np.ndarray
    wall_colours: np.ndarray
    boxes: tuple
    to_light: np.ndarray
    lamp: float = 0.75
    ambient: float = 0.5

    @classmethod
    def random(cls, rng, middle, clear_m: float) -> "Room":
        """A room about `middle` (2,) whose walls are `clear_m` or more away, with furniture along them."""
        half = clear_m + rng.uniform(0.3, 2.0, 2)
        boxes = []
        for wall in range(4):
            for _ in range(rng.integers(2, 5)):
                wide, deep, tall = rng.uniform([0.3, 0.2, 0.3], [1.2, 0.5, 1.8])
                axis = wall // 2
                end = 1.0 if wall % 2 else -1.0
                along = rng.uniform(-0.8, 0.8) * half[1 - axis]
                low, high = np.zeros(3), np.zeros(3)
                low[1 - axis], high[1 - axis] = along - wide / 2, along + wide / 2
                out = sorted((end * half[axis], end * (half[axis] - deep)))
                low[axis], high[axis], high[2] = *out, tall
                if rng.random() < 0.4:  # a picture on the wall
                    out = sorted((end * half[axis], end * (half[axis] - 0.03)))
                    low[axis], high[axis] = out
                    low[2], high[2] = 1.2, 1.2 + 0.5 * wide
                boxes.append((low, high, rng.uniform(0.04, 0.6) * rng.uniform(0.5, 1.0, 3)))
        azimuth, rise = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(40, 70))
        return cls(
            np.asarray(middle, np.float64), half, rng.uniform(2.6, 3.6), rng.uniform(0, np.pi), str(rng.choice(FLOORS)),
            rng.uniform(0.12, 0.5) * rng.uniform(0.7, 1.0, 3),
            rng.uniform(0.25, 0.75, (4, 1)) * rng.uniform(0.75, 1.0, (4, 3)), tuple(boxes),
            np.array([np.cos(rise) * np.cos(azimuth), np.cos(rise) * np.sin(azimuth), np.sin(rise)]),
            rng.uniform(0.6, 1.0), rng.uniform(0.5, 0.8),
        )  # fmt: skip

    def sky(self, normal) -> np.ndarray:
        """(...,) ambient light on surfaces of normal (...,3): more from the bright ceiling."""
        return self.ambient * (0.72 + 0.28 * normal[..., 2])

    def plate(self, K, world, size, fine: int = 2) -> Plate:
        """What a camera K, world sees of it; colours are means of fine² rays a pixel."""
        width, height = size
        y, x = (np.mgrid[: height * fine, : width * fine].astype(np.float32) + 0.5) / fine
        ray = np.stack([(x - K[0, 2]) / K[0, 0], (K[1, 2] - y) / K[1, 1], -np.ones_like(x)], -1).reshape(-1, 3)
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        eye = (turn @ (world[:3, 3] - [*self.middle, 0.0])).astype(np.float32)
        ray = (ray @ (turn @ world[:3, :3]).T.astype(np.float32)).astype(np.float32)
        away, normal, colour = self._shell(eye, ray)
        pixels = np.arange(len(ray)).reshape(x.shape)
        for low, high, paint in self.boxes:
            corners = np.stack(np.meshgrid(*np.stack([low, high], 1)), -1).reshape(-1, 3) @ turn + [*self.middle, 0.0]
            part, depth = pixels, -to_camera(corners, world)[:, 2]
            if (depth < 0.1).all():
                continue
            if (depth > 0.1).all():
                xy = project(corners, K, world) * fine
                (left, top), (right, low_end) = np.floor(xy.min(0)).clip(0), np.ceil(xy.max(0)).clip(0)
                part = pixels[int(top) : int(low_end) + 1, int(left) : int(right) + 1]
            self._box(eye, ray, part.ravel(), low, high, paint, away, normal, colour)
        place = (eye + ray * away[:, None]) @ turn + [*self.middle, 0.0]
        normal = normal @ turn
        grid = (height, fine, width, fine)

        def mean(values):
            values = values.reshape(height * fine, width * fine, -1).astype(np.float32)
            return sum(values[i::fine, j::fine] for i in range(fine) for j in range(fine)) / np.float32(fine**2)

        def one(values):
            return values.reshape(*grid, -1)[:, fine // 2, :, fine // 2]

        lamp = self.lamp * np.maximum(normal @ self.to_light, 0.0)[:, None] * colour
        place, depth = one(place).astype(np.float32), one(away)[..., 0].astype(np.float32)
        return Plate(mean(self.sky(normal)[:, None] * colour), mean(lamp), place, depth)

    def _shell(self, eye, ray):
        """Depth (N,), normal (N,3) and colour (N,3) of floor, ceiling and walls, from inside."""
        limit = np.array([[-self.half[0], -self.half[1], 0.0], [self.half[0], self.half[1], self.height]], np.float32)
        reach = []
        for k in range(3):
            way = ray[:, k]
            ahead = np.where(way > 0, limit[1, k], limit[0, k]) - eye[k]
            with np.errstate(divide="ignore", invalid="ignore"):
                reach.append(np.where(np.abs(way) < 1e-9, np.inf, ahead / way))
        away = np.minimum(np.minimum(reach[0], reach[1]), reach[2])
        axis = np.where(away == reach[2], 2, away == reach[1])
        rows = np.arange(len(ray))
        positive = ray[rows, axis] > 0
        normal, colour = np.zeros_like(ray), np.empty_like(ray)
        normal[rows, axis] = np.where(positive, -1.0, 1.0)
        at = ((eye + ray * away[:, None] - limit[0]) / _GRAIN_M).astype(np.int32)
        side = axis * 2 + positive
        for k in range(6):
            on = np.flatnonzero(side == k)
            if k == 5:
                colour[on] = 0.8
            elif len(on):
                along, up = (0, 1) if k == 4 else (1 - k // 2, 2)
                paper = self._papers[k]
                i, j = at[on, along], at[on, up]
                colour[on] = paper[np.clip(i, 0, paper.shape[0] - 1), np.clip(j, 0, paper.shape[1] - 1)]
        return away, normal, colour

    @cached_property
    def _papers(self) -> list:
        """Textures (I,J,3) of the four walls, along and up, and of the floor, x and y."""
        out = []
        for wall in range(4):
            along, up = self._grid(2 * self.half[1 - wall // 2], self.height)
            blotch = 0.85 + 0.2 * noise(along * 2.3 + 40 * wall, up * 2.3) + 0.1 * noise(along * 31, up * 31)
            paint = self.wall_colours[wall] * blotch[..., None]
            out.append(np.where((up < 0.1)[..., None], 0.55, paint).astype(np.float32))
        return [*out, self._floor_paint(*self._grid(*(2 * self.half))).astype(np.float32)]

    @staticmethod
    def _grid(long, tall):
        sides = (np.arange(0, side, _GRAIN_M, dtype=np.float32) for side in (long, tall))
        return np.meshgrid(*sides, indexing="ij")

    def _floor_paint(self, x, y):
        fine = noise(x * 60, y * 60)
        if self.floor == "boards":
            board = np.floor(y / 0.14)
            shift = noise(board * 7.3, board * 0) * 3
            plank = np.floor((x + shift) / 1.2)
            grain = noise(x * 4 + 17 * board, y * 90) * 0.35 + 0.5 * noise(board * 3.1 + 0.5, plank * 5.7 + 0.5)
            joint = (np.abs(y / 0.14 - board - 0.5) > 0.47) | (np.abs((x + shift) / 1.2 - plank - 0.5) > 0.495)
            value = np.where(joint, 0.35, 0.6 + grain)
        elif self.floor == "tiles":
            i, j = np.floor(x / 0.4), np.floor(y / 0.4)
            joint = (np.abs(x / 0.4 - i - 0.5) > 0.485) | (np.abs(y / 0.4 - j - 0.5) > 0.485)
            value = np.where(joint, 0.6, 0.85 + 0.3 * ((i + j) % 2) + 0.15 * fine)
        elif self.floor == "carpet":
            value = 0.6 + 0.5 * fine + 0.25 * noise(x * 3, y * 3)
        else:
            value = 0.7 + 0.3 * noise(x * 1.7, y * 1.7) + 0.2 * noise(x * 9, y * 9) + 0.1 * fine
        return self.floor_colour * value[..., None]

    @staticmethod
    def _box(eye, ray, part, low, high, paint, away, normal, colour):
        """Draws a box into the rays numbered `part`."""
        enter, leave = [], []
        for k in range(3):
            with np.errstate(divide="ignore", invalid="ignore"):
                one, two = (low[k] - eye[k]) / ray[part, k], (high[k] - eye[k]) / ray[part, k]
            enter.append(np.minimum(one, two))
            leave.append(np.maximum(one, two))
        near = np.maximum(np.maximum(enter[0], enter[1]), enter[2])
        beyond = np.minimum(np.minimum(leave[0], leave[1]), leave[2])
        axis = np.where(near == enter[2], 2, near == enter[1])
        on = np.flatnonzero((near < beyond) & (near > 0.05) & (near < away[part]))
        hit, near, axis = part[on], near[on], axis[on]
        away[hit] = near
        normal[hit] = 0.0
        normal[hit, axis] = -np.sign(ray[hit, axis])
        at = eye + ray[hit] * near[:, None]
        grain = 0.8 + 0.3 * noise(at[:, 0] * 11 + at[:, 1] * 5, at[:, 2] * 3 + at[:, 1] * 9)
        colour[hit] = paint * grain[:, None]
