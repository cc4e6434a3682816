"""Where hips must be, and how legs must reach, so that the feet of one body stand as those of another."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from ..motion import contacts, quat
from ..motion.skeleton import FINGERS, global_rotations, local_rotations
from ..motion.types import Motion, Skeleton
from .feet import bend_toe, foot_goal
from .hands import fingertips, hand_goal, palms
from .limbs import ankles, leg_chain, leg_length
from .reach import Reach, give_way, joints, reach_out
from .tracks import bulged, smoothed

# how fast a foot's say in the height of the hips fades with its height, in leg lengths
_STANDING = 0.04
_TRUNK, _ARM = ("spine1", "spine2", "spine3"), ("clavicle", "upper_arm", "forearm", "hand")
# how far hips sink for a foot they are too far from, in leg lengths
_MOST_DOWN = 0.1
# by how much a leg is too short, in leg lengths, when its foot leaves the floor for the head's sake
_MOST_SHORT = 0.2
_FLIGHT, _CALM_HZ = 0.02, 3.0
_Z = np.eye(3)[2]


class Stance:
    """What of a skeleton decides how it stands: leg length, ankle height, width of the hips, shape of the feet.

    `under` as `soles.under` gives it, where the feet's mesh is known.
    """

    def __init__(self, skeleton: Skeleton, under=None):
        names, offsets = skeleton.names, np.asarray(skeleton.offsets, np.float64)
        self.offsets, self.legs = offsets, [leg_chain(names, side) for side in "lr"]
        arms = [[*_TRUNK, *(f"{n}_{side}" for n in _ARM)] for side in "lr"]
        self.arms = [tuple(names.index(joint) for joint in arm) for arm in arms]
        self.palms, self._skeleton = palms(skeleton), skeleton
        self.fingers = [[i for i, n in enumerate(names) if n in FINGERS and n.endswith(f"_{side}")] for side in "lr"]
        # the head: what is known of its mesh, or a ball from the neck to the crown
        self.crown = np.asarray(skeleton.tips[names.index("head")], np.float64)
        self.skull = under[2] if under else np.zeros((0, 3))
        self.neck = [names.index(joint) for joint in (*_TRUNK, "neck", "head")]
        # a rig without a hand has it where the forearm begins
        self.hands = [np.linalg.norm(offsets[arm[-1]]) > 1e-6 for arm in self.arms]
        self.leg = leg_length(names, offsets)
        self.hips = np.mean([offsets[leg[0]] for leg in self.legs], axis=0)
        self.width = np.ptp([offsets[leg[0]][0] for leg in self.legs]) / 2.0
        self.ankle = offsets[0, 2] + ankles(names, offsets)[:, 2].mean()
        points, toes = contacts.sole(skeleton), [offsets[names.index(f"toe_{side}")] for side in "lr"]
        self.toes = [names.index(f"toe_{side}") for side in "lr"]
        self.tips = np.asarray(skeleton.tips, np.float64)[self.toes]
        # heel and ball of each foot, from its ankle
        self.soles = [np.stack([points[k], toes[k] + points[2 + k]]) for k in (0, 1)]
        self.wide, self.under, self.under_toes = bool(under), list(self.soles), [tip[None] for tip in self.tips]
        # toes lie flat at this depth below their joint, where that is known
        self.flat = [-np.inf, -np.inf]
        for k, (heel, foot, toe) in enumerate(under[:2] if under else ()):
            self.soles[k][0, 1] = heel
            self.under[k] = np.concatenate([self.soles[k], foot])
            if len(toe):
                self.under_toes[k], self.flat[k] = toe, -toe[:, 2].min()

    @cached_property
    def fingertips(self):
        """As `hands.fingertips`."""
        return fingertips(self._skeleton)

    def joints(self, grot, root, side: int):
        """Hip, knee and ankle (T,3) of the left (0) or right (1) leg."""
        return joints(self.offsets, grot, root, self.legs[side])

    def head(self, grot, root):
        """(T,) how high the lowest point of the head is, or less where it is high above the floor."""
        height = joints(self.offsets, grot, root, self.neck)[-1][:, 2]
        head = grot[:, self.neck[-1]]
        if not len(self.skull):
            return height + 0.5 * quat.rotate(head, self.crown)[:, 2] - 0.5 * np.linalg.norm(self.crown)
        below = np.full(len(head), np.linalg.norm(self.skull, axis=-1).max())
        near = height < below
        below[near] = -(quat.to_matrix(head[near])[:, 2] @ self.skull.T).min(axis=-1)
        return height - below

    def hand_low(self, grot, root, side: int) -> bool:
        """Whether there is a hand that ever comes so low that its fingers may sink into the floor."""
        if not self.hands[side]:
            return False
        wrist = joints(self.offsets, grot, root, self.arms[side])[2]
        return wrist[:, 2].min(initial=np.inf) < np.linalg.norm(self.fingertips[side])

    def toe(self, grot, root, side: int):
        """The toe joint (T,3) and its tip (T,3)."""
        toe = self.toes[side]
        ball = self.joints(grot, root, side)[2] + quat.rotate(grot[:, self.legs[side][2]], self.offsets[toe])
        return ball, ball + quat.rotate(grot[:, toe], self.tips[side])

    def depth(self, foot, side: int):
        """(T,) how far the lowest point of a foot turned by `foot` (T,4) lies below its ankle, its toes laid flat."""
        toes = self.flat[side] - quat.rotate(foot, self.offsets[self.toes[side]])[..., 2]
        return np.maximum(-quat.rotate(foot[:, None], self.under[side])[..., 2].min(axis=-1), toes)


def travel(grot, root, source: Skeleton, target: Skeleton) -> np.ndarray:
    """The pelvis' place (T,3) on `target` that does what `root` (T,3) does on `source`.

    grot (T,J,4) global rotations, body joints first.  The middle of the hips is scaled by the leg length about
    the ankles, then shifted so that the lower foot is as high above the floor as it was, likewise scaled.  The
    same skeleton gives `root` back.
    """
    root = np.asarray(root, np.float64)
    a, b = Stance(source), Stance(target)
    scale = b.leg / max(a.leg, 1e-9)
    hips = root + quat.rotate(grot[:, 0], a.hips)
    moved = scale * (hips - a.ankle * _Z) + b.ankle * _Z - quat.rotate(grot[:, 0], b.hips)
    bodies = [(stance, place, k) for stance, place in ((a, root), (b, moved)) for k in (0, 1)]
    height = [s.joints(grot, r, k)[2][:, 2] - s.depth(grot[:, s.legs[k][2]], k) for s, r, k in bodies]
    wanted, got = scale * np.stack(height[:2], axis=-1), np.stack(height[2:], axis=-1)
    weight = np.exp((wanted.min(axis=-1, keepdims=True) - wanted) / (_STANDING * b.leg))
    return moved + (np.sum(weight * (wanted - got), axis=-1) / weight.sum(axis=-1))[:, None] * _Z


def plant(motion: Motion, grot, moved, target: Skeleton, under=None):
    """(grot, root) on `target` whose feet near the floor stand as in `motion`: they neither slide, sink nor float.

    grot (T,J,4) the motion's global rotations; `moved` what `travel` made of its root; `under` as `Stance` has it.
    First the feet get their tracks: near the floor a foot goes where the source's is, scaled by the leg length, and
    to its own side by as much as the hips are wider; while it rests (`motion.contact`) it stays in one place. So do
    hands, but only while they rest. Then the hips give way so that limbs keep their direction and stretch, sink
    where a leg is too short, and rise where the head would sink, and the limbs reach by IK. Limbs in the air keep
    their directions. Toes and hands bend up where they would sink.
    """
    root, contact = np.asarray(motion.root, np.float64), motion.contact >= 0.5
    a, b = Stance(motion.skeleton), Stance(target, under)
    scale, grot = b.leg / max(a.leg, 1e-9), np.array(grot)
    tips = [scale * a.toe(grot, root, side)[1][:, 2] for side in (0, 1)]
    known = bool(contact[:, :4].any())
    rests = [contact[:, [side, 2 + side]] if known else None for side in (0, 1)]
    asked = [foot_goal(a, b, scale, grot, root, side, rests[side], motion.fps) for side in (0, 1)]
    if known:
        tips = [np.full_like(tip, np.inf) for tip in tips]
    fps = motion.fps if contact.any() else None
    up = _head_up(a, b, scale, grot, root, moved, fps)
    moved = moved + up
    if up.any():
        asked = [_let_go(b, grot, moved, ask, up, fps) for ask in asked]
    resting = [side for side in (0, 1) if b.hands[side] and contact[:, 4 + side].any()]
    asked += [hand_goal(a, b, scale, grot, root, moved, side, contact[:, 4 + side], motion.fps) for side in resting]
    moved = give_way(b.offsets, grot, moved, asked, fps)
    if known:
        moved = moved + _calm(moved - scale * root, contact.any(axis=-1), motion.fps)
        down = [rests[side].any(axis=-1) & (asked[side].near >= 0.999) for side in (0, 1)]
        moved = moved - _down(b, grot, moved, asked[:2], down, motion.fps)
    moved = moved + _head_up(a, b, scale, grot, root, moved, fps)
    for side in {0, 1} - set(resting):
        if b.hand_low(grot, moved, side):
            asked.append(hand_goal(a, b, scale, grot, root, moved, side, contact[:, 4 + side], motion.fps))
    for ask in asked:
        reach_out(b.offsets, grot, moved, ask)
    for side, tip in enumerate(tips):
        bend_toe(b, grot, moved, side, tip)
    return grot, moved


def stand(motion: Motion) -> Motion:
    """`motion` whose feet neither slide, sink nor float where they rest; hands are left alone."""
    parents, contact = motion.skeleton.parents, np.array(motion.contact)
    contact[:, 4:] = 0.0
    grot = global_rotations(motion.lrot, parents)
    grot, root = plant(motion.with_(contact=contact), grot, np.asarray(motion.root, np.float64), motion.skeleton)
    return motion.with_(lrot=quat.unroll(local_rotations(grot, parents)), root=root)


def _head_up(a: Stance, b: Stance, scale, grot, root, moved, fps):
    """(T,3) how far up the body must go for its head not to sink into the floor by more than the source's.

    A head too large for its legs lifts them off the floor.
    """
    up = np.maximum(np.minimum(scale * a.head(grot, root), 0.0) - b.head(grot, moved), 0.0)
    return (bulged(up, fps) if fps is not None and up.any() else up)[:, None] * _Z


def _calm(raised, rest, fps):
    """(T,3) what takes jerks out of how much higher `raised` (T,3) a body is while nothing rests (T,): long feet that
    swing would throw it up."""
    wanted = smoothed(raised[:, 2:], np.where(rest, 1.0, _FLIGHT), _CALM_HZ, fps)[:, 0]
    return np.where(rest, 0.0, wanted - raised[:, 2])[:, None] * _Z


def _let_go(b: Stance, grot, moved, ask: Reach, up, fps) -> Reach:
    """`ask` of a foot that leaves the floor where its leg is too short once the body went `up` (T,3)."""
    start = joints(b.offsets, grot, moved, ask.chain)[0]
    short = np.minimum(np.linalg.norm(ask.wanted - start, axis=-1) - b.leg, up[:, 2])
    gone = np.clip(short / (_MOST_SHORT * b.leg), 0.0, 1.0)
    return replace(ask, near=ask.near * (1.0 - np.minimum(gone if fps is None else bulged(gone, fps), 1.0)))


def _down(b: Stance, grot, moved, feet, rests, fps):
    """(T,3) how far down the body goes for `feet`, the Reach of either leg, to be where they rest, if that is near."""
    down = np.zeros(len(moved))
    for ask, rest in zip(feet, rests):
        way = ask.wanted - joints(b.offsets, grot, moved, ask.chain)[0]
        far = np.sqrt(np.maximum((0.999 * b.leg) ** 2 - np.sum(way[:, :2] ** 2, axis=-1), 0.0))
        down = np.maximum(down, np.where(rest, -way[:, 2] - far, 0.0))
    down = np.minimum(down, _MOST_DOWN * b.leg)
    return bulged(down, fps)[:, None] * _Z if down.any() else np.zeros_like(moved)
