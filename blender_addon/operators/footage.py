"""The character over the video it was made of, through the camera that filmed it."""

from pathlib import Path

import bpy
import numpy as np
from bpy.props import EnumProperty, StringProperty
from poseloom.errors import BadInput, PoseloomError
from poseloom.motion import resection
from poseloom.motion.files import keypoints_from_bytes
from poseloom.motion.skeleton import motion_fk
from poseloom.retarget import from_rig

from .. import properties
from ..scene import armature, footage, roles, strips
from ..translations import say
from .rig import rate, refuse, target


def _of_a_video(operator, context) -> bool:
    reason = properties.why_not(context)
    obj = properties.active_armature(context)
    if not reason and footage.of(obj.animation_data.action if obj.animation_data else None) is None:
        reason = say("The active action was not made of a video")
    if reason:
        operator.poll_message_set(reason)
    return not reason


class POSELOOM_OT_match_view(bpy.types.Operator):
    """Look at the character through the camera that filmed the person, with the video behind it"""

    bl_idname = "poseloom.match_view"
    bl_label = "Match View"
    bl_options = {"REGISTER", "UNDO"}

    armature: StringProperty(name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"})
    shown_as: EnumProperty(
        name="Video as",
        description="How the video is shown behind the character",
        items=[
            ("BACKGROUND", "Background", "Behind everything, through the camera alone"),
            ("PLANE", "Plane", "On a plane behind the character, seen from everywhere"),
        ],
    )

    @classmethod
    def poll(cls, context):
        return _of_a_video(cls, context)

    def execute(self, context):
        try:
            obj = target(context, self.armature)
            made_of = footage.of(obj.animation_data.action)
            seen = _seen(Path(made_of["seen"]))
            shots = resection.cameras(*_watched(context, obj, seen, made_of["first"]))
        except PoseloomError as error:
            return refuse(self, error)
        camera = footage.show(obj, made_of["video"], seen, shots, made_of["first"], self.shown_as)
        footage.look_through(camera, context)
        tall = float(np.nanmedian(np.ptp(np.where(np.isfinite(seen.xy), seen.xy, np.nan)[..., 1], axis=1)))
        off = np.mean([shot.off_px for shot in shots]) / tall
        self.report({"INFO"}, say("{name}: joints are {off} of the person's height off", name=camera.name, off=f"{off:.1%}"))
        return {"FINISHED"}


class POSELOOM_OT_add_sound(bpy.types.Operator):
    """Add the sound of the video that the active action was made of to the sequencer, in time with the action"""

    bl_idname = "poseloom.add_sound"
    bl_label = "Add Sound"
    bl_options = {"REGISTER", "UNDO"}

    armature: StringProperty(name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"})

    @classmethod
    def poll(cls, context):
        return _of_a_video(cls, context)

    def execute(self, context):
        try:
            obj = target(context, self.armature)
            action = obj.animation_data.action
            made_of = footage.of(action)
            seen = _seen(Path(made_of["seen"]))
            end = made_of["first"] + round(len(seen) / seen.fps * rate(context))
            strip = strips.add_sound(
                context.scene, bpy.path.abspath(made_of["video"]), first=made_of["first"], end=end, start_s=seen.start_s
            )
        except PoseloomError as error:
            return refuse(self, error)
        self.report({"INFO"}, say("{name} sounds from frame {first} to {last}", name=strip.name, first=made_of["first"], last=end - 1))
        return {"FINISHED"}


def _seen(path: Path):
    if not path.is_file():
        raise BadInput(
            "no_keypoints", f"The keypoints of this action, {path.name}, are no longer kept.",
            "Press Animate again: what was seen of the same video comes back at once.",
        )  # fmt: skip
    return keypoints_from_bytes(path.read_bytes())


def _watched(context, obj, seen, first: int) -> tuple:
    """(the character's joints (T,22,3) in scene units, one row for each of the keypoints, the keypoints)."""
    fps = rate(context)
    frames = np.round(first + np.arange(len(seen)) * fps / seen.fps).astype(int)
    found = roles.played(obj)
    motion = from_rig(armature.read_motion(obj, int(frames[0]), int(frames[-1]), rig=found.rig), found.rig)
    unit = context.scene.unit_settings
    unit_m = 1.0 if unit.system == "NONE" else unit.scale_length
    return motion_fk(motion)[1][frames - frames[0], :22] / unit_m, seen
