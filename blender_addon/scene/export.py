"""A character for a game engine: deforming bones alone, one key a frame, perhaps a root bone that travels."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from poseloom.errors import BadInput
from poseloom.motion import quat
from poseloom.motion.travel import Travel, path_of
from poseloom.motion.types import Rig, RigMotion
from poseloom.progress import Report, part, silent
from poseloom.retarget.pose import split_world
from poseloom.rigs.recognise import recognise

from . import armature, clock, files, keying

ENDINGS = (".fbx", ".glb")
_STILL = 1e-6  # a bone that moves less than this, in Blender's units, has no location keys


def export_game(
    obj, path, *, fps: float | None = None, root_bone: str | None = None, start: int | None = None,
    end: int | None = None, report: Report = silent,
) -> dict:  # fmt: skip
    """Write what one sees of `obj` and its meshes from frame `start` to `end` (both included) as .fbx or .glb.

    The armature in the file stands in the world's origin and has the deforming bones alone, each
    below its nearest deforming ancestor, without scale; under one bone `root_bone` if named, which
    goes over the ground and turns about the vertical as the hips do.  Keys at `fps`, default the
    scene's; the active Action's name and, by default, its range.  The scene is left as it was.
    Returns {"bones", "frames", "fps", "action"}.  Raises BadInput.
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise BadInput("unknown_format", f"{path.name} is no file for games.", f"Use one of {', '.join(ENDINGS)}.")
    rig = armature.read(obj)
    split_world(rig)  # refuses what is flat or mirrored
    action = obj.animation_data.action if obj.animation_data else None
    if action is None and (start is None or end is None):
        raise BadInput("no_action", f"{obj.name} has no action to export.", "Retarget a clip, or choose an action.")
    first = int(action.frame_range[0]) if start is None else start
    last = int(action.frame_range[1]) if end is None else end
    if last < first:
        raise BadInput("no_frames", f"There are no frames from {first} to {last}.", "Choose a longer stretch.")
    with _playhead_kept():
        own_fps = clock.rate(bpy.context.scene)
        fps = own_fps if fps is None else fps
        if not 1.0 <= fps <= 1000.0:
            raise BadInput("bad_fps", f"{fps:g} is no frame rate.", "Choose one from 1 to 1000.")
        # a subframe short of the last key would lose it
        count = int((last - first) * fps / own_fps + 1e-6) + 1
        times = first + np.arange(count) * own_fps / fps
        _show(times[0])
        world = np.array(obj.matrix_world, np.float64)
        rests = {mesh: _rest_of(mesh, obj) for mesh in files.meshes_of(obj)}
        skeleton = armature.deform_skeleton(rig)
        poses = _poses(obj, skeleton.bones, times, part(report, 0.0, 0.5))
        skeleton = _in_world(skeleton, world)
        if root_bone:
            skeleton, poses = _rooted(skeleton, poses, fps, root_bone, rig, world)
        name = action.name if action else path.stem
        report(0.6, f"Writing {path.name}")
        with _copy(obj, action, skeleton, rests, rig, fps) as double:
            keying.write(double, _motion(skeleton, poses, fps), name=name, start_frame=1)
            files.save(path, double)
    report(1.0, "Done")
    return {"bones": list(skeleton.bones), "frames": count, "fps": fps, "action": name}


@contextmanager
def _playhead_kept():
    scene = bpy.context.scene
    frame, subframe = scene.frame_current, scene.frame_subframe
    try:
        yield
    finally:
        scene.frame_set(frame, subframe=subframe)


def _show(time: float) -> None:
    frame = int(np.floor(time + 1e-9))
    bpy.context.scene.frame_set(frame, subframe=min(max(time - frame, 0.0), 0.999999))


def _poses(obj, bones, times, report) -> np.ndarray:
    """(T,B,4,4) of bones in the world, without scale."""
    poses = np.empty((len(times), len(bones), 4, 4))
    for row, time in enumerate(times):
        _show(time)
        world = np.array(obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world, np.float64)
        poses[row] = _rigid(world @ armature.pose_matrices(obj, bones))
        if row % 16 == 0:
            report(row / len(times), f"Reading frame {time:g} of {obj.name}")
    return poses


