"""Our own characters, added by the operator; one of them animated, and taken back by undo."""

from pathlib import Path

import bpy
import session


def main(path, work):
    session.install(path)
    clip = str(session.bvh(Path(work) / "walk.bvh"))
    bones = {}
    for preset in ("makehuman", "mixamo", "unreal", "cmu"):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.ops.ed.undo_push(message="Empty")
        assert bpy.ops.poseloom.add_character(preset=preset) == {"FINISHED"}
        bones[preset] = len(bpy.context.object.data.bones)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.ed.undo_push(message="Empty")
    bpy.ops.poseloom.add_character(preset="mixamo")
    bpy.ops.ed.undo_push(message="Add")
    skinned = [o.name for o in bpy.data.objects if o.type == "MESH" and o.find_armature() == bpy.context.object]
    assert bpy.ops.poseloom.retarget_bvh(filepath=clip) == {"FINISHED"}
    action = bpy.context.object.animation_data.action.name
    bpy.ops.ed.undo_push(message="Retarget")
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    return {
        "bones": bones, "skinned": skinned, "retargeted": action, "after_undo": [o.name for o in bpy.data.objects],
    }  # fmt: skip


session.run(main)
