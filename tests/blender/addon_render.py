"""Render with diffusion in the extension: refusals, guides alone, keys alone, and frames as strips where there is a checkpoint.

    addon_render.py ZIP WORK ADDRESS TOKEN [CHECKPOINT]
"""

import sys
from pathlib import Path

import bpy
import session


def main(path, work, address, token, checkpoint=""):
    extension = session.install(path)
    jobs = extension.registration.jobs
    scene = bpy.context.scene
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    hero = session.armature()
    for frame, turn in ((3, 0.0), (9, 0.6)):
        bone = hero.pose.bones["mixamorig:LeftArm"]
        bone.rotation_mode, bone.rotation_euler.x = "XYZ", turn
        bone.keyframe_insert("rotation_euler", frame=frame)
    scene.frame_start, scene.frame_end = 1, 6
    scene.render.fps, scene.render.fps_base = 30, 1.001
    scene.render.resolution_x = scene.render.resolution_y = 64
    chosen = scene.poseloom_filming
    chosen.size, chosen.steps, chosen.folder = 64, 2, str(Path(work) / "frames")
    known = {"backend": address, "token": token, "wait": True}
    chosen.model = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    found = {"refused": [refused(jobs, **known)]}
    data = bpy.data.cameras.new("Shot")
    camera = bpy.data.objects.new("Shot", data)
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0.0, -4.0, 1.0), (1.5708, 0.0, 0.0)
    scene.camera = camera
    found["refused"].append(refused(jobs, **known))
    bpy.ops.poseloom.render(guides_only=True, **known)
    found["guides"] = [jobs.current.outcome, pictures(work)]
    bpy.ops.poseloom.render(guides_only=True, which="KEYS", **known)
    found["keys"] = pictures(work)
    found["refused"].append(refused(jobs, prompt="the hero walks", **known) if not checkpoint else "")
    if checkpoint:
        chosen.prompt, chosen.model, chosen.every = "the hero walks", checkpoint, 2
        bpy.ops.poseloom.render(**known)
        found["first"] = [jobs.current.outcome, strips(scene)]
        scene.frame_end = 8
        bpy.ops.poseloom.render(**known)
        found["more"] = [jobs.current.outcome, strips(scene)]
        scene.frame_current = 2
        bpy.ops.poseloom.render(which="FRAME", **known)
        found["one"] = [jobs.current.outcome, strips(scene)[-1]]
    found["changed"] = [scene.render.engine, scene.camera.name, bpy.data.filepath]
    chosen.model, chosen.prompt, chosen.every, scene.frame_end = "", "", 1, 2
    found["embedded"] = [refused(jobs, **known)]  # an armature without a mesh
    bpy.data.objects.remove(hero)
    bpy.ops.poseloom.add_character(preset="mixamo")
    bpy.ops.poseloom.render(**known)
    strip = compat().strips(scene.sequence_editor)[-1]
    found["embedded"] += [jobs.current.outcome, strips(scene)[-1][1:3], strip["poseloom_licence"], strip["poseloom_model"]]
    preferences = extension.registration.preferences.get()
    preferences.address, preferences.token = address, token
    # last: it opens another file
    found["command"] = commands(extension.registration.cli.main, Path(work), checkpoint)
    return found


def commands(command, work, checkpoint):
    """What `blender --command poseloom render` says and leaves: {name: [exit code, out, err]}."""
    blend, out = work / "shot.blend", work / "by command"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), copy=True)
    words = {
        "guides": [blend, "--guides-only", "--frames", "2,4", "--size", "64", "--body", "25", "--out", out],
        "again": [blend, "--guides-only", "--out", out],
        "no prompt": [blend, "--model", "x/y", "--out", work / "none"],
        "no scene": ["--prompt", "x", "--out", work / "none"],
        "gone": [work / "none.blend", "--guides-only", "--out", work / "none"],
        "pass": [blend, "--guides-only", "--passes", "colour", "--out", work / "none"],
        "pair": [blend, "--prompt", "x", "--set", "steps", "--out", work / "none"],
        "camera": [blend, "--guides-only", "--camera", "Nope", "--out", work / "none"],
        "strip": [blend, "--guides-only", "--strip", work / "strip.blend", "--out", work / "none"],
    }
    if checkpoint:
        words["frames"] = [
            blend, "--prompt", "the hero walks", "--model", checkpoint, "--set", "steps=2", "--size", "64", "--start", "2",
            "--end", "4", "--out", work / "frames by command", "--strip", work / "strip.blend", "--progress", "json",
        ]  # fmt: skip
    said = {name: session.called(command, ["render", *map(str, given)]) for name, given in words.items()}
    if checkpoint:
        with bpy.data.libraries.load(str(work / "strip.blend")) as (there, _):
            said["scenes"] = list(there.scenes)
    said["made"] = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png"))
    return said


def refused(jobs, **words):
    try:
        bpy.ops.poseloom.render(**words)
        return "rendered"
    except RuntimeError:
        return f"{jobs.current.outcome} {jobs.current.hint}"


def pictures(work):
    return sorted(p.stem for p in (Path(work) / "frames").rglob("pose/*.png"))


def compat():
    return sys.modules[f"{session.MODULE}.compat"]


def strips(scene):
    return [
        [s.channel, *compat().strip_range(s), s.get("poseloom_prompt", ""), s["poseloom_model"] != "", len(s.elements)]
        for s in compat().strips(scene.sequence_editor)
    ]


session.run(main)
