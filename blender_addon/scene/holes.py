"""Keys of the active Action as a motion with holes, and generated keys into the holes; every other key stays."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from poseloom.errors import BadInput
from poseloom.motion import euler, quat
from poseloom.motion.types import Rig, RigMotion
from poseloom.rigfill import RigHoles

from .. import compat
from . import channels, curves, keying
from .plain import as_turns, rotation_property

AROUND = 60  # frames on either side of the range whose keys are looked at as well
_STILL = 1e-6


@dataclass(frozen=True, eq=False)
class Keyed:
    """holes on frames from `first` on; to be filled from `start` to `end`; bones (B,) bool the ones to be filled;
    values {(bone, property): (T,n)} what its keys hold, found {(bone, property, index): F-curve}."""

    action: object
    slot: object
    holes: RigHoles
    first: int
    start: int
    end: int
    bones: np.ndarray
    values: dict
    found: dict


def range_of(obj, bones=None) -> tuple:
    """(start, end) that is meant: of the selected keys where these span any, else the preview range, else of all."""
    scene, every, chosen = bpy.context.scene, [], []
    for _, curve in _curves_of(obj, bones).items():
        at, selected = _numbers(curve)[:, 0], np.empty(len(curve.keyframe_points), bool)
        curve.keyframe_points.foreach_get("select_control_point", selected)
        every += [at[0], at[-1]]
        chosen += at[selected].tolist()
    if not every:
        raise BadInput("no_keys", f'"{obj.name}" has no keys on the bones that are meant.', "Key its poses first.")
    if chosen and max(chosen) - min(chosen) >= 1.0:
        return int(np.floor(min(chosen))), int(np.ceil(max(chosen)))
    if scene.use_preview_range:
        return scene.frame_preview_start, scene.frame_preview_end
    return int(np.floor(min(every))), int(np.ceil(max(every)))


def read(obj, rig: Rig, fps: float, start: int, end: int, bones=None, again: bool = False) -> Keyed:
    """The keys of all bones of `rig` from `start` to `end`, and near these; `bones`, names or None for all, are to be
    filled.  With `again` generated keys inside the range are none.  BadInput where a key is no number.
    """
    action, slot = channels.active(obj)
    found = _curves_of(obj, None)
    inside = {key: [at for at in _keys(curve, start, end, again) if start - AROUND <= at <= end + AROUND]
              for key, curve in found.items()}  # fmt: skip
    every = [at for keys in inside.values() for at in keys] or [start]
    first, last = min(*every, start), max(*every, end)
    frames, count = np.arange(first, last + 1), len(rig)
    basis, location = np.tile(quat.IDENTITY, (len(frames), count, 1)), np.full((len(frames), count, 3), np.nan)
    turned, moved = np.zeros((len(frames), count), bool), np.zeros((len(frames), count), bool)
    values = {}
    for b, name in enumerate(rig.bones):
        pose = obj.pose.bones[name]
        for path, known in ((rotation_property(pose), turned), ("location", moved)):
            now = getattr(pose, path)
            own = {i: found[name, path, i] for i in range(len(now)) if (name, path, i) in found}
            if not own or (path == "location" and pose.bone.use_connect and pose.parent is not None):
                continue
            rows = np.array(sorted({at - first for i in own for at in inside[name, path, i]}), int)
            known[rows, b] = True
            held = np.tile(np.array(now, np.float64), (len(frames), 1))
            for i, curve in own.items():
                held[:, i] = curves.sample(curve, frames, modifiers=False)
            _check_numbers(held, known[:, b], first, name)
            held = np.nan_to_num(held)
            values[name, path] = held
            if path == "location":
                location[:, b] = held
            else:
                basis[:, b] = as_turns(held, pose.rotation_mode)
    motion = RigMotion(rig.bones, basis, location, turned.any(axis=0), fps)
    wanted = np.ones(count, bool) if bones is None else np.isin(rig.bones, list(bones))
    return Keyed(action, slot, RigHoles(motion, turned, moved), first, start, end, wanted, values, found)


def write(obj, keyed: Keyed, filled: RigMotion, again: bool = False) -> tuple:
    """Generated keys on the frames of `filled` that are holes inside the range; (bones, keys) written.

    With `again` generated keys that were there before go first.
    """
    places = compat.action_channels(keyed.action, keyed.slot)
    done, count, holes = set(), 0, keyed.holes
    frames = keyed.first + np.arange(len(filled))
    inside = (frames > keyed.start) & (frames < keyed.end)
    for b in np.flatnonzero(keyed.bones):
        name = filled.bones[b]
        pose = obj.pose.bones[name]
        for path, known in ((rotation_property(pose), holes.turned[:, b]), ("location", holes.moved[:, b])):
            rows = np.flatnonzero(inside & _between(known) & ~known)
            if not len(rows) or (name, path) not in keyed.values:
                continue
            held = keyed.values[name, path]
            new = filled.location[:, b] if path == "location" else _numbers_of(filled.basis[:, b], pose, held, known)
            for i in range(held.shape[1]):
                curve = keyed.found.get((name, path, i))
                if curve is None and np.abs(new[rows, i] - held[rows, i]).max() < _STILL:
                    continue
                at = rows
                if curve is None:  # it had no keys: those of the others hold what it was
                    near = (frames >= keyed.start) & (frames <= keyed.end)
                    at = np.flatnonzero((inside & _between(known)) | (known & near))
                    curve = compat.fcurve(places, f"{keying.bone_path(name)}.{path}", i, name)
                count += put(curve, frames[at], new[at, i], again and (keyed.start, keyed.end))
                done.add(name)
    return len(done), count


def put(curve, frames, values, instead=None) -> int:
    """Generated keys, straight between them, on frames of a curve that have none; other keys and handles stay to the
    bit.  `instead` (start, end): generated keys between go first.  The number of keys."""
    points = curve.keyframe_points
    if instead:
        for k in reversed(range(len(points))):
            if points[k].type == "GENERATED" and instead[0] < points[k].co[0] < instead[1]:
                points.remove(points[k], fast=True)
    there = set(np.round(_numbers(curve)[:, 0]).astype(int).tolist()) if len(points) else set()
    fresh = np.array([frame not in there for frame in frames.tolist()], bool)
    frames, values, old = frames[fresh], np.asarray(values)[fresh], len(points)
    if not len(frames):
        return 0
    kept = {name: _numbers(curve, name) for name in ("co", "handle_left", "handle_right")} if old else {}
    points.add(len(frames))
    flat = np.stack([frames, values], axis=-1).astype(np.float32)
    for name, shift in (("co", 0.0), ("handle_left", -1 / 3), ("handle_right", 1 / 3)):
        own = flat + np.float32([shift, 0.0])
        points.foreach_set(name, np.concatenate([kept[name], own] if old else [own]).ravel())
    for point in list(points)[old:]:
        point.type, point.interpolation = "GENERATED", "LINEAR"
        point.handle_left_type = point.handle_right_type = "VECTOR"
        point.select_control_point = point.select_left_handle = point.select_right_handle = False
    curve.update()
    if old:  # Blender has moved automatic handles of the user's keys
        at = _numbers(curve)[:, 0]
        where = np.searchsorted(at, kept["co"][:, 0])
        for name in ("handle_left", "handle_right"):
            numbers = _numbers(curve, name)
            numbers[where] = kept[name]
            points.foreach_set(name, numbers.ravel())
    return len(frames)


def sharers(obj, action, slot) -> list:
    """Names of the other objects that play the same channels, by an Action of their own or an NLA strip."""
    names = []
    for other in bpy.data.objects:
        animation = other.animation_data
        if animation is None:
            continue
        strips = [strip for track in animation.nla_tracks for strip in track.strips]
        played = [animation] * (other != obj) + strips
        handle = compat.slot_handle(slot)
        if any(p.action == action and compat.slot_handle(compat.assigned_slot(p)) == handle for p in played):
            names.append(other.name)
    return names


def _curves_of(obj, bones) -> dict:
    """{(bone, property, index): F-curve} with keys, of rotation in the bone's own mode, and location."""
    action, slot = channels.active(obj)
    paths = {keying.bone_path(bone.name): bone for bone in obj.pose.bones if bones is None or bone.name in bones}
    found = {}
    for curve in compat.action_fcurves(action, slot):
        bone, _, name = curve.data_path.rpartition(".")
        if bone in paths and len(curve.keyframe_points) and name in ("location", rotation_property(paths[bone])):
            found[paths[bone].name, name, curve.array_index] = curve
    return found


