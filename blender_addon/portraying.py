"""The headless portrait: one character of a scene by itself, from its front, as a picture for renderers to go by."""

from __future__ import annotations

import math
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from poseloom.errors import BadInput, PoseloomError
from poseloom.motion import lens, openpose

from . import compat
from .guiding import frames_of
from .scene import figures, files
from .scene.clock import rate
from .scene.files import meshes_of

_LOOKS = 12  # frames of which the one is taken that shows most of the body
_SAMPLES, _LENS_MM = 16, 50.0
_SKY, _SUN = (0.55, 0.58, 0.62), 2.0


def portrait(task: dict, report) -> dict:
    """Open the file and write frames/NNNN.png and figures.npz of one character into the folder task["out"].

    blend · armatures, start, end, every, frames, body: as `guiding.read`, the first armature is taken · size: pixels a side.
    """
    report(0.0, "Opening the scene")
    files.open_scene(Path(task["blend"]))
    scene = bpy.context.scene
    figure = figures.humanoids(scene, task.get("armatures"))[0]
    if not meshes_of(figure.obj):
        raise BadInput(
            "no_mesh", f'"{figure.obj.name}" has no mesh to take a picture of.',
            "Give a picture of the character as reference.",
        )  # fmt: skip
    frames = frames_of(scene, task)
    frame, points, view = _best(scene, figure, frames[:: max(1, len(frames) // _LOOKS)], int(task["size"]), task["body"])
    scene.frame_set(frame)
    report(0.5, "Rendering the reference")
    out = Path(task["out"])
    try:
        _render(scene, figure, view, out / "frames" / f"{frame:04d}.png")
        np.savez(
            out / "figures.npz", frames=[frame], points=points[None, None], shown=[[True]], heights=[figure.height],
            names=np.array([figure.obj.name]), K=view.K[None], world=view.world[None], parallel=[False], size=view.size,
            body=task["body"], fps=rate(scene), near=1.0, far=2.0,
        )  # fmt: skip
    except OSError as error:
        raise files.unwritable(out, error) from error
    return {"frame": frame}


def _best(scene, figure, frames, size: int, body: int) -> tuple:
    """(frame, points (K,3), Camera) of the frame in which most of the body is seen from its front."""
    found = []
    for frame in frames:
        scene.frame_set(frame)
        points = figure.points(body)
        view = lens.look_at(_roomy(points, figure.height), (size, size), yaw_rad=_front(points, body), lens_mm=_LENS_MM)
        flat = lens.in_camera(view, points)[:, :2]
        spread = np.nanmax(flat, axis=0) - np.nanmin(flat, axis=0)
        found.append((figure.shown(), float(spread.sum()), frame, points, view))
    return max(found, key=lambda row: row[:2])[2:]


def _front(points, body: int) -> float:
    """The turn of a camera along +Y that then looks into the character's face."""
    at = dict(zip(openpose.names(body), points))
    left = at["shoulder_l"] - at["shoulder_r"] + at["hip_l"] - at["hip_r"]
    return math.atan2(left[1], left[0])


def _roomy(points, height: float) -> np.ndarray:
    """The points with room for the flesh about them, in all of a standing person's height."""
    there = points[np.isfinite(points).all(axis=1)]
    room = 0.07 * height
    low = there.min(axis=0) - room
    return np.concatenate([there - room, there + room, [[*low[:2], max(low[2], there[:, 2].max() + room - height)]]])


def _render(scene, figure, view, path: Path) -> None:
    """The character alone, in even light, by Cycles."""
    own = meshes_of(figure.obj)
    for obj in list(bpy.data.objects):
        if obj.type == "EMPTY":
            obj.instance_type = "NONE"
        elif obj.type not in ("ARMATURE", "CAMERA", "LATTICE") and obj not in own:
            bpy.data.objects.remove(obj)  # hiding may be animated; the file is not saved
    camera = bpy.data.objects.new("poseloom portrait", bpy.data.cameras.new("poseloom portrait"))
    sun = bpy.data.objects.new("poseloom sun", bpy.data.lights.new("poseloom sun", "SUN"))
    for obj in (camera, sun):
        scene.collection.objects.link(obj)
    camera.data.lens, camera.data.sensor_fit, camera.data.sensor_width = _LENS_MM, "AUTO", 36.0
    far = float(np.linalg.norm(view.world[:3, 3])) + 100.0 * figure.height
    camera.data.clip_start, camera.data.clip_end = 1e-3 * figure.height, far
    camera.matrix_world = Matrix(view.world)
    aside = Matrix.Rotation(math.radians(-35.0), 4, "X") @ Matrix.Rotation(math.radians(25.0), 4, "Y")
    sun.matrix_world = Matrix(view.world) @ aside
    sun.data.energy = _SUN
    scene.world = _sky()
    scene.camera = camera
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    cycles.device, cycles.samples, cycles.max_bounces = "CPU", _SAMPLES, 2
    cycles.use_adaptive_sampling = cycles.use_denoising = False
    render.use_border = render.use_sequencer = render.use_compositing = render.use_motion_blur = render.use_multiview = False
    render.film_transparent, render.use_freestyle = False, False
    render.resolution_x, render.resolution_y = view.size
    render.resolution_percentage, render.pixel_aspect_x, render.pixel_aspect_y = 100, 1.0, 1.0
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    compat.image_output(render.image_settings, "PNG")
    render.image_settings.color_mode, render.image_settings.color_depth = "RGB", "8"
    render.use_file_extension = True
    render.filepath = str(path.with_suffix(""))
    path.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.render.render(write_still=True)
    if not path.is_file():
        raise PoseloomError("no_picture", "Cycles rendered no picture.", "")


def _sky():
    """A world that shines alike from everywhere."""
    world = bpy.data.worlds.new("poseloom sky")
    if world.node_tree is None:  # from 5.0 on it is always there
        world.use_nodes = True
    for node in world.node_tree.nodes:
        if node.type == "BACKGROUND":
            node.inputs["Color"].default_value = (*_SKY, 1.0)
    return world
