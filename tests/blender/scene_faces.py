"""A motion with a face onto a character whose mesh has some of ARKit's shape keys, spelt in ways of their own."""

import loose  # noqa: F401  isort: skip
from pathlib import Path

import bpy
from poseloom_addon import baking
from poseloom_addon.scene import character, files
from session import run


def main(motion, out):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj = character.build("mixamo")
    mesh = files.meshes_of(obj)[0]
    for name in ("Basis", "jaw_open", "EyeBlink_L", "smile"):
        mesh.shape_key_add(name=name)
    hero = Path(out).with_name("hero.blend")
    files.save(hero, obj)
    baking.bake({"motion": motion, "clip": "face", "character": {"path": str(hero)}, "out": out}, lambda *_: None)
    bpy.ops.wm.open_mainfile(filepath=out)
    scene, obj = bpy.context.scene, files.choose(bpy.context.scene)
    blocks = files.meshes_of(obj)[0].data.shape_keys.key_blocks
    shapes, kept = {name: [] for name in blocks.keys()}, {}
    for frame in (1, 2, 3):
        scene.frame_set(frame)
        for name in shapes:
            shapes[name].append(blocks[name].value)
        for name in obj.keys():
            if name.startswith(("eye", "jaw")):
                kept.setdefault(name, []).append(obj[name])
    return {"shapes": shapes, "kept": kept}


run(main)
