"""The skeleton of the source beside the character, drawn over the viewport while one looks at a fresh run."""

import bpy
import numpy as np

from . import jobs

COLOUR = (1.0, 0.62, 0.1, 0.9)
WIDTH_PX = 3.0
BESIDE_M = 1.2

_handler: list = []  # Blender's token for our draw function, while it is there


def register() -> None:
    if not bpy.app.background:  # no GPU there
        _handler.append(bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW"))


def unregister() -> None:
    while _handler:
        bpy.types.SpaceView3D.draw_handler_remove(_handler.pop(), "WINDOW")


def lines(obj, frame: int, unit_m: float = 1.0) -> np.ndarray:
    """(2N,3) ends of the source's bones in scene units beside `obj` at `frame`; none where that is not in its clip."""
    action = obj.animation_data.action if obj.animation_data else None
    source = jobs.sources.get(action.session_uid) if action is not None else None
    if source is None or not 0 <= frame - source.start < len(source.places):
        return np.zeros((0, 3))
    places = source.places[frame - source.start]
    below = np.flatnonzero(source.parents >= 0)
    side = np.array(obj.matrix_world.to_3x3().normalized().col[0])
    pairs = np.stack([places[below], places[source.parents[below]]], axis=1).reshape(-1, 3)
    return (pairs + BESIDE_M * side) / unit_m


def _draw() -> None:
    context = bpy.context
    if not context.scene.poseloom.show_source or not context.space_data.overlay.show_overlays:
        return
    unit = context.scene.unit_settings
    unit_m = 1.0 if unit.system == "NONE" else unit.scale_length
    for obj in context.visible_objects:
        if obj.type == "ARMATURE":
            ends = lines(obj, context.scene.frame_current, unit_m)
            if len(ends):
                _draw_lines(context, ends)


def _draw_lines(context, ends) -> None:
    import gpu
    from gpu_extras.batch import batch_for_shader

    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    shader.bind()
    shader.uniform_float("color", COLOUR)
    shader.uniform_float("lineWidth", WIDTH_PX * context.preferences.system.pixel_size)
    shader.uniform_float("viewportSize", (context.region.width, context.region.height))
    gpu.state.blend_set("ALPHA")
    batch_for_shader(shader, "LINES", {"pos": ends.astype(np.float32).tolist()}).draw(shader)
    gpu.state.blend_set("NONE")
