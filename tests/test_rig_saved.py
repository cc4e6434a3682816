"""What a user corrects and saves is found again; what a VRM file says of itself is read."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig_records import RECORDS, TREES, anonymous, record, renamed, tree

from poseloom.errors import BadInput
from poseloom.motion.skeleton import FINGERS, JOINTS
from poseloom.rigs import saved, tables
from poseloom.rigs.recognise import assigned, correct, recognise
from poseloom.rigs.vrm import roles_from_glb


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("POSELOOM_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "rigs"


def rig_of(name):
    return tree(name)[0] if name in TREES else record(name)


# the user's own presets


@pytest.mark.parametrize("name", [*RECORDS, *TREES])
def test_a_saved_rig_is_found_again_with_all_it_had(name, folder):
    found = recognise(rig_of(name), "rigify-ik" if name.endswith("rigify_human") else None)
    path = saved.save_preset("My Hero 2", found)
    assert path == folder / "my-hero-2.toml"
    again = recognise(rig_of(name))
    assert again.family == "my-hero-2"
    assert again.rig.roles == found.rig.roles
    assert again.rig.bones == found.rig.bones
    assert again.rig.switches == found.rig.switches and again.deform == found.deform
    np.testing.assert_array_equal(again.rig.parents, found.rig.parents)


def test_an_unnamed_rig_is_known_once_it_is_saved():
    rig = anonymous(record("mixamo"))
    found = recognise(rig)
    assert found.family == "by shape"
    changed = correct(found, {"index1_l": rig.bones[20], "neck": None})
    saved.save_preset("strange", changed)
    again = recognise(rig)
    assert again.family == "strange" and again.rig.roles == changed.rig.roles
    assert "neck" not in again.rig.roles


def test_a_correction_holds_for_the_same_bones_under_another_prefix_and_in_another_order():
    plain = record("unreal")
    swapped = correct(recognise(plain), {"spine1": None, "spine2": "spine_01"})
    saved.save_preset("no low spine", swapped)
    found = recognise(renamed(plain, lambda name: f"Hero:{name}"))
    assert found.family == "no-low-spine" and found.rig.roles["spine2"] == ("Hero:spine_01",)


def test_ours_stays_the_answer_for_rigs_that_a_saved_preset_does_not_fit():
    saved.save_preset("mine", recognise(record("unreal")))
    assert recognise(record("mixamo")).family == "mixamo"
    assert recognise(record("makehuman")).family == "makehuman"


def test_a_few_saved_parts_do_not_take_over_all_rigs_of_that_name():
    found = recognise(record("unreal"))
    gone = [joint for joint in found.rig.roles if joint.startswith(("spine", "neck", "head", "toe"))]
    few = correct(found, dict.fromkeys(gone))
    saved.save_preset("few", few)
    assert recognise(record("unreal")).family == "few"
    assert recognise(record("second/unreal_breast")).family == "unreal"


def test_a_saved_preset_is_asked_for_by_name_replaced_and_deleted(folder):
    rig = record("mixamo")
    saved.save_preset("mine", correct(recognise(rig), {"toe_l": None}))
    assert "toe_l" not in recognise(rig, "mine").rig.roles
    path = saved.save_preset("mine", recognise(rig, "mixamo"))
    assert "toe_l" in recognise(rig).rig.roles and list(folder.iterdir()) == [path]
    path.unlink()
    assert recognise(rig).family == "mixamo"


@pytest.mark.parametrize("text", [
    "", "family = 3", "[[layout]]", "\x00", 'family="x"\nsource="s"\nverified=true\nlayout=7',
])  # fmt: skip
def test_a_saved_preset_that_cannot_be_read_is_a_doubt_and_no_more(folder, text):
    folder.mkdir(parents=True)
    (folder / "broken.toml").write_text(text)
    found = recognise(record("mixamo"))
    assert found.family == "mixamo"
    assert [doubt for doubt in found.doubts if "broken.toml" in doubt] == list(found.doubts) != []


@pytest.mark.parametrize("name", ["mixamo", "Rigify IK", "", "  ", "***"])
def test_names_of_ours_and_no_names_are_refused(name, folder):
    with pytest.raises(BadInput) as caught:
        saved.save_preset(name, recognise(record("mixamo")))
    assert caught.value.code == "preset_name" and not folder.exists()


@given(st.text(min_size=1, max_size=20), st.integers(0, 51))
def test_any_name_of_a_bone_survives(tmp_path_factory, name, at):
    rig = record("mixamo")
    names = list(rig.bones)
    if name in names:
        return
    names[at] = name
    odd = rig.with_(bones=tuple(names))
    found = assigned(odd, {"pelvis": odd.bones[0], **{
        joint: odd.bones[i + 1] for i, joint in enumerate((*JOINTS[1:], *FINGERS[:29]))
    }})  # fmt: skip
    into = tmp_path_factory.mktemp("rigs")
    saved.save_preset("odd", found, into)
    assert recognise(odd, "odd", into).rig.roles == found.rig.roles


def test_a_correction_that_cannot_be_meant_says_why():
    found = recognise(record("mixamo"))
    for changes, said in (
        ({"wing": "mixamorig:Hips"}, 'no part "wing"'), ({"neck": "nowhere"}, 'no bone "nowhere"'),
        ({"pelvis": None}, "no pelvis"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=said):
            correct(found, changes)


def test_a_bone_has_one_part():
    found = correct(recognise(record("mixamo")), {"neck": "mixamorig:Head"})
    assert found.rig.roles["neck"] == ("mixamorig:Head",) and not found.rig.roles.get("head")
    assert "head" in found.missing


# VRM


HUMANS = {
    "hips": "pelvis", "spine": "spine1", "chest": "spine2", "upperChest": "spine3", "neck": "neck", "head": "head",
    **{f"{word}{human}": f"{joint}_{s}" for word, s in (("left", "l"), ("right", "r")) for human, joint in (
        ("Shoulder", "clavicle"), ("UpperArm", "upper_arm"), ("LowerArm", "forearm"), ("Hand", "hand"),
        ("UpperLeg", "thigh"), ("LowerLeg", "shin"), ("Foot", "foot"), ("Toes", "toe"))},
}  # fmt: skip


def scene(version, rig, names) -> dict:
    """glTF JSON of `rig` whose extension says what {human bone: bone} are, in the form of that VRM version."""
    nodes = [{"name": bone} for bone in rig.bones]
    if version == 1:
        table = {human: {"node": rig.index(bone)} for human, bone in names.items()}
        return {"nodes": nodes, "extensions": {"VRMC_vrm": {"specVersion": "1.0", "humanoid": {"humanBones": table}}}}
    table = [{"bone": human, "node": rig.index(bone), "useDefaultValues": True} for human, bone in names.items()]
    return {"nodes": nodes, "extensions": {"VRM": {"specVersion": "0.0", "humanoid": {"humanBones": table}}}}


def glb(table) -> bytes:
    text = json.dumps(table).encode()
    text += b" " * (-len(text) % 4)
    return b"glTF" + struct.pack("<II", 2, 20 + len(text)) + struct.pack("<I4s", len(text), b"JSON") + text


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("ending", ["vrm", "gltf"])
def test_a_vrm_file_tells_its_parts_whatever_the_bones_are_called(tmp_path, version, ending):
    plain = record("mixamo")
    rig = anonymous(plain)
    truth = {joint: (rig.bones[plain.index(bones[0])],) for joint, bones in recognise(plain).rig.roles.items()}
    names = {human: truth[joint][0] for human, joint in HUMANS.items()}
    thumb = ("Proximal", "Intermediate", "Distal") if version == 0 else ("Metacarpal", "Proximal", "Distal")
    for word, s in (("left", "l"), ("right", "r")):
        names.update({f"{word}Thumb{part}": truth[f"thumb{i}_{s}"][0] for i, part in enumerate(thumb, 1)})
        for human, finger in (("Index", "index"), ("Middle", "middle"), ("Ring", "ring"), ("Little", "pinky")):
            for i, part in enumerate(("Proximal", "Intermediate", "Distal"), 1):
                names[f"{word}{human}{part}"] = truth[f"{finger}{i}_{s}"][0]
    path = tmp_path / f"hero.{ending}"
    table = scene(version, rig, names)
    path.write_bytes(glb(table) if ending == "vrm" else json.dumps(table).encode())
    roles = roles_from_glb(path)
    assert roles == truth
    found = assigned(rig, roles, "vrm")
    assert (found.family, found.score, found.doubts) == ("vrm", 1.0, ())


def test_a_glb_without_such_a_table_tells_nothing(tmp_path, data):
    assert roles_from_glb(data / "rigs" / "Knight.glb") == {}


@pytest.mark.parametrize("content", [
    b"", b"glTF", b"hello", b"[1]", glb({"nodes": []})[:28], glb({})[:16] + b"BIN\x00" + glb({})[20:],
    glb({"extensions": {"VRMC_vrm": {}}}), glb({"nodes": [], "extensions": {"VRMC_vrm": {"humanoid": {"humanBones": {
        "hips": {"node": 3}}}}}}), glb({"extensions": {"VRM": {"humanoid": {"humanBones": 4}}}}),
])  # fmt: skip
def test_a_damaged_vrm_file_is_refused_by_name(tmp_path, content):
    (tmp_path / "bad.vrm").write_bytes(content)
    with pytest.raises(BadInput, match="bad.vrm") as caught:
        roles_from_glb(tmp_path / "bad.vrm")
    assert caught.value.code == "bad_glb"


def test_a_vrm_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        roles_from_glb(tmp_path / "none.vrm")


def test_roles_of_ik_controls_are_part_of_the_format():
    layouts = [layout for layout in tables.load() if layout.family == "rigify-ik"]
    assert layouts and all(set(tables.IK) <= set(layout.roles) for layout in layouts)
    assert not any(layout.automatic for layout in layouts)
