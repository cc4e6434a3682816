"""A portrait of the first walker of a scene like scene_shot.py's, beside another one and behind a wall: scene_portrait.py OUT"""

import loose  # noqa: F401  isort: skip
from pathlib import Path

import bpy
from poseloom_addon import portraying
from poseloom_addon.scene import character
from session import run


def main(out):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 3
    for name, x in (("mixamo", 0.0), ("unreal", 0.6)):
        character.build(name).location.x = x
    bpy.ops.mesh.primitive_cube_add(size=2.0, location=(0.0, -2.0, 1.0))
    path = Path(out) / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    told = portraying.portrait(
        {"blend": str(path), "out": out, "size": 96, "body": 18, "armatures": ["Mixamo"], "frames": [2, 3]}, lambda *_: None
    )
    return {**told, "objects": len(bpy.data.objects)}


run(main)
