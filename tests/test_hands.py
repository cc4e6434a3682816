"""Hands and face: from points to fingers, wrists, head and curves, and on to a rig."""

from __future__ import annotations

import numpy as np
import pytest
from rig_records import record
from seen import film, landmarks

from poseloom.motion import quat
from poseloom.motion.conversion import converted, lacking
from poseloom.motion.fingers import ahead, bent, relaxed, with_fingers
from poseloom.motion.layouts import layout
from poseloom.motion.points import HANDS, HOLISTIC
from poseloom.motion.skeleton import FINGERS, JOINTS, global_rotations, motion_fk, standard
from poseloom.motion.types import Keypoints, Motion
from poseloom.pose.faces import with_face
from poseloom.pose.hands import with_hands
from poseloom.retarget import to_rig
from poseloom.rigs.recognise import recognise

FRAMES, FPS = 48, 30.0
NAMES = ("thumb", "index", "middle", "ring", "pinky")
EYES = 0.088


def body(turn_head=quat.IDENTITY) -> Motion:
    """Somebody who stands, arms raised in front, wrists turned a little."""
    lrot = np.tile(quat.IDENTITY, (FRAMES, 22, 1)).astype(float)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        lrot[:, JOINTS.index(f"upper_arm_{side}")] = quat.from_axis_angle([0.0, 0.0, 1.0], np.array(-sign * 1.0))
        lrot[:, JOINTS.index(f"forearm_{side}")] = quat.from_axis_angle([0.0, 0.0, 1.0], np.array(-sign * 0.7))
        lrot[:, JOINTS.index(f"hand_{side}")] = quat.from_axis_angle([0.0, 1.0, 0.0], np.array(0.3))
    lrot[:, JOINTS.index("head")] = turn_head
    return Motion(standard(), lrot, np.tile([0.0, 0.0, 0.96], (FRAMES, 1)), FPS)


def gripping(deg: float) -> Motion:
    """`body` whose fingers are bent, each joint by `deg`, thumbs by a third."""
    motion, turns = body(), []
    for joint in FINGERS:
        name, side = joint.split("_")
        turns.append(bent(name[:-1], side, np.radians(deg / 3.0 if name.startswith("thumb") else deg)))
    lrot = np.concatenate([motion.lrot, np.tile(turns, (FRAMES, 1, 1))], axis=1)
    return motion.with_(skeleton=with_fingers(motion.skeleton), lrot=lrot, score=np.ones((FRAMES, 52)))


def hand_points(motion: Motion, side: str) -> np.ndarray:
    grot, gpos = motion_fk(motion)
    points = [gpos[:, motion.skeleton.index(f"hand_{side}")]]
    for finger in NAMES:
        chain = [motion.skeleton.index(f"{finger}{i}_{side}") for i in (1, 2, 3)]
        points += [gpos[:, j] for j in chain] + [
            gpos[:, chain[2]] + quat.rotate(grot[:, chain[2]], motion.skeleton.tips[chain[2]])
        ]
    return np.stack(points, axis=1)


FACE = {  # metres from the head joint, facing -Y: a plain face that looks ahead, eyes open, mouth shut
    "eye_outer_l": (0.044, -0.09, 0.10), "eye_inner_l": (0.016, -0.09, 0.10), "mouth_l": (0.025, -0.09, 0.03),
    "lid_up_outer_l": (0.035, -0.09, 0.104), "lid_up_inner_l": (0.025, -0.09, 0.104),
    "lid_low_outer_l": (0.035, -0.09, 0.0956), "lid_low_inner_l": (0.025, -0.09, 0.0956),
    "pupil_l": (0.03, -0.085, 0.1011),
    "bridge1": (0.0, -0.09, 0.10), "nose_base": (0.0, -0.10, 0.055), "lip_up_in": (0.0, -0.1, 0.03),
    "lip_low_in": (0.0, -0.1, 0.03),
    "chin": (0.0, -0.08, 0.0),
}  # fmt: skip
FACE |= {name[:-1] + "r": (-x, y, z) for name, (x, y, z) in FACE.items() if name.endswith("_l")}


