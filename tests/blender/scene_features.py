"""Faces of rigs with a jaw: where their points lie on the mesh, and what moves when the jaw opens or the head turns."""

import loose  # noqa: F401  isort: skip
import bpy
import numpy as np
from poseloom.motion import openpose
from poseloom_addon.scene import character, figures
from session import run


def main():
    told = {}
    for who in ("makehuman", "mixamo"):
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        obj = character.build(who)
        obj.location, obj.rotation_euler, obj.scale = (1.0, -2.0, 0.3), (0.1, 0.2, 0.7), (1.2, 1.2, 1.2)
        bpy.context.view_layer.update()
        figure = figures.Figure(obj)
        told[who] = measured(obj, figure) if figure.face else None
        if told[who] is None:
            told[f"{who} points"] = int(np.isfinite(face(figure)).sum())
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    told["rigify"] = lips(bpy.context.object)
    return told


def measured(obj, figure):
    start, mesh = face(figure), next(o for o in obj.children if o.type == "MESH")
    places = surface(mesh)
    off = [float(np.linalg.norm(places - place, axis=1).min()) for place in start]
    open_mouth = turned(obj, figure, figure.face.jaw, start)
    nod = turned(obj, figure, figure.face.head, start)
    apart = np.linalg.norm(start[:, None] - start[None], axis=-1)
    return {
        "off_m": dict(zip(openpose.FACE_NAMES, off)),
        "open_m": dict(zip(openpose.FACE_NAMES, np.linalg.norm(open_mouth - start, axis=1).tolist())),
        "nod_m": float(np.linalg.norm(nod - start, axis=1).min()),
        "bent_m": float(np.abs(np.linalg.norm(nod[:, None] - nod[None], axis=-1) - apart).max()),
    }


def face(figure):
    """(70,3)."""
    names = openpose.names(18)
    return figure.points(18)[[names.index(name) for name in openpose.FACE]]


def turned(obj, figure, name, start):
    """The face with a bone turned by 0.3 about its own x axis, which is turned back."""
    bone = obj.pose.bones[name]
    bone.rotation_mode, bone.rotation_euler.x = "XYZ", 0.3
    bpy.context.view_layer.update()
    found = face(figure)
    bone.rotation_euler.x = 0.0
    bpy.context.view_layer.update()
    return found


def surface(mesh):
    """(N,3) the vertices of the posed mesh in the world."""
    shown = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([shown.matrix_world @ v.co for v in shown.data.vertices])


def lips(obj):
    """How far, in the metarig of Rigify, which has bones for lips, points are from these, and whether they go with them."""
    figure = figures.Figure(obj)
    bone = obj.pose.bones["lip.T.L.001"]
    row = {name: i for i, name in enumerate(openpose.FACE_NAMES)}
    before, above = np.array(obj.matrix_world @ bone.head), obj.pose.bones["lip.T.L"]
    above.rotation_mode, above.rotation_euler.x = "XYZ", 0.5
    bpy.context.view_layer.update()
    after = np.array(obj.matrix_world @ bone.head)
    off = np.linalg.norm(face(figure)[row["lip_up2_l"]] - after)
    return {"off": float(off), "moved": float(np.linalg.norm(after - before)), "own": len(figure.face.own)}


run(main)