def _rigid(matrices) -> np.ndarray:
    """Matrices (...,4,4) with the nearest axes of length one."""
    rigid = np.array(matrices, np.float64)
    u, _, vt = np.linalg.svd(rigid[..., :3, :3])
    rigid[..., :3, :3] = u @ vt
    return rigid


def _in_world(rig: Rig, world) -> Rig:
    """The rig with its object's transform in its bones."""
    tails = rig.tails @ world[:3, :3].T + world[:3, 3]
    unit = rig.world @ np.linalg.inv(world)  # metres of Blender's units
    return rig.with_(rest=_rigid(world @ rig.rest), tails=tails, world=unit)


def _rooted(skeleton: Rig, poses, fps, name: str, rig: Rig, world) -> tuple:
    """(skeleton, poses) with the bone `name` on the ground below the hips, everything else below it."""
    if name in skeleton.bones:
        raise BadInput("bone_taken", f'"{name}" is a deforming bone already.', "Choose another name for the root bone.")
    hips = _hips(skeleton, rig)
    rest = np.eye(4)
    rest[:3, 3] = world[:3, 3]
    turned = quat.from_matrix(poses[:, hips, :3, :3] @ skeleton.rest[hips, :3, :3].T)
    # from above the root's rest, so that turning leaves the hips where they are above it
    above = skeleton.rest[hips, :3, 3] - rest[:3, 3]
    way = path_of(turned, poses[:, hips, :3, 3], fps)
    way = Travel(way.xy - quat.rotate(way.turn, above)[:, :2], way.yaw)
    root = np.tile(rest, (len(poses), 1, 1))
    root[:, :3, :3] = quat.to_matrix(way.turn)
    root[:, :2, 3] = way.xy
    length = max(0.1 * float(skeleton.rest[hips, 2, 3] - rest[2, 3]), 1e-3)
    locked = np.zeros((1, 10), bool)
    rooted = skeleton.with_(
        bones=(name, *skeleton.bones), parents=np.r_[-1, skeleton.parents + 1],
        rest=np.concatenate([rest[None], skeleton.rest]), locked=np.concatenate([locked, skeleton.locked]),
        tails=np.concatenate([rest[None, :3, 3] + [0.0, length, 0.0], skeleton.tails]),
        rotation_mode=("QUATERNION", *skeleton.rotation_mode), deform=np.r_[True, skeleton.deform],
        inherit_rotation=np.r_[True, skeleton.inherit_rotation], local_location=np.r_[True, skeleton.local_location],
        roles={}, switches={},
    )  # fmt: skip
    return rooted, np.concatenate([root[:, None], poses], axis=1)


def _hips(skeleton: Rig, rig: Rig) -> int:
    """The bone of the skeleton that moves as the hips of the rig do."""
    roles = recognise(rig).rig.roles["pelvis"]
    deforming = armature.deform_skeleton(rig)
    at = rig.rest[rig.index(roles[0]), :3, 3]
    if roles[0] in skeleton.bones:
        return skeleton.index(roles[0])
    tops = [b for b, parent in enumerate(skeleton.parents) if parent < 0] or [0]
    return min(tops, key=lambda b: np.linalg.norm(deforming.rest[b, :3, 3] - at))


def _motion(rig: Rig, poses, fps: float) -> RigMotion:
    basis, location = armature.relative_to_rest(rig, poses)
    location[:, np.abs(location).max(axis=(0, 2)) < _STILL] = np.nan
    return RigMotion(rig.bones, basis, location, np.ones(len(rig), bool), fps)


def _rest_of(mesh, obj) -> Matrix:
    """Where the mesh is in the world while its armature rests."""
    if mesh.parent != obj or mesh.parent_type != "BONE":
        return mesh.matrix_world.copy()
    bone = obj.data.bones[mesh.parent_bone]
    end = Matrix.Translation((0.0, bone.length, 0.0))
    return obj.matrix_world @ bone.matrix_local @ end @ mesh.matrix_parent_inverse @ mesh.matrix_basis


