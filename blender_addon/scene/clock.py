"""The rate of a scene: whole in `fps`, the rest in `fps_base`."""

from __future__ import annotations


def rate(scene) -> float:
    return scene.render.fps / scene.render.fps_base


def set_rate(scene, fps: float) -> float:
    """The scene at `fps`: whole in `fps`, the rest in `fps_base` (29.97 is 30 / 1.001); the rate it has now.

    A hair beside a whole rate, from a frame time that was written short, is that rate.
    """
    whole = max(1, round(fps))
    scene.render.fps, scene.render.fps_base = whole, 1.0 if abs(fps / whole - 1.0) < 1e-4 else whole / fps
    return rate(scene)
