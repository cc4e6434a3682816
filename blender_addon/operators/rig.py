"""Which rig it is, and a motion's way on to it."""

from pathlib import Path

import bpy
import numpy as np
from bpy.props import EnumProperty, StringProperty
from poseloom import chains
from poseloom.errors import BadInput, PoseloomError
from poseloom.key_poses import Keys, on_rig, picked
from poseloom.motion.files import write_confidence
from poseloom.motion.resample import resample
from poseloom.motion.skeleton import motion_fk
from poseloom.motion.types import Motion, Rig
from poseloom.paths import safe_name
from poseloom.retarget import skeleton_of

from .. import jobs, preferences, properties
from ..scene import character, confidence, faces, fights, keying, marks, rest, roles
from ..translations import say

_NAMED = 3  # fights named in full


def family_name(family: str) -> str:
    """As people write it; `family` may also say how a rig of no known family was recognised."""
    if family.startswith("by "):
        return f"Rig known {family}"
    return {"makehuman": "MakeHuman", "cmu": "CMU"}.get(family, family.capitalize()) + " rig"


class POSELOOM_OT_recognise_rig(bpy.types.Operator):
    """Find out which rig the active armature is, and which bones would be animated"""

    bl_idname = "poseloom.recognise_rig"
    bl_label = "Recognise Rig"
    bl_options = {"INTERNAL"}

    armature: StringProperty(name="Armature", description="Name of the armature; empty: the active one")

    def execute(self, context):
        try:
            obj = target(context, self.armature)
            found = roles.recognised(obj)
        except PoseloomError as error:
            if obj := bpy.data.objects.get(self.armature) or properties.active_armature(context):
                jobs.rigs[properties.rig_key(obj)] = (say("Rig not recognised"), (str(error),), False)
                if obj.type == "ARMATURE":
                    properties.fill_roles(context.window_manager, obj, None)
            return refuse(self, error)
        doubts = tuple(found.doubts) + tuple(f"No bone found for {name}" for name in found.missing)
        title = say("{rig}, {score} sure", rig=say(family_name(found.family)), score=f"{found.score:.0%}")
        jobs.rigs[properties.rig_key(obj)] = (title, doubts, True)
        properties.fill_roles(context.window_manager, obj, found)
        self.report({"INFO"}, f"{obj.name}: {title}")
        return {"FINISHED"}


class POSELOOM_OT_add_character(bpy.types.Operator):
    """Add a clothed CC0 adult on a rig of the family chosen, to try things on"""

    bl_idname = "poseloom.add_character"
    bl_label = "Add Character"
    bl_options = {"REGISTER", "UNDO"}

    preset: EnumProperty(
        name="Rig",
        description="The family of its rig",
        items=[(name, family_name(name), f"Named and built as in {family_name(name)}s") for name in character.PRESETS],
    )

    @classmethod
    def poll(cls, context):
        if context.mode != "OBJECT":
            cls.poll_message_set(say("Go to Object Mode first"))
            return False
        return True

    def execute(self, context):
        try:
            obj = character.build(self.preset)
        except PoseloomError as error:
            return refuse(self, error)
        self.report({"INFO"}, f"Added {obj.name}")
        return {"FINISHED"}


def target(context, name: str = ""):
    """The armature named, or the active one; BadInput where it can't be keyed."""
    if name:
        obj = bpy.data.objects.get(name)
        if obj is None or obj.type != "ARMATURE":
            raise BadInput("no_armature", f'There is no armature "{name}" in this file.', "Name one that is there.")
        keying.check_editable(obj)
        return obj
    reason = properties.why_not(context)
    if reason:
        raise BadInput("no_armature", f"{reason}.")
    return properties.active_armature(context)


