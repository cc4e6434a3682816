"""A posed character before twenty cameras: what guides are drawn of, and where Blender itself sees the joints."""

import loose  # noqa: F401  isort: skip
import math
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Euler, Vector
from poseloom_addon import guiding
from poseloom_addon.scene import character, figures, passes
from session import run

# width, height, percentage, pixel aspect x and y
RENDERS = ((640, 360, 100, 1, 1), (512, 512, 50, 1, 1), (300, 500, 100, 1, 1), (400, 300, 100, 1.5, 1))
JOINTS = {"shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand", "hip": "thigh", "knee": "shin", "ankle": "foot"}


def main(who, folder):
    told = []
    for number, render in enumerate(RENDERS):
        rng = np.random.default_rng(number)
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        obj = character.build(who)
        scene = bpy.context.scene
        scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = render[:3]
        scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = render[3:]
        pose(obj, rng)
        for frame in range(1, 6):
            marker = scene.timeline_markers.new(f"cut {frame}", frame=frame)
            marker.camera = camera(scene, rng, frame)
        scene.frame_start, scene.frame_end = 1, 5
        out = Path(folder) / str(number)
        out.mkdir(parents=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(out / "scene.blend"))
        guiding.read(
            {"blend": str(out / "scene.blend"), "out": str(out), "body": 18, "armatures": [], "passes": []},
            lambda *_: None,
        )
        told.append(seen_by_blender())
    return {"joints": told}


def pose(obj, rng):
    """The character turned, moved and scaled below a parent, its limbs bent, five poses."""
    above = bpy.data.objects.new("above", None)
    bpy.context.scene.collection.objects.link(above)
    above.rotation_euler, above.scale = Euler(rng.uniform(-0.3, 0.3, 3)), (1.2, 1.2, 1.2)
    obj.parent = above
    limbs = figures.Figure(obj).bones
    for frame in range(1, 6):
        obj.location = rng.uniform(-0.5, 0.5, 3)
        obj.rotation_euler.z = rng.uniform(-3, 3)
        obj.keyframe_insert("location", frame=frame)
        obj.keyframe_insert("rotation_euler", frame=frame)
        for joint in JOINTS.values():
            for side in "lr":
                bone = obj.pose.bones[limbs[f"{joint}_{side}"]]
                bone.rotation_mode = "XYZ"
                bone.rotation_euler = rng.uniform(-0.5, 0.5, 3)
                bone.keyframe_insert("rotation_euler", frame=frame)


def camera(scene, rng, frame):
    data = bpy.data.cameras.new(f"camera {frame}")
    obj = bpy.data.objects.new(data.name, data)
    scene.collection.objects.link(obj)
    angle = rng.uniform(-math.pi, math.pi)
    obj.location = (4 * math.sin(angle), 4 * math.cos(angle), rng.uniform(0.2, 3.0))
    obj.rotation_euler = (Vector((0, 0, 1)) - obj.location).to_track_quat("-Z", "Y").to_euler()
    obj.rotation_euler.rotate_axis("Z", rng.uniform(-0.4, 0.4))
    obj.scale = (1.0, 1.7, 0.6) if frame == 2 else (1.0, 1.0, 1.0)
    data.type = "ORTHO" if frame == 4 else "PERSP"
    data.lens, data.ortho_scale = rng.uniform(18, 70), rng.uniform(2, 6)
    data.sensor_fit = ("AUTO", "HORIZONTAL", "VERTICAL")[frame % 3]
    data.sensor_width, data.sensor_height = rng.uniform(20, 40), rng.uniform(15, 30)
    data.shift_x, data.shift_y = rng.uniform(-0.2, 0.2, 2)
    data.keyframe_insert("lens", frame=frame)
    data.lens = 200.0  # what it is once the key is not read
    return obj


def seen_by_blender():
    """{frame: {point: [x, y] px from the top left}} by Blender's own function."""
    scene, found = bpy.context.scene, {}
    obj = next(o for o in scene.objects if o.type == "ARMATURE")
    bones = figures.Figure(obj).bones
    size = passes.picture_size(scene)
    for frame in range(1, 6):
        scene.frame_set(frame)
        seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        row = {}
        for point, joint in JOINTS.items():
            for side in "lr":
                place = seen.matrix_world @ seen.pose.bones[bones[f"{joint}_{side}"]].head
                x, y, away = world_to_camera_view(scene, scene.camera, place)
                if away > 0:
                    row[f"{point}_{side}"] = [x * size[0], (1 - y) * size[1]]
        found[frame] = row
    return found


run(main)
