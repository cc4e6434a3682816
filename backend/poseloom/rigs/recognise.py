"""Which bone of an armature plays which part.

Presets come first: their names and the order of parents are scored.  Then the words in the names, then
the shape of the tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

import numpy as np

from ..errors import BadInput, UnknownMethod
from ..motion.skeleton import JOINTS, PARENTS
from ..motion.types import Rig
from . import naming, structure, tables

# without these nothing can be animated
REQUIRED = ("pelvis", *(f"{j}_{s}" for j in ("thigh", "shin", "upper_arm", "forearm") for s in "lr"))
_ACCEPTED = 0.75
_WORTH_A_WORD = ("head", "neck", *(f"{j}_{s}" for j in ("foot", "hand", "clavicle", "toe") for s in "lr"))


@dataclass(frozen=True)
class Recognition:
    """A rig with its parts named.

    family "mixamo" ..., "by names" or "by shape"; rig with roles, switches and effective parents; score 0..1;
    doubts: sentences for the user; missing: the body's parts that have no bone, in words;
    deform {joint: bone} where other bones than the roles carry the mesh.
    """

    family: str
    rig: Rig
    score: float
    doubts: tuple = ()
    missing: tuple = ()
    deform: Mapping[str, str] = field(default_factory=dict)


def recognise(rig: Rig, preset: str | None = None) -> Recognition:
    """The parts of `rig`, by `preset` alone if one is named.

    Raises BadInput "not_humanoid" which lists what is missing, and UnknownMethod for a preset
    that is none.
    """
    layouts = tables.load()
    if preset is not None:
        layouts = [layout for layout in layouts if layout.family == preset]
        if not layouts:
            raise UnknownMethod(
                "unknown_preset", f'There is no rig preset "{preset}".', f"Known: {', '.join(tables.families())}."
            )
    found = [match(rig, layout) for layout in layouts]
    best = max(found, key=lambda r: r.score)
    if not absent(best.rig.roles) and (preset or best.score >= _ACCEPTED):
        return _with_doubts(best)
    if preset is not None:
        raise _not_humanoid(rig, best.rig.roles, f'As "{preset}" it is not recognised. Leave the preset out.')
    by_name = naming.roles_by_words(rig)
    if not absent(by_name):
        return _with_doubts(_generic(rig, by_name, "by names", 0.9))
    by_shape, doubts = structure.roles_by_shape(rig)
    if not absent(by_shape):
        return _with_doubts(_generic(rig, by_shape, "by shape", 0.6, doubts))
    likely = max([best.rig.roles, by_name, by_shape], key=len)
    known = ", ".join(tables.families())
    raise _not_humanoid(rig, likely, f"Choose the character's armature, or name its bones as one of: {known}.")


def match(rig: Rig, layout) -> Recognition:
    """How well one Layout fits: the share of its parts found, times the share that hang in the right order."""
    at = {}
    for bone, name in zip(rig.bones, tables.plain(rig.bones, layout.prefix)):
        at.setdefault(name, bone)

    def bones(names):
        return tuple(at[n.lower()] for n in names if n.lower() in at)

    roles = {joint: found for joint, names in layout.roles.items() if (found := bones(names))}
    spine = bones(layout.spine)
    roles.update(tables.deal_spine(spine))
    wanted = [joint for joint in layout.roles if joint in JOINTS]
    share = sum(joint in roles for joint in wanted) + bool(spine)
    share /= len(wanted) + bool(layout.spine)
    parents = {bones([k])[0]: bones([v])[0] for k, v in layout.parents.items() if bones([k]) and bones([v])}
    hung = rehung(rig, parents)
    score = share * order_share(hung, roles) * (0.9 + 0.1 * _spine_share(hung, roles, spine))
    roles = _with_root(hung, roles)
    switches = {path: value for path, value in layout.switches.items() if path.split('"')[1] in rig.bones}
    whole = hung.with_(roles=roles, switches=switches)
    what = f"{layout.family}, {layout.name}" if layout.name else layout.family
    doubts = () if layout.verified else (f'The preset "{what}" has not been tested on a real rig.',)
    deform = {joint: at[n.lower()] for joint, n in layout.deform.items() if n.lower() in at}
    return Recognition(layout.family, whole, float(score), doubts, deform=deform)


def order_share(rig: Rig, roles) -> float:
    """Share of the parts whose bone hangs, at any distance, from that of the nearest part above."""
    placed = [(_bone_above(joint, roles), roles[joint][0]) for joint in JOINTS if joint in roles]
    checked = [_is_above(rig, above, bone) for above, bone in placed if above]
    return float(np.mean(checked)) if checked else 0.0


def absent(roles) -> tuple:
    """The parts nothing works without that have no bone, in words."""
    return tuple(in_words(joint) for joint in REQUIRED if joint not in roles)


def in_words(joint: str) -> str:
    """ "upper_arm_l" -> "left upper arm"."""
    side = {"_l": "left ", "_r": "right "}.get(joint[-2:], "")
    return side + (joint[:-2] if side else joint).replace("_", " ")


def rehung(rig: Rig, parents: dict) -> Rig:
    """`rig` with some bones' parents replaced, its bones sorted anew where that needs it."""
    index = rig.parents.copy()
    for bone, parent in parents.items():
        index[rig.index(bone)] = rig.index(parent)
    if not (index >= np.arange(len(rig))).any():
        return rig.with_(parents=index)
    order, seen = [], set()

    def place(bone):
        if bone >= 0 and bone not in seen:
            seen.add(bone)
            place(index[bone])
            order.append(int(bone))

    for bone in range(len(rig)):
        place(bone)
    new = np.empty(len(rig) + 1, int)
    new[order], new[-1] = np.arange(len(rig)), -1
    changes = {name: getattr(rig, name)[order] for name in (
        "rest", "tails", "locked", "deform", "inherit_rotation", "local_location")}  # fmt: skip
    return rig.with_(
        bones=tuple(rig.bones[i] for i in order),
        rotation_mode=tuple(rig.rotation_mode[i] for i in order),
        parents=new[index[order]],
        **changes,
    )


