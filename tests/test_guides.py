"""Guides: what a camera sees of people, as a map and as numbers."""

from __future__ import annotations

import numpy as np
import pytest

from poseloom.errors import BadInput
from poseloom.motion import lens, openpose, png, quat
from poseloom.motion.skeleton import standard
from poseloom.motion.types import Motion
from poseloom.render import drawing, fields, guides, hidden

SIZE = (320, 320)


def figure(turn_z: float = 0.0, at=(0.0, 0.0), body: int = 18) -> np.ndarray:
    """(K,3) points of somebody in T-pose at `at`, turned about the vertical."""
    skeleton = standard()
    lrot = np.tile([1.0, 0.0, 0.0, 0.0], (1, len(skeleton), 1))
    lrot[0, 0] = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(turn_z))
    return openpose.of_motion(Motion(skeleton, lrot, np.array([[*at, 0.96]]), 30.0), body)[0]


def front(points=None, **how):
    """A camera before the figure, looking along +Y."""
    return lens.look_at(figure() if points is None else points, SIZE, pitch_rad=0.0, **how)


def one(points, camera=None, look=guides.Look(), **more):
    return guides.make(1, [1], points[None], camera or front(), look, **more)


def index(name: str, body: int = 18) -> int:
    return openpose.names(body).index(name)


@pytest.mark.parametrize("body", [18, 25])
def test_the_persons_right_is_on_the_pictures_left_from_the_front(body):
    g = one(figure(body=body), look=guides.Look(body=body))
    assert g.xy[0, index("wrist_r", body), 0] < g.xy[0, index("neck", body), 0] < g.xy[0, index("wrist_l", body), 0]
    assert g.xy[0, index("nose", body), 1] < g.xy[0, index("ankle_r", body), 1]


@pytest.mark.parametrize("body", [18, 25])
def test_joints_have_openpose_colours_where_the_numbers_say(body):
    g = one(figure(body=body), look=guides.Look(body=body))
    for i, name in enumerate(openpose.BODIES[body]):
        if name.startswith(("eye", "ear", "nose", "toe", "small_toe", "heel", "pelvis", "neck")):
            continue  # they lie so close together that one covers another
        x, y = np.floor(g.xy[0, i]).astype(int)
        assert np.abs(g.pose[y, x].astype(int) - drawing.POINT_COLOURS[body][i]).max() <= 2, name


def test_the_middle_of_a_joint_is_where_the_numbers_say():
    points = np.full((1, len(openpose.names()), 3), np.nan)
    points[0, index("wrist_l")] = (0.31, 0.0, 1.27)
    camera = front()
    g = one(points[0], camera)
    weight = g.pose.astype(float).sum(axis=2)
    y, x = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    middle = np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()
    assert np.abs(middle - g.xy[0, index("wrist_l")]).max() < 0.05


def test_nobody_is_black():
    g = guides.make(1, [], np.zeros((0, len(openpose.names()), 3)), front())
    assert not g.pose.any() and g.xy.shape == (0, len(openpose.names()), 2)


def test_a_face_turned_away_is_not_drawn_and_one_in_profile_is():
    away = one(figure(np.pi))
    assert not away.seen[0, [index("nose"), index("eye_l"), index("eye_r")]].any()
    assert one(figure()).seen[0, index("nose")]
    assert one(figure(np.pi / 2)).seen[0, index("nose")]


def test_the_far_arm_is_hidden_behind_the_trunk_and_dimmed_or_dropped():
    points = figure(np.pi / 2)  # its left arm points away from the camera, or to it
    from_side = np.sort(points[[index("elbow_l"), index("elbow_r")], 1])
    far = "elbow_l" if points[index("elbow_l"), 1] == from_side[1] else "elbow_r"
    near = "elbow_r" if far == "elbow_l" else "elbow_l"
    g = one(points)
    assert not g.seen[0, index(far)] and g.seen[0, index(near)]
    light = {how: one(points, look=guides.Look(hidden=how)).pose.astype(float).sum() for how in guides.HIDDEN}
    assert light["drop"] < light["draw"] and light["drop"] <= light["dim"] <= light["draw"]


