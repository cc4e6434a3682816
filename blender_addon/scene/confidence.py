"""How sure the estimator was of each joint: a property of its bone with a curve."""

from __future__ import annotations

import numpy as np
from poseloom.motion.types import Motion, Rig, RigMotion

from . import keying, notes

NAME = "confidence"
_STEPS = 20  # of its curve from 0 to 1: a key where it changes by so much


def keyed(obj, rig: Rig, keys: RigMotion, motion: Motion) -> RigMotion:
    """`keys`, and with them a curve of the property `confidence` of each bone that plays a joint of `motion`.

    Bones without that property get it; `note` remembers them with the Action.
    """
    props = dict(keys.props)
    for joint, sure in zip(motion.skeleton.names, np.asarray(motion.score).T):
        for bone in rig.roles.get(joint, ())[:1]:
            pose = obj.pose.bones[bone]
            if NAME not in pose:
                pose[NAME] = 1.0
                pose.id_properties_ui(NAME).update(
                    min=0.0, max=1.0, description="How sure the estimator was of this joint, 0 unseen, 1 sure"
                )
            props[_path(bone)] = np.round(sure * _STEPS) / _STEPS
    return RigMotion(keys.bones, keys.basis, keys.location, keys.keyed, keys.fps, props)


def missing(obj, rig: Rig, motion: Motion) -> list:
    """The data paths that `keyed` is going to make."""
    bones = [bone for joint in motion.skeleton.names for bone in rig.roles.get(joint, ())[:1]]
    return [_path(bone) for bone in bones if NAME not in obj.pose.bones[bone]]


def note(action, made: list) -> None:
    """Let a revert remove the properties that were made for this Action."""
    notes.note_made(action, made)


def _path(bone: str) -> str:
    return f'{keying.bone_path(bone)}["{NAME}"]'
