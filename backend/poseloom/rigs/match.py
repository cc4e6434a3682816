"""How well a layout's names fit a rig, and what is doubtful about an assignment of parts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Mapping

import numpy as np

from ..motion.skeleton import JOINTS, parent_of
from ..motion.types import Rig
from . import tables

# without these nothing can be animated
REQUIRED = ("pelvis", *(f"{j}_{s}" for j in ("thigh", "shin", "upper_arm", "forearm") for s in "lr"))
_WORTH_A_WORD = ("head", "neck", *(f"{j}_{s}" for j in ("foot", "hand", "clavicle", "toe") for s in "lr"))
# left and right limbs that differ by more than this share of the longer one are doubted
_UNEVEN = 0.25
# feet whose toes lie this far forward or back tell where the front is (cosine); hips whose left lies this far along +X
# face -Y (cosine)
_POINTS, _FACING = 0.3, 0.7
# an object's largest scale may be this much of its smallest
_EVEN = 1.02
_SEGMENTS = (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))


@dataclass(frozen=True)
class Recognition:
    """A rig with its parts named.

    family "mixamo" ..., "by names" or "by shape"; rig with roles, switches and effective parents; score 0..1;
    doubts: sentences for the user; missing: the body's parts that have no bone, in words;
    deform {joint: bone} where other bones than the roles carry the mesh; parents {bone: what it follows} where
    that is not the bone it hangs from.
    """

    family: str
    rig: Rig
    score: float
    doubts: tuple = ()
    missing: tuple = ()
    deform: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)


class Names:
    """A rig's names as presets compare them, worked out once for all layouts."""

    def __init__(self, rig: Rig):
        self.rig = rig
        self.number = {bone: i for i, bone in enumerate(rig.bones)}
        self.parents = [int(p) for p in rig.parents]
        self._plain: dict = {}

    def at(self, prefix: str) -> dict:
        """{plain name: bone}; the first of several bones with one plain name, and every bone by its full name."""
        if prefix not in self._plain:
            found: dict = {}
            for bone, name in zip(self.rig.bones, tables.plain(self.rig.bones, prefix)):
                found.setdefault(name, bone)
            for bone in self.rig.bones:
                found.setdefault(bone.lower(), bone)
            self._plain[prefix] = found
        return self._plain[prefix]

    @property
    def fingerprint(self) -> str:
        """The same for every rig with these bones, whatever its prefix, order and size."""
        names = sorted(tables.plain(self.rig.bones))
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Fit:
    """A layout on a rig: score 0..1; roles; parents {bone: what it follows}; `exact` where a user saved this rig."""

    layout: tables.Layout
    score: float
    roles: Mapping[str, tuple]
    parents: Mapping[str, str]
    exact: bool

    @property
    def rank(self):
        return self.exact, round(self.score, 6), sum(joint in self.roles for joint in JOINTS)


def fit(names: Names, layout: tables.Layout) -> Fit:
    """The share of the layout's parts found, times the share of them that hang in the right order."""
    at = names.at(layout.prefix)

    def bones(wanted):
        return tuple(at[n.lower()] for n in wanted if n.lower() in at)

    roles = {joint: found for joint, wanted in layout.roles.items() if (found := bones(wanted))}
    spine = bones(layout.spine)
    roles.update(tables.deal_spine(spine))
    wanted = [joint for joint in layout.roles if joint in JOINTS]
    share = sum(joint in roles for joint in wanted) + bool(spine)
    share /= len(wanted) + bool(layout.spine)
    followed = {bones([k])[0]: bones([v])[0] for k, v in layout.parents.items() if bones([k]) and bones([v])}
    parents = list(names.parents)
    for bone, other in followed.items():
        parents[names.number[bone]] = names.number[other]
    tree = Tree(names.number, parents)
    score = share * tree.order_share(roles) * (0.9 + 0.1 * tree.spine_share(roles, spine))
    return Fit(layout, float(score), roles, followed, bool(layout.of) and layout.of == names.fingerprint)


def recognition(names: Names, found: Fit) -> Recognition:
    """The whole answer for the layout that fits best."""
    layout, at = found.layout, names.at(found.layout.prefix)
    rig = rehung(names.rig, found.parents)
    switches = {path: value for path, value in layout.switches.items() if path.split('"')[1] in names.number}
    what = f"{layout.family}, {layout.name}" if layout.name else layout.family
    doubts = () if layout.verified else (f'The preset "{what}" has not been tested on a real rig.',)
    lost = [in_words(joint) for joint in layout.roles if joint in tables.IK and joint not in found.roles]
    if lost:
        doubts += (f"There is no control for: {', '.join(lost)}.",)
    deform = {joint: at[n.lower()] for joint, n in layout.deform.items() if n.lower() in at}
    whole = rig.with_(roles=with_root(rig, found.roles), switches=switches)
    return checked(Recognition(layout.family, whole, found.score, doubts, (), deform, found.parents))


