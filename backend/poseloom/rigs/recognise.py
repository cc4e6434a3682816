"""Which bone of an armature plays which part.

Presets come first, the user's own before ours: their names and the order of parents are scored.  Then the
words in the names, then the shape of the tree.
"""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

import numpy as np

from ..errors import BadInput, UnknownMethod
from ..motion.skeleton import JOINTS
from ..motion.types import Rig
from . import naming, saved, structure, tables
from .match import REQUIRED, Names, Recognition, absent, checked, fit, in_words, recognition, rehung, tree_of, with_root

__all__ = ["REQUIRED", "Recognition", "assigned", "correct", "in_words", "presets", "recognise", "rehung"]

_ACCEPTED = 0.75
# presets whose scores differ by less are both named
_CLOSE = 0.01


def presets(folder: Path | None = None) -> tuple:
    """(Layouts, doubts): the user's of `folder`, by default in the data folder, then ours."""
    own, doubts = saved.load(saved.folder() if folder is None else Path(folder))
    return own + tables.load(), doubts


def recognise(rig: Rig, preset: str | None = None, folder: Path | None = None) -> Recognition:
    """The parts of `rig`, by `preset` alone if one is named; `folder` as in `presets`.

    Raises BadInput "not_humanoid" which lists what is missing, and UnknownMethod for a preset
    that is none.
    """
    layouts, unread = presets(folder)
    if preset is None:
        layouts = [layout for layout in layouts if layout.automatic]
    else:
        known = ", ".join(dict.fromkeys(layout.family for layout in layouts))
        layouts = [layout for layout in layouts if layout.family == preset]
        if not layouts:
            raise UnknownMethod("unknown_preset", f'There is no rig preset "{preset}".', f"Known: {known}.")
    names = Names(rig)
    fits = sorted((fit(names, layout) for layout in layouts), key=lambda f: f.rank, reverse=True)
    best = fits[0]
    if not absent(best.roles) and (preset or best.exact or best.score >= _ACCEPTED):
        found = recognition(names, best)
        return _also(found, unread + (() if preset or best.exact else _rivals(best, fits)))
    if preset is not None:
        raise _not_humanoid(rig, best.roles, f'As "{preset}" it is not recognised. Leave the preset out.')
    by_name = naming.roles_by_words(rig)
    if not absent(by_name):
        return _also(_generic(rig, by_name, "by names", 0.9), unread)
    by_shape, doubts = structure.roles_by_shape(rig)
    if not absent(by_shape):
        return _also(_generic(rig, by_shape, "by shape", 0.6, doubts), unread)
    likely = max([best.roles, by_name, by_shape], key=len)
    families = ", ".join(tables.families())
    raise _not_humanoid(rig, likely, f"Choose the character's armature, or name its bones as one of: {families}.")


def assigned(rig: Rig, roles: Mapping[str, tuple], family: str = "by hand") -> Recognition:
    """`rig` with roles that are known: from a VRM file (`vrm.roles_from_glb`), or from a user.

    BadInput where a bone is not in the rig, a part is none, or a part that nothing works without has no bone.
    """
    known = (*JOINTS, *tables.FINGER_JOINTS, *tables.IK, "root")
    roles = {joint: (bones,) if isinstance(bones, str) else tuple(bones) for joint, bones in roles.items()}
    for joint, bones in roles.items():
        if joint not in known:
            raise BadInput("bad_role", f'There is no part "{joint}".', f"Parts: {', '.join(known)}.")
        for bone in bones:
            if bone not in rig.bones:
                raise BadInput("bad_role", f'"{rig.name}" has no bone "{bone}" for the {in_words(joint)}.', "")
    roles = {joint: bones for joint, bones in roles.items() if bones}
    if absent(roles):
        raise _not_humanoid(rig, roles, "Choose bones for these parts.")
    return _generic(rig, roles, family, 1.0)


def correct(found: Recognition, changes: Mapping[str, object]) -> Recognition:
    """`found` with other bones for some parts: {joint: bone, or several from parent to child, or None for none}.

    A bone that had another part loses that one.  Errors as `assigned`.
    """
    given = {joint: () if bones is None else bones for joint, bones in changes.items()}
    given = {joint: (bones,) if isinstance(bones, str) else tuple(bones) for joint, bones in given.items()}
    taken = {bone for bones in given.values() for bone in bones}
    roles = {joint: tuple(b for b in bones if b not in taken) for joint, bones in found.rig.roles.items()}
    new = assigned(found.rig, {**roles, **given}, found.family)
    return Recognition(
        new.family, new.rig.with_(switches=found.rig.switches), new.score, new.doubts, new.missing,
        found.deform, found.parents,
    )  # fmt: skip


def _generic(rig, roles, family, cap, doubts=()):
    body = [joint for joint in JOINTS if joint not in ("spine1", "spine2")]
    share = np.mean([joint in roles for joint in body])
    score = cap * share * tree_of(rig).order_share(roles)
    rig = rig.with_(roles=with_root(rig, roles), switches={})
    return checked(Recognition(family, rig, float(score), tuple(doubts)))


def _rivals(best, fits) -> tuple:
    """A doubt for each other family that fits as well and sees another bone in a part that matters."""
    close = [f for f in fits if f.score > best.score - _CLOSE and f.layout.family != best.layout.family]
    other = [f for f in close if any(f.roles.get(j, best.roles[j])[0] != best.roles[j][0] for j in REQUIRED)]
    return tuple(f'The names also fit the preset "{f.layout.family}".' for f in other)


def _also(found: Recognition, doubts) -> Recognition:
    return Recognition(
        found.family, found.rig, found.score, found.doubts + tuple(doubts), found.missing, found.deform, found.parents
    )


def _not_humanoid(rig, roles, way_out):
    what = rig.name or "This armature"
    gaps = ", ".join(f"no {part}" for part in absent(roles))
    return BadInput("not_humanoid", f'"{what}" is not recognised as a humanoid: {gaps}.', way_out)
