"""How far the limbs of a character, as its deforming bones lie after evaluation, stray from the motion asked for."""

import loose  # noqa: F401  isort: skip
from pathlib import Path

import bpy
import numpy as np
from poseloom import chains
from poseloom.motion.skeleton import motion_fk
from poseloom.retarget import pose_matrices
from poseloom_addon import baking
from poseloom_addon.scene import armature, character, files, keying
from session import run, walk

LIMBS = (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
FRAMES = 40


def main(who, switches="keyed"):
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj = files.load(who) if Path(who).is_file() else character.build(who)
    motion = walk(FRAMES)
    baking.set_rate(bpy.context.scene, motion.fps)
    rig = armature.read(obj)
    keys, found = chains.motion_to_rig(motion, rig, motion.fps)
    if switches == "unkeyed":
        keys = type(keys)(keys.bones, keys.basis, keys.location, keys.keyed, keys.fps)
    keying.write(obj, keys, name="walk", start_frame=1)
    wanted_all = motion_fk(chains.stood(motion, found.rig))[1]
    computed = pose_matrices(found.rig, keys)
    strayed, lowest, baked = {}, [], []
    for t in range(0, FRAMES, 5):
        bpy.context.scene.frame_set(1 + t)
        poses = armature.pose_matrices(obj, rig.bones)
        heads = dict(zip(rig.bones, (rig.world @ poses)[:, :3, 3]))
        baked.append(np.abs(rig.world[:3, :3] @ (poses - computed[t])[..., :3, 3].T).max())
        for upper, lower in LIMBS:
            for side in "lr":
                near, far = (deforming(found, f"{joint}_{side}") for joint in (upper, lower))
                if near is None or far is None:
                    continue
                lies = heads[far] - heads[near]
                j, k = (motion.skeleton.index(f"{joint}_{side}") for joint in (upper, lower))
                wanted = wanted_all[t, k] - wanted_all[t, j]
                cosine = lies @ wanted / np.linalg.norm(lies) / np.linalg.norm(wanted)
                strayed.setdefault(f"{upper}_{side}", []).append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
        lowest.append(min(heads[deforming(found, f"foot_{side}")][2] for side in "lr"))
    pelvis, ankles = deforming(found, "pelvis"), [rig.index(deforming(found, f"foot_{side}")) for side in "lr"]
    bpy.context.scene.frame_set(1)
    start = (rig.world @ armature.pose_matrices(obj, rig.bones))[rig.index(pelvis), :3, 3]
    bpy.context.scene.frame_set(FRAMES)
    end = (rig.world @ armature.pose_matrices(obj, rig.bones))[rig.index(pelvis), :3, 3]
    return {
        "family": found.family,
        "worst_deg": {limb: max(angles) for limb, angles in strayed.items()},
        "bake_error_m": float(max(baked)),
        "walked_m": (end - start).tolist(),
        "start_m": start.tolist(),
        "lowest_ankle_m": float(min(lowest)),
        "rest_ankle_m": float(min((rig.world @ rig.rest)[b, 2, 3] for b in ankles)),
        "switches": list(keys.props),
    }


def deforming(found, joint):
    """The bone of a joint that moves the mesh: on a control rig not the one that is keyed."""
    bones = found.rig.roles.get(joint)
    if not bones:
        return None
    if found.family != "rigify":
        return bones[0]
    name, side = joint.rpartition("_")[::2]
    return "DEF-spine" if joint == "pelvis" else f"DEF-{name}.{side.upper()}"


run(main)
