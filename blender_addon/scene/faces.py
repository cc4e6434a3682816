"""The face of a motion on shape keys with ARKit's names, or kept as properties of the armature where it has none."""

from __future__ import annotations

import bpy
import numpy as np
from poseloom.motion.types import Motion, RigMotion

from .. import compat
from . import files


def missing(obj, motion: Motion) -> list:
    """The data paths of the properties that `put` is going to make, or may."""
    return [f'["{curve}"]' for curve in motion.curves if curve not in obj]


def put(obj, motion: Motion, keys: RigMotion, name: str, frames) -> RigMotion:
    """Key the meshes' shape keys by the curves of `motion`; `keys`, with the other curves as properties of `obj`.

    `frames` (T,) of the scene are those of the rows of `motion` and `keys`.  Each mesh gets an action `name` of its own; what
    it played before is kept by a fake user.  Names may be written in any case and with underscores, as eye_blink_left or
    EyeBlink_L.
    """
    if not motion.curves:
        return keys
    wanted, keyed = {_plain(curve): curve for curve in motion.curves}, set()
    for mesh in files.meshes_of(obj):
        shapes = mesh.data.shape_keys
        found = (
            {block.name: wanted[_plain(block.name)] for block in shapes.key_blocks if _plain(block.name) in wanted}
            if shapes
            else {}
        )
        if found:
            _write(
                shapes, {block: motion.curves[curve] for block, curve in found.items()}, f"{mesh.name}|{name}", frames
            )
            keyed |= set(found.values())
    props = dict(keys.props)
    for curve in sorted(set(motion.curves) - keyed):
        if curve not in obj:
            obj[curve] = 0.0
            obj.id_properties_ui(curve).update(
                min=0.0, max=1.0, description="Of the face in the video, by ARKit's name"
            )
        props[f'["{curve}"]'] = np.round(motion.curves[curve], 3)
    return RigMotion(keys.bones, keys.basis, keys.location, keys.keyed, keys.fps, props)


def _plain(name: str) -> str:
    """eyeBlinkLeft, eyeBlink_L and eye_blink_l alike."""
    bare = name.replace(".", "_")
    if bare[-2:].lower() in ("_l", "_r"):
        bare = bare[:-2] + {"l": "left", "r": "right"}[bare[-1].lower()]
    return bare.replace("_", "").lower()


def _write(shapes, values: dict, name: str, frames) -> None:
    action = bpy.data.actions.new(name)
    channels, slot = compat.new_channels(action, shapes)
    for block, curve in values.items():
        path = f'key_blocks["{bpy.utils.escape_identifier(block)}"].value'
        points = compat.fcurve(channels, path, 0, "Face").keyframe_points
        points.add(len(curve))
        points.foreach_set("co", np.stack([frames, curve], axis=-1).astype(np.float32).ravel())
        for point in points:
            point.interpolation = "LINEAR"
    animation = shapes.animation_data_create()
    if animation.action is not None:
        animation.action.use_fake_user = True
    compat.assign_action(animation, action, slot)
