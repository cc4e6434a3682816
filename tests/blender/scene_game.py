"""A character exported for games and read into an empty file: what is in it, and what became of the scene."""

import loose  # noqa: F401  isort: skip
from pathlib import Path

import bpy
import numpy as np
from poseloom import chains
from poseloom.errors import BadInput, Cancelled
from poseloom_addon.scene import armature, character, export, keying
from session import run, walk

FRAMES, FIRST, FPS = 16, 5, 48.0


def main(who, folder):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps = 24
    for name in ("Another", "Zebra"):
        bpy.data.scenes.new(name)
    obj = character.build(who)
    obj.location, obj.rotation_euler, obj.scale = (0.4, -1.5, 0.2), (0.0, 0.0, 0.7), (1.1, 1.1, 1.1)
    hat(obj)
    rig = armature.read(obj)
    motion = walk(FRAMES).with_(fps=24.0)
    keys, _ = chains.motion_to_rig(motion, rig, 24.0)
    keying.write(obj, keys, name=f"{obj.name}|walk", start_frame=FIRST)
    scene.frame_start, scene.frame_end = 3, 77
    scene.frame_set(9, subframe=0.25)
    layer = bpy.context.view_layer
    for o in layer.objects:
        o.select_set(o.type == "MESH")
    layer.objects.active = obj
    bpy.ops.object.mode_set(mode="POSE")

    deforming = [bone for bone, deforms in zip(rig.bones, rig.deform) if deforms]
    names = {"deforming": deforming, "action": f"{obj.name}|walk", "meshes": len(meshes_of(obj))}
    count = (FRAMES - 1) * 2 + 1
    original, top = heads(obj, deforming, FIRST + np.arange(count) / 2), top_of(obj, FIRST)
    scene.frame_set(9, subframe=0.25)
    before = state()
    cases = [(ending, root) for ending in (".fbx", ".glb") for root in (None, "motion_root")]
    told = {}
    for ending, root in cases:
        out = Path(folder) / f"{who}_{root}{ending}"
        told[ending, root] = export.export_game(obj, out, fps=FPS, root_bone=root)
    unchanged = [state() == before]
    bpy.ops.object.mode_set(mode="OBJECT")
    before = state()
    for ending, root in cases:
        export.export_game(obj, Path(folder) / f"{who}_{root}{ending}", fps=FPS, root_bone=root)
    unchanged.append(state() == before)
    refused = []
    for arguments in (
        dict(root_bone=deforming[0]), dict(fps=0.0), dict(path=Path(folder) / "a.obj"), dict(report=stop),
        dict(path=Path(folder) / "nowhere" / "a.fbx"),
    ):  # fmt: skip
        try:
            export.export_game(obj, **{"path": Path(folder) / "refused.glb", **arguments})
        except (BadInput, Cancelled) as error:
            refused.append(error.code)
        unchanged.append(state() == before)
    left = sorted(p.name for p in Path(folder).iterdir() if "refused" in p.name)

    seen = {}
    for ending, root in cases:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        bpy.context.scene.render.fps = int(FPS)
        path = str(Path(folder) / f"{who}_{root}{ending}")
        if ending == ".fbx":
            bpy.ops.import_scene.fbx(filepath=path, anim_offset=0.0)
        else:
            bpy.ops.import_scene.gltf(filepath=path)
        (again,) = [o for o in bpy.data.objects if o.type == "ARMATURE"]
        after = heads(again, deforming, again.animation_data.action.frame_range[0] + np.arange(count))
        last = again.animation_data.action.frame_range
        found = {
            "apart_m": float(np.linalg.norm(after - original, axis=-1).max()),
            "bones": sorted(again.data.bones.keys()), "frames": float(last[1] - last[0]) + 1,
            "actions": [a.name for a in bpy.data.actions], "told": told[ending, root],
            "tops": [bone.name for bone in again.data.bones if bone.parent is None],
            "skinned": [skinned(o, again) for o in bpy.data.objects if o.type == "MESH" and o.vertex_groups],
            "names": sorted([*bpy.data.objects.keys(), *bpy.data.meshes.keys()]),
            "top_apart_m": float(np.linalg.norm(top_of(again, int(last[0])) - top)),
        }
        if root:
            place = heads(again, [root], last[0] + np.arange(count))[:, 0]
            hips = after[:, deforming.index(told[ending, root]["bones"][1])]
            found["rise_m"] = float(np.ptp(place[:, 2]))
            found["way_m"] = float(np.linalg.norm(place[-1] - place[0]))
            found["hips_way_m"] = float(np.linalg.norm((hips[-1] - hips[0])[:2]))
        seen[f"{ending} {root}"] = found
    return {**names, "unchanged": unchanged, "refused": refused, "left": left, "seen": seen}


def stop(fraction, text):
    if fraction > 0.2:
        raise Cancelled()


def hat(obj):
    """A mesh that hangs from a bone, not skinned: the highest of all."""
    mesh = bpy.data.meshes.new("Hat")
    mesh.from_pydata([(0, 0, 0.6), (0.1, 0, 0.6), (0, 0.1, 0.6), (0, 0.6, 0)], [], [(0, 1, 2), (1, 2, 3)])
    put = bpy.data.objects.new("Hat", mesh)
    bpy.context.scene.collection.objects.link(put)
    put.parent, put.parent_type = obj, "BONE"
    put.parent_bone = "DEF-spine.006" if "DEF-spine.006" in obj.data.bones else "mixamorig:Head"
    bpy.context.view_layer.update()


def state():
    """What must stay: every data-block, the selection, the modes, the playhead, and every pose."""
    scene, layer = bpy.context.scene, bpy.context.view_layer
    blocks = {
        kind: sorted((block.name, block.users) for block in getattr(bpy.data, kind))
        for kind in ("objects", "meshes", "armatures", "actions", "collections", "materials", "scenes", "images")
    }
    chosen = [(o.name, o.select_get(), o.mode, tuple(map(tuple, o.matrix_world))) for o in layer.objects]
    clock = (scene.frame_current, scene.frame_subframe, scene.frame_start, scene.frame_end,
             scene.render.fps, scene.render.fps_base)  # fmt: skip
    playing = [(o.name, o.animation_data.action.name, len(o.animation_data.nla_tracks), o.animation_data.use_nla)
               for o in bpy.data.objects if o.animation_data and o.animation_data.action]  # fmt: skip
    return scene.name, blocks, chosen, clock, playing, layer.objects.active.name, bpy.context.mode


def heads(obj, bones, times):
    """(T,B,3) in the world."""
    places = []
    for time in times:
        bpy.context.scene.frame_set(int(time), subframe=float(time % 1))
        seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        places.append([seen.matrix_world @ seen.pose.bones[bone].head for bone in bones])
    return np.array(places)


def top_of(obj, frame):
    """(3,) the highest vertex of its meshes, in the world: the hat's."""
    bpy.context.scene.frame_set(frame)
    every = []
    for mesh in meshes_of(obj):
        seen = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
        every += [seen.matrix_world @ vertex.co for vertex in seen.data.vertices]
    return np.array(max(every, key=lambda place: place.z))


def meshes_of(obj):
    return [o for o in bpy.data.objects if o.type == "MESH" and (o.parent == obj or o.find_armature() == obj)]


def skinned(mesh, obj):
    bound = any(m.type == "ARMATURE" and m.object == obj for m in mesh.modifiers)
    known = {group.index for group in mesh.vertex_groups if group.name in obj.data.bones}
    weights = [sum(g.weight for g in v.groups if g.group in known) for v in mesh.data.vertices]
    return bound and min(weights) > 0.99


run(main)
