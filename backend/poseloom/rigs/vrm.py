"""The parts that a VRM file itself names: VRM 0 and 1 carry a table of human bones in their JSON.

    roles = roles_from_glb("avatar.vrm")
    found = assigned(rig, roles, "vrm") if roles else recognise(rig)

VRM 0.0 and VRMC_vrm 1.0: https://github.com/vrm-c/vrm-specification
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

from ..errors import BadInput
from .tables import deal_spine

_LIMBS = {
    "Shoulder": "clavicle", "UpperArm": "upper_arm", "LowerArm": "forearm", "Hand": "hand",
    "UpperLeg": "thigh", "LowerLeg": "shin", "Foot": "foot", "Toes": "toe",
}  # fmt: skip
_FINGERS = {"Thumb": "thumb", "Index": "index", "Middle": "middle", "Ring": "ring", "Little": "pinky"}
# from the palm outwards; a thumb has no intermediate bone in VRM 1 and no metacarpal in VRM 0
_PARTS = ("Metacarpal", "Proximal", "Intermediate", "Distal")
_SPINE = ("spine", "chest", "upperChest")


def roles_from_glb(path) -> dict:
    """{joint: (bone, ...)} as the file's VRM or VRMC_vrm extension says; {} where it has neither.

    Bones are the names of the glTF nodes.  Reads .vrm, .glb and .gltf, of which the JSON alone; BadInput "bad_glb"
    where the file is none of these or its table is damaged.
    """
    path = Path(path)
    scene = _scene(path)
    try:
        extensions = scene.get("extensions") or {}
        if "VRMC_vrm" in extensions:
            humans = extensions["VRMC_vrm"]["humanoid"]["humanBones"]
            nodes = {name: entry["node"] for name, entry in humans.items()}
        elif "VRM" in extensions:
            nodes = {entry["bone"]: entry["node"] for entry in extensions["VRM"]["humanoid"]["humanBones"]}
        else:
            return {}
        names = {human: scene["nodes"][node]["name"] for human, node in nodes.items() if node >= 0}
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise _bad(path, "its table of human bones is damaged") from error
    return _roles(names)


def _roles(names: dict) -> dict:
    single = {"hips": "pelvis", "neck": "neck", "head": "head"}
    roles = {joint: (names[human],) for human, joint in single.items() if human in names}
    roles.update(deal_spine(names[human] for human in _SPINE if human in names))
    for word, s in (("left", "l"), ("right", "r")):
        roles.update({f"{j}_{s}": (names[word + h],) for h, j in _LIMBS.items() if word + h in names})
        for human, finger in _FINGERS.items():
            bones = [names[word + human + part] for part in _PARTS if word + human + part in names]
            roles.update({f"{finger}{i}_{s}": (bone,) for i, bone in enumerate(bones[:3], 1)})
    return roles


def _scene(path: Path) -> dict:
    """The glTF JSON of a binary or text file."""
    try:
        with open(path, "rb") as file:
            start = file.read(20)
            if start[:4] == b"glTF":
                if len(start) < 20 or start[16:20] != b"JSON":
                    raise _bad(path, "its first chunk is not JSON")
                text = file.read(struct.unpack_from("<I", start, 12)[0])
            else:
                text = start + file.read()
        scene = json.loads(text)
    except OSError as error:
        why = f'"{path}" cannot be read: {error.strerror}.'
        raise BadInput("no_file", why, "Give a .vrm, .glb or .gltf.") from error
    except ValueError as error:
        raise _bad(path, "it holds no glTF JSON") from error
    if not isinstance(scene, dict):
        raise _bad(path, "it holds no glTF JSON")
    return scene


def _bad(path: Path, why: str) -> BadInput:
    return BadInput("bad_glb", f'"{path.name}" is not a glTF file that can be read: {why}.', "Export it again as GLB.")
