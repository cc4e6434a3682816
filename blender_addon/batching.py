"""The headless batch: one character stays loaded, clip after clip goes onto it and into a file of its own."""

from __future__ import annotations

from pathlib import Path

import bpy
from poseloom import chains
from poseloom.errors import BadInput, Cancelled, PoseloomError, told
from poseloom.motion.files import motion_to_bytes
from poseloom.motion.resample import resample
from poseloom.progress import part

from . import baking
from .scene import keying, notes, roles
from .scene import takes as scene_takes

_loaded: list = []  # (armature object, whether the scene is ours, Recognition, root, rest) of this process


def load(task: dict, report) -> dict:
    """Open task["character"], as `baking.bake` does; what a report tells of its rig."""
    report(0.0, "Opening the character")
    who = task["character"]
    obj, ours, rest = baking.character_of(who)
    keying.check_editable(obj)
    found = roles.standing(obj, who.get("controls", "fk"))
    _loaded[:] = [obj, ours, found, who.get("root", "hips"), rest]
    return {**chains.told_of(found), "armature": obj.name}


def retarget(task: dict, report) -> dict:
    """The clip task["clip"], cut and resampled, onto the character and into the file task["staged"]: its row.

    Afterwards the character is as it was loaded.
    """
    obj, ours, found, root, rest = _loaded
    scene = bpy.context.scene
    before = (scene.frame_start, scene.frame_end, scene.frame_current, scene.render.fps, scene.render.fps_base)
    report(0.0, f"Reading {Path(task['clip']).name}")
    reading = chains.Reading(**task.get("reading", {}))
    motion, row = chains.cut_clip(task["clip"], task["start"], task["end"], task["fps"], reading)
    if len(motion) > bpy.types.Scene.bl_rna.properties["frame_end"].hard_max - scene.frame_start:
        raise BadInput("too_long", f"{Path(task['clip']).name} has more frames than Blender can number.", "Cut it.")
    if ours:
        motion = motion.with_(fps=baking.set_rate(scene, motion.fps))
    motion = resample(motion, baking.rate(scene))
    report(0.2, f"Retargeting to {obj.name}")
    rig_motion, measures = chains.onto(motion, found, root, rest)
    start = 1 if ours else scene.frame_start
    action = keying.write(
        obj, rig_motion, name=f"{obj.name}|{task['name']}", start_frame=start, report=part(report, 0.3, 0.5)
    )
    try:
        if ours:
            scene.frame_start, scene.frame_end = start, start + len(rig_motion) - 1
        scene.frame_set(start)
        report(0.5, f"Writing {Path(task['out']).name}")
        end, wish = start + len(rig_motion) - 1, task.get("game")
        baking.write(Path(task["staged"]), obj, start, end, part(report, 0.5, 1.0), wish)
    finally:
        _take_off(obj, action)
        scene.frame_start, scene.frame_end, scene.frame_current, scene.render.fps, scene.render.fps_base = before
    return {**row, **measures, "bones_keyed": int(rig_motion.keyed.sum()), "action": f"{obj.name}|{task['name']}"}


def takes(task: dict, report) -> dict:
    """Every take of the file task["clip"] as a Motion in the folder task["folder"].

    {"takes": [{take, npz, score}], "refused": [{take, error}]}, the errors as `errors.told` of those that cannot be
    read.  task["take"] names the only one that is wanted, if any; task["reading"] is a `chains.Reading`'s fields.
    """
    path, found, refused = Path(task["clip"]), [], []
    reading = chains.Reading(**task.get("reading", {}))
    for i, (take, rig, read) in enumerate(scene_takes.read(path, None, task.get("take"), report)):
        try:
            motion, recognised = chains.take_to_motion(rig, read(), reading)
        except Cancelled:
            raise
        except PoseloomError as error:
            refused.append({"take": take, "error": told(error)})
            continue
        npz = Path(task["folder"]) / f"{i}.npz"
        npz.write_bytes(motion_to_bytes(motion))
        found.append({"take": take, "npz": str(npz), **chains.told_of(recognised)})
    return {"takes": found, "refused": refused}


def take_names(task: dict, report) -> dict:
    """{"takes": the names of the takes of the file task["clip"]}."""
    report(0.0, f"Reading {Path(task['clip']).name}")
    return {"takes": scene_takes.names(Path(task["clip"]))}


def _take_off(obj, action) -> None:
    """The Action is gone from the file, and the character plays and stands as before it."""
    note, animation = notes.run_of(action), obj.animation_data
    animation.action = None
    if "track" in note.keys():
        animation.nla_tracks.remove(animation.nla_tracks[note["track"]])
    notes.put_back(note, obj)
    if note["first"]:
        obj.animation_data_clear()
    bpy.data.actions.remove(action)
