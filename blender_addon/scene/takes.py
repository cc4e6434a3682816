"""The clips inside a file of another program, or of Blender: every take as a rig and its motion."""

from __future__ import annotations

from typing import Iterator

import bpy
import numpy as np
from poseloom.errors import BadInput
from poseloom.motion.types import Rig, RigMotion
from poseloom.progress import Report, part, silent

from .. import compat
from . import armature, files

# times in glTF are seconds: so many frames of each are read
_GLTF_FPS = 30


def read(path, name: str | None = None, report: Report = silent) -> Iterator[tuple[str, Rig, RigMotion]]:
    """(take, rig, motion) of each Action that moves the armature of the file at `path`; `name` where it has several.

    Constraints and drivers are applied; what lies in NLA tracks is read strip by strip's Action.  BadInput where the
    file has no armature, or nothing moves it.
    """
    obj = files.load(path, name, keep_clips=True, fps=_GLTF_FPS)
    animation = obj.animation_data_create()
    animation.use_nla = False
    found = [(action, slot) for action in bpy.data.actions for slot in _slots(action) if _moves(action, slot, obj)]
    if not found:
        raise BadInput("no_takes", f"Nothing in {path.name} moves {obj.name}.", "Export it with its animation.")
    rig = armature.read(obj)
    for i, (action, slot) in enumerate(found):
        _rest(obj)
        compat.assign_action(animation, action, slot)
        start, end = (int(edge) for edge in np.round(action.frame_range))
        own = part(report, i / len(found), (i + 1) / len(found))
        yield _name_of(action.name, obj.name), rig, armature.read_motion(obj, start, end, rig=rig, report=own)


def _slots(action) -> list:
    return list(getattr(action, "slots", (None,)))  # plain from 4.4


def _moves(action, slot, obj) -> bool:
    paths = {curve.data_path for curve in compat.action_fcurves(action, slot)}
    return any(path.startswith('pose.bones["') and path.split('"')[1] in obj.pose.bones for path in paths)


def _name_of(action: str, owner: str) -> str:
    """Importers write Armature|Take|Layer, and we Armature|Take."""
    pieces = action.split("|")
    return pieces[1] if len(pieces) > 1 and pieces[0] == owner else action


def _rest(obj) -> None:
    for bone in obj.pose.bones:
        bone.matrix_basis.identity()
