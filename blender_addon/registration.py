"""The explicit list of what Blender gets from us, taken back in reverse order."""

import bpy

from . import cli, jobs, panels, preferences, properties
from .operators import animate, backend, retarget, rig

CLASSES = (
    preferences.PoseloomPreferences,
    properties.PoseloomSettings,
    backend.POSELOOM_OT_start_backend,
    backend.POSELOOM_OT_stop_backend,
    backend.POSELOOM_OT_check_backend,
    backend.POSELOOM_OT_copy,
    rig.POSELOOM_OT_recognise_rig,
    rig.POSELOOM_OT_add_character,
    animate.POSELOOM_OT_animate,
    animate.POSELOOM_OT_apply_motion,
    animate.POSELOOM_OT_cancel,
    retarget.POSELOOM_OT_retarget_bvh,
    panels.POSELOOM_PT_animate,
    panels.POSELOOM_PT_options,
    panels.POSELOOM_PT_retarget,
    panels.POSELOOM_PT_rig,
)


def register():
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.poseloom = bpy.props.PointerProperty(type=properties.PoseloomSettings)
    bpy.types.STATUSBAR_HT_header.prepend(panels.draw_status)
    cli.register()


def unregister():
    jobs.stop()
    cli.unregister()
    bpy.types.STATUSBAR_HT_header.remove(panels.draw_status)
    del bpy.types.Scene.poseloom
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
