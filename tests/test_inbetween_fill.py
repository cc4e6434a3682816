"""Filling holes: keys come back, controls do what they say, resting feet stay; bad input is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseloom.errors import BadInput
from poseloom.inbetween import easing, feet, library
from poseloom.inbetween.fill import FillOptions, fill
from poseloom.inbetween.follow import Dtw
from poseloom.inbetween.spline import Spline, SplineOptions
from poseloom.motion import quat
from poseloom.motion.contacts import foot_points
from poseloom.motion.skeleton import PARENTS, motion_fk, standard
from poseloom.motion.types import Motion, Skeleton
from test_inbetween import wander

SEEDS = st.integers(0, 2**32 - 1)
PLAIN = FillOptions(feet=False)


def keyed(frames, *keys) -> np.ndarray:
    known = np.zeros((frames, 22), bool)
    known[list(keys)] = True
    return known


def shelf(*motions) -> library.Library:
    """A Library of these motions."""
    start = np.concatenate([[0], np.cumsum([len(m) for m in motions])])
    return library.Library.of(
        np.concatenate([m.lrot for m in motions]), np.concatenate([m.root for m in motions]),
        np.stack([m.skeleton.offsets for m in motions]), PARENTS, start, [f"clip{i}" for i in range(len(motions))],
    )  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_keys_of_any_joints_come_back_bit_for_bit_from_every_control(seed):
    rng = np.random.default_rng(seed)
    motion, known = wander(rng, 40), rng.random((40, 22)) < 0.1
    known[[0, 17, 39]] = True
    method = (None, Spline(SplineOptions(linear=True)), Dtw(shelf(wander(rng, 90))))[rng.integers(3)]
    eases = ((), (easing.curve("ease_in"),))[rng.integers(2)]
    filled = fill(motion, known, method, FillOptions(eases, rng.random(), bool(rng.integers(2))))
    assert np.array_equal(filled.lrot[known], motion.lrot[known])
    assert np.array_equal(filled.root[known[:, 0]], motion.root[known[:, 0]])
    assert np.isfinite(filled.lrot).all() and not np.array_equal(filled.lrot, motion.lrot)


def test_what_no_keys_surround_stays():
    motion, known = wander(np.random.default_rng(1), 40), keyed(40, 10, 20)
    known[:, 5] = False  # the head has no keys at all
    filled = fill(motion, known)
    assert np.array_equal(filled.lrot[:, 5], motion.lrot[:, 5])
    for part in (slice(0, 11), slice(20, 40)):
        assert np.array_equal(filled.lrot[part], motion.lrot[part])


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_strength_goes_from_the_spline_to_the_method(seed):
    rng = np.random.default_rng(seed)
    motion, known = wander(rng, 30), keyed(30, 0, 12, 29)
    method = Spline(SplineOptions(linear=True))
    spline, half, full = (fill(motion, known, method, FillOptions((), s, False)) for s in (0.0, 0.5, 1.0))
    assert np.array_equal(spline.lrot, fill(motion, known, None, PLAIN).lrot)
    assert quat.angle(full.lrot, method(motion, known).lrot).max() < 2e-3  # float32
    assert quat.angle(half.lrot, quat.slerp(spline.lrot, full.lrot, np.full((30, 22), 0.5))).max() < 2e-3
    assert np.abs(half.root - (spline.root + full.root) / 2.0).max() < 1e-5


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_a_speed_curve_changes_when_and_not_where(seed):
    """Every eased frame lies on the path of the plain fill, at the share of the way that the curve says."""
    rng = np.random.default_rng(seed)
    motion, known = wander(rng, 41), keyed(41, 0, 20, 40)
    linear = Spline(SplineOptions(linear=True))
    plain = fill(motion, known, linear, PLAIN)
    eased = fill(motion, known, linear, FillOptions((easing.curve("ease_in"), easing.curve("linear")), 1.0, False))
    share = (np.arange(21) / 20.0) ** 2
    path = motion.root[0] + share[:, None] * (motion.root[20] - motion.root[0])
    assert np.abs(eased.root[:21] - path).max() < 1e-3
    assert np.abs(eased.root[20:] - plain.root[20:]).max() < 1e-6
    assert quat.angle(eased.lrot[20:], plain.lrot[20:]).max() < 1e-3


def test_speed_curves_by_name_or_drawn():
    for name, curve in easing.PRESETS.items():
        assert curve[0] == 0.0 and curve[-1] == pytest.approx(1.0) and (np.diff(curve) >= -1e-9).all(), name
    drawn = easing.curve("0:0/0.5:0.1/1:1")
    assert drawn[len(drawn) // 2] == pytest.approx(0.1)
    for bad in ("easy", "0:0/1:0.5", "0:0/0.6:1/0.5:1/1:1", "0:0", "0:0/x:1/1:1", "0:0/0.5/1:1", "0:0/0.5:nan/1:1"):
        with pytest.raises(BadInput, match="speed curve"):
            easing.curve(bad)
    with pytest.raises(BadInput, match="3 speed curves for 2 pairs"):
        fill(wander(np.random.default_rng(0), 30), keyed(30, 0, 10, 29), None, FillOptions((drawn,) * 3))


def sway(rng, frames=120) -> Motion:
    """Joints that swing at rates of their own, 0.3 to 1.2 Hz, walking on and swaying."""
    t = np.arange(frames)[:, None, None] / 30.0
    rate, size, phase = rng.uniform(0.3, 1.2, (22, 1)), rng.normal(size=(22, 3)), rng.uniform(0, 7, (22, 1))
    size[0] *= 0.2
    root = standard().offsets[0] + [0.0, -1.0, 0.0] * t[:, 0] + 0.1 * np.sin(2 * np.pi * t[:, 0] + rng.uniform(0, 7, 3))
    return Motion(standard(), quat.exp(0.3 * size * np.sin(2 * np.pi * rate * t + phase)), root, 30.0)


def standing(frames=30) -> Motion:
    """Standing, then leaning 20 cm to the side with bent knees, feet where they were: the two ends are exact."""
    body = standard()
    from poseloom.motion.ik import two_bone
    from poseloom.motion.skeleton import local_rotations

    motion = Motion(body, np.tile(quat.IDENTITY, (frames, 22, 1)), np.tile(body.offsets[0], (frames, 1)), 30.0)
    share = np.linspace(0.0, 1.0, frames)[:, None]
    root = body.offsets[0] + share * [0.2, -0.1, -0.15]
    grot, gpos = motion_fk(motion)
    gpos = gpos + (root - motion.root)[:, None]
    for side in "lr":
        thigh, shin, foot = (body.index(f"{n}_{side}") for n in ("thigh", "shin", "foot"))
        target = np.repeat((gpos[:1, foot] - (root[0] - body.offsets[0])), frames, axis=0)
        grot[:, thigh], grot[:, shin] = two_bone(
            grot[:, thigh], grot[:, shin], body.offsets[shin], body.offsets[foot], gpos[:, thigh], target,
            np.array([0.0, -1.0, 0.0]),
        )  # fmt: skip
    return motion.with_(lrot=local_rotations(grot, body.parents), root=root)


def test_feet_that_stand_at_both_keys_stand_between_them():
    motion = standing()
    known = keyed(30, 0, 29)
    slid, stood = (foot_points(fill(motion, known, None, FillOptions(feet=f))) for f in (False, True))
    way = [np.linalg.norm(p - p[0], axis=-1).max() for p in (slid, stood)]
    assert way[0] > 0.02 and way[1] < 0.002  # metres


def test_knees_do_not_pop_where_feet_are_held():
    """No joint turns more than twice as far from one frame to the next as in the true motion, plus a degree."""
    motion = standing()
    stood = feet.plant(fill(motion, keyed(30, 0, 29), None, PLAIN), keyed(30, 0, 29)[:, 0])
    step = [np.degrees(quat.angle(m.lrot[1:], m.lrot[:-1])).max() for m in (motion, stood)]
    assert step[1] < 2.0 * step[0] + 1.0


class Short:
    """The interpolation, made for a fifth of a second at most."""

    longest_s = 0.2

    def __init__(self):
        self.gaps = []

    def __call__(self, motion, known, report=None):
        self.gaps += [b - a - 1 for a, b in easing.pairs(known[:, 0])]
        return Spline(SplineOptions(linear=True))(motion, known)


def test_a_gap_longer_than_a_method_knows_is_filled_in_segments_and_told():
    motion, known, method, said = wander(np.random.default_rng(3), 60), keyed(60, 0, 59), Short(), []
    filled = fill(motion, known, method, PLAIN, warnings=said)
    assert max(method.gaps) <= 6 and len(said) == 1 and "segments" in said[0]
    assert np.array_equal(filled.lrot[[0, 59]], motion.lrot[[0, 59]])
    assert quat.angle(filled.lrot[1:], filled.lrot[:-1]).max() < 0.2  # radians: no jump anywhere


def test_bad_input_is_told():
    motion = wander(np.random.default_rng(4), 30)
    cases = {
        "is one key": (motion, keyed(30, 5), None), "are no keys": (motion, keyed(30), None),
        "neighbouring frames": (motion, keyed(30, 5, 6, 7), None), "expected (30, 22)": (motion, keyed(29, 1, 9), None),
        "Use spline": (animal(), np.ones((30, 3), bool) & (np.arange(30) % 29 == 0)[:, None], Dtw(shelf(motion))),
        "keys of the whole body": (motion, keyed(30, 0, 29) & (np.arange(22) == 3), Dtw(shelf(motion))),
        "long enough": (motion, keyed(30, 0, 29), Dtw(shelf(wander(np.random.default_rng(5), 8)))),
        "Candidate 9": (motion, keyed(30, 0, 29), Dtw(shelf(wander(np.random.default_rng(5), 60)), 9)),
    }  # fmt: skip
    for words, (clip, known, method) in cases.items():
        with pytest.raises(BadInput) as error:
            fill(clip, known, method)
        assert words in str(error.value), str(error.value)
    with pytest.raises(BadInput, match="strength of 2"):
        fill(motion, keyed(30, 0, 29), None, FillOptions(strength=2.0))


def animal() -> Motion:
    """Three joints in a row, no human body."""
    body = Skeleton(("tail", "back", "snout"), [-1, 0, 1], np.ones((3, 3)), np.ones((3, 3)))
    return Motion(body, quat.exp(np.random.default_rng(6).normal(size=(30, 3, 3))), np.zeros((30, 3)), 30.0)


def test_a_body_that_is_no_human_is_filled_by_the_spline():
    motion = animal()
    known = np.repeat((np.arange(30) % 29 == 0)[:, None], 3, axis=1)
    assert np.isfinite(fill(motion, known).lrot).all()


def test_a_clip_in_the_library_is_found_again_and_followed():
    """A clip in the library, turned and moved elsewhere, comes back from its keys to 2 cm at every joint."""
    rng = np.random.default_rng(11)
    clips = [sway(rng) for _ in range(4)]
    yaw, part = quat.from_axis_angle([0.0, 0.0, 1.0], 0.7), slice(40, 80)
    lrot = np.array(clips[2].lrot[part], np.float64)
    lrot[:, 0] = quat.multiply(yaw, lrot[:, 0])
    truth = Motion(standard(), lrot, quat.rotate(yaw, clips[2].root[part]) + [1.0, 2.0, 0.0], 30.0)
    known = keyed(40, 0, 1, 2, 3, 20, 36, 37, 38, 39)
    method = Dtw(shelf(*clips), candidate=1)
    (_, candidates), *_ = method.candidates(truth, known)
    assert candidates[0].clip == "clip2" and candidates[0].cost == 1.0
    assert abs(candidates[0].first - 40) < 2.0 and abs(candidates[0].last - 79) < 2.0
    off = [
        np.abs(motion_fk(m)[1] - motion_fk(truth)[1]).max() for m in (fill(truth, known, method, PLAIN), fill(truth, known))
    ]
    assert off[0] < 0.02 < off[1]


def test_the_library_is_followed_at_other_rates():
    """Keys at 60 fps over clips at 30: the same path, to 2 cm."""
    rng = np.random.default_rng(12)
    clip = sway(rng)
    where = np.minimum(np.arange(80) / 2.0 + 40, 119)
    lrot, root = shelf(clip).at(where)
    truth = Motion(standard(), lrot, root, 60.0)
    filled = fill(truth, keyed(80, 0, 1, 2, 3, 40, 76, 77, 78, 79), Dtw(shelf(clip), 1), PLAIN)
    assert np.abs(motion_fk(filled)[1] - motion_fk(truth)[1]).max() < 0.02
