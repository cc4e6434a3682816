"""After a run: take it back, push it to the NLA, tweak it on a layer of its own."""

import bpy
from bpy.props import EnumProperty, StringProperty
from poseloom.errors import PoseloomError

from .. import jobs, properties
from ..scene import layers
from ..translations import say
from .rig import refuse, target

PLACE = "retarget"
_NAME = dict(name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"})


class _Layer:
    """An operator whose `change(obj)` returns the sentence to show."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        obj = properties.active_armature(context)
        reason = properties.why_not(context) or cls.missing(obj)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    @classmethod
    def missing(cls, obj) -> str:
        return "" if obj.animation_data and obj.animation_data.action else say("{name} has no action", name=obj.name)

    def execute(self, context):
        try:
            text = self.change(target(context, self.armature))
        except PoseloomError as error:
            jobs.show(self.bl_label, "failed", error.message, error.hint, PLACE)
            return refuse(self, error)
        context.view_layer.update()
        jobs.show(self.bl_label, "done", text, place=PLACE)
        self.report({"INFO"}, text)
        return {"FINISHED"}


class POSELOOM_OT_revert(_Layer, bpy.types.Operator):
    """Bring back what the armature played, and how it stood, before the last run of Poseloom; also after loading"""

    bl_idname = "poseloom.revert"
    bl_label = "Revert Last Run"

    armature: StringProperty(**_NAME)

    @classmethod
    def missing(cls, obj):
        if jobs.running() and jobs.current.place == PLACE:
            return say("Wait for the running job, or cancel it")
        return "" if layers.last_run(obj) else say("{name} plays nothing that Poseloom made", name=obj.name)

    def change(self, obj):
        name = layers.revert(obj)
        played = obj.animation_data.action if obj.animation_data else None
        return f"{name} is gone; {obj.name} plays {played.name if played else 'what it did before'} again"


class POSELOOM_OT_push_to_nla(_Layer, bpy.types.Operator):
    """Turn the active action into a strip in the NLA editor, on a track of its own"""

    bl_idname = "poseloom.push_to_nla"
    bl_label = "Push to NLA"

    armature: StringProperty(**_NAME)

    def change(self, obj):
        return f"{layers.push(obj).name} is a strip in the NLA editor now"


class POSELOOM_OT_add_layer(_Layer, bpy.types.Operator):
    """Key tweaks on a new layer on top of the animation, which stays as it is below"""

    bl_idname = "poseloom.add_layer"
    bl_label = "Add Tweak Layer"

    armature: StringProperty(**_NAME)
    blend: EnumProperty(
        name="Blend",
        description="How tweaks come on top",
        items=(
            ("COMBINE", "Combine", "Turns are added as turns, scales multiplied: right for every rotation mode"),
            ("ADD", "Add", "The numbers of the channels are added"),
        ),
    )

    @classmethod
    def missing(cls, obj):
        animation = obj.animation_data
        played = animation and (animation.action or len(animation.nla_tracks))
        return "" if played else say("{name} plays nothing to tweak", name=obj.name)

    def change(self, obj):
        return f"Keys that you set now go to {layers.add_layer(obj, self.blend).name}, on top of the animation"
