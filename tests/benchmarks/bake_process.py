"""Runs in Blender's Python: a clip on an armature by the extension, and by Copy Rotation constraints and nla.bake.

    python bake_process.py CLIP.bvh plain|rigify FRAMES

Prints RESULT and JSON: seconds of either way, in the same scene, by the clock and of the processor's time.  Ours reads
the clip, recognises both skeletons, solves with contacts and writes the curves; the rival finds the clip's armature in
the scene, with the bones to be tied known beforehand: what Blender takes to bring the file there is told apart.
"""

import json
import os
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "blender"), str(TESTS / "benchmarks"), str(TESTS)]
import loose  # noqa: E402,F401  isort: skip
import bpy  # noqa: E402
import numpy as np  # noqa: E402
from poseloom import chains  # noqa: E402
from poseloom.motion.bvh import read_bvh  # noqa: E402
from poseloom.motion.types import RigMotion  # noqa: E402
from poseloom.rigs.recognise import recognise  # noqa: E402
from poseloom_addon.scene import armature, keying  # noqa: E402
from sixty import sixty_bones  # noqa: E402


def plain():
    """The 60-bone armature, from its record."""
    rig = sixty_bones()
    data = bpy.data.armatures.new("Plain")
    obj = bpy.data.objects.new("Plain", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for i, name in enumerate(rig.bones):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = rig.rest[i, :3, 3], rig.tails[i]
        if rig.parents[i] >= 0:
            bone.parent = data.edit_bones[rig.bones[rig.parents[i]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


def rigify():
    """Rigify's human, generated; its FK controls tied."""
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
    return next(o for o in bpy.data.objects if o.type == "ARMATURE" and o != metarig)


def now():
    """Seconds by the clock, and of the processor's time."""
    return np.array([time.perf_counter(), time.process_time()])


def ours(path, obj, frames):
    """(seconds, of these for reading and solving, what was recognised)."""
    began = now()
    source, recorded = read_bvh(path)
    recorded = RigMotion(source.bones, recorded.basis[:frames], recorded.location[:frames], recorded.keyed,
                         recorded.fps)  # fmt: skip
    motion, _ = chains.clip_to_motion(source, recorded)
    rate = bpy.context.scene.render.fps
    rig_motion, found = chains.motion_to_rig(motion.with_(fps=rate), armature.read(obj), rate)
    read_solve = now() - began
    action = keying.write(obj, rig_motion, name="ours", start_frame=1)
    seconds = now() - began
    assert len(rig_motion) == frames
    obj.animation_data_clear()
    bpy.data.actions.remove(action)
    return seconds, read_solve, found


def rival(path, obj, found, frames):
    """(seconds, seconds to import the clip, bones tied); constraints are made by script: that takes the user minutes."""
    began = now()
    bpy.ops.import_anim.bvh(filepath=str(path))
    imported = now() - began
    source = bpy.context.object
    roles = recognise(armature.read(source)).rig.roles
    began = now()
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.select_all(action="DESELECT")
    hips = found.rig.roles["pelvis"][0]
    pairs = {bones[0]: roles[joint][0] for joint, bones in found.rig.roles.items() if joint in roles}
    # the same skeleton: every bone, the ends of fingers too
    pairs.update({bone: bone for bone in obj.pose.bones.keys() if bone in source.pose.bones})
    for bone, other in pairs.items():
        pose = obj.pose.bones[bone]
        # selection moved from bones to pose bones in Blender 5
        (pose if hasattr(pose, "select") else pose.bone).select = True
        for kind in ("COPY_ROTATION", "COPY_LOCATION") if bone == hips else ("COPY_ROTATION",):
            tie = pose.constraints.new(kind)
            tie.target, tie.subtarget = source, other
    bpy.ops.nla.bake(
        frame_start=1, frame_end=frames, only_selected=True, visual_keying=True, clear_constraints=True,
        bake_types={"POSE"},
    )  # fmt: skip
    return now() - began, imported, len(pairs)


def main(path, kind, frames):
    frames = int(frames)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.render.fps = 30
    obj = {"plain": plain, "rigify": rigify}[kind]()
    runs = [ours(path, obj, frames) for _ in range(6)]
    found = runs[0][-1]
    others = [rival(path, obj, found, frames) for _ in range(3 if kind == "plain" else 1)]
    (ours_s, ours_cpu_s), (read_s, _) = (np.min([run[k] for run in runs], axis=0).tolist() for k in (0, 1))
    (rival_s, rival_cpu_s), (import_s, import_cpu_s) = (np.min([run[k] for run in others], axis=0).tolist() for k in (0, 1))
    return {"ours_s": ours_s, "ours_cpu_s": ours_cpu_s, "ours_read_solve_s": read_s, "rival_s": rival_s,
            "rival_cpu_s": rival_cpu_s, "rival_import_s": import_s, "rival_import_cpu_s": import_cpu_s, "frames": frames,
            "ties": others[0][-1], "bones": len(obj.data.bones), "blender": bpy.app.version_string}  # fmt: skip


if __name__ == "__main__":
    code = 1
    try:
        print("RESULT " + json.dumps(main(*sys.argv[1:])))
        code = 0
    finally:
        # bpy is unsafe at exit: a trace is printed first, then the process is left at once
        if code:
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
