"""Character files as users have them, good and bad, written into a folder."""

import loose  # noqa: F401  isort: skip
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from session import armature, run


def empty():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


def save(path):
    bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False)
    return str(path)


def main(folder):
    folder = Path(folder)
    made = {}
    empty()
    armature()
    made["hero"] = save(folder / "hero.blend")
    armature("Second")
    made["two"] = save(folder / "two.blend")

    empty()
    obj = armature("Turned")
    obj.scale, obj.rotation_euler, obj.location = (0.01,) * 3, (0.0, 0.0, np.pi / 2), (3.0, 2.0, 0.0)
    obj.data.transform(Matrix.Scale(100.0, 4))
    made["turned"] = save(folder / "turned.blend")

    empty()
    bpy.ops.mesh.primitive_cube_add()
    made["cube"] = save(folder / "cube.blend")

    empty()
    snake()
    made["snake"] = save(folder / "snake.blend")

    # a collection with the hero, linked, then overridden
    empty()
    collection = bpy.data.collections.new("Hero")
    bpy.context.scene.collection.children.link(collection)
    obj = armature()
    collection.objects.link(obj)
    bpy.context.scene.collection.objects.unlink(obj)
    save(folder / "library.blend")
    empty()
    link(folder / "library.blend")
    made["linked"] = save(folder / "linked.blend")
    scene, layer = bpy.context.scene, bpy.context.view_layer
    linked = bpy.data.collections["Hero"]
    linked.override_hierarchy_create(scene, layer, do_fully_editable=True)
    if linked.name in scene.collection.children:
        scene.collection.children.unlink(linked)
    hero = next(o for o in scene.objects if o.type == "ARMATURE")
    assert hero.override_library is not None and hero.library is None
    made["override"] = save(folder / "override.blend")
    return made


def link(library):
    with bpy.data.libraries.load(str(library), link=True) as (source, wanted):
        wanted.collections = ["Hero"]
    bpy.context.scene.collection.children.link(wanted.collections[0])


def snake():
    data = bpy.data.armatures.new("Snake")
    obj = bpy.data.objects.new("Snake", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for i in range(9):
        bone = data.edit_bones.new(f"ring.{i:03d}")
        bone.head, bone.tail = (0, i, 0), (0, i + 1, 0)
        if i:
            bone.parent = data.edit_bones[i - 1]
    bpy.ops.object.mode_set(mode="OBJECT")


run(main)
