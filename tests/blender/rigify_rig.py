"""Generates a Rigify rig, poses the controls that the preset names, and measures what Blender makes of it.

    python rigify_rig.py basic|human [preset]

With the preset "rigify-ik" the limbs are posed by IK: each control goes where the FK pose takes it, each pole
target beside the joint it steers.

Prints RESULT and JSON: the recognition, the largest difference between Blender's evaluated controls and the
kernel's forward kinematics over the effective parents (degrees, metres), the angle between each deform bone and
where its control would carry it, and how far hands and feet are from there (armature units).
"""

import json
import os
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "backend")]


def generate(kind):
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="rigify")
    add = {"basic": "armature_basic_human_metarig_add", "human": "armature_human_metarig_add"}[kind]
    getattr(bpy.ops.object, add)()
    metarig = bpy.context.object
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.rigify_generate()
    return next(o for o in bpy.data.objects if o.type == "ARMATURE" and o != metarig)


def place_ik(rig, basis, location):
    """Set the IK controls of `rig` so that the limbs stand as its FK controls do.  Changes basis and location."""
    import numpy as np

    from poseloom.motion import quat
    from poseloom.motion.types import RigMotion
    from poseloom.retarget import pose_matrices

    def posed():
        return pose_matrices(rig, RigMotion(rig.bones, basis, location, np.ones(len(rig), bool), 30.0))[0]

    def put(joint, wanted):
        """`wanted` (4,4) armature space."""
        i, now = rig.index(rig.roles[joint][0]), posed()
        parent = rig.parents[i]
        local = np.linalg.inv(now[parent] @ np.linalg.inv(rig.rest[parent]) @ rig.rest[i]) @ wanted
        basis[0, i] = quat.from_matrix(local[:3, :3])
        # without local location it counts along the parent's axes
        own = np.eye(3) if rig.local_location[i] else np.linalg.inv(rig.rest[parent, :3, :3]) @ rig.rest[i, :3, :3]
        location[0, i] = own @ local[:3, 3]

    limbs = (("upper_arm", "forearm", "hand", "elbow_pole"), ("thigh", "shin", "foot", "knee_pole"))
    for side in "lr":
        for upper, lower, end, pole in limbs:
            now = posed()
            at = [rig.index(rig.roles[f"{joint}_{side}"][0]) for joint in (upper, lower, end)]
            a, b, c = now[at, :3, 3]
            away = b - a - (c - a) * ((b - a) @ (c - a)) / ((c - a) @ (c - a))
            target = rig.rest[rig.index(rig.roles[f"{pole}_{side}"][0])].copy()
            target[:3, 3] = b + away / np.linalg.norm(away) * np.linalg.norm(c - a)
            put(f"{pole}_{side}", target)
        for joint in ("hand", "foot", "toe"):
            fk, ik = rig.index(rig.roles[f"{joint}_{side}"][0]), rig.index(rig.roles[f"{joint}_ik_{side}"][0])
            put(f"{joint}_ik_{side}", posed()[fk] @ np.linalg.inv(rig.rest[fk]) @ rig.rest[ik])


def measure(kind, preset=None):
    import bpy
    import numpy as np
    from blender_addon.scene import armature

    from poseloom.motion import quat
    from poseloom.motion.types import RigMotion
    from poseloom.retarget import pose_matrices
    from poseloom.rigs import tables
    from poseloom.rigs.recognise import recognise

    obj = generate(kind)
    found = recognise(armature.read(obj), preset)
    rig = found.rig
    for path, value in found.rig.switches.items():
        bone, key = path.removeprefix('pose.bones["').removesuffix('"]').split('"]["')
        assert key in obj.pose.bones[bone], f"{path} is not there"
        obj.pose.bones[bone][key] = type(obj.pose.bones[bone][key])(value)
    rng = np.random.default_rng(7)
    basis, location = np.tile(quat.IDENTITY, (1, len(rig), 1)), np.full((1, len(rig), 3), np.nan)
    steered = {joint: bones for joint, bones in rig.roles.items() if joint not in tables.IK}
    controls = {bones[0]: joint for joint, bones in steered.items()}
    for bone in controls:
        i = rig.index(bone)
        basis[0, i] = quat.exp(rng.uniform(-0.4, 0.4, 3))
        if preset and controls[bone][:-2] in ("forearm", "shin"):
            # as a hinge bends: IK knows no other way
            basis[0, i] = quat.exp(np.array([rng.uniform(0.3, 1.2), 0.0, 0.0]))
    location[0, rig.index(rig.roles["pelvis"][0])] = (0.1, -0.2, 0.3)
    if "foot_ik_l" in rig.roles:
        place_ik(rig, basis, location)
    for bones in rig.roles.values():
        i, pose = rig.index(bones[0]), obj.pose.bones[bones[0]]
        pose.rotation_mode = "QUATERNION"
        pose.rotation_quaternion = basis[0, i]
        if np.isfinite(location[0, i]).all():
            pose.location = location[0, i]
    obj.update_tag()
    bpy.context.view_layer.update()
    seen = armature.pose_matrices(obj, rig.bones)
    meant = pose_matrices(rig, RigMotion(rig.bones, basis, location, np.ones(len(rig), bool), 30.0))[0]
    turns = [quat.multiply(quat.from_matrix(m[:, :3, :3]), quat.inverse(quat.from_matrix(rig.rest[:, :3, :3])))
             for m in (seen, meant)]  # fmt: skip
    at = [rig.index(bone) for bone in controls]
    ends = [(rig.index(found.deform[j]), rig.index(rig.roles[j][0])) for j in ("hand_l", "hand_r", "foot_l", "foot_r")]
    deform = {}
    for joint, bone in found.deform.items():
        i, control = rig.index(bone), rig.index(rig.roles[joint][0])
        along = quat.rotate(turns[0][control], rig.rest[i, :3, 1])
        deform[joint] = float(np.degrees(np.arccos(np.clip(along @ seen[i, :3, 1], -1.0, 1.0))))
    return {
        "version": bpy.app.version_string,
        "family": found.family,
        "score": found.score,
        "doubts": found.doubts,
        "missing": found.missing,
        "roles": sorted(rig.roles),
        "turn_deg": float(np.degrees(quat.angle(*turns)[at]).max()),
        "place_m": float(np.linalg.norm(seen[at, :3, 3] - meant[at, :3, 3], axis=-1).max()),
        "deform_deg": deform,
        "ends_m": max(float(np.linalg.norm(seen[a, :3, 3] - meant[b, :3, 3])) for a, b in ends),
        "bones": [[b, rig.bones[p] if p >= 0 else ""] for b, p in zip(rig.bones, rig.parents)],
    }


if __name__ == "__main__":
    code = 1
    try:
        print("RESULT " + json.dumps(measure(*sys.argv[1:])))
        code = 0
    except Exception:  # noqa: BLE001  bpy is unsafe at exit: the trace is printed, then the process left at once
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
