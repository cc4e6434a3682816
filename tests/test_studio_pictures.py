"""The studio's rasteriser, its bodies and the truth beside its clips."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "backend" / "studio"))
render_clips = pytest.importorskip("render_clips", reason="PyAV is missing")

from bodies import Body  # noqa: E402
from outfits import Outfit  # noqa: E402
from performances import perform  # noqa: E402
from pictures import Actor, shoot  # noqa: E402
from raster import ShadowMap, photograph, project, rasterise, to_camera  # noqa: E402
from rooms import Room  # noqa: E402

from poseloom import packing  # noqa: E402
from poseloom.motion import quat  # noqa: E402
from poseloom.motion.skeleton import JOINTS, standard  # noqa: E402
from poseloom.motion.types import CONTACTS, Motion  # noqa: E402

K = np.array([[300.0, 0.0, 160.0], [0.0, 300.0, 120.0], [0.0, 0.0, 1.0]])
SIZE = (320, 240)


@pytest.fixture(scope="module")
def body():
    return Body.named("average")


@pytest.fixture(scope="module")
def steps(body):
    """Ten frames: stands, arms let down, then a jump of 30 cm straight up and down again."""
    up = np.array([0.0, 0.0, 0.0, 0.0, 0.15, 0.3, 0.3, 0.15, 0.0, 0.0])
    lrot = np.tile(quat.IDENTITY, (len(up), 22, 1))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        down = quat.from_axis_angle(np.array([0.0, 1.0, 0.0]), np.array(sign * 1.2))
        lrot[:, JOINTS.index(f"upper_arm_{side}")] = down
    return perform(Motion(standard(), lrot, np.array([[0.0, 0.0, 0.96 + z] for z in up]), 10.0), body)


def before(place, target=(0.0, 0.0, 0.9)):
    return render_clips.facing(np.array([place], float), np.array([target], float))[0]


@pytest.fixture(scope="module")
def room():
    return Room.random(np.random.default_rng(7), np.zeros(2), 4.5)


def test_the_nearer_triangle_is_seen_whatever_the_order():
    far, near = np.array([[-1, 3, -1], [1, 3, -1], [0, 3, 2.0]]), np.array([[-1, 2, -1], [1, 2, -1], [0, 2, 2.0]])
    world = before((0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    for points, wanted in ((np.concatenate([far, near]), 1), (np.concatenate([near, far]), 0)):
        seen = photograph(points, np.array([[0, 1, 2], [3, 4, 5]]), K, world, SIZE)
        in_both = np.isclose(seen.depth, 2.0)
        assert in_both.sum() > 5000
        assert (seen.triangle[in_both] == wanted).all()


def test_a_slanted_plane_has_the_depth_that_geometry_says():
    corners = np.array([[-2.0, 2.0, -1.0], [2.0, 3.0, -1.0], [2.0, 6.0, 3.0], [-2.0, 5.0, 3.0]])
    world = before((0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    seen = photograph(corners, faces, K, world, SIZE)
    normal = np.cross(corners[1] - corners[0], corners[3] - corners[0])
    across, up = (seen.column + 0.5 - K[0, 2]) / K[0, 0], (K[1, 2] - seen.row - 0.5) / K[1, 1]
    ray = np.stack([across, np.ones(len(across)), up], 1)
    np.testing.assert_allclose(seen.depth, (corners[0] @ normal) / (ray @ normal), rtol=1e-9)
    place = seen.blend(corners, faces)
    np.testing.assert_allclose(place, ray * seen.depth[:, None], atol=1e-9)


def test_neighbouring_triangles_leave_no_hole_and_areas_are_right():
    xy = np.array([[10.0, 10.0], [110.0, 10.0], [110.0, 60.0], [10.0, 60.0], [60.3, 33.7]])
    fan = np.array([[1, 0, 4], [2, 1, 4], [3, 2, 4], [0, 3, 4]])
    seen = rasterise(xy, np.ones(5), fan, (200, 100))
    assert len(seen.row) == 100 * 50
    assert len(rasterise(xy, np.ones(5), fan[:, ::-1], (200, 100)).row) == 0, "backs are not seen"
    assert len(rasterise(xy, -np.ones(5), fan, (200, 100)).row) == 0, "what lies behind the camera is not seen"


def test_skin_rests_where_it_was_made_and_follows_its_bones(body, steps):
    np.testing.assert_allclose(body.skin(body.rig.rest), body.vertices, atol=1e-9)
    moved = steps.moved(0.5, np.array([1.0, 2.0, 0.0]))
    turn = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(0.5))
    np.testing.assert_allclose(moved.skin(3), quat.rotate(turn, steps.skin(3)) + [1.0, 2.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(moved.gpos, body.joints(moved.bones), atol=1e-9)


def test_joints_of_the_truth_lie_inside_the_picture_of_the_body(body, steps, room):
    world = before((1.2, -3.5, 1.4))
    picture = shoot([Actor(body, steps.skin(0), Outfit.random(np.random.default_rng(1)))], room, K, world, SIZE)
    column, row = project(steps.gpos[0], K, world).astype(int).T
    assert (picture.person[row, column] == 0).sum() >= 20, "a joint is off the body"
    deep = -to_camera(steps.gpos[0], world)[:, 2]
    inside = deep - picture.depth[row, column]
    assert (inside > -0.02).all() and (inside[picture.person[row, column] == 0] < 0.35).all()


def test_a_body_twice_as_far_covers_a_quarter(body, steps):
    points = steps.skin(0) - [0.0, 0.0, 0.9]
    views = [before((0.0, -away, 0.0), (0.0, 0.0, 0.0)) for away in (4.0, 8.0)]
    areas = [len(photograph(points, body.triangles, K, world, SIZE).row) for world in views]
    assert areas[0] / areas[1] == pytest.approx(4.0, rel=0.08)


def test_masks_of_two_people_and_their_regions(body, steps, room):
    rng = np.random.default_rng(2)
    world = before((0.0, -4.0, 1.2))
    plate = room.plate(K, world, SIZE)
    front, back = (Actor(body, steps.skin(0) + shift, Outfit.random(rng)) for shift in (np.zeros(3), [0.15, 1.0, 0.0]))
    alone = [shoot([actor], room, K, world, SIZE, plate=plate) for actor in (front, back)]
    both, turned = (shoot(pair, room, K, world, SIZE, plate=plate) for pair in ([front, back], [back, front]))
    assert ((both.person == 0) == (alone[0].person == 0)).all(), "whoever stands in front is seen whole"
    assert ((both.person == 1) == ((alone[1].person == 0) & (alone[0].person < 0))).all()
    assert (turned.person[both.person >= 0] == 1 - both.person[both.person >= 0]).all()
    np.testing.assert_array_equal(both.rgb, turned.rgb)
    assert ((both.region >= 0) == (both.person >= 0)).all()
    names = body.region_names
    downwards = [names.index(name) for name in ("hair", "shirt", "trousers", "shoes")]
    rows = [np.nonzero(alone[0].region == region)[0].mean() for region in downwards]
    assert rows == sorted(rows)


def test_a_body_throws_its_shadow_where_the_lamp_says(body, steps):
    points, to_light = steps.skin(0), np.array([0.6, 0.0, 0.8])
    shadow = ShadowMap(points, body.triangles, to_light)
    chest = steps.gpos[0, JOINTS.index("spine3")]
    hit = chest - to_light * chest[2] / to_light[2]
    assert shadow.lit(hit[None])[0] < 0.1
    assert shadow.lit(np.array([hit * [-1.0, 1.0, 1.0], [0.0, 3.0, 0.0]])).min() == 1.0


def test_contacts_are_those_of_the_soles(steps):
    assert (steps.contact[:3, :4] == 1.0).all() and (steps.contact[4:8, :4] == 0.0).all()
    assert not steps.contact[:, 4:].any()
    assert steps.contact.shape[1] == len(CONTACTS)
    assert abs(steps.lowest[0]) < 0.005 and steps.lowest[5] > 0.2


def test_hands_close(body, steps):
    still = Motion(standard(), np.tile(quat.IDENTITY, (2, 22, 1)), np.tile([0.0, 0.0, 0.96], (2, 1)), 30.0)

    def reach(closed):
        """From the wrist to the tip of the middle finger."""
        bones = perform(still, body, closed).bones[0]
        tip = bones[body.rig.index("finger3-3.L")] @ [0.0, 0.02, 0.0, 1.0]
        return np.linalg.norm(tip[:3] - bones[body.rig.index("wrist.L"), :3, 3])

    assert reach(0.0) > 0.15 and reach(1.0) < 0.6 * reach(0.0) and reach(0.0) > reach(0.3) > reach(1.0)


@pytest.fixture(scope="module")
def clip(steps, tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip"
    render_clips.render("validation", 3, 1, steps, path, seed=5)
    return path


def test_truth_of_a_clip_agrees_with_itself(clip, steps):
    import av

    with np.load(clip.with_suffix(".npz"), allow_pickle=False) as npz:
        truth = {key: npz[key] for key in npz.files}
    with av.open(str(clip.with_suffix(".mp4"))) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(frames) == len(truth["gpos"]) == len(steps) and frames[0].shape == (480, 640, 3)
    assert tuple(truth["names"]) == JOINTS and int(truth["seed"]) == 5 and bool(truth["moving"])
    assert np.ptp(truth["world"][:, :3, 3], axis=0).max() > 0.1, "the moving camera stands still"
    for t, world in enumerate(truth["world"]):
        np.testing.assert_allclose(project(truth["gpos"][t], truth["K"], world), truth["xy"][t], atol=0.01)
        np.testing.assert_allclose(world[:3, :3] @ world[:3, :3].T, np.eye(3), atol=1e-9)
    assert (truth["xy"] > 0).all() and (truth["xy"] < truth["size"]).all(), "the body leaves the picture"
    assert -1.0 <= truth["pitch_deg"] <= 25.0
    np.testing.assert_array_equal(truth["root"], truth["gpos"][:, 0])


def test_the_same_seed_gives_the_same_clip(steps, tmp_path):
    parts = ("bones", "grot", "gpos", "soles", "contact", "lowest", "hands")
    short = replace(steps, **{name: getattr(steps, name)[:2] for name in parts})
    for name, seed in (("one", 5), ("two", 5), ("other", 6)):
        render_clips.render("validation", 0, 0, short, tmp_path / name, seed=seed)
    one, two, other = ((tmp_path / f"{name}.mp4").read_bytes() for name in ("one", "two", "other"))
    assert one == two != other


def test_nobody_is_trained_or_tuned_on_who_is_tested():
    groups = [set(packing.TRAINING), set(packing.VALIDATION), set(packing.TEST)]
    assert sum(map(len, groups)) == len(set.union(*groups)), "a subject stands in two sets"
    subjects = {kind: {trial.split("_")[0] for trial, _ in clips} for kind, clips in render_clips.CLIPS.items()}
    assert subjects["validation"] <= set(packing.VALIDATION) and subjects["test"] == set(packing.TEST)
    assert not set(render_clips.SHAPES["validation"]) & set(render_clips.SHAPES["test"])
    assert len(set(render_clips.SHAPES["test"])) == 3 and len(render_clips.CLIPS["test"]) >= 12


def test_no_model_card_names_a_subject_of_validation_or_test_as_training():
    """Cards say `Trained on subjects 01 02 ...`."""
    for card in (ROOT / "backend" / "poseloom" / "models").rglob("CARD.md"):
        for line in card.read_text(encoding="utf-8").splitlines():
            words = set(line.replace(",", " ").split())
            if "rained on" in line:
                assert not words & {*packing.VALIDATION, *packing.TEST}, f"{card}: {line}"
