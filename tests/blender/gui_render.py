"""Run by shot.sh in Blender's window: frames of a walk are rendered from the panel, a second run is cancelled, undone.

    gui_render.py WORK CHECKPOINT COMMAND...

COMMAND starts the backend, beside this Blender.  Pictures go to WORK: viewport, running, sequencer.  What is measured
goes to render.json.
"""

import importlib
import json
import sys
import time
from pathlib import Path

import bpy
import session


def main():
    work, checkpoint, *command = sys.argv[1:]
    registration = sys.modules[session.MODULE].registration
    jobs, compat = registration.jobs, sys.modules[f"{session.MODULE}.compat"]
    registration.preferences.get().backend_command = " ".join(command)
    scene, window = bpy.context.scene, bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    _scene(scene, compat)
    _open(registration)
    chosen = scene.poseloom_filming
    chosen.prompt, chosen.model, chosen.steps, chosen.size = "the hero walks", checkpoint, 2, 64
    chosen.every, chosen.folder = 2, f"{work}/frames"
    sidebar("Poseloom")  # noqa: F821  given by shot_driver
    area.spaces.active.region_3d.view_perspective = "CAMERA"
    scene.frame_set(9)
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.ed.undo_push(message="Scene")
    yield 1.5
    shot(f"{work}/viewport.png")  # noqa: F821
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.poseloom.render("INVOKE_DEFAULT", True)
    longest_s, last_s, pictured = 0.0, time.thread_time(), False
    while jobs.running():
        yield 0.02
        longest_s, last_s = max(longest_s, time.thread_time() - last_s), time.thread_time()
        if not pictured and "Frame" in jobs.current.text:
            shot(f"{work}/running.png")  # noqa: F821
            pictured, last_s = True, time.thread_time()
    assert jobs.current.state == "done", (jobs.current.state, jobs.current.outcome, jobs.current.hint)
    result = {"outcome": jobs.current.outcome, "longest_pause_s": longest_s, "strips": _strips(scene, compat)}
    area.type = "SEQUENCE_EDITOR"
    area.spaces.active.view_type = "SEQUENCER_PREVIEW"
    sidebar("Poseloom", area)  # noqa: F821
    yield 1.0
    with bpy.context.temp_override(window=window, area=area, region=next(r for r in area.regions if r.type == "WINDOW")):
        bpy.ops.sequencer.view_all()
    yield 1.0
    shot(f"{work}/sequencer.png")  # noqa: F821

    chosen = scene.poseloom_filming
    chosen.steps, chosen.size, chosen.which, chosen.prompt = 200, 256, "FRAME", "a man in front of a wall"
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.poseloom.render("INVOKE_DEFAULT", True)
    yield from session.wait_for(lambda: "step" in jobs.current.text or not jobs.running())
    fraction, began = jobs.current.fraction, time.monotonic()
    bpy.ops.poseloom.cancel()
    yield from session.wait_for(lambda: not jobs.running())
    result["cancelled"] = [jobs.current.state, fraction, time.monotonic() - began]
    backend = registration.backend.backend
    running = backend.find(backend.choice())
    yield from session.wait_for(lambda: running.jobs()[0].final)
    result["backend"] = [running.jobs()[0].state, time.monotonic() - began]
    result["strips after it"] = len(_strips(scene, compat))
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.ed.undo()
    result["strips undone"] = len(_strips(bpy.context.scene, compat))
    bpy.ops.poseloom.stop_backend()
    yield from session.wait_for(lambda: not jobs.running())
    with open(f"{work}/render.json", "w") as file:
        json.dump(result, file)


def _scene(scene, compat):
    """A character that walks before a camera at 29.97 frames a second; channel 1 taken at these frames, 2 locked."""
    from poseloom import chains

    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    bpy.ops.poseloom.add_character(preset="mixamo")
    hero = next(obj for obj in scene.objects if obj.type == "ARMATURE")
    keying, armature = (importlib.import_module(f"{session.MODULE}.scene.{name}") for name in ("keying", "armature"))
    keys, _ = chains.motion_to_rig(session.walk(frames=16), armature.read(hero), 30 / 1.001)
    keying.write(hero, keys, name="Walk", start_frame=5)
    scene.render.fps, scene.render.fps_base = 30, 1.001
    scene.frame_start, scene.frame_end = 7, 12
    scene.render.resolution_x = scene.render.resolution_y = 512
    camera = bpy.data.objects.new("Shot", bpy.data.cameras.new("Shot"))
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0.6, -4.6, 1.2), (1.52, 0.0, 0.1)
    scene.camera = camera
    editor = scene.sequence_editor_create()
    compat.strips(editor).new_effect(name="title", type="COLOR", channel=1, frame_start=1, length=30)
    editor.channels[2].lock = True


def _strips(scene, compat):
    return [
        [s.channel, *compat.strip_range(s), [e.filename for e in s.elements], s.get("poseloom_prompt"),
         Path(bpy.path.abspath(s.directory)).is_dir()]
        for s in compat.strips(scene.sequence_editor) if s.type == "IMAGE"
    ]


def _open(registration):
    """The panel of rendering opened, above the others."""
    panels = [c for c in registration.CLASSES if issubclass(c, bpy.types.Panel)]
    for panel in panels[::-1]:
        bpy.utils.unregister_class(panel)
    for panel in panels:
        ours = panel.__name__.startswith("POSELOOM_PT_render")
        panel.bl_options = set() if ours else {"DEFAULT_CLOSED"}
        if ours and not hasattr(panel, "bl_parent_id"):
            panel.bl_order = -1
        bpy.utils.register_class(panel)
