"""Roles by the shape of the tree alone, for rigs whose names say nothing."""

from __future__ import annotations

import numpy as np

from ..motion.anatomy import children_of, find_limbs
from ..motion.types import Rig
from ..motion.upright import left_of
from .match import rehung
from .tables import deal_spine

_LEG = (None, "thigh", "shin", "foot", "toe")
_ARM = ("clavicle", "upper_arm", "forearm", "hand", None)
# an arm or leg begins this far off the middle, as a share of a hip joint's distance from it
_ASIDE = 0.6
# what begins nearer to the middle than this share of the body's size has not left it
_MIDDLE = 1e-3
# a hand or foot forks into at least so many bones
_FORK = 3
# a limb cut into more bones is a little less likely, for each
_MERGED = 0.9
# a foot turns this far off the leg (cosine)
_AHEAD = 0.9
# parts of a body whose lengths differ by less than this share are a pair
_TWIN = 0.005
# loose parts shorter than this share of the trunk stay loose
_SMALL = 0.12
# fewer bones than this that deform are no body
_FEWEST = 10
_CONTROLLED = "These bones carry the mesh; if other bones control them, choose those by hand."


def roles_by_shape(rig: Rig):
    """({joint: (bone, ...)}, doubts), empty where there are no two pairs of limbs on a spine.

    Sides are told by names where those say left and right, else by where the toes point.
    """
    deforming = _deforming(rig)
    if deforming is not None:
        roles, doubts = _roles(_joined(deforming))
        if roles:
            return roles, (*doubts, _CONTROLLED)
    return _roles(rig)


def _roles(rig: Rig):
    heads = rig.rest[:, :3, 3] @ rig.world[:3, :3].T + rig.world[:3, 3]
    tails = rig.tails @ rig.world[:3, :3].T + rig.world[:3, 3]
    limbs = find_limbs(rig.bones, rig.parents, heads, tails)
    if limbs is None:
        return {}, ()
    children = children_of([int(p) for p in rig.parents])
    doubts = ["The bones' names say nothing: parts were told by the shape of the skeleton."]
    legs, arms = limbs.legs, limbs.arms
    left = left_of(limbs, heads, tails, np.array([0.0, 0.0, 1.0]))
    if not limbs.sided:
        doubts.append("Left and right were told by where the feet point.")
        legs, arms = (_left_first(pair, heads, left) for pair in (legs, arms))
    roles = {"pelvis": limbs.spine[:1], **deal_spine(limbs.spine[1:])}
    if limbs.head:
        # the head is the longest bone above the chest, what lies below it the neck
        top = int(np.argmax([np.linalg.norm(tails[j] - heads[j]) for j in limbs.head]))
        roles["head"] = limbs.head[top : top + 1]
        if top:
            roles["neck"] = limbs.head[:top]
    for side, leg, arm in zip("lr", legs, arms):
        fork = [len(children[joint]) >= _FORK for joint in leg]
        found = _limb(leg, fork, limbs.spine[0], heads, tails, left, _MIDDLE * np.ptp(heads, axis=0).max(), _LEG)
        width = abs((heads[found["thigh"]] - heads[limbs.spine[0]]) @ left) if found else 0.0
        fork = [len(children[joint]) >= _FORK for joint in arm]
        found.update(_limb(arm, fork, limbs.spine[-1], heads, tails, left, _ASIDE * width, _ARM))
        roles.update({f"{joint}_{side}": (bone,) for joint, bone in found.items()})
    return {joint: tuple(rig.bones[b] for b in bones) for joint, bones in roles.items()}, tuple(doubts)


def _left_first(pair, heads, left):
    first, second = (np.mean(heads[list(chain)], axis=0) for chain in pair)
    return pair if (first - second) @ left > 0 else pair[::-1]


def _deforming(rig: Rig):
    """The bones that carry the mesh, each hung from the nearest such bone above; None where all or few do."""
    keep = np.flatnonzero(rig.deform)
    if len(keep) == len(rig) or len(keep) < _FEWEST:
        return None
    number = {int(bone): i for i, bone in enumerate(keep)}
    parents = []
    for bone in keep:
        above = int(rig.parents[bone])
        while above >= 0 and above not in number:
            above = int(rig.parents[above])
        parents.append(number.get(above, -1))
    return Rig(tuple(rig.bones[i] for i in keep), parents, rig.rest[keep], rig.tails[keep], rig.world, name=rig.name)


