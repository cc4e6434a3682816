"""The active character as a file for a game engine."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, FloatProperty, StringProperty
from bpy_extras.io_utils import ExportHelper
from poseloom.errors import PoseloomError

from .. import jobs, properties
from ..scene import export
from .rig import rate, refuse, target


class POSELOOM_OT_export_game(bpy.types.Operator, ExportHelper):
    """Write the character with its deforming bones alone and the active action, as a file for a game engine"""

    bl_idname = "poseloom.export_game"
    bl_label = "Export for Games"
    bl_options = {"REGISTER"}  # the scene stays as it is: nothing to undo

    filename_ext = ".fbx"
    filter_glob: StringProperty(default="*.fbx;*.glb", options={"HIDDEN"})
    armature: StringProperty(
        name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"}
    )
    file_format: EnumProperty(
        name="Format",
        description="The kind of file",
        items=(
            (".fbx", "FBX", "For Unreal, Unity and most other programs"),
            (".glb", "GLB", "glTF in one file, for Godot, the web and others"),
        ),
    )
    fps: FloatProperty(
        name="Frame rate", description="Keys a second; 0: as many as the scene has frames", default=0.0, min=0.0,
        max=1000.0,
    )  # fmt: skip
    root_bone: StringProperty(
        name="Root bone",
        description="Name of a bone to put on top, which goes over the ground and turns as the hips do; empty: none",
    )

    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        obj = properties.active_armature(context)
        if not reason and not (obj.animation_data and obj.animation_data.action):
            reason = f"{obj.name} has no action to export"
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def check(self, context):
        """The file's ending follows the format; called where something was chosen in the file browser."""
        self.filename_ext = self.file_format
        return super().check(context)

    def draw(self, context):
        self.layout.use_property_split = True
        self.layout.prop(self, "file_format")
        self.layout.prop(self, "fps")
        self.layout.prop(self, "root_bone")

    def execute(self, context):
        path, window = Path(bpy.path.abspath(self.filepath)), context.window_manager
        if self.properties.is_property_set("file_format"):
            path = path.with_suffix(self.file_format)
        try:
            obj = target(context, self.armature)
            window.progress_begin(0.0, 1.0)
            try:
                told = export.export_game(
                    obj, path, fps=self.fps or rate(context), root_bone=self.root_bone.strip() or None,
                    report=lambda fraction, _: window.progress_update(fraction),
                )  # fmt: skip
            finally:
                window.progress_end()
        except PoseloomError as error:
            jobs.show(self.bl_label, "failed", error.message, error.hint, "edit")
            return refuse(self, error)
        text = f"{told['action']}: {len(told['bones'])} bones, {told['frames']} frames at {told['fps']:g} fps"
        jobs.show(self.bl_label, "done", f"{text}, in {path.name}", place="edit")
        self.report({"INFO"}, text)
        return {"FINISHED"}
