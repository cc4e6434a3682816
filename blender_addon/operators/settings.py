"""The choices of a panel kept under a name, taken back, and shared as a file; and a pose kept as a rest pose."""

import shutil
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy_extras.io_utils import ExportHelper, ImportHelper
from poseloom import presets
from poseloom.errors import BadInput, PoseloomError

from .. import jobs, properties
from ..scene import rest
from .rig import refuse, target

_VERB = dict(
    name="Of", description="Which panel's choices", options={"HIDDEN"},
    items=(("retarget", "Retarget", "Of motion capture"), ("animate", "Animate", "Of videos")),
)  # fmt: skip
_NAME = dict(name="Name", description="What the settings are called")


class _Kept:
    """An operator whose `change(context)` returns what to report."""

    def execute(self, context):
        try:
            self.report({"INFO"}, self.change(context))
        except PoseloomError as error:
            return refuse(self, error)
        except OSError as error:
            self.report({"ERROR"}, f"The system refused a file: {error.strerror}")
            return {"CANCELLED"}
        return {"FINISHED"}


class POSELOOM_OT_save_settings(_Kept, bpy.types.Operator):
    """Keep what is chosen here under a name, for other files and for the command line"""

    bl_idname = "poseloom.save_settings"
    bl_label = "Save Settings"
    bl_options = {"REGISTER"}

    verb: EnumProperty(**_VERB)
    name: StringProperty(**_NAME)

    def invoke(self, context, event):
        return context.window_manager.invoke_props_dialog(self)

    def change(self, context):
        return f"Saved as {presets.save(self.verb, self.name, context.scene.poseloom.choices(self.verb))}"


class POSELOOM_OT_load_settings(_Kept, bpy.types.Operator):
    """Choose here what is kept under this name"""

    bl_idname = "poseloom.load_settings"
    bl_label = "Load Settings"
    bl_options = {"REGISTER", "UNDO"}

    verb: EnumProperty(**_VERB)
    name: StringProperty(**_NAME)

    def change(self, context):
        context.scene.poseloom.choose(self.verb, presets.read(self.verb, presets.path_of(self.name)))
        return f"{self.name} is chosen"


class POSELOOM_OT_delete_settings(_Kept, bpy.types.Operator):
    """Forget what is kept under this name"""

    bl_idname = "poseloom.delete_settings"
    bl_label = "Delete Settings"
    bl_options = {"REGISTER"}

    verb: EnumProperty(**_VERB)
    name: StringProperty(**_NAME)

    def invoke(self, context, event):
        return context.window_manager.invoke_confirm(self, event)

    def change(self, context):
        path = presets.path_of(self.name)
        if self.name not in presets.names(self.verb):
            raise BadInput("no_such_file", f'No settings are kept as "{self.name}".', "Choose others.")
        path.unlink()
        return f"{self.name} is deleted"


class POSELOOM_OT_import_settings(_Kept, bpy.types.Operator, ImportHelper):
    """Keep the settings in a file that somebody has given you"""

    bl_idname = "poseloom.import_settings"
    bl_label = "Import Settings"
    bl_options = {"REGISTER"}

    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})
    verb: EnumProperty(**_VERB)

    def change(self, context):
        path = Path(bpy.path.abspath(self.filepath))
        values = presets.read(self.verb, path)
        return f"Saved as {presets.save(self.verb, path.stem, values)}"


class POSELOOM_OT_export_settings(_Kept, bpy.types.Operator, ExportHelper):
    """Copy settings to a file that you can give away"""

    bl_idname = "poseloom.export_settings"
    bl_label = "Export Settings"
    bl_options = {"REGISTER"}

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})
    verb: EnumProperty(**_VERB)
    name: StringProperty(**_NAME)

    def invoke(self, context, event):
        self.filepath = f"{self.name}.json"
        return super().invoke(context, event)

    def change(self, context):
        kept = presets.path_of(self.name)
        presets.read(self.verb, kept)
        path = Path(bpy.path.abspath(self.filepath))
        shutil.copyfile(kept, path)
        return f"Written to {path}"


class POSELOOM_OT_keep_rest(_Kept, bpy.types.Operator):
    """Take the pose that the armature is in now as its rest pose, where its own cannot be understood"""

    bl_idname = "poseloom.keep_rest"
    bl_label = "Use Pose as Rest"
    bl_options = {"REGISTER", "UNDO"}

    armature: StringProperty(
        name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"}
    )

    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def change(self, context):
        obj = target(context, self.armature)
        rest.keep(obj)
        jobs.redraw()
        return f"The pose of {obj.name} is taken as its rest pose"


class POSELOOM_OT_forget_rest(_Kept, bpy.types.Operator):
    """Go back to the rest pose that the armature was built with"""

    bl_idname = "poseloom.forget_rest"
    bl_label = "Forget Pose"
    bl_options = {"REGISTER", "UNDO"}

    armature: StringProperty(
        name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"}
    )

    def change(self, context):
        obj = target(context, self.armature)
        rest.forget(obj)
        jobs.redraw()
        return f"{obj.name} has its own rest pose again"
