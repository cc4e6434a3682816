"""Render with diffusion: what is wanted, the button, and what came of it; beside the viewport and the sequencer."""

import bpy

from .sidebar import Sidebar, draw_outcome, draw_running, paragraph


class _Filming:
    bl_label = "Render with Diffusion"
    bl_description = "Frames of the characters by a diffusion model, which keep their poses"

    def draw(self, context):
        layout, chosen = self.layout, context.scene.poseloom_filming
        layout.use_property_decorate = False
        column = layout.column()
        column.use_property_split = True
        column.prop(chosen, "model", placeholder="Embedded model")
        if chosen.model:
            layout.prop(chosen, "prompt", text="", placeholder="What the frames show")
            layout.prop(chosen, "negative", text="", placeholder="What they do not show")
        else:
            paragraph(
                layout, context,
                "For previews: your character in each pose, offline, within a second a frame. Not for finished pictures: one "
                "person, 128 pixels, blurred. For those name a checkpoint above, such as "
                "stable-diffusion-v1-5/stable-diffusion-v1-5.",
                "INFO",
            )  # fmt: skip
        column = layout.column()
        column.use_property_split = True
        column.prop(chosen, "reference")
        if chosen.model:
            column.prop(chosen, "steps")
        column.prop(chosen, "seed")
        column.prop(chosen, "size")
        column.prop(chosen, "depth")
        column.prop(chosen, "guides_only")
        column.prop(chosen, "folder")
        layout.row().prop(chosen, "which", expand=True)
        row = layout.row()
        row.use_property_split = True
        row.enabled = chosen.which == "RANGE"
        row.prop(chosen, "every")
        if not draw_running(layout, "render"):
            button = layout.column()
            button.scale_y = 1.5
            button.operator("poseloom.render", icon="RENDER_ANIMATION").which = chosen.which
        draw_outcome(layout, context, "render")


class POSELOOM_PT_render(_Filming, Sidebar, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_render"
    bl_options = {"DEFAULT_CLOSED"}


class POSELOOM_PT_render_sequencer(_Filming, bpy.types.Panel):
    bl_idname = "POSELOOM_PT_render_sequencer"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Poseloom"
