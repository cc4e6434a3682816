"""Hands and heads on the floor: a cartwheel on people and on a toy."""

import cmu_clips
import numpy as np
import pytest
from rig_records import record

from poseloom.chains import clip_to_motion
from poseloom.motion import quat
from poseloom.motion.bvh import read_bvh
from poseloom.motion.contacts import runs
from poseloom.motion.skeleton import motion_fk, standard
from poseloom.retarget import from_rig, to_rig
from poseloom.retarget.floor import HANDS, rests
from poseloom.retarget.hands import fingertips, palms
from poseloom.retarget.stance import Stance
from poseloom.rigs.recognise import recognise


@pytest.fixture(scope="module")
def cartwheel(data, tmp_path_factory):
    folder = cmu_clips.unpack(data, tmp_path_factory.mktemp("cmu"), ["49_06"])
    return clip_to_motion(*read_bvh(folder / "49_06.bvh"))[0]


def on(motion, name):
    rig = recognise(record(name)).rig
    return from_rig(to_rig(motion, rig), rig)


def test_a_touch_is_one_touch(cartwheel):
    """Each hand comes down once; the right one first, as the cartwheel goes that way."""
    touches = [runs(cartwheel.contact[:, 4 + side] > 0.5) for side in (0, 1)]
    assert [len(found) for found in touches] == [1, 1]
    assert touches[1][0][0] < touches[0][0][0]


def test_a_palm_that_slows_high_above_the_floor_does_not_touch_it():
    place = np.zeros((60, 1, 3))
    place[:, 0, 2] = 0.12 + np.linspace(-1.0, 1.0, 60) ** 2
    assert not rests(place, 30.0, bounds=HANDS).any()
    assert rests(place - [0.0, 0.0, 0.1], 30.0, bounds=HANDS).any()


@pytest.mark.parametrize("name", ["mixamo", "unreal", "makehuman", "rigify_metarig"])
def test_hands_that_rest_lie_flat_in_one_place(cartwheel, name):
    """0.15 s after it came down, with a straight arm, the palm stays within 3 mm and the longest finger is within 3 cm
    of the floor; until then it moves by 3 cm at most. It never sinks by more than fingers are bent at rest, 3 cm."""
    body = on(cartwheel, name)
    grot, gpos = motion_fk(body)
    for side, letter in enumerate("lr"):
        hand = body.skeleton.index(f"hand_{letter}")
        rest = cartwheel.contact[:, 4 + side] > 0.5
        palm, tip = (
            gpos[rest, hand] + quat.rotate(grot[rest, hand], points(body.skeleton)[side]) for points in (palms, fingertips)
        )
        assert np.ptp(palm[:, :2], axis=0).max() < 0.03
        assert np.ptp(palm[5:, :2], axis=0).max() < 0.003
        assert 0.0 < palm[:, 2].min() and palm[:, 2].max() < 0.1
        assert tip[:, 2].min() > -0.03 and tip[5:, 2].max() < 0.03


def test_arms_follow_hands_without_a_jerk(cartwheel):
    """The direction of no arm bone changes by 15 degrees a frame more than the source's does."""
    body = on(cartwheel, "mixamo")
    turned = []
    for motion in (cartwheel, body):
        gpos, index = motion_fk(motion)[1], motion.skeleton.index
        way = np.stack([gpos[:, index(f"{b}_{s}")] - gpos[:, index(f"{a}_{s}")] for s in "lr"
                        for a, b in (("upper_arm", "forearm"), ("forearm", "hand"))], axis=1)  # fmt: skip
        way /= np.linalg.norm(way, axis=-1, keepdims=True)
        turned.append(np.degrees(np.arccos(np.clip(np.sum(way[1:] * way[:-1], axis=-1), -1.0, 1.0))))
    assert (turned[1] - turned[0]).max() < 15.0


def test_a_big_head_stays_above_the_floor_while_the_body_is_on_its_hands(cartwheel):
    body = on(cartwheel, "knight")
    stance = Stance(body.skeleton)
    head = stance.head(motion_fk(body)[0], body.root)
    upside_down = (cartwheel.contact[:, 4:] > 0.5).any(axis=-1) & ~(cartwheel.contact[:, :4] > 0.5).any(axis=-1)
    assert upside_down.sum() > 5
    assert head[upside_down].min() > -0.01 * stance.leg


def test_fingertips_are_the_longest_fingers():
    skeleton = standard()
    for side, sign in enumerate((1.0, -1.0)):
        assert sign * fingertips(skeleton)[side][0] > 1.3 * sign * palms(skeleton)[side][0] > 0.0
