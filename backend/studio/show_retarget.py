"""Draws the picture of retargeting: frames of motion capture on several rigs, the source's skeleton first.

    python backend/studio/show_retarget.py CLIPS --data FOLDER [--out docs/pictures/retarget_rigs.png]

CLIPS holds CMU clips at 30 frames a second as SUBJECT/TRIAL.bvh, FOLDER/rigs the characters in files.  A row is a
shot NAME:TRIAL:FRAME[:YAW], a column a rig; the camera stands where the source faces, turned by TURN_DEG, or at YAW
degrees, the same for a whole row.  Every clip is retargeted whole and keyed, so what is drawn is what one gets.  For a
close look at any frames:

    ... --shots a:49_06:50:90 b:49_06:54:90 --rigs mixamo --cell 500 700 --out /tmp/close.png

Prints for each cell, from the evaluated pose: the worst angle between directions of limbs here and in the source, the
worst turn of a hand or foot from the source's, by how much knees and elbows bend out of the source's plane, the
difference of heading, all in degrees, and how high the mesh's lowest point is, in mm of the character's own size.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import traceback
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector
from PIL import Image, ImageDraw, ImageFont
from poseloom_addon.scene import armature, character, files, keying, playblast, roles

from poseloom import chains
from poseloom.motion.bvh import read_bvh
from poseloom.motion.quat import angle
from poseloom.motion.skeleton import global_rotations
from poseloom.retarget import from_rig
from poseloom.retarget.pose import Posed

FPS = 30
SHOTS = ("walk:29_01:47", "run:09_01:20", "cartwheel:49_06:63", "punch:02_05:215", "sit:14_32:155")
RIGS = {"rigify": "Rigify", "mixamo": "Mixamo", "unreal": "Unreal",
        "Knight.glb": "Knight", "RobotExpressive.glb": "RobotExpressive"}  # fmt: skip
TURN_DEG = 35.0
HEAD_PX, SIDE_PX, COLOURS_KEPT = 26, 84, 96
COLOURS = {"l": (0.85, 0.30, 0.05), "r": (0.05, 0.25, 0.75), "": (0.15, 0.15, 0.15)}
LIMBS = [(f"{a}_{s}", f"{b}_{s}") for s in "lr" for a, b in
         (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))]  # fmt: skip
BENDS = [(f"{a}_{s}", f"{b}_{s}", f"{c}_{s}") for s in "lr"
         for a, b, c in (("thigh", "shin", "foot"), ("upper_arm", "forearm", "hand"))]  # fmt: skip


class Source:
    """A clip: its canonical motion, and its own skeleton in metres on the same floor."""

    def __init__(self, folder: Path, trial: str):
        rig, recorded = read_bvh(folder / trial[:-3] / f"{trial}.bvh")
        motion, found = chains.clip_to_motion(rig, recorded)
        self.motion, self.rig, self.posed = motion.with_(fps=FPS), found.rig, Posed(found.rig, recorded)
        self.at = joints(self.rig, self.posed)
        self.shift = np.array([0.0, 0.0, self.motion.root[0, 2] - self.at["pelvis"][0, 2]])

    def sticks(self, frame: int):
        """(head, tail, side) of every bone."""
        rig = self.rig
        side = {bones[0]: joint[-1] for joint, bones in rig.roles.items() if joint[-2:] in ("_l", "_r")}
        heads = np.stack([self.posed.head(b)[frame] for b in range(len(rig.bones))])
        heads = heads @ rig.world[:3, :3].T + rig.world[:3, 3] + self.shift
        for b, parent in enumerate(rig.parents):
            if parent >= 0:
                yield heads[parent], heads[b], side.get(rig.bones[parent], "")

    def yaw_rad(self, frame: int) -> float:
        left = (self.at["thigh_l"] - self.at["thigh_r"])[frame]
        return math.atan2(left[1], left[0]) + math.radians(TURN_DEG)


def joints(rig, posed) -> dict:
    """{joint: (T,3)} in metres of the world."""
    heads = {joint: posed.head(rig.index(bones[0])) for joint, bones in rig.roles.items()}
    return {joint: head @ rig.world[:3, :3].T + rig.world[:3, 3] for joint, head in heads.items()}


def stick_figure(source: Source, frame: int):
    """An object with a mesh: the left side orange, the right one blue."""
    import bmesh  # is there only once bpy is
    holder = bpy.data.objects.new("source", None)
    bpy.context.scene.collection.objects.link(holder)
    for side, colour in COLOURS.items():
        shape = bmesh.new()
        for head, tail, of in source.sticks(frame):
            along = Vector(tail - head)
            if of != side or along.length < 1e-4:
                continue
            at = Matrix.LocRotScale(Vector((head + tail) / 2.0), along.to_track_quat("Z", "Y"), None)
            bmesh.ops.create_cone(shape, segments=8, radius1=0.02, radius2=0.02, depth=along.length, matrix=at)
            for place in (head, tail):
                bmesh.ops.create_icosphere(shape, subdivisions=2, radius=0.03, matrix=Matrix.Translation(Vector(place)))
        mesh = bpy.data.meshes.new(f"sticks {side}")
        shape.to_mesh(mesh)
        mesh.materials.append(bpy.data.materials.new(mesh.name))
        mesh.materials[0].diffuse_color = (*colour, 1.0)
        made = bpy.data.objects.new(mesh.name, mesh)
        made.parent = holder
        bpy.context.scene.collection.objects.link(made)
    return holder


def opened(rig: str, data: Path):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj = files.load(data / "rigs" / rig) if rig.endswith(".glb") else character.build(rig)
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = FPS, 1.0
    return obj


def drawn(obj, frame: int, yaw_rad: float, size) -> Image.Image:
    """The scene at `frame`, and nothing left of camera and floor."""
    before = set(bpy.data.objects)
    with tempfile.TemporaryDirectory() as folder:
        pictures = playblast.render(obj, folder, start=frame, end=frame, size=size, yaw_rad=yaw_rad)
        image = Image.open(pictures[0]).convert("RGB")
    for added in set(bpy.data.objects) - before:
        bpy.data.objects.remove(added)
    return image


def told(source: Source, frame: int, obj, found) -> str:
    """How far the evaluated pose is from the source's."""
    seen = armature.read_motion(obj, frame, frame, rig=found.rig)
    here, there = joints(found.rig, Posed(found.rig, seen)), {j: p[frame : frame + 1] for j, p in source.at.items()}

    def between(u, v):
        return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v)), np.dot(u, v))))

    def worst(of):
        return "{} {:.1f}".format(*max(of.items(), key=lambda item: item[1], default=("-", 0.0)))

    limbs = {a: between((here[b] - here[a])[0], (there[b] - there[a])[0]) for a, b in LIMBS if a in here and b in here}
    bent = {b: between(*(np.cross((at[b] - at[a])[0], (at[c] - at[b])[0]) for at in (here, there))) for a, b, c in BENDS
            if c in here and between((there[b] - there[a])[0], (there[c] - there[b])[0]) > 8.0}  # fmt: skip
    back = from_rig(seen, found.rig)
    a, b = (global_rotations(m.lrot, m.skeleton.parents) for m in (back, source.motion))
    ends = {j: float(np.degrees(angle(a[0, back.skeleton.index(j)], b[frame, source.motion.skeleton.index(j)])))
            for j in ("hand_l", "hand_r", "foot_l", "foot_r", "head") if j in found.rig.roles}  # fmt: skip
    heading = between(*((at["thigh_l"] - at["thigh_r"])[0] * [1, 1, 0] for at in (here, there)))
    low = 1e3 * playblast._points(obj, frame, frame)[:, 2].min()
    return f"limb {worst(limbs)} | end {worst(ends)} | bend {worst(bent)} | heading {heading:.1f} | low {low:.0f}"


