"""Holes of a rig's own motion: through the canonical skeleton and back, keys and all else as they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rig_records import record
from test_inbetween_fill import Short, shelf, sway

from poseloom.chains import by_controls
from poseloom.errors import BadInput
from poseloom.inbetween import easing
from poseloom.inbetween.fill import FillOptions
from poseloom.inbetween.follow import Dtw
from poseloom.inbetween.spline import Spline, SplineOptions
from poseloom.motion import quat
from poseloom.motion.contacts import foot_points
from poseloom.motion.types import Rig, RigMotion
from poseloom.retarget import from_rig, to_rig
from poseloom.rigfill import RigHoles, fill_rig
from poseloom.rigs.recognise import recognise

RIGS = ("mixamo", "unreal", "second/rigify_human", "knight")
PLAIN = FillOptions(feet=False)


def on(name: str, motion, scale: float = 1.0) -> tuple:
    """(rig with roles, its RigMotion)."""
    rig = record(name)
    world = np.array(rig.world)
    world[:3] *= scale
    rig = recognise(rig.with_(world=world)).rig
    return rig, to_rig(motion, rig)


@pytest.mark.parametrize("scale", (1.0, 0.01))
@pytest.mark.parametrize("name", RIGS)
def test_keys_on_a_rig_come_back_bit_for_bit_and_the_rest_stays(name, scale):
    rng = np.random.default_rng(1)
    rig, motion = on(name, sway(rng, 50), scale)
    rows = np.isin(np.arange(50), (5, 18, 40))
    for method in (None, Dtw(shelf(sway(rng)))):
        filled = fill_rig(RigHoles.at(motion, rows), rig, method, FillOptions((easing.curve("ease_in"),), 0.8))
        for part in (rows, np.arange(50) < 5, np.arange(50) > 40):
            assert np.array_equal(filled.basis[part], motion.basis[part])
            assert np.array_equal(filled.location[part], motion.location[part], equal_nan=True)
        assert np.array_equal(filled.basis[:, ~motion.keyed], motion.basis[:, ~motion.keyed])
        assert not np.array_equal(filled.basis, motion.basis)


@pytest.mark.parametrize("name", RIGS[:3])
def test_a_method_on_a_rig_is_the_method_on_the_canonical_skeleton(name):
    """The interpolation by way of the rig: every joint within 2 degrees and 1 cm of it on the skeleton alone."""
    rig, motion = on(name, sway(np.random.default_rng(2), 50))
    rows = np.isin(np.arange(50), (0, 20, 49))
    linear = Spline(SplineOptions(linear=True))
    filled = from_rig(fill_rig(RigHoles.at(motion, rows), rig, linear, PLAIN), rig)
    before = from_rig(motion, rig)
    straight = linear(before, np.repeat(rows[:, None], len(before.skeleton), axis=1))
    assert np.degrees(quat.angle(filled.lrot, straight.lrot)).max() < 2.0
    assert np.abs(filled.root - straight.root).max() < 0.01


def test_only_the_bones_asked_for_are_filled():
    rig, motion = on("mixamo", sway(np.random.default_rng(3), 40))
    chosen = np.array(["Arm" in bone for bone in motion.bones])
    filled = fill_rig(RigHoles.at(motion, np.arange(40) % 39 == 0), rig, None, FillOptions(), bones=chosen)
    assert np.array_equal(filled.basis[:, ~chosen], motion.basis[:, ~chosen])
    assert not np.array_equal(filled.basis[:, chosen], motion.basis[:, chosen])


def test_bones_have_keys_of_their_own():
    rig, motion = on("mixamo", sway(np.random.default_rng(4), 40))
    holes, head = RigHoles.at(motion, np.arange(40) % 39 == 0), motion.bones.index("mixamorig:Head")
    turned = np.array(holes.turned)
    turned[:, head] = np.arange(40) % 10 == 5
    filled = fill_rig(replace(holes, turned=turned), rig, Short(), FillOptions())
    assert np.array_equal(filled.basis[turned], motion.basis[turned])
    assert np.array_equal(filled.basis[:5, head], motion.basis[:5, head])  # before its first key


def test_feet_stand_on_a_rig():
    from test_inbetween_fill import standing

    rig, motion = on("mixamo", standing(30))
    rows = np.arange(30) % 29 == 0
    far = []
    for feet in (False, True):
        points = foot_points(from_rig(fill_rig(RigHoles.at(motion, rows), rig, None, FillOptions(feet=feet)), rig))
        far.append(np.linalg.norm(points - points[0], axis=-1).max())
    assert far[1] < 0.005 < far[0]  # metres


def test_what_is_no_body_is_filled_by_splines_alone():
    rest = np.tile(np.eye(4), (3, 1, 1))
    rig = Rig(("a", "b", "c"), [-1, 0, 1], rest, rest[:, :3, 3] + [0.0, 1.0, 0.0])
    rng = np.random.default_rng(5)
    basis, location = quat.exp(rng.normal(size=(20, 3, 3))), np.full((20, 3, 3), np.nan)
    location[:, 0] = rng.normal(size=(20, 3))
    motion = RigMotion(rig.bones, basis, location, [True, True, False], 24.0)
    holes = RigHoles.at(motion, np.arange(20) % 19 == 0)
    filled = fill_rig(holes, None, None, FillOptions((easing.curve("ease_out"),)))
    assert np.isfinite(filled.basis).all() and not np.array_equal(filled.location[5, 0], motion.location[5, 0])
    assert np.array_equal(filled.basis[:, 2], motion.basis[:, 2])
    with pytest.raises(BadInput, match="Use spline"):
        fill_rig(holes, None, Short())


def test_bad_input_on_a_rig_is_told():
    rig, motion = on("mixamo", sway(np.random.default_rng(6), 20))
    for words, rows in {"is one key": [4], "are no keys": [], "neighbouring": [4, 5, 6]}.items():
        with pytest.raises(BadInput, match=words):
            fill_rig(RigHoles.at(motion, np.isin(np.arange(20), rows)), rig)
    holes = RigHoles.at(motion, np.arange(20) % 19 == 0)
    turned, moved = np.array(holes.turned), np.array(holes.moved)
    hips = motion.bones.index("mixamorig:Hips")
    turned[:, hips] = moved[:, hips] = False
    with pytest.raises(BadInput, match="hips have no keys"):
        fill_rig(RigHoles(motion, turned, moved), rig, Short())


def test_limbs_keyed_by_ik_alone_are_left_to_the_spline():
    """Keyed both ways, as retargeting does it, any method fills; without FK keys the canonical pose is not known."""
    rig = by_controls(recognise(record("second/rigify_human")), "ik").rig
    motion = to_rig(sway(np.random.default_rng(7), 30), rig)
    holes = RigHoles.at(motion, np.arange(30) % 29 == 0)
    assert not np.array_equal(fill_rig(holes, rig, Short(), PLAIN).basis, motion.basis)
    limbs = [b for joint in ("thigh", "shin", "upper_arm", "forearm") for s in "lr" for b in rig.roles[f"{joint}_{s}"]]
    turned = np.array(holes.turned)
    turned[:, [motion.bones.index(b) for b in limbs]] = False
    alone = replace(holes, turned=turned)
    with pytest.raises(BadInput, match="IK controls alone"):
        fill_rig(alone, rig, Short())
    filled = fill_rig(alone, rig)
    hand = motion.bones.index(rig.roles["hand_ik_l"][0])
    assert np.isfinite(filled.basis).all() and not np.array_equal(filled.location[:, hand], motion.location[:, hand])
