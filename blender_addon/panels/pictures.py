"""Key-frame pictures: their list with frames and previews, and the button that keys their poses."""

import bpy

from .. import picturing
from .sidebar import Sidebar, draw_outcome, draw_running

_LARGE = 6.0


class POSELOOM_UL_pictures(bpy.types.UIList):
    """The pictures, each with its frame"""

    bl_idname = "POSELOOM_UL_pictures"

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index):
        row = layout.row(align=True)
        known = picturing.icon_of(item.path)
        if known:
            row.label(text=item.name, icon_value=known, translate=False)
        else:
            row.label(text=item.name, icon="ERROR", translate=False)
        number = row.row()
        number.ui_units_x = 4.0
        number.prop(item, "frame", text="", emboss=False)


class POSELOOM_PT_pictures(Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_pictures"
    bl_parent_id = "POSELOOM_PT_animate"
    bl_label = "Key Pictures"
    bl_description = "Pictures that each become a key pose, on frames of your choice"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom_pictures
        layout.use_property_decorate = False
        row = layout.row()
        row.template_list(
            POSELOOM_UL_pictures.bl_idname, "", chosen, "found", chosen, "active", rows=4,
            item_dyntip_propname="path",
        )  # fmt: skip
        column = row.column(align=True)
        column.operator("poseloom.add_pictures", text="", icon="ADD")
        column.operator("poseloom.change_pictures", text="", icon="REMOVE").how = "REMOVE"
        column.separator()
        column.operator("poseloom.change_pictures", text="", icon="TRIA_UP").how = "UP"
        column.operator("poseloom.change_pictures", text="", icon="TRIA_DOWN").how = "DOWN"
        if 0 <= chosen.active < len(chosen.found):
            known = picturing.icon_of(chosen.found[chosen.active].path)
            if known:
                layout.template_icon(icon_value=known, scale=_LARGE)
        row = layout.row(align=True)
        row.prop(chosen, "spacing")
        row.operator("poseloom.change_pictures", text="Space Evenly").how = "SPACE"
        if not draw_running(layout, "pictures"):
            button = layout.column()
            button.scale_y = 1.5
            button.operator("poseloom.pose_keys", icon="POSE_HLT")
        draw_outcome(layout, context, "pictures")
        layout.operator("poseloom.save_poses", icon="ASSET_MANAGER")
