"""What we wish of Blender, whichever version answers: the one address of version differences.

Every branch names the oldest Blender that makes it needless: once that is the oldest we support
(`blender_version_min` in the manifest), delete it.  No other file reads `bpy.app.version`.
"""

from __future__ import annotations

import bpy


def version() -> tuple:
    """(major, minor) of the running Blender."""
    return tuple(bpy.app.version[:2])


def version_text() -> str:
    return bpy.app.version_string


# Actions


def new_channels(action, datablock):
    """(channels, slot) of a new action for `datablock`: channels has `.fcurves` and `.groups`."""
    if not hasattr(action, "slots"):  # needless from 4.4: actions have slots
        action.id_root = datablock.id_type
        return action, None
    slot = action.slots.new(id_type=datablock.id_type, name=datablock.name)
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True), slot


def assign_action(animation_data, action, slot) -> None:
    """Make `action`, seen through `slot`, what the data-block plays; also for an NLA strip."""
    animation_data.action = action
    if slot is not None and hasattr(animation_data, "action_slot"):  # needless from 4.4
        animation_data.action_slot = slot


def assigned_slot(animation_data):
    return getattr(animation_data, "action_slot", None)  # plain attribute from 4.4


def action_fcurves(action, slot=None) -> list:
    """The F-curves of `action` that `slot` sees; of all its slots without one."""
    if not hasattr(action, "slots"):  # needless from 4.4
        return list(action.fcurves)
    slots = list(action.slots) if slot is None else [slot]
    bags = (strip.channelbag(s) for layer in action.layers for strip in layer.strips for s in slots)
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def action_channels(action, slot):
    """What `new_channels` gave for an action that is there already; None where the slot has no curves."""
    if not hasattr(action, "slots"):  # needless from 4.4
        return action
    bags = (strip.channelbag(slot) for layer in action.layers for strip in layer.strips) if slot else ()
    return next((bag for bag in bags if bag is not None), None)


def slot_of(action, handle: int):
    """The slot with that handle; None where it has none."""
    return next((slot for slot in getattr(action, "slots", ()) if slot.handle == handle), None)  # plain from 4.4


def slot_handle(slot) -> int:
    """A number that stays the slot's own when it is renamed, saved and loaded; 0 without one."""
    return 0 if slot is None else slot.handle


def fcurve(channels, data_path: str, index: int, group: str):
    """The F-curve, without any keys; a new one in the named group where it is missing."""
    curve = channels.fcurves.find(data_path, index=index)
    if curve is None:
        curve = channels.fcurves.new(data_path, index=index)
        curve.group = channels.groups.get(group) or channels.groups.new(group)
    curve.keyframe_points.clear()
    return curve


# Sequencer


def strips(sequence_editor):
    """The top-level strips, whose `new_movie` and `new_image` take the same arguments everywhere."""
    if hasattr(sequence_editor, "strips"):
        return sequence_editor.strips
    return sequence_editor.sequences  # needless from 4.4


def strip_range(strip) -> tuple:
    """(first, one past the last) scene frame of a strip."""
    if hasattr(strip, "left_handle"):
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)  # needless from 5.2


def end_strip_at(strip, frame: int) -> None:
    """Show the strip until just before `frame`."""
    if hasattr(strip, "right_handle"):
        strip.right_handle = frame
    else:  # needless from 5.2
        strip.frame_final_end = frame


def begin_strip_at(strip, frame: int) -> None:
    """Show the strip from `frame` on, its content where it is."""
    if hasattr(strip, "left_handle"):
        strip.left_handle = frame
    else:  # needless from 5.2
        strip.frame_final_start = frame


def new_speed_strip(sequence_editor, strip, channel: int):
    """A speed effect over the whole of `strip`."""
    first, end = strip_range(strip)
    collection = strips(sequence_editor)
    values = dict(name=f"{strip.name} speed", type="SPEED", channel=channel, frame_start=first)
    parameters = collection.bl_rna.functions["new_effect"].parameters
    if "length" in parameters:
        return collection.new_effect(**values, length=end - first, input1=strip)
    if "input1" in parameters:  # needless from 5.0
        return collection.new_effect(**values, frame_end=end, input1=strip)
    return collection.new_effect(**values, frame_end=end, seq1=strip)  # needless from 4.4


def show_in_sequencer(scene) -> None:
    """Let sequencers that show no scene yet show this one."""
    for window in bpy.context.window_manager.windows:
        workspace = window.workspace
        if hasattr(workspace, "sequencer_scene") and workspace.sequencer_scene is None:  # plain attribute from 5.0
            workspace.sequencer_scene = scene


# Files


def import_fbx(path: str, clips: bool = False) -> None:
    """Read an FBX file into the scene by the importer that every version has, with its clips if wanted."""
    bpy.ops.import_scene.fbx(filepath=path, use_anim=clips, anim_offset=0.0)


def image_output(image_settings, file_format: str) -> None:
    """Choose a still picture format for renders."""
    if hasattr(image_settings, "media_type"):
        image_settings.media_type = "IMAGE"  # always there from 5.0
    image_settings.file_format = file_format


def layers_output(image_settings) -> None:
    """Choose uncompressed OpenEXR with all passes for renders."""
    if hasattr(image_settings, "media_type"):
        image_settings.media_type = "MULTI_LAYER_IMAGE"  # always there from 5.0
    image_settings.file_format = "OPEN_EXR_MULTILAYER"
    image_settings.color_depth, image_settings.exr_codec = "32", "NONE"