def sheet(cells: dict, shots, columns, size, out: Path) -> None:
    """All pictures with their labels in one PNG of few colours."""
    page = Image.new("RGB", (SIDE_PX + size[0] * len(columns), HEAD_PX + size[1] * len(shots)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for x, label in enumerate(columns):
        pen.text((SIDE_PX + (x + 0.5) * size[0], HEAD_PX / 2), label, "black", font, anchor="mm")
        for y, (name, trial, frame, *_) in enumerate(shots):
            page.paste(cells[label, y], (SIDE_PX + x * size[0], HEAD_PX + y * size[1]))
            text = "" if x else f"{name}\n{trial}\nframe {frame}"
            pen.multiline_text((SIDE_PX / 2, HEAD_PX + (y + 0.5) * size[1]), text, "black", font, "mm", align="center")
    page.quantize(COLOURS_KEPT, dither=Image.Dither.NONE).save(out, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/retarget_rigs.png"))
    parser.add_argument("--shots", nargs="+", default=SHOTS)
    parser.add_argument("--rigs", nargs="+", default=RIGS, choices=RIGS)
    parser.add_argument("--cell", nargs=2, type=int, default=(200, 250))
    args = parser.parse_args()
    shots = [shot.split(":") for shot in args.shots]
    sources = {trial: Source(args.clips, trial) for trial in dict.fromkeys(shot[1] for shot in shots)}
    cells = {}
    for rig in [None, *args.rigs]:
        obj, playing = rig and opened(rig, args.data), None
        for y, (name, trial, at, *yaw) in enumerate(shots):
            source, frame = sources[trial], int(at)
            yaw_rad = math.radians(float(yaw[0])) if yaw else source.yaw_rad(frame)
            if rig is None:
                bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
                cells["source", y] = drawn(stick_figure(source, frame), frame, yaw_rad, args.cell)
                continue
            if playing != trial:
                found = roles.standing(obj)
                motion, _ = chains.placed_on(source.motion, found.rig)
                keying.write(obj, motion, name=trial, start_frame=0, keep_previous="fake_user")
                playing = trial
            print(f"{RIGS[rig]:16}{name:10}", told(source, frame, obj, found), flush=True)
            cells[RIGS[rig], y] = drawn(obj, frame, yaw_rad, args.cell)
    sheet(cells, shots, ["source", *(RIGS[rig] for rig in args.rigs)], args.cell, args.out)


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # Blender as a module hangs or crashes where Python ends by itself
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    os._exit(0)
