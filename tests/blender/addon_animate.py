"""Animate against a real backend that the extension finds, starts and stops itself."""

import time
from pathlib import Path

import bpy
import session


def main(path, video):
    extension = session.install(path)
    from poseloom.motion.files import motion_from_bytes

    jobs, backend = extension.registration.jobs, extension.registration.backend.backend
    hero = session.armature("Hero")
    bpy.context.scene.frame_set(11)
    result = {"refused": _refusals()}

    result["states"] = [backend.look(backend.choice()).state]
    started_s = time.monotonic()
    bpy.ops.poseloom.start_backend()
    result["start_s"] = time.monotonic() - started_s
    result["states"].append(backend.look(backend.choice()).state)
    address = backend.find(backend.choice()).address
    try:
        result["refused"] |= {
            "wrong token": said(video=video, backend=address, token="wrong"),
            "not a video": said(video=__file__),
        }
        result["actions"] = action_names()
        bpy.ops.poseloom.animate(video=video, end="12", height_m=1.7)
        action = hero.animation_data.action
        curves = session.fcurves(action)
        kept = Path(jobs.motion_path)
        motion = motion_from_bytes(kept.read_bytes())
        result |= {
            "action": action.name,
            "first": min(k[0] for keys in curves.values() for k in keys),
            "frames": len(motion),
            "kept": kept.is_relative_to(bpy.utils.resource_path("USER")) or str(kept),
            "difference": session.difference(hero, curves, motion),
            "outcome": jobs.current.outcome,
        }
        bpy.ops.ed.undo()
        result["undone"] = action_names() == []
        other = session.armature("Other")
        bpy.ops.poseloom.apply_motion(at_playhead=False, start_frame=3)
        result["again"] = [other.animation_data.action.name, jobs.current.state]
        result["cancelled"] = _cancel(jobs, backend, video)
    finally:
        bpy.ops.poseloom.stop_backend()
    result["states"].append(backend.look(backend.choice()).state)
    return result


def action_names():
    return [action.name for action in bpy.data.actions]


def said(**values):
    """What Animate complains of."""
    try:
        bpy.ops.poseloom.animate(**values)
    except RuntimeError as error:
        return str(error)
    return ""


def _refusals():
    """What Animate says where it can't."""
    found = {
        "no video": said(),
        "no file": said(video="/nowhere/dance.mp4"),
        "no armature": said(video=__file__, armature="Nobody"),
        "offline": said(video=__file__, backend="http://192.0.2.1:8797"),
        "no backend": said(video=__file__, backend="http://127.0.0.1:9", token="any"),
    }
    bpy.context.view_layer.objects.active = None
    found["nothing selected"] = said(video=__file__)
    bpy.context.view_layer.objects.active = bpy.data.objects["Hero"]
    return found


def _cancel(jobs, backend, video):
    """A job in the background, cancelled while it runs: how it ended and how long that took."""
    choice = backend.choice()
    running = backend.find(choice)
    jobs.start("Cancel me", lambda report: backend.animate(running, video, {}, report), lambda data: "landed")
    while jobs.current.fraction == 0.0 and jobs.running():
        jobs._tick()
        time.sleep(0.02)
    asked_s = time.monotonic()
    jobs.cancel()
    while jobs.running():
        jobs._tick()
        time.sleep(0.02)
    return [jobs.current.state, time.monotonic() - asked_s, [job.state for job in running.jobs()][0]]


session.run(main)
