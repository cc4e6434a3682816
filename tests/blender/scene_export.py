"""How far a character's deforming bones, exported and read again, lie from where they were."""

import loose  # noqa: F401  isort: skip
from pathlib import Path

import bpy
import numpy as np
from poseloom import chains
from poseloom.motion.bvh import read_bvh
from poseloom.retarget import pose_matrices
from poseloom_addon import baking
from poseloom_addon.scene import armature, character, files, keying
from session import run, walk

FRAMES = 24


def main(who, folder):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj = character.build(who)
    scene = bpy.context.scene
    motion = walk(FRAMES)
    baking.set_rate(scene, motion.fps)
    rig = armature.read(obj)
    keys, _ = chains.motion_to_rig(motion, rig, motion.fps)
    keying.write(obj, keys, name="walk", start_frame=1)
    scene.frame_start, scene.frame_end = 1, FRAMES
    before = heads(obj, {bone for bone, deforms in zip(rig.bones, rig.deform) if deforms})
    apart = {}
    for ending in (".blend", ".fbx", ".glb", ".bvh"):
        out = Path(folder) / f"{who}{ending}"
        baking.write(out, obj, 1, FRAMES, lambda fraction, text: None)
    for ending in (".blend", ".fbx", ".glb", ".bvh"):
        after = READERS[ending](Path(folder) / f"{who}{ending}")
        both = before.keys() & after.keys()
        if ending in (".glb", ".bvh") and who == "rigify":
            assert len(both) > 20, sorted(after)
        else:
            assert both == before.keys(), before.keys() - after.keys()
        apart[ending] = max(float(np.abs(before[bone] - after[bone]).max()) for bone in both)
    return apart


def heads(obj, bones, first=1) -> dict:
    """{bone: (T,3) its head in the world} over FRAMES frames of the scene."""
    seen = {bone: [] for bone in bones}
    for frame in range(first, first + FRAMES):
        bpy.context.scene.frame_set(frame)
        evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        for bone, places in seen.items():
            places.append(evaluated.matrix_world @ evaluated.pose.bones[bone].head)
    return {bone: np.array(places) for bone, places in seen.items()}


def from_blend(path):
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return every_head()


def from_fbx(path):
    empty()
    bpy.ops.import_scene.fbx(filepath=str(path))  # its time 0 is frame 1
    return every_head()


def from_glb(path):
    empty()
    bpy.ops.import_scene.gltf(filepath=str(path))
    return every_head(first=0)


def from_bvh(path):
    rig, motion = read_bvh(path)
    places = (rig.world @ pose_matrices(rig, motion))[..., :3, 3]
    return {bone: places[:, b] for b, bone in enumerate(rig.bones)}


READERS = {".blend": from_blend, ".fbx": from_fbx, ".glb": from_glb, ".bvh": from_bvh}


def empty():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 30


def every_head(first=1):
    obj = files.choose(bpy.context.scene)
    return heads(obj, obj.data.bones.keys(), first)


run(main)
