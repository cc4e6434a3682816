"""Reduced keys stay within the error asked for, in our arithmetic and in Blender's."""

import json
import os
import subprocess
import sys

import cmu_clips
import numpy as np
import pytest
from conftest import ROOT, python_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rig_records import FOLDER, record
from strategies import motion_on, rigs, rotations, seeds

from poseloom.chains import clip_to_motion
from poseloom.errors import BadInput, Cancelled
from poseloom.motion import bezier, filters, quat
from poseloom.motion.bvh import read_bvh
from poseloom.motion.contacts import runs
from poseloom.motion.types import RigMotion
from poseloom.retarget import global_pose, pose_matrices, skeleton_of, to_rig
from poseloom.retarget.reduce import reduce_keys, resting
from poseloom.rigs.recognise import recognise

FPS = 30.0
CMU = ("01_01", "02_01", "05_01", "16_01", "29_01", "49_01")


def wandering(rng, frames, width, hz=2.0):
    """(frames, width) smooth random values."""
    return filters.smooth(rng.normal(size=(frames, width)), hz, FPS)


def smooth_motion(rig, rng, frames=60) -> RigMotion:
    """Every bone of `rig` turning smoothly, the first located."""
    count = len(rig)
    turns = wandering(rng, frames, count * 3).reshape(frames, count, 3)
    location = np.full((frames, count, 3), np.nan)
    unit = np.linalg.norm(rig.world[:3, 0])
    location[:, 0] = wandering(rng, frames, 3) / unit
    return RigMotion(rig.bones, quat.unroll(quat.exp(turns)), location, np.ones(count, bool), FPS)


def misses(rig, motion, curves):
    """(deg (T,B), mm (T,B)): what the curves do to rotations and heads."""
    (grot, gpos), (grot2, gpos2) = global_pose(rig, motion), global_pose(rig, curves.sampled(rig))
    return np.degrees(quat.angle(grot, grot2)), 1000.0 * np.linalg.norm(gpos - gpos2, axis=-1)


@given(seeds, st.integers(2, 40))
def test_a_curve_of_a_cubic_is_that_cubic(seed, frames):
    rng = np.random.default_rng(seed)
    power = rng.normal(size=(4, 3)) * 20.0 ** -np.arange(4.0)[:, None]
    values = (np.arange(frames)[:, None, None] ** np.arange(4)[:, None] * power).sum(axis=1)
    keys, at, slopes = bezier.fit(values, lambda curve: np.abs(curve - values).max(axis=-1) / 0.05)
    assert list(keys) in ([0], [0, frames - 1])
    keys = np.array([0, frames - 1])
    at, slopes = bezier.best_keys(keys, values, np.ones(2, bool))
    if frames > 4:  # what few frames leave open is leant towards a straight line
        np.testing.assert_allclose(bezier.evaluate(keys, at, slopes, np.arange(frames)), values, atol=0.02)


@given(seeds, st.integers(1, 120), st.sampled_from([0.5, 0.1, 0.001]))
@settings(max_examples=40, deadline=None)
def test_a_fit_keeps_its_bound_and_the_keys_it_must(seed, frames, most):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(frames, 2)) if seed % 2 else wandering(rng, frames, 2, 3.0)
    must = rng.choice(frames, size=min(frames, 3), replace=False)
    keys, at, slopes = bezier.fit(values, lambda curve: np.linalg.norm(curve - values, axis=-1) / most, must)
    off = np.linalg.norm(bezier.evaluate(keys, at, slopes, np.arange(frames)) - values, axis=-1)
    assert off.max() <= most
    if len(keys) > 1:
        assert set(must) | {0, frames - 1} <= set(keys)
        np.testing.assert_array_equal(at[np.isin(keys, must)], values[np.sort(must)])


@given(rigs(), seeds, st.sampled_from([(1.0, 5.0), (0.2, 50.0), (5.0, 1.0)]))
@settings(max_examples=15, deadline=None)
def test_no_bone_and_no_joint_is_off_by_more_than_asked(case, seed, limits):
    rig, rng = case.rig(), np.random.default_rng(seed)
    modes = rng.choice(["QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE"], len(rig), p=[0.7, 0.1, 0.1, 0.1])
    rig = rig.with_(rotation_mode=tuple(modes))
    motion = smooth_motion(rig, rng)
    curves = reduce_keys(motion, rig, max_deg=limits[0], max_mm=limits[1])
    deg, mm = misses(rig, motion, curves)
    assert deg.max() <= limits[0] + 1e-3
    assert deg[[0, -1]].max() < 0.01 and mm[[0, -1]].max() < 0.02  # loops and strips meet there
    assert mm.max() <= limits[1] + 1e-2
    assert curves.key_count < (len(rig) + 1) * len(motion)


def test_what_was_keyed_stays_keyed_and_nothing_else():
    rig = recognise(record("mixamo")).rig
    motion = to_rig(motion_on(skeleton_of(rig), np.random.default_rng(1), 9), rig)
    made = reduce_keys(motion, rig).sampled(rig)
    np.testing.assert_array_equal(made.keyed, motion.keyed)
    np.testing.assert_array_equal(np.isfinite(made.location), np.isfinite(motion.location))
    assert len(made) == len(motion) and made.fps == motion.fps


def test_a_still_rig_has_one_key_a_property():
    rig = recognise(record("mixamo")).rig
    turned = np.repeat(rotations(np.random.default_rng(0), 1, len(rig)), 20, axis=0)
    motion = RigMotion(rig.bones, turned, np.full((20, len(rig), 3), np.nan), np.ones(len(rig), bool), FPS)
    curves = reduce_keys(motion, rig)
    assert curves.key_count == len(rig)
    assert misses(rig, motion, curves)[0].max() < 1e-3


