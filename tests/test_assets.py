"""The character and the sample clip that we ship."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, python_of

from poseloom.motion.skeleton import JOINTS, PARENTS
from poseloom.motion.types import CONTACTS

ASSETS = ROOT / "backend" / "poseloom" / "assets"
MIB = 1 << 20
SIDES = ("Left", "Right")

# Names and parents as they stand in MakeHuman's own rig files (rigs/standard/rig.*.json of MPFB2, CC0).
MIXAMO = {"Hips": None, "Spine": "Hips", "Spine1": "Spine", "Spine2": "Spine1", "Neck": "Spine2", "Head": "Neck"}
UNREAL = {"Root": None, "pelvis": "Root", "spine_01": "pelvis", "spine_02": "spine_01", "spine_03": "spine_02",
          "neck_01": "spine_03", "head": "neck_01"}  # fmt: skip
CMU = {"Hips": None, "LowerBack": "Hips", "Spine": "LowerBack", "Spine1": "Spine", "Neck": "Spine1",
       "Neck1": "Neck", "Head": "Neck1"}  # fmt: skip
MAKEHUMAN = {"root": None, "spine05": "root", "spine04": "spine05", "spine03": "spine04", "spine02": "spine03",
             "spine01": "spine02", "neck01": "spine01", "neck02": "neck01", "neck03": "neck02", "head": "neck03",
             "jaw": "head"}  # fmt: skip
for _side in SIDES:
    MIXAMO |= {f"{_side}Shoulder": "Spine2", f"{_side}Arm": f"{_side}Shoulder", f"{_side}ForeArm": f"{_side}Arm",
               f"{_side}Hand": f"{_side}ForeArm", f"{_side}UpLeg": "Hips", f"{_side}Leg": f"{_side}UpLeg",
               f"{_side}Foot": f"{_side}Leg", f"{_side}ToeBase": f"{_side}Foot"}  # fmt: skip
    for _finger in ("Thumb", "Index", "Middle", "Ring", "Pinky"):
        _bones = [f"{_side}Hand{_finger}{i}" for i in (1, 2, 3)]
        MIXAMO |= dict(zip(_bones, [f"{_side}Hand", *_bones]))
    _s = _side[0].lower()
    UNREAL |= {f"clavicle_{_s}": "spine_03", f"upperarm_{_s}": f"clavicle_{_s}", f"lowerarm_{_s}": f"upperarm_{_s}",
               f"hand_{_s}": f"lowerarm_{_s}", f"thigh_{_s}": "pelvis", f"calf_{_s}": f"thigh_{_s}",
               f"foot_{_s}": f"calf_{_s}", f"ball_{_s}": f"foot_{_s}"}  # fmt: skip
    for _finger in ("thumb", "index", "middle", "ring", "pinky"):
        _bones = [f"{_finger}_0{i}_{_s}" for i in (1, 2, 3)]
        UNREAL |= dict(zip(_bones, [f"hand_{_s}", *_bones]))
    _h = _side[0]
    CMU |= {f"{_h}HipJoint": "Hips", f"{_side}UpLeg": f"{_h}HipJoint", f"{_side}Leg": f"{_side}UpLeg",
            f"{_side}Foot": f"{_side}Leg", f"{_side}ToeBase": f"{_side}Foot", f"{_side}Shoulder": "Spine1",
            f"{_side}Arm": f"{_side}Shoulder", f"{_side}ForeArm": f"{_side}Arm", f"{_side}Hand": f"{_side}ForeArm",
            f"{_side}FingerBase": f"{_side}Hand", f"{_side}HandFinger1": f"{_side}FingerBase",
            f"{_h}Thumb": f"{_side}Hand"}  # fmt: skip
    MAKEHUMAN |= {f"clavicle.{_h}": "spine01", f"shoulder01.{_h}": f"clavicle.{_h}",
                  f"upperarm01.{_h}": f"shoulder01.{_h}", f"upperarm02.{_h}": f"upperarm01.{_h}",
                  f"lowerarm01.{_h}": f"upperarm02.{_h}", f"lowerarm02.{_h}": f"lowerarm01.{_h}",
                  f"wrist.{_h}": f"lowerarm02.{_h}", f"pelvis.{_h}": "root", f"upperleg01.{_h}": f"pelvis.{_h}",
                  f"upperleg02.{_h}": f"upperleg01.{_h}", f"lowerleg01.{_h}": f"upperleg02.{_h}",
                  f"lowerleg02.{_h}": f"lowerleg01.{_h}", f"foot.{_h}": f"lowerleg02.{_h}",
                  f"toe1-1.{_h}": f"foot.{_h}", f"finger1-1.{_h}": f"wrist.{_h}",
                  f"finger2-1.{_h}": f"metacarpal1.{_h}", f"metacarpal1.{_h}": f"wrist.{_h}"}  # fmt: skip
# the deform bones that Rigify makes of its basic human
RIGIFY = {f"DEF-spine{i}" for i in ("", *(f".00{n}" for n in range(1, 7)))} | {
    f"DEF-{part}.{side}{half}"
    for side in "LR"
    for part, halves in {
        **dict.fromkeys(("pelvis", "shoulder", "breast", "hand", "foot", "toe"), ("",)),
        **dict.fromkeys(("upper_arm", "forearm", "thigh", "shin"), ("", ".001")),
    }.items()
    for half in halves
}
COUNTS = {"makehuman": 163, "mixamo": 52, "unreal": 53, "cmu": 31, "rigify": 222}
PRESETS = tuple(COUNTS)
VERSIONS = ("bpy42", "bpy50", "bpy52")


@functools.lru_cache(maxsize=None)
def built(preset: str, version: str = "") -> dict:
    """What character_process.py found of a preset, in this Python or in that of .venvs/VERSION."""
    python = python_of(version) if version else Path(sys.executable)
    environment = dict(os.environ)
    link = ROOT / "build" / "addon_path"
    if version:  # other environments have no poseloom installed: the folder under its installed name
        link.mkdir(parents=True, exist_ok=True)
        if not (link / "poseloom_addon").exists():
            (link / "poseloom_addon").symlink_to(ROOT / "blender_addon", target_is_directory=True)
        environment["PYTHONPATH"] = os.pathsep.join([str(link), str(ROOT / "backend")])
    script = Path(__file__).with_name("character_process.py")
    done = subprocess.run(
        [str(python), str(script), preset], capture_output=True, text=True, timeout=120, env=environment
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert lines, f"{preset} was not built ({done.returncode}):\n{done.stderr[-3000:]}"
    return json.loads(lines[-1][len("FOUND ") :])


def check_character(preset, found):
    assert found["type"] == "ARMATURE"
    assert len(found["bones"]) == COUNTS[preset]
    assert set(found["groups"]) <= set(found["deform"])
    np.testing.assert_allclose(found["weight"], 1.0, atol=1e-5)
    assert found["influences"] <= 4
    assert found["rest_error_m"] < 1e-4  # at rest the rig leaves the mesh where it was made
    assert found["low"][2] == pytest.approx(0.0, abs=1e-4) and found["high"][2] == pytest.approx(1.75, abs=1e-4)
    assert not [o for o in found["objects"] if "metarig" in o.lower()]


def check_elbow(found):
    """Bending the left elbow moves the left hand, at +x, and nothing below the hips or on the right."""
    rest, moved = np.array(found["rest"]), np.linalg.norm(found["moved"], axis=1)
    hand = rest[:, 0] > 0.50
    assert hand.sum() > 100 and moved[hand].min() > 0.10
    assert moved[(rest[:, 0] < -0.05) | (rest[:, 2] < 0.75)].max() < 1e-4
    assert moved.max() < 0.6


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_a_skinned_character(preset):
    check_character(preset, built(preset))


@pytest.mark.parametrize("preset", PRESETS)
def test_bending_the_elbow_moves_the_hand_alone(preset):
    check_elbow(built(preset))


@pytest.mark.matrix
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("preset", PRESETS)
def test_characters_are_the_same_in_other_blender_versions(preset, version):
    found = built(preset, version)
    check_character(preset, found)
    check_elbow(found)
    assert found["bones"] == built(preset)["bones"]
    np.testing.assert_allclose(found["rest"], built(preset)["rest"], atol=1e-6)


@pytest.mark.parametrize("preset", ["mixamo", "unreal", "cmu"])
def test_bones_have_the_names_and_parents_of_their_family(preset):
    record = {"unreal": UNREAL, "cmu": CMU}.get(preset)
    if record is None:
        record = {f"mixamorig:{b}": p and f"mixamorig:{p}" for b, p in MIXAMO.items()}
    assert built(preset)["bones"] == record


def test_makehuman_bones_have_the_names_and_parents_of_the_default_rig():
    bones = built("makehuman")["bones"]
    assert {name: bones.get(name, "missing") for name in MAKEHUMAN} == MAKEHUMAN


def test_rigify_deforms_by_the_bones_of_the_basic_human():
    found = built("rigify")
    assert set(found["deform"]) == RIGIFY
    assert {"torso", "hand_ik.L", "upper_arm_fk.L", "thigh_parent.R"} <= set(found["bones"])


def test_the_character_wears_clothes():
    body = np.load(ASSETS / "body.npz")
    names = body["region_names"].tolist()
    assert set(built("makehuman")["materials"]) == set(names)
    ends = np.cumsum(body["sizes"].astype(int))
    centre = np.array([body["vertices"][face].mean(0) for face in np.split(body["loops"].astype(int), ends[:-1])])

    def heights(region):
        z = centre[body["regions"] == names.index(region), 2]
        return z.min(), z.max()

    assert heights("soles")[0] < 0.01 and heights("soles")[1] < 0.05
    assert heights("shoes")[1] < heights("trousers")[1] and heights("trousers")[0] < 0.12
    assert heights("trousers")[1] > heights("shirt")[0] + 0.02  # tucked under: no bare belly
    assert heights("hair")[1] > 1.7 and heights("eyes")[0] > 1.55
    # skin only on head and neck, and on the arms below the sleeves
    skin = centre[body["regions"] == names.index("skin")]
    assert ((skin[:, 2] > 1.33) | (np.abs(skin[:, 0]) > 0.22)).all()


def test_what_we_ship_is_small_and_has_its_licence():
    sizes = {p.name: p.stat().st_size for p in ASSETS.iterdir() if p.is_file()}
    assert sizes["body.npz"] < 2 * MIB and sizes["sample.mp4"] < 2_000_000
    assert sum(sizes.values()) < 6 * MIB
    licences = (ASSETS / "LICENCES.md").read_text(encoding="utf-8")
    for name in sizes:
        assert name in licences or name in ("__init__.py", "LICENCES.md"), f"{name} has no licence line"


@pytest.fixture(scope="module")
def truth():
    with np.load(ASSETS / "sample_truth.npz", allow_pickle=False) as npz:
        return {key: npz[key] for key in npz.files}


def joint(truth, name):
    return truth["gpos"][:, JOINTS.index(name)].astype(float)


def test_truth_is_whole(truth):
    frames = len(truth["gpos"])
    assert truth["names"].tolist() == list(JOINTS)
    assert truth["gpos"].shape == (frames, 22, 3) and truth["xy"].shape == (frames, 22, 2)
    assert truth["contact"].shape == (frames, len(CONTACTS))
    assert set(np.unique(truth["contact"])) == {0.0, 1.0}
    assert 4.0 <= frames / float(truth["fps"]) <= 6.0
    for key in ("gpos", "xy", "K", "world"):
        assert np.isfinite(truth[key]).all()


def test_truth_has_constant_bones(truth):
    for child, parent in enumerate(PARENTS):
        # the hips and what hangs on the spine in several bones may bend between two joints
        if JOINTS[child].split("_")[0] in ("shin", "foot", "toe", "forearm", "hand", "upper"):
            length = np.linalg.norm(truth["gpos"][:, child] - truth["gpos"][:, parent], axis=-1)
            assert np.ptp(length) < 0.001, JOINTS[child]


def test_truth_lies_within_the_picture(truth):
    """A pinhole camera written anew here sees every joint of every frame, and where the file says."""
    (fx, _, cx), (_, fy, cy), _ = truth["K"]
    eye = np.einsum("ij,tkj->tki", np.linalg.inv(truth["world"])[:3, :3], truth["gpos"] - truth["world"][:3, 3])
    assert (eye[..., 2] < -1.0).all()  # in front of the camera, which looks along -Z
    xy = np.stack([cx - fx * eye[..., 0] / eye[..., 2], cy + fy * eye[..., 1] / eye[..., 2]], -1)
    np.testing.assert_allclose(truth["xy"], xy, atol=1e-3)
    assert (xy > 10.0).all() and (xy < np.array(truth["size"]) - 10.0).all()
    head, foot = JOINTS.index("head"), JOINTS.index("foot_l")
    assert (xy[:, head, 1] < xy[:, foot, 1]).all()  # upright


def test_sample_is_no_easy_clip(truth):
    pelvis = joint(truth, "pelvis")
    assert np.linalg.norm(np.ptp(pelvis[:, :2], axis=0)) > 1.5
    left = joint(truth, "thigh_l") - joint(truth, "thigh_r")
    yaw = np.unwrap(np.arctan2(left[:, 1], left[:, 0]))
    assert np.degrees(np.ptp(yaw)) > 90.0
    assert abs(np.degrees(yaw[0])) < 15.0  # it faces -Y at first
    across = joint(truth, "upper_arm_l") - joint(truth, "upper_arm_r")
    middle = (joint(truth, "upper_arm_l") + joint(truth, "upper_arm_r")) / 2
    beyond = ((joint(truth, "hand_r") - middle) * across).sum(-1) / np.linalg.norm(across, axis=-1)
    assert beyond.max() > 0.05  # the right hand well on the left side of the chest
    down = -truth["world"][:3, 2]
    assert np.degrees(np.arcsin(-down[2])) == pytest.approx(10.0, abs=0.1)


def test_true_contacts_rest_on_the_floor(truth):
    for side in (0, 1):
        toe = joint(truth, ("toe_l", "toe_r")[side])
        speed = np.linalg.norm(np.gradient(toe, 1 / float(truth["fps"]), axis=0), axis=-1)
        rests = truth["contact"][:, 2 + side] > 0.5
        assert rests.mean() > 0.15 and toe[rests, 2].max() < 0.10 and speed[rests].max() < 0.6
        assert (speed > 1.0).any()  # and it does step
    assert not truth["contact"][:, 4:].any()


def test_a_person_is_seen_in_the_sample_clip(truth):
    """The estimator finds somebody in 98 % of the frames, where the truth says he is."""
    from poseloom import pose
    from poseloom.media import open_clip

    clip = open_clip(ASSETS / "sample.mp4")
    seen = pose.load("mediapipe")()(clip, lambda fraction, text: None)[0]
    assert seen.size == tuple(truth["size"]) and len(seen) == len(truth["gpos"])
    assert seen.fps == pytest.approx(float(truth["fps"]))
    there = np.isfinite(seen.xy).all((1, 2))
    assert there.mean() >= 0.98
    # shoulders, elbows, wrists, knees, ankles of the BlazePose layout
    landmarks = {"upper_arm": 11, "forearm": 13, "hand": 15, "shin": 25, "foot": 27}
    away = [
        np.linalg.norm(seen.xy[there, index + right] - truth["xy"][there, JOINTS.index(f"{name}_{side}")], axis=-1)
        for name, index in landmarks.items()
        for right, side in enumerate("lr")
    ]
    assert np.median(away) < 12.0
