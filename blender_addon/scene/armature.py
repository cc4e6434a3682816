"""An armature object as arrays: its rest as a Rig, its evaluated motion as a RigMotion."""

from __future__ import annotations

import bpy
import numpy as np
from poseloom.errors import BadInput
from poseloom.motion import quat
from poseloom.motion.types import Rig, RigMotion
from poseloom.progress import Report, silent
from poseloom.retarget import pose_matrices as pose_matrices_of

from . import plain


def read(obj) -> Rig:
    """The rest of `obj`, parents before children; nothing is changed.

    `world` carries the object's transform and the scene's unit scale, so it ends in metres.
    Raises BadInput where `obj` is no armature or its transform is flat.
    """
    bones = _sorted_bones(_armature(obj))
    count = len(bones)
    at = {bone.name: i for i, bone in enumerate(bones)}
    pose = obj.pose.bones
    rest = np.array([bone.matrix_local for bone in bones], np.float64).reshape(count, 4, 4)
    locked = [
        (*p.lock_location, p.lock_rotation_w, *p.lock_rotation, *p.lock_scale) for p in (pose[b.name] for b in bones)
    ]
    return Rig(
        bones=tuple(at),
        parents=np.array([at[bone.parent.name] if bone.parent else -1 for bone in bones]),
        rest=rest,
        tails=np.array([bone.tail_local for bone in bones], np.float64).reshape(count, 3),
        world=_world(obj),
        rotation_mode=tuple(pose[bone.name].rotation_mode for bone in bones),
        locked=np.array(locked, bool).reshape(count, 10),
        deform=np.array([bone.use_deform for bone in bones], bool),
        inherit_rotation=np.array([bone.use_inherit_rotation for bone in bones], bool),
        local_location=np.array([bone.use_local_location for bone in bones], bool),
        name=obj.name,
    )


def read_motion(obj, start: int, end: int, *, rig: Rig | None = None, report: Report = silent) -> RigMotion:
    """What one sees from frame `start` to `end` (both included): constraints and drivers applied.

    Rotation and location of every bone relative to rest; scale is left out.  The playhead is put
    back.  `rig` is `read(obj)`, taken anew where not given.  Where nothing but an Action moves the
    bones its curves are read, else the scene is played.
    """
    whole = read(obj)
    rig = whole if rig is None else rig
    motion = plain.read(obj, whole, start, end)
    if motion is None:
        return play(obj, rig, start, end, report)
    if rig.bones == whole.bones and np.array_equal(rig.parents, whole.parents):
        return motion
    poses = pose_matrices_of(whole, motion)[:, [whole.index(bone) for bone in rig.bones]]
    return RigMotion(rig.bones, *relative_to_rest(rig, poses), np.ones(len(rig), bool), motion.fps)


def play(obj, rig: Rig, start: int, end: int, report: Report = silent) -> RigMotion:
    """What `read_motion` gives, by playing the scene frame by frame."""
    scene = bpy.context.scene
    playhead, subframe = scene.frame_current, scene.frame_subframe
    poses = np.empty((end - start + 1, len(rig), 4, 4))
    try:
        for row, frame in enumerate(range(start, end + 1)):
            scene.frame_set(frame)
            poses[row] = pose_matrices(obj, rig.bones)
            if row % 16 == 0:
                report(row / len(poses), f"Reading frame {frame} of {obj.name}")
    finally:
        scene.frame_set(playhead, subframe=subframe)
    basis, location = relative_to_rest(rig, poses)
    fps = scene.render.fps / scene.render.fps_base
    return RigMotion(rig.bones, basis, location, np.ones(len(rig), bool), fps)


def deform_skeleton(rig: Rig) -> Rig:
    """The deforming bones alone, each under the deforming bone that its own ancestors lead to.

    That is what a file of another program can hold of a control rig: `read_motion` with it reads
    what constraints make of the controls.  An ancestor that lies at rest where a deforming bone
    lies stands for that one; bones without any ancestor hang from the first.
    """
    if rig.deform.all() or not rig.deform.any():
        return rig
    chosen = _below_their_parents(rig)
    row = {bone: i for i, (bone, _) in enumerate(chosen)}
    order = np.array([bone for bone, _ in chosen])
    kept = {rig.bones[b] for b in order}
    count = len(order)
    return rig.with_(
        bones=tuple(rig.bones[b] for b in order), parents=np.array([row.get(above, -1) for _, above in chosen]),
        rest=rig.rest[order], tails=rig.tails[order], rotation_mode=tuple(rig.rotation_mode[b] for b in order),
        locked=rig.locked[order], deform=np.ones(count, bool), inherit_rotation=np.ones(count, bool),
        local_location=np.ones(count, bool), switches={},
        roles={role: bones for role, bones in rig.roles.items() if set(bones) <= kept},
    )  # fmt: skip


