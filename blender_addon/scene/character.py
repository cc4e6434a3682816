"""The CC0 character that we ship, built in the current scene on the rig of a family."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Optional

import bpy
import numpy as np

from poseloom.errors import BadInput

PRESETS = ("makehuman", "mixamo", "unreal", "rigify", "cmu")

# base colour (linear RGB) and roughness of each region
MATERIALS = {
    "skin": ((0.60, 0.34, 0.24), 0.55),
    "hair": ((0.030, 0.018, 0.012), 0.65),
    "shirt": ((0.05, 0.17, 0.33), 0.85),
    "trousers": ((0.11, 0.10, 0.09), 0.85),
    "shoes": ((0.32, 0.05, 0.04), 0.55),
    "soles": ((0.75, 0.73, 0.68), 0.60),
    "eyes": ((0.80, 0.80, 0.78), 0.25),
    "iris": ((0.05, 0.03, 0.02), 0.20),
    "lips": ((0.40, 0.15, 0.11), 0.50),
}


def build(preset: str, name: Optional[str] = None, path: Optional[Path] = None) -> bpy.types.Object:
    """The armature object of a new clothed, skinned adult, 1.75 m, feet on z = 0, facing -Y.

    preset is one of PRESETS; "rigify" gives the generated control rig of a fitted basic human.
    The object and its mesh are linked to the active collection.  path is body.npz, by default the
    one packaged with poseloom.  BadInput if the preset is not known or the file is missing.
    """
    if preset not in PRESETS:
        raise BadInput("unknown_preset", f"There is no character {preset!r}.", f"Choose one of {', '.join(PRESETS)}.")
    body = _load(path)
    if bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    name = name or preset.capitalize()
    bones = {key: body[f"{preset}.{key}"] for key in ("bones", "parents", "heads", "tails", "rolls", "connected")}
    armature = _rigify(name, bones) if preset == "rigify" else _armature(name, bones)
    mesh = _mesh(f"{name} body", body)
    skinned = bpy.data.objects.new(mesh.name, mesh)
    bpy.context.collection.objects.link(skinned)
    _skin(skinned, body[f"{preset}.groups"], body[f"{preset}.joints"], body[f"{preset}.weights"])
    skinned.modifiers.new("Armature", "ARMATURE").object = armature
    skinned.parent = armature
    bpy.ops.object.select_all(action="DESELECT")
    armature.select_set(True)
    bpy.context.view_layer.objects.active = armature
    return armature


def _load(path: Optional[Path]) -> dict:
    try:
        source = resources.files("poseloom.assets") / "body.npz" if path is None else Path(path)
        with source.open("rb") as file, np.load(file, allow_pickle=False) as npz:
            return {key: npz[key] for key in npz.files}
    except (FileNotFoundError, ModuleNotFoundError) as error:  # Blender's bundled kernel may come without it
        raise BadInput(
            "no_body", "The data of the built-in character is not installed.", "Choose a character file instead."
        ) from error


def _armature(name: str, bones: dict) -> bpy.types.Object:
    data = bpy.data.armatures.new(name)
    armature = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    made = [data.edit_bones.new(bone) for bone in bones["bones"].tolist()]
    for bone, parent in zip(made, bones["parents"].tolist()):
        bone.parent = made[parent] if parent >= 0 else None
    _place(made, bones)
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def _place(made: list, bones: dict) -> None:
    for bone in made:
        bone.use_connect = False
    for bone, head, tail, roll in zip(made, bones["heads"], bones["tails"], bones["rolls"]):
        bone.head, bone.tail, bone.roll = head, tail, roll
    for bone, connected in zip(made, bones["connected"].tolist()):
        bone.use_connect = connected and bone.parent is not None


def _rigify(name: str, bones: dict) -> bpy.types.Object:
    """The control rig that Rigify makes from its basic human, fitted to the body."""
    import addon_utils

    if not addon_utils.check("rigify")[1]:
        bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_basic_human_metarig_add()
    metarig = bpy.context.object
    metarig.location = (0.0, 0.0, 0.0)  # it comes at the 3D cursor
    bpy.ops.object.mode_set(mode="EDIT")
    made = [metarig.data.edit_bones[bone] for bone in bones["bones"].tolist()]
    # what Rigify joins and what it keeps apart is the metarig's affair
    _place(made, bones | {"connected": np.array([bone.use_connect for bone in made])})
    bpy.ops.object.mode_set(mode="OBJECT")
    metarig.data.rigify_rig_basename = name
    before = set(bpy.data.objects)
    bpy.ops.pose.rigify_generate()
    armature = next(o for o in bpy.data.objects if o not in before and o.type == "ARMATURE")
    armature.name = armature.data.name = name
    data = metarig.data
    bpy.data.objects.remove(metarig)
    bpy.data.armatures.remove(data)
    return armature


def _mesh(name: str, body: dict) -> bpy.types.Mesh:
    vertices, loops, sizes = body["vertices"], body["loops"].astype(np.int32), body["sizes"].astype(np.int32)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.ravel())
    mesh.loops.add(len(loops))
    mesh.loops.foreach_set("vertex_index", loops)
    mesh.polygons.add(len(sizes))
    mesh.polygons.foreach_set("loop_start", np.cumsum(sizes, dtype=np.int32) - sizes)
    mesh.polygons.foreach_set("material_index", body["regions"].astype(np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(sizes), bool))
    for region in body["region_names"].tolist():
        mesh.materials.append(_material(region))
    mesh.update(calc_edges=True)
    mesh.validate()
    return mesh


def _material(region: str) -> bpy.types.Material:
    colour, roughness = MATERIALS[region]
    material = bpy.data.materials.new(region)
    if material.node_tree is None:
        material.use_nodes = True
    material.diffuse_color, material.roughness = (*colour, 1.0), roughness
    surface = material.node_tree.nodes["Principled BSDF"]
    surface.inputs["Base Color"].default_value = (*colour, 1.0)
    surface.inputs["Roughness"].default_value = roughness
    return material


def _skin(skinned: bpy.types.Object, groups: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> None:
    made = [skinned.vertex_groups.new(name=group) for group in groups.tolist()]
    for index, group in enumerate(made):
        weight = np.where(joints == index, weights, 0).sum(1)
        for level in np.unique(weight[weight > 0]).tolist():
            group.add(np.flatnonzero(weight == level).tolist(), level / 255, "REPLACE")
