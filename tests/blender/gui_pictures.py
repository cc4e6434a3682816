"""Run by shot.sh in Blender's window: three pictures in the panel become key poses, which are filled, then undone.

    gui_pictures.py WORK ADDRESS TOKEN PICTURE...

Pictures go to WORK: list.png, pose_FRAME.png.  What is measured goes to pictures.json.
"""

import json
import sys
from pathlib import Path

import bpy
import session


def main():
    work, address, token, *pictures = sys.argv[1:]
    extension = sys.modules[session.MODULE]
    jobs, preferences = extension.registration.jobs, extension.registration.preferences.get()
    preferences.address, preferences.token = address, token
    scene, window = bpy.context.scene, bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.poseloom.add_character(preset="rigify")
    _open(extension.registration)
    sidebar("Poseloom")  # noqa: F821  given by shot_driver
    view = area.spaces.active.region_3d
    view.view_perspective, view.view_rotation, view.view_location, view.view_distance = "PERSP", (0.7, 0.7, 0.0, 0.0), (0, 0, 0.8), 5.0
    scene.frame_set(1)
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.poseloom.add_pictures(directory=str(Path(pictures[0]).parent), files=[{"name": Path(p).name} for p in pictures])
        bpy.ops.poseloom.pose_keys()
    yield from session.wait_for(lambda: not jobs.running())
    result = {"state": jobs.current.state, "outcome": jobs.current.outcome}
    yield 1.5
    shot(f"{work}/list.png")  # noqa: F821
    obj = bpy.context.view_layer.objects.active
    frames = [p.frame for p in scene.poseloom_pictures.found]
    for frame in frames:
        scene.frame_set(frame)
        yield 0.5
        shot(f"{work}/pose_{frame}.png")  # noqa: F821
    result["frames"], result["range"] = frames, [round(f) for f in obj.animation_data.action.frame_range]
    with bpy.context.temp_override(window=window, area=area):
        result["fill"] = bpy.ops.poseloom.fill.poll()
        bpy.ops.ed.undo()
    result["after undo"] = [action.name for action in bpy.data.actions]
    with open(f"{work}/pictures.json", "w") as file:
        json.dump(result, file)


def _open(registration):
    """The pictures' panel, which is closed at first, opened."""
    cls = registration.picture_panels.POSELOOM_PT_pictures
    bpy.utils.unregister_class(cls)
    cls.bl_options = set()
    bpy.utils.register_class(cls)
