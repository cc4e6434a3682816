"""Key poses of an Action: the pictures they were made of, and each as a pose asset."""

from __future__ import annotations

from pathlib import Path

import bpy
from poseloom.errors import BadInput

from .. import compat

_NOTE = "poseloom_pictures"
MOST = 60  # an Action with more keyed frames was baked


def note(action, pictures) -> None:
    """`action` has the poses of pictures, [(path, frame), ...]."""
    action[_NOTE] = {str(frame): path for path, frame in pictures}


def picture_of(action, frame: int) -> str:
    """The path of the picture whose pose is on that frame; "" where there is none."""
    return dict(action.get(_NOTE, {})).get(str(frame), "")


def keyed_frames(obj) -> list:
    """The frames on which the bones of `obj` have keys of the animator's, generated ones left out."""
    animation = obj.animation_data
    curves = compat.action_fcurves(animation.action, compat.assigned_slot(animation))
    return sorted({
        round(key.co[0]) for curve in curves if _of_bone(curve) for key in curve.keyframe_points if key.type not in ("GENERATED", "JITTER")
    })  # fmt: skip


def save(obj) -> list:
    """An Action for each key pose of the one that `obj` plays, marked as asset; its preview is the picture, if any.

    BadInput where there are no key poses, or too many to be any.
    """
    action, frames = obj.animation_data.action, keyed_frames(obj)
    if not 0 < len(frames) <= MOST:
        raise BadInput(
            "no_poses", f'"{action.name}" has {len(frames)} frames with keys of your own, so there are no poses to save.',
            f"Choose an action with 1 to {MOST} key poses.",
        )  # fmt: skip
    curves = [c for c in compat.action_fcurves(action, compat.assigned_slot(obj.animation_data)) if _of_bone(c)]
    made = []
    for frame in frames:
        picture = picture_of(action, frame)
        pose = bpy.data.actions.new(f"{obj.name} {Path(picture).stem if picture else frame}")
        channels, _ = compat.new_channels(pose, obj)
        for curve in curves:
            group = curve.group.name if curve.group else "Pose"
            points = compat.fcurve(channels, curve.data_path, curve.array_index, group).keyframe_points
            points.insert(1.0, curve.evaluate(frame))
        pose.asset_mark()
        pose.asset_data.description = f"{action.name}, {frame}"
        if picture and Path(picture).is_file():
            try:
                with bpy.context.temp_override(id=pose):
                    bpy.ops.ed.lib_id_load_custom_preview(filepath=picture)
            except RuntimeError:  # a format that Blender does not read: the pose has no preview then
                pass
        made.append(pose)
    return made


def _of_bone(curve) -> bool:
    return curve.data_path.startswith('pose.bones["') and not curve.data_path.endswith('["confidence"]')
