"""The headless way of key poses onto a character, into a file: they alone are keyed."""

from __future__ import annotations

from pathlib import Path

import bpy
from poseloom.key_poses import Keys, on_rig, picked
from poseloom.motion.files import motion_from_bytes, write_confidence
from poseloom.motion.resample import resample
from poseloom.progress import part

from .baking import Stopwatch, character_of, write
from .scene import confidence, faces, keying, marks, roles
from .scene.clock import rate, set_rate


def pose(task: dict, report) -> dict:
    """Key the poses, write what is asked for, tell what was done.

    motion: npz of a Motion · keys: what of it, as `key_poses.Keys` · clip, character, out, game and confidence: as
    `baking.bake`, the contacts of the whole motion becoming markers where poses are picked of it.
    """
    clock = Stopwatch()
    report(0.0, "Opening the character")
    who = task["character"]
    obj, ours, rest = character_of(who)
    scene = bpy.context.scene
    motion = motion_from_bytes(Path(task["motion"]).read_bytes())
    if ours:
        motion = motion.with_(fps=set_rate(scene, motion.fps))
    clock.lap("character")

    report(0.2, f"Retargeting to {obj.name}")
    found = roles.standing(obj, who.get("controls", "fk"))
    start = 1 if ours else scene.frame_start
    keys = Keys(**task["keys"])
    poses, frames = on_rig(motion, keys, found.rig, rate(scene), start, who.get("root", "hips"), rest)
    switches = {path: float(values[0]) for path, values in poses.props.items()}
    whole = motion if keys.seconds is None else resample(motion, rate(scene))
    said = whole if keys.seconds is None else picked(whole, frames - start)
    sure = task.get("confidence")
    if sure == "curves":
        poses = confidence.keyed(obj, found.rig, poses, said)
    poses = faces.put(obj, said, poses, task["clip"], frames)
    clock.lap("retarget")
    action = keying.write(
        obj, poses, name=f"{obj.name}|{task['clip']}", start_frame=start, frames=frames, report=part(report, 0.4, 0.7)
    )
    if sure is not None and keys.seconds is not None:
        marks.write(action, whole, start)
    if sure == "csv" and task.get("out"):
        write_confidence(Path(task["out"]), said.with_(fps=rate(scene)), frames.tolist())
    first, last = int(frames[0]), int(frames[-1])
    if ours:
        scene.frame_start, scene.frame_end = min(1, first), last
    scene.frame_set(first)
    clock.lap("key")
    report(0.7, f"Writing {Path(task['out']).name}")
    write(Path(task["out"]), obj, first, last, part(report, 0.7, 1.0), task.get("game"))
    clock.lap("save")
    report(1.0, "Done")
    return {
        "armature": obj.name, "action": action.name, "frames": len(poses), "fps": rate(scene), "start": first,
        "keys": [int(frame) for frame in frames], "bones_keyed": int(poses.keyed.sum()), "family": found.family,
        "score": float(found.score), "doubts": list(found.doubts), "missing": list(found.missing),
        "switches": switches, "seconds": clock.laps,
    }  # fmt: skip
