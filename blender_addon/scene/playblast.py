"""A quick look at a moving character: Workbench pictures from a camera that frames the motion."""

from __future__ import annotations

import math
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector
from poseloom.errors import Unavailable
from poseloom.progress import Report, silent

from .. import compat
from .files import meshes_of

FOV_RAD = math.radians(32.0)
_PITCH_RAD = math.radians(6.0)
_FLOOR = "poseloom floor"
_LOOKS = 12  # frames at which the extent of the motion is taken


def render(
    obj, folder, *, start: int, end: int, size=(480, 480), step: int = 1, yaw_rad: float = 0.0, camera=None,
    report: Report = silent,
) -> list:  # fmt: skip
    """Pictures of frames start, start + step .. end of `obj` in `folder`: their paths in order.

    The camera looks along +Y, turned by `yaw_rad` counterclockwise from above, or is `camera`, of `add_camera`.
    Adds a camera and a floor to the scene, so save the file first.  Raises Unavailable where the
    system's OpenGL is missing.
    """
    folder = Path(folder)
    scene = bpy.context.scene
    points = _points(obj, start, end)
    scene.camera = camera or _camera(points, size, yaw_rad)
    _floor(points)
    _look(scene, size)
    scene.frame_start, scene.frame_end, scene.frame_step = start, end, step
    frames = list(range(start, end + 1, step))

    def count(*_):
        report((scene.frame_current - start) / max(1, end - start), f"Rendering frame {scene.frame_current}")

    scene.render.filepath = str(folder / "frame_")
    bpy.app.handlers.render_post.append(count)
    try:
        bpy.ops.render.render(animation=True)
    except RuntimeError as error:
        said = str(error).strip().rstrip(".")
        raise Unavailable("no_opengl", f"Workbench cannot draw here: {said}.", OPENGL_HINT) from error
    finally:
        bpy.app.handlers.render_post.remove(count)
    pictures = [folder / f"frame_{frame:04d}.png" for frame in frames]
    if not all(picture.is_file() for picture in pictures):
        raise Unavailable("no_opengl", "Workbench rendered no pictures here.", OPENGL_HINT)
    return pictures


def add_camera(obj, *, start: int, end: int, size, yaw_rad: float = 0.0):
    """The camera of `render` as that of the scene, whose renders get its size; the object."""
    scene = bpy.context.scene
    scene.camera = _camera(_points(obj, start, end), size, yaw_rad)
    scene.camera.name = "Camera"
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    return scene.camera


OPENGL_HINT = "Install OpenGL: sudo apt install libegl1 libgl1 libgl1-mesa-dri"


def _points(obj, start: int, end: int) -> np.ndarray:
    """(N,3) places in the world where the character's meshes, or else its bones, are over the clip."""
    scene = bpy.context.scene
    points = []
    for frame in np.unique(np.linspace(start, end, _LOOKS).astype(int)):
        scene.frame_set(int(frame))
        depsgraph = bpy.context.evaluated_depsgraph_get()
        shown = [mesh for mesh in meshes_of(obj) if mesh.visible_get()]
        points += [_vertices(mesh.evaluated_get(depsgraph)) for mesh in shown]
        if not shown:
            points.append(_joints(obj.evaluated_get(depsgraph)))
    return np.concatenate(points)


def _vertices(seen) -> np.ndarray:
    vertices = seen.data.vertices
    if not len(vertices):
        return np.empty((0, 3))
    flat = np.empty(len(vertices) * 3, np.float32)
    vertices.foreach_get("co", flat)
    world = np.array(seen.matrix_world)
    return flat.reshape(-1, 3)[::4] @ world[:3, :3].T + world[:3, 3]


def _joints(seen) -> np.ndarray:
    ends = [seen.matrix_world @ place for bone in seen.pose.bones for place in (bone.head, bone.tail)]
    return np.array(ends)


def _camera(points, size, yaw_rad):
    """In front of the character, a little above, as near as the motion lets it."""
    scene = bpy.context.scene
    centre = (points.min(axis=0) + points.max(axis=0)) / 2.0
    level = math.cos(_PITCH_RAD)
    ahead = np.array([-math.sin(yaw_rad) * level, math.cos(yaw_rad) * level, -math.sin(_PITCH_RAD)])
    right = np.array([math.cos(yaw_rad), math.sin(yaw_rad), 0.0])
    at = (points - centre) @ np.stack([right, np.cross(right, ahead), ahead], axis=1)
    tangent = math.tan(FOV_RAD / 2.0) * np.array([size[0] / size[1], 1.0])
    distance = float((np.abs(at[:, :2]) / tangent - at[:, 2:]).max()) * 1.08
    data = bpy.data.cameras.new("poseloom playblast")
    data.sensor_fit, data.angle = "VERTICAL", FOV_RAD
    data.clip_end = 10.0 * distance
    camera = bpy.data.objects.new(data.name, data)
    scene.collection.objects.link(camera)
    camera.location = Vector(centre - ahead * distance)
    camera.rotation_euler = (math.pi / 2.0 - _PITCH_RAD, 0.0, yaw_rad)
    return camera


def _floor(points) -> None:
    """A chequered floor at z = 0, so that one sees feet slide or float; half a metre a tile for a person."""
    low, high = points.min(axis=0), points.max(axis=0)
    tile = 2.0 ** round(math.log2(max(high - low) / 4.0))
    middle = [round(c / tile) for c in (low + high) / 2.0]
    steps = range(-32, 33)
    corners = [((middle[0] + x) * tile, (middle[1] + y) * tile, -0.001 * tile) for y in steps for x in steps]
    side = len(steps)
    faces = [
        (r * side + c, r * side + c + 1, (r + 1) * side + c + 1, (r + 1) * side + c)
        for r in range(side - 1)
        for c in range(side - 1)
    ]
    mesh = bpy.data.meshes.new(_FLOOR)
    mesh.from_pydata(corners, [], faces)
    for name, shade in (("poseloom light tile", 0.62), ("poseloom dark tile", 0.5)):
        material = bpy.data.materials.new(name)
        material.diffuse_color = (shade, shade, shade, 1.0)
        mesh.materials.append(material)
    tiles = np.arange(len(faces), dtype=np.int32)
    mesh.polygons.foreach_set("material_index", (tiles // (side - 1) + tiles % (side - 1)) % 2)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(_FLOOR, mesh))


def _look(scene, size) -> None:
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.use_sequencer = scene.render.use_compositing = False
    compat.image_output(scene.render.image_settings, "PNG")
    scene.render.image_settings.color_mode = "RGB"
    scene.render.image_settings.compression = 15
    scene.view_settings.view_transform = "Standard"
    scene.display.render_aa = "FXAA"
    shading = scene.display.shading
    shading.light, shading.color_type = "STUDIO", "TEXTURE"
    shading.show_shadows = True
    scene.world = bpy.data.worlds.new("poseloom sky")
    scene.world.color = (0.72, 0.75, 0.79)
