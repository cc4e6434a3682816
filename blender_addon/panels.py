"""The sidebar tab: always the next step, and how the last one went."""

import textwrap
from functools import partial

import bpy
from poseloom import settings
from poseloom.errors import PoseloomError

from . import backend, jobs, properties

UNKNOWN = backend.View()
CHARACTER_PX = 6.4  # a letter's mean width in the interface font, at scale 1


class _Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Poseloom"

    @classmethod
    def poll(cls, context):
        return context.mode in {"OBJECT", "POSE"}


class POSELOOM_PT_animate(_Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_animate"
    bl_label = "Animate from Video"

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom
        layout.use_property_decorate = False
        ready = _draw_backend(layout, context)
        column = layout.column()
        column.prop(chosen, "video", text="", placeholder="Choose a video")
        row = column.row(align=True)
        row.prop(chosen, "height_known", text="Height (m)")
        height = row.row()
        height.enabled = chosen.height_known
        height.prop(chosen, "height_m", text="")
        _draw_target(layout, context)
        if not _draw_running(layout):
            button = layout.column()
            button.scale_y = 1.5
            button.enabled = ready and bool(chosen.video)
            button.operator("poseloom.animate", icon="ARMATURE_DATA")
            if ready and not chosen.video:
                layout.label(text="Choose a video first", icon="INFO")
        _draw_outcome(layout, context)


class POSELOOM_PT_options(_Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_options"
    bl_parent_id = "POSELOOM_PT_animate"
    bl_label = "Options"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(chosen, "person")
        column = layout.column(align=True)
        column.prop(chosen, "start", placeholder="12 or 1.5s")
        column.prop(chosen, "end", placeholder="120 or 4s")
        layout.prop(chosen, "smooth_hz")
        layout.prop(chosen, "foot_lock")


class POSELOOM_PT_retarget(_Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_retarget"
    bl_label = "Motion Capture"

    def draw(self, context):
        column = self.layout.column()
        column.operator("poseloom.retarget_bvh", text="Retarget BVH File...", icon="FILE_FOLDER")
        if jobs.motion_path:
            column.operator("poseloom.apply_motion", text="Apply Last Motion Again", icon="FILE_REFRESH")


class POSELOOM_PT_rig(_Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_rig"
    bl_label = "Rig"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        obj = properties.active_armature(context)
        if obj is None:
            layout.label(text="No armature is selected", icon="INFO")
            return
        title, doubts, _ = _rig(obj)
        layout.label(text=title, icon="ARMATURE_DATA")
        for doubt in doubts:
            _paragraph(layout, context, doubt, "DOT")
        layout.operator("poseloom.recognise_rig", text="Look Again", icon="FILE_REFRESH")


def draw_status(self, context):
    """In the status bar: the running job, wherever the sidebar is."""
    if jobs.running():
        row = self.layout.row()
        row.ui_units_x = 16
        row.progress(factor=jobs.current.fraction, text=f"Poseloom: {jobs.current.text}")
        self.layout.operator("poseloom.cancel", text="", icon="CANCEL")


def _draw_backend(layout, context) -> bool:
    """The state of the backend and the next step; whether it can be used."""
    try:
        view = jobs.glance("backend", partial(backend.look, backend.choice()), UNKNOWN)
    except PoseloomError as error:
        view = backend.View("refused", error.message, error.hint)
    if view.state == "running":
        row = layout.row()
        row.label(text=view.text, icon="CHECKMARK")
        row.operator("poseloom.stop_backend", text="", icon="QUIT", emboss=False)
        return True
    box = layout.box()
    icon = {"unknown": "TIME", "stopped": "PAUSE"}.get(view.state, "ERROR")
    _paragraph(box, context, view.text, icon)
    if view.hint:
        _paragraph(box, context, view.hint)
    if view.state == "stopped":
        box.operator("poseloom.start_backend", icon="PLAY")
    elif view.state == "missing":
        _paragraph(box, context, "In a terminal, in the folder of Poseloom's source, run these two lines:")
        for line in backend.install_lines():
            row = box.row(align=True)
            row.label(text=line)
            row.operator("poseloom.copy", text="", icon="COPYDOWN").text = line
        box.operator("poseloom.check_backend", text="Look Again", icon="FILE_REFRESH")
    elif view.state == "refused":
        box.operator("poseloom.check_backend", text="Look Again", icon="FILE_REFRESH")
    return view.state == "stopped"  # Animate starts it itself


def _draw_target(layout, context):
    reason = properties.why_not(context)
    if reason:
        _paragraph(layout, context, reason, "ERROR")
        layout.operator_menu_enum("poseloom.add_character", "preset", icon="OUTLINER_OB_ARMATURE")
        return
    obj = properties.active_armature(context)
    title, _, known = _rig(obj)
    layout.label(text=f"{obj.name}: {title}", icon="ARMATURE_DATA" if known else "ERROR")


def _rig(obj) -> tuple:
    """(title, doubts, whether it can be animated) of a rig, recognised after this draw where it is new."""
    key = properties.rig_key(obj)
    if key not in jobs.rigs:
        jobs.rigs[key] = ("Looking at the rig", (), True)
        jobs.soon("rig", partial(_recognise, obj.name))
    return jobs.rigs[key]


def _recognise(name: str) -> None:
    try:
        bpy.ops.poseloom.recognise_rig(armature=name)
    except RuntimeError:
        pass  # an operator's error report; the panel shows what it wrote into jobs.rigs


def _draw_running(layout) -> bool:
    if not jobs.running():
        return False
    column = layout.column(align=True)
    column.progress(factor=jobs.current.fraction, text=f"{jobs.current.fraction:.0%}  {jobs.current.text}")
    column.operator("poseloom.cancel", icon="CANCEL")
    return True


def _draw_outcome(layout, context):
    job = jobs.current
    if job is None or job.state == "running":
        return
    box = layout.box()
    icon = {"done": "CHECKMARK", "cancelled": "CANCEL"}.get(job.state, "ERROR")
    _paragraph(box, context, job.outcome, icon)
    if job.hint:
        _paragraph(box, context, job.hint)
    if job.state == "failed":
        row = box.row(align=True)
        copy = row.operator("poseloom.copy", text="Copy Message", icon="COPYDOWN")
        copy.text = f"{job.title}: {job.outcome} {job.hint}".strip()
        row.operator("wm.path_open", text="", icon="FILE_FOLDER").filepath = str(settings.logs_folder())


def _paragraph(layout, context, text: str, icon: str = "BLANK1"):
    """Text over as many lines as the region's width needs: labels would be cut off."""
    scale = context.preferences.system.ui_scale
    letters = max(16, int((context.region.width / scale - 70) / CHARACTER_PX))
    column = layout.column(align=True)
    column.scale_y = 0.8
    for i, line in enumerate(textwrap.wrap(text, letters)):
        column.label(text=line, icon=icon if i == 0 else "BLANK1")
