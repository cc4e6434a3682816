"""Run by shot.sh in Blender's window: a character animated from a video, and seen over it through the matching camera.

    gui_media.py WORK VIDEO ADDRESS TOKEN [MORE VIDEOS]

Pictures go to WORK: match_NAME_FRAME.png, plane_NAME.png.  What is measured of each goes to media.json.
"""

import json
import sys
from pathlib import Path

import bpy
import session


def main():
    work, video, address, token, *more = sys.argv[1:]
    extension = sys.modules[session.MODULE]
    jobs, preferences = extension.registration.jobs, extension.registration.preferences.get()
    preferences.address, preferences.token = address, token
    scene, window = bpy.context.scene, bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    scene.render.fps = 24
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.poseloom.add_character(preset="mixamo")
    sidebar("Poseloom")  # noqa: F821  given by shot_driver
    result = {}
    for path in [video, *more]:
        name = Path(path).stem
        scene.poseloom.video = path
        scene.frame_set(1)
        with bpy.context.temp_override(window=window, area=area):
            bpy.ops.poseloom.animate()
        yield from session.wait_for(lambda: not jobs.running())
        result[name] = {"state": jobs.current.state, "outcome": jobs.current.outcome}
        obj = bpy.context.view_layer.objects.active
        action = obj.animation_data.action
        last = round(action.frame_range[1])
        with bpy.context.temp_override(window=window, area=area):
            bpy.ops.poseloom.match_view()
        camera = bpy.data.objects[f"{obj.name} match"]
        user = camera.data.background_images[0].image_user
        for frame in (1, last // 2, last - 2):
            scene.frame_set(frame)
            yield 1.0
            result[name][f"offset {frame}"] = user.frame_offset
            shot(f"{work}/match_{name}_{frame}.png")  # noqa: F821
        result[name]["looks through"] = area.spaces.active.region_3d.view_perspective
        with bpy.context.temp_override(window=window, area=area):
            bpy.ops.poseloom.match_view(shown_as="PLANE")
        yield 1.0
        shot(f"{work}/plane_{name}.png")  # noqa: F821
        result[name]["markers"] = len(action.pose_markers)
    with open(f"{work}/media.json", "w") as file:
        json.dump(result, file)
