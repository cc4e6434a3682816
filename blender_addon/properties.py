"""What the user chooses, kept with the scene, which armature is meant, and the list of its roles."""

from functools import partial
from pathlib import Path

import bpy
from bpy.props import (
    BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty,
)  # fmt: skip
from poseloom import presets
from poseloom.chains import Reading
from poseloom.errors import BadInput
from poseloom.formats import AXES
from poseloom.motion.skeleton import FINGERS, JOINTS
from poseloom.rigs.match import REQUIRED, in_words
from poseloom.rigs.tables import IK

from . import backend, jobs, reader, seeing
from .scene import roles
from .translations import say

# of the fields below that the backend's job takes, under the names it knows
JOB_OPTIONS = ("quality", "estimator", "camera", "person", "start", "end", "smooth_hz", "foot_lock")
_AXES = [("DETECT", "Detected", "Found out by the skeleton"), *((axis, axis, "An axis of the clip") for axis in AXES)]


class PoseloomSettings(seeing.Seeing, bpy.types.PropertyGroup):
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
    quality: EnumProperty(
        name="Quality",
        description="How much time is taken to see",
        items=[
            ("draft", "Draft", "Every other frame, by the small model where it is there: for a first look"),
            ("good", "Good", "Every frame, by the full model"),
            ("best", "Best", "By the heavy and the full model: several times slower"),
        ],
        default="good",
    )
    estimator: StringProperty(
        name="Estimator",
        description="Which estimator sees, instead of the one that the quality chooses; empty: that one",
        search=lambda self, context, text: [row["name"] for row in backend.known_estimators()],
    )
    camera: EnumProperty(
        name="Camera",
        description="Whether the camera that filmed moved",
        items=[
            ("still", "Still", "It stood on a tripod"),
            ("moving", "Moving", "It turned, zoomed or shook: its movement is found by the background and taken out"),
        ],
        default="still",
    )
    see_anew: BoolProperty(
        name="See anew",
        description="Run the estimator though it has seen this video before; otherwise only what comes after is done "
        "again, with the settings as they are now",
        default=False,
    )
    confidence: EnumProperty(
        name="Confidence",
        description="How sure the estimator was of each joint",
        items=[
            ("curves", "Curves", "As a property of each bone, with a curve in the action"),
            ("csv", "Table", "In a CSV file beside this file"),
            ("none", "None", "Is not kept"),
        ],
        default="curves",
    )
    person: IntProperty(
        name="Person", description="Which person to follow where there are several; 0: the main one, found fastest", default=0, min=0
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

    source: EnumProperty(
        name="Source",
        description="Where the clip is",
        items=[
            ("FILE", "File", "A file: BVH, FBX, glTF, another blend file, or a motion of ours"),
            ("ARMATURE", "Armature", "Another armature of this scene, and the action it plays"),
        ],
        default="FILE",
    )
    clip: StringProperty(
        name="Clip",
        description="The file to take the clip from: BVH, FBX, GLB, glTF, blend, or a motion of ours (npz)",
        subtype="FILE_PATH",
        update=lambda self, context: _look_into(self),
    )
    take: StringProperty(name="Take", description="Which of the clips in the file")
    source_armature: PointerProperty(
        name="Source", description="The armature whose action is put on the active one; it stays as it is",
        type=bpy.types.Object, poll=lambda self, obj: obj.type == "ARMATURE",
    )  # fmt: skip

    root: EnumProperty(
        name="Root motion",
        description="Who goes over the ground",
        items=[
            ("hips", "Hips", "The hips carry the body over the ground"),
            ("bone", "Root Bone", "The rig's root bone goes over the ground and turns as the hips do"),
            ("in_place", "In Place", "Nobody does: the body stays where it is"),
        ],
        default="hips",
    )
    up: EnumProperty(
        name="Up axis", description="The axis of the clip that is up, where it comes in lying down",
        items=_AXES, default="DETECT",
    )  # fmt: skip
    front: EnumProperty(
        name="Front axis", description="The axis of the clip that its body faces, where it comes in turned",
        items=_AXES, default="DETECT",
    )  # fmt: skip
    unit: FloatProperty(
        name="Unit (m)",
        description="Metres in one unit of the clip, 0.01 for centimetres, where steps come out too long or too short; "
        "0: detected by the height of the body",
        default=0.0, min=0.0, soft_max=1.0, precision=4, step=1,
    )  # fmt: skip
    clip_rest: StringProperty(
        name="Rest at",
        description="A time of the clip at which its skeleton stands in a pose that can be taken as its rest pose, "
        "where limbs come out twisted: 0 is the first frame, 1.5s seconds; empty: the pose it was built in",
    )

    controls: EnumProperty(
        name="Limbs by",
        description="Which controls of a control rig move arms and legs",
        items=[
            ("fk", "FK Controls", "Arms and legs turn joint by joint; every rig has these"),
            ("ik", "IK Controls", "Hands and feet are placed and pull arms and legs along; on generated Rigify rigs"),
        ],
        default="fk",
    )

    show_source: BoolProperty(
        name="Show source skeleton",
        description="Draw the skeleton of the last clip beside the character while it plays",
        default=False,
    )

    def reading(self) -> Reading:
        """How the clip is to be understood."""
        up, front = (None if axis == "DETECT" else axis for axis in (self.up, self.front))
        return Reading(up, front, self.unit or None, self.clip_rest.strip() or None)

    def choices(self, verb: str) -> dict:
        """What is chosen for "retarget" or "animate", as `presets.KEPT` has it; what is left to itself is left out."""
        if verb == "retarget":
            reading = self.reading()
            found = {"up": reading.up, "front": reading.front, "unit": reading.unit_m, "clip_rest": reading.rest}
        else:
            names = ("quality", "camera", "person", "smooth_hz", "foot_lock", "confidence")
            found = {name: getattr(self, name) for name in (*names, *(("hands", "face") if self.hands or self.face else ()))}
            if self.estimator:
                found["estimator"] = self.estimator
            found["height"] = self.height_m if self.height_known else None
        found.update(controls=self.controls, root=self.root)
        return {name: _plain(value) for name, value in found.items() if value is not None}

    def choose(self, verb: str, values: dict) -> None:
        """Undoes `choices`: what `values` leave out is left to itself."""
        for name in presets.KEPT[verb]:
            field = "height_m" if name == "height" else name
            if name in values:
                setattr(self, field, str(values[name]) if name == "clip_rest" else values[name])
            else:
                self.property_unset(field)
            if name == "height":
                self.height_known = name in values

    def job_options(self) -> dict:
        """The options of the backend's job "animate", empty ones left out."""
        options = {name: getattr(self, name) for name in JOB_OPTIONS if getattr(self, name) != ""}
        if self.height_known:
            options["height_m"] = self.height_m
        return {**options, "reuse": not self.see_anew, **self.seen_options()}

    def video_path(self) -> str:
        """The chosen video's whole path; BadInput where there is none, or it is not there."""
        if not self.video:
            raise BadInput("no_video", "No video is chosen.", "Choose one in the Poseloom panel.")
        return existing(self.video)


def existing(video: str) -> str:
    """The whole path of a video, or of a pattern of pictures; BadInput where it is not there."""
    path = Path(bpy.path.abspath(video)).absolute()
    if not path.exists() and not any(mark in path.name for mark in "%*?"):
        raise BadInput("no_file", f"There is no file {path}.", "Choose a video that exists.")
    return str(path)


def _plain(value):
    """Of a float that Blender keeps in 32 bits, the short number that was typed."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


class PoseloomTake(bpy.types.PropertyGroup):
    """A clip in the file of the panel; its name is all."""


class PoseloomTakes(bpy.types.PropertyGroup):
    found: CollectionProperty(type=PoseloomTake, name="Takes", description="The clips in the file of the panel")
    clip: StringProperty(name="File", description="The file that the takes are in")


def fill_takes(clip: str, names) -> None:
    """List the takes of the file `clip`, and choose the first where none of them is chosen."""
    kept = bpy.context.window_manager.poseloom_takes
    kept.clip = clip
    kept.found.clear()
    for name in names:
        kept.found.add().name = name
    for scene in bpy.data.scenes:
        chosen = scene.poseloom
        if chosen.clip == clip and names and chosen.take not in names:
            chosen.take = names[0]


def _look_into(chosen) -> None:
    chosen.take = ""
    if reader.is_foreign(chosen.clip) and not bpy.app.background:
        jobs.soon("takes", _find_takes)


def _find_takes() -> None:
    windows = bpy.context.window_manager.windows
    with bpy.context.temp_override(window=windows[0]):
        if bpy.ops.poseloom.find_takes.poll():
            bpy.ops.poseloom.find_takes()


class PoseloomRole(bpy.types.PropertyGroup):
    """A part of the body and the bone that plays it; lives with the window, not with the file."""

    joint: StringProperty(name="Part", description="The part of the body, by its short name")
    found: StringProperty(name="Bone found", description="The first bone that plays this part; empty: none")
    more: IntProperty(name="Further bones", description="How many more bones share this part")
    doubtful: BoolProperty(name="Doubtful", description="The recognition is not sure about this part")
    corrected: BoolProperty(name="Corrected", description="You chose the bone of this part")

    def _choose(self, bone: str) -> None:
        # after this draw: a property may not run an operator, and needs no undo step of its own
        jobs.soon("role", partial(_set_role, self.id_data.poseloom_roles.armature, self.joint, bone))

    bone: StringProperty(
        name="Bone",
        description="The bone that plays this part; choose another one to correct it, or none",
        get=lambda self: self.found,
        set=_choose,
    )


class PoseloomRoles(bpy.types.PropertyGroup):
    parts: CollectionProperty(type=PoseloomRole, name="Parts", description="The parts of the body and their bones")
    active: IntProperty(name="Part", description="The part whose bone is shown below the list")
    armature: StringProperty(name="Armature", description="Name of the armature that the list is about")
    rig: StringProperty(name="Rig", description="What the list was made for")
    search: StringProperty(
        name="Search", description="Show only parts, or bones, with this in their names", options={"TEXTEDIT_UPDATE"}
    )
    doubts_only: BoolProperty(name="Doubts only", description="Show only parts that are doubtful, and those corrected")


def fill_roles(window_manager, obj, found) -> None:
    """List every part with its bone in `found`, a Recognition, or without one where it is None."""
    kept = window_manager.poseloom_roles
    corrected = roles.corrections(obj)
    known = {joint: (bone,) for joint, bone in corrected.items() if bone} if found is None else found.rig.roles
    kept.parts.clear()
    kept.armature, kept.rig = obj.name, str(rig_key(obj))
    for joint in ("root", *JOINTS, *FINGERS, *IK):
        part, bones = kept.parts.add(), known.get(joint, ())
        part.name, part.joint = in_words(joint).capitalize(), joint
        part.found, part.more = (bones[0], len(bones) - 1) if bones else ("", 0)
        part.corrected = joint in corrected
        part.doubtful = joint in REQUIRED and not bones if found is None else _doubted(joint, bones, found)


def _doubted(joint: str, bones, found) -> bool:
    """Whether the recognition misses this part, or speaks of it or of its bones."""
    if in_words(joint) in found.missing:
        return True
    both = f"Left and right {joint[:-2].replace('_', ' ')} "
    words = [f"The {in_words(joint)} ", *(f'"{bone}"' for bone in bones)] + [both] * joint.endswith(("_l", "_r"))
    return any(word in doubt for doubt in found.doubts for word in words)


def _set_role(armature: str, joint: str, bone: str) -> None:
    windows = bpy.context.window_manager.windows
    with bpy.context.temp_override(window=windows[0]):
        try:
            bpy.ops.poseloom.set_role("EXEC_DEFAULT", True, armature=armature, joint=joint, bone=bone)
        except RuntimeError:
            pass  # an operator's error report, which the window shows


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
        return say("Select an armature, or a mesh that one deforms")
    if obj.mode == "EDIT":
        return say("Leave Edit Mode on {name} first (Tab)", name=obj.name)
    if obj.library is not None:
        return say(
            "{name} is linked: make a library override first (Object > Library Override > Make)", name=obj.name
        )
    if obj.override_library is not None and obj.override_library.is_system_override:
        return say("The override of {name} is not editable: Object > Library Override > Make", name=obj.name)
    return ""


def rig_key(obj) -> tuple:
    """Changes whenever the armature could have become another rig, or its roles were corrected."""
    return (obj.session_uid, obj.data.session_uid, len(obj.data.bones), str(roles.corrections(obj)))
