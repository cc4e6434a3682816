"""Several people: found all over the picture, and told apart from frame to frame."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseloom.cli import main
from poseloom.errors import BadInput
from poseloom.pose import track

RED, BLUE, GREY = ([[200.0, 30, 30]] * 2, [[30.0, 30, 200]] * 2, [[120.0, 120, 120]] * 2)
BODY = np.array([[0, -80], [-20, -60], [20, -60], [-25, -20], [25, -20], [-12, 0], [12, 0], [-12, 80], [12, 80]], float)


def sight(
    x: float, y: float = 200.0, colour=GREY, size: float = 1.0, sure: float = 0.9, step: float = 0.0
) -> track.Sight:
    body = BODY * size
    body[-2:, 0] += [-step, step]
    return track.Sight(body + [x, y], np.full(len(BODY), sure), np.array(colour))


def walk(frames: list, fps: float = 30.0, cuts=()) -> list[track.Person]:
    tracker = track.Tracker(fps, cuts)
    for now, sights in enumerate(frames):
        tracker.step(sights, now)
    return tracker.people


def places(person: track.Person) -> dict:
    return {frame: float(s.middle[0]) for frame, s in person.sights.items()}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.randoms(use_true_random=False), st.floats(-3.0, 3.0))
def test_people_side_by_side_keep_their_ids_in_whatever_order_they_are_seen(count, random, speed):
    frames = []
    for t in range(40):
        seen = [sight(150.0 * who + speed * t) for who in range(count)]
        random.shuffle(seen)
        frames.append(seen)
    people = walk(frames)
    assert len(people) == count
    for person in people:
        xs = np.array(list(places(person).values()))
        np.testing.assert_allclose(np.diff(xs), speed, atol=1e-6)


@pytest.mark.parametrize("hidden", [0, 6, 14])
def test_two_who_pass_each_other_alike_in_clothes_stay_who_they_are(hidden):
    """One is hidden by the other for `hidden` frames around the middle."""
    frames = []
    for t in range(61):
        seen = [sight(100.0 + 4.0 * t), sight(340.0 - 4.0 * t, y=205.0)]
        frames.append(seen[:1] if abs(t - 30) < 0.5 * hidden else seen)
    people = walk(frames)
    assert len(people) == 2
    assert [np.sign(places(p)[60] - places(p)[0]) for p in people] == [1, -1]
    assert all(abs(x - (100.0 + 4.0 * t)) < 1e-6 for t, x in places(people[0]).items())


def test_two_who_meet_and_turn_back_are_told_by_their_clothes():
    frames = []
    for t in range(61):
        gap = abs(t - 30) * 4.0 + 2.0
        one, other = sight(220.0 - gap, colour=RED), sight(220.0 + gap, colour=BLUE)
        frames.append([one] if abs(t - 30) < 5 else [one, other])
    people = walk(frames)
    assert len(people) == 2
    for person in people:
        assert places(person)[0] == places(person)[60]


def test_who_is_seen_twice_in_a_frame_is_one_person():
    (person,) = walk([[sight(100.0 + t), sight(103.0 + t, sure=0.6)] for t in range(10)])
    assert places(person)[9] == 109.0, "the surer sight counts"


def test_after_a_cut_clothes_tell_who_is_who_and_strangers_are_new():
    frames = [[sight(100.0, colour=RED), sight(300.0, colour=BLUE)] for _ in range(10)]
    frames += [[sight(310.0, colour=RED, size=2.0), sight(60.0, colour=GREY)] for _ in range(10)]
    red, blue, grey = walk(frames, cuts=(10,))
    assert (len(red.sights), len(blue.sights), len(grey.sights)) == (20, 10, 10)
    assert len(walk(frames[:10] + [[sight(900.0, colour=RED)]] * 10)) == 3, "without a cut nobody leaps that far"


def test_who_comes_back_after_long_is_known_by_their_clothes():
    frames = [[sight(600.0, colour=RED)]] * 10 + [[]] * 90 + [[sight(30.0, colour=RED)]] * 10
    assert len(walk(frames)) == 1
    frames[-10:] = [[sight(30.0, colour=BLUE)]] * 10
    assert len(walk(frames)) == 2


def test_a_flicker_is_nobody_and_the_largest_for_longest_comes_first():
    small, large, flicker = sight(100.0, size=0.5), sight(400.0, size=1.5), sight(700.0)
    people = walk([[small, large, flicker] if t == 20 else [small, large] for t in range(60)])
    kept = track.lasting(people, 60, 30.0)
    assert [places(p)[0] for p in kept] == [400.0, 100.0]


def test_sights_beside_a_gap_behind_another_are_forgotten_and_no_others():
    frames = []
    for t in range(61):
        seen = [sight(100.0 + 4.0 * t), sight(340.0 - 4.0 * t, y=205.0)]
        frames.append(seen[:1] if abs(t - 30) < 5 else seen)
    frames[3:5] = [frames[3][:1]] * 2  # unseen, and alone
    people = walk(frames)
    track.unmix(people, 30.0)
    front, behind = (set(p.sights) for p in people)
    assert front == set(range(61))
    assert set(range(61)) - behind == {3, 4, *range(24, 37)}


# --- by MediaPipe --------------------------------------------------------------------------

mediapipe = pytest.importorskip("mediapipe", reason="the default estimator")


def test_tiles_cover_the_picture_and_overlap_by_half():
    from poseloom.pose.graphs import tiles

    for width, height in ((640, 480), (480, 640), (1049, 861), (3000, 400), (64, 64)):
        seen = np.zeros((height, width), int)
        for left, top, across, down in tiles(width, height):
            assert left >= 0 and top >= 0 and left + across <= width and top + down <= height
            seen[top : top + down, left : left + across] += 1
        assert seen.min() >= 3, "by the whole picture and by each size of tile"


def test_our_graph_sees_what_mediapipe_sees_in_the_same_crop(data):
    from poseloom import pose
    from poseloom.media import open_clip

    clip = open_clip(data / "media" / "pose.jpg")
    (whole,), (person,) = pose.load("mediapipe")()(clip), pose.load("mediapipe")().everyone(clip)
    sure = whole.score[0] > 0.5
    assert np.linalg.norm(whole.xy[0] - person.xy[0], axis=-1)[sure].mean() < 0.01 * clip.size[1]
    assert np.linalg.norm(whole.xyz[0] - person.xyz[0], axis=-1)[sure].mean() < 0.04
    assert person.person == 1 and person.layout == "blazepose"


def test_three_people_are_found_and_each_at_their_face(tmp_path, data):
    out = tmp_path / "three.json"
    assert (
        main(
            [
                "pose",
                str(data / "media" / "three_people.jpg"),
                "--person",
                "all",
                "--out",
                str(out),
                "--fresh",
                "--progress",
                "none",
            ]
        )
        == 0
    )
    people = json.loads(out.read_text())["people"]
    assert [p["person"] for p in people] == [1, 2, 3]
    noses = sorted(p["frames"][0]["xy"][0] for p in people)
    np.testing.assert_allclose(noses, [[190, 150], [375, 480], [882, 148]], atol=40)


def test_a_person_can_be_chosen_and_one_too_many_is_refused(tmp_path, data):
    from poseloom.pipelines import AnimateOptions, media_to_keypoints, media_to_people

    media = data / "media" / "three_people.jpg"
    everyone = media_to_people(media, AnimateOptions())
    second = media_to_keypoints(media, AnimateOptions(person=2))
    assert second.person == 2
    np.testing.assert_array_equal(second.xy, everyone[1].xy)
    with pytest.raises(BadInput) as caught:
        media_to_keypoints(media, AnimateOptions(person=4))
    assert caught.value.code == "no_such_person" and "3 people were found" in caught.value.message


def test_nobody_is_nobody(tmp_path):
    from PIL import Image

    path = tmp_path / "empty.png"
    Image.fromarray(np.full((200, 300, 3), 90, np.uint8)).save(path)
    from poseloom.pipelines import AnimateOptions, media_to_people

    with pytest.raises(BadInput) as caught:
        media_to_people(path, AnimateOptions())
    assert caught.value.code == "no_person"


def test_a_picture_pasted_side_by_side_shows_that_many_people_in_every_frame(tmp_path, data):
    """Two of the same woman, squatting: found, told apart, and each as she is alone."""
    from poseloom import pose
    from poseloom.media import open_clip, write_video

    seen = [frame.rgb for frame in open_clip(data / "media" / "pose_squats.mp4", end="8")]
    clip = open_clip(write_video(tmp_path / "two.mp4", [np.hstack([rgb, rgb]) for rgb in seen], 5))
    people = pose.load("mediapipe")().everyone(clip)
    assert len(people) == 2 and all(np.isfinite(p.xy).all() for p in people)
    left, right = sorted(people, key=lambda p: p.xy[0, 0, 0])
    assert np.linalg.norm(right.xy - left.xy - [720, 0], axis=-1).mean() < 0.01 * 1280
