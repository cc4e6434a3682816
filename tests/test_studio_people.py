"""Pictures of several people and of hands: their truth agrees with what is drawn."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "backend" / "studio"))
pytest.importorskip("render_clips", reason="PyAV is missing")
Image = pytest.importorskip("PIL.Image", reason="Pillow is missing")

import render_people  # noqa: E402
from bodies import Body  # noqa: E402
from raster import project  # noqa: E402

from poseloom.motion import quat  # noqa: E402
from poseloom.motion.skeleton import standard  # noqa: E402
from poseloom.motion.types import Motion  # noqa: E402


@pytest.fixture(scope="module")
def bodies():
    return dict.fromkeys(render_people.SHAPES, Body.named("average"))


@pytest.fixture(scope="module")
def walk():
    """Seven frames that go 2 m along -Y."""
    root = np.stack([np.zeros(7), np.linspace(0.0, -2.0, 7), np.full(7, 0.96)], 1)
    return Motion(standard(), np.tile(quat.IDENTITY, (7, 22, 1)), root, 30.0)


def load(path):
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as npz:
        return {key: npz[key] for key in npz.files}


def test_hands_are_where_the_truth_says(bodies, tmp_path):
    rng = np.random.default_rng(0)
    plays, K, world = render_people.show_hands(0, bodies, rng)
    render_people.still(tmp_path / "hands", plays, K, world, rng, seed=0)
    truth = load(tmp_path / "hands")
    assert truth["hands"].shape == (1, 2, 21, 3) and not truth["closed"].any()
    np.testing.assert_allclose(project(truth["hands"], K, world), truth["hands_xy"], atol=0.05)
    column, row = truth["hands_xy"][0, :, :-1].reshape(-1, 2).astype(int).T  # but the very tips
    assert (truth["person"][row, column] == 0).mean() > 0.9, "hands are off the picture's hands"
    skin = plays[0].body.region_names.index("skin")
    assert (truth["region"][row, column] == skin).mean() > 0.85
    left, right = truth["hands"][0, :, 0]
    assert np.linalg.norm(left - right) > 0.3
    assert np.asarray(Image.open(tmp_path / "hands.png")).shape == (*truth["person"].shape, 3)


def test_a_crowd_is_large_enough_and_its_boxes_hold_it(bodies, walk, tmp_path):
    rng = np.random.default_rng(1)
    plays, K, world = render_people.crowd(0, bodies, [walk], rng)
    render_people.still(tmp_path / "crowd", plays, K, world, rng, seed=0)
    truth = load(tmp_path / "crowd")
    assert len(truth["gpos"]) == 4
    assert (truth["box"][:, 3] - truth["box"][:, 1] >= 150).all()
    for i, (left, top, right, bottom) in enumerate(truth["box"]):
        row, column = np.nonzero(truth["person"] == i)
        assert len(row) > 1000 and left - 1 <= column.min() and column.max() <= right, "to a pixel"
        assert top - 1 <= row.min() and row.max() <= bottom
        assert 0.4 < truth["visible"][i] <= 1.0


def test_two_people_pass_each_other(bodies, walk, tmp_path):
    rng = np.random.default_rng(2)
    render_people.crossing(tmp_path / "crossing", bodies, walk, rng, seed=0)
    truth = load(tmp_path / "crossing")
    first, second = truth["xy"][:, 0, 0, 0], truth["xy"][:, 1, 0, 0]
    assert first[0] < second[0] and first[-1] > second[-1]
    front, behind = truth["visible"].T
    assert front.min() > 0.97 and behind.min() < 0.7, "the one behind is hidden a while"
