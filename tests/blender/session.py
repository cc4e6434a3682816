"""For the scripts beside, which run in Blender's Python: the extension, an armature, a way out.

A script is called with the extension's zip and prints one line, RESULT and JSON, that its test reads.
$BLENDER_USER_RESOURCES names an empty folder, so that nothing of the user's is read or written.
"""

import contextlib
import io
import json
import os
import sys
import time
import traceback

import bpy

MODULE = "bl_ext.user_default.poseloom"
# canonical joint -> bone, in the names of a Mixamo character
MIXAMO = {
    "pelvis": "Hips", "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck", "head": "Head",
    **{f"{joint}_{side[0].lower()}": f"{side}{bone}" for side in ("Left", "Right") for joint, bone in {
        "clavicle": "Shoulder", "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand",
        "thigh": "UpLeg", "shin": "Leg", "foot": "Foot", "toe": "ToeBase"}.items()},
}  # fmt: skip


def enable_extensions():
    import addon_utils

    addon_utils.enable("bl_pkg")


def install(path):
    """The extension from its zip, by the extension system itself."""
    enable_extensions()
    bpy.ops.extensions.package_install_files(
        filepath=str(path), repo="user_default", enable_on_install=True, overwrite=True
    )
    if MODULE not in bpy.context.preferences.addons:
        raise SystemExit("the extension was not enabled")
    import poseloom

    home = os.environ["BLENDER_USER_RESOURCES"]
    assert poseloom.__file__.startswith(home), f"the kernel comes from {poseloom.__file__}, not from the wheel"
    return sys.modules[MODULE]


def armature(name="Hero", scale=1.0):
    """A T-posed armature with Mixamo's names, facing -Y, made active; undo has a step to go back to."""
    import numpy as np
    from poseloom.motion import skeleton

    body = skeleton.standard()
    rest = np.zeros((len(body), 3))
    for joint, parent in enumerate(body.parents):
        rest[joint] = body.offsets[joint] + (rest[parent] if parent >= 0 else 0.0)
    data = bpy.data.armatures.new(name)
    obj = bpy.data.objects.new(name, data)
    obj.scale = (scale,) * 3
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    obj.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    for joint, parent in enumerate(body.parents):
        bone = data.edit_bones.new(f"mixamorig:{MIXAMO[body.names[joint]]}")
        bone.head = rest[joint]
        bone.tail = rest[joint] + body.tips[joint]
        if parent >= 0:
            bone.parent = data.edit_bones[f"mixamorig:{MIXAMO[body.names[parent]]}"]
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.ed.undo_push(message="Armature")
    return obj


def walk(frames=40, fps=30.0):
    """A canonical Motion: a stride along -Y, legs and spread arms swinging, the head turning."""
    import numpy as np
    from poseloom.motion import quat, skeleton
    from poseloom.motion.types import Motion

    body = skeleton.standard()
    phase = np.linspace(0.0, 4.0 * np.pi, frames)
    lrot = np.zeros((frames, len(body), 4))
    lrot[..., 0] = 1.0
    swings = {"thigh_l": 0.5, "thigh_r": -0.5, "upper_arm_l": -0.4, "upper_arm_r": 0.4, "head": 0.2}
    for joint, size in swings.items():
        axis = (1.0, 0.0, 0.0) if joint.startswith("thigh") else (0.0, 0.0, 1.0)
        lrot[:, body.index(joint)] = quat.from_axis_angle(np.tile(axis, (frames, 1)), size * np.sin(phase))
    root = np.tile(body.offsets[0], (frames, 1))
    root[:, 1] -= 1.2 * np.arange(frames) / fps
    return Motion(body, lrot, root, fps)


def bvh(path, **values):
    from poseloom.motion.bvh import motion_to_rig, write_bvh

    write_bvh(path, *motion_to_rig(walk(**values)))
    return path


def fcurves(action):
    """Every curve of an action as {(data path, index): [(frame, value), ...]}, in every Blender."""
    if hasattr(action, "slots"):
        bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
        curves = [curve for bag in bags for curve in bag.fcurves]
    else:
        curves = list(action.fcurves)
    return {(c.data_path, c.array_index): [tuple(k.co) for k in c.keyframe_points] for c in curves}


def difference(obj, curves, motion):
    """Largest difference between an action's rotation curves and what the functions say for `motion`."""
    import importlib

    import numpy as np
    from poseloom import chains

    rig = importlib.import_module(f"{MODULE}.scene.armature").read(obj)
    scene = bpy.context.scene
    keys, _ = chains.motion_to_rig(motion, rig, scene.render.fps / scene.render.fps_base)
    worst, compared = 0.0, 0
    for b, bone in enumerate(keys.bones):
        path = f'pose.bones["{bone}"].rotation_quaternion'
        if keys.keyed[b] and (path, 0) in curves:
            keyed = np.array([[value for _, value in curves[path, i]] for i in range(4)]).T
            sign = np.sign(np.sum(keyed * keys.basis[:, b], axis=1))[:, None]
            worst = max(worst, float(np.abs(keyed - sign * keys.basis[:, b]).max()))
            compared += 1
    assert compared > 10, f"only {compared} bones have curves"
    return worst


def wait_for(condition, patience_s=400.0):
    """For scripts in a window: to be yielded from until `condition()` holds."""
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"waited {patience_s:.0f} s in vain")
        yield 0.05


def called(command, words):
    """[exit code, stdout, stderr] of the handler behind `blender --command poseloom`."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = command(words)
    return [code, out.getvalue(), err.getvalue()]


def run(main):
    """Call main(*arguments), print what it returns, and leave without Blender's unsafe way out."""
    code = 1
    try:
        print("RESULT " + json.dumps(main(*sys.argv[1:])), flush=True)
        code = 0
    except BaseException:  # also SystemExit: whatever ends the script, the test must see it
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
