"""Who is in the video, to choose from by pictures; and which estimators can see them."""

import bpy

from .. import backend, picturing
from .sidebar import Sidebar, draw_outcome, draw_running, paragraph

_LARGE = 4.0
_ACROSS_PX = 110  # a portrait's width in the sidebar


class POSELOOM_PT_people(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_people"
    bl_parent_id = "POSELOOM_PT_animate"
    bl_label = "People"
    bl_description = "Who is in the video, whom of them the active armature follows, and others onto armatures of their own"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, chosen, people = self.layout, context.scene.poseloom, context.scene.poseloom_people
        layout.use_property_decorate = False
        if not draw_running(layout, "people"):
            layout.operator("poseloom.find_people", icon="VIEWZOOM")
        draw_outcome(layout, context, "people")
        if not people.are_of(chosen.video):
            return
        across = max(1, int(context.region.width / context.preferences.system.ui_scale / _ACROSS_PX))
        grid = layout.grid_flow(row_major=True, columns=across, even_columns=True, even_rows=True)
        for person in people.found:
            column = grid.column(align=True)
            known = picturing.icon_of(person.portrait)
            if known:
                column.template_icon(icon_value=known, scale=_LARGE)
            picked = chosen.person == person.number
            column.operator("poseloom.choose_person", text=person.name, depress=picked, translate=False).number = person.number
            if not picked:
                column.prop(person, "onto", text="")
        if chosen.person == 0 and any(person.onto for person in people.found):
            paragraph(layout, context, "Choose who goes onto the active armature", "INFO")


class POSELOOM_PT_estimators(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_estimators"
    bl_parent_id = "POSELOOM_PT_animate"
    bl_label = "Estimators"
    bl_description = "Which estimators are installed, how large they are, under which licence, and getting one"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom
        layout.use_property_decorate = False
        rows = backend.known_estimators()
        if not rows:
            layout.label(text="The backend tells them while it runs", icon="INFO")
        busy = draw_running(layout, "estimators")
        column = layout.column(align=True)
        for row in rows:
            name, line = row["name"], column.row(align=True)
            use = line.row(align=True)
            use.enabled = row["state"] != "missing"
            use.alignment = "LEFT"
            icon = {"ready": "CHECKMARK", "needs a model": "FILE"}.get(row["state"], "X")
            use.operator(
                "poseloom.use_estimator", text=name, icon=icon, depress=chosen.estimator == name, translate=False
            ).estimator = name
            if row["brings"] and not busy:
                line.operator("poseloom.get_estimator", text="Get", icon="IMPORT").estimator = name
            elif row["way"]:
                line.operator("poseloom.copy", text="", icon="COPYDOWN").text = row["way"]
            about = column.row()
            about.scale_y = 0.7
            what = ", ".join(text for text in (backend.size_text(row["size_bytes"]), row["licence"]) if text)
            about.label(text=what, icon="BLANK1", translate=False)
        if any(row["brings"] for row in rows) and not bpy.app.online_access:
            paragraph(layout, context, "To get one: Allow Online Access in Preferences > System > Network", "INFO")
        draw_outcome(layout, context, "estimators")
        column = layout.column(align=True)
        column.use_property_split = True
        column.prop(chosen, "model", placeholder="FILE.onnx, CONFIG.py")
        if chosen.model.endswith(".py") or chosen.checkpoint:
            column.prop(chosen, "checkpoint", placeholder="FILE.pth")