def test_bad_limits_and_contacts_are_refused_and_cancel_works():
    rig = recognise(record("mixamo")).rig
    motion = smooth_motion(rig, np.random.default_rng(0), 10)
    with pytest.raises(BadInput, match="max_deg"):
        reduce_keys(motion, rig, max_deg=0.0)
    with pytest.raises(BadInput, match="contact"):
        reduce_keys(motion, rig, contact=np.zeros((9, 6)))

    def stop(fraction, text):
        raise Cancelled

    with pytest.raises(Cancelled):
        reduce_keys(motion, rig, report=stop)


@pytest.fixture(scope="module")
def cmu(data, tmp_path_factory):
    return cmu_clips.unpack(data, tmp_path_factory.mktemp("cmu"), CMU)


def on_mixamo(cmu, name):
    """(Rig, RigMotion, contact) of a CMU clip on the Mixamo rig."""
    rig = recognise(record("mixamo")).rig
    motion, _ = clip_to_motion(*read_bvh(cmu / f"{name}.bvh"))
    return rig, to_rig(motion, rig), motion.contact


@pytest.mark.parametrize("name", CMU)
def test_captured_motion_needs_a_third_of_its_keys(cmu, name):
    rig, motion, contact = on_mixamo(cmu, name)
    curves = reduce_keys(motion, rig, contact=contact)
    deg, mm = misses(rig, motion, curves)
    assert deg.max() <= 1.001 and mm.max() <= 5.01
    assert curves.key_count * 3.0 < (motion.keyed.sum() + 1) * len(motion)


def test_resting_feet_keep_to_a_tighter_bound_and_have_keys_at_their_edges(cmu):
    rig, motion, contact = on_mixamo(cmu, "02_01")
    assert (np.abs(resting(motion, rig) - contact)[:, :4] > 0.5).mean() < 0.1  # seen on the rig as in the source
    curves = reduce_keys(motion, rig, contact=contact, contact_mm=2.0)
    mm, keys = misses(rig, motion, curves)[1], {c.bone: set(c.frames) for c in curves.curves if c.path != "location"}
    for side, columns in (("l", [0, 2]), ("r", [1, 3])):
        rests = (contact[:, columns] > 0.5).any(axis=-1)
        feet = [rig.index(rig.roles[f"{joint}_{side}"][0]) for joint in ("foot", "toe")]
        assert mm[rests][:, feet].max() <= 2.01
        edges = {frame for run in runs(rests) for frame in (run[0], run[1] - 1)}
        assert edges
        for joint in ("pelvis", f"thigh_{side}", f"shin_{side}", f"foot_{side}"):
            assert edges <= keys[rig.roles[joint][0]]


def played(python, environment, rig, curves, folder):
    """What Blender makes of the curves: values (T,n), pose (T,B,4,4), rest (B,4,4)."""
    told = []
    for curve in curves.curves:
        left, right = curve.handles()
        told.append(
            dict(
                bone=curve.bone, path=curve.path, index=curve.index, frames=curve.frames.tolist(),
                values=curve.values.tolist(), left=left.tolist(), right=right.tolist(),
            )
        )  # fmt: skip
    modes = dict(zip(rig.bones, rig.rotation_mode))
    (folder / "curves.json").write_text(json.dumps(dict(curves=told, modes=modes, length=len(curves))))
    script = ROOT / "tests" / "curves_process.py"
    done = subprocess.run(
        [str(python), str(script), str(FOLDER / f"{rig.name}.json"), "curves.json", "out.npz"],
        cwd=folder, capture_output=True, text=True, timeout=300, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return np.load(folder / "out.npz")


def check_in_blender(cmu, name, modes, folder, python=sys.executable, environment=None):
    """Bounds asked for, held by Blender's own curves and poses; float32 costs no more than 0.01 deg and 0.02 mm."""
    rig, motion, contact = on_mixamo(cmu, name)
    rig = rig.with_(rotation_mode=tuple(modes[i % len(modes)] for i in range(len(rig))))
    curves = reduce_keys(motion, rig, contact=contact)
    seen = played(python, environment, rig, curves, folder)
    ours = np.concatenate([curve.at(np.arange(len(curves))) for curve in curves.curves], axis=-1)
    np.testing.assert_allclose(seen["values"], ours, atol=5e-5)
    np.testing.assert_allclose(seen["rest"], rig.rest, atol=1e-4)
    was = pose_matrices(rig, motion)
    deg = np.degrees(quat.angle(quat.from_matrix(was[..., :3, :3]), quat.from_matrix(seen["pose"][..., :3, :3])))
    mm = 1000.0 * np.linalg.norm(was[..., :3, 3] - seen["pose"][..., :3, 3], axis=-1)
    assert deg.max() <= 1.01 and mm.max() <= 5.02
    return curves, np.abs(seen["values"] - ours).max(), deg.max(), mm.max()


MIXED = ("QUATERNION", "XYZ", "ZXY", "QUATERNION", "AXIS_ANGLE")


@pytest.mark.parametrize("name, modes", [("02_01", ("QUATERNION",)), ("49_01", MIXED)])
def test_blender_plays_the_curves_we_reckoned_with(cmu, tmp_path, name, modes):
    check_in_blender(cmu, name, modes, tmp_path)


@pytest.mark.matrix
@pytest.mark.parametrize("version", ["bpy42", "bpy50", "bpy52"])
def test_every_blender_plays_the_curves_we_reckoned_with(cmu, tmp_path, version):
    link = tmp_path / "addon_path"
    link.mkdir()
    (link / "poseloom_addon").symlink_to(ROOT / "blender_addon", target_is_directory=True)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(link), str(ROOT / "backend")]))
    check_in_blender(cmu, "02_01", MIXED, tmp_path, python_of(version), environment)
