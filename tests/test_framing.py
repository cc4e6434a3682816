"""The square about a person that a model of one person is shown."""

from __future__ import annotations

import numpy as np
import pytest
from test_rendering import bend

from poseloom.motion import openpose
from poseloom.motion.types import Camera
from poseloom.render import cast, framing, guides


def seen(path=lambda t: (0.0, 0.0), size=(640, 360), away_m=8.0, count=24, focal=None) -> tuple:
    """xy, away of somebody 1.75 m tall whom a level camera sees `away_m` metres away, moved by path(t) metres."""
    motion = bend(count)
    points = openpose.of_motion(motion)
    for t in range(count):
        across, nearer = path(t / (count - 1))
        points[t] += (across, -nearer, 0.0)
    world = np.array([[1.0, 0, 0, 0], [0, 0, -1, -away_m], [0, 1, 0, 0.9], [0, 0, 0, 1]])
    focal = focal or 1.1 * size[0]
    camera = Camera(np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]]), world, size)
    shown = [guides.make(t, [1], points[t][None], camera) for t in range(count)]
    return tuple(np.stack([getattr(g, name)[0, :18] for g in shown]) for name in ("xy", "away"))


@pytest.mark.parametrize("away_m", [3.0, 6.0, 12.0])
def test_heights_are_those_of_who_stands_there(away_m):
    xy, away = seen(away_m=away_m)
    assert framing.heights(xy, away) == pytest.approx(1.1 * 640 * 1.75 / away_m, rel=0.12)
    assert framing.heights(xy, np.full_like(away, np.nan)) == pytest.approx(1.1 * 640 * 1.75 / away_m, rel=0.12)


def test_who_crouches_is_no_child():
    """Of one frame alone whose legs are foreshortened, the arms and the trunk tell."""
    xy, away = seen(count=3)
    whole = framing.heights(xy, away)[0]
    names = openpose.BODIES[18]
    for side in "lr":
        knee, hip = names.index(f"knee_{side}"), names.index(f"hip_{side}")
        xy[:, knee] = xy[:, hip] + (2.0, 10.0)
        xy[:, names.index(f"ankle_{side}")] = xy[:, hip] + (0.0, 30.0)
    assert framing.heights(xy, away) == pytest.approx(whole, rel=0.25)


def test_one_square_holds_who_stays():
    xy, away = seen()
    squares = framing.squares(xy, away, (640, 360))
    assert (squares == squares[0]).all()
    left, top, side = squares[0]
    assert 0.58 <= framing.heights(xy, away)[0] / side <= 0.88
    assert (xy > (left, top)).all() and (xy < (left + side, top + side)).all()
    assert left >= 0 and top >= 0 and left + side <= 640


def test_the_whole_of_a_square_picture_is_taken_where_it_fits():
    xy, away = seen(size=(320, 320), away_m=2.5)
    assert framing.squares(xy, away, (320, 320))[0].tolist() == [0, 0, 320]


def test_a_square_follows_who_walks_across_at_one_size_and_height():
    xy, away = seen(lambda t: (6 * t - 3, 0.0))
    squares = framing.squares(xy, away, (640, 360))
    assert np.ptp(squares[:, 2]) == 0 and np.ptp(squares[:, 1]) == 0 and np.ptp(squares[:, 0]) > 300
    middle = squares[:, :1] + 0.5 * squares[:, 2:]
    assert np.abs(middle[4:-4, 0] - xy[4:-4].mean(axis=1)[:, 0]).max() < 0.2 * squares[0, 2]
    free = squares[(squares[:, 0] > 0) & (squares[:, 0] < 640 - squares[:, 2])]  # it stops at the picture's edge
    assert len(free) > 12 and np.abs(np.diff(free[:, 0], 2)).max() < 1.0  # smoothly


def test_a_square_grows_with_who_comes_near():
    xy, away = seen(lambda t: (0.0, 5 * t))
    squares = framing.squares(xy, away, (640, 360))
    assert squares[-1, 2] > 1.8 * squares[0, 2]
    share = framing.heights(xy, away) / squares[:, 2]
    assert (share > 0.5).all() and (share < 0.95).all()


def test_frames_without_anybody_have_no_square():
    xy, away = seen()
    xy[5] = np.nan
    squares = framing.squares(xy, away, (640, 360))
    assert np.isnan(squares[5]).all() and np.isfinite(np.delete(squares, 5, axis=0)).all()
    assert np.isnan(framing.squares(np.full((2, 18, 2), np.nan), np.full((2, 18), np.nan), (64, 64))).all()


def test_a_motion_before_its_own_camera_is_framed():
    people = cast.of_motion(bend(), (256, 256))
    shown = [guides.make(t, [1], people.points[t], people.camera(t)) for t in range(len(people))]
    squares = framing.squares(*(np.stack([getattr(g, n)[0, :18] for g in shown]) for n in ("xy", "away")), (256, 256))
    assert np.isfinite(squares).all() and np.ptp(squares[:, 2]) == 0
