"""A ball before a wall that has an end, and a character beside it; guides with depth and normals."""

import loose  # noqa: F401  isort: skip
import math
from pathlib import Path

import bpy
from poseloom_addon import guiding
from poseloom_addon.scene import character
from session import run


def main(folder, kind):
    out = Path(folder)
    out.mkdir(parents=True)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    obj = character.build("mixamo")
    # near the camera and beside the ball: depth pictures begin with the nearest joint
    if kind == "PERSP":
        obj.scale, obj.location = (0.15,) * 3, (-0.7, -3.0, 0.4)
    else:
        obj.location = (-2.2, -3.0, -1.0)
    data = bpy.data.cameras.new("camera")
    data.type, data.ortho_scale, data.lens = kind, 6.0, 35.0
    data.dof.use_dof, data.dof.focus_distance, data.dof.aperture_fstop = True, 1.0, 0.1
    camera = bpy.data.objects.new("camera", data)
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0.0, -5.0, 0.0), (math.pi / 2, 0.0, 0.0)
    scene.camera = camera
    bpy.ops.mesh.primitive_uv_sphere_add(segments=256, ring_count=128, radius=1.0)
    bpy.ops.mesh.primitive_plane_add(size=40.0, location=(0.0, 3.0, 19.0), rotation=(math.pi / 2, 0.0, 0.0))
    scene.render.resolution_x, scene.render.resolution_y = 200, 160
    scene.render.use_motion_blur = True
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "scene.blend"))
    return guiding.read(
        {"blend": str(out / "scene.blend"), "out": str(out), "body": 18, "start": 1, "end": 1,
         "passes": ["depth", "normal"]}, lambda *_: None,
    )  # fmt: skip


run(main)
