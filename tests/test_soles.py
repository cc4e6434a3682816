"""Soles of meshes: feet stand on them, not on their bones."""

import sys

import cmu_clips
import numpy as np
import pytest
from conftest import python_of
from rig_records import record
from test_headless import script

from poseloom.chains import clip_to_motion
from poseloom.errors import BadArray
from poseloom.motion import quat
from poseloom.motion.bvh import read_bvh
from poseloom.retarget import from_rig, skeleton_of, to_rig
from poseloom.retarget.align import align
from poseloom.retarget.pose import Posed
from poseloom.retarget.quality import measure
from poseloom.retarget.rest import as_rest
from poseloom.retarget.soles import corners
from poseloom.rigs.recognise import recognise

OTHERS = ("bpy42", "bpy50", "bpy52")
BOX = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), axis=-1).reshape(-1, 3) * 0.5


def shod(name, deep=0.06):
    """The recorded rig with a box under each foot, `deep` leg lengths thick below the ankle bone's lowest end."""
    rig = recognise(record(name)).rig
    a, soles = align(rig), {}
    leg = np.linalg.norm(a.head("shin_l") - a.head("thigh_l")) * 2.0
    up = quat.rotate(quat.inverse(a.body), np.eye(3))  # left, back and up of the body
    for side in "lr":
        ankle = a.head(f"foot_{side}")
        ground = min(a.head(f"{j}_{side}") @ up[2] for j in ("foot", "toe") if f"{j}_{side}" in a.joints) - deep * leg
        middle = ankle - 0.1 * leg * up[1]
        box = BOX * [0.15 * leg, 0.35 * leg, 0.04 * leg] @ up + middle + (ground + 0.02 * leg - middle @ up[2]) * up[2]
        soles[f"foot_{side}"] = box @ np.linalg.inv(a.metric).T
    return rig.with_(soles=soles)


@pytest.fixture(scope="module")
def walk(data, tmp_path_factory):
    return cmu_clips.unpack(data, tmp_path_factory.mktemp("cmu"), ["08_01"]) / "08_01.bvh"


@pytest.mark.parametrize("name", ["robot_expressive", "unreal"])
def test_feet_stand_on_their_soles(walk, name):
    """No corner is ever below the floor, and while a foot rests one is within 1 mm of it."""
    motion = clip_to_motion(*read_bvh(walk))[0]
    rig = shod(name)
    posed = Posed(rig, to_rig(motion, rig))
    metric, size = rig.world[:3, :3], 1.75 / (2.0 * skeleton_of(rig).offsets[0, 2])
    for k, side in enumerate("lr"):
        bone = rig.index(rig.roles[f"foot_{side}"][0])
        arms = rig.soles[f"foot_{side}"] - rig.rest[bone, :3, 3]
        at = posed.head(bone)[:, None] + quat.rotate(np.asarray(posed.delta(bone))[:, None], arms)
        low = size * ((at @ metric.T)[..., 2] + rig.world[2, 3]).min(axis=-1)
        rest = (motion.contact[:, [k, 2 + k]] >= 0.5).any(axis=-1)
        assert low.min() > -0.001
        assert np.abs(low[rest]).max() < 0.001 and rest.mean() > 0.3


def test_the_soles_say_how_high_hips_are():
    for name in ("robot_expressive", "unreal", "knight"):
        plain = recognise(record(name)).rig
        near, far = (skeleton_of(shod(name, deep)).offsets[0, 2] for deep in (0.05, 0.1))
        leg = 2.0 * np.linalg.norm(align(plain).head("shin_l") - align(plain).head("thigh_l"))
        assert far - near == pytest.approx(0.05 * leg, rel=1e-4)


def test_round_trips_are_those_of_rigs_without_soles(walk):
    motion = clip_to_motion(*read_bvh(walk))[0]
    rig = shod("unreal")
    there = to_rig(motion, rig, plant_feet=False)
    again = to_rig(from_rig(there, rig), rig, plant_feet=False)
    assert quat.angle(again.basis, there.basis).max() < 1e-3
    np.testing.assert_allclose(again.location, there.location, atol=1e-4)


def test_a_pose_taken_as_rest_takes_the_soles_along(walk):
    motion = clip_to_motion(*read_bvh(walk))[0]
    rig = shod("unreal")
    posed = as_rest(rig, to_rig(motion, rig), 20)
    for joint, points in rig.soles.items():
        bone = rig.index(rig.roles[joint][0])
        before, after = (np.linalg.norm(r.soles[joint] - r.rest[bone, :3, 3], axis=-1) for r in (rig, posed))
        np.testing.assert_allclose(after, before, rtol=1e-5)
        assert np.abs(posed.soles[joint] - points).max() > 0.01


def test_quality_is_told_of_the_soles(walk):
    """Played by what lies deeper than the bones tell, feet would sink; played by the soles they do not."""
    motion = clip_to_motion(*read_bvh(walk))[0]
    rig = shod("unreal")
    without = to_rig(motion, rig.with_(soles={}))
    assert measure(motion, rig, without).penetration_mm > 20.0
    assert measure(motion, rig, to_rig(motion, rig)).penetration_mm < 1.0


def test_corners_are_what_touches_the_floor_first():
    rig = recognise(record("unreal")).rig
    a = align(rig)
    cloud = np.random.default_rng(3).normal(size=(500, 3)) * 0.05 + a.head("foot_l") @ np.linalg.inv(a.metric).T
    kept = corners(a, "foot_l", cloud)
    assert 4 < len(kept) < 60
    for pitch in np.radians([-40.0, -10.0, 0.0, 20.0]):
        down = quat.rotate(quat.inverse(a.tpose["foot_l"]), [0.0, np.sin(pitch), -np.cos(pitch)]) @ a.metric
        assert (kept @ down).max() > (cloud @ down).max() - 0.01 * np.ptp(cloud @ down)


def test_soles_are_points():
    with pytest.raises(BadArray):
        record("unreal").with_(soles={"foot_l": [1.0, 2.0]})


@pytest.mark.parametrize("version", ["bpy45", *(pytest.param(v, marks=pytest.mark.matrix) for v in OTHERS)])
@pytest.mark.parametrize("who", ["mixamo", "rigify", "RobotExpressive.glb", "Knight.glb"])
def test_meshes_stand_on_the_floor(data, walk, who, version):
    """The evaluated meshes of a walk, scaled to 1.75 m: within 10 mm of the floor at contact, and 5 mm below it at
    most, both at p95; Knight's skin blends feet and long toes, bent by up to 48 degrees."""
    if version == "bpy45":
        pytest.importorskip("bpy", reason="this Python has no bpy")
    python = python_of(version) if version in OTHERS else sys.executable
    found = script(python, "scene_soles.py", data / "rigs" / who if "." in who else who, walk)
    low, rest = np.array(found["low_mm"]), np.array(found["rest"])
    assert {"foot_l", "foot_r"} <= set(found["soles"]) and max(found["soles"].values()) < 100
    assert np.percentile(np.abs(low[rest]), 95) < 10.0
    assert np.percentile(np.maximum(-low.min(axis=1), 0.0), 95) < 5.0