def put_motion(context, obj, motion: Motion, clip: str, start_frame=None, *, seen: bool = False) -> tuple:
    """A new Action `<armature>|<clip>` on `obj`, from `start_frame` (else the playhead) on.

    Of a motion `seen` in a video the contacts become markers, and the confidence what is chosen.
    Returns the Action and a sentence that tells what was made.
    """
    chosen = context.scene.poseloom
    found = roles.standing(obj, chosen.controls)
    motion = resample(motion, rate(context))
    keys, placed = chains.placed_on(motion, found.rig, chosen.root, rest.kept(obj))
    switches = len(keys.props)
    curves = seen and chosen.confidence == "curves"
    made = confidence.missing(obj, found.rig, motion) if curves else []
    first = context.scene.frame_current if start_frame is None else start_frame
    made += faces.missing(obj, motion)
    keys = faces.put(obj, motion, keys, clip, first + np.arange(len(motion)))
    action = keying.write(
        obj,
        confidence.keyed(obj, found.rig, keys, motion) if curves else keys,
        name=f"{obj.name}|{clip}",
        start_frame=first,
        keep_previous=preferences.get().previous.lower(),
    )
    confidence.note(action, made)
    first, last = (round(frame) for frame in action.frame_range)
    keep_source(action, placed, first, found.rig)
    text = f"{action.name}: frames {first} to {last}, {int(keys.keyed.sum())} bones"
    if switches:
        text += f", {switches} rig switches keyed"
    if seen:
        marks.write(action, motion, first)
        if chosen.confidence == "csv":
            path = preferences.cache_folder() if not bpy.data.filepath else Path(bpy.data.filepath).parent
            named = path / f"{safe_name(action.name)}.csv"
            text += f". Confidence: {write_confidence(named, motion, range(first, first + len(motion)))}"
    if last > context.scene.frame_end:
        text += f". The scene ends before, at {context.scene.frame_end}"
    return action, text + said_of_fights(fights.find(obj, keys, first))


def put_poses(context, obj, motion: Motion, clip: str, keys: Keys, start_frame: int, *, seen: bool = False) -> tuple:
    """A new Action `<armature>|<clip>` on `obj` with key poses of `motion` alone; of one `seen` in a video as `put_motion`.

    Returns the Action and the frames (T,) of its keys.
    """
    chosen, fps = context.scene.poseloom, rate(context)
    found = roles.standing(obj, chosen.controls)
    poses, frames = on_rig(motion, keys, found.rig, fps, start_frame, chosen.root, rest.kept(obj))
    whole = motion if keys.seconds is None else resample(motion, fps)
    said = whole if keys.seconds is None else picked(whole, frames - start_frame)
    made = faces.missing(obj, said)
    poses = faces.put(obj, said, poses, clip, frames)
    if seen and chosen.confidence == "curves":
        made += confidence.missing(obj, found.rig, said)
        poses = confidence.keyed(obj, found.rig, poses, said)
    action = keying.write(
        obj, poses, name=f"{obj.name}|{clip}", start_frame=int(frames[0]), frames=frames,
        keep_previous=preferences.get().previous.lower(),
    )  # fmt: skip
    confidence.note(action, made)
    if seen:
        marks.write(action, whole, start_frame)
    return action, frames


def keep_source(action, placed: Motion, start: int, rig: Rig) -> None:
    """Let the clip's own skeleton be shown beside the character that plays `action`, as large as that."""
    size = skeleton_of(rig).offsets[0, 2] / placed.skeleton.offsets[0, 2]
    centre = chains.place_of(rig)[1]
    places = centre + size * (motion_fk(placed)[1] - centre)
    jobs.keep_source(action, places.astype(np.float32), placed.skeleton.parents, start)


def said_of_fights(found: tuple) -> str:
    """What to append to an outcome where constraints or drivers fight what was keyed."""
    more = f"; {len(found) - _NAMED} more like these" if len(found) > _NAMED else ""
    return f". Look out: {'; '.join(found[:_NAMED])}{more}" if found else ""


def rate(context) -> float:
    return context.scene.render.fps / context.scene.render.fps_base


def clip_name(path) -> str:
    return Path(path).stem


def refuse(operator, error: PoseloomError) -> set:
    """Say in the operator's report what is wrong; its return value."""
    operator.report({"ERROR"}, str(error))
    return {"CANCELLED"}
