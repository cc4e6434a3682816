"""The active action at the timing of another one."""

import bpy
from bpy.props import StringProperty
from poseloom.errors import BadInput
from poseloom.inbetween import retime as timing
from poseloom.retarget import from_rig, grounded
from poseloom.rigfill import played

from ..scene import channels
from .editing import Editing
from .inbetween import _NAME, PLACE
from .rig import rate


class POSELOOM_OT_retime(Editing, bpy.types.Operator):
    """Play the active action at the timing of another action on the same armature, or of the few poses that it has"""

    bl_idname = "poseloom.retime"
    bl_label = "Retime"

    armature: StringProperty(**_NAME)
    like: StringProperty(name="Like", description="The action whose timing it takes on; empty: the one in the panel")
    place = PLACE

    def change(self, obj, rig, clip):
        name = self.like or bpy.context.scene.poseloom_inbetween.like
        other = bpy.data.actions.get(name)
        if other is None or other == clip.action:
            raise BadInput("no_action", "There is no other action to take the timing from.", "Choose one beside Like.")
        like, keys = channels.read_other(obj, rig, other, rate(bpy.context))
        at = None if len(keys) * 2 > len(like.motion) else [key - like.start for key in keys]

        def work(report):
            report(0.1, "Aligning")
            first, second = (grounded(from_rig(one.motion, rig)) for one in (clip, like))
            return played(clip.motion, timing.alignment(first, second, at), clip.motion.fps)

        motion = yield work
        channels.write(obj, clip, motion, like.start)
        return f"{clip.action.name} takes {len(motion)} frames now, from {like.start} on, as {other.name} does"