@contextmanager
def _copy(obj, action, skeleton: Rig, rests: dict, rig: Rig, fps: float):
    """A character alone in a scene of its own, under the names of `obj`, its meshes and its action.

    These have others meanwhile; and the context is that scene.
    """
    kinds = (bpy.data.objects, bpy.data.meshes, bpy.data.armatures, bpy.data.actions)
    before = [set(kind) for kind in kinds]
    lent = [obj, obj.data, *rests, *dict.fromkeys(mesh.data for mesh in rests), *([action] if action else [])]
    # a linked data-block keeps its name, and lets a local one have the same
    names = [(block, block.name) for block in lent if block.library is None]
    window = bpy.context.window
    shown = (window.scene, window.view_layer) if window else None
    stage = _stage(fps)
    try:
        for i, (block, _) in enumerate(names):
            block.name = f"poseloom lent {i}"
        named = dict(names)
        double = bpy.data.objects.new(
            named.get(obj, obj.name), bpy.data.armatures.new(named.get(obj.data, obj.data.name))
        )
        stage.collection.objects.link(double)
        with bpy.context.temp_override(scene=stage, view_layer=stage.view_layers[0]):
            _make_bones(double, skeleton)
            for mesh, rest in rests.items():
                put = _put_on(mesh, obj, double, rest, stage.collection, rig)
                put.name, put.data.name = named.get(mesh, mesh.name), named.get(mesh.data, mesh.data.name)
            bpy.context.view_layer.update()
            # the exporters ask for what is selected, which context takes from the window's scene
            with bpy.context.temp_override(
                active_object=double, object=double, selected_objects=list(stage.objects)
            ):
                yield double
    finally:
        if shown:  # the glTF exporter shows the scene that it writes
            window.scene, window.view_layer = shown
        bpy.data.scenes.remove(stage)
        for kind, known in zip(kinds, before):
            for block in set(kind) - known:
                kind.remove(block)
        for block, name in names:
            block.name = name


def _stage(fps: float):
    """An empty scene with the units of the present one."""
    own, stage = bpy.context.scene, bpy.data.scenes.new("poseloom export")
    stage.unit_settings.system = own.unit_settings.system
    stage.unit_settings.scale_length = own.unit_settings.scale_length
    clock.set_rate(stage, fps)
    return stage


def _make_bones(double, skeleton: Rig) -> None:
    bpy.context.view_layer.objects.active = double
    with bpy.context.temp_override(active_object=double, object=double, selected_objects=[double]):
        bpy.ops.object.mode_set(mode="EDIT")
    try:
        bones = double.data.edit_bones
        for b, (name, parent) in enumerate(zip(skeleton.bones, skeleton.parents)):
            bone = bones.new(name)
            length = float(np.linalg.norm(skeleton.tails[b] - skeleton.rest[b, :3, 3]))
            bone.head, bone.tail = (0.0, 0.0, 0.0), (0.0, max(length, 1e-4), 0.0)
            bone.matrix = Matrix(skeleton.rest[b].tolist())
            bone.parent = bones[skeleton.bones[parent]] if parent >= 0 else None
    finally:
        with bpy.context.temp_override(active_object=double, object=double, edit_object=double):
            bpy.ops.object.mode_set(mode="OBJECT")


def _put_on(mesh, obj, double, rest, collection, rig):
    """A copy of the mesh that hangs on `double`, its transform in its vertices."""
    put = mesh.copy()
    put.data = mesh.data.copy()
    put.animation_data_clear()
    put.constraints.clear()
    put.hide_viewport = False
    collection.objects.link(put)
    put.data.transform(rest, shape_keys=True)
    put.parent, put.parent_type = double, "OBJECT"
    put.matrix_parent_inverse.identity()
    put.matrix_basis.identity()
    bound = [m for m in put.modifiers if m.type == "ARMATURE" and m.object == obj]
    for modifier in bound:
        modifier.object = double
    if not bound and mesh.parent_type == "BONE":
        put.vertex_groups.clear()
        group = put.vertex_groups.new(name=_carrier(mesh.parent_bone, rig, double))
        group.add(range(len(put.data.vertices)), 1.0, "REPLACE")
        put.modifiers.new("Armature", "ARMATURE").object = double
    return put


def _carrier(bone: str, rig: Rig, double) -> str:
    """The bone of `double` that carries what hung from `bone`: itself, or its nearest ancestor there."""
    b = rig.index(bone)
    while b >= 0 and rig.bones[b] not in double.data.bones:
        b = int(rig.parents[b])
    return rig.bones[b] if b >= 0 else double.data.bones[0].name
