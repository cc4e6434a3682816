"""What the panels of the sidebar tab share: the armature meant, the job that runs, how the last one ended."""

import textwrap
from functools import partial

import bpy
from poseloom import settings

from .. import jobs, properties
from ..translations import say

CHARACTER_PX = 6.4  # a letter's mean width in the interface font, at scale 1


class Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Poseloom"

    @classmethod
    def poll(cls, context):
        return context.mode in {"OBJECT", "POSE"}


def draw_status(self, context):
    """In the status bar: the running job, wherever the sidebar is."""
    if jobs.running():
        row = self.layout.row()
        row.ui_units_x = 16
        row.progress(factor=jobs.current.fraction, text=f"Poseloom: {jobs.current.text}")
        self.layout.operator("poseloom.cancel", text="", icon="CANCEL")


def draw_target(layout, context):
    reason = properties.why_not(context)
    if reason:
        paragraph(layout, context, reason, "ERROR")
        layout.operator_menu_enum("poseloom.add_character", "preset", icon="OUTLINER_OB_ARMATURE")
        return
    obj = properties.active_armature(context)
    title, _, known = rig_of(obj)
    layout.label(text=f"{obj.name}: {title}", icon="ARMATURE_DATA" if known else "ERROR")


def rig_of(obj) -> tuple:
    """(title, doubts, whether it can be animated) of a rig, recognised after this draw where it is new."""
    key = properties.rig_key(obj)
    if key not in jobs.rigs:
        jobs.rigs[key] = (say("Looking at the rig"), (), True)
        look_again(obj)
    return jobs.rigs[key]


def look_again(obj) -> None:
    """Have the rig recognised after this draw."""
    jobs.soon("rig", partial(_recognise, obj.name))


def _recognise(name: str) -> None:
    try:
        bpy.ops.poseloom.recognise_rig(armature=name)
    except RuntimeError:
        pass  # an operator's error report; the panel shows what it wrote into jobs.rigs


def draw_running(layout, place: str = "") -> bool:
    """The job that runs, where it belongs to this panel; elsewhere nothing but the truth that one runs."""
    if not jobs.running():
        return False
    if jobs.current.place != place:
        layout.label(text="Waiting for the running job", icon="TIME")
        return True
    column = layout.column(align=True)
    column.progress(factor=jobs.current.fraction, text=f"{jobs.current.fraction:.0%}  {jobs.current.text}")
    column.operator("poseloom.cancel", icon="CANCEL")
    return True


def draw_outcome(layout, context, place: str = ""):
    """How the last job of this panel ended."""
    job = jobs.current
    if job is None or job.state == "running" or job.place != place:
        return
    box = layout.box()
    icon = {"done": "CHECKMARK", "cancelled": "CANCEL"}.get(job.state, "ERROR")
    paragraph(box, context, job.outcome, icon)
    if job.hint:
        paragraph(box, context, job.hint)
    if job.state == "failed":
        row = box.row(align=True)
        copy = row.operator("poseloom.copy", text="Copy Message", icon="COPYDOWN")
        copy.text = f"{job.title}: {job.outcome} {job.hint}".strip()
        row.operator("wm.path_open", text="", icon="FILE_FOLDER").filepath = str(settings.logs_folder())


def paragraph(layout, context, text: str, icon: str = "BLANK1"):
    """Text over as many lines as the region's width needs: labels would be cut off."""
    scale = context.preferences.system.ui_scale
    letters = max(16, int((context.region.width / scale - 70) / CHARACTER_PX))
    column = layout.column(align=True)
    column.scale_y = 0.8
    for i, line in enumerate(textwrap.wrap(say(text), letters)):
        column.label(text=line, icon=icon if i == 0 else "BLANK1")
