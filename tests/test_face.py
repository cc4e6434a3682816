"""Faces on rigs: jaws and eyes that are bones, and shape keys with ARKit's names."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from rig_records import record

from poseloom.chains import motion_to_rig
from poseloom.motion import quat
from poseloom.motion.files import motion_to_bytes
from poseloom.motion.skeleton import standard
from poseloom.motion.types import Motion, Rig
from poseloom.retarget import pose_matrices
from poseloom.retarget.face import face_bones

CURVES = (
    "jawOpen",
    *(
        f"eye{what}{side}"
        for side in ("Left", "Right")
        for what in ("Blink", "LookOut", "LookIn", "LookUp", "LookDown")
    ),
)


def acting(**values) -> Motion:
    lrot = np.tile(quat.IDENTITY, (3, 22, 1))
    curves = {name: np.linspace(0.0, values.get(name, 0.0), 3) for name in CURVES}
    return Motion(standard(), lrot, np.tile([0.0, 0.0, 0.96], (3, 1)), 30.0, curves=curves)


@pytest.fixture(scope="module")
def makehuman() -> Rig:
    """Our own MakeHuman rig, with a jaw and eyes."""
    from importlib import resources

    with np.load(resources.files("poseloom.assets") / "body.npz") as z:
        heads, tails = z["makehuman.heads"].astype(float), z["makehuman.tails"].astype(float)
        parents, bones = z["makehuman.parents"].astype(int), tuple(map(str, z["makehuman.bones"]))
    rest = np.tile(np.eye(4), (len(bones), 1, 1))
    rest[:, :3, :3] = quat.to_matrix(quat.exp(np.random.default_rng(1).normal(size=(len(bones), 3))))  # any rolls
    rest[:, :3, 3] = heads
    return Rig(bones=bones, parents=parents, rest=rest, tails=tails, name="Anna")


def turned(rig: Rig, motion: Motion, bone: str) -> np.ndarray:
    """(3,) where something ahead of the bone's head, towards -Y at rest, has gone in the last frame."""
    keys, _ = motion_to_rig(motion, rig, 30.0)
    i = rig.index(bone)
    matrix = pose_matrices(rig, keys)[-1, i, :3, :3] @ np.linalg.inv(rig.rest[i, :3, :3])
    return matrix @ [0.0, -1.0, 0.0]


@pytest.mark.parametrize(
    ("bone", "values", "way"),
    [
        ("jaw", {"jawOpen": 1.0}, [0.0, -0.91, -0.42]),
        ("eye.L", {"eyeLookOutLeft": 1.0}, [0.5, -0.87, 0.0]),
        ("eye.L", {"eyeLookInLeft": 1.0}, [-0.5, -0.87, 0.0]),
        ("eye.R", {"eyeLookOutRight": 1.0}, [-0.5, -0.87, 0.0]),
        ("eye.R", {"eyeLookUpRight": 1.0}, [0.0, -0.93, 0.37]),
        ("eye.R", {"eyeLookOutLeft": 1.0}, [0.0, -1.0, 0.0]),
    ],
)
def test_jaw_and_eyes_turn_as_the_curves_say_whatever_their_rolls(makehuman, bone, values, way):
    still = turned(makehuman, acting(), bone)
    np.testing.assert_allclose(still, [0.0, -1.0, 0.0], atol=1e-4)
    np.testing.assert_allclose(turned(makehuman, acting(**values), bone), way, atol=0.01)


def test_without_a_face_these_bones_are_not_keyed(makehuman):
    motion = acting().with_(curves={})
    keys, _ = motion_to_rig(motion, makehuman, 30.0)
    assert not keys.keyed[[makehuman.index(bone) for bone in ("jaw", "eye.L", "eye.R")]].any()


def names(*bones) -> Rig:
    return Rig(
        bones=bones,
        parents=[-1, *[0] * (len(bones) - 1)],
        rest=np.tile(np.eye(4), (len(bones), 1, 1)),
        tails=np.zeros((len(bones), 3)),
    )


@pytest.mark.parametrize(
    ("bones", "found"),
    [
        (("head", "mixamorig:Jaw", "mixamorig:LeftEye", "mixamorig:RightEye"), {"jaw": 1, "eye_l": 2, "eye_r": 3}),
        (("head", "jaw_master", "eye_l", "eye_r"), {"jaw": 1, "eye_l": 2, "eye_r": 3}),
        (("head", "Jaw", "Eye_L", "Eye_R"), {"jaw": 1, "eye_l": 2, "eye_r": 3}),
        (("head", "jawline", "eyelid.L", "eyebrow_r", "L_eyelash"), {}),
    ],
)
def test_they_are_told_by_their_names(bones, found):
    assert face_bones(names(*bones)) == {part: bones[i] for part, i in found.items()}


def test_rigs_without_them_are_left_alone(data):
    rig = record("mixamo")
    keys, found = motion_to_rig(acting(jawOpen=1.0), rig, 30.0)
    plain, _ = motion_to_rig(acting().with_(curves={}), rig, 30.0)
    np.testing.assert_array_equal(keys.basis, plain.basis)


def test_shape_keys_are_keyed_and_the_rest_is_kept_as_properties(tmp_path):
    pytest.importorskip("bpy", reason="this Python has no bpy")
    from test_headless import script

    motion = tmp_path / "motion.npz"
    motion.write_bytes(motion_to_bytes(acting(jawOpen=0.8, eyeBlinkLeft=0.6, eyeLookUpRight=0.4).with_(fps=24.0)))
    told = script(sys.executable, "scene_faces.py", motion, tmp_path / "out.blend")
    assert told["shapes"]["jaw_open"] == pytest.approx([0.0, 0.4, 0.8], abs=1e-3)
    assert told["shapes"]["EyeBlink_L"] == pytest.approx([0.0, 0.3, 0.6], abs=1e-3)
    assert told["shapes"]["smile"] == [0.0, 0.0, 0.0]
    assert told["kept"]["eyeLookUpRight"] == pytest.approx([0.0, 0.2, 0.4], abs=1e-3)
    assert "jawOpen" not in told["kept"]
