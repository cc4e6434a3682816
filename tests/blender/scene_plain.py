"""Motion read from the curves alone against the scene played: that both agree, when curves are not enough, cuts, and speed."""

import loose  # noqa: F401  isort: skip
import time

import bpy
import numpy as np
from odd_rig import odd_armature
from poseloom.motion import quat
from poseloom.motion.types import RigMotion
from poseloom_addon import compat
from poseloom_addon.scene import armature, curves, cutting, keying, plain
from session import run

FRAMES = 80
KINDS = ("BEZIER", "LINEAR", "CONSTANT", "SINE", "BEZIER", "BOUNCE")


def main():
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    obj = odd_armature()
    bpy.ops.object.mode_set(mode="EDIT")
    bones = obj.data.edit_bones
    connected = bones['b"7']
    connected.head, connected.use_connect = bones['b"6'].tail, True
    bpy.ops.object.mode_set(mode="OBJECT")
    _animate(obj)
    rig = armature.read(obj)
    result = {"kinds": _apart(obj, rig)}
    result["frames"] = [len(armature.read_motion(obj, -5, FRAMES + 20)), bpy.context.scene.frame_current]

    small = armature.deform_skeleton(rig.with_(deform=np.arange(len(rig)) % 3 > 0))
    result["deforming alone"] = _differ(
        armature.read_motion(obj, 1, FRAMES, rig=small), armature.play(obj, small, 1, FRAMES)
    )
    result["sampled"] = max(
        float(np.abs(curves.sample(c, np.arange(-5, 120)) - [c.evaluate(f) for f in range(-5, 120)]).max())
        for c in _curves(obj)
    )
    result["played"] = {name: _refused(obj, rig, *change) for name, change in changes(obj).items()}
    result["plain again"] = plain.read(obj, rig, 1, 9) is not None
    result["cut"] = max(_cut(c) for c in _curves(obj) if not len(c.modifiers))
    result["speed"] = _speed()
    return result


def _animate(obj):
    """Keys of every kind of interpolation, handles that overlap, modifiers, curves that go on, muted ones."""
    rng = np.random.default_rng(4)
    for i, bone in enumerate(obj.pose.bones):
        path = plain.rotation_property(bone)
        for name, size in ((path, 1.5), ("location", 0.3)):
            for frame in np.sort(rng.choice(np.arange(1, FRAMES), 6, replace=False)) + (0.25 if i == 2 else 0.0):
                setattr(bone, name, size * rng.normal(size=len(getattr(bone, name))))
                bone.keyframe_insert(name, frame=float(frame))
        bone.keyframe_insert("scale", frame=3)
    for k, curve in enumerate(c for c in _curves(obj) if "scale" not in c.data_path):
        for key in curve.keyframe_points:
            key.interpolation = KINDS[k % len(KINDS)]
            if k % 4 == 0:
                key.handle_left_type = key.handle_right_type = "FREE"
                key.handle_right = (key.co[0] + 30.0 * rng.uniform(), key.co[1] + rng.normal())
                key.handle_left = (key.co[0] - 30.0 * rng.uniform(), key.co[1] + rng.normal())
        curve.update()
        if k % 11 == 0:
            curve.modifiers.new("NOISE").strength = 0.3
        curve.mute = k % 13 == 0
        if k % 7 == 0:
            curve.extrapolation = "LINEAR"
    for bone in obj.pose.bones:  # what has no keys, or muted ones, is as it is left
        bone.scale = (1.0, 1.0, 1.0)


def changes(obj):
    """{name: (make, undo)} of what only playing the scene tells."""
    bone, scene = obj.pose.bones[5], bpy.context.scene
    handlers, animation = bpy.app.handlers.frame_change_post, obj.animation_data

    def strip():
        animation.nla_tracks.new().strips.new("strip", 1, animation.action)

    def half():
        animation.nla_tracks.new()
        animation.action_influence = 0.5

    def whole():
        animation.nla_tracks.remove(animation.nla_tracks[0])
        animation.action_influence = 1.0

    def scaled():
        bone.scale = (1.0, 2.0, 1.0)
        bone.keyframe_insert("scale", frame=30)

    def unscaled():
        bone.scale = (1.0, 1.0, 1.0)
        bone.keyframe_delete("scale", frame=30)

    return {
        "constraint": (lambda: bone.constraints.new("LIMIT_ROTATION"),
                       lambda: bone.constraints.remove(bone.constraints[0])),
        "driver": (lambda: bone.driver_add("location", 0), lambda: bone.driver_remove("location", 0)),
        "strip": (strip, lambda: animation.nla_tracks.remove(animation.nla_tracks[0])),
        "scale": (scaled, unscaled),
        "clock": (lambda: setattr(scene.render, "frame_map_new", 200),
                  lambda: setattr(scene.render, "frame_map_new", 100)),
        "handler": (lambda: handlers.append(_handler), lambda: handlers.remove(_handler)),
        "mode": (lambda: bone.keyframe_insert("rotation_mode", frame=4),
                 lambda: bone.keyframe_delete("rotation_mode", frame=4)),
        "half": (half, whole),
    }  # fmt: skip


def _handler(scene, depsgraph=None):
    pass


def _cut(curve):
    """How far a key put between two keys moves the curve."""
    first, last = curve.keyframe_points[0].co[0], curve.keyframe_points[-1].co[0]
    frames = np.arange(np.ceil(first), last)
    tame = curve.keyframe_points[0].handle_right_type != "FREE"  # handles that do not overlap
    if not tame or len(frames) < 3 or curve.keyframe_points[0].interpolation not in ("BEZIER", "LINEAR"):
        return 0.0
    was = [curve.evaluate(frame) for frame in frames]
    cutting.split(curve, float(frames[len(frames) // 3]))
    return float(np.abs(np.array(was) - [curve.evaluate(frame) for frame in frames]).max())


def _refused(obj, rig, make, undo):
    make()
    refused = plain.read(obj, rig, 1, 9) is None
    undo()
    return refused


def _curves(obj):
    return compat.action_fcurves(obj.animation_data.action, compat.assigned_slot(obj.animation_data))


def _apart(obj, rig):
    found = plain.read(obj, rig, -5, FRAMES + 20)
    return None if found is None else _differ(found, armature.play(obj, rig, -5, FRAMES + 20))


def _differ(one, other):
    """Worst (degrees, units of length)."""
    return [
        float(np.degrees(quat.angle(one.basis, other.basis)).max()), float(np.abs(one.location - other.location).max())
    ]  # fmt: skip


def _speed():
    """(seconds by curves, seconds by playing) of 1,000 baked frames of 60 bones, and how far they are apart."""
    data = bpy.data.armatures.new("Many")
    obj = bpy.data.objects.new("Many", data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for i in range(60):
        bone = data.edit_bones.new(f"bone{i}")
        bone.head, bone.tail = (i, 0, 0), (i, 0, 1)
        bone.parent = data.edit_bones[f"bone{i - 1}"] if i else None
    bpy.ops.object.mode_set(mode="OBJECT")
    turns = quat.normalise(np.random.default_rng(0).normal(size=(1000, 60, 4)))
    motion = RigMotion(tuple(obj.pose.bones.keys()), turns, np.zeros((1000, 60, 3)), np.ones(60, bool), 24.0)
    keying.write(obj, motion, name="baked", start_frame=1)
    rig = armature.read(obj)
    seconds, seen = [], []
    for read in (plain.read, armature.play):
        start = time.thread_time()
        seen.append(read(obj, rig, 1, 1000))
        seconds.append(time.thread_time() - start)
    return [*seconds, *_differ(*seen)]


run(main)
