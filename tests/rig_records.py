"""Real rigs as arrays: records with geometry in tests/data/rigs (made by backend/studio/record_rigs.py), and trees of
names in tests/data/rigs/trees (written by hand from the sources they name)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from poseloom.motion import quat
from poseloom.motion.skeleton import JOINTS
from poseloom.motion.types import Rig

FOLDER = Path(__file__).parent / "data" / "rigs"
RECORDS = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.json"))
TREES = sorted(path.stem for path in FOLDER.glob("trees/*.txt"))
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
    "makehuman_no_toes": (
        "makehuman", {"pelvis": "root", "shin_r": "lowerleg01.R", "clavicle_l": "clavicle.L", "toe_l": "toe1-1.L"}, (),
    ),
    "cmu": ("cmu", {"spine1": "LowerBack", "upper_arm_l": "LeftArm", "toe_r": "RightToeBase"}, ()),
    "rigify_metarig": (
        "rigify", {"pelvis": "spine", "neck": "spine.005", "head": "spine.006", "index1_r": "f_index.01.R"}, (),
    ),
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
    # another rig of families above
    "second/unreal_breast": ("unreal", {"root": "Root", "shin_l": "calf_l", "index3_r": "index_03_r"}, ()),
    "second/rigify_metarig_toes": ("rigify", {"pelvis": "spine", "toe_l": "toe.L", "neck": "spine.005"}, ()),
    "second/rigify_human": (
        "rigify", {"root": "root", "pelvis": "torso", "forearm_l": "forearm_fk.L", "toe_r": "toe_fk.R"}, (),
    ),
}  # fmt: skip
# clip under $POSELOOM_DATA/mocap: family
CLIPS = {
    "odd/cgspeed_03_01": "cmu", "odd/daz_02_01": "daz", "odd/daz_10_04": "daz",
    "animated_drawings/cmu1/jumping_jacks": "cmu",
    "animated_drawings/fair1/dab": "mixamo", "animated_drawings/fair1/zombie": "mixamo",
    "animated_drawings/rokoko/jesse_dance": "mixamo",
}  # fmt: skip


def tree(name: str) -> tuple:
    """(rig, family, {part: (bone, ...)}) of trees/NAME.txt: names and parents, no geometry; the parts its bones play,
    those of the spine from the hips up under `spine`."""
    notes, above, bones, parents, roles = {}, [], [], [], {}
    for line in (FOLDER / "trees" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# ") and ": " in line:
            key, value = line[2:].split(": ", 1)
            notes[key] = value
        elif line.strip() and not line.startswith("#"):
            bone, _, role = line.strip().partition(" = ")
            depth = len(line) - len(line.lstrip(" "))
            del above[depth:]
            parents.append(above[-1] if above else -1)
            above.append(len(bones))
            bones.append(bone)
            if role:
                roles[role] = roles.get(role, ()) + (bone,)
    rest = np.tile(np.eye(4), (len(bones), 1, 1))
    return Rig(bones, parents, rest, rest[:, :3, 3] + [0.0, 0.1, 0.0], name=name), notes["family"], roles


def whole_spine(roles) -> dict:
    """`roles` with the spine's bones in one, as `tree` has them."""
    spine = sum((roles.get(joint, ()) for joint in ("spine1", "spine2", "spine3")), ())
    rest = {joint: bones for joint, bones in roles.items() if not joint.startswith("spine")}
    return {**rest, "spine": spine} if spine else rest


def record(name: str) -> Rig:
    """The rig called `name`, with the axes that Blender gives bones of these heads, tails and rolls."""
    bones = _read(name)["bones"]
    names = [bone[0] for bone in bones]
    heads, tails = (np.array([bone[i] for bone in bones], float) for i in (2, 3))
    along = tails - heads
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    turn = quat.multiply(
        quat.from_axis_angle(along, np.array([bone[4] for bone in bones])), quat.between([0.0, 1.0, 0.0], along)
    )
    rest = np.tile(np.eye(4), (len(bones), 1, 1))
    rest[:, :3, :3], rest[:, :3, 3] = quat.to_matrix(turn), heads
    number = {bone: i for i, bone in enumerate(names)}
    parents = [number[b[1]] if b[1] else -1 for b in bones]
    return Rig(names, parents, rest, tails, deform=[len(b) < 6 or b[5] for b in bones], name=name)


def shod(name: str) -> Rig:
    """As `record`, with the soles and the head of its mesh where these are recorded."""
    return record(name).with_(soles=_read(name).get("soles", {}))


def _read(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def body(roles) -> dict:
    return {joint: bones for joint, bones in roles.items() if joint in JOINTS}


def numbers(rig) -> dict:
    """{joint: bone numbers} of the body, to compare rigs whose bones are called otherwise."""
    return {joint: tuple(rig.index(b) for b in bones) for joint, bones in body(rig.roles).items()}


def anonymous(rig: Rig) -> Rig:
    count = iter(range(len(rig)))
    return renamed(rig, lambda name: f"Bone.{next(count):03d}")


def renamed(rig: Rig, change) -> Rig:
    """`rig` with every bone called change(name)."""
    return rig.with_(bones=tuple(change(bone) for bone in rig.bones), roles={})