class Tree:
    """Who hangs from whom, by number, with a look-up of names."""

    def __init__(self, number: Mapping[str, int], parents):
        self.number, self.parents = number, parents

    def is_above(self, above: str, bone: str) -> bool:
        """Whether `bone` is `above` or hangs from it at any distance."""
        above, bone = self.number[above], self.number[bone]
        while bone >= 0 and bone != above:
            bone = self.parents[bone]
        return bone == above

    def order_share(self, roles) -> float:
        """Share of the parts whose bone hangs, at any distance, from that of the nearest part above."""
        placed = [(bone_above(joint, roles), roles[joint][0]) for joint in JOINTS if joint in roles]
        right = [self.is_above(above, bone) for above, bone in placed if above]
        return sum(right) / len(right) if right else 0.0

    def spine_share(self, roles, spine) -> float:
        """How much of the way from pelvis to chest the layout's spine covers: tells families of like names apart."""
        if not spine or "pelvis" not in roles or not self.is_above(roles["pelvis"][0], spine[-1]):
            return 1.0
        steps, bone, top = 0, self.number[spine[-1]], self.number[roles["pelvis"][0]]
        while bone != top:
            steps, bone = steps + 1, self.parents[bone]
        # bones of the chain above the last named one that still carry both arms
        arms = [self.number[roles[j][0]] for j in ("clavicle_l", "upper_arm_l") if j in roles][:1]
        bone, above = self.parents[arms[0]] if arms else -1, 0
        while bone >= 0 and bone != self.number[spine[-1]]:
            above, bone = above + 1, self.parents[bone]
        return min(len(spine) / max(steps + (above if bone >= 0 else 0), 1), 1.0)


def tree_of(rig: Rig) -> Tree:
    return Tree({bone: i for i, bone in enumerate(rig.bones)}, [int(p) for p in rig.parents])


def absent(roles) -> tuple:
    """The parts nothing works without that have no bone, in words."""
    return tuple(in_words(joint) for joint in REQUIRED if joint not in roles)


def in_words(joint: str) -> str:
    """ "upper_arm_l" -> "left upper arm"."""
    side = {"_l": "left ", "_r": "right "}.get(joint[-2:], "")
    return side + (joint[:-2] if side else joint).replace("_ik", " IK").replace("_", " ")


def checked(found: Recognition) -> Recognition:
    """`found` with what is missing, and with doubts about order, sides and lengths."""
    rig, roles = found.rig, found.rig.roles
    missing = tuple(in_words(joint) for joint in _WORTH_A_WORD if joint not in roles)
    if not any(joint in roles for joint in tables.SPINE):
        missing += ("spine",)
    doubts, tree = list(found.doubts), tree_of(rig)
    for joint in JOINTS:
        above = bone_above(joint, roles)
        if joint in roles and above and not tree.is_above(above, roles[joint][0]):
            doubts.append(f'The {in_words(joint)} "{roles[joint][0]}" does not hang from "{above}".')
    heads = {joint: rig.world[:3, :3] @ rig.rest[tree.number[bones[0]], :3, 3] for joint, bones in roles.items()}
    if _swapped(rig, heads):
        doubts.append("Left and right are swapped, or the feet point backwards at rest.")
    size = np.linalg.svd(rig.world[:3, :3], compute_uv=False)
    if size.max() > _EVEN * size.min():
        doubts.append("The object is scaled unevenly, so parts change their size as they turn: apply its scale first.")
    for upper, lower in _SEGMENTS:
        ends = [(f"{upper}_{s}", f"{lower}_{s}") for s in "lr"]
        if all(joint in heads for pair in ends for joint in pair):
            left, right = (np.linalg.norm(heads[a] - heads[b]) for a, b in ends)
            if abs(left - right) > _UNEVEN * max(left, right):
                doubts.append(f"Left and right {upper.replace('_', ' ')} differ in length: is the right bone found?")
    return Recognition(
        found.family, rig, round(found.score, 3), tuple(doubts), missing, found.deform, found.parents
    )


def _swapped(rig: Rig, heads) -> bool:
    """Whether the feet point where the back is, if left and right are what they are called.

    How the object is turned says nothing.  Without toes that point anywhere, a character faces -Y of the world or of
    its armature.
    """
    across = heads["thigh_l"] - heads["thigh_r"]
    up = np.mean([heads["upper_arm_l"] - heads["thigh_l"], heads["upper_arm_r"] - heads["thigh_r"]], axis=0)
    front = np.cross(across, up)
    toes = [heads[f"toe_{s}"] - heads[f"foot_{s}"] for s in "lr" if {f"toe_{s}", f"foot_{s}"} <= heads.keys()]
    pointing = np.sum(toes, axis=0) @ front / np.linalg.norm(front) if toes and front.any() else 0.0
    if abs(pointing) > _POINTS * sum(np.linalg.norm(toe) for toe in toes):
        return bool(pointing < 0.0)
    turn = rig.world[:3, :3]
    yaw = np.arctan2(turn[1, 0] - turn[0, 1], turn[0, 0] + turn[1, 1])
    aligned = across[0] * np.cos(yaw) + across[1] * np.sin(yaw)
    return max(across[0], aligned) < _FACING * np.linalg.norm(across)


def rehung(rig: Rig, parents: Mapping[str, str]) -> Rig:
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


def bone_above(joint, roles):
    """The last bone of the nearest part above `joint` that has one; "" where there is none."""
    parent = parent_of(joint)
    while parent and parent not in roles:
        parent = parent_of(parent)
    return roles[parent][-1] if parent else ""


def with_root(rig: Rig, roles) -> dict:
    """`roles` with `root`: the bone known as such if it carries the pelvis, else the topmost bone above the pelvis."""
    if "pelvis" not in roles:
        return dict(roles)
    tree, pelvis = tree_of(rig), roles["pelvis"][0]
    known = roles.get("root", ("",))[0]
    bone = tree.number[pelvis]
    while tree.parents[bone] >= 0:
        bone = tree.parents[bone]
    root = known if known and known != pelvis and tree.is_above(known, pelvis) else rig.bones[bone]
    rest = {joint: bones for joint, bones in roles.items() if joint != "root"}
    return rest if root == pelvis else {"root": (root,), **rest}
