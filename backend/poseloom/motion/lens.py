"""Cameras as Blender describes them, and where they see a place."""

from __future__ import annotations

import numpy as np

from ..errors import BadInput
from .types import Camera


def intrinsics(
    size, *, lens_mm: float = 50.0, ortho_scale: float | None = None, sensor_mm=(36.0, 24.0), fit: str = "AUTO",
    shift=(0.0, 0.0), aspect=(1.0, 1.0),
) -> np.ndarray:  # fmt: skip
    """K (3,3) of a Blender camera for pictures of `size` (width, height) pixels.

    Perspective with `lens_mm`, or parallel with `ortho_scale` (scene units across the fitted side); `fit` is the
    sensor fit, `shift` in sensor widths, `aspect` the pixels' sides.  As Blender's manual tells of sensor fit and shift.
    """
    wide, high = size
    tall = aspect[1] / aspect[0]
    if fit == "AUTO":
        fit, sensor = ("HORIZONTAL" if wide >= high * tall else "VERTICAL"), sensor_mm[0]
    else:
        sensor = sensor_mm[1] if fit == "VERTICAL" else sensor_mm[0]
    span = wide if fit == "HORIZONTAL" else high * tall
    focal = span * (lens_mm / sensor if ortho_scale is None else 1.0 / ortho_scale)
    return np.array([
        [focal, 0.0, 0.5 * wide - shift[0] * span],
        [0.0, focal / tall, 0.5 * high + shift[1] * span / tall],
        [0.0, 0.0, 1.0],
    ])  # fmt: skip


def in_camera(camera: Camera, places, frame: int = 0) -> np.ndarray:
    """Places (...,3) of the world in the camera's axes: x right, y down, z away."""
    world = camera.world if camera.world.ndim == 2 else camera.world[frame]
    turn = world[:3, :3] / np.linalg.norm(world[:3, :3], axis=0)
    return (np.asarray(places, np.float64) - world[:3, 3]) @ turn * np.array([1.0, -1.0, -1.0])


def to_pixels(camera: Camera, seen) -> np.ndarray:
    """Pixels (...,2) from the top left corner of places (...,3) in the camera's axes; NaN for what is not before it."""
    seen = np.asarray(seen, np.float64)
    if camera.parallel:
        flat = seen[..., :2]
    else:
        away = np.where(seen[..., 2:] > 1e-6, seen[..., 2:], np.nan)
        flat = seen[..., :2] / away
    return flat * np.array([camera.K[0, 0], camera.K[1, 1]]) + camera.K[:2, 2]


def look_at(
    points, size, *, yaw_rad: float = 0.0, pitch_rad: float = 0.1, lens_mm: float = 50.0, room: float = 0.0
) -> Camera:  # fmt: skip
    """A camera that looks along +Y at all `points` (N,3), turned by `yaw_rad` counterclockwise from above.

    room: how much more than the points it sees to all sides.  BadInput where there are no points to look at.
    """
    points = np.asarray(points, np.float64).reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        raise BadInput("nothing_to_see", "There is nobody to point a camera at.", "Choose other frames.")
    level = np.cos(pitch_rad)
    ahead = np.array([-np.sin(yaw_rad) * level, np.cos(yaw_rad) * level, -np.sin(pitch_rad)])
    right = np.array([np.cos(yaw_rad), np.sin(yaw_rad), 0.0])
    up = np.cross(right, ahead)
    K = intrinsics(size, lens_mm=lens_mm)
    turned = np.stack([right, np.cross([0.0, 0.0, 1.0], right), [0.0, 0.0, 1.0]], axis=1)
    beside = points @ turned
    middle = 0.5 * (beside.min(axis=0) + beside.max(axis=0))
    centre = turned @ middle
    at = (np.concatenate([beside - room, beside + room]) - middle) @ turned.T @ np.stack([right, up, ahead], axis=1)
    half = np.array(size) / 2.0 / K[0, 0]
    away = float((np.abs(at[:, :2]) / half - at[:, 2:]).max()) * 1.12
    world = np.eye(4)
    world[:3, :3], world[:3, 3] = np.stack([right, up, -ahead], axis=1), centre - max(away, 0.5) * ahead
    return Camera(K, world, size)


def around(motion_places: np.ndarray, size, **how) -> Camera:
    """`look_at` for the joints (T,J,3) of a motion, with room for the head and the feet beyond the joints."""
    places = np.asarray(motion_places, np.float64)
    return look_at(places[np.isfinite(places).all(axis=-1)], size, room=0.12, **how)


def depth_values(away, near: float, far: float, parallel: bool) -> np.ndarray:
    """Distances along the camera's axis as uint16: 65535 up to `near`, falling with 1/distance, 0 where it is infinite.

    For a parallel camera it falls evenly, to 1 at `far`.
    """
    away = np.maximum(np.asarray(away, np.float64), 1e-9)
    share = 1.0 - (away - near) / (far - near) if parallel else near / away
    return np.where(np.isfinite(away), np.clip(np.round(65535.0 * share), 1, 65535), 0).astype(np.uint16)


def depth_away(values, near: float, far: float, parallel: bool) -> np.ndarray:
    """The distances of `depth_values`: undoes it between `near` and `far`."""
    share = np.asarray(values, np.float64) / 65535.0
    with np.errstate(divide="ignore"):
        away = near + (1.0 - share) * (far - near) if parallel else near / share
    return np.where(np.asarray(values) == 0, np.inf, away)
