"""The points of a character that guides are drawn of, from its evaluated bones."""

from __future__ import annotations

import re

import bpy
import numpy as np
from poseloom.errors import BadInput
from poseloom.motion import openpose, quat
from poseloom.motion.skeleton import motion_fk
from poseloom.motion.types import RigMotion
from poseloom.retarget import from_rig

from . import features, roles
from .files import choose, meshes_of

_TURNED = ("head", "foot_l", "foot_r")
_TIPS = {"head": "crown", "toe_l": "toes_l", "toe_r": "toes_r", **{f"{f}3_{s}": f"{f}4_{s}" for f in openpose.FINGERS for s in "lr"}}
_EYE = re.compile(r"(?:.*:)?(org-|mch-|def-)?(left|right|l|r)?[_.\- ]*eye[_.\- ]*(left|right|l|r)?$")
_EYE_RANK = ("def-", "org-", "mch-", None)
# an eye bone farther from the head's joint than this share of the height is a control that eyes look at
_NEAR_HEAD = 0.12


class Figure:
    """One armature as somebody to draw: what of it is where at the playhead, in scene units.

    BadInput where the rig is not recognised.
    """

    def __init__(self, obj):
        self.obj = obj
        found = roles.recognised(obj)
        self.bones = {joint: bones[0] for joint, bones in found.rig.roles.items()} | {
            joint: bone for joint, bone in found.deform.items() if bone in found.rig.bones
        }
        rig, count = found.rig, len(found.rig)
        still = RigMotion(
            rig.bones, np.tile([1.0, 0.0, 0.0, 0.0], (1, count, 1)), np.zeros((1, count, 3)), np.ones(count, bool), 30.0
        )
        motion = from_rig(still, rig)
        rest_turns = motion_fk(motion)[0][0]
        names = motion.skeleton.names
        # what a bone's axes lack to the turn of its joint: found at rest, true in every pose
        self.lacking = {}
        for joint in (j for j in _TURNED if j in self.bones):
            axes = _turn(rig.world @ rig.rest[rig.index(self.bones[joint])])
            self.lacking[joint] = quat.multiply(quat.inverse(axes), rest_turns[names.index(joint)])
        metres = _metres_a_unit()
        self.height = openpose.height(motion.skeleton) / metres
        self.eyes = _eyes(obj, self.bones.get("head"), self.height)
        self.face = self._face(found.rig.world, {n: turn for n, turn in zip(names, rest_turns)})

    def points(self, body: int) -> np.ndarray:
        """(K,3) the points in the world at the playhead, NaN for those it lacks, as `openpose.points`."""
        seen = self.obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        world, pose = np.array(seen.matrix_world), seen.pose.bones
        places, turns = {}, {}
        for joint, bone in self.bones.items():
            places[joint] = _at(world, pose[bone].head)[None]
            if joint in _TIPS:
                places[_TIPS[joint]] = _at(world, pose[bone].tail)[None]
            if joint in self.lacking:
                turns[joint] = quat.multiply(_turn(world @ np.array(pose[bone].matrix)), self.lacking[joint])[None]
        for eye, bone in self.eyes.items():
            places[eye] = _at(world, pose[bone].head)[None]
        if self.face:
            places.update(self.face.places(world, pose))
        return openpose.points(places, turns, self.height, body)[0]

    def _face(self, world, turns: dict):
        """Its face where it has a jaw, else None."""
        head = self.bones.get("head")
        jaw = head and features.jaw_of(self.obj, head, self.height)
        if not jaw:
            return None
        bone = self.obj.data.bones[head]
        ends = {"head": _at(world, bone.head_local)[None], "crown": _at(world, bone.tail_local)[None]}
        usual = dict(zip(openpose.names(), openpose.points(ends, {"head": turns["head"][None]}, self.height)[0]))
        middle = 0.5 * (usual["eye_l"] + usual["eye_r"])
        return features.Face(self.obj, head, jaw, self.eyes, middle, turns["head"], self.height)

    def shown(self) -> bool:
        """Whether a render at the playhead shows it: one of its meshes, or without meshes the armature."""
        parts = meshes_of(self.obj) or [self.obj]
        return any(not part.hide_render and _in_view(part) for part in parts)


def humanoids(scene, names=None) -> list:
    """The Figures of these armatures, or of all in the scene that are recognised; BadInput tells why there is none."""
    if names:
        return [Figure(choose(scene, name)) for name in names]
    found, refused = [], None
    for obj in sorted((o for o in scene.objects if o.type == "ARMATURE"), key=lambda o: o.name):
        try:
            found.append(Figure(obj))
        except BadInput as error:
            refused = error
    if not found:
        raise refused or BadInput("no_armature", "The scene has no armature.", "Choose a scene with a character.")
    return found


def _in_view(part) -> bool:
    def visible(layer) -> bool:
        inside = part.name in layer.collection.objects and not layer.exclude and not layer.collection.hide_render
        return inside or (not layer.exclude and not layer.collection.hide_render and any(map(visible, layer.children)))

    return visible(bpy.context.view_layer.layer_collection)


def _eyes(obj, head, height: float) -> dict:
    """{"eye_l": bone, "eye_r": bone} where the head has both."""
    if head is None:
        return {}
    bones, found = obj.data.bones, {}
    root = bones[head].head_local
    scale = obj.matrix_world.to_scale()[0]
    for bone in bones:
        match = _EYE.fullmatch(bone.name.lower())
        side = match and (match[2] or match[3])
        if side and (bone.head_local - root).length * scale < _NEAR_HEAD * height:
            rank = _EYE_RANK.index(match[1])
            eye = f"eye_{side[0]}"
            if eye not in found or rank < found[eye][0]:
                found[eye] = (rank, bone.name)
    return {eye: name for eye, (_, name) in found.items()} if len(found) == 2 else {}


def _at(world, place) -> np.ndarray:
    return world[:3, :3] @ np.array(place) + world[:3, 3]


def _turn(matrix) -> np.ndarray:
    """wxyz of a matrix's axes, whatever their lengths."""
    axes = np.array(matrix)[:3, :3]
    return quat.from_matrix(axes / np.linalg.norm(axes, axis=0))


def _metres_a_unit() -> float:
    unit = bpy.context.scene.unit_settings
    return 1.0 if unit.system == "NONE" else unit.scale_length
