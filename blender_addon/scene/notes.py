"""What we note down on an Action, in custom properties, so that it is saved with the file.

    poseloom_run     what there was before the run that made it
    poseloom_way     where a motion that is now in place went
    poseloom_limits  the error its keys were reduced to
"""

from __future__ import annotations

import json

import numpy as np
from poseloom.motion.travel import Travel

from .. import compat

_RUN, _WAY, _LIMITS = "poseloom_run", "poseloom_way", "poseloom_limits"
_NLA = ("action_blend_type", "action_influence", "action_extrapolation")


def note_run(action, obj) -> None:
    """What `obj` plays now, and the values of all that `action` is going to move."""
    animation = obj.animation_data
    note = {"first": animation is None}
    if animation is not None:
        note.update((name, getattr(animation, name)) for name in _NLA)
        if animation.action is not None:
            note["previous"] = animation.action
            note["slot"] = compat.slot_handle(compat.assigned_slot(animation))
            note["fake_user"] = animation.action.use_fake_user
    note["values"] = json.dumps(_values(action, obj))
    action[_RUN] = note


def note_track(action, track) -> None:
    """The NLA track that was made for the previous Action."""
    if track is not None:
        action[_RUN]["track"] = track.name


def note_made(action, paths: list) -> None:
    """The properties that were made on bones for `action`, by their data paths."""
    if paths:
        action[_RUN]["made"] = json.dumps(paths)


def note_batch(action, batch: str) -> None:
    """The run that made this Action along with others."""
    action["poseloom_batch"] = batch


def batch_of(action) -> str:
    return action.get("poseloom_batch", "")


def run_of(action):
    """The note of the run that made `action`; None where it was not one of ours."""
    return None if action is None else action.get(_RUN)


def put_back(note, obj) -> None:
    """What `obj` played before, and the values it had; the caller has taken our Action off."""
    for path, index, value in json.loads(note["values"]):
        try:
            if path.endswith('"]'):  # a property such as pose.bones["arm"]["IK_FK"]
                holder, _, key = path.rpartition("[")
                (obj.path_resolve(holder) if holder else obj)[json.loads(key[:-1])] = value
            else:
                obj.path_resolve(path)[index] = value
        except (ValueError, KeyError, TypeError, IndexError):
            continue  # the bone or property is gone, or of another type now
    for path in json.loads(note.get("made", "[]")):
        holder, _, key = path.rpartition("[")
        try:
            del (obj.path_resolve(holder) if holder else obj)[json.loads(key[:-1])]
        except (ValueError, KeyError):
            continue  # the bone or property is gone
    animation, previous = obj.animation_data, note.get("previous")
    for name in _NLA:
        if name in note.keys():
            setattr(animation, name, note[name])
    if previous is not None:
        compat.assign_action(animation, previous, compat.slot_of(previous, note["slot"]))
        if previous.library is None:
            previous.use_fake_user = bool(note["fake_user"])


def note_way(action, way: Travel) -> None:
    action[_WAY] = {"xy": way.xy.ravel().tolist(), "yaw": way.yaw.tolist()}


def way_of(action):
    """The Travel that was taken out of `action`, None where nothing was."""
    note = action.get(_WAY)
    return None if note is None else Travel(np.reshape(list(note["xy"]), (-1, 2)), np.array(list(note["yaw"])))


def forget_way(action) -> None:
    action.pop(_WAY, None)


def note_limits(action, max_deg: float, max_mm: float) -> None:
    action[_LIMITS] = [max_deg, max_mm]


def limits_of(action):
    """(max_deg, max_mm) that the keys of `action` were reduced to, None where they were not."""
    note = action.get(_LIMITS)
    return None if note is None else tuple(note)


def _values(action, obj) -> list:
    """[(data path, index, value)] of what the curves of `action` are going to move."""
    found = []
    for curve in compat.action_fcurves(action):
        try:
            value = obj.path_resolve(curve.data_path)
        except ValueError:
            continue
        scalar = isinstance(value, (int, float))
        found.append((curve.data_path, curve.array_index, value if scalar else value[curve.array_index]))
    return found
