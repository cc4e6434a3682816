"""The same motion on a generated Rigify rig by its FK and by its IK controls: how far the deform bones lie apart.

    python scene_ik.py basic|human [clip.bvh]

Without a clip: a body that crouches, steps and reaches, its limbs from straight to well bent.
"""

import loose  # noqa: F401  isort: skip

import bpy
import numpy as np
from poseloom import chains
from poseloom.motion import quat, skeleton
from poseloom.motion.types import Motion
from poseloom_addon.scene import armature, keying
from rigify_rig import generate
from session import run

FRAMES, STEP = 40, 4
ENDS = [f"{joint}_{side}" for joint in ("hand", "foot", "toe") for side in "lr"]
MIDDLES = [f"{joint}_{side}" for joint in ("forearm", "shin") for side in "lr"]
FINGERS = [f"DEF-f_index.0{k}.{side}" for k in (1, 2, 3) for side in "LR"]


def crouch():
    body, phase = skeleton.standard(), np.linspace(0.0, 2.0 * np.pi, FRAMES)
    lrot = np.tile(quat.IDENTITY, (FRAMES, len(body), 1))
    bend = 0.5 - 0.5 * np.cos(phase)
    x, y, z = np.eye(3)
    turns = {
        "pelvis": (z, 0.3 * np.sin(phase)), "spine3": (x, 0.3 * bend), "hand_l": (x, 0.6 * np.sin(phase)),
        "hand_r": (y, 0.5 * bend), "toe_l": (x, -0.4 * bend), "foot_r": (z, 0.3 * np.sin(phase)),
        "thigh_l": (x, -1.1 * bend), "shin_l": (x, 1.4 * bend), "thigh_r": (x, -0.5 * bend), "shin_r": (x, 1.2 * bend),
        "upper_arm_l": (y, 1.2 - 0.8 * bend), "forearm_l": (z, -1.5 * bend),
        "upper_arm_r": (y, -1.2 + 0.8 * bend), "forearm_r": (z, 1.0 * bend),
    }  # fmt: skip
    for joint, (axis, angle) in turns.items():
        lrot[:, body.index(joint)] = quat.from_axis_angle(np.tile(axis, (FRAMES, 1)), angle)
    root = np.tile(body.offsets[0], (FRAMES, 1)) + np.stack([0.1 * bend, -bend, -0.3 * bend], axis=-1)
    return Motion(body, lrot, root, 30.0)


def main(kind, clip=None):
    obj = generate(kind)
    scene, rig = bpy.context.scene, armature.read(obj)
    motion = chains.read_clip(clip)[0] if clip else crouch()
    step = max(STEP, len(motion) // 30)
    seen, keyed, props = {}, {}, {}
    for controls in ("fk", "ik"):
        keys, found = chains.motion_to_rig(motion, rig, motion.fps, controls=controls)
        keying.write(obj, keys, name=controls, start_frame=1, keep_previous="fake_user")
        keyed[controls] = [bone for bone, on in zip(keys.bones, keys.keyed) if on]
        props[controls] = {path: float(values[0]) for path, values in keys.props.items()}
        poses = []
        for frame in range(1, 1 + len(keys), step):
            scene.frame_set(frame)
            poses.append(armature.pose_matrices(obj, rig.bones))
        seen[controls] = np.array(poses)
    fk, ik = seen["fk"], seen["ik"]

    def apart(bones):
        """(largest distance of heads, of turns in degrees) of each bone."""
        at = [rig.index(bone) for bone in bones]
        far = np.linalg.norm(fk[:, at][..., :3, 3] - ik[:, at][..., :3, 3], axis=-1).max(axis=0)
        turns = [quat.from_matrix(m[:, at][..., :3, :3]) for m in (fk, ik)]
        return dict(zip(bones, np.stack([far, np.degrees(quat.angle(*turns)).max(axis=0)], axis=-1).tolist()))

    fingers = [bone for bone in FINGERS if bone in rig.bones]
    pelvis = rig.index(found.deform["pelvis"])
    return {
        "family": found.family, "keyed": keyed, "props": props,
        "roles": {joint: bones[0] for joint, bones in found.rig.roles.items()},
        "ends": apart([found.deform[joint] for joint in ENDS]),
        "middles": apart([found.deform[joint] for joint in MIDDLES]), "fingers": apart(fingers),
        "moved": float(np.ptp(fk[:, pelvis, :3, 3], axis=0).max()),
    }  # fmt: skip


run(main)