def _keys(curve, start, end, again) -> list:
    """Whole frames with a key; inside the range generated ones are none with `again`."""
    at, kinds = _numbers(curve)[:, 0], np.empty(len(curve.keyframe_points), np.uint8)
    if again:
        curve.keyframe_points.foreach_get("type", kinds)
        generated = bpy.types.Keyframe.bl_rna.properties["type"].enum_items["GENERATED"].value
        at = at[(kinds != generated) | (at <= start) | (at >= end)]
    return np.round(at).astype(int).tolist()


def _numbers(curve, name: str = "co") -> np.ndarray:
    flat = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get(name, flat)
    return flat.reshape(-1, 2)


def _check_numbers(held, known, first, bone) -> None:
    bad = np.flatnonzero(known & ~np.isfinite(held).all(axis=-1))
    if len(bad):
        raise BadInput(
            "not_finite", f'"{bone}" has a key on frame {first + bad[0]} that is no number.',
            "Delete it, or key it anew.",
        )  # fmt: skip


def _between(known) -> np.ndarray:
    return np.maximum.accumulate(known) & np.maximum.accumulate(known[::-1])[::-1]


def _numbers_of(basis, pose, held, known) -> np.ndarray:
    """(T,n) what keys of a bone's rotation mode hold, going on from each of its keys `held` where known (T,)."""
    new, keys = np.array(held), np.flatnonzero(known)
    for a, b in zip(keys[:-1], keys[1:]):
        if b - a < 2:
            continue
        q = quat.normalise(basis[a:b])
        if pose.rotation_mode == "QUATERNION":
            q[0] = quat.normalise(held[a])
            new[a + 1 : b] = quat.unroll(q)[1:]
        elif pose.rotation_mode == "AXIS_ANGLE":
            new[a + 1 : b] = euler.smooth_axis_angle(q, held[a])[1:]
        else:
            new[a + 1 : b] = euler.smooth_euler(q, pose.rotation_mode, held[a])[1:]
    return new


