"""A camera that moves: its movement is found by the background and taken out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from seen import film, landmarks
from test_solve import dance

from poseloom import capture
from poseloom.capture import AnimateOptions
from poseloom.motion.layouts import BLAZEPOSE
from poseloom.motion.skeleton import motion_fk
from poseloom.motion.types import Keypoints
from poseloom.pose import background, view

SIZE, FRAMES = (640, 480), 40
FOCAL_PX = view.FOCAL * 640
K = np.array([[FOCAL_PX, 0.0, 320.0], [0.0, FOCAL_PX, 240.0], [0.0, 0.0, 1.0]])


def camera_path(kind: str) -> np.ndarray:
    """(T,3) turns in radians about the camera's right, down and ahead."""
    t, rng = np.arange(FRAMES) / 30.0, np.random.default_rng(3)
    if kind == "pan":
        return np.stack([0.02 * t, 0.25 * t, 0.0 * t], axis=-1)
    return np.stack([0.006 * np.sin(19 * t), 0.01 * np.sin(13 * t), 0.015 * np.sin(7 * t)], -1) + rng.normal(0, 0.002, (FRAMES, 3))


def homographies(path) -> np.ndarray:
    """(T,3,3) from the picture of a camera that stands still to that of one turned by `path`."""
    return np.stack([K @ background._rotation(turn) @ np.linalg.inv(K) for turn in path])


def pictures(path, person: bool):
    """A room of patches, and one who walks over it and waves, seen by a camera turned by `path`; his box (T,2,2)."""
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(1)
    wide = np.kron(rng.uniform(20, 235, (60, 80, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    wide = cv2.GaussianBlur(wide, (0, 0), 2.0)
    inner = np.array([[1.0, 0.0, -320.0], [0.0, 1.0, -240.0], [0.0, 0.0, 1.0]])  # the room is twice the picture
    coat = cv2.GaussianBlur(rng.uniform(0, 255, (220, 90, 3)).astype(np.uint8), (0, 0), 1.0)
    found, boxes = [], []
    for t, H in enumerate(homographies(path)):
        room = wide.copy()
        x, y = 500 + 4 * t, 330 + round(12 * np.sin(t))
        if person:
            room[y : y + 220, x : x + 90] = coat
        corners = np.array([[x, y], [x + 90, y + 220], [x, y + 220], [x + 90, y]], np.float64) - [320, 240]
        found.append(cv2.warpPerspective(room, H @ inner, SIZE))
        boxes.append(view.through(H[None], corners[None])[0][0])
    return found, np.array(boxes)


class Frames:
    def __init__(self, frames):
        self.frames = frames

    def __iter__(self):
        for index, rgb in enumerate(self.frames):
            yield type("Frame", (), {"index": index, "rgb": rgb})


def four_points(corners) -> Keypoints:
    """Keypoints whose points are spread over the corners (T,4,2) of a box."""
    xy = np.repeat(corners, 9, axis=1)[:, : len(BLAZEPOSE)]
    return Keypoints("blazepose", xy, None, np.ones(xy.shape[:2]), SIZE, 30.0)


@pytest.mark.parametrize("kind", ["pan", "shake"])
@pytest.mark.parametrize("person", [False, True])
def test_a_turning_camera_is_found_by_what_stands_still(kind, person):
    """Within 1.5 px at the person, over a path of tens; a person in front of it misleads nobody."""
    path = camera_path(kind)
    frames, corners = pictures(path, person)
    found = background.follow(Frames(frames), four_points(corners))
    # the truth, as seen by the same still camera: what it looked at in the first frame ties the two together
    true = np.linalg.inv(homographies(path))
    same = found[0] @ np.linalg.inv(true[0])
    expected, got = view.through(same @ true, corners)[0], view.through(found, corners)[0]
    moved = np.linalg.norm(view.through(same[None], corners)[0] - expected, axis=-1).max()
    assert moved > 8.0
    assert np.linalg.norm(got - expected, axis=-1).max() < 1.5


def test_a_still_camera_moves_nothing():
    frames, corners = pictures(np.zeros((FRAMES, 3)), True)
    found = view.through(background.follow(Frames(frames), four_points(corners)), corners)[0]
    assert np.linalg.norm(found - corners, axis=-1).max() < 0.5


def test_every_shot_has_its_own_view():
    path = camera_path("shake")
    (one, corners), (other, _) = pictures(path, False), pictures(path[::-1] + 0.2, False)
    keypoints = replace(four_points(np.concatenate([corners, corners])), cuts=(FRAMES,))
    found = background.follow(Frames([*one, *other]), keypoints)
    alone = background.follow(Frames(one), four_points(corners))
    np.testing.assert_allclose(found[:FRAMES], alone, atol=1e-9)


def test_a_panned_walk_is_solved_as_the_still_one():
    """Known turns of the camera, taken out: the path within 5 cm, where the panned pictures alone miss it by far."""
    truth = dance(seconds=3.0)
    root = np.array(truth.root)
    root[:, 0] += np.linspace(-1.5, 1.5, len(root))
    seen = film(landmarks(truth.with_(root=root)), 30.0, np.random.default_rng(1), size=SIZE)
    path = np.zeros((len(seen), 3))
    path[:, 1] = np.linspace(0.3, -0.3, len(seen))  # it follows the walker
    turned = homographies(path)
    xy, _ = view.through(turned, np.array(seen.xy, np.float64))
    panned = replace(seen, xy=xy, view=np.linalg.inv(turned))
    still, steady, blind = (
        motion_fk(capture.keypoints_to_motion(k, AnimateOptions(height_m=1.75, foot_lock=False)))[1][:, 0]
        for k in (seen, panned, replace(panned, view=None))
    )
    assert np.linalg.norm(still[-1] - still[0]) > 2.0
    assert np.linalg.norm(steady - still, axis=-1).max() < 0.05
    assert np.linalg.norm(blind - still, axis=-1).max() > 1.0


def test_frames_that_turn_too_far_away_count_as_unseen():
    seen = film(landmarks(dance(seconds=1.0)), 30.0)
    far = np.tile(np.eye(3), (len(seen), 1, 1))
    far[20:] = K @ background._rotation(np.array([0.0, 1.4, 0.0])) @ np.linalg.inv(K)
    steady, lost = view.steadied(replace(seen, view=far))
    assert lost == pytest.approx(1.0 / 3.0) and np.isnan(steady.xy[20:]).all() and not steady.score[20:].any()
    warnings: list = []
    capture.keypoints_to_motion(replace(seen, view=far), AnimateOptions(), warnings=warnings)
    assert "33%" in warnings[0]


def test_the_view_is_kept_with_the_keypoints():
    from poseloom.motion.files import keypoints_from_bytes, keypoints_to_bytes

    seen = replace(film(landmarks(dance(seconds=0.5)), 30.0), cuts=(4, 9))
    turned = replace(seen, view=np.tile(np.eye(3) * 1.5, (len(seen), 1, 1)))
    again = keypoints_from_bytes(keypoints_to_bytes(turned))
    assert again.cuts == (4, 9)
    np.testing.assert_array_equal(again.view, turned.view)
    plain = keypoints_from_bytes(keypoints_to_bytes(replace(seen, cuts=())))
    assert plain.cuts == () and plain.view is None
