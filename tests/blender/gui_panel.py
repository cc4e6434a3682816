"""Run by shot.sh in Blender's window: the panel's Animate is clicked, and the Action looked for.

    gui_panel.py WORK VIDEO ADDRESS TOKEN

The extension is installed already.  Pictures of the panel go to WORK: idle, running, finished.
"""

import json
import sys
import time

import bpy
import session

STEP_PX = 9  # less than a button's height


def window():
    return bpy.context.window_manager.windows[0]


def event(type, value, x, y):
    window().event_simulate(type=type, value=value, x=int(x), y=int(y))


def click(x, y):
    event("MOUSEMOVE", "NOTHING", x, y)
    yield 0.2
    event("LEFTMOUSE", "PRESS", x, y)
    yield 0.1
    event("LEFTMOUSE", "RELEASE", x, y)
    yield 0.2


def find_button(region, command, found):
    """Hover down the sidebar until the button under the mouse runs `command`; its place into `found`."""
    area = next(a for a in window().screen.areas if a.type == "VIEW_3D")
    x = region.x + region.width * 0.4
    for y in range(region.y + region.height - 30, region.y + 10, -STEP_PX):
        event("MOUSEMOVE", "NOTHING", x, y)
        yield 0.08
        window_manager = bpy.context.window_manager
        window_manager.clipboard = ""
        with bpy.context.temp_override(window=window(), area=area, region=region):
            if bpy.ops.ui.copy_python_command_button.poll():
                bpy.ops.ui.copy_python_command_button()
        if window_manager.clipboard.startswith(f"bpy.ops.{command}("):
            found.append((x, y - 4))
            return


def animate(jobs, region, place):
    """Click Animate, at `place` or where it is found, and wait until the job has started."""
    if not place:
        yield from find_button(region, "poseloom.animate", place)
        assert place, "no button Animate in the sidebar"
    yield from click(*place[0])
    yield from session.wait_for(jobs.running)


def undo():
    event("MOUSEMOVE", "NOTHING", 400, 500)
    yield 0.2
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(type="Z", value=value, x=400, y=500, ctrl=True)
    yield 0.5


def main():
    work, video, address, token = sys.argv[1:5]
    extension = sys.modules[session.MODULE]
    jobs, preferences = extension.registration.jobs, extension.registration.preferences.get()
    preferences.address, preferences.token = address, token
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    hero = session.armature("Hero")
    bpy.context.scene.poseloom.video = video
    bpy.context.scene.frame_set(5)
    with bpy.context.temp_override(window=window()):
        bpy.ops.ed.undo_push(message="Scene")
    region = sidebar("Poseloom")  # noqa: F821  given by shot_driver
    yield 2.5
    shot(f"{work}/idle.png")  # noqa: F821

    place = []
    yield from animate(jobs, region, place)
    longest_s, last_s, pictured, shown = 0.0, time.thread_time(), False, set()
    while jobs.running():
        yield 0.02
        longest_s, last_s = max(longest_s, time.thread_time() - last_s), time.thread_time()
        shown.add(jobs.current.fraction)
        if not pictured and jobs.current.fraction > 0.2:
            shot(f"{work}/running.png")  # noqa: F821
            pictured, last_s = True, time.thread_time()
    yield 0.5
    shot(f"{work}/finished.png")  # noqa: F821
    action = hero.animation_data.action if hero.animation_data else None
    result = {
        "state": jobs.current.state,
        "outcome": jobs.current.outcome,
        "hint": jobs.current.hint,
        "action": action.name if action else "",
        "first": min((k[0] for keys in session.fcurves(action).values() for k in keys), default=0) if action else 0,
        "longest_pause_s": longest_s,
        "shown": len(shown),
    }
    yield from undo()
    result["after_undo"] = [a.name for a in bpy.data.actions]
    result["hero_after_undo"] = "Hero" in bpy.data.objects

    yield from animate(jobs, region, place)
    bpy.ops.poseloom.cancel()
    yield from session.wait_for(lambda: not jobs.running())
    result["cancelled"] = [jobs.current.state, [a.name for a in bpy.data.actions]]

    yield from animate(jobs, region, place)
    with bpy.context.temp_override(window=window()):
        bpy.ops.object.mode_set(mode="EDIT")
    yield from session.wait_for(lambda: "leave this mode" in jobs.current.text or not jobs.running())
    result["in_edit_mode"] = [jobs.current.state, jobs.current.text, [a.name for a in bpy.data.actions]]
    with bpy.context.temp_override(window=window()):
        bpy.ops.object.mode_set(mode="OBJECT")
    yield from session.wait_for(lambda: not jobs.running())
    result["after_edit_mode"] = [jobs.current.state, [a.name for a in bpy.data.actions]]

    yield from animate(jobs, region, place)
    with bpy.context.temp_override(window=window()):
        bpy.ops.wm.read_homefile(use_empty=True, load_ui=False)
    yield from session.wait_for(lambda: not jobs.running())
    result["in_another_file"] = [jobs.current.state, jobs.current.outcome, [a.name for a in bpy.data.actions]]
    other = session.armature("Other")
    with bpy.context.temp_override(window=window()):
        bpy.ops.poseloom.apply_motion()
    result["applied_there"] = other.animation_data.action.name
    with open(f"{work}/result.json", "w") as file:
        json.dump(result, file)
