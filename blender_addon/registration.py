"""The explicit list of what Blender gets from us, taken back in reverse order."""

import bpy

from . import cli, filling, filming, jobs, overlay, picturing, preferences, properties, seeing, translations
from .operators import (
    animate, backend, edit, folder, footage, game, inbetween, layers, people, pictures, render, retarget, rig, roles,
    settings, takes, timing,
)
from .panels import animate as animate_panels
from .panels import inbetween as inbetween_panels
from .panels import people as people_panels
from .panels import pictures as picture_panels
from .panels import render as render_panels
from .panels import retarget as retarget_panels
from .panels import settings as settings_menus
from .panels import sidebar

CLASSES = (
    preferences.PoseloomPreferences,
    properties.PoseloomSettings,
    seeing.PoseloomPerson,
    seeing.PoseloomPeople,
    properties.PoseloomTake,
    properties.PoseloomTakes,
    properties.PoseloomRole,
    properties.PoseloomRoles,
    filling.PoseloomInbetween,
    filling.PoseloomCandidate,
    filling.PoseloomCandidates,
    filming.PoseloomFilming,
    picturing.PoseloomPicture,
    picturing.PoseloomPictures,
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
    takes.POSELOOM_OT_find_takes,
    takes.POSELOOM_OT_retarget_take,
    takes.POSELOOM_OT_retarget_armature,
    settings.POSELOOM_OT_save_settings,
    settings.POSELOOM_OT_load_settings,
    settings.POSELOOM_OT_delete_settings,
    settings.POSELOOM_OT_import_settings,
    settings.POSELOOM_OT_export_settings,
    settings.POSELOOM_OT_keep_rest,
    settings.POSELOOM_OT_forget_rest,
    folder.POSELOOM_OT_retarget_folder,
    layers.POSELOOM_OT_revert,
    layers.POSELOOM_OT_push_to_nla,
    layers.POSELOOM_OT_add_layer,
    roles.POSELOOM_OT_set_role,
    roles.POSELOOM_OT_forget_roles,
    roles.POSELOOM_OT_save_preset,
    edit.POSELOOM_OT_reduce_keys,
    edit.POSELOOM_OT_make_loop,
    edit.POSELOOM_OT_mirror,
    edit.POSELOOM_OT_relock_feet,
    edit.POSELOOM_OT_trim,
    footage.POSELOOM_OT_match_view,
    footage.POSELOOM_OT_add_sound,
    people.POSELOOM_OT_find_people,
    people.POSELOOM_OT_choose_person,
    people.POSELOOM_OT_use_estimator,
    people.POSELOOM_OT_get_estimator,
    pictures.POSELOOM_OT_add_pictures,
    pictures.POSELOOM_OT_change_pictures,
    pictures.POSELOOM_OT_pose_keys,
    pictures.POSELOOM_OT_save_poses,
    edit.POSELOOM_OT_travel,
    game.POSELOOM_OT_export_game,
    inbetween.POSELOOM_OT_fill,
    inbetween.POSELOOM_OT_refill,
    inbetween.POSELOOM_OT_find_candidates,
    inbetween.POSELOOM_OT_continue,
    inbetween.POSELOOM_OT_set_ease,
    inbetween.POSELOOM_OT_add_to_library,
    timing.POSELOOM_OT_retime,
    render.POSELOOM_OT_render,
    settings_menus.POSELOOM_MT_retarget_settings,
    settings_menus.POSELOOM_MT_animate_settings,
    animate_panels.POSELOOM_PT_animate,
    animate_panels.POSELOOM_PT_options,
    people_panels.POSELOOM_PT_people,
    people_panels.POSELOOM_PT_estimators,
    picture_panels.POSELOOM_UL_pictures,
    picture_panels.POSELOOM_PT_pictures,
    retarget_panels.POSELOOM_PT_retarget,
    retarget_panels.POSELOOM_PT_retarget_options,
    retarget_panels.POSELOOM_UL_roles,
    retarget_panels.POSELOOM_PT_roles,
    retarget_panels.POSELOOM_PT_layers,
    retarget_panels.POSELOOM_PT_edit,
    inbetween_panels.POSELOOM_PT_inbetween,
    inbetween_panels.POSELOOM_PT_speed,
    inbetween_panels.POSELOOM_PT_library,
    inbetween_panels.POSELOOM_PT_onward,
    render_panels.POSELOOM_PT_render,
    render_panels.POSELOOM_PT_render_sequencer,
)


def register():
    translations.register()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.poseloom = bpy.props.PointerProperty(type=properties.PoseloomSettings)
    bpy.types.Scene.poseloom_people = bpy.props.PointerProperty(type=seeing.PoseloomPeople)
    bpy.types.WindowManager.poseloom_roles = bpy.props.PointerProperty(type=properties.PoseloomRoles)
    bpy.types.WindowManager.poseloom_takes = bpy.props.PointerProperty(type=properties.PoseloomTakes)
    bpy.types.Scene.poseloom_inbetween = bpy.props.PointerProperty(type=filling.PoseloomInbetween)
    bpy.types.Scene.poseloom_filming = bpy.props.PointerProperty(type=filming.PoseloomFilming)
    bpy.types.WindowManager.poseloom_candidates = bpy.props.PointerProperty(type=filling.PoseloomCandidates)
    picturing.register()
    bpy.types.STATUSBAR_HT_header.prepend(sidebar.draw_status)
    overlay.register()
    cli.register()


def unregister():
    jobs.stop()
    cli.unregister()
    overlay.unregister()
    bpy.types.STATUSBAR_HT_header.remove(sidebar.draw_status)
    picturing.unregister()
    del bpy.types.WindowManager.poseloom_takes
    del bpy.types.WindowManager.poseloom_roles
    del bpy.types.WindowManager.poseloom_candidates
    del bpy.types.Scene.poseloom_filming
    del bpy.types.Scene.poseloom_inbetween
    del bpy.types.Scene.poseloom_people
    del bpy.types.Scene.poseloom
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    translations.unregister()
