"""Settings kept under a name: the menu in the options of each panel."""

import bpy
from poseloom import presets

from ..translations import say


class _Settings:
    """All settings of one verb: a click chooses them; those to delete and to export are in menus of their own."""

    bl_label = "Settings"

    def draw(self, context):
        layout, verb = self.layout, self.verb
        found = presets.names(verb)
        for name in found:
            choose = layout.operator("poseloom.load_settings", text=name, translate=False)
            choose.verb, choose.name = verb, name
        if not found:
            layout.label(text="None are kept yet")
        layout.separator()
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("poseloom.save_settings", text="Save...", icon="ADD").verb = verb
        layout.operator("poseloom.import_settings", text="Import...", icon="IMPORT").verb = verb
        for name in found:
            row = layout.operator("poseloom.export_settings", text=say("Export {name}...", name=name), icon="EXPORT")
            row.verb, row.name = verb, name
        for name in found:
            row = layout.operator("poseloom.delete_settings", text=say("Delete {name}", name=name), icon="REMOVE")
            row.verb, row.name = verb, name


class POSELOOM_MT_retarget_settings(_Settings, bpy.types.Menu):
    bl_idname = "POSELOOM_MT_retarget_settings"
    verb = "retarget"


class POSELOOM_MT_animate_settings(_Settings, bpy.types.Menu):
    bl_idname = "POSELOOM_MT_animate_settings"
    verb = "animate"
