"""What a camera of the scene sees: its lens as numbers, and depth and normals rendered by Cycles.

One ray a pixel through its middle, on the processor: no window, no OpenGL, and the same picture every time.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from poseloom.errors import BadInput, PoseloomError
from poseloom.motion.lens import intrinsics
from poseloom.motion.types import Camera

from .. import compat
from . import exr

_NOTHING = 1e9  # what Cycles says of rays that meet nothing is farther


def choose(scene, name: str | None = None):
    """The camera object called `name`, or the scene's; BadInput where there is none, or one that sees all around."""
    cameras = {obj.name: obj for obj in scene.objects if obj.type == "CAMERA"}
    known = ", ".join(sorted(cameras)) or "none"
    if name and name not in cameras:
        raise BadInput("no_such_camera", f'The scene has no camera "{name}"; it has: {known}.', "Name one of these, or add a camera.")
    camera = cameras.get(name) if name else scene.camera
    if camera is None or camera.type != "CAMERA":
        way = "Name one of these." if cameras else "Add a camera and point it at the character."
        raise BadInput("no_camera", f"The scene has no active camera; it has: {known}.", way)
    if camera.data.type not in ("PERSP", "ORTHO"):
        raise BadInput(
            "bad_camera", f'"{camera.name}" is a {camera.data.type.lower()} camera, whose pictures bend straight lines.',
            "Use a perspective or orthographic one.",
        )  # fmt: skip
    return camera


def picture_size(scene) -> tuple:
    """(width, height) in pixels of the scene's renders."""
    share = scene.render.resolution_percentage / 100.0
    return max(1, int(scene.render.resolution_x * share)), max(1, int(scene.render.resolution_y * share))


def set_size(scene, longest: int) -> None:
    """Let the scene's renders be `longest` pixels along the longer side, both sides multiples of 8."""
    size = picture_size(scene)
    share = longest / max(size)
    scene.render.resolution_x, scene.render.resolution_y = (max(8, 8 * round(side * share / 8)) for side in size)
    scene.render.resolution_percentage = 100


def view(scene, obj) -> Camera:
    """What the camera object sees at the playhead: constraints and animated lenses applied, in scene units."""
    seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    data, size = seen.data, picture_size(scene)
    parallel = data.type == "ORTHO"
    K = intrinsics(
        size, lens_mm=data.lens, ortho_scale=data.ortho_scale if parallel else None,
        sensor_mm=(data.sensor_width, data.sensor_height), fit=data.sensor_fit, shift=(data.shift_x, data.shift_y),
        aspect=(scene.render.pixel_aspect_x, scene.render.pixel_aspect_y),
    )  # fmt: skip
    world = np.array(seen.matrix_world)
    world[:3, :3] /= np.linalg.norm(world[:3, :3], axis=0)
    return Camera(K, world, size, parallel)


def prepare(scene) -> None:
    """Set the scene up for `render`; it is not taken back.  BadInput where this Blender has no Cycles."""
    try:
        scene.render.engine = "CYCLES"
    except TypeError as error:
        raise BadInput("no_cycles", "This Blender has no Cycles.", "Leave out depth and normals, or use another Blender.") from error
    render, cycles, layer = scene.render, scene.cycles, bpy.context.view_layer
    render.use_border = render.use_sequencer = render.use_compositing = render.use_motion_blur = False
    render.use_multiview, render.use_persistent_data = False, True
    cycles.device, cycles.samples, cycles.use_adaptive_sampling, cycles.use_denoising = "CPU", 1, False, False
    cycles.pixel_filter_type, cycles.filter_width, cycles.max_bounces = "BOX", 0.01, 0
    for other in scene.view_layers:
        other.use = other == layer
    layer.use_pass_z = layer.use_pass_normal = True
    layer.use_freestyle = False
    compat.layers_output(render.image_settings)


def render(scene, camera, folder: Path) -> tuple:
    """(depth (H,W) scene units, infinite where nothing is; normals (H,W,3) in the camera's axes) at the playhead."""
    scene.camera = camera
    camera.data.dof.use_dof = False
    path = Path(folder) / "layers.exr"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    if not path.is_file():
        raise PoseloomError("no_picture", "Cycles rendered no picture.", "")
    channels = exr.read(path)
    path.unlink()
    depth = _channel(channels, "Depth.Z")
    depth = np.where(depth < _NOTHING, depth, np.inf)
    normal = np.stack([_channel(channels, f"Normal.{axis}") for axis in "XYZ"], axis=-1)
    return depth, normal @ view(scene, camera).world[:3, :3]


def _channel(channels: dict, ending: str) -> np.ndarray:
    for name, values in channels.items():
        if name.endswith(ending):
            return values.astype(np.float64)
    raise PoseloomError("no_pass", f"Cycles gave no {ending}.", "")
