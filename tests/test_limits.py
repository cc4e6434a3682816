"""How far joints turn."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from poseloom.motion import quat
from poseloom.motion.skeleton import JOINTS, MIRROR
from poseloom.pose import limits

seeds = st.integers(0, 2**32 - 1)
J = {name: j for j, name in enumerate(JOINTS)}


def wild(seed, frames=50):
    return quat.normalise(np.random.default_rng(seed).normal(size=(frames, 22, 4)))


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_whatever_comes_in_every_bone_ends_in_its_cone(seed):
    """And its twist in its range, to 1e-6 rad."""
    held = limits.within(wild(seed))
    for name, (rest, middle, cone_deg, (least, most)) in limits._RANGES.items():
        rest, middle = np.array(rest), np.array(middle) / np.linalg.norm(middle)
        swing, twist = quat.swing_twist(held[:, J[name]], rest)
        way = quat.rotate(swing, rest)
        assert np.degrees(np.arccos(np.clip(way @ middle, -1.0, 1.0))).max() < cone_deg + 1e-4
        turn = np.degrees(quat.log(twist) @ rest)
        assert turn.min() > least - 1e-4 and turn.max() < most + 1e-4


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_left_and_right_have_the_same_limits(seed):
    lrot = wild(seed)
    mirrored = limits.within(lrot[:, list(MIRROR)] * [1, 1, -1, -1])
    assert quat.angle(mirrored, limits.within(lrot)[:, list(MIRROR)] * [1, 1, -1, -1]).max() < 1e-6


def test_what_people_do_is_kept():
    """Standing, arms up and across, a deep squat, a kick, a sit on the floor: to 1 degree."""
    x, y, z = np.eye(3)
    lrot = np.tile(quat.IDENTITY, (6, 22, 1))
    turns = {
        1: {"upper_arm_l": (y, -1.4), "upper_arm_r": (y, 1.4)},
        2: {"upper_arm_l": (z, -1.3), "forearm_l": (z, -1.9)},
        3: {"thigh_l": (x, -1.7), "thigh_r": (x, -1.7), "shin_l": (x, 2.0), "shin_r": (x, 2.0), "spine1": (x, 0.4)},
        4: {"thigh_r": (x, -1.8)},
        5: {"thigh_l": (x, -1.5), "thigh_r": (x, -1.5)},
    }
    for frame, bends in turns.items():
        for name, (axis, angle) in bends.items():
            lrot[frame, J[name]] = quat.from_axis_angle(axis, np.array(angle))
    assert quat.angle(limits.within(lrot), lrot).max() < np.radians(1.0)


def test_a_knee_that_bends_backwards_and_a_thigh_out_behind_come_back():
    x = np.array([1.0, 0.0, 0.0])
    lrot = np.tile(quat.IDENTITY, (2, 22, 1))
    lrot[0, J["shin_l"]] = quat.from_axis_angle(x, np.array(-1.0))
    lrot[1, J["thigh_r"]] = quat.from_axis_angle(x, np.array(2.0))
    held = limits.within(lrot)
    assert np.degrees(quat.log(held[0, J["shin_l"]])[0]) > -17.0
    assert np.degrees(quat.log(held[1, J["thigh_r"]])[0]) < 55.0