def _generic(rig, roles, family, cap, doubts=()):
    body = [joint for joint in JOINTS if joint not in ("spine1", "spine2")]
    share = np.mean([joint in roles for joint in body])
    roles = _with_root(rig, roles)
    score = cap * share * order_share(rig, roles)
    return Recognition(family, rig.with_(roles=roles, switches={}), float(score), tuple(doubts))


def _with_doubts(found: Recognition) -> Recognition:
    rig, roles = found.rig, found.rig.roles
    missing = tuple(in_words(joint) for joint in _WORTH_A_WORD if joint not in roles)
    if not any(joint in roles for joint in tables.SPINE):
        missing += ("spine",)
    doubts = list(found.doubts)
    for joint in JOINTS:
        above = _bone_above(joint, roles)
        if joint in roles and above and not _is_above(rig, above, roles[joint][0]):
            doubts.append(f'The {in_words(joint)} "{roles[joint][0]}" does not hang from "{above}".')
    heads = np.array([rig.world[:3, :3] @ rig.rest[rig.index(roles[j][0]), :3, 3] for j in ("thigh_l", "thigh_r")])
    across = heads[0] - heads[1]
    if across[0] < 0.7 * np.linalg.norm(across):
        doubts.append("At rest the character does not face -Y, or left and right are swapped.")
    return Recognition(found.family, rig, round(found.score, 3), tuple(doubts), missing, found.deform)


def _not_humanoid(rig, roles, way_out):
    what = rig.name or "This armature"
    gaps = ", ".join(f"no {part}" for part in absent(roles))
    return BadInput("not_humanoid", f'"{what}" is not recognised as a humanoid: {gaps}.', way_out)


def _bone_above(joint, roles):
    """The last bone of the nearest part above `joint` that has one."""
    parent = _parent_of(joint)
    while parent:
        if parent in roles:
            return roles[parent][-1]
        parent = _parent_of(parent)
    return None


def _parent_of(joint):
    if joint in JOINTS:
        parent = PARENTS[JOINTS.index(joint)]
        return JOINTS[parent] if parent >= 0 else None
    if joint == "root":
        return None
    finger, side = joint[:-2], joint[-2:]
    number = int(finger[-1])
    return f"{finger[:-1]}{number - 1}{side}" if number > 1 else f"hand{side}"


def _is_above(rig, above, bone):
    above, bone = rig.index(above), rig.index(bone)
    while bone >= 0 and bone != above:
        bone = rig.parents[bone]
    return bone == above


def _spine_share(rig, roles, spine):
    """How much of the way from pelvis to chest the layout's spine covers: tells families of like names apart."""
    if not spine or "pelvis" not in roles or not _is_above(rig, roles["pelvis"][0], spine[-1]):
        return 1.0
    steps, bone, top = 0, rig.index(spine[-1]), rig.index(roles["pelvis"][0])
    while bone != top:
        steps, bone = steps + 1, rig.parents[bone]
    # bones of the chain above the last named one that still carry both arms
    arms = [rig.index(roles[j][0]) for j in ("clavicle_l", "upper_arm_l") if j in roles][:1]
    bone = rig.parents[arms[0]] if arms else -1
    above = 0
    while bone >= 0 and bone != rig.index(spine[-1]):
        above, bone = above + 1, rig.parents[bone]
    return len(spine) / max(steps + (above if bone >= 0 else 0), 1)


def _with_root(rig, roles):
    """`roles` with the topmost bone above the pelvis as `root`, where it is not known already."""
    if "pelvis" not in roles:
        return roles
    bone = rig.index(roles["pelvis"][0])
    while rig.parents[bone] >= 0:
        bone = rig.parents[bone]
    root = rig.bones[bone]
    roles = {joint: bones for joint, bones in roles.items() if joint != "root"}
    return roles if root == roles["pelvis"][0] else {"root": (root,), **roles}
