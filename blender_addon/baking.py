"""The headless bake: a Motion onto a character, into a file, with pictures of it."""

from __future__ import annotations

import time
from pathlib import Path

import bpy
import numpy as np
from poseloom import chains
from poseloom.errors import BadInput
from poseloom.motion.bvh import write_bvh
from poseloom.motion.files import motion_from_bytes, write_confidence
from poseloom.motion.resample import parse_time, resample
from poseloom.progress import part

from .scene import armature, character, confidence, export, faces, files, keying, marks, playblast, rest, roles, strips
from .scene.clock import rate, set_rate


def bake(task: dict, report) -> dict:
    """Put the motion on the character, write what is asked for, tell what was done.

    motion: npz of a Motion · clip: its name · character: as `character_of` ·
    out: .blend, .fbx, .glb or .bvh, or None · game: None, or {"root_bone", "fps"} for a game's file ·
    movie: None, or {"path", "fps", "stored"} for the sequencer ·
    confidence: None, or how that of a motion from a video is kept, as `--confidence`; its contacts become markers then ·
    playblast: None, or {"folder", "size", "step", "yaw_rad", "keep_camera": whether the file has its camera too}.
    """
    clock = Stopwatch()
    report(0.0, "Opening the character")
    obj, ours, pose = character_of(task["character"])
    scene = bpy.context.scene
    motion = motion_from_bytes(Path(task["motion"]).read_bytes())
    if ours:
        motion = motion.with_(fps=set_rate(scene, motion.fps))
    start = 1 if ours else scene.frame_start
    clock.lap("character")

    report(0.2, f"Retargeting to {obj.name}")
    who = task["character"]
    found = roles.standing(obj, who.get("controls", "fk"))
    motion = resample(motion, rate(scene))
    rig_motion, _ = chains.placed_on(motion, found.rig, who.get("root", "hips"), pose)
    switches = {path: float(values[0]) for path, values in rig_motion.props.items()}
    sure = task.get("confidence")
    if sure == "curves":
        rig_motion = confidence.keyed(obj, found.rig, rig_motion, motion)
    rig_motion = faces.put(obj, motion, rig_motion, task["clip"], start + np.arange(len(motion)))
    clock.lap("retarget")
    action = keying.write(
        obj, rig_motion, name=f"{obj.name}|{task['clip']}", start_frame=start, report=part(report, 0.3, 0.4)
    )
    if sure is not None:
        marks.write(action, motion, start)
    if sure == "csv" and task.get("out"):
        write_confidence(Path(task["out"]), motion, range(start, start + len(motion)))
    end = start + len(rig_motion) - 1
    if ours:
        scene.frame_start, scene.frame_end = start, end
    scene.frame_set(start)
    clock.lap("bake")

    if task.get("movie"):
        movie = task["movie"]
        strips.add_movie(scene, movie["path"], start_frame=start, fps=movie["fps"], stored=movie.get("stored"))
    wish, camera = task.get("playblast"), None
    if wish and wish.get("keep_camera"):
        camera = playblast.add_camera(obj, start=start, end=end, size=wish["size"], yaw_rad=wish.get("yaw_rad", 0.0))
    if task.get("out"):
        report(0.4, f"Writing {Path(task['out']).name}")
        write(Path(task["out"]), obj, start, end, part(report, 0.4, 0.5), task.get("game"))
    clock.lap("save")

    pictures = []
    if wish:
        pictures = playblast.render(
            obj, wish["folder"], start=start, end=end, size=wish["size"], step=wish["step"],
            yaw_rad=wish.get("yaw_rad", 0.0), camera=camera, report=part(report, 0.5, 1.0),
        )  # fmt: skip
        clock.lap("playblast")
    report(1.0, "Done")
    return {
        "armature": obj.name,
        "action": action.name,
        "frames": len(rig_motion),
        "fps": rate(scene),
        "start": start,
        "bones_keyed": int(rig_motion.keyed.sum()),
        "family": found.family,
        "score": float(found.score),
        "doubts": list(found.doubts),
        "missing": list(found.missing),
        "switches": switches,
        "pictures": [str(picture) for picture in pictures],
        "seconds": clock.laps,
    }


class Stopwatch:
    """Seconds of each step since the one before."""

    def __init__(self):
        self.laps, self.at = {}, time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(now - self.at, 4)
        self.at = now


def character_of(wish: dict) -> tuple:
    """(armature object, whether the scene is ours to set up, the pose to be taken as its rest or None).

    wish: {"preset"} or {"path", "armature"}; "controls", "root" and "rest" as `pipelines.Character` has them, each
    with its default.  Without "rest" it is the pose that was kept in the file, if any.  "beside": a .blend into whose
    scene the character comes.
    """
    beside = wish.get("beside")
    if wish.get("preset"):
        if wish.get("rest") is not None:
            raise BadInput("no_frames", f'"{wish["preset"]}" is one of ours and has no frames.', "Leave out --rest.")
        if beside:
            files.open_blend(Path(beside))
        else:
            bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        return character.build(wish["preset"]), not beside, None
    if beside:
        obj = files.bring(wish["path"], beside, wish.get("armature"))
        return obj, False, rest.kept(obj)
    path, at = Path(wish["path"]), wish.get("rest")
    blend = path.suffix.lower() == ".blend"
    obj = files.load(path, wish.get("armature"), keep_clips=at is not None)
    pose = _pose_at(obj, at) if at is not None else rest.kept(obj)
    if at is not None and not blend:
        files.forget_clips(obj)
    return obj, not blend, pose


def _pose_at(obj, at: str):
    """What one sees of `obj` at "12", a frame of its scene, or at "1.5s" from the start of that."""
    fps = rate(bpy.context.scene)
    frame = round(parse_time(at, fps) * fps)
    if str(at).endswith("s"):
        frame += bpy.context.scene.frame_start
    return armature.read_motion(obj, frame, frame)


def write(path: Path, obj, start: int, end: int, report, game: dict | None = None) -> None:
    if game is not None:
        export.export_game(
            obj, path, fps=game["fps"], root_bone=game["root_bone"], start=start, end=end, report=report
        )
        return
    if path.suffix.lower() != ".bvh":
        files.save(path, obj)
        return
    rig = armature.deform_skeleton(armature.read(obj))
    write_bvh(path, rig, armature.read_motion(obj, start, end, rig=rig, report=report))
