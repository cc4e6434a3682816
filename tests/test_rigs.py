"""Recognising rigs by words in names of many styles; what is refused; Rigify's rigs made in Blender."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import python_of
from hypothesis import given
from hypothesis import strategies as st
from rig_records import RECORDS, body, numbers, record, renamed

from poseloom.errors import BadInput
from poseloom.motion.types import Rig
from poseloom.rigs import naming, tables
from poseloom.rigs.recognise import recognise, rehung

# names of other styles


STYLES = {
    "joints": dict(
        pelvis="hips", spine_01="waist", spine_02="torso", spine_03="chest", neck_01="neck", head="head",
        clavicle="{word}_collar", upperarm="{word}_shoulder", lowerarm="{word}_elbow", hand="{word}_wrist",
        thigh="{word}_hip", calf="{word}_knee", foot="{word}_ankle", ball="{word}_toe",
    ),
    "lower": dict(
        pelvis="pelvis", spine_01="spine1", spine_02="spine2", spine_03="spine3", neck_01="neck", head="head",
        clavicle="{s}shoulder", upperarm="{s}uparm", lowerarm="{s}lowarm", hand="{s}hand",
        thigh="{s}thigh", calf="{s}shin", foot="{s}foot", ball="{s}toes",
    ),
    "short": dict(
        pelvis="Hip", spine_01="Abdomen", spine_02="Chest", spine_03="Thorax", neck_01="Neck", head="Head",
        clavicle="Shoulder.{S}", upperarm="Arm.{S}", lowerarm="Forearm.{S}", hand="Hand.{S}",
        thigh="UpLeg.{S}", calf="Leg.{S}", foot="Foot.{S}", ball="Toes.{S}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_words_tell_what_presets_do_not_know(style):
    plain = record("unreal")
    names = STYLES[style]

    def change(name):
        stem, s = (name[:-2], name[-1]) if name.endswith(("_l", "_r")) else (name, "")
        word = {"l": "left", "r": "right", "": ""}[s]
        return names[stem].format(s=s, S=s.upper(), word=word) if stem in names else f"{name}.nub"

    rig = renamed(plain, change)
    found = recognise(rig)
    assert numbers(found.rig) == numbers(recognise(plain).rig)
    assert found.family == "by names" and 0.6 < found.score <= 0.9
    assert not found.doubts


@pytest.mark.parametrize("name", [name for name in RECORDS if "rigify" not in name])
def test_words_agree_with_the_presets(name):
    rig = record(name)
    assert body(naming.roles_by_words(rig)) == body(recognise(rig).rig.roles)


def test_a_foot_need_not_hang_from_the_shin():
    found = recognise(record("robot_expressive"))
    foot = found.rig.index("Foot.L")
    assert found.rig.bones[found.rig.parents[foot]] == "Bone"
    assert any('left foot "Foot.L" does not hang from "LowerLeg.L"' in doubt for doubt in found.doubts)


# what is no humanoid


def snake(bones=12) -> Rig:
    rest = np.tile(np.eye(4), (bones, 1, 1))
    rest[:, 2, 3] = 0.1 * np.arange(bones)
    return Rig([f"b{i}" for i in range(bones)], np.arange(bones) - 1, rest, rest[:, :3, 3] + [0, 0, 0.1], name="Snake")


def test_what_is_no_humanoid_is_refused_with_what_is_missing():
    with pytest.raises(BadInput, match='"Snake" is not recognised as a humanoid: no pelvis, no left thigh') as caught:
        recognise(snake())
    assert caught.value.code == "not_humanoid" and "mixamo" in caught.value.hint


def test_only_what_is_missing_is_listed():
    rig = record("mixamo")
    keep = [b for b in rig.bones if b.split(":")[1] not in ("LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase")]
    at = [rig.index(b) for b in keep]
    parents = [at.index(rig.parents[i]) if rig.parents[i] >= 0 else -1 for i in at]
    cut = Rig(keep, parents, rig.rest[at], rig.tails[at], name="Pirate")
    with pytest.raises(BadInput) as caught:
        recognise(cut)
    assert caught.value.message == '"Pirate" is not recognised as a humanoid: no left thigh, no left shin.'


def test_a_single_bone_and_no_bone_are_no_humanoids():
    for bones in (0, 1):
        with pytest.raises(BadInput, match="not recognised"):
            recognise(snake(bones))


# laws


@given(st.integers(0, 30))
def test_a_spine_is_dealt_out_whole_and_in_order(count):
    bones = tuple(f"s{i}" for i in range(count))
    dealt = tables.deal_spine(bones)
    assert sum((dealt.get(joint, ()) for joint in tables.SPINE), ()) == bones
    sizes = [len(part) for part in dealt.values()]
    assert not sizes or max(sizes) - min(sizes) <= 1
    assert count == 0 or "spine3" in dealt, "the chest bears the arms"


def test_hanging_a_bone_elsewhere_keeps_every_bone_and_sorts_them():
    rig = record("mixamo")
    # a parent that stands later in the list than its new child
    moved = rehung(rig, {"mixamorig:LeftUpLeg": "mixamorig:RightHand"})
    assert sorted(moved.bones) == sorted(rig.bones)
    assert (moved.parents < np.arange(len(moved))).all()
    for bone in rig.bones:
        a, b = rig.index(bone), moved.index(bone)
        np.testing.assert_array_equal(moved.rest[b], rig.rest[a])
        if bone != "mixamorig:LeftUpLeg" and rig.parents[a] >= 0:
            assert moved.bones[moved.parents[b]] == rig.bones[rig.parents[a]]
    assert moved.bones[moved.parents[moved.index("mixamorig:LeftUpLeg")]] == "mixamorig:RightHand"


# Rigify, from Blender itself


def rigify(python, *kind) -> dict:
    script = Path(__file__).parent / "blender" / "rigify_rig.py"
    done = subprocess.run([python, script, *kind], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))[7:])


def check_rigify(seen):
    assert (seen["family"], seen["score"], seen["doubts"], seen["missing"]) == ("rigify", 1.0, [], [])
    # the kernel's forward kinematics over effective parents is what Blender shows
    assert seen["turn_deg"] < 0.01 and seen["place_m"] < 1e-5
    # and the bones that carry the mesh go where their controls are turned
    assert len(seen["deform_deg"]) == 21
    assert max(seen["deform_deg"].values()) < 0.5


VERSIONS = ["bpy45", *(pytest.param(name, marks=pytest.mark.matrix) for name in ("bpy42", "bpy50", "bpy52"))]


@pytest.fixture(params=VERSIONS)
def python(request):
    if request.param == "bpy45":
        pytest.importorskip("bpy", reason="this Python has no bpy")
        return Path(sys.executable)
    return python_of(request.param)


def test_rigify_basic_human_moves_as_its_preset_says(python):
    check_rigify(rigify(python, "basic"))


def test_rigify_limbs_follow_the_ik_controls(python):
    """Hands and feet go where the FK pose has them; Rigify's IK shortens bent limbs a little, so these may lean."""
    seen = rigify(python, "basic", "rigify-ik")
    assert (seen["family"], seen["score"], seen["doubts"]) == ("rigify-ik", 1.0, [])
    assert set(tables.IK) <= set(seen["roles"])
    assert seen["ends_m"] < 1e-3
    deform = seen["deform_deg"]
    assert max(deform[f"hand_{s}"] for s in "lr") < 0.5 and max(deform[f"foot_{s}"] for s in "lr") < 3.0
    assert max(deform[f"{joint}_{s}"] for joint in ("upper_arm", "forearm", "thigh", "shin") for s in "lr") < 15.0


@pytest.mark.slow
def test_rigify_human_moves_as_its_preset_says_with_fingers():
    pytest.importorskip("bpy", reason="this Python has no bpy")
    seen = rigify(sys.executable, "human")
    check_rigify(seen)
    assert {f"{finger}{i}_{s}" for finger in tables.FINGERS for i in (1, 2, 3) for s in "lr"} <= set(seen["roles"])
