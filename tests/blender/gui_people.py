"""Run by shot.sh in Blender's window: people of a video are found, shown, chosen and put onto two characters; estimators.

    gui_people.py WORK ADDRESS TOKEN VIDEO

Pictures go to WORK: found.png, cast_FRAME.png.  What is measured goes to people.json.
"""

import json
import sys

import bpy
import session


def main():
    work, address, token, video = sys.argv[1:]
    extension = sys.modules[session.MODULE]
    registration = extension.registration
    jobs, preferences = registration.jobs, registration.preferences.get()
    preferences.address, preferences.token = address, token
    scene, window = bpy.context.scene, bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    characters = []
    for preset in ("mixamo", "unreal"):
        with bpy.context.temp_override(window=window, area=area):
            bpy.ops.poseloom.add_character(preset=preset)
            characters.append(bpy.context.view_layer.objects.active)
    for panel in (registration.people_panels.POSELOOM_PT_people, registration.people_panels.POSELOOM_PT_estimators):
        _open(panel)
    sidebar("Poseloom")  # noqa: F821  given by shot_driver
    view = area.spaces.active.region_3d
    view.view_perspective, view.view_rotation, view.view_location, view.view_distance = "PERSP", (0.7, 0.7, 0.0, 0.0), (0, 0, 0.8), 7.0
    scene.render.fps = 30
    scene.poseloom.video = video
    scene.poseloom.quality = "draft"
    bpy.context.view_layer.objects.active = characters[0]
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.poseloom.find_people()
    yield from session.wait_for(lambda: not jobs.running())
    people = scene.poseloom_people.found
    result = {"found": [[p.number, p.name] for p in people], "outcome": jobs.current.outcome}
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.poseloom.choose_person(number=1)
    people[1].onto = characters[1]
    yield from session.wait_for(lambda: registration.backend.backend.known_estimators())
    result["estimators"] = [row["name"] for row in registration.backend.backend.known_estimators()]
    yield 2.0  # previews are read meanwhile
    shot(f"{work}/found.png")  # noqa: F821
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.poseloom.animate()
    yield from session.wait_for(lambda: not jobs.running())
    result |= {"state": jobs.current.state, "said": jobs.current.outcome}
    result["actions"] = [obj.animation_data and obj.animation_data.action.name for obj in characters]
    for frame in (1, 30):
        scene.frame_set(frame)
        yield 0.5
        shot(f"{work}/cast_{frame}.png")  # noqa: F821
    with open(f"{work}/people.json", "w") as file:
        json.dump(result, file)


def _open(cls):
    """A panel that is closed at first, opened."""
    bpy.utils.unregister_class(cls)
    cls.bl_options = set()
    bpy.utils.register_class(cls)

