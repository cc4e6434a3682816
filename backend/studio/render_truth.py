"""What is true of a rendered clip: joints, camera and contacts, read from the evaluated rig.

The joints are the heads of the character's MakeHuman bones after evaluation, in the order of
`poseloom.motion.skeleton.JOINTS`, not what was asked of the rig.
"""

from __future__ import annotations

import io
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from poseloom.motion.files import write_bytes
from poseloom.motion.skeleton import JOINTS
from poseloom.motion.types import CONTACTS

# the bone of the MakeHuman default rig whose head is the joint; L and R stand for the side
BONES = {
    "pelvis": "spine05",  # between the hips; the bone called root starts behind the body
    "spine1": "spine04",
    "spine2": "spine02",
    "spine3": "spine01",
    "neck": "neck01",
    "head": "head",
    "clavicle": "clavicle",
    "upper_arm": "upperarm01",
    "forearm": "lowerarm01",
    "hand": "wrist",
    "thigh": "upperleg01",
    "shin": "lowerleg01",
    "foot": "foot",
    "toe": "toe2-1",
}
# a point of the sole rests when it is this near the floor and this slow
TOUCH_M = 0.04
STILL_M_S = 0.25
# points of the sole, in metres from the ankle (right is -x of left), on the floor at rest
HEEL, BALL = (0.0, 0.045), (0.0, -0.135)


def bone_of(joint: str) -> str:
    name, _, side = joint.rpartition("_")
    return f"{BONES[name]}.{side.upper()}" if side in ("l", "r") and name else BONES[joint]


class Recorder:
    """Reads a frame at a time from the armature, while the clip is rendered or before."""

    def __init__(self, armature):
        self.armature = armature
        self.gpos, self.soles = [], []

    def read(self) -> None:
        evaluated = self.armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        world = evaluated.matrix_world
        self.gpos.append([world @ evaluated.pose.bones[bone_of(joint)].head for joint in JOINTS])
        points = []
        for place in (HEEL, BALL):
            for side in "LR":
                bone = evaluated.pose.bones[f"foot.{side}"]
                rest = bone.bone.matrix_local
                ankle = rest.to_translation()
                point = Matrix.Translation((ankle.x + place[0], ankle.y + place[1], 0.0)).to_translation()
                points.append(world @ bone.matrix @ rest.inverted() @ point)
        self.soles.append(points)

    def joints(self) -> np.ndarray:
        """(T,22,3) metres in the world."""
        return np.array(self.gpos, np.float64)

    def contacts(self, fps: float) -> np.ndarray:
        """(T,6) 0 or 1 in the order of CONTACTS; the hands touch nothing."""
        soles = np.array(self.soles, np.float64)
        speed = np.linalg.norm(np.gradient(soles, 1.0 / fps, axis=0), axis=-1)
        out = np.zeros((len(soles), len(CONTACTS)))
        out[:, :4] = (soles[..., 2] < TOUCH_M) & (speed < STILL_M_S)
        return out


def camera_matrices(camera, size) -> tuple[np.ndarray, np.ndarray]:
    """K (3,3) in pixels and camera to world (4,4), looking along -Z with +Y up, of a Blender camera."""
    width, height = size
    focal = camera.data.lens / camera.data.sensor_width * width
    K = np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])
    return K, np.array(camera.matrix_world, np.float64)


def project(points, K, world) -> np.ndarray:
    """(...,2) pixels from the top left of points (...,3) in the world."""
    local = (np.asarray(points) - world[:3, 3]) @ world[:3, :3]
    xy = local[..., :2] / -local[..., 2:] * [1.0, -1.0]
    return xy * [K[0, 0], K[1, 1]] + K[:2, 2]


def write(path: Path, recorder: Recorder, camera, size, fps: float, height_m: float) -> dict:
    """The truth file: names, gpos, xy, contact, K, world, size, fps, height_m."""
    K, world = camera_matrices(camera, size)
    gpos = recorder.joints()
    arrays = {
        "kind": np.array("truth"),
        "names": np.array(JOINTS),
        "gpos": gpos.astype(np.float32),
        "xy": project(gpos, K, world).astype(np.float32),
        "contact": recorder.contacts(fps).astype(np.float32),
        "K": K,
        "world": world,
        "size": np.array(size),
        "fps": np.array(float(fps)),
        "height_m": np.array(height_m),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())
    return arrays
