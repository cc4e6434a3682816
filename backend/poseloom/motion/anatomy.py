"""Where the legs, arms and head of a tree of joints are, by its shape; and which side a name means.

Nothing here needs the tree to stand in a sensible pose: lengths and branches decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

_LEFT = re.compile(r"(^|[^a-z])(l|left|lft)($|[^a-z])", re.I)
_RIGHT = re.compile(r"(^|[^a-z])(r|right|rgt)($|[^a-z])", re.I)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
# "lthigh", "rforearm": a side without a separator, before a part's name
_GLUED = re.compile(
    r"^([lr])(?=(thigh|femur|calf|shin|tibia|foot|ankle|toe|hip|knee|leg|arm|fore|up|low(er)?(arm|leg)|humerus|radius"
    r"|shoulder|shldr|clav|collar|elbow|wrist|hand|finger|thumb|index|mid|ring|pinky|buttock))"
)
# an equal pair may differ by this share of its length: people are not quite symmetric
_PAIR_TOLERANCE = 0.15
# hair and skirts have many equal strands: only so many pairs are tried, those with named sides and the longest first
_MOST_PAIRS = 40
# a limb is at least this share of the longest path in the tree
_LIMB_SHARE = 0.2


def words(name: str) -> str:
    """A name cut into lower-case words: "LeftUpLeg" -> "left up leg", "thigh.L" -> "thigh l"."""
    name = re.sub(r"^(left|right)(?=[a-z])", lambda m: m.group(0) + " ", name.strip(), flags=re.I)
    name = _GLUED.sub(r"\1 ", name)
    name = _CAMEL.sub(" ", name)
    return " ".join(re.split(r"[^A-Za-z0-9]+", name.lower())).strip()


def side(name: str) -> str:
    """ "l", "r" or "" by the words of a bone's name."""
    text = words(name)
    left, right = bool(_LEFT.search(text)), bool(_RIGHT.search(text))
    return "" if left == right else "l" if left else "r"


@dataclass(frozen=True)
class Limbs:
    """Chains of joint numbers from body to tip; `left`/`right` None where names do not tell.

    legs and arms are pairs of chains, the left one first if sides are known; spine runs from the joint that
    carries the legs to the one that carries the arms; head from there upwards (may be empty).
    """

    legs: tuple
    arms: tuple
    spine: tuple
    head: tuple
    sided: bool


def children_of(parents: Sequence[int]) -> list:
    children = [[] for _ in parents]
    for joint, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(joint)
    return children


def reach_of(parents, heads, tails) -> np.ndarray:
    """(B,) longest way along bones from each joint to a tip below it."""
    heads, tails = np.asarray(heads, np.float64), np.asarray(tails, np.float64)
    reach = np.zeros(len(parents))
    has_child = np.zeros(len(parents), bool)
    has_child[[p for p in parents if p >= 0]] = True
    for joint in reversed(range(len(parents))):
        if not has_child[joint]:
            reach[joint] = np.linalg.norm(tails[joint] - heads[joint])
        parent = parents[joint]
        if parent >= 0:
            reach[parent] = max(reach[parent], reach[joint] + np.linalg.norm(heads[joint] - heads[parent]))
    return reach


def find_limbs(names, parents, heads, tails) -> Optional[Limbs]:
    """The limbs of a humanoid tree, or None where no two pairs of limbs hang on one spine.

    names (B); parents (B,) sorted; heads and tails (B,3), any unit and any pose.
    """
    parents = [int(p) for p in parents]
    if not parents:
        return None
    heads = np.asarray(heads, np.float64)
    children, reach = children_of(parents), reach_of(parents, heads, tails)
    step = np.array([np.linalg.norm(heads[j] - heads[p]) if p >= 0 else 0.0 for j, p in enumerate(parents)])
    total = reach + step
    longest = max(total.max(), 1e-9)
    pairs = [pair for joint in range(len(parents)) for pair in _pairs(children[joint], total, names, longest, children)]
    pairs = sorted(pairs, key=lambda pair: (not side(names[pair[0]]), -total[list(pair)].mean()))[:_MOST_PAIRS]
    best = None
    for legs in pairs:
        for arms in pairs:
            spine = _path(parents, parents[arms[0]], parents[legs[0]])
            if spine is None or len(spine) < 2 or set(spine) & set(legs):
                continue
            score = total[list(legs)].mean() + total[list(arms)].mean()
            if _hang(legs, spine, heads, tails, children, total):
                score *= 2.0
            if best is None or score > best[0]:
                best = (score, legs, arms, spine)
    if best is None:
        return None
    _, legs, arms, spine = best
    above = [c for c in children[spine[-1]] if c not in arms and not side(names[c])]
    above = above or [c for c in children[spine[-1]] if c not in arms]
    head = _longest_chain(max(above, key=lambda c: total[c]), children, total) if above else ()
    legs, sided = _left_first([_longest_chain(c, children, total) for c in legs], names)
    arms, arms_sided = _left_first([_longest_chain(c, children, total) for c in arms], names)
    return Limbs(legs, arms, tuple(spine), tuple(head), sided and arms_sided)


def _pairs(joints, total, names, longest, children):
    for i, a in enumerate(joints):
        for b in joints[i + 1 :]:
            if min(total[a], total[b]) < _LIMB_SHARE * longest:
                continue
            sides = {_side_below(a, names, children), _side_below(b, names, children)}
            alike = abs(total[a] - total[b]) < _PAIR_TOLERANCE * max(total[a], total[b])
            # a limb has a joint in it
            if alike and sides in ({"l", "r"}, {""}) and children[a] and children[b]:
                yield a, b


def _hang(legs, spine, heads, tails, children, total) -> bool:
    """Whether the legs point away from the chest at rest, as those of controls often do not."""
    up = heads[spine[-1]] - heads[spine[0]]
    ways = [tails[_longest_chain(leg, children, total)[-1]] - heads[leg] for leg in legs]
    return all(up @ way < -0.5 * np.linalg.norm(up) * np.linalg.norm(way) for way in ways)


def _side_below(joint, names, children) -> str:
    while True:
        found = side(names[joint])
        if found or not children[joint]:
            return found
        joint = children[joint][0]


def _path(parents, low, high):
    """Joints from `high` down to `low`, or None where high is not above low."""
    path = [low]
    while path[-1] != high:
        if parents[path[-1]] < 0:
            return None
        path.append(parents[path[-1]])
    return path[::-1]


def _longest_chain(joint, children, total):
    chain = [joint]
    while children[chain[-1]]:
        chain.append(max(children[chain[-1]], key=lambda c: total[c]))
    return tuple(chain)


def _left_first(chains, names):
    sides = [next((s for s in (side(names[j]) for j in chain) if s), "") for chain in chains]
    if sides == ["r", "l"]:
        chains = chains[::-1]
    return tuple(chains), set(sides) == {"l", "r"}
