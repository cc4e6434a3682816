"""Clips that are in no file of motion capture: takes of other programs' files, and other armatures of the scene."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty
from poseloom import chains
from poseloom.errors import BadInput, PoseloomError
from poseloom.progress import part

from .. import jobs, properties, reader
from ..scene import armature
from .animate import why_wait, with_window_of
from .backend import not_busy, run
from .rig import put_motion, refuse, target

PLACE = "retarget"


class POSELOOM_OT_find_takes(bpy.types.Operator):
    """Look into the file in the panel, and list its takes"""

    bl_idname = "poseloom.find_takes"
    bl_label = "Find Takes"
    bl_options = {"INTERNAL"}

    wait: BoolProperty(name="Wait", description="Return only when they are found", options={"SKIP_SAVE", "HIDDEN"})

    @classmethod
    def poll(cls, context):
        return not_busy(cls)

    def execute(self, context):
        chosen = context.scene.poseloom.clip
        path = Path(bpy.path.abspath(chosen)).absolute()
        reading = reader.Reader()

        def work(report):
            with reading:
                return reading.take_names(path, report)

        def then(found):
            properties.fill_takes(chosen, found)
            return f"{path.name} has {len(found)} takes" if len(found) > 1 else f"{path.name} has one take, {found[0]}"

        return run(self, f"Look into {path.name}", work, then, wait=self.wait, place=PLACE)


class POSELOOM_OT_retarget_take(bpy.types.Operator):
    """Put a take of an FBX, glTF or blend file on the active armature, as a new action at the playhead"""

    bl_idname = "poseloom.retarget_take"
    bl_label = "Retarget Take"
    bl_options = {"REGISTER"}  # the keys come later, with an undo step of their own

    filepath: StringProperty(name="File", description="The file with the take", subtype="FILE_PATH")
    take: StringProperty(name="Take", description="Name of the take; empty: the only one")
    armature: StringProperty(
        name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"}
    )
    wait: BoolProperty(name="Wait", description="Return only when the action is made", options={"SKIP_SAVE", "HIDDEN"})

    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason and not_busy(cls)

    def execute(self, context):
        path = Path(bpy.path.abspath(self.filepath)).absolute()
        try:
            uid = target(context, self.armature).session_uid
        except PoseloomError as error:
            jobs.show("Retarget", "failed", error.message, error.hint, PLACE)
            return refuse(self, error)
        take, start, wish = self.take, context.scene.frame_current, context.scene.poseloom.reading()
        reading = reader.Reader()

        def work(report):
            with reading:
                if not take:
                    _check_single(reading, path, part(report, 0.0, 0.2))
                return reading.motions(path, take or None, wish, part(report, 0.2, 1.0))[0]

        def then(found):
            name, motion = found
            obj = next((o for o in bpy.data.objects if o.session_uid == uid), None)
            if obj is None:
                raise BadInput("armature_gone", "The armature that the take is for is gone.", "Select another one.")
            with with_window_of(obj):
                _, text = put_motion(bpy.context, obj, motion, name, start)
                bpy.ops.ed.undo_push(message="Poseloom: Retarget Take")
            return text

        return run(self, f"Retarget {path.name}", work, then, wait=self.wait, ready=why_wait, place=PLACE)


def _check_single(reading: reader.Reader, path: Path, report) -> None:
    found = reading.take_names(path, report)
    if len(found) > 1:
        raise BadInput("several_takes", f"{path.name} has several takes: {', '.join(found)}.", "Choose one of them.")


class POSELOOM_OT_retarget_armature(bpy.types.Operator):
    """Put what another armature of this scene plays on the active one, as a new action; the other stays as it is"""

    bl_idname = "poseloom.retarget_armature"
    bl_label = "Retarget from Armature"
    bl_options = {"REGISTER", "UNDO"}

    source: StringProperty(name="Source", description="Name of the armature that plays the clip")
    armature: StringProperty(
        name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"}
    )
    at_playhead: BoolProperty(
        name="At playhead", description="Begin at the current frame; otherwise where the source's action begins",
        default=False,
    )  # fmt: skip

    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason and not_busy(cls)

    def execute(self, context):
        window = context.window_manager
        try:
            obj = target(context, self.armature)
            source = _source(context, self.source, obj)
            action = source.animation_data.action
            first, last = (round(frame) for frame in action.frame_range)
            window.progress_begin(0.0, 1.0)
            try:
                rig = armature.read(source)
                played = armature.read_motion(
                    source, first, last, rig=rig, report=lambda fraction, _: window.progress_update(fraction)
                )
            finally:
                window.progress_end()
            motion, _ = chains.take_to_motion(rig, played, context.scene.poseloom.reading())
            clip = action.name.removeprefix(f"{source.name}|")
            _, text = put_motion(context, obj, motion, clip, None if self.at_playhead else first)
        except PoseloomError as error:
            jobs.show("Retarget", "failed", error.message, error.hint, PLACE)
            return refuse(self, error)
        jobs.show("Retarget", "done", text, place=PLACE)
        self.report({"INFO"}, text)
        return {"FINISHED"}


def _source(context, name: str, animated):
    obj = context.scene.objects.get(name)
    if obj == animated:
        raise BadInput("same_armature", f"{name} cannot be its own source.", "Choose another armature.")
    if obj is None or obj.type != "ARMATURE":
        raise BadInput("no_source", f'There is no armature "{name}" in this scene.', "Choose one as the source.")
    if obj.animation_data is None or obj.animation_data.action is None:
        raise BadInput("no_source", f"{obj.name} has no action to take over.", "Give it one, or choose another source.")
    return obj
