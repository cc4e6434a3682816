"""What the user chooses, kept with the scene, and which armature is meant."""

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

# of the fields below that the backend's job takes, under the names it knows
JOB_OPTIONS = ("person", "start", "end", "smooth_hz", "foot_lock")


class PoseloomSettings(bpy.types.PropertyGroup):
    video: StringProperty(
        name="Video",
        description="The video with a person in it; pictures and numbered picture sequences work too",
        subtype="FILE_PATH",
    )
    height_known: BoolProperty(
        name="Height",
        description="Tell how tall the person is: it sets the length of the steps. "
        "Otherwise an average adult is assumed",
        default=False,
    )
    height_m: FloatProperty(
        name="Height in metres",
        description="How tall the person in the video is, in metres",
        default=1.7, min=0.3, max=3.0, precision=2, step=1,
    )  # fmt: skip
    person: IntProperty(
        name="Person", description="Which person to follow where there are several, the main one first", default=1, min=1
    )
    start: StringProperty(
        name="From", description="Where in the video to begin: 12 is a frame, 1.5s seconds; empty: at its start"
    )
    end: StringProperty(
        name="To", description="Where in the video to stop: 120 is a frame, 4s seconds; empty: at its end"
    )
    smooth_hz: FloatProperty(
        name="Smoothing (Hz)",
        description="Movements faster than this are taken for noise: lower is smoother, 6 suits most",
        default=6.0, min=0.5, max=30.0, precision=1,
    )  # fmt: skip
    foot_lock: BoolProperty(
        name="Lock feet", description="Keep a foot still while it stands on the floor", default=True
    )

    def job_options(self) -> dict:
        """The options of the backend's job "animate", empty ones left out."""
        options = {name: getattr(self, name) for name in JOB_OPTIONS if getattr(self, name) != ""}
        if self.height_known:
            options["height_m"] = self.height_m
        return options


def active_armature(context):
    """The armature that is active, or that deforms the active mesh; None without one."""
    obj = context.object
    if obj is None or obj.type == "ARMATURE":
        return obj
    return obj.find_armature()


def why_not(context) -> str:
    """Why no keys can be written on the active armature, and what to do; "" if they can."""
    obj = active_armature(context)
    if obj is None:
        return "Select an armature, or a mesh that one deforms"
    if obj.mode == "EDIT":
        return f"Leave Edit Mode on {obj.name} first (Tab)"
    if obj.library is not None:
        return f"{obj.name} is linked: make a library override first (Object > Library Override > Make)"
    if obj.override_library is not None and obj.override_library.is_system_override:
        return f"The override of {obj.name} is not editable: Object > Library Override > Make"
    return ""


def rig_key(obj) -> tuple:
    """Changes whenever the armature could have become another rig."""
    return (obj.session_uid, obj.data.session_uid, len(obj.data.bones))
