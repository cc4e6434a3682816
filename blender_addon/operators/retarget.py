"""A mocap clip on the active armature; needs no backend."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper
from poseloom import chains
from poseloom.errors import PoseloomError

from .. import jobs, properties
from .rig import clip_name, put_motion, refuse, target


class POSELOOM_OT_retarget_bvh(bpy.types.Operator, ImportHelper):
    """Put a motion capture file on the active armature, as a new action at the playhead"""

    bl_idname = "poseloom.retarget_bvh"
    bl_label = "Retarget File"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".bvh"
    filter_glob: StringProperty(default="*.bvh;*.npz", options={"HIDDEN"})
    armature: StringProperty(
        name="Armature", description="Name of the armature; empty: the active one", options={"HIDDEN"}
    )
    at_playhead: BoolProperty(name="At playhead", description="Begin at the current frame", default=True)
    start_frame: IntProperty(name="Start frame", description="Where the action begins", default=1)

    @classmethod
    def poll(cls, context):
        reason = properties.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def draw(self, context):
        self.layout.prop(self, "at_playhead")
        row = self.layout.row()
        row.enabled = not self.at_playhead
        row.prop(self, "start_frame")

    def execute(self, context):
        path = Path(bpy.path.abspath(self.filepath))
        try:
            obj = target(context, self.armature)
            motion, _ = chains.read_clip(path, context.scene.poseloom.reading())
            start = None if self.at_playhead else self.start_frame
            _, text = put_motion(context, obj, motion, clip_name(path), start)
        except PoseloomError as error:
            jobs.show("Retarget", "failed", error.message, error.hint, "retarget")
            return refuse(self, error)
        jobs.show("Retarget", "done", text, place="retarget")
        self.report({"INFO"}, text)
        return {"FINISHED"}