def append(obj, keyed: Keyed, longer: RigMotion, count: int) -> tuple:
    """Generated keys for the last `count` frames of `longer`, on the bones that have keys; (bones, keys) written."""
    places = compat.action_channels(keyed.action, keyed.slot)
    rows, done, total = np.arange(len(longer) - count, len(longer)), set(), 0
    last = len(longer) - count - 1
    for (name, path), held in keyed.values.items():
        b = longer.bones.index(name)
        if not keyed.bones[b]:
            continue
        if path == "location":
            new = np.array(longer.location[:, b])
        else:
            known = np.isin(np.arange(len(longer) + 1), (last, len(longer)))
            held = np.concatenate([held, np.repeat(held[-1:], count + 1, axis=0)])
            basis = np.concatenate([longer.basis[:, b], longer.basis[-1:, b]])
            new = _numbers_of(basis, obj.pose.bones[name], held, known)
        for i in range(new.shape[1]):
            curve = keyed.found.get((name, path, i))
            if curve is None:
                if np.abs(new[rows, i] - held[last, i]).max() < _STILL:
                    continue
                curve = compat.fcurve(places, f"{keying.bone_path(name)}.{path}", i, name)
                new[last, i] = held[last, i]
                rows_here = np.arange(last, len(longer))
            else:
                rows_here = rows
            total += put(curve, keyed.first + rows_here, new[rows_here, i])
            done.add(name)
    return len(done), total


def pair_at(obj, frame: int) -> tuple:
    """(a, b) the key frames, generated ones left out, around `frame`; BadInput where it is not between two keys."""
    at = sorted({key for curve in _curves_of(obj, None).values() for key in _keys(curve, -1e9, 1e9, True)})
    k = int(np.searchsorted(at, frame, side="right")) - 1
    if not 0 <= k < len(at) - 1:
        raise BadInput("no_pair", f"Frame {frame} is not between two keys.", "Put the playhead between them.")
    return at[k], at[k + 1]


def pair_or_none(obj, frame: int):
    try:
        return pair_at(obj, frame)
    except BadInput:
        return None
