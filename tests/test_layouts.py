"""Layouts of keypoints, and the weights that turn one into another."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseloom import cli, formats
from poseloom.errors import BadInput
from poseloom.motion.conversion import converted, lacking, weights
from poseloom.motion.layouts import LAYOUTS, layout
from poseloom.motion.points import PARTS, part
from poseloom.motion.skeleton import JOINTS, standard
from poseloom.motion.types import Keypoints
from poseloom.pose.export import people_from_json, people_to_json

PAIRS = [(a, b) for a in LAYOUTS for b in LAYOUTS]
SIZES = {
    "blazepose": 33, "coco17": 17, "halpe26": 26, "wholebody133": 133, "openpose25": 25, "h36m17": 17,
    "holistic139": 139, "canonical22": 22,
}  # fmt: skip


def seen(name: str, rng, frames: int = 3) -> Keypoints:
    points = len(layout(name))
    return Keypoints(
        layout=name, xy=rng.uniform(0, 500, (frames, points, 2)), xyz=rng.normal(size=(frames, points, 3)),
        score=rng.uniform(0.2, 1.0, (frames, points)), size=(640, 480), fps=30.0,
    )  # fmt: skip


def test_the_command_line_knows_the_layouts_and_parts():
    assert formats.LAYOUTS == tuple(LAYOUTS) and formats.PARTS == PARTS


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_whole(name):
    of = layout(name)
    assert len(of) == SIZES[name] == len(set(of.names))
    swap = np.array(of.mirror())
    assert (swap[swap] == np.arange(len(of))).all()
    assert {frozenset(pair) for pair in of.pairs()} == {frozenset(swap[list(pair)]) for pair in of.pairs()}
    assert sorted(n for names in of.parts.values() for n in names) == sorted(of.names)
    assert not [n for n in of.names if not n.startswith("pupil") and not any(n in edge for edge in of.edges)]


def test_known_places_in_the_orders_that_others_use():
    """As COCO, COCO-WholeBody, Halpe and OpenPose number them."""
    assert layout("coco17").names[5:7] == ("shoulder_l", "shoulder_r")
    whole = layout("wholebody133")
    assert [whole.index(n) for n in ("toe_l", "heel_r", "jaw8_r", "chin", "nose_base")] == [17, 22, 23, 31, 56]
    assert [whole.index(n) for n in ("palm_l", "thumb_tip_l", "pinky_tip_l", "palm_r", "index_mcp_r")] == [91, 95, 111, 112, 117]
    assert layout("halpe26").names[17:22] == ("head_top", "neck", "pelvis", "toe_l", "toe_r")
    openpose = layout("openpose25")
    assert [openpose.index(n) for n in ("neck", "wrist_r", "pelvis", "ankle_l", "ear_l", "toe_l", "heel_r")] == [1, 4, 8, 14, 18, 19, 24]
    assert layout("canonical22").names == JOINTS


@pytest.mark.parametrize("source, target", PAIRS)
def test_weights_are_means_that_know_left_from_right(source, target):
    rows = weights(source, target)
    total = rows.sum(axis=1)
    assert np.allclose(total[total != 0.0], 1.0)
    ours, theirs = list(layout(target).mirror()), list(layout(source).mirror())
    np.testing.assert_array_equal(rows[ours][:, theirs], rows)
    assert lacking(source, target) == [n for n, t in zip(layout(target).names, total) if t == 0.0]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_itself(name):
    np.testing.assert_array_equal(weights(name, name), np.eye(len(layout(name))))


@pytest.mark.parametrize("small, large", [("coco17", large) for large in ("halpe26", "wholebody133", "openpose25", "blazepose")])
def test_there_and_back_is_bit_for_bit(small, large):
    keypoints = seen(small, np.random.default_rng(1))
    back = converted(converted(keypoints, large), small)
    for name in ("xy", "xyz", "score"):
        np.testing.assert_array_equal(getattr(back, name), getattr(keypoints, name))


@given(st.integers(0, 2**32 - 1), st.sampled_from(PAIRS))
@settings(max_examples=40, deadline=None)
def test_a_conversion_goes_along_with_moves_turns_and_scales(seed, pair):
    rng = np.random.default_rng(seed)
    keypoints = seen(pair[0], rng)
    turn, move = rng.normal(size=(2, 2)), rng.uniform(-50, 50, 2)
    moved = Keypoints(pair[0], keypoints.xy @ turn + move, None, keypoints.score, (640, 480), 30.0)
    np.testing.assert_allclose(converted(moved, pair[1]).xy, converted(keypoints, pair[1]).xy @ turn + move, rtol=1e-3, atol=0.02)


def test_what_is_made_of_unseen_points_is_unseen():
    keypoints = seen("coco17", np.random.default_rng(0))
    xy, score = np.array(keypoints.xy), np.array(keypoints.score)
    xy[1, 5], score[1, 5] = np.nan, 0.0
    out = converted(Keypoints("coco17", xy, None, score, (640, 480), 30.0), "openpose25")
    neck = layout("openpose25").index("neck")
    assert np.isnan(out.xy[1, neck]).all() and out.score[1, neck] == 0.0
    assert np.isfinite(out.xy[[0, 2], neck]).all() and (out.score[[0, 2], neck] > 0.0).all()
    heel = layout("openpose25").index("heel_l")
    assert np.isnan(out.xy[:, heel]).all() and (out.score[:, heel] == 0.0).all()


def test_joints_of_the_body_lie_where_the_standing_body_has_them():
    """Of a T-pose's surface points by the canonical joints themselves, the joints come back within 3 cm."""
    body = standard()
    place = np.zeros((22, 3))
    for j, parent in enumerate(body.parents):
        place[j] = body.offsets[j] + (place[parent] if parent >= 0 else 0.0)
    at = {name: place[j] for j, name in enumerate(JOINTS)}
    points = np.full((33, 3), np.nan)
    of = layout("blazepose")
    for s in "lr":
        for name, joint in (
            ("shoulder", "upper_arm"), ("elbow", "forearm"), ("wrist", "hand"),
            ("hip", "thigh"), ("knee", "shin"), ("ankle", "foot"),
        ):  # fmt: skip
            points[of.index(f"{name}_{s}")] = at[f"{joint}_{s}"]
        across = np.array([1.0 if s == "l" else -1.0, 0.0, 0.0])
        points[of.index(f"ear_{s}")] = at["head"] + 0.075 * across + [0.0, 0.0, 0.06]
        points[of.index(f"toe_{s}")] = at[f"toe_{s}"] + [0.0, -0.07, 0.0]
        points[of.index(f"heel_{s}")] = at[f"foot_{s}"] + [0.0, 0.05, -0.05]
    made = weights("blazepose", "canonical22") @ np.nan_to_num(points)
    assert np.linalg.norm(made - place, axis=1).max() < 0.03


