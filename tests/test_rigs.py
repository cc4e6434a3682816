"""Recognising rigs: presets on records of real rigs, names of many styles, and shape alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, python_of
from hypothesis import given
from hypothesis import strategies as st
from rig_records import FOLDER, record, renamed

from poseloom.errors import BadInput, UnknownMethod
from poseloom.motion.bvh import read_bvh
from poseloom.motion.skeleton import JOINTS
from poseloom.motion.types import Rig
from poseloom.rigs import naming, structure, tables
from poseloom.rigs.recognise import REQUIRED, recognise, rehung

RECORDS = sorted(path.stem for path in FOLDER.glob("*.json"))
# record: family, a few of its roles, parts it has not
KNOWN = {
    "mixamo": (
        "mixamo",
        {"pelvis": "mixamorig:Hips", "shin_r": "mixamorig:RightLeg", "pinky3_l": "mixamorig:LeftHandPinky3"},
        (),
    ),
    "unreal": ("unreal", {"root": "Root", "pelvis": "pelvis", "toe_l": "ball_l", "spine2": "spine_02"}, ()),
    "makehuman": (
        "makehuman", {"pelvis": "root", "thigh_l": "upperleg01.L", "hand_r": "wrist.R", "thumb1_l": "finger1-1.L"}, (),
    ),
    "cmu": ("cmu", {"spine1": "LowerBack", "upper_arm_l": "LeftArm", "toe_r": "RightToeBase"}, ()),
    "rigify_metarig": ("rigify", {"pelvis": "spine", "head": "spine.006", "index1_r": "f_index.01.R"}, ()),
    "knight": (
        "by names", {"root": "root", "pelvis": "hips", "spine3": "chest", "hand_l": "wrist.l", "toe_r": "toes.r"},
        ("neck", "left clavicle", "right clavicle"),
    ),
    "robot_expressive": (
        "by names",
        {"root": "Bone", "pelvis": "Body", "spine1": "Hips", "spine3": "Torso", "foot_l": "Foot.L",
         "clavicle_r": "Shoulder.R"},
        ("left hand", "right hand", "left toe", "right toe"),
    ),
}  # fmt: skip
CLIPS = {
    "odd/cgspeed_03_01": "cmu", "odd/daz_02_01": "daz", "odd/daz_10_04": "daz",
    "animated_drawings/cmu1/jumping_jacks": "cmu",
    "animated_drawings/fair1/dab": "mixamo", "animated_drawings/fair1/zombie": "mixamo",
    "animated_drawings/rokoko/jesse_dance": "mixamo",
}  # fmt: skip


def body(roles) -> dict:
    return {joint: bones for joint, bones in roles.items() if joint in JOINTS}


def numbers(rig) -> dict:
    """{joint: bone numbers} of the body, to compare rigs whose bones are called otherwise."""
    return {joint: tuple(rig.index(b) for b in bones) for joint, bones in body(rig.roles).items()}


# presets


@pytest.mark.parametrize("name", RECORDS)
def test_a_recorded_rig_is_recognised(name):
    family, roles, missing = KNOWN[name]
    found = recognise(record(name))
    assert found.family == family
    assert found.missing == missing
    assert {joint: found.rig.roles[joint] for joint in roles} == {joint: (bone,) for joint, bone in roles.items()}
    assert set(REQUIRED) <= set(found.rig.roles)
    if family != "by names":
        assert found.score > 0.95 and not found.doubts


@pytest.mark.parametrize("clip", CLIPS)
def test_the_skeleton_of_a_clip_is_recognised(data, clip):
    found = recognise(read_bvh(data / "mocap" / f"{clip}.bvh")[0])
    assert (found.family, found.score, found.doubts) == (CLIPS[clip], 1.0, ())


@pytest.mark.parametrize("file", ["knight", "robot_expressive"])
def test_records_are_what_the_files_hold(data, file):
    sys.path.insert(0, str(ROOT / "backend" / "studio"))
    try:
        import record_rigs
    finally:
        sys.path.pop(0)
    bones = record_rigs.glb_bones(data / "rigs" / record_rigs.GLB[file])
    assert bones == json.loads((FOLDER / f"{file}.json").read_text())["bones"]


def test_every_verified_preset_has_a_rig_it_is_tested_on():
    tested = {KNOWN[name][0] for name in RECORDS} | set(CLIPS.values())
    verified = {layout.family for layout in tables.load() if layout.verified}
    assert verified and verified <= tested


def test_presets_name_their_source_and_only_known_roles():
    folder = tables.presets_folder()
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for path in folder.glob("*.toml"):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        assert len(table["source"]) > 20 and isinstance(table["verified"], bool), path.name
        assert f"`{table['family']}`" in readme, f"{path.name} has no row in the README"
    for layout in tables.load():
        assert set(REQUIRED) <= set(layout.roles), f"{layout.family} {layout.name}"


@pytest.mark.parametrize("line, said", [
    ('family = "x"', "source"), ("[[layout]]\n[layout.roles]\nwing = 'w'", "left"), ("a = ", "Invalid"),
    ("family='x'\nsource='s'\nverified=true\n[[layout]]\nleft='l'\nright='r'\n[layout.roles]\nwing='w'", "wing"),
])  # fmt: skip
def test_a_preset_that_cannot_be_meant_is_told_by_file(tmp_path, line, said):
    if said == "source":
        line += "\n[[layout]]\nleft='l'\nright='r'\n[layout.roles]"
    (tmp_path / "mine.toml").write_text(line)
    with pytest.raises(BadInput, match=r"mine\.toml: .*" + said):
        tables.read(tmp_path / "mine.toml")


PREFIXES = ["", "mixamorig:", "mixamorig1:", "mixamorig_", "mixamorig", "Armature|mixamorig:", "Character1_", "my_big_"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_any_prefix_is_looked_through(prefix):
    plain = record("mixamo")
    rig = renamed(plain, lambda name: prefix + name.split(":")[1])
    found = recognise(rig)
    assert (found.family, found.score) == ("mixamo", 1.0)
    assert numbers(found.rig) == numbers(recognise(plain).rig)


def test_a_named_preset_is_the_only_one_tried():
    rig = record("unreal")
    assert recognise(rig, "unreal").family == "unreal"
    with pytest.raises(BadInput, match='As "mixamo" it is not recognised'):
        recognise(rig, "mixamo")
    with pytest.raises(UnknownMethod, match='no rig preset "splin".*mixamo'):
        recognise(rig, "splin")


def test_the_order_of_parents_counts():
    rig = record("mixamo")
    good = recognise(rig).score
    loose = recognise(rehung(rig, {"mixamorig:LeftForeArm": "mixamorig:Hips", "mixamorig:RightLeg": "mixamorig:Hips"}))
    assert loose.score < good
    assert any("left forearm" in doubt and "does not hang" in doubt for doubt in loose.doubts)


def test_recognition_changes_nothing_else():
    rig = record("makehuman")
    found = recognise(rig).rig
    assert found.bones == rig.bones and found.rotation_mode == rig.rotation_mode
    for name in ("rest", "tails", "world", "parents", "locked", "deform"):
        np.testing.assert_array_equal(getattr(found, name), getattr(rig, name))


# names of other styles


STYLES = {
    "vroid": dict(
        pelvis="J_Bip_C_Hips", spine_01="J_Bip_C_Spine", spine_02="J_Bip_C_Chest", spine_03="J_Bip_C_UpperChest",
        neck_01="J_Bip_C_Neck", head="J_Bip_C_Head", clavicle="J_Bip_{S}_Shoulder", upperarm="J_Bip_{S}_UpperArm",
        lowerarm="J_Bip_{S}_LowerArm", hand="J_Bip_{S}_Hand", thigh="J_Bip_{S}_UpperLeg", calf="J_Bip_{S}_LowerLeg",
        foot="J_Bip_{S}_Foot", ball="J_Bip_{S}_ToeBase",
    ),
    "biped": dict(
        pelvis="Bip01 Pelvis", spine_01="Bip01 Spine", spine_02="Bip01 Spine1", spine_03="Bip01 Spine2",
        neck_01="Bip01 Neck", head="Bip01 Head",
        clavicle="Bip01 {S} Clavicle", upperarm="Bip01 {S} UpperArm", lowerarm="Bip01 {S} Forearm",
        hand="Bip01 {S} Hand", thigh="Bip01 {S} Thigh", calf="Bip01 {S} Calf", foot="Bip01 {S} Foot",
        ball="Bip01 {S} Toe0",
    ),
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


@pytest.mark.parametrize("name", [name for name in RECORDS if name != "rigify_metarig"])
def test_words_agree_with_the_presets(name):
    rig = record(name)
    assert body(naming.roles_by_words(rig)) == body(recognise(rig).rig.roles)


def test_a_foot_need_not_hang_from_the_shin():
    found = recognise(record("robot_expressive"))
    foot = found.rig.index("Foot.L")
    assert found.rig.bones[found.rig.parents[foot]] == "Bone"
    assert any('left foot "Foot.L" does not hang from "LowerLeg.L"' in doubt for doubt in found.doubts)


# shape alone


def anonymous(rig: Rig) -> Rig:
    numbers = iter(range(len(rig)))
    return renamed(rig, lambda name: f"Bone.{next(numbers):03d}")


@pytest.mark.parametrize("name", ["mixamo", "unreal", "cmu", "knight"])
def test_shape_alone_tells_the_parts(name):
    rig = record(name)
    found = recognise(anonymous(rig))
    assert found.family == "by shape" and found.score <= 0.6
    assert numbers(found.rig) == numbers(recognise(rig).rig)
    assert any("shape" in doubt for doubt in found.doubts) and any("Left and right" in doubt for doubt in found.doubts)


@pytest.mark.parametrize("clip", [clip for clip in CLIPS])
def test_shape_alone_tells_the_parts_of_clips(data, clip):
    rig = read_bvh(data / "mocap" / f"{clip}.bvh")[0]
    assert numbers(recognise(anonymous(rig)).rig) == numbers(recognise(rig).rig)


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 250])
def test_left_is_told_by_the_feet_however_the_rig_is_turned(turn_deg):
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    world = np.eye(4)
    world[:2, :2] = [[c, -s], [s, c]]
    rig = record("mixamo").with_(world=world)
    found = recognise(anonymous(rig))
    assert numbers(found.rig) == numbers(recognise(rig).rig)
    assert any("does not face -Y" in doubt for doubt in found.doubts) == (turn_deg != 0)


def test_hair_of_many_equal_strands_is_no_trouble():
    rig = record("cmu")
    head, count = rig.index("Head"), 60
    strands = np.repeat(np.arange(count), 8)
    parents = [head if i % 8 == 0 else len(rig) + i - 1 for i in range(8 * count)]
    rest = np.tile(rig.rest[head], (8 * count, 1, 1))
    rest[:, 0, 3] += 0.002 * strands
    rest[:, 2, 3] += 0.03 * (np.arange(8 * count) % 8)
    hairy = Rig(
        rig.bones + tuple(f"hair{i}" for i in range(8 * count)), [*rig.parents, *parents],
        np.concatenate([rig.rest, rest]), np.concatenate([rig.tails, rest[:, :3, 3] + [0, 0, 0.03]]),
    )  # fmt: skip
    start = time.process_time()
    found, known = numbers(recognise(anonymous(hairy)).rig), numbers(recognise(rig).rig)
    assert {joint: found[joint] for joint in REQUIRED} == {joint: known[joint] for joint in REQUIRED}
    assert time.process_time() - start < 5.0


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


def test_shape_finds_nothing_in_a_snake():
    assert structure.roles_by_shape(snake()) == ({}, ())


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


def rigify(python, kind) -> dict:
    script = Path(__file__).parent / "blender" / "rigify_rig.py"
    done = subprocess.run([python, script, kind], capture_output=True, text=True, timeout=300)
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


@pytest.mark.slow
def test_rigify_human_moves_as_its_preset_says_with_fingers():
    pytest.importorskip("bpy", reason="this Python has no bpy")
    seen = rigify(sys.executable, "human")
    check_rigify(seen)
    assert {f"{finger}{i}_{s}" for finger in tables.FINGERS for i in (1, 2, 3) for s in "lr"} <= set(seen["roles"])
