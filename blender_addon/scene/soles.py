"""The soles of a character's feet, and its head, from the meshes that its armature carries."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix
from poseloom.motion import quat
from poseloom.motion.skeleton import JOINTS
from poseloom.motion.types import Rig
from poseloom.retarget.align import align
from poseloom.retarget.soles import PARTS, corners

# bones are in one place, and point the same way, within this: a share of the bone's length
_SAME = 0.02
# how steeply a foot stands, its toes flat, where blended skin is told exactly
_STEEP = np.radians(60.0)


def shod(obj, rig: Rig) -> Rig:
    """`rig`, the armature `obj` with roles, with what meets the floor of its meshes as they are at rest.

    Meshes count that hang from the bones of feet and head, or that these deform; shape keys and other modifiers do not.
    As it came where one of its feet has none.
    """
    a, found = align(rig), {}
    if not {"foot_l", "foot_r"} <= set(a.joints):
        return rig
    carried, up = _carried(rig), quat.rotate(quat.inverse(a.body), [0.0, 0.0, 1.0])
    for mesh in (o for o in bpy.context.scene.objects if o.type == "MESH" and carried):
        bone, local = _hangs_from(mesh, obj)
        deformed = any(m.type == "ARMATURE" and m.object == obj for m in mesh.modifiers) or (
            mesh.parent == obj and mesh.parent_type == "ARMATURE"
        )
        if not deformed and bone not in carried:
            continue
        points = _places(mesh.data) @ local[:3, :3].T + local[:3, 3]
        height = (points @ a.metric.T) @ up
        ankles = [a.head(f"foot_{side}") @ up for side in "lr"]
        near = np.flatnonzero((height < max(ankles)) | (height > a.head("upper_arm_l") @ up))
        moved_by = _shares(mesh, near, carried, rig.bones) if deformed else [{carried[bone]: 1.0}] * len(near)
        for i, shares in zip(near, moved_by):
            joint = max(shares, key=shares.get, default="")
            if joint == "head" or joint and height[i] < ankles["lr".index(joint[-1])]:
                found.setdefault(joint, []).append(points[i])
                foot = f"foot_{joint[-1]}"
                if joint.startswith("toe") and shares.get(foot):
                    found.setdefault(foot, []).append(_drawn_back(a, joint, points[i], shares[foot], up))
    if not {"foot_l", "foot_r"} <= set(found):
        return rig
    return rig.with_(soles={joint: corners(a, joint, points) for joint, points in found.items()})


def _carried(rig: Rig) -> dict:
    """{bone: the part it moves}: bones with those roles or at their place, and what is below them."""
    role = {rig.index(bones[0]): joint for joint, bones in rig.roles.items() if joint in JOINTS and bones}
    own = {joint: bone for bone, joint in role.items() if joint in PARTS}
    for joint, bone in own.items():
        length = np.linalg.norm(rig.tails[bone] - rig.rest[bone, :3, 3])
        there = np.linalg.norm(rig.rest[:, :3, 3] - rig.rest[bone, :3, 3], axis=-1) < _SAME * length
        there &= rig.deform & (np.linalg.norm(rig.tails - rig.tails[bone], axis=-1) < _SAME * length)
        role |= {int(twin): joint for twin in np.flatnonzero(there) if twin not in role}
    for bone, above in enumerate(rig.parents):  # parents come first
        if bone not in role and int(above) in role:
            role[bone] = role[int(above)]
    return {rig.bones[bone]: joint for bone, joint in role.items() if joint in PARTS}


def _hangs_from(obj, armature) -> tuple:
    """(the bone of `armature` that carries `obj` or "", obj -> armature space (4,4)), all at rest."""
    bone, matrix = "", Matrix()
    while obj.parent is not None and obj != armature:
        step = obj.matrix_parent_inverse @ obj.matrix_basis
        if obj.parent == armature and obj.parent_type == "BONE" and obj.parent_bone in armature.data.bones:
            bone = obj.parent_bone
            rest = armature.data.bones[bone]
            if not rest.use_relative_parent:
                step = rest.matrix_local @ Matrix.Translation((0.0, rest.length, 0.0)) @ step
        obj, matrix = obj.parent, step @ matrix
    if obj != armature:
        matrix = armature.matrix_world.inverted_safe() @ obj.matrix_world @ matrix
    return bone, np.array(matrix, np.float64)


def _places(mesh) -> np.ndarray:
    """(N,3) the vertices, in the mesh's own space."""
    flat = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3).astype(np.float64)


def _shares(mesh, vertices, carried, bones) -> list:
    """{part: share} of what moves each of `vertices`; "" stands for bones of no part."""
    joint = [carried.get(group.name, "") if group.name in bones else None for group in mesh.vertex_groups]
    out = []
    for i in vertices:
        weight: dict = {}
        for group in mesh.data.vertices[i].groups:
            if joint[group.group] is not None:
                weight[joint[group.group]] = weight.get(joint[group.group], 0.0) + group.weight
        whole = max(sum(weight.values()), 1e-9)
        out.append({part: w / whole for part, w in weight.items()})
    return out


def _drawn_back(a, toe, point, share, up) -> np.ndarray:
    """(3,) a point of the foot that sinks like one of the toes that has a `share` of the foot, while they lie flat.

    Skin blends places: as the foot rises to its tiptoes such a point goes its share of the way down with it, and stays
    for the rest as far below the toe joint as it is.
    """
    ahead, way = quat.rotate(quat.inverse(a.body), [0.0, -1.0, 0.0]), a.metric @ point - a.head(toe)
    stays = (way @ up) * (up - (1.0 - np.cos(_STEEP)) / np.sin(_STEEP) * ahead)
    return np.linalg.solve(a.metric, a.head(toe) + share * way + (1.0 - share) * stays)
