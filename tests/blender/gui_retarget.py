"""Run by shot.sh in Blender's window: roles corrected in the panel, a folder cancelled, the source drawn beside.

    gui_retarget.py WORK FOLDER CLIP

The extension is installed already.  Pictures go to WORK: roles, running, source.
"""

import json
import sys
import time

import bpy
import session

PATIENCE_S = 60.0  # until a window drawn in software on a busy machine shows what it is to show


def main():
    work, folder, clip = sys.argv[1:4]
    window = bpy.context.window_manager.windows[0]
    jobs = sys.modules[session.MODULE].registration.jobs
    result = {}
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    hero = session.armature("Hero")
    _open_panels()
    sidebar("Poseloom")  # noqa: F821  given by shot_driver
    roles, end = bpy.context.window_manager.poseloom_roles, time.monotonic() + PATIENCE_S
    while not len(roles.parts) and time.monotonic() < end:
        redraw()  # noqa: F821
        yield 0.2
    result["listed"] = [roles.armature, len(roles.parts)]  # found by drawing the panel alone
    next(part for part in roles.parts if part.joint == "head").bone = "mixamorig:Neck"
    roles.active = next(k for k, part in enumerate(roles.parts) if part.joint == "head")
    yield 0.6
    result["corrected"] = {part.joint: part.bone for part in roles.parts if part.joint in ("head", "neck")}
    shot(f"{work}/roles.png")  # noqa: F821
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()
    head, end = "mixamorig:Neck", time.monotonic() + PATIENCE_S
    while head != "mixamorig:Head" and time.monotonic() < end:
        redraw()  # noqa: F821
        yield 0.2
        head = next(part.bone for part in bpy.context.window_manager.poseloom_roles.parts if part.joint == "head")
    result["undone"] = ["poseloom_roles" not in bpy.data.objects["Hero"].keys(), head]

    with bpy.context.temp_override(window=window):
        bpy.context.view_layer.objects.active = hero = bpy.data.objects["Hero"]
        bpy.ops.poseloom.retarget_folder("EXEC_DEFAULT", directory=folder)
    while jobs.running() and len(bpy.data.actions) < 2:
        yield 0.02
    shot(f"{work}/running.png")  # noqa: F821
    started, before = time.monotonic(), len(bpy.data.actions)
    bpy.ops.poseloom.cancel()
    while jobs.running():
        yield 0.02
    result["cancelled"] = [jobs.current.state, time.monotonic() - started, jobs.current.hint]
    made = len(bpy.data.actions)
    result["made after cancel"] = made - before
    with bpy.context.temp_override(window=window):
        bpy.ops.ed.undo()
        result["made"] = [made, len(bpy.data.actions)]  # one undo step
        bpy.context.view_layer.objects.active = hero = bpy.data.objects["Hero"]
        bpy.ops.poseloom.retarget_bvh("EXEC_DEFAULT", True, filepath=clip)
        bpy.ops.poseloom.reduce_keys("EXEC_DEFAULT", True)
        bpy.context.scene.frame_set(12)
        area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
        hero.select_set(True)
        with bpy.context.temp_override(area=area, region=next(r for r in area.regions if r.type == "WINDOW")):
            bpy.ops.view3d.view_selected()
            bpy.ops.view3d.zoom(delta=-4)
    yield 0.5
    shot(f"{work}/no_source.png")  # noqa: F821
    bpy.context.scene.poseloom.show_source = True
    yield 0.5
    shot(f"{work}/source.png")  # noqa: F821
    with open(f"{work}/result.json", "w") as file:
        json.dump(result, file)


def _open_panels():
    """Sub-panels that are closed at first, opened, and the video's closed."""
    registration = sys.modules[session.MODULE].registration
    here, video = registration.retarget_panels, registration.animate_panels
    for cls in (here.POSELOOM_PT_roles, here.POSELOOM_PT_layers, here.POSELOOM_PT_edit):
        bpy.utils.unregister_class(cls)
        cls.bl_options = set()
        bpy.utils.register_class(cls)
    bpy.utils.unregister_class(video.POSELOOM_PT_options)
    bpy.utils.unregister_class(video.POSELOOM_PT_animate)
    video.POSELOOM_PT_animate.bl_options, video.POSELOOM_PT_animate.bl_order = {"DEFAULT_CLOSED"}, 9
    bpy.utils.register_class(video.POSELOOM_PT_animate)
    bpy.utils.register_class(video.POSELOOM_PT_options)