def test_parts_by_name():
    of = layout("wholebody133:feet,hands")
    assert len(of) == 48 and of.names[0] == "toe_l" and of.names[-1] == "pinky_tip_r"
    assert {part(n) for n in of.names} == {"feet", "hands"}
    keypoints = converted(seen("wholebody133", np.random.default_rng(0)), "wholebody133:feet,hands")
    (back,) = people_from_json(people_to_json([keypoints]))
    assert back.layout == "wholebody133:feet,hands"
    np.testing.assert_array_equal(back.xy, keypoints.xy)
    with pytest.raises(BadInput, match="tail"):
        layout("coco17:tail")
    with pytest.raises(BadInput, match="no part"):
        layout("coco17:hands")


def test_poseloom_pose_writes_the_layout_and_parts_asked_for(data, tmp_path, capsys):
    picture = str(data / "media" / "pose.jpg")
    out = tmp_path / "pose.json"
    assert cli.main(["pose", picture, "--layout", "openpose25", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "2 of the 25 points are left empty" in said.out and "small_toe_l" in said.out
    told = json.loads(out.read_text())
    assert told["layout"] == "openpose25" and len(told["names"]) == 25
    assert cli.main(["pose", picture, "--keep", "hands,feet", "--overwrite", "--out", str(out)]) == 0
    told = json.loads(out.read_text())
    assert told["layout"] == "blazepose:hands,feet" and len(told["names"]) == 10
    assert cli.main(["pose", picture, "--keep", "tails", "--overwrite", "--out", str(out)]) == 2
    assert "tails" in capsys.readouterr().err
    assert cli.main(["pose", picture, "--layout", "h36m17", "--keep", "hands", "--overwrite", "--out", str(out)]) == 2