def test_near_people_cover_far_ones():
    """In whichever order they are given, and pixel by pixel where limbs cross."""
    near, far = figure(at=(0.0, -1.0)), figure(at=(0.0, 1.0))
    camera = front(np.concatenate([near, far]))
    both = guides.make(1, [1, 2], np.stack([near, far]), camera, guides.Look(hidden="draw"))
    swapped = guides.make(1, [2, 1], np.stack([far, near]), camera, guides.Look(hidden="draw"))
    assert (both.pose == swapped.pose).all()
    alone = one(near, camera, guides.Look(hidden="draw")).pose
    inside = np.isin(alone.max(axis=2), (153, 255)) & (np.abs(both.pose.astype(int) - alone).max(axis=2) > 2)
    assert not inside.any()
    assert hidden.behind(
        lens.in_camera(camera, far[[index("neck")]]), np.array([0.08]),
        hidden.capsules(lens.in_camera(camera, near), openpose.names(), 1.0), False,
    ).all()  # fmt: skip


def test_limbs_that_cross_are_ordered_where_they_cross():
    """A bar that leans from near to far over one that leans the other way: each is in front on its own side."""
    bar = lambda near, colour: drawing.Stroke(  # noqa: E731
        np.array([10.0, 50.0]), np.array([90.0, 50.0]), (8.0, 8.0), near, np.array(colour, float)
    )
    picture = drawing.paint([bar((1.0, 0.0), (255, 0, 0)), bar((0.0, 1.0), (0, 0, 255))], (100, 100))
    assert (picture[50, 25] == (255, 0, 0)).all() and (picture[50, 75] == (0, 0, 255)).all()


def test_limbs_are_thicker_when_nearer():
    camera = lens.look_at(figure(), (800, 800), pitch_rad=0.0)
    area = {}
    for away in (0.0, 3.0):
        points = figure(at=(0.0, away))
        only = np.full_like(points, np.nan)
        both = [index("elbow_l"), index("wrist_l")]
        only[both] = points[both]
        g = one(only, camera)
        seen = np.abs(g.xy[0, both[0], 0] - g.xy[0, both[1], 0])
        area[away] = (g.pose.max(axis=2) > 60).sum() / seen
    assert area[0.0] > 1.25 * area[3.0]


