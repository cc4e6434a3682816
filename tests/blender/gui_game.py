"""Run by shot.sh in Blender's window: Export for Games from its button's call through the file browser, as by hand.

    gui_game.py WORK CLIP

The extension is installed already.  Pictures go to WORK: panel, browser.
"""

import json
import sys
import time

import bpy
import session


def main():
    work, clip = sys.argv[1:3]
    manager = bpy.context.window_manager
    window = manager.windows[0]
    jobs = sys.modules[session.MODULE].registration.jobs
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    hero = session.armature("Hero")
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    region = next(r for r in area.regions if r.type == "WINDOW")

    def call(name, *how, **values):
        with bpy.context.temp_override(window=window, area=area, region=region):
            return getattr(bpy.ops.poseloom, name)(*how, **values)

    call("retarget_bvh", "EXEC_DEFAULT", True, filepath=clip)
    sidebar("Poseloom")  # noqa: F821  given by shot_driver
    yield 0.5
    shot(f"{work}/panel.png")  # noqa: F821
    result, keys = {}, session.fcurves(hero.animation_data.action)
    result["asked"] = sorted(call("export_game", "INVOKE_DEFAULT"))
    place, end = None, time.monotonic() + 20.0
    while place is None and time.monotonic() < end:
        yield 0.3
        place = next(
            ((w, a) for w in manager.windows for a in w.screen.areas
             if a.type == "FILE_BROWSER" and a.spaces.active.active_operator), None,
        )  # fmt: skip
    browser, files = place
    chosen = files.spaces.active
    result["options"] = [chosen.active_operator.file_format, chosen.active_operator.fps, chosen.params.filename]
    chosen.active_operator.file_format = ".glb"
    chosen.active_operator.root_bone = "ground"
    chosen.params.directory, chosen.params.filename = work.encode(), "hero.glb"
    yield 0.7
    shot(f"{work}/browser.png")  # noqa: F821
    with bpy.context.temp_override(window=browser, area=files, region=next(r for r in files.regions if r.type == "WINDOW")):
        bpy.ops.file.execute()
    # what was said before is of retargeting
    while "hero.glb" not in jobs.current.outcome and jobs.current.state != "failed" and time.monotonic() < end + 60.0:
        yield 0.2
    result["state"], result["text"] = jobs.current.state, jobs.current.outcome
    result["untouched"] = session.fcurves(hero.animation_data.action) == keys
    result["objects"] = sorted(obj.name for obj in bpy.data.objects)
    bpy.ops.import_scene.gltf(filepath=f"{work}/hero.glb")
    found = next(obj for obj in bpy.context.selected_objects if obj.type == "ARMATURE")
    result["bones"] = [bone.name for bone in found.data.bones if bone.parent is None], len(found.data.bones)
    result["frames"] = list(found.animation_data.action.frame_range)
    with open(f"{work}/result.json", "w") as file:
        json.dump(result, file)