def seen(motion: Motion, face=None, *, hidden=(), sure: float = 0.9) -> Keypoints:
    """What the holistic estimator would give of it: in camera axes, hands unseen in the frames `hidden`."""
    plain = film(landmarks(motion), FPS, noise=0.0, away_m=40.0)
    xyz, score = np.full((FRAMES, len(HOLISTIC), 3), np.nan), np.zeros((FRAMES, len(HOLISTIC)))
    xyz[:, :33], score[:, :33] = plain.xyz, 0.9
    grot, gpos = motion_fk(motion)
    middle = landmarks(motion)[:, 23:25].mean(axis=1, keepdims=True)
    if len(motion.skeleton) > 22:
        for number, side in enumerate("lr"):
            columns = [HOLISTIC.index(name) for name in HANDS[21 * number : 21 * number + 21]]
            xyz[:, columns] = hand_points(motion, side) - middle
            score[:, columns] = sure
        gone = [HOLISTIC.index(name) for name in HANDS]
        for frame in hidden:
            xyz[frame, gone], score[frame, gone] = np.nan, 0.0
    if face is not None:
        head = JOINTS.index("head")
        names = layout("holistic139").parts["face"]
        for name in names:
            offset = np.broadcast_to(np.asarray(face.get(name, (0.0, -0.09, 0.06)), float), (FRAMES, 3))
            xyz[:, HOLISTIC.index(name)] = gpos[:, head] + quat.rotate(grot[:, head], offset) - middle[:, 0]
            score[:, HOLISTIC.index(name)] = 0.9
    xy = np.repeat(np.nan_to_num(xyz[..., [0, 2]] * [300.0, -300.0]) + [640, 360], 1, axis=1)
    xy[:, :33] = plain.xy
    return Keypoints("holistic139", np.where(np.isnan(xyz[..., :2]), np.nan, xy), xyz, score, plain.size, FPS)


def bare(motion: Motion) -> Motion:
    """As the solver gives it: 22 joints, hands in line with the forearms."""
    lrot = np.array(motion.lrot[:, :22])
    for side in "lr":
        lrot[:, JOINTS.index(f"hand_{side}")] = quat.IDENTITY
    return Motion(standard(), lrot, motion.root, motion.fps)


def off_deg(motion: Motion, other: Motion, joints) -> np.ndarray:
    columns = [motion.skeleton.index(joint) for joint in joints]
    return np.degrees(quat.angle(motion.lrot[:, columns], other.lrot[:, columns]))


# --- hands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("deg", [0.0, 30.0, 70.0, 90.0])
def test_fingers_and_wrists_come_back_from_their_points(deg):
    truth = gripping(deg)
    motion = with_hands(bare(truth), seen(truth))
    assert motion.skeleton.names == JOINTS + FINGERS
    assert off_deg(motion, truth, FINGERS).max() < 5.0
    assert off_deg(motion, truth, ("hand_l", "hand_r")).max() < 5.0
    others = [joint for joint in JOINTS if not joint.startswith("hand")]
    assert off_deg(motion, truth, others).max() < 0.1
    assert motion.score[:, 22:].min() > 0.8


def test_fingers_bend_towards_the_palm_and_rest_ahead():
    for side, x in (("l", 1.0), ("r", -1.0)):
        np.testing.assert_allclose(ahead("index", side), [x, 0, 0])
        np.testing.assert_allclose(
            quat.rotate(bent("index", side, np.pi / 2), ahead("index", side)), [0, 0, -1], atol=1e-9
        )
        tip = quat.rotate(bent("thumb", side, np.pi / 2), ahead("thumb", side))
        np.testing.assert_allclose(tip, [0, 0, -1], atol=1e-9)


def test_hands_that_are_not_seen_are_relaxed_and_go_over_softly():
    truth = gripping(80.0)
    motion = with_hands(bare(truth), seen(truth, hidden=range(12, 48)))
    still = with_hands(bare(truth), seen(truth, hidden=range(48)))
    np.testing.assert_allclose(still.lrot[:, 22:], np.broadcast_to(relaxed(), (48, 30, 4)), atol=1e-6)
    assert still.score[:, 22:].max() == 0.0
    assert off_deg(motion, truth, FINGERS)[:12].max() < 5.0
    assert off_deg(motion, still, FINGERS)[30:].max() < 0.1 and off_deg(motion, still, ("hand_l",))[30:].max() < 0.1
    step = np.degrees(quat.angle(motion.lrot[1:, 22:], motion.lrot[:-1, 22:]))
    assert step.max() < 12.0, "no jump from one frame to the next"