def _joined(rig: Rig) -> Rig:
    """`rig` as one tree: where constraints alone hold parts together, each hangs from the bone nearest to its root.

    The trunk, to which all but the bits of a face are joined, is the longest part that has no twin.
    """
    parents = [int(p) for p in rig.parents]
    heads, tails = rig.rest[:, :3, 3], rig.tails
    part = np.arange(len(rig))
    for bone, parent in enumerate(parents):
        part[bone] = part[parent] if parent >= 0 else bone
    roots = np.unique(part)
    if len(roots) == 1:
        return rig
    steps = np.linalg.norm(tails - heads, axis=-1)
    lengths = np.array([steps[part == root].sum() for root in roots])
    twin = np.abs(lengths[:, None] - lengths) < _TWIN * lengths[:, None]
    paired = twin.sum(axis=1) > 1
    if paired.all():
        return rig
    trunk = roots[np.argmax(np.where(paired, 0.0, lengths))]
    # a left collar bone may begin nearer to the right one than to the spine
    away = np.where(twin[:, np.searchsorted(roots, part)], np.inf, _distances(heads[roots], heads, tails))
    inside, joins = part == trunk, {}
    left = (lengths > _SMALL * lengths.max(where=roots == trunk, initial=0.0)) & (roots != trunk)
    while left.any():
        k, bone = np.unravel_index(np.argmin(np.where(left[:, None] & inside, away, np.inf)), away.shape)
        joins[rig.bones[roots[k]]] = rig.bones[bone]
        inside |= part == roots[k]
        left[k] = False
    return rehung(rig, joins)


def _distances(points, heads, tails):
    """(P,B) from each point to each bone, as a line from head to tail."""
    along = tails - heads
    from_head = points[:, None] - heads
    share = np.einsum("pbi,bi->pb", from_head, along) / np.maximum(np.sum(along**2, axis=-1), 1e-12)
    return np.linalg.norm(from_head - np.clip(share, 0.0, 1.0)[..., None] * along, axis=-1)


def _limb(chain, fork, base, heads, tails, left, least, joints):
    """{joint: bone} of a limb of which upper and lower part may be cut into several bones each.

    The limb begins more than `least` metres aside of `base`.  It ends where a foot turns forward, else where fingers
    or toes fork; else its two longest neighbouring bones are taken.
    """
    before, upper, lower, end, tip = joints
    points = np.vstack([heads[list(chain)], tails[chain[-1]]])
    first = int(np.argmax(np.abs((points - heads[base]) @ left) > least))
    if len(chain) - first < 2:
        return {}
    forks = [k for k in range(first + 2, len(chain)) if fork[k]]
    turns = [k for k in range(first + 2, len(chain)) if tip and _turns(points, first, k)]
    ends = turns or forks
    if ends:
        i, j, k = max(_cuts(first, ends[0]), key=lambda cut: _evenness(points, *cut))
    else:
        steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)
        i = first + int(np.argmax(steps[first:-1] + steps[first + 1 :]))
        j, k = i + 1, i + 2
    places = {before: 0 if i else -1, upper: i, lower: j, end: k, tip: k + 1}
    return {joint: chain[at] for joint, at in places.items() if joint and 0 <= at < len(chain)}


def _cuts(first, end):
    """All (i, j, k): a limb from i, bent at j, that ends at k."""
    return [(i, j, end) for i in range(first, end - 1) for j in range(i + 1, end)]


def _evenness(points, i, j, k):
    """The limb's length times the ratio of its parts: largest for a long limb of two straight, equal parts."""
    straight = [np.linalg.norm(points[b] - points[a]) for a, b in ((i, j), (j, k))]
    along = np.linalg.norm(np.diff(points[i : k + 1], axis=0), axis=-1).sum()
    return sum(straight) ** 2 / max(along, 1e-9) * min(straight) / max(*straight, 1e-9) * _MERGED ** (k - i - 2)


def _turns(points, first, k):
    """Whether the chain leaves the limb's direction at k, as a foot does."""
    down, on = points[k] - points[first], points[k + 1] - points[k]
    return down @ on < _AHEAD * np.linalg.norm(down) * np.linalg.norm(on)
