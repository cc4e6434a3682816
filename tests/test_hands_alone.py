"""Pictures that show hands and no body: `pose` tells of them, nothing is animated of them."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from conftest import ROOT

from poseloom import cli
from poseloom.motion.layouts import layout
from poseloom.motion.points import HANDS, HOLISTIC
from poseloom.pose.export import read_keypoints

pytest.importorskip("mediapipe", reason="seeing needs mediapipe")
Image = pytest.importorskip("PIL.Image", reason="Pillow is missing")

OF_HAND = [[HOLISTIC.index(name) for name in HANDS[21 * side : 21 * side + 21]] for side in (0, 1)]
SIZE = 240


@pytest.fixture
def run(capsys):
    def run(*words):
        code = cli.main([str(word) for word in (*words, "--estimator", "holistic")])
        caught = capsys.readouterr()
        return code, caught.out, caught.err

    return run


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """(a picture of a left and a right hand cut out of a rendered one, (2,21,2) px where their points are)"""
    sys.path.insert(0, str(ROOT / "backend" / "studio"))
    pytest.importorskip("render_clips", reason="PyAV is missing")
    import render_people
    from bodies import Body

    folder, rng = tmp_path_factory.mktemp("rendered"), np.random.default_rng(2)
    body = dict.fromkeys(render_people.SHAPES, Body.named("average"))
    plays, K, world = render_people.show_hands(0, body, rng)
    render_people.still(folder / "person", plays, K, world, rng, seed=2)
    with np.load(folder / "person.npz") as truth:
        places = truth["hands_xy"][0]
    whole, both, points = Image.open(folder / "person.png"), Image.new("RGB", (2 * SIZE, SIZE)), []
    for i, side in enumerate((1, 0)):  # as somebody sees who stands before them: the right one on the left
        low, high = places[side].min(axis=0), places[side].max(axis=0)
        reach = 0.85 * (high - low).max()
        left, top = np.round(0.5 * (low + high) - reach).astype(int).tolist()
        edge = round(2 * reach)
        both.paste(whole.crop((left, top, left + edge, top + edge)).resize((SIZE, SIZE)), (SIZE * i, 0))
        points.append((places[side] - [left, top]) * SIZE / edge + [SIZE * i, 0])
    both.save(folder / "both.png")
    return folder / "both.png", np.array(points[::-1])


def test_a_left_and_a_right_hand_are_one_person_without_a_body(rendered, run, tmp_path):
    picture, truth = rendered
    code, said, wrong = run("pose", picture, "--out", tmp_path / "o.json", "--overlay", tmp_path / "o.mp4")
    assert code == 0 and "1 frame of person 1" in said, said + wrong
    (seen,) = read_keypoints(tmp_path / "o.json")
    for side, rows in enumerate(OF_HAND):
        size = np.ptp(truth[side], axis=0).max()
        assert np.linalg.norm(seen.xy[0, rows] - truth[side], axis=1).mean() < 0.07 * size, "left" if side == 0 else "right"
        metres = seen.xyz[0, rows]
        assert 0.1 < np.linalg.norm(metres[:, None] - metres[None], axis=-1).max() < 0.25, "a hand's size"
        assert metres[12, 2] > metres[0, 2] + 0.05, "the middle finger's tip is above the wrist"
    others = np.setdiff1d(np.arange(len(HOLISTIC)), np.concatenate(OF_HAND))
    assert np.isnan(seen.xy[0, others]).all() and np.isnan(seen.xyz[0, others]).all() and not seen.score[0, others].any()
    from poseloom.media import open_clip

    drawn, plain = (np.array(next(iter(open_clip(path))).rgb, float) for path in (tmp_path / "o.mp4", picture))
    changed = np.abs(drawn - plain).max(axis=-1) > 40.0
    column, row = seen.xy[0, np.concatenate(OF_HAND)].round().astype(int).T
    assert changed[row, column].mean() > 0.9 and changed.mean() < 0.2
    with np.load(_written(run, picture, tmp_path / "o.npz")) as npz:
        np.testing.assert_array_equal(npz["xy"], seen.xy)
    lines = _written(run, picture, tmp_path / "o.csv").read_text().splitlines()
    tip = next(line for line in lines if ",middle_tip_r," in line).split(",")
    np.testing.assert_allclose([float(tip[4]), float(tip[5])], seen.xy[0, HOLISTIC.index("middle_tip_r")], atol=0.01)


def _written(run, picture, out):
    assert run("pose", picture, "--out", out)[0] == 0
    return out


def test_two_left_hands_are_of_two_people(data, run, tmp_path):
    """A photograph: the backs of two left hands, the one on the right with its fingers down."""
    picture = data / "media" / "hands.jpg"
    code, said, wrong = run("pose", picture, "--person", "all", "--out", tmp_path / "o.json")
    assert code == 0 and "2 people" in said, said + wrong
    people = sorted(read_keypoints(tmp_path / "o.json"), key=lambda person: np.nanmean(person.xy[..., 0]))
    names = layout("holistic139").names
    tips = [names.index(f"{finger}_tip_l") for finger in ("thumb", "index", "middle", "ring", "pinky")]
    where = ([(325, 205), (258, 52), (187, 20), (122, 40), (70, 90)], [(397, 176), (463, 328), (534, 362), (597, 342), (650, 293)])
    for person, places in zip(people, where):
        assert np.linalg.norm(person.xy[0, tips] - places, axis=1).max() < 20.0
        assert not person.score[0, OF_HAND[1]].any(), "it is no right hand"
    code, said, _ = run("pose", picture, "--out", tmp_path / "one.json")
    assert code == 0 and len(read_keypoints(tmp_path / "one.json")) == 1 and "one of 2 people: --person all" in said


@pytest.mark.parametrize("words", [("animate", "--to", "rigify", "--out", "o.blend"), ("pose", "--out", "o.bvh")])
def test_nothing_is_animated_of_hands_alone(rendered, run, tmp_path, words):
    verb, *rest, out = words
    code, _, wrong = run(verb, rendered[0], *rest, tmp_path / out)
    assert code == 2 and "both.png shows hands alone, and a pose needs a body." in wrong, wrong
    assert not (tmp_path / out).exists()


def test_a_picture_with_neither_shows_nobody(rendered, run, tmp_path):
    picture = np.array(Image.open(rendered[0]))
    noise = np.random.default_rng(0).integers(0, 255, picture.shape, np.uint8)
    for name, rgb in (("noise", noise), ("mixed", np.random.default_rng(1).permuted(picture, axis=0))):
        Image.fromarray(rgb).save(tmp_path / f"{name}.png")
        code, _, wrong = run("pose", tmp_path / f"{name}.png", "--out", tmp_path / "o.json")
        assert code == 2 and f"No person was found in {name}.png" in wrong, wrong


def test_videos_are_not_searched_for_hands_alone(rendered, run, tmp_path):
    from poseloom.media import write_video

    write_video(tmp_path / "o.mp4", [np.array(Image.open(rendered[0]))] * 3, 30.0)
    code, _, wrong = run("pose", tmp_path / "o.mp4", "--out", tmp_path / "o.json")
    assert code == 2 and "No person was found in any of the 3 frames of o.mp4" in wrong, wrong


def test_hands_alone_are_told_by_an_estimator_that_knows_hands(rendered, capsys, tmp_path):
    assert cli.main(["pose", str(rendered[0]), "--out", str(tmp_path / "o.json")]) == 2
    assert "No person was found in both.png" in capsys.readouterr().err
