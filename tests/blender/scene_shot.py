"""A small scene of two walkers before a camera, for `poseloom render`: on some frames one is hidden, or nobody is there.

Frames 1 to 12; on 5 and 6 both are hidden, on 8 the camera looks away, on 10 it is inside the first one.
"""

import loose  # noqa: F401  isort: skip
import math

import bpy
from poseloom import chains
from poseloom_addon.scene import armature, character, keying, roles
from session import run, walk


def main(path, empty=""):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    scene.frame_start, scene.frame_end = 1, 12
    scene.render.resolution_x, scene.render.resolution_y = 192, 144
    people = [character.build(name) for name in ("mixamo", "unreal")]
    for obj, x in zip(people, (0.0, 1.0)):
        obj.location.x = x
        rig_motion, _ = chains.motion_to_rig(walk(12), armature.read(obj), 30 / 1.001)
        keying.write(obj, rig_motion, name="walk", start_frame=1)
        for mesh in [child for child in scene.objects if child.type == "MESH" and child.parent == obj]:
            for frame, hidden in ((1, False), (5, True), (7, False)):
                mesh.hide_render = hidden
                mesh.keyframe_insert("hide_render", frame=frame)
    if not empty:
        add_camera(scene, people[0])
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return {"armatures": [obj.name for obj in people], "roles": len(roles.recognised(people[0]).rig.roles)}


def add_camera(scene, first):
    camera = bpy.data.objects.new("Shot", bpy.data.cameras.new("Shot"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    for frame in range(1, 13):
        scene.frame_set(frame)
        camera.location = (0.5, -4.5, 1.1)
        camera.rotation_euler = (math.pi / 2, 0.0, math.pi if frame == 8 else 0.0)
        if frame == 10:
            hips = next(b for b in first.pose.bones if b.name.endswith("Hips"))
            camera.location = first.matrix_world @ hips.head
        camera.keyframe_insert("location", frame=frame)
        camera.keyframe_insert("rotation_euler", frame=frame)


run(main)
