"""The clips inside a file of another program, or of Blender: every take as a rig and its motion."""

from __future__ import annotations

from functools import partial
from typing import Callable, Iterator

import bpy
import numpy as np
from poseloom.errors import BadInput
from poseloom.motion.types import Rig
from poseloom.progress import Report, part, silent

from .. import compat
from . import armature, files

# times in glTF are seconds: so many frames of each are read
_GLTF_FPS = 30


def read(
    path, name: str | None = None, only: str | None = None, report: Report = silent
) -> Iterator[tuple[str, Rig, Callable]]:
    """(take, rig, read) of each Action that moves the armature of the file at `path`; `name` where it has several.

    `read`, called before the next one is asked for, gives its RigMotion.  `only` names the one take that is
    wanted.  Constraints and drivers are applied; what lies in NLA tracks is read strip by strip's Action.
    BadInput where the file has no armature, nothing moves it, or it has no such take.
    """
    obj, found = _open(path, name)
    if only is not None and only not in found:
        raise BadInput(
            "no_such_take", f'{path.name} has no take "{only}"; it has: {", ".join(found)}.', "Name one of these."
        )
    chosen = list(found.items()) if only is None else [(only, found[only])]
    animation, rig = obj.animation_data, armature.read(obj)
    for i, (take, (action, slot)) in enumerate(chosen):
        _rest(obj)
        compat.assign_action(animation, action, slot)
        start, end = (int(edge) for edge in np.round(action.frame_range))
        own = part(report, i / len(chosen), (i + 1) / len(chosen))
        yield take, rig, partial(armature.read_motion, obj, start, end, rig=rig, report=own)


def names(path, name: str | None = None) -> list:
    """What the takes of a file are called, in its order; errors as `read`."""
    return list(_open(path, name)[1])


def _open(path, name) -> tuple:
    """(armature object, {take: (action, slot)}) of the file, which is open then."""
    obj = files.load(path, name, keep_clips=True, fps=_GLTF_FPS)
    animation = obj.animation_data_create()
    animation.use_nla = False
    found: dict = {}
    for action in bpy.data.actions:
        for slot in _slots(action):
            if _moves(action, slot, obj):
                take, count = _name_of(action.name, obj.name), 1
                while take in found:
                    count += 1
                    take = f"{_name_of(action.name, obj.name)} {count}"
                found[take] = (action, slot)
    if not found:
        raise BadInput("no_takes", f"Nothing in {path.name} moves {obj.name}.", "Export it with its animation.")
    return obj, found


def _slots(action) -> list:
    return list(getattr(action, "slots", (None,)))  # plain from 4.4


def _moves(action, slot, obj) -> bool:
    paths = {curve.data_path for curve in compat.action_fcurves(action, slot)}
    return any(path.startswith('pose.bones["') and path.split('"')[1] in obj.pose.bones for path in paths)


def _name_of(action: str, owner: str) -> str:
    """Importers write Armature|Take|Layer, or Take_Armature for glTF before Blender 4.4, and we Armature|Take."""
    pieces = action.split("|")
    return pieces[1] if len(pieces) > 1 and pieces[0] == owner else action.removesuffix(f"_{owner}")


def _rest(obj) -> None:
    for bone in obj.pose.bones:
        bone.matrix_basis.identity()
