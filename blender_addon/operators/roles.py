"""Correct which bone plays which part, and keep that as a preset."""

import bpy
from bpy.props import StringProperty
from poseloom.errors import PoseloomError
from poseloom.rigs.saved import save_preset

from .. import jobs, properties
from ..scene import roles
from .rig import refuse, target


class _OnArmature:
    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def _look_again(self, obj):
        jobs.rigs.pop(properties.rig_key(obj), None)
        try:
            bpy.ops.poseloom.recognise_rig(armature=obj.name)
        except RuntimeError:
            pass  # an operator's error report: the rig is not complete yet, and the panel says so


class POSELOOM_OT_set_role(_OnArmature, bpy.types.Operator):
    """Let another bone play a part of the body, or none"""

    bl_idname = "poseloom.set_role"
    bl_label = "Set Role"
    bl_options = {"UNDO", "INTERNAL"}

    armature: StringProperty(name="Armature", description="Name of the armature; empty: the active one")
    joint: StringProperty(name="Part", description="The part, such as upper_arm_l")
    bone: StringProperty(name="Bone", description="The bone that plays it; empty: none")

    def execute(self, context):
        try:
            obj = target(context, self.armature)
            roles.set_role(obj, self.joint, self.bone)
        except PoseloomError as error:
            return refuse(self, error)
        self._look_again(obj)
        return {"FINISHED"}


class POSELOOM_OT_forget_roles(_OnArmature, bpy.types.Operator):
    """Take back what you corrected: the parts are again as they were recognised"""

    bl_idname = "poseloom.forget_roles"
    bl_label = "Forget Corrections"
    bl_options = {"REGISTER", "UNDO"}

    armature: StringProperty(
        name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"}
    )

    def execute(self, context):
        try:
            obj = target(context, self.armature)
        except PoseloomError as error:
            return refuse(self, error)
        roles.forget(obj)
        self._look_again(obj)
        return {"FINISHED"}


class POSELOOM_OT_save_preset(_OnArmature, bpy.types.Operator):
    """Keep these roles as a preset of yours: rigs with the same bones are recognised by it from then on"""

    bl_idname = "poseloom.save_preset"
    bl_label = "Save as Preset"
    bl_options = {"REGISTER"}

    name: StringProperty(name="Name", description="What to call the preset; one of that name is replaced")
    armature: StringProperty(
        name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"}
    )

    def invoke(self, context, event):
        self.name = self.name or properties.active_armature(context).name
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context):
        try:
            obj = target(context, self.armature)
            path = save_preset(self.name, roles.recognised(obj))
        except PoseloomError as error:
            return refuse(self, error)
        except OSError as error:
            self.report({"ERROR"}, f"The preset cannot be written: {error.strerror}")
            return {"CANCELLED"}
        jobs.rigs.clear()
        self._look_again(obj)
        self.report({"INFO"}, f"Saved as {path}")
        return {"FINISHED"}
