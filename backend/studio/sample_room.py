"""The room of the sample clip: boards, walls, furniture and light, all procedural."""

from __future__ import annotations

import math

import bpy
import numpy as np
from mathutils import Vector

WALL_M = 3.6


def furnish(gpos, camera) -> None:
    """Puts a room around the way of the joints gpos (T,J,3), clear of it and open towards the camera."""
    low, high = gpos.reshape(-1, 3).min(0), gpos.reshape(-1, 3).max(0)
    middle = Vector(((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, 0.0))
    away = middle - camera.location
    away = Vector((away.x, away.y, 0)).normalized()
    right = Vector((away.y, -away.x, 0))
    yaw = math.atan2(away.y, away.x) - math.pi / 2 + 0.2
    spread = float(np.linalg.norm(high[:2] - low[:2])) / 2

    def at(sideways, back, up=0.0):
        return middle + right * sideways + away * back + Vector((0, 0, up))

    box("Floor", at(0, 0, -0.025), (14, 14, 0.05), yaw, boards())
    back = spread + 1.3
    plaster, paper = wall((0.62, 0.58, 0.50), 3.0), wall((0.36, 0.45, 0.44), 6.0)
    box("Back wall", at(0, back + 0.1, WALL_M / 2), (14, 0.1, WALL_M), yaw, plaster)
    box("Side wall", at(3.4, 0, WALL_M / 2), (0.1, 14, WALL_M), yaw, paper)
    box("Skirting", at(0, back, 0.06), (14, 0.03, 0.12), yaw, plain((0.75, 0.74, 0.70)))
    wood, dark = plain((0.30, 0.16, 0.08)), plain((0.06, 0.06, 0.07))
    box("Cabinet", at(-1.7, back - 0.35, 0.45), (1.2, 0.4, 0.9), yaw, wood)
    box("Box", at(-1.95, back - 0.35, 1.0), (0.35, 0.25, 0.2), yaw + 0.4, plain((0.65, 0.42, 0.10)))
    box("Shelf", at(1.5, back - 0.25, 0.95), (0.8, 0.3, 1.9), yaw, plain((0.55, 0.50, 0.42)))
    for i, colour in enumerate(((0.45, 0.07, 0.05), (0.08, 0.25, 0.12), (0.7, 0.6, 0.3), (0.1, 0.15, 0.4))):
        box("Books", at(1.3 + 0.12 * i, back - 0.45, 1.25), (0.09, 0.08, 0.3 + 0.03 * (i % 2)), yaw, plain(colour))
    box("Picture", at(-0.3, back - 0.02, 1.65), (0.9, 0.04, 0.6), yaw, dark)
    box("Canvas", at(-0.3, back - 0.05, 1.65), (0.8, 0.03, 0.5), yaw, wall((0.55, 0.25, 0.12), 14.0))
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.16, location=at(0.75, back - 0.5, 0.16))
    bpy.context.object.data.materials.append(plain((0.7, 0.22, 0.05)))
    bpy.ops.mesh.primitive_cylinder_add(radius=0.16, depth=0.35, location=at(-0.75, back - 0.4, 0.175))
    bpy.context.object.data.materials.append(plain((0.40, 0.15, 0.08)))
    bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=2, radius=0.33, location=at(-0.75, back - 0.4, 0.68))
    bpy.context.object.data.materials.append(plain((0.06, 0.18, 0.05)))

    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.data.energy, sun.data.angle = 2.4, math.radians(1)
    sun.rotation_euler = (-(away * 1.0 + right * -0.8 + Vector((0, 0, -1.5)))).to_track_quat("Z", "Y").to_euler()
    bpy.context.collection.objects.link(sun)
    for material in bpy.data.materials:
        light_from_above(material)


def light_from_above(material) -> None:
    """Light of a bright ceiling, more on what faces up: worked out by the material, hence without noise."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    surface = nodes["Principled BSDF"].inputs
    place, apart, reach = (nodes.new(f"ShaderNode{n}") for n in ("NewGeometry", "SeparateXYZ", "MapRange"))
    for name, value in {"From Min": -1.0, "From Max": 1.0, "To Min": 0.12, "To Max": 0.42}.items():
        reach.inputs[name].default_value = value
    links.new(place.outputs["Normal"], apart.inputs[0])
    links.new(apart.outputs["Z"], reach.inputs["Value"])
    links.new(reach.outputs["Result"], surface["Emission Strength"])
    if surface["Base Color"].is_linked:
        links.new(surface["Base Color"].links[0].from_socket, surface["Emission Color"])
    else:
        surface["Emission Color"].default_value = surface["Base Color"].default_value
    material.cycles.emission_sampling = "NONE"


def box(name, place, size, yaw, material) -> None:
    bpy.ops.mesh.primitive_cube_add(size=1.0, location=place, rotation=(0, 0, yaw))
    made = bpy.context.object
    made.name, made.scale = name, size
    made.data.materials.append(material)


def plain(colour, roughness=0.8):
    material = bpy.data.materials.new("plain")
    if material.node_tree is None:
        material.use_nodes = True
    surface = material.node_tree.nodes["Principled BSDF"].inputs
    surface["Base Color"].default_value, surface["Roughness"].default_value = (*colour, 1.0), roughness
    return material


def boards():
    """Floor boards with grain."""
    material = plain((0.3, 0.2, 0.1), 0.6)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place = nodes.new("ShaderNodeNewGeometry")
    brick, noise, mix = (nodes.new(f"ShaderNode{n}") for n in ("TexBrick", "TexNoise", "MixRGB"))
    brick.inputs["Color1"].default_value = (0.34, 0.19, 0.09, 1)
    brick.inputs["Color2"].default_value = (0.25, 0.13, 0.06, 1)
    brick.inputs["Mortar"].default_value = (0.06, 0.03, 0.015, 1)
    brick.inputs["Scale"].default_value = 1.0
    brick.inputs["Brick Width"].default_value, brick.inputs["Row Height"].default_value = 1.1, 0.14
    brick.inputs["Mortar Size"].default_value = 0.004
    noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = 9.0, 4.0
    mix.blend_type = "OVERLAY"
    mix.inputs["Fac"].default_value = 0.5
    links.new(place.outputs["Position"], brick.inputs["Vector"])
    links.new(place.outputs["Position"], noise.inputs["Vector"])
    links.new(brick.outputs["Color"], mix.inputs["Color1"])
    links.new(noise.outputs[0], mix.inputs["Color2"])
    links.new(mix.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    return material


def wall(colour, scale):
    """Paint or plaster with blotches."""
    material = plain(colour, 0.9)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place, noise, ramp = (nodes.new(f"ShaderNode{n}") for n in ("NewGeometry", "TexNoise", "ValToRGB"))
    noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = scale, 6.0
    ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.3, 0.7
    ramp.color_ramp.elements[0].color = (*[c * 0.8 for c in colour], 1)
    ramp.color_ramp.elements[1].color = (*[min(c * 1.15, 1) for c in colour], 1)
    links.new(place.outputs["Position"], noise.inputs["Vector"])
    links.new(noise.outputs[0], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], nodes["Principled BSDF"].inputs["Base Color"])
    return material
