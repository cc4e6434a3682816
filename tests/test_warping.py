"""What of a reference picture is laid onto a pose: parts of the body, their colours, and the background without anybody."""

from __future__ import annotations

import numpy as np
import pytest
from test_embedded import POSED, REFERENCE

from poseloom.motion import openpose
from poseloom.render import framing, limbs, warping

NAMES = openpose.BODIES[18]
SIZE = 128
WALL = 150 / 127.5 - 1


def figure() -> tuple:
    """(1,3,S,S) a painted figure before a plain wall, its points xy (1,18,2), and how far away they are."""
    x = (REFERENCE.shape[1] - SIZE) // 2
    y = int(POSED.xy[0, :18, 1].mean()) - SIZE // 2
    rgb = REFERENCE[y : y + SIZE, x : x + SIZE].transpose(2, 0, 1)[None] / np.float32(127.5) - 1
    return rgb, POSED.xy[:1, :18] - [x, y], POSED.away[:1, :18]


def raised(xy, share=1.0):
    """The points with the left forearm turned up at the elbow."""
    out = xy.copy()
    elbow, wrist = (NAMES.index(f"{n}_l") for n in ("elbow", "wrist"))
    line = xy[:, wrist] - xy[:, elbow]
    out[:, wrist] = xy[:, elbow] + share * np.hypot(*line.T)[:, None] * [0.6, -0.8]
    return out


def at(picture, xy):
    """The colours (3,) of a picture (3,S,S) at a point."""
    x, y = np.floor(xy).astype(int)
    return picture[:, y, x]


def test_in_the_same_pose_the_picture_stays_as_it_is():
    rgb, xy, away = figure()
    out = warping.warp(rgb, (xy, away), (xy, away))[0]
    body = out[9] == 1
    assert body.sum() > 300 and np.abs(out[:3] - rgb[0])[:, body].max() < 1e-3 and out[10][body].mean() > 0.99
    assert out.shape == (warping.CHANNELS, SIZE, SIZE) and out[12:].sum(0) == pytest.approx(out[9], abs=1e-5)


def test_a_body_that_is_moved_takes_its_pixels_along():
    rgb, xy, away = figure()
    there = warping.warp(rgb, (xy, away), (xy + [6, -4], away))[0]
    stay = warping.warp(rgb, (xy, away), (xy, away))[0]
    body = stay[9, 8:-8, 8:-8] == 1
    moved = there[:3, 4:-12, 14:-2]
    assert np.abs(moved - stay[:3, 8:-8, 8:-8])[:, body].max() < 1e-3


def test_a_limb_is_laid_where_it_is_wanted_and_gone_from_where_it_was():
    rgb, xy, away = figure()
    wanted = raised(xy)
    out = warping.warp(rgb, (xy, away), (wanted, away))[0]
    elbow, wrist = (NAMES.index(f"{n}_l") for n in ("elbow", "wrist"))
    before, after = (0.35 * p[0, elbow] + 0.65 * p[0, wrist] for p in (xy, wanted))
    colour = at(rgb[0], before)
    assert np.abs(at(out[:3], after) - colour).max() < 0.1 and np.abs(colour - WALL).max() > 0.5
    other = 0.35 * xy[0, NAMES.index("elbow_r")] + 0.65 * xy[0, NAMES.index("wrist_r")]
    assert np.abs(at(out[3:6], after) - 0.5 * (colour + at(rgb[0], other))).max() < 0.05  # both arms are dressed alike
    assert np.abs(at(out[6:9], before) - WALL).max() < 0.05 and at(out[9:10], before)[0] == 0
    assert at(out[12 + 4 : 12 + 5], after)[0] > 0.9  # the fifth part is the left forearm


def test_the_background_shows_nobody():
    rgb, xy, away = figure()
    out = warping.warp(rgb, (xy, away), (raised(xy), away))[0]
    assert out[6:9] == pytest.approx(WALL, abs=0.02)
    assert np.abs(rgb[0] - WALL).max() > 0.5


def test_what_is_filled_goes_on_as_what_is_about_it():
    y, x = np.mgrid[:96, :96] / 96.0
    slope = np.stack([x, y, 0.5 * x + 0.5 * y])[None].astype(np.float32)
    hidden = np.zeros((1, 96, 96), bool)
    hidden[:, 30:60, 40:70] = True
    found = warping.without(np.where(hidden[:, None], 9.0, slope).astype(np.float32), hidden)
    assert np.abs(found - slope)[0][:, ~hidden[0]].max() < 1e-6 and np.abs(found - slope).max() < 0.12
    assert np.isfinite(warping.without(slope, np.ones_like(hidden))).all()


def test_the_nearer_of_two_limbs_is_in_front():
    rgb, xy, away = figure()
    crossed, wrist = xy.copy(), NAMES.index("wrist_l")
    crossed[:, wrist] = 0.5 * (xy[:, NAMES.index("hip_r")] + xy[:, NAMES.index("neck")])
    for step, part in ((-0.4, 4), (0.4, 1)):  # the forearm before the trunk, and behind it
        deep = away.copy()
        deep[:, [wrist, NAMES.index("elbow_l")]] += step
        here = limbs.limbs(crossed, deep, framing.pair_heights(crossed, crossed, SIZE), SIZE)
        middle = np.floor(0.2 * crossed[0, NAMES.index("elbow_l")] + 0.8 * crossed[0, wrist]).astype(int)
        assert here.front()[0, middle[1], middle[0]] == part


def test_points_that_are_not_known_are_left_out():
    rgb, xy, away = figure()
    less = xy.copy()
    less[:, NAMES.index("wrist_l")] = np.nan
    out = warping.warp(rgb, (xy, away), (less, np.full_like(away, np.nan)))[0]
    assert np.isfinite(out).all() and not out[12 + 4].any() and out[9].max() == 1
    nobody = np.full_like(xy, np.nan)
    for pair in ((xy, nobody), (nobody, xy), (nobody, nobody)):
        out = warping.warp(rgb, *((points, away) for points in pair))[0]
        assert np.isfinite(out).all() and (pair[1] is xy or not out[9].any())
    assert out[6:9] == pytest.approx(rgb[0], abs=1e-5)
