"""Which bone of an armature plays which part, with what its user has corrected.

Corrections are a custom property of the armature object, so they are saved with the file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from poseloom import chains
from poseloom.errors import BadInput
from poseloom.rigs.recognise import Recognition, assigned, correct, recognise
from poseloom.rigs.tables import IK

from .. import compat
from . import armature, keying, soles

_KEY = "poseloom_roles"


def corrections(obj) -> dict:
    """{joint: bone}, "" for a part that no bone plays; those whose bone is still there."""
    return {joint: bone for joint, bone in obj.get(_KEY, {}).items() if not bone or bone in obj.data.bones}


def set_role(obj, joint: str, bone: Optional[str]) -> None:
    """Let `bone` play `joint`, "" for none; None takes the correction back.

    A bone that was chosen for another part leaves it.  BadInput where that cannot be, or leaves
    a rig that cannot be animated; the corrections are then as before.
    """
    if obj.library is not None and obj.override_library is None:
        raise BadInput("linked_armature", f'"{obj.name}" is linked.', "Make it a library override first.")
    if bone and bone not in obj.data.bones:
        raise BadInput("bad_role", f'"{obj.name}" has no bone "{bone}".', "Choose one of its bones.")
    before, worked = corrections(obj), _complaint(obj) is None
    after = {j: b for j, b in before.items() if j != joint and (not b or b != bone)}
    _keep(obj, after if bone is None else {**after, joint: bone})
    complaint = _complaint(obj)
    if complaint is not None and (worked or complaint.code != "not_humanoid"):
        _keep(obj, before)
        raise complaint


def forget(obj) -> None:
    """Take all corrections back."""
    _keep(obj, {})


def recognised(obj, controls: str = "fk") -> Recognition:
    """The roles of `obj` as recognised and corrected, its limbs moved by "fk" or "ik" controls.

    BadInput "not_humanoid" where parts are missing, "no_ik_controls" as `chains.by_controls`.
    """
    rig, changes = armature.read(obj), corrections(obj)
    given = {joint: bone or None for joint, bone in changes.items()}
    try:
        found = chains.by_controls(recognise(rig), controls)
    except BadInput as error:
        if error.code != "not_humanoid" or not changes:
            raise
        return assigned(rig, {joint: bone for joint, bone in changes.items() if bone})
    return correct(found, given) if given else found


def standing(obj, controls: str = "fk") -> Recognition:
    """As `recognised`, with the soles of its meshes: what is to be retargeted onto."""
    found = recognised(obj, controls)
    return replace(found, rig=soles.shod(obj, found.rig))


def played(obj) -> Recognition:
    """As `recognised`, its limbs moved by IK controls where the active Action keys any."""
    found = recognised(obj)
    try:
        by_ik = recognised(obj, "ik")
    except BadInput as error:
        if error.code != "no_ik_controls":
            raise
        return found
    animation = obj.animation_data
    curves = compat.action_fcurves(animation.action, compat.assigned_slot(animation))
    keyed = {curve.data_path.rpartition(".")[0] for curve in curves if len(curve.keyframe_points)}
    controls = [bone for role in IK for bone in by_ik.rig.roles.get(role, ())]
    return by_ik if any(keying.bone_path(bone) in keyed for bone in controls) else found


def _complaint(obj) -> Optional[BadInput]:
    try:
        recognised(obj)
    except BadInput as error:
        return error
    return None


def _keep(obj, changes: dict) -> None:
    if changes:
        obj[_KEY] = changes
    else:
        obj.pop(_KEY, None)