def test_a_short_gap_is_bridged_by_what_is_on_both_sides():
    truth = gripping(60.0)
    motion = with_hands(bare(truth), seen(truth, hidden=(20, 21)))
    assert off_deg(motion, truth, FINGERS).max() < 5.0


def test_low_confidence_is_not_believed():
    truth = gripping(80.0)
    motion = with_hands(bare(truth), seen(truth, sure=0.3))
    np.testing.assert_allclose(motion.lrot[:, 22:], np.broadcast_to(relaxed(), (48, 30, 4)), atol=1e-6)


def test_no_finger_goes_where_fingers_cannot_go():
    rng = np.random.default_rng(3)
    truth = gripping(40.0)
    wild = seen(truth)
    xyz = np.array(wild.xyz)
    xyz[:, 95:] += 0.05 * rng.normal(size=xyz[:, 95:].shape)
    motion = with_hands(bare(truth), Keypoints(wild.layout, wild.xy, xyz, wild.score, wild.size, wild.fps))
    for joint in FINGERS:
        name, side = joint.split("_")
        if name.startswith("thumb") or name.endswith("1"):
            continue
        twist = quat.log(motion.lrot[:, motion.skeleton.index(joint)]) * (1.0 if side == "l" else -1.0)
        assert np.abs(twist[:, [0, 2]]).max() < 1e-4, "hinges turn about one axis"
        assert -9.0 < np.degrees(twist[:, 1]).min() and np.degrees(twist[:, 1]).max() < 106.0


def test_a_hand_seen_inside_out_is_turned_the_right_way():
    """A flat picture of a fist is also one of fingers bent over backwards."""
    truth = gripping(60.0)
    points = seen(truth)
    xyz = np.array(points.xyz)
    columns = [HOLISTIC.index(name) for name in HANDS[:21]]
    xyz[:, columns, 1] = 2.0 * xyz[:, columns[:1], 1] - xyz[:, columns, 1]
    motion = with_hands(bare(truth), Keypoints(points.layout, points.xy, xyz, points.score, points.size, points.fps))
    assert off_deg(motion, truth, [joint for joint in FINGERS if joint.endswith("_l")]).max() < 8.0


def test_a_rig_with_fingers_takes_them(data):
    rig = recognise(record("mixamo")).rig
    fist, flat = gripping(80.0), gripping(0.0)
    bones = [rig.index(rig.roles[joint][0]) for joint in FINGERS if joint in rig.roles]
    assert len(bones) == 30
    turned = to_rig(fist, rig)
    bend = np.degrees(quat.angle(turned.basis[0], to_rig(flat, rig).basis[0]))[bones]
    assert turned.keyed[bones].all() and np.median(bend) > 70.0


# --- face ----------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (0.4, 0.0, 0.0), (0.0, 0.0, -0.5), (0.2, 0.2, 0.4)])
def test_the_head_turns_as_the_face_does(turn):
    truth = body(quat.exp(np.array(turn)))
    motion = with_face(bare(truth), seen(truth, FACE))
    assert np.degrees(quat.angle(global_rotations(motion.lrot, motion.skeleton.parents)[:, JOINTS.index("head")],
                                 global_rotations(truth.lrot, truth.skeleton.parents)[:, JOINTS.index("head")])).max() < 3.0  # fmt: skip


def test_a_calm_face_has_calm_curves():
    motion = with_face(bare(body()), seen(body(), FACE))
    assert len(motion.curves) == 11
    assert all(curve.max() < 0.1 for curve in motion.curves.values())


