"""Motion capture: clip, armature, the parts of its body, and what one does after a run."""

import bpy
from poseloom.rigs.match import in_words

from .. import jobs, properties, reader
from ..scene import rest
from ..translations import say
from .sidebar import Sidebar, draw_outcome, draw_running, draw_target, look_again, paragraph, rig_of


class POSELOOM_PT_retarget(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_retarget"
    bl_label = "Retarget"
    bl_description = "Motion capture, and animation of other characters, on the active armature"

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom
        layout.use_property_decorate = False
        layout.row().prop(chosen, "source", expand=True)
        missing = _draw_source(layout, context)
        draw_target(layout, context)
        layout.row().prop(chosen, "controls", expand=True)
        if not draw_running(layout, "retarget"):
            button = layout.column()
            button.scale_y = 1.5
            button.enabled = not missing
            button.operator_context = "EXEC_DEFAULT"
            _draw_button(button, chosen, context.window_manager.poseloom_takes)
            if missing:
                layout.label(text=missing, icon="INFO")
            layout.operator("poseloom.retarget_folder", text="Retarget Folder...", icon="FILE_FOLDER")
            if jobs.motion_path:
                layout.operator("poseloom.apply_motion", text="Apply Last Motion Again", icon="FILE_REFRESH")
        draw_outcome(layout, context, "retarget")
        layout.operator("poseloom.revert", icon="LOOP_BACK")
        layout.prop(chosen, "show_source")


def _draw_source(layout, context) -> str:
    """The clip, wherever it is; what has to be chosen yet, "" if nothing."""
    chosen = context.scene.poseloom
    if chosen.source == "ARMATURE":
        layout.prop(chosen, "source_armature", text="", icon="ARMATURE_DATA")
        obj = chosen.source_armature
        action = obj.animation_data.action if obj is not None and obj.animation_data else None
        if action is not None:
            layout.label(text=action.name, icon="ACTION", translate=False)
        if obj is not None and obj == properties.active_armature(context):
            return "Select the armature to animate"
        return "" if action is not None else "Choose an armature that has an action"
    layout.prop(chosen, "clip", text="", placeholder="Choose a clip")
    if not chosen.clip:
        return "Choose a clip first"
    if not reader.is_foreign(chosen.clip):
        return ""
    takes, row = context.window_manager.poseloom_takes, layout.row(align=True)
    row.prop_search(chosen, "take", takes, "found", text="", icon="ACTION")
    row.operator("poseloom.find_takes", text="", icon="FILE_REFRESH")
    return "" if chosen.take or takes.clip != chosen.clip else "Choose one of its takes"


def _draw_button(layout, chosen, takes) -> None:
    if chosen.source == "ARMATURE":
        button = layout.operator("poseloom.retarget_armature", text="Retarget", icon="ARMATURE_DATA")
        button.source = chosen.source_armature.name if chosen.source_armature else ""
    elif reader.is_foreign(chosen.clip):
        button = layout.operator("poseloom.retarget_take", text="Retarget", icon="ARMATURE_DATA")
        button.filepath, button.take = bpy.path.abspath(chosen.clip), chosen.take if len(takes.found) > 1 else ""
    else:
        button = layout.operator("poseloom.retarget_bvh", text="Retarget", icon="ARMATURE_DATA")
        button.filepath = bpy.path.abspath(chosen.clip)


class POSELOOM_PT_retarget_options(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_retarget_options"
    bl_parent_id = "POSELOOM_PT_retarget"
    bl_label = "Options"
    bl_description = "Who goes over the ground, and how an odd clip or character is to be understood"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(chosen, "root")
        column = layout.column(align=True, heading="Clip")
        column.prop(chosen, "up")
        column.prop(chosen, "front")
        column.prop(chosen, "unit")
        column.prop(chosen, "clip_rest", placeholder="As it was built")
        obj = properties.active_armature(context)
        if obj is not None and rest.is_kept(obj):
            row = layout.row(align=True)
            row.label(text=say("{name} rests in a pose you chose", name=obj.name), icon="ARMATURE_DATA")
            row.operator("poseloom.forget_rest", text="", icon="LOOP_BACK")
        else:
            layout.operator("poseloom.keep_rest", icon="POSE_HLT")
        layout.menu("POSELOOM_MT_retarget_settings", icon="PRESET")


class POSELOOM_PT_layers(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_layers"
    bl_parent_id = "POSELOOM_PT_retarget"
    bl_label = "Layers"
    bl_description = "Keep the animation as it is, and work on top of it"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        column = self.layout.column(align=True)
        column.operator("poseloom.push_to_nla", icon="NLA_PUSHDOWN")
        column.operator("poseloom.add_layer", icon="ADD")


class POSELOOM_UL_roles(bpy.types.UIList):
    """The parts of the body, to be searched by part or by bone."""

    bl_idname = "POSELOOM_UL_roles"

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index):
        row = layout.split(factor=0.47)
        row.alert = item.doubtful
        part = row.row()
        part.active = bool(item.found) or item.doubtful
        # the full names are below the list: here they would be cut off
        icons = {"icon": "ERROR"} if item.doubtful else {"icon": "CHECKMARK"} if item.corrected else {}
        part.label(text=_short(item.joint), **icons)
        bone = row.row()
        bone.active = bool(item.found)
        bone.label(text=(item.found.rpartition(":")[2] + (f" + {item.more}" if item.more else "")) or "none")

    def filter_items(self, context, data, name):
        parts, wanted = getattr(data, name), data.search.lower()
        shown = [wanted in item.name.lower() or wanted in item.found.lower() for item in parts]
        if data.doubts_only:
            shown = [yes and (item.doubtful or item.corrected) for yes, item in zip(shown, parts)]
        return [self.bitflag_filter_item if yes else 0 for yes in shown], []

    def draw_filter(self, context, layout):
        pass  # the search is above the list, where one sees it


def _short(joint: str) -> str:
    """ "upper_arm_l" -> "Upper arm L"."""
    stem, side = (joint[:-2], f" {joint[-1].upper()}") if joint[-2:] in {"_l", "_r"} else (joint, "")
    return in_words(stem).capitalize() + side


class POSELOOM_PT_roles(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_roles"
    bl_parent_id = "POSELOOM_PT_retarget"
    bl_label = "Roles"
    bl_description = "Which bone plays which part of the body"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        obj = properties.active_armature(context)
        if obj is None:
            layout.label(text="No armature is selected", icon="INFO")
            return
        _, doubts, _ = rig_of(obj)
        for doubt in doubts:
            paragraph(layout, context, doubt, "DOT")
        roles = context.window_manager.poseloom_roles
        if roles.rig != str(properties.rig_key(obj)):  # another armature, or an undone correction
            look_again(obj)
            return
        row = layout.row(align=True)
        row.prop(roles, "search", text="", icon="VIEWZOOM")
        row.prop(roles, "doubts_only", text="", icon="ERROR")
        layout.template_list("POSELOOM_UL_roles", "", roles, "parts", roles, "active", rows=6)
        if roles.active < len(roles.parts):
            part = roles.parts[roles.active]
            layout.label(text=say("{part} is played by", part=part.name))
            layout.prop_search(part, "bone", obj.data, "bones", text="")
        row = layout.row(align=True)
        row.operator("poseloom.recognise_rig", text="Look Again", icon="FILE_REFRESH").armature = obj.name
        row.operator("poseloom.forget_roles", text="Forget", icon="LOOP_BACK")
        layout.operator("poseloom.save_preset", icon="PRESET_NEW")


class POSELOOM_PT_edit(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_edit"
    bl_label = "Edit Action"
    bl_description = "Change the active action as a whole"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        obj = properties.active_armature(context)
        action = obj.animation_data.action if obj is not None and obj.animation_data else None
        layout.label(text=action.name if action else "No action is active", icon="ACTION")
        layout.operator("poseloom.reduce_keys", icon="KEYFRAME")
        row = layout.row(align=True)
        row.operator("poseloom.make_loop", icon="FILE_REFRESH")
        row.operator("poseloom.mirror", icon="MOD_MIRROR")
        row = layout.row(align=True)
        row.enabled = action is not None
        row.operator("poseloom.trim", icon="PREVIEW_RANGE")
        row.operator_menu_enum("poseloom.travel", "carrier", text="Root Motion", icon="ORIENTATION_GLOBAL")
        layout.operator("poseloom.relock_feet", icon="SNAP_ON")
        layout.operator("poseloom.export_game", text="Export for Games...", icon="EXPORT")
        draw_outcome(layout, context, "edit")