def _below_their_parents(rig: Rig) -> list:
    """[(deforming bone, the deforming bone it hangs from or None)], parents first."""
    deforming = [int(b) for b in np.flatnonzero(rig.deform)]
    place = {b: tuple(np.round(np.r_[rig.rest[b, :3, 3], rig.tails[b]], 5)) for b in range(len(rig))}
    twin = {place[b]: b for b in reversed(deforming)}
    above = {}
    for b in deforming:
        line, up = [], int(rig.parents[b])
        while up >= 0:
            line.append(up if rig.deform[up] else twin.get(place[up], b))
            up = int(rig.parents[up])
        above[b] = next((one for one in line if one != b), None if b == deforming[0] else deforming[0])
    done: dict = {}
    while len(done) < len(deforming):
        ready = [b for b in deforming if b not in done and (above[b] is None or above[b] in done)]
        # twins that point at each other: break the ring at its first bone
        for b in ready or [next(b for b in deforming if b not in done)]:
            done[b] = above[b] if above[b] in done else None
    return list(done.items())


def pose_matrices(obj, bones) -> np.ndarray:
    """(B,4,4) armature space, evaluated at the playhead, in the order of `bones`."""
    pose = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    flat = np.empty(len(pose) * 16, np.float32)
    pose.foreach_get("matrix", flat)
    matrices = flat.reshape(-1, 4, 4).transpose(0, 2, 1)
    at = {name: i for i, name in enumerate(pose.keys())}
    return matrices[[at[bone] for bone in bones]].astype(np.float64)


def relative_to_rest(rig: Rig, poses) -> tuple:
    """(basis (T,B,4), location (T,B,3)) of armature-space poses (T,B,4,4): undoes posing.

    pose[b] = pose[parent] @ inv(rest[parent]) @ rest[b] @ T(location) R(basis); a bone that does
    not inherit rotation turns from its rest, and one without local location moves along its
    parent's axes, or the armature's if it has no parent.
    """
    poses = np.asarray(poses, np.float64)
    turn = quat.from_matrix(_unscaled(poses[..., :3, :3]))
    basis, location = np.empty(poses.shape[:2] + (4,)), np.empty(poses.shape[:2] + (3,))
    for b, parent in enumerate(rig.parents):
        own = rig.rest[b]
        base = np.broadcast_to(own, (len(poses), 4, 4))
        above = np.broadcast_to(np.eye(4), (len(poses), 4, 4))
        if parent >= 0:
            above = poses[:, parent]
            base = above @ np.linalg.inv(rig.rest[parent]) @ own
        axes = _unscaled(base[:, :3, :3]) if rig.inherit_rotation[b] else own[None, :3, :3]
        basis[:, b] = quat.multiply(quat.inverse(quat.from_matrix(axes)), turn[:, b])
        moved = poses[:, b, :3, 3] - base[:, :3, 3]
        frame = base[:, :3, :3] if rig.local_location[b] else above[:, :3, :3]
        location[:, b] = np.linalg.solve(frame, moved[..., None])[..., 0]
    return basis, location


def _armature(obj):
    if obj is None or obj.type != "ARMATURE":
        what = "Nothing" if obj is None else f'"{obj.name}"'
        raise BadInput("not_an_armature", f"{what} is no armature.", "Select the armature of the character.")
    return obj.data


def _sorted_bones(armature) -> list:
    bones = sorted(armature.bones, key=lambda bone: len(bone.parent_recursive))
    if not bones:
        raise BadInput("no_bones", f'The armature "{armature.name}" has no bones.', "Choose another armature.")
    return bones


def _world(obj) -> np.ndarray:
    unit = bpy.context.scene.unit_settings
    metres = 1.0 if unit.system == "NONE" else unit.scale_length
    world = np.array(obj.matrix_world, np.float64)
    if abs(np.linalg.det(world[:3, :3])) < 1e-12:
        raise BadInput(
            "flat_object", f'The object "{obj.name}" is scaled to nothing along an axis.', "Give it a scale above 0."
        )
    return np.diag([metres, metres, metres, 1.0]) @ world


def _unscaled(matrices) -> np.ndarray:
    """The axes (...,3,3) without their lengths."""
    lengths = np.linalg.norm(matrices, axis=-2, keepdims=True)
    return matrices / np.maximum(lengths, 1e-12)
