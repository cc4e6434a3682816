"""Between keys: the method and its controls, the buttons, the clips that fit, and what came of it."""

from functools import partial

import bpy
from poseloom.inbetween import collection

from .. import filling, jobs, properties
from ..scene import holes
from ..translations import say
from .sidebar import Sidebar, draw_outcome, draw_running, draw_target

_SHOWN = 6  # clips in the list


class POSELOOM_PT_inbetween(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_inbetween"
    bl_label = "Fill Between Keys"
    bl_description = "Generated keys between your own, which stay as they are"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom_inbetween
        layout.use_property_decorate = False
        draw_target(layout, context)
        layout.row().prop(chosen, "method", expand=True)
        column = layout.column()
        column.use_property_split = True
        row = column.row()
        row.enabled = chosen.method != "spline"
        row.prop(chosen, "strength")
        if chosen.method == "dtw":
            column.prop(chosen, "follow")
            column.prop(chosen, "candidate")
        if chosen.method == "lstm":
            column.prop(chosen, "network", placeholder="Shipped network")
        column.prop(chosen, "feet")
        column.prop(chosen, "selected")
        if not draw_running(layout, "inbetween"):
            row = layout.row(align=True)
            row.scale_y = 1.5
            row.operator("poseloom.fill", text="Fill", icon="KEYFRAME_HLT")
            row.operator("poseloom.refill", icon="FILE_REFRESH")
        draw_outcome(layout, context, "inbetween")


class POSELOOM_PT_speed(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_speed"
    bl_parent_id = "POSELOOM_PT_inbetween"
    bl_label = "Speed Curve"
    bl_description = "How the way between two keys is spread over time"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom_inbetween
        layout.prop(chosen, "ease", text="")
        node = filling.speed_node()
        if chosen.ease == filling.DRAWN and node is not None:
            layout.template_curve_mapping(node, "mapping")
        obj = properties.active_armature(context)
        action = obj.animation_data.action if obj is not None and obj.animation_data else None
        pair = None if action is None else holes.pair_or_none(obj, context.scene.frame_current)
        if pair is None:
            return
        own = filling.ease_name(filling.ease_at(action, pair[0])) or say("as above")
        layout.label(text=say("Frames {start} to {end}: {speed}", start=pair[0], end=pair[1], speed=own))
        row = layout.row(align=True)
        row.operator("poseloom.set_ease", icon="IPO_EASE_IN_OUT")
        row.operator("poseloom.set_ease", text="", icon="X").clear = True


class POSELOOM_PT_library(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_library"
    bl_parent_id = "POSELOOM_PT_inbetween"
    bl_label = "Library"
    bl_description = "The clips that fills and continuations follow"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        count = jobs.glance("library", partial(_count), -1)
        text = say("1 clip") if count == 1 else say("{count} clips", count=count) if count >= 0 else say("Looking for clips")
        layout.label(text=text, icon="ASSET_MANAGER")
        layout.operator("poseloom.add_to_library", icon="ADD")
        layout.operator("poseloom.find_candidates", icon="VIEWZOOM")
        found = context.window_manager.poseloom_candidates.found
        for i, one in enumerate(found[:_SHOWN], 1):
            again = layout.operator("poseloom.refill", text=f"{i}  {one.name}  ({one.cost:.2f})", translate=False)
            again.method, again.candidate = "dtw", i


class POSELOOM_PT_onward(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_onward"
    bl_parent_id = "POSELOOM_PT_inbetween"
    bl_label = "Continue and Retime"
    bl_description = "After the last key, and at the timing of another action"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom_inbetween
        row = layout.row(align=True)
        row.prop(chosen, "frames")
        row.operator("poseloom.continue_motion", icon="FRAME_NEXT")
        layout.prop_search(chosen, "like", bpy.data, "actions", text="Like")
        layout.operator("poseloom.retime", icon="TIME")


def _count() -> int:
    return len(list(collection.folder().glob("*.npz")))
