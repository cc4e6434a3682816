"""Run by shot.sh in Blender's window: four poses filled by every method from the panel, and undone in one step.

    gui_inbetween.py WORK ADDRESS TOKEN NETWORK

The extension is installed already, and the backend at ADDRESS runs.  Pictures go to WORK: fill, speed.
"""

import importlib
import json
import sys

import bpy
import session


def main():
    work, address, token, network = sys.argv[1:5]
    window = bpy.context.window_manager.windows[0]
    jobs = sys.modules[session.MODULE].registration.jobs
    bpy.context.preferences.addons[session.MODULE].preferences.address = address
    bpy.context.preferences.addons[session.MODULE].preferences.token = token
    result = {}
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    hero = session.armature("Hero")
    bpy.context.scene.render.fps = 30
    _poses(hero)
    _open_panels()
    sidebar("Poseloom")  # noqa: F821  given by shot_driver
    bpy.context.scene.frame_set(20)
    with bpy.context.temp_override(window=window):
        bpy.context.view_layer.objects.active = hero
        bpy.ops.ed.undo_push(message="Poses")
    chosen = bpy.context.scene.poseloom_inbetween
    from poseloom.inbetween import collection

    collection.add(session.walk(frames=90), "walk")
    for method, own in (("spline", ""), ("dtw", ""), ("lstm", ""), ("lstm", network), ("lstm", "/no/such/folder")):
        bpy.context.scene.poseloom_inbetween.method = method
        bpy.context.scene.poseloom_inbetween.network = own
        try:
            with bpy.context.temp_override(window=window):
                bpy.ops.poseloom.fill("INVOKE_DEFAULT", True)
        except RuntimeError as error:  # what was refused at once
            result[own] = ["failed", str(error), _keys()]
            break
        yield from session.wait_for(lambda: not jobs.running())
        yield 0.5
        result[own or method] = [jobs.current.state, jobs.current.outcome, _keys()]
        if jobs.current.state == "failed":
            break
        if own:
            shot(f"{work}/fill.png")  # noqa: F821
        with bpy.context.temp_override(window=window):
            bpy.ops.ed.undo()
        yield 0.3
        result[f"{own or method} undone"] = _keys()
    chosen = bpy.context.scene.poseloom_inbetween
    chosen.method, chosen.ease = "dtw", "drawn"
    filling = sys.modules[f"{session.MODULE}.filling"]
    points = filling.speed_node().mapping.curves[0].points
    points.new(0.6, 0.15)
    filling.speed_node().mapping.update()
    with bpy.context.temp_override(window=window):
        bpy.context.view_layer.objects.active = bpy.data.objects["Hero"]
        bpy.ops.poseloom.find_candidates("EXEC_DEFAULT")
        bpy.ops.poseloom.set_ease("EXEC_DEFAULT", True)
        bpy.ops.poseloom.fill("EXEC_DEFAULT", True)
    result["drawn"] = [filling.curve_of("drawn").split("/")[19], _keys()]
    yield 1.0
    shot(f"{work}/speed.png")  # noqa: F821
    with open(f"{work}/result.json", "w") as file:
        json.dump(result, file)


def _poses(hero):
    from poseloom import chains

    keying = importlib.import_module(f"{session.MODULE}.scene.keying")
    armature = importlib.import_module(f"{session.MODULE}.scene.armature")
    keys, _ = chains.motion_to_rig(session.walk(frames=61), armature.read(hero), 30.0)
    action = keying.write(hero, keys, name="Poses", start_frame=1)
    for curve in _curves(action):
        for k in reversed(range(len(curve.keyframe_points))):
            if curve.keyframe_points[k].co[0] not in (1, 18, 40, 61):
                curve.keyframe_points.remove(curve.keyframe_points[k])
        for point in curve.keyframe_points:
            point.type = "KEYFRAME"


def _curves(action):
    return [c for layer in action.layers for strip in layer.strips for bag in strip.channelbags for c in bag.fcurves]


def _keys():
    """How many keys of each type the action has."""
    types = [p.type for c in _curves(bpy.data.actions["Poses"]) for p in c.keyframe_points]
    return {name: types.count(name) for name in sorted(set(types))}


def _open_panels():
    """The panels of in-betweening opened, and the others closed."""
    registration = sys.modules[session.MODULE].registration
    here = registration.inbetween_panels
    for panel in [c for c in registration.CLASSES if issubclass(c, bpy.types.Panel)][::-1]:
        bpy.utils.unregister_class(panel)
    for panel in [c for c in registration.CLASSES if issubclass(c, bpy.types.Panel)]:
        ours = panel.__module__ == here.__name__
        panel.bl_options = set() if ours else {"DEFAULT_CLOSED"}
        if ours and not hasattr(panel, "bl_parent_id"):
            panel.bl_order = -1
        bpy.utils.register_class(panel)
