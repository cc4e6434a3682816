"""The active Action of an armature as a motion of the bones that are mapped, and back into it.

Only curves of those bones' rotation, in their own modes, and location are read and written, and
the rig's switches; whatever else the Action moves stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from poseloom.errors import BadInput
from poseloom.motion import quat
from poseloom.motion.types import Rig, RigMotion
from poseloom.retarget.reduce import RigCurves

from .. import compat
from . import curves, keying
from .plain import as_turns, rotation_property

# a component without keys gets some where it departs from its value by more than this
_STILL = 1e-6


@dataclass(frozen=True, eq=False)
class Clip:
    """motion on frames from `start` on; `action` and `slot` it came from; paths {(data path, index)} of its keys."""

    action: object
    slot: object
    motion: RigMotion
    start: int
    paths: frozenset = field(default_factory=frozenset)

    @property
    def end(self) -> int:
        return self.start + len(self.motion) - 1


def active(obj) -> tuple:
    """(Action, slot) that `obj` plays and that can be changed; BadInput where there is none."""
    keying.check_editable(obj)
    animation = obj.animation_data
    action = None if animation is None else animation.action
    if action is None:
        raise BadInput("no_action", f'"{obj.name}" has no action.', "Make one, or assign it in the Action editor.")
    if action.library is not None:
        raise BadInput(
            "linked_action", f'The action "{action.name}" is linked and cannot be changed.', "Make it local first."
        )
    return action, compat.assigned_slot(animation)


def mapped_curves(obj, rig: Rig) -> dict:
    """{(data path, index): F-curve} with keys, of what the roles and switches of `rig` name."""
    action, slot = active(obj)
    wanted = set(rig.switches)
    for bone in {bone for bones in rig.roles.values() for bone in bones}:
        path = keying.bone_path(bone)
        wanted |= {f"{path}.{rotation_property(obj.pose.bones[bone])}", f"{path}.location"}
    every = compat.action_fcurves(action, slot)
    found = {(c.data_path, c.array_index): c for c in every if c.data_path in wanted and len(c.keyframe_points)}
    if not any(not path.endswith('"]') for path, _ in found):
        raise BadInput(
            "no_keys", f'"{action.name}" has no keys on the bones that are mapped.', "Look at the roles of the rig."
        )
    return found


def read(obj, rig: Rig, fps: float) -> Clip:
    """What the active Action of `obj` says of the mapped bones, on every frame from its first key to its last."""
    action, slot = active(obj)
    found = mapped_curves(obj, rig)
    edges = [curve.keyframe_points[k].co[0] for curve in found.values() for k in (0, -1)]
    start, end = int(np.floor(min(edges) + 1e-3)), int(np.ceil(max(edges) - 1e-3))
    frames = np.arange(start, end + 1)
    # modifiers are left out: they stay on the curves
    values = {key: curves.sample(curve, frames, modifiers=False) for key, curve in found.items()}
    count, bones = len(frames), len(rig)
    basis, location = np.tile(quat.IDENTITY, (count, bones, 1)), np.full((count, bones, 3), np.nan)
    keyed = np.zeros(bones, bool)
    for b, name in enumerate(rig.bones):
        pose, path = obj.pose.bones[name], keying.bone_path(name)
        channel = f"{path}.{rotation_property(pose)}"
        now = getattr(pose, rotation_property(pose))
        if any((channel, i) in values for i in range(len(now))):
            turned = [values.get((channel, i), np.full(count, now[i])) for i in range(len(now))]
            basis[:, b], keyed[b] = as_turns(np.stack(turned, axis=-1), pose.rotation_mode), True
        if any((f"{path}.location", i) in values for i in range(3)):
            moved = [values.get((f"{path}.location", i), np.full(count, pose.location[i])) for i in range(3)]
            location[:, b] = np.stack(moved, axis=-1)
    props = {path: values[path, 0] for path in rig.switches if (path, 0) in values}
    return Clip(action, slot, RigMotion(rig.bones, basis, location, keyed, fps, props), start, frozenset(found))


def read_other(obj, rig: Rig, action, fps: float) -> tuple:
    """(what another Action says of the mapped bones of `obj` as `read`, its key frames); `obj` plays what it did."""
    animation = obj.animation_data
    kept, slot = animation.action, compat.assigned_slot(animation)
    try:
        slots = list(getattr(action, "slots", (None,)))  # plain from 4.4
        if not slots:
            raise BadInput("no_keys", f'"{action.name}" has no keys.', "Choose another action.")
        compat.assign_action(animation, action, slots[0])
        clip = read(obj, rig, fps)
        points = [p for curve in mapped_curves(obj, rig).values() for p in curve.keyframe_points]
        return clip, sorted({round(point.co[0]) for point in points})
    finally:
        compat.assign_action(animation, kept, slot)


def write(obj, clip: Clip, motion: RigMotion, start: int) -> None:
    """`motion` in place of what `clip` was read from, one key a frame."""
    channels, location = compat.action_channels(clip.action, clip.slot), np.array(motion.location)
    for b, name in enumerate(motion.bones):
        for i in range(3):
            if _unmoved(obj, clip, name, i, location[:, b, i]):
                location[:, b, i] = np.nan
    motion = RigMotion(motion.bones, motion.basis, location, motion.keyed, motion.fps, motion.props)
    _clear(obj, channels, clip, _paths(obj, motion))
    keying.rewrite(obj, motion, channels, start)


def write_reduced(obj, clip: Clip, few: RigCurves, start: int) -> None:
    """Few keys with handles in place of what `clip` was read from; switches stay as they are."""
    channels, kept = compat.action_channels(clip.action, clip.slot), []
    for curve in few.curves:
        if curve.path == "location":
            used = [k for k, i in enumerate(curve.index) if not _unmoved(obj, clip, curve.bone, i, curve.values[:, k])]
            curve = type(curve)(curve.bone, curve.path, tuple(curve.index[k] for k in used), curve.frames,
                                curve.values[:, used], curve.slopes[:, used])  # fmt: skip
        kept.append(curve)
    paths = {(f"{keying.bone_path(c.bone)}.{c.path}", i) for c in kept for i in c.index}
    _clear(obj, channels, clip, paths | {(path, 0) for path in clip.motion.props})
    keying.write_curves(RigCurves(few.bones, tuple(kept), few.length, few.fps), channels, start)


def _unmoved(obj, clip, bone, index, values) -> bool:
    """Whether a component of the location that had no keys needs none."""
    if (f"{keying.bone_path(bone)}.location", index) in clip.paths or not np.isfinite(values).all():
        return False
    return bool(np.abs(values - obj.pose.bones[bone].location[index]).max() < _STILL)


def _paths(obj, motion: RigMotion) -> set:
    """{(data path, index)} that `keying` is going to write."""
    paths = {(path, 0) for path in motion.props}
    for b, name in enumerate(motion.bones):
        path, mode = keying.bone_path(name), rotation_property(obj.pose.bones[name])
        if motion.keyed[b]:
            paths |= {(f"{path}.{mode}", i) for i in range(3 if mode == "rotation_euler" else 4)}
        paths |= {(f"{path}.location", i) for i in range(3) if np.isfinite(motion.location[:, b, i]).any()}
    return paths


def _clear(obj, channels, clip: Clip, kept) -> None:
    """Remove the curves that were read and are not going to be written; what they moved goes to rest."""
    for path, index in clip.paths - kept:
        channels.fcurves.remove(channels.fcurves.find(path, index=index))
        if not path.endswith('"]'):
            obj.path_resolve(path)[index] = float(index == 0 and path.endswith("rotation_quaternion"))
