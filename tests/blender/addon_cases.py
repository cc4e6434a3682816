"""Armatures of other kinds under the retarget operator: linked, overridden, strange, scaled, already tweaked."""

from pathlib import Path

import bpy
import session


def main(path, work):
    extension = session.install(path)
    work = Path(work)
    clip = str(session.bvh(work / "walk.bvh"))
    session.armature("Hero")
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "library.blend"))
    result = {}

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(work / "library.blend"), link=True) as (_, into):
        into.objects = ["Hero"]
    linked = into.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    bpy.context.view_layer.objects.active = linked
    result["linked"] = said(clip)
    result["linked by name"] = said(clip, armature="Hero")
    override = linked.override_create(remap_local_usages=True)
    override.override_library.is_system_override = False
    bpy.context.view_layer.objects.active = override
    result["override"] = said(clip)
    result["override action"] = override.animation_data.action.name
    result["override edited"] = [sorted(op()) for op in (bpy.ops.poseloom.mirror, bpy.ops.poseloom.reduce_keys)]
    bpy.ops.poseloom.set_role(joint="neck", bone="")
    bpy.ops.poseloom.revert()
    result["override reverted"] = [len(bpy.data.actions), override.animation_data is None]
    result["override"] = said(clip)
    keys = session.fcurves(override.animation_data.action)
    result["override corrected"] = not any("Neck" in path for path, _ in keys)
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(work / "shot.blend"))
    action = bpy.data.objects["Hero"].animation_data.action
    result["override after loading"] = [action.name, len(session.fcurves(action)) > 60]

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    extension.registration.preferences.get().previous = "FAKE_USER"
    hero = session.armature("Hero")
    for _ in range(2):
        result["fake user"] = said(clip)
    result["fake users"] = sorted((a.name, a.use_fake_user, a.users) for a in bpy.data.actions)
    result["tracks"] = len(hero.animation_data.nla_tracks)
    bpy.ops.object.mode_set(mode="EDIT")
    result["edit mode"] = said(clip)
    bpy.ops.object.mode_set(mode="POSE")
    result["pose mode"] = said(clip)
    bpy.ops.object.mode_set(mode="OBJECT")

    box = bpy.data.objects.new("Box", bpy.data.armatures.new("Box"))
    bpy.context.scene.collection.objects.link(box)
    bpy.context.view_layer.objects.active = box
    result["no bones"] = said(clip)
    bpy.ops.object.mode_set(mode="EDIT")
    box.data.edit_bones.new("lid").tail = (0.0, 0.0, 1.0)
    bpy.ops.object.mode_set(mode="OBJECT")
    result["not humanoid"] = said(clip)
    result["actions before bad clips"] = len(bpy.data.actions)
    bpy.context.view_layer.objects.active = hero
    (work / "bad.bvh").write_text("HIERARCHY\nROOT hips\n{\n")
    result["bad clip"] = said(str(work / "bad.bvh"))
    result["no clip"] = said(str(work / "none.bvh"))
    mesh = bpy.data.objects.new("Body", bpy.data.meshes.new("Body"))
    bpy.context.scene.collection.objects.link(mesh)
    bpy.context.view_layer.objects.active = mesh
    result["mesh without armature"] = said(clip)
    result["actions after bad clips"] = len(bpy.data.actions)
    mesh.modifiers.new("Armature", "ARMATURE").object = hero
    result["its mesh"] = said(clip)
    return result


def said(clip, **values):
    """What the operator complains of, "" where it does not."""
    try:
        bpy.ops.poseloom.retarget_bvh(filepath=clip, **values)
    except RuntimeError as error:
        return str(error)
    return ""


session.run(main)
