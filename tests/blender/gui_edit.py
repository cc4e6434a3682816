"""Run by shot.sh in Blender's window: edits of a long action, one stopped by Esc, one by the button, one let through.

    gui_edit.py WORK

The extension is installed already.  A picture of the running edit goes to WORK: editing.
"""

import json
import sys
import time

import bpy
import session

FRAMES = 6000


def main():
    work = sys.argv[1]
    window = bpy.context.window_manager.windows[0]
    jobs = sys.modules[session.MODULE].registration.jobs
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    session.armature("Hero")
    result, clip = {}, str(session.bvh(f"{work}/long.bvh", frames=FRAMES))
    sidebar("Poseloom")  # noqa: F821  given by shot_driver
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    region = next(r for r in area.regions if r.type == "WINDOW")

    def call(name, *how, **values):
        with bpy.context.temp_override(window=window, area=area, region=region):
            return getattr(bpy.ops.poseloom, name)(*how, **values)

    def state():
        return [round(sum(k[1] for k in keys), 3) for keys in session.fcurves(action()).values()]

    def action():
        return bpy.data.objects["Hero"].animation_data.action

    call("retarget_bvh", "EXEC_DEFAULT", True, filepath=clip)
    yield 0.5
    before = state()

    def under_way():
        yield from session.wait_for(lambda: jobs.current.fraction > 0.0)

    result["began"] = sorted(call("reduce_keys", "INVOKE_DEFAULT"))
    yield from under_way()
    shot(f"{work}/editing.png")  # noqa: F821
    x, y = region.x + region.width // 3, region.y + region.height // 2
    result["during"] = [jobs.running(), jobs.current.fraction]
    window.event_simulate(type="ESC", value="PRESS", x=x, y=y)
    window.event_simulate(type="ESC", value="RELEASE", x=x, y=y)
    yield from session.wait_for(lambda: not jobs.running())
    result["by Esc"] = [jobs.current.state, state() == before]

    call("reduce_keys", "INVOKE_DEFAULT")
    yield from under_way()
    bpy.ops.poseloom.cancel()
    started = time.process_time()
    yield from session.wait_for(lambda: not jobs.running())
    result["by button"] = [jobs.current.state, state() == before, time.process_time() - started]

    last, longest = time.thread_time(), 0.0
    call("reduce_keys", "INVOKE_DEFAULT", True)
    while jobs.running():
        yield 0.05
        longest, last = max(longest, time.thread_time() - last), time.thread_time()
    yield 1.0
    after = state()
    result["let through"] = [jobs.current.state, after != before, longest]
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()
    yield 0.5
    result["undone"] = state() == before
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.redo()
    result["redone"] = state() == after
    with open(f"{work}/result.json", "w") as file:
        json.dump(result, file)
