"""Guides of real scenes: joints where Blender itself sees them, depth and normals of known shapes."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from conftest import ROOT
from test_headless import VERSIONS, python, script  # noqa: F401  (a fixture)

from poseloom.motion import lens, png
from poseloom.render import cast

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))


def test_joints_are_drawn_where_blender_sees_them(python):  # noqa: F811
    from render import guide_px

    found = guide_px(python)
    assert found["guide_joints"] > 150 and found["guide_px_max"] < 0.5


def test_depth_and_normals_are_those_of_a_known_ball(python, tmp_path):  # noqa: F811
    """A ball of radius 1 at 5 m before a wall at 8 m, through the perspective and the parallel camera."""
    for kind in ("PERSP", "ORTHO"):
        script(python, "scene_depth.py", tmp_path / kind, kind)
        people = cast.load(tmp_path / kind / "figures.npz")
        camera, (wide, high) = people.camera(0), people.size
        values = png.read(tmp_path / kind / "depth" / "0001.png")
        normal = png.read(tmp_path / kind / "normal" / "0001.png").astype(float) / 127.5 - 1.0
        away = lens.depth_away(values, people.near, people.far, camera.parallel)
        assert values.dtype == np.uint16 and values.shape == (high, wide)
        truth, facing = ball(camera, wide, high)
        on_ball = np.isfinite(truth)
        edge = on_ball & ~np.roll(on_ball, 1, 0) | on_ball & ~np.roll(on_ball, 1, 1)
        sure = on_ball & (facing[..., 2] > 0.3) & ~edge
        assert sure.sum() > 500
        # facets of the mesh are flat, and 16 bits are steps
        assert np.abs(away - truth)[sure].max() < 0.01
        assert np.abs(normal - facing)[sure].max() < 0.08
        corner = away[5, 5]  # a parallel camera's range ends before the wall
        assert abs(corner - (people.far if camera.parallel else 8.0)) < 0.01 and np.abs(normal[5, 5] - (0, 0, 1)).max() < 0.02
        assert values[high - 3, wide // 2] == 0  # below the wall there is nothing


def ball(camera, wide, high) -> tuple:
    """(distance along the axis or NaN, normal in the camera's axes) of the unit ball 5 before the camera."""
    x, y = np.meshgrid(np.arange(wide) + 0.5, np.arange(high) + 0.5)
    flat = np.stack([(x - camera.K[0, 2]) / camera.K[0, 0], (y - camera.K[1, 2]) / camera.K[1, 1]], axis=-1)
    middle = np.array([0.0, 0.0, 5.0])
    if camera.parallel:
        squared = 1.0 - (flat**2).sum(axis=-1)
        at = np.concatenate([flat, 5.0 - np.sqrt(np.where(squared > 0, squared, np.nan))[..., None]], axis=-1)
    else:
        ray = np.concatenate([flat, np.ones((high, wide, 1))], axis=-1)
        a, b, c = (ray**2).sum(-1), (ray @ middle), middle @ middle - 1.0
        root = b**2 - a * c
        at = ray * ((b - np.sqrt(np.where(root > 0, root, np.nan))) / a)[..., None]
    return at[..., 2], (at - middle) * np.array([1.0, -1.0, -1.0])


def test_faces_of_rigs_with_a_jaw_go_with_head_jaw_and_lips():
    pytest.importorskip("bpy", reason="this Python has no bpy")
    found = script(sys.executable, "scene_features.py")
    told = found["makehuman"]
    scale = 1.2
    assert all(told["off_m"][name] < 0.012 * scale for name in ("chin", "bridge4", "lip_up", "lip_low", "mouth_l", "brow3_r", "pupil_l"))
    opened = told["open_m"]
    assert opened["chin"] > 0.02 * scale and opened["lip_low"] > 0.02 * scale  # a jaw turned by 17 degrees
    assert 0.3 * opened["lip_low"] < opened["mouth_r"] < 0.7 * opened["lip_low"]
    assert max(opened[name] for name in ("lip_up", "bridge4", "brow3_l", "pupil_r", "jaw8_l")) < 1e-5
    assert told["nod_m"] > 0.005 and told["bent_m"] < 1e-5  # a head that nods takes all along as they are
    assert found["mixamo"] is None and found["mixamo points"] == 0
    assert found["rigify"]["off"] < 1e-5 and found["rigify"]["moved"] > 0.003 and found["rigify"]["own"] == 37
