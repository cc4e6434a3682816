"""Roles by the words in bones' names: "LeftUpLeg", "thigh.L", "l_upper_leg", "J_Bip_L_UpperLeg".

Within a limb the tree decides between several bones that answer to the same word.
"""

from __future__ import annotations

import re

from ..motion.anatomy import side, words
from ..motion.types import Rig
from .tables import FINGERS, deal_spine, plain

# by word, the better name first; of several bones with one word the highest in the tree, or where the word
# may mean the bone above as well (the last entry's `True`), the lowest
_WORDS = {
    "thigh": ((r"thigh|femur|up ?leg|upper ?leg|leg upper", False), (r"hip", True), (r"leg", False)),
    "shin": (
        (r"shin|calf|tibia|lower ?leg|low ?leg|leg lower|knee", False),
        (r"(?<!up )(?<!upper )leg(?! upper)", False),
    ),
    "foot": ((r"foot|ankle", False),),
    "toe": ((r"toes?|ball", False),),
    "forearm": ((r"fore ?arm|lower ?arm|low ?arm|arm lower|elbow|radius|ulna", False),),
    "upper_arm": ((r"upper ?arm|up ?arm|arm upper|shldr|humerus|bicep", False), (r"arm", False), (r"shoulder", True)),
    "clavicle": ((r"clavicle|collar|collar ?bone|scapula", False), (r"shoulder", False)),
    "hand": ((r"hand|wrist", False),),
}
_HIPS = r"hips?|pelvis"
_HEAD = r"head"
_HELPERS = re.compile(
    r"\b(ik|pole|targets?|ctrl|control|roll|twist|helper|mch|org|wgt|vis|tweak|end|nub|site|slot|socket|prop|weapon"
    r"|bend|jiggle|muscle|pivot|effector|goal|swing|heel|master|offset|share|aux|support|attach|metacarpal|palm)\b"
)


def roles_by_words(rig: Rig) -> dict:
    """{joint: (bone, ...)} as far as the names tell; joints nobody answers to are left out."""
    tree = _Tree(rig)
    roles = {}
    for s in "lr":
        roles.update({f"{joint}_{s}": bone for joint, bone in _leg(tree, s) if bone is not None})
        roles.update({f"{joint}_{s}": bone for joint, bone in _arm(tree, s) if bone is not None})
    roles.update(_trunk(tree, roles))
    return {joint: tree.names(bones) for joint, bones in roles.items()}


class _Tree:
    def __init__(self, rig: Rig):
        self.rig = rig
        self.parents = [int(p) for p in rig.parents]
        self.words = [words(name) for name in plain_case(rig.bones)]
        self.sides = [side(name) for name in plain_case(rig.bones)]
        self.depth = []
        for parent in rig.parents:
            self.depth.append(self.depth[parent] + 1 if parent >= 0 else 0)

    def names(self, bones) -> tuple:
        return tuple(self.rig.bones[b] for b in ([bones] if isinstance(bones, int) else bones))

    def above(self, bone) -> list:
        """Bones from the parent of `bone` up to its root."""
        out = []
        while self.parents[bone] >= 0:
            bone = self.parents[bone]
            out.append(bone)
        return out

    def is_above(self, a, b) -> bool:
        return a in self.above(b)

    def named(self, pattern, wanted_side, among=None) -> list:
        return [
            b
            for b in (range(len(self.words)) if among is None else among)
            if self.sides[b] == wanted_side
            and re.search(rf"\b({pattern})\b", self.words[b])
            and not _HELPERS.search(self.words[b])
        ]

    def pick(self, joint, s, among=None):
        for pattern, lowest in _WORDS[joint]:
            found = self.named(pattern, s, among)
            if found:
                return min(found, key=lambda b: (-self.depth[b] if lowest else self.depth[b], len(self.words[b])))
        return None

    def below(self, bone) -> list:
        inside = [False] * len(self.parents)
        for b in range(bone + 1, len(self.parents)):  # parents come first
            inside[b] = self.parents[b] == bone or (self.parents[b] >= 0 and inside[self.parents[b]])
        return [b for b, found in enumerate(inside) if found]


def plain_case(names) -> list:
    """Names without namespaces and common beginnings, their capitals kept: words are cut at them."""
    return [name[len(name) - len(short) :] for name, short in zip(names, plain(names))]


def _leg(tree, s):
    shin = tree.pick("shin", s)
    if shin is None:
        return []
    thigh = tree.pick("thigh", s, tree.above(shin))
    foot = tree.pick("foot", s, tree.below(shin))
    if foot is None:
        # driven by IK from elsewhere in the tree
        foot = tree.pick("foot", s)
    toe = tree.pick("toe", s, tree.below(foot)) if foot is not None else None
    return [("thigh", thigh), ("shin", shin), ("foot", foot), ("toe", toe)]


def _arm(tree, s):
    forearm = tree.pick("forearm", s)
    if forearm is None:
        return []
    above = tree.above(forearm)
    upper_arm = tree.pick("upper_arm", s, above)
    if upper_arm is None:
        return [("forearm", forearm)]
    clavicle = tree.pick("clavicle", s, tree.above(upper_arm))
    hand = tree.pick("hand", s, tree.below(forearm))
    found = [("clavicle", clavicle), ("upper_arm", upper_arm), ("forearm", forearm), ("hand", hand)]
    return found + _fingers(tree, s, hand if hand is not None else forearm)


def _fingers(tree, s, hand):
    out = []
    for finger in FINGERS:
        pattern = {"middle": "middle|mid", "pinky": "pinky|little"}.get(finger, finger)
        bones = [b for b in tree.named(pattern, s, tree.below(hand)) if "in hand" not in tree.words[b]]
        out += [(f"{finger}{i}", bone) for i, bone in enumerate(sorted(bones, key=lambda b: tree.depth[b])[:3], 1)]
    return out


def _trunk(tree, limbs):
    """pelvis, spine, neck and head between the limbs found."""
    thighs = [limbs[j] for j in ("thigh_l", "thigh_r") if j in limbs]
    arms = [limbs.get(f"clavicle_{s}", limbs.get(f"upper_arm_{s}")) for s in "lr"]
    if len(thighs) < 2 or None in arms:
        return {}
    chest = _meeting(tree, arms)
    base = _meeting(tree, [*thighs, chest]) if chest is not None else None
    if base is None:
        return {}
    # a bone called hips that carries legs and trunk; else whatever carries both
    hips = [b for b in tree.named(_HIPS, "", [base, *tree.above(base)])]
    pelvis = hips[0] if hips else base
    roles = {"pelvis": pelvis}
    way = [b for b in [chest, *tree.above(chest)] if tree.is_above(pelvis, b)][::-1]
    roles.update(deal_spine(way))
    heads = tree.named(_HEAD, "", tree.below(chest))
    if heads:
        head = min(heads, key=lambda b: (tree.depth[b], len(tree.words[b])))
        roles["head"] = head
        neck = [b for b in tree.above(head) if tree.is_above(chest, b)][::-1]
        if neck:
            roles["neck"] = tuple(neck)
    return roles


def _meeting(tree, bones):
    """The lowest bone that all of `bones` hang from or are."""
    ways = [[b, *tree.above(b)] for b in bones]
    return next((b for b in ways[0] if all(b in way for way in ways[1:])), None)
