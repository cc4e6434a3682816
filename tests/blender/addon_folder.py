"""A folder of clips on the active armature: with a bad one, cancelled in the middle, reverted, undone."""

import time
from pathlib import Path

import bpy
import session


def main(path, work):
    extension = session.install(path)
    jobs = extension.registration.jobs
    work, result = Path(work), {}
    clips = work / "clips"
    (clips / "below").mkdir(parents=True)
    for name, frames in (("a", 20), ("b", 30), ("below/d", 10)):
        session.bvh(clips / f"{name}.bvh", frames=frames)
    (clips / "c.bvh").write_text("HIERARCHY\nROOT hips\n{\n")
    (clips / "notes.txt").write_text("not a clip")

    hero = session.armature("Hero")
    hero.keyframe_insert("location", frame=1)
    bpy.context.scene.frame_set(3)
    bpy.ops.ed.undo_push(message="Before")
    result["before"] = _actions()
    bpy.ops.poseloom.retarget_folder(directory=str(clips), wait=True)
    result["made"] = _actions()
    result["said"] = jobs.current.outcome
    result["active"] = hero.animation_data.action.name
    curves = session.fcurves(bpy.data.actions["Hero|b"])
    from poseloom import chains
    from poseloom.motion.bvh import read_bvh

    result["difference"] = session.difference(hero, curves, chains.clip_to_motion(*read_bvh(clips / "b.bvh"))[0])
    bpy.ops.ed.undo()
    result["undone"] = _actions()
    bpy.ops.ed.redo()
    hero = bpy.data.objects["Hero"]
    bpy.ops.poseloom.revert()
    result["reverted"] = [_actions(), hero.animation_data.action.name, len(hero.animation_data.nla_tracks)]
    bpy.ops.poseloom.retarget_folder(directory=str(clips), below=True, wait=True)
    result["below"] = len(_actions())
    bpy.ops.poseloom.revert()

    for k in range(30):
        session.bvh(clips / f"e{k:02}.bvh", frames=60)
    result["cancelled"] = _cancel(clips, extension, jobs)
    result["empty"] = _said(work)
    result["nowhere"] = _said(work / "nowhere")
    return result


def _cancel(clips, extension, jobs):
    """As in a window: the job's timer is called by hand, and Cancel pressed after three actions."""
    import importlib
    from types import SimpleNamespace

    folder = importlib.import_module(f"{session.MODULE}.operators.folder")
    backend = importlib.import_module(f"{session.MODULE}.operators.backend")
    operator = SimpleNamespace(
        armature="", directory=str(clips), below=False, wait=False, report=lambda level, text: None
    )
    # bpy.app.background is what makes `run` wait; a job is started as a window would
    folder.run = lambda op, title, work, then, wait, ready, **more: jobs.start(title, work, then, ready, **more)
    folder.POSELOOM_OT_retarget_folder.execute(operator, bpy.context)
    folder.run = backend.run
    before = len(bpy.data.actions)
    end = time.monotonic() + 60.0
    while jobs.running() and time.monotonic() < end:
        jobs._tick()
        if len(bpy.data.actions) - before >= 3:
            started = time.monotonic()
            jobs.cancel()
        time.sleep(0.01)
    seconds = time.monotonic() - started
    made = [action for action in bpy.data.actions if action.name.startswith("Hero|")]
    whole = all(len(session.fcurves(action)) > 60 for action in made)
    found = [jobs.current.state, len(made), whole, jobs.current.hint, seconds]
    bpy.ops.poseloom.revert()
    return [*found, len([action for action in bpy.data.actions if action.name.startswith("Hero|")])]


def _actions():
    return sorted(action.name for action in bpy.data.actions)


def _said(folder):
    try:
        bpy.ops.poseloom.retarget_folder(directory=str(folder), wait=True)
    except RuntimeError as error:
        return str(error)
    return ""


session.run(main)