def test_a_depth_picture_hides_what_is_behind_it_and_not_what_is_inside_its_own_limb():
    points, camera = figure(), front()
    away = lens.in_camera(camera, points)[:, 2]
    wall = np.full(SIZE[::-1], np.inf)
    wall[:, : SIZE[0] // 2] = np.nanmin(away) - 0.5  # before the picture's left half
    g = one(points, camera, depth_m=wall)
    assert not g.seen[0, index("wrist_r")] and g.seen[0, index("wrist_l")]
    skin = np.full(SIZE[::-1], np.nanmedian(away) - 0.04)
    assert one(points, camera, depth_m=skin).seen[0, [index("elbow_l"), index("hip_r"), index("knee_l")]].all()


def test_a_parallel_camera_draws_all_distances_alike():
    K = lens.intrinsics(SIZE, ortho_scale=3.0)
    world = front().world
    camera = lens.Camera(K, world, SIZE, parallel=True)
    near, far = one(figure(), camera), one(figure(at=(0.0, 2.0)), camera)
    assert np.allclose(near.xy[0, :18], far.xy[0, :18], atol=1e-3) and (near.pose == far.pose).all()


def test_what_is_behind_the_camera_is_not_drawn():
    camera = front()
    g = one(figure(at=(0.0, -50.0)), camera)
    assert not g.pose.any() and np.isnan(g.xy).all() and not g.seen.any()


def test_hands_are_drawn_where_there_are_fingers():
    places = {name: np.array([[0.05 * i, 0.0, 1.0]]) for i, name in enumerate(("hand_l", "thumb1_l", "thumb2_l"))}
    places |= {name: np.array([[0.3, 0.0, 1.0 - 0.04 * i]]) for i, name in enumerate(("index1_l", "index2_l", "index3_l"))}
    points = openpose.points(places, {}, 1.75)[0]
    there = {name for name, p in zip(openpose.names(), points) if np.isfinite(p).all()}
    assert there == {"wrist_l", "palm_l", "thumb1_l", "thumb2_l", "index1_l", "index2_l", "index3_l"}
    camera = lens.look_at(points, SIZE)
    assert one(points, camera).pose.sum() > one(points, camera, guides.Look(hands=False)).pose.sum()


def test_heat_maps_peak_at_the_joints_and_fields_point_along_the_limbs():
    people = np.stack([figure(), figure(at=(0.9, 0.5))])
    g = guides.make(1, [1, 2], people, front(people.reshape(-1, 3)))
    heat = fields.heat_maps(g, stride=4, sigma_px=5.0)
    assert heat.shape == (18, 80, 80) and heat.max() <= 1.0
    for person in g.xy:
        for k, (x, y) in enumerate(person[:18]):
            # the middle of its cell is at most half a diagonal away
            assert heat[k, int(y // 4), int(x // 4)] >= np.exp(-8.0 / 50.0) - 1e-5
    field = fields.limb_fields(g, stride=4, half_px=4.0)
    lengths = np.linalg.norm(field, axis=1)
    assert ((lengths < 1e-6) | (lengths < 1.0 + 1e-5)).all()
    limb = openpose.LIMBS[18].index(("shoulder_l", "elbow_l"))
    a, b = g.xy[0, index("shoulder_l")], g.xy[0, index("elbow_l")]
    x, y = (0.5 * (a + b) // 4).astype(int)
    assert np.allclose(field[limb, :, y, x], (b - a) / np.linalg.norm(b - a), atol=1e-5)


def test_look_at_sees_everything():
    rng = np.random.default_rng(3)
    for _ in range(20):
        points = rng.normal(size=(30, 3)) * rng.uniform(0.2, 4.0, 3)
        camera = lens.look_at(points, (640, 360), yaw_rad=rng.uniform(-3, 3), pitch_rad=rng.uniform(-0.4, 0.8))
        xy = lens.to_pixels(camera, lens.in_camera(camera, points))
        assert (xy >= 0).all() and (xy <= (640, 360)).all()


def test_choices_that_are_none_are_refused():
    with pytest.raises(BadInput, match="18 or 25"):
        guides.Look(body=17)
    with pytest.raises(BadInput, match="dim, drop"):
        guides.Look(hidden="gone")
    with pytest.raises(BadInput):
        lens.look_at(np.full((3, 3), np.nan), SIZE)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (1, 1)])
def test_png_comes_back_bit_for_bit_and_other_readers_see_the_same(tmp_path, dtype, shape):
    picture = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype)
    png.write(tmp_path / "a.png", picture, {"prompt": "ein Bär, 熊"})
    assert (png.read(tmp_path / "a.png") == picture).all() and png.read(tmp_path / "a.png").dtype == dtype
    assert png.words(tmp_path / "a.png") == {"prompt": "ein Bär, 熊"}
    assert png.size(tmp_path / "a.png") == (shape[1], shape[0])
    Image = pytest.importorskip("PIL.Image")
    with Image.open(tmp_path / "a.png") as theirs:
        assert theirs.text == {"prompt": "ein Bär, 熊"}
        if not (dtype == np.uint16 and len(shape) == 3):  # Pillow has no such pictures
            assert (np.array(theirs) == picture).all()


def test_a_png_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "a.png"
    png.write(path, np.zeros((50, 50), np.uint8))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(BadInput, match="a.png"):
        png.read(path)
