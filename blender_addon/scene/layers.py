"""What an armature plays in layers: the last run taken back, an Action pushed to the NLA, tweaks on top."""

from __future__ import annotations

import bpy
import numpy as np
from poseloom.errors import BadInput

from .. import compat
from . import keying, notes

BLENDS = ("COMBINE", "ADD")


def last_run(obj):
    """The Action that our last run left on `obj`: the one it plays, else the topmost strip's; None without one."""
    animation = None if obj is None else obj.animation_data
    if animation is None:
        return None
    strips = [strip for track in animation.nla_tracks for strip in track.strips]
    played = [animation.action, *(strip.action for strip in reversed(strips))]
    previous = {note.get("previous") for action in played if (note := notes.run_of(action))}
    # what a later run put on a muted strip is not the last one
    ours = [action for action in played if notes.run_of(action) and action not in previous]
    return ours[0] if ours else None


def revert(obj) -> str:
    """Everything as it was before our last run on `obj`; the name of the Action taken away.

    Its strips go too, and the NLA track on which the previous Action was kept.  Of a folder's run
    all Actions go that nothing else uses.  What else was being played, such as a layer of tweaks,
    is kept by a fake user.  BadInput where there was no run.
    """
    keying.check_editable(obj)
    action = last_run(obj)
    if action is None:
        raise BadInput("no_run", f'"{obj.name}" plays nothing that Poseloom made.', "There is nothing to take back.")
    animation, note, name = obj.animation_data, notes.run_of(action), action.name
    played = animation.action
    if played is not None and played != action:
        if any(len(curve.keyframe_points) for curve in compat.action_fcurves(played)):
            played.use_fake_user = True
        elif played.users <= 1 and not played.use_fake_user:
            bpy.data.actions.remove(played)
    animation.action = None
    for track in list(animation.nla_tracks):
        _without(animation, track, lambda strip: strip.action == action)
    kept = note.get("track")
    for track in [track for track in reversed(animation.nla_tracks) if track.name == kept][:1]:
        _without(animation, track, lambda strip: track.mute and strip.action == note.get("previous"))
    notes.put_back(note, obj)
    if note["first"] and animation.action is None and not len(animation.nla_tracks) and not len(animation.drivers):
        obj.animation_data_clear()
    batch = notes.batch_of(action)
    bpy.data.actions.remove(action)
    for other in [a for a in bpy.data.actions if batch and notes.batch_of(a) == batch]:
        if other.users - other.use_fake_user <= 0:
            bpy.data.actions.remove(other)
    return name


def push(obj):
    """The Action that `obj` plays, as a strip on a track of its own on top; the strip.

    BadInput where it plays none, or one without keys.
    """
    keying.check_editable(obj)
    animation = obj.animation_data
    action = None if animation is None else animation.action
    if action is None:
        raise BadInput("no_action", f'"{obj.name}" has no action.', "Make one, or assign it in the Action editor.")
    slot = compat.assigned_slot(animation)
    if not any(len(curve.keyframe_points) for curve in compat.action_fcurves(action, slot)):
        raise BadInput("no_keys", f'The action "{action.name}" has no keys.', "Set keys first.")
    track = animation.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, int(np.floor(action.frame_range[0])), action)
    compat.assign_action(strip, action, slot)
    strip.blend_type, strip.influence = animation.action_blend_type, animation.action_influence
    strip.extrapolation = animation.action_extrapolation
    animation.action = None
    animation.action_blend_type, animation.action_influence = "REPLACE", 1.0
    return strip


def add_layer(obj, blend: str = "COMBINE"):
    """A new Action without keys that what `obj` plays shows through; what it plays becomes a strip below.

    blend "COMBINE" adds turns as turns and multiplies scales, "ADD" adds the numbers.
    """
    if blend not in BLENDS:
        raise BadInput("bad_option", f'blend is "{blend}"; known: {", ".join(BLENDS)}.')
    keying.check_editable(obj)
    animation = obj.animation_data
    if animation is None or (animation.action is None and not len(animation.nla_tracks)):
        raise BadInput("no_action", f'"{obj.name}" plays nothing to tweak.', "Make an action first.")
    if animation.action is not None:
        push(obj)
    action = bpy.data.actions.new(f"{obj.name}|tweaks")
    _, slot = compat.new_channels(action, obj)
    compat.assign_action(animation, action, slot)
    animation.action_blend_type, animation.action_influence = blend, 1.0
    return action


def _without(animation, track, unwanted) -> None:
    """Take strips off a track, and the track if that leaves it empty."""
    for strip in [strip for strip in track.strips if unwanted(strip)]:
        track.strips.remove(strip)
        if not len(track.strips):
            animation.nla_tracks.remove(track)
            return
