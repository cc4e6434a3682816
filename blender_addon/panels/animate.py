"""From a video: the backend, the video, how it is seen, the button, and what came of it beside the video."""

from functools import partial

import bpy
from poseloom.errors import PoseloomError

from .. import backend, jobs
from .sidebar import Sidebar, draw_outcome, draw_running, draw_target, paragraph

UNKNOWN = backend.View()


class POSELOOM_PT_animate(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_animate"
    bl_label = "From Media"
    bl_description = "From a video: the backend, the video and the button that makes an action of it"

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
        column = layout.column()
        column.row().prop(chosen, "quality", expand=True)
        column.row().prop(chosen, "camera", expand=True)
        row = column.row(align=True)
        row.prop(chosen, "hands", toggle=True)
        row.prop(chosen, "face", toggle=True)
        draw_target(layout, context)
        if not draw_running(layout):
            button = layout.column()
            button.scale_y = 1.5
            button.enabled = ready and bool(chosen.video)
            button.operator("poseloom.animate", icon="ARMATURE_DATA")
            if ready and not chosen.video:
                layout.label(text="Choose a video first", icon="INFO")
        draw_outcome(layout, context)
        row = layout.row(align=True)
        row.operator("poseloom.match_view", icon="CAMERA_DATA")
        row.operator("poseloom.match_view", text="", icon="IMAGE_PLANE").shown_as = "PLANE"
        row.operator("poseloom.add_sound", text="", icon="SOUND")


class POSELOOM_PT_options(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_options"
    bl_parent_id = "POSELOOM_PT_animate"
    bl_label = "Options"
    bl_description = "Who in the video is followed, which part of it, and how smoothly"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(chosen, "person")
        column = layout.column(align=True)
        column.prop(chosen, "start", placeholder="12 or 1.5s")
        column.prop(chosen, "end", placeholder="120 or 4s")
        layout.prop(chosen, "estimator", placeholder="As the quality chooses")
        layout.prop(chosen, "see_anew")
        layout.prop(chosen, "smooth_hz")
        layout.prop(chosen, "foot_lock")
        layout.prop(chosen, "confidence")
        column = layout.column(align=True)
        column.prop(chosen, "key_poses")
        if chosen.key_poses:
            column.prop(chosen, "key_count")
            column.prop(chosen, "min_motion_cm")
        layout.prop(chosen, "controls")
        layout.prop(chosen, "root")
        layout.menu("POSELOOM_MT_animate_settings", icon="PRESET")


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
    paragraph(box, context, view.text, icon)
    if view.hint:
        paragraph(box, context, view.hint)
    if view.state == "stopped":
        box.operator("poseloom.start_backend", icon="PLAY")
    elif view.state == "missing":
        paragraph(box, context, "In a terminal, in the folder of Poseloom's source, run these two lines:")
        for line in backend.install_lines():
            row = box.row(align=True)
            row.label(text=line)
            row.operator("poseloom.copy", text="", icon="COPYDOWN").text = line
        box.operator("poseloom.check_backend", text="Look Again", icon="FILE_REFRESH")
    elif view.state == "refused":
        box.operator("poseloom.check_backend", text="Look Again", icon="FILE_REFRESH")
    return view.state == "stopped"  # Animate starts it itself