def test_jaw_lids_and_gaze_become_curves():
    t = np.arange(FRAMES)
    blink = np.where((t > 20) & (t < 28), 0.1, 1.0)
    face = dict(FACE)
    for end in ("outer", "inner"):
        x, y, _ = FACE[f"lid_up_{end}_l"]
        face[f"lid_up_{end}_l"] = np.stack([np.full(FRAMES, x), np.full(FRAMES, y), 0.1 + 0.004 * blink], axis=1)
        face[f"lid_low_{end}_l"] = np.stack([np.full(FRAMES, x), np.full(FRAMES, y), 0.1 - 0.0044 * blink], axis=1)
    face["lip_low_in"] = (0.0, -0.1, 0.0)
    for side in "lr":
        x, y, z = FACE[f"pupil_{side}"]
        face[f"pupil_{side}"] = (x + 0.005, y, z)
    motion = with_face(bare(body()), seen(body(), face))
    curves = motion.curves
    assert curves["eyeBlinkLeft"][24] > 0.6 and curves["eyeBlinkLeft"][5] < 0.1 and curves["eyeBlinkRight"].max() < 0.1
    assert curves["jawOpen"].min() > 0.6
    assert curves["eyeLookOutLeft"].min() > 0.5 and curves["eyeLookInRight"].min() > 0.5
    assert curves["eyeLookInLeft"].max() < 0.05 and curves["eyeLookOutRight"].max() < 0.05
    assert all(0.0 <= curve.min() and curve.max() <= 1.0 for curve in curves.values())


# --- the layout and the estimator ----------------------------------------------------------


def test_the_whole_body_comes_as_coco_has_it():
    assert lacking("holistic139", "wholebody133") == ["small_toe_l", "small_toe_r"]
    body_points = converted(seen(gripping(10.0), FACE), "blazepose")
    np.testing.assert_array_equal(body_points.xyz, seen(gripping(10.0), FACE).xyz[:, :33])


def test_hands_and_face_are_seen_where_they_are(data):
    pytest.importorskip("mediapipe", reason="the default estimator")
    from poseloom import pose
    from poseloom.media import open_clip

    clip = open_clip(data / "media" / "three_people.jpg")
    people = pose.load("holistic")().everyone(clip)
    assert len(people) == 3 and {p.layout for p in people} == {"holistic139"}
    waving = min(people, key=lambda p: np.linalg.norm(p.xy[0, 0] - [190, 150]))
    of = layout("holistic139")
    tip, palm = waving.xy[0, of.index("middle_tip_l")], waving.xy[0, of.index("palm_l")]
    assert tip[1] < palm[1] - 60 and np.linalg.norm(tip - [620, 5]) < 60, "the raised hand, fingers up"
    for person in people:
        eyes = person.xyz[0, of.index("eye_outer_l")] - person.xyz[0, of.index("eye_outer_r")]
        assert 0.07 < np.linalg.norm(eyes) < 0.10
        assert person.xy[0, of.index("chin")][1] > person.xy[0, of.index("bridge1")][1] + 40


def test_from_picture_to_fingers(data):
    pytest.importorskip("mediapipe", reason="the default estimator")
    from poseloom.capture import AnimateOptions, media_to_motion

    people, motion = media_to_motion(data / "media" / "three_people.jpg", AnimateOptions(estimator="holistic"))
    assert len(motion.skeleton) == 52 and "jawOpen" in motion.curves


def test_hands_and_face_may_be_left_out_or_asked_for(data):
    pytest.importorskip("mediapipe", reason="the default estimator")
    from poseloom.capture import AnimateOptions, estimator_of, keypoints_to_motion, media_to_keypoints

    assert estimator_of(AnimateOptions(hands=True, face=False), "good", []) == "holistic"
    assert estimator_of(AnimateOptions(hands=True, estimator="mediapipe"), "good", []) == "mediapipe"
    assert estimator_of(AnimateOptions(hands=False), "good", []) == "mediapipe"
    whole = media_to_keypoints(data / "media" / "three_people.jpg", AnimateOptions(estimator="holistic"))
    for hands, face in ((False, True), (True, False)):
        motion = keypoints_to_motion(whole, AnimateOptions(hands=hands, face=face))
        assert (len(motion.skeleton) == 52, "jawOpen" in motion.curves) == (hands, face)
    said: list = []
    keypoints_to_motion(converted(whole, "blazepose"), AnimateOptions(hands=True), warnings=said)
    assert any("asked for" in sentence for sentence in said)
