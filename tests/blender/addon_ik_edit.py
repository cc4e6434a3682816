"""Edits of an action on a generated Rigify rig's IK controls, judged by what the deforming bones do."""

import importlib
from pathlib import Path

import bpy
import numpy as np
import session

START, FRAMES = 5, 60
LIMBS = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
SWITCHES = [f'pose.bones["{limb}_parent.{side}"]["IK_FK"]' for limb in ("upper_arm", "thigh") for side in "LR"]


def main(path, work):
    session.install(path)
    from poseloom.motion.bvh import motion_to_rig, write_bvh

    compat = importlib.import_module(f"{session.MODULE}.compat")
    clip = Path(work) / "stride.bvh"
    write_bvh(clip, *motion_to_rig(stride()))
    bpy.context.scene.render.fps = 30
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_basic_human_metarig_add()
    bpy.ops.pose.rigify_generate()
    bpy.context.object.name = "Rig"
    result = {}

    def fresh():
        rig = bpy.data.objects["Rig"]
        if rig.animation_data.action is not None:
            rig.animation_data.action = None
        bpy.context.scene.frame_set(START)
        bpy.context.scene.poseloom.controls = "ik"
        bpy.ops.poseloom.retarget_bvh(filepath=str(clip))
        return seen()

    def seen(by=None):
        """(T,limb,2,3) heads of the limbs' deforming bones, left and right; `by` turns the switches as well."""
        rig = bpy.data.objects["Rig"]
        action = rig.animation_data.action
        keys = [k for c in compat.action_fcurves(action) if c.data_path in SWITCHES for k in c.keyframe_points]
        values = [key.co[1] for key in keys]
        for key in keys if by is not None else ():
            key.co[1] = by
        action.update_tag()
        first, last = (round(frame) for frame in action.frame_range)
        places = []
        for frame in range(first, last + 1):
            bpy.context.scene.frame_set(frame)
            pose = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
            places.append([[pose[f"DEF-{limb}.{side}"].head[:] for side in "LR"] for limb in LIMBS])
        for key, value in zip(keys, values):
            key.co[1] = value
        action.update_tag()
        bpy.context.scene.frame_set(first)
        return np.array(places)

    def far(one, other):
        return float(1000.0 * np.linalg.norm(one - other, axis=-1).max()) if len(one) == len(other) else None

    def both(name):
        """How far what IK shows is from what FK shows, millimetres."""
        result[name] = {"fk": far(seen(0.0), seen(1.0)), "switch": bpy.data.objects["Rig"].path_resolve(SWITCHES[0])}
        return result[name]

    was = fresh()
    both("as retargeted")
    bpy.ops.poseloom.mirror()
    both("mirror")["mm"] = far(seen(), was[:, :, ::-1] * [-1.0, 1.0, 1.0])
    fresh()
    bpy.ops.poseloom.reduce_keys(max_deg=1.0, max_mm=5.0)
    both("reduce")["mm"] = far(seen(), was)
    bpy.ops.poseloom.mirror()
    both("mirror of reduced")["mm"] = far(seen(), was[:, :, ::-1] * [-1.0, 1.0, 1.0])
    fresh()
    bpy.ops.poseloom.trim(start=START + 10, end=START + 40)
    both("trim")["mm"] = far(seen(), was[10:41])
    fresh()
    bpy.ops.poseloom.make_loop(find=False, start=START + 5, end=START + 45, blend_s=0.2, plant_feet=False)
    both("loop")
    fresh()
    bpy.ops.poseloom.make_loop(find=False, start=START + 5, end=START + 45, blend_s=0.2)
    both("planted loop")
    made = seen().reshape(41, -1, 3)
    apart = np.linalg.norm(made[[0, -1], :, None] - made[[0, -1], None, :], axis=-1)
    result["seam"] = float(1000.0 * np.abs(apart[1] - apart[0]).max())
    fresh()
    bpy.ops.poseloom.travel(carrier="IN_PLACE")
    still = seen()
    both("in place")["went"] = [float(np.ptp(way[:, 0].mean(axis=1)[:, 1])) for way in (was, still)]
    bpy.ops.poseloom.travel(carrier="ROOT")
    both("root")["mm"] = far(seen(), was)
    bpy.ops.poseloom.travel(carrier="HIPS")
    both("hips")["mm"] = far(seen(), was)
    return result


def stride():
    """A walk along -Y with bent knees and elbows, one side more than the other."""
    from poseloom.motion import quat, skeleton
    from poseloom.motion.types import Motion

    body, phase = skeleton.standard(), np.linspace(0.0, 3.0 * np.pi, FRAMES)
    lrot = np.tile(quat.IDENTITY, (FRAMES, len(body), 1))
    x, y, z = np.eye(3)
    turns = {
        "pelvis": (z, 0.2 * np.sin(phase)), "thigh_l": (x, 0.5 * np.sin(phase) - 0.2),
        "thigh_r": (x, -0.5 * np.sin(phase) - 0.2), "shin_l": (x, 0.6 + 0.4 * np.cos(phase)),
        "shin_r": (x, 0.4 - 0.35 * np.cos(phase)), "foot_r": (x, 0.2 * np.sin(phase)),
        "upper_arm_l": (y, 1.0 + 0.2 * np.sin(phase)), "forearm_l": (z, -0.8 - 0.5 * np.sin(phase)),
        "upper_arm_r": (y, -0.7 + 0.3 * np.sin(phase)), "forearm_r": (z, 0.5 + 0.3 * np.sin(phase)),
        "hand_l": (x, 0.4 * np.sin(phase)),
    }  # fmt: skip
    for joint, (axis, angle) in turns.items():
        lrot[:, body.index(joint)] = quat.from_axis_angle(np.tile(axis, (FRAMES, 1)), angle)
    way = np.stack([0.0 * phase, -np.arange(FRAMES) / 40.0, 0.02 * np.cos(2.0 * phase) - 0.08], axis=-1)
    return Motion(body, lrot, body.offsets[0] + way, 30.0)


session.run(main)
