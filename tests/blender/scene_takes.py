"""What a character's Action is called in exported files, where it begins there, and what the export left changed."""

import loose  # noqa: F401  isort: skip
import json
import struct
from pathlib import Path

import bpy
from poseloom import chains
from poseloom.errors import BadInput
from poseloom_addon import compat
from poseloom_addon.scene import armature, files, keying
from session import armature as hero
from session import fcurves, run, walk

START, FRAMES = 7, 12


def main(folder):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj = hero()
    keys, _ = chains.motion_to_rig(walk(FRAMES), armature.read(obj), 30.0)
    bpy.context.scene.render.fps = 30
    for clip in ("before", "walk"):  # the first is kept in a track of its own
        keying.write(obj, keys, name=f"{obj.name}|{clip}", start_frame=START)
    obj.animation_data.nla_tracks[0].mute = False
    obj.animation_data.nla_tracks[0].is_solo = True
    before = state(obj)
    made = {}
    for ending in (".fbx", ".glb"):
        files.save(Path(folder) / f"out{ending}", obj)
        assert state(obj) == before, (state(obj), before)
    made["glb"] = glb(Path(folder) / "out.glb")
    made["refused"] = {ending: refusal(f"/proc/out{ending}", obj) for ending in (".blend", ".fbx", ".glb")}
    for ending, read in ((".fbx", bpy.ops.import_scene.fbx), (".glb", bpy.ops.import_scene.gltf)):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.context.scene.render.fps = 30
        read(filepath=str(Path(folder) / f"out{ending}"))
        made[ending] = [[a.name, *a.frame_range] for a in bpy.data.actions if len(fcurves(a)) > 1]
    return made


def state(obj):
    animation = obj.animation_data
    slot = compat.assigned_slot(animation)
    tracks = [(t.name, t.mute, t.is_solo, len(t.strips)) for t in animation.nla_tracks]
    return animation.action.name, slot.identifier if slot else None, animation.use_nla, tracks


def glb(path):
    """[name, first and last time in s] of each animation, by its JSON."""
    with open(path, "rb") as file:
        file.seek(12)
        scene = json.loads(file.read(struct.unpack("<II", file.read(8))[0]))
    made = []
    for animation in scene["animations"]:
        times = [scene["accessors"][sampler["input"]] for sampler in animation["samplers"]]
        made.append([animation["name"], min(t["min"][0] for t in times), max(t["max"][0] for t in times)])
    return made


def refusal(path, obj):
    try:
        files.save(path, obj)
    except BadInput as error:
        return str(error)
    return ""


run(main)
