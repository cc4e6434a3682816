"""Frames between keys of the active action: filled, filled again, gone on after the last, or played at other times."""

from functools import partial
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty
from poseloom import chains, rigfill
from poseloom.errors import BadInput, PoseloomError
from poseloom.inbetween import collection, easing
from poseloom.inbetween.fill import FillOptions
from poseloom.inbetween.follow import Dtw
from poseloom.motion.files import motion_from_bytes

from .. import backend, filling, jobs
from ..scene import armature, holes, roles
from ..translations import say
from .editing import Editing
from .rig import rate, refuse, target

PLACE = "inbetween"
_NAME = dict(name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"})
_CHOSEN = ("method", "strength", "feet", "candidate", "follow", "network", "selected")


class _Between(Editing):
    """An edit of keys in a range; what a script leaves open, the panel says."""

    armature: StringProperty(**_NAME)
    start: IntProperty(name="First frame", description="The key to begin at", default=0)
    end: IntProperty(name="Last frame", description="The key to end at", default=0)
    method: EnumProperty(name="Method", description="How the body gets from key to key", items=filling.METHODS)
    strength: FloatProperty(
        name="Style", description="From the spline, at 0, to the method, at 1", default=1.0, min=0.0, max=1.0
    )
    ease: StringProperty(name="Speed", description="A speed curve for every pair of keys", options={"HIDDEN"})
    feet: BoolProperty(name="Hold feet", description="Keep feet still that rest on the floor", default=True)
    candidate: IntProperty(
        name="Clip", description="0 blends the clips that fit best; 1 is the best one alone, 2 the next",
        default=0, min=0,
    )  # fmt: skip
    follow: StringProperty(name="After", description="library, last, or a file of motion", options={"HIDDEN"})
    network: StringProperty(name="Network", description="Folder of networks; empty: ours", options={"HIDDEN"})
    selected: BoolProperty(
        name="Selected bones only", description="In Pose Mode, leave bones that are not selected as they are",
        default=True,
    )  # fmt: skip
    shared: BoolProperty(
        name="Change it for all", description="Change the action though other objects play it too",
        default=False, options={"SKIP_SAVE"},
    )  # fmt: skip
    place = PLACE
    _sharing = ""  # who else plays the action, where that is asked about

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        if self._sharing:
            layout.label(text=say("{names} play this action too", names=self._sharing), icon="ERROR")
        for name in ("start", "end", "method", "strength", "feet", "candidate", "selected"):
            layout.prop(self, name)

    def invoke(self, context, event):
        chosen = context.scene.poseloom_inbetween
        for name in _CHOSEN:
            if not self.properties.is_property_set(name):
                setattr(self, name, getattr(chosen, name))
        if not self.ease:
            self.ease = filling.curve_of(chosen.ease)
        try:
            obj = target(context, self.armature)
            self._sharing = ", ".join(_sharers(obj))
            if not self.properties.is_property_set("start"):
                self.start, self.end = holes.range_of(obj, self._bones(context, obj))
        except PoseloomError as error:
            jobs.show(self.bl_label, "failed", error.message, error.hint, PLACE)
            return refuse(self, error)
        if self._sharing and not self.shared:
            self.shared = True
            return context.window_manager.invoke_props_dialog(self)
        return super().invoke(context, event)

    def _bones(self, context, obj):
        """The names of the bones that are meant; None for all."""
        if not self._get(context, "selected") or obj.mode != "POSE":
            return None
        chosen = {bone.name for bone in context.selected_pose_bones or () if bone.id_data == obj}
        return chosen or None

    def _get(self, context, name):
        chosen = context.scene.poseloom_inbetween
        return getattr(self, name) if self.properties.is_property_set(name) else getattr(chosen, name)

    def _maker(self, context, method):
        """What builds the in-betweener, on any thread; None for the spline."""
        if method == "lstm":
            remote = self._remote(context)
            return lambda: remote
        if method == "dtw":
            clips, candidate = _library(context, self._get(context, "follow")), self._get(context, "candidate")
            return lambda: Dtw(clips(), candidate)
        return lambda: None

    def _remote(self, context):
        return backend.Remote(backend.choice(), model=bpy.path.abspath(self._get(context, "network")))

    def _read(self, context, again):
        """(object, its rig with roles or None, Keyed)."""
        obj = target(context, self.armature)
        sharing = _sharers(obj)
        if sharing and not self.shared:
            raise BadInput(
                "shared_action", f"{', '.join(sharing)} play{'s' * (len(sharing) == 1)} this action too.",
                "Make it a single user copy first, or agree to change it for all.",
            )  # fmt: skip
        bones = self._bones(context, obj)
        start, end = (self.start, self.end) if self.properties.is_property_set("start") else holes.range_of(obj, bones)
        rig = _known(obj)
        return obj, rig, holes.read(obj, rig or armature.read(obj), rate(context), start, end, bones, again)


class _Fill(_Between):
    again = False

    def _planned(self, context):
        obj, rig, keyed = self._read(context, self.again)
        method = self._get(context, "method")
        make = self._maker(context, method)
        if rig is None and method != "spline":
            raise BadInput(
                "not_humanoid", f'"{obj.name}" is not known as a human body, and only such are filled by {method}.',
                "Use spline, or look at its roles.",
            )  # fmt: skip
        known = keyed.holes
        rows = (known.turned | known.moved).any(axis=1)
        usual = self.ease or filling.curve_of(context.scene.poseloom_inbetween.ease)
        options = FillOptions(
            filling.eases(keyed.action, easing.pairs(rows), keyed.first, usual),
            self._get(context, "strength"), self._get(context, "feet"),
        )  # fmt: skip
        said: list = []

        def work(report):
            return rigfill.fill_rig(known, rig, make(), options, report, said)

        def land(filled):
            bones, keys = holes.write(obj, keyed, filled, self.again)
            self._others = _sharers(obj)
            if not keys:
                raise BadInput(
                    "no_holes", f"No frame from {keyed.start} to {keyed.end} is without keys.",
                    "Move the keys apart, or use Re-fill for generated ones.",
                )  # fmt: skip
            context.view_layer.update()
            text = say(
                "Frames {start} to {end}: {bones} bones, {keys} keys",
                start=keyed.start, end=keyed.end, bones=bones, keys=keys,
            )  # fmt: skip
            return " ".join([text + ".", *said]) if said else text

        return work, land


class POSELOOM_OT_fill(_Fill, bpy.types.Operator):
    """Fill the frames between keys of the selected range; keys and their handles stay as they are"""

    bl_idname = "poseloom.fill"
    bl_label = "Fill Between Keys"


class POSELOOM_OT_refill(_Fill, bpy.types.Operator):
    """Fill again: generated keys in the range are replaced, all others stay as they are"""

    bl_idname = "poseloom.refill"
    bl_label = "Re-fill"
    again = True


class POSELOOM_OT_find_candidates(_Between, bpy.types.Operator):
    """Look for the clips of the library that fit the keys best"""

    bl_idname = "poseloom.find_candidates"
    bl_label = "Find Clips"
    bl_options = {"REGISTER"}

    def _planned(self, context):
        obj, rig, keyed = self._read(context, True)
        if rig is None:
            raise BadInput("not_humanoid", f'"{obj.name}" is not known as a human body.', "Look at its roles.")
        make = self._maker(context, "dtw")

        def work(report):
            report(0.1, "Searching the library")
            return rigfill.candidates(keyed.holes, rig, make())

        def land(found):
            self._others = []
            kept = context.window_manager.poseloom_candidates
            kept.found.clear()
            for one in found:
                item = kept.found.add()
                item.name, item.cost = one.clip, one.cost
            kept.about = f"{obj.name} {keyed.start} {keyed.end}"
            return say("{count} clips fit", count=len(found))

        return work, land


class POSELOOM_OT_continue(_Between, bpy.types.Operator):
    """Go on after the last key, as clips of the library do that fit, or as the network says"""

    bl_idname = "poseloom.continue_motion"
    bl_label = "Continue"

    frames: IntProperty(name="Frames", description="How many frames to go on for", default=60, min=1, max=3000)

    def invoke(self, context, event):
        if not self.properties.is_property_set("frames"):
            self.frames = context.scene.poseloom_inbetween.frames
        if not self.properties.is_property_set("start"):
            try:
                obj = target(context, self.armature)
                self.end = holes.range_of(obj)[1]
                self.start = self.end - holes.AROUND
            except PoseloomError as error:
                jobs.show(self.bl_label, "failed", error.message, error.hint, PLACE)
                return refuse(self, error)
        return super().invoke(context, event)

    def _planned(self, context):
        if not self.properties.is_property_set("start"):
            end = holes.range_of(target(context, self.armature))[1]
            self.start, self.end = end - holes.AROUND, end
        obj, rig, keyed = self._read(context, False)
        if rig is None:
            raise BadInput("not_humanoid", f'"{obj.name}" is not known as a human body.', "Look at its roles.")
        count, method = self.frames, self._get(context, "method")
        remote = self._remote(context) if method == "lstm" else None
        clips = _library(context, self._get(context, "follow"))

        def work(report):
            return rigfill.continued(keyed.holes, rig, count, clips, remote and remote.go_on, report)

        def land(longer):
            bones, keys = holes.append(obj, keyed, longer, count)
            self._others = _sharers(obj)
            context.view_layer.update()
            return say("{count} frames more: {bones} bones, {keys} keys", count=count, bones=bones, keys=keys)

        return work, land


class POSELOOM_OT_set_ease(bpy.types.Operator):
    """Give the pair of keys around the playhead this speed curve of its own; Re-fill then uses it"""

    bl_idname = "poseloom.set_ease"
    bl_label = "For This Pair"
    bl_options = {"REGISTER", "UNDO"}

    ease: StringProperty(name="Speed", description="A speed curve; empty: the one in the panel")
    clear: BoolProperty(name="Clear", description="Take the pair's own curve back", default=False)

    def execute(self, context):
        try:
            obj = target(context)
            pair = holes.pair_at(obj, context.scene.frame_current)
            curve = "" if self.clear else self.ease or filling.curve_of(context.scene.poseloom_inbetween.ease)
            easing.curve(curve or "linear")
            filling.keep_ease(obj.animation_data.action, pair[0], curve)
        except PoseloomError as error:
            return refuse(self, error)
        name = filling.ease_name(curve) or "-"
        self.report({"INFO"}, say("Frames {start} to {end}: {speed}", start=pair[0], end=pair[1], speed=name))
        return {"FINISHED"}


class POSELOOM_OT_add_to_library(bpy.types.Operator):
    """Keep the active action in the library, so that fills and continuations can follow it"""

    bl_idname = "poseloom.add_to_library"
    bl_label = "Add Action to Library"

    armature: StringProperty(**_NAME)

    def execute(self, context):
        try:
            obj = target(context, self.armature)
            start, end = holes.range_of(obj)
            rig = roles.played(obj).rig
            motion, _ = chains.take_to_motion(rig, armature.read_motion(obj, start, end, rig=rig))
            entry = collection.add(motion, obj.animation_data.action.name)
        except PoseloomError as error:
            jobs.show(self.bl_label, "failed", error.message, error.hint, PLACE)
            return refuse(self, error)
        text = say("{name}: {seconds} s in the library", name=entry.name, seconds=f"{entry.seconds:.1f}")
        jobs.forget("library")
        jobs.show(self.bl_label, "done", text, place=PLACE)
        self.report({"INFO"}, text)
        return {"FINISHED"}


def _library(context, follow: str):
    """What opens the clips to follow."""
    if follow in ("", "library"):
        return collection.opened
    path = Path(bpy.path.abspath(jobs.motion_path if follow == "last" else follow))
    if not path.is_file():
        raise BadInput(
            "no_motion", "There is no motion yet to follow.", "Animate from a video first, or use the library."
        )
    return partial(_alone, path)


def _alone(path: Path):
    return collection.of_motions([(path.stem, motion_from_bytes(path.read_bytes()))])


def _known(obj):
    """The rig with its roles; None where it is no human body."""
    try:
        return roles.played(obj).rig
    except BadInput as error:
        if error.code != "not_humanoid":
            raise
        return None


def _sharers(obj) -> list:
    return holes.sharers(obj, *holes.channels.active(obj))
