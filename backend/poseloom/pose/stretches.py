"""Stretches of a clip that are solved apart, because the picture cuts or the estimator went over to somebody else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..motion import quat
from ..motion.contacts import lock_feet
from ..motion.layouts import layout
from ..motion.skeleton import JOINTS
from ..motion.types import Keypoints, Motion

_TRUNK = ("shoulder_l", "shoulder_r", "hip_l", "hip_r")
_TALL = 3.4  # trunks in a person's height
_LEAP, _FAST_S = 0.4, 6.0  # heights by which the trunk can seem to move in no time, and more in each second
_SIZES = 1.7  # times by which the same person can look larger at the next sight
_FEWEST_S = 0.2  # a shot in which somebody is seen for less is not worth solving


@dataclass(frozen=True)
class Stretch:
    """Frames first to end (not included), and the keypoints there."""

    first: int
    end: int
    keypoints: Keypoints


def of_one_person(keypoints: Keypoints) -> tuple[Keypoints, list[tuple[int, int]]]:
    """The keypoints of one person alone, and [(first, end)] of the frames that showed somebody else.

    Nobody moves by half a height from one frame to the next, and a fast runner by six a second: what
    does is another person.  In each shot the longest chain of sights that can be one person's is
    kept, the others become unseen.  A layout without shoulders and hips is left as it is.
    """
    names = layout(keypoints.layout).names
    if not set(_TRUNK) <= set(names):
        return keypoints, []
    trunk, others = [names.index(name) for name in _TRUNK], []
    for first, end in _shots(keypoints):
        others += _of_others(np.array(keypoints.xy[first:end, trunk], np.float64), keypoints.fps, first)
    if not others:
        return keypoints, []
    xy, score = np.array(keypoints.xy), np.array(keypoints.score)
    xyz = None if keypoints.xyz is None else np.array(keypoints.xyz)
    for first, end in others:
        xy[first:end], score[first:end] = np.nan, 0.0
        if xyz is not None:
            xyz[first:end] = np.nan
    return replace(keypoints, xy=xy, xyz=xyz, score=score), others


def cut_apart(keypoints: Keypoints) -> list[Stretch]:
    """The shots of the keypoints; one in which hardly anybody is seen goes along with the one before."""
    seen = np.isfinite(keypoints.xy).all(axis=2).any(axis=1)
    fewest = max(1, round(_FEWEST_S * keypoints.fps))
    kept: list = []
    for first, end in _shots(keypoints):
        if kept and (seen[first:end].sum() < fewest or seen[kept[-1][0] : kept[-1][1]].sum() < fewest):
            kept[-1] = (kept[-1][0], end)
        else:
            kept.append((first, end))
    return [Stretch(first, end, _rows(keypoints, first, end)) for first, end in kept]


def join(motions: list[Motion], foot_lock: bool = True) -> Motion:
    """One motion of solved stretches: the bones of the longest, each beginning where the one before ended."""
    if len(motions) == 1:
        return motions[0]
    body = max(motions, key=len).skeleton
    whole: list[Motion] = []
    for motion in motions:
        motion = _with_body(motion, body, foot_lock)
        whole.append(_led_on(motion, whole[-1]) if whole else motion)
    rows = {
        name: np.concatenate([getattr(motion, name) for motion in whole]) for name in ("lrot", "root", "contact", "score")
    }
    return Motion(body, fps=motions[0].fps, **{**rows, "lrot": quat.unroll(rows["lrot"])})


def _shots(keypoints: Keypoints) -> list[tuple[int, int]]:
    edges = [0, *(cut for cut in keypoints.cuts if 0 < cut < len(keypoints)), len(keypoints)]
    return list(zip(edges[:-1], edges[1:]))


def _of_others(trunk, fps: float, offset: int) -> list[tuple[int, int]]:
    """[(first, end)] in which the trunk (T,4,2) px is not that of the person who is seen longest."""
    frames = np.flatnonzero(np.isfinite(trunk).all(axis=(1, 2)))
    if len(frames) < 2:
        return []
    trunk = trunk[frames]
    place = trunk.mean(axis=1)
    long = np.linalg.norm(trunk[:, :2].mean(axis=1) - trunk[:, 2:].mean(axis=1), axis=-1)
    wide = np.linalg.norm(trunk[:, 0] - trunk[:, 3], axis=-1)
    tall = _TALL * np.maximum(np.maximum(long, wide), 1.0)  # a trunk that points at the camera is short
    tall = np.array([np.median(tall[max(0, i - 4) : i + 5]) for i in range(len(tall))])
    tall = np.stack([tall, _usual(tall, fps), _usual(tall[::-1], fps)[::-1]])
    same = [_could_be(place, tall, frames, i, i + 1, fps) for i in range(len(frames) - 1)]
    edges = [0, *(i + 1 for i, ok in enumerate(same) if not ok), len(frames)]
    parts = list(zip(edges[:-1], edges[1:]))
    if len(parts) == 1:
        return []
    longest, came = [], []
    for number, (first, end) in enumerate(parts):
        before = [
            (longest[other], other) for other in range(number)
            if _could_be(place, tall, frames, parts[other][1] - 1, first, fps)
        ]  # fmt: skip
        most, other = max(before, default=(0, None))
        longest.append(most + end - first)
        came.append(other)
    chain, at = set(), int(np.argmax(longest))
    while at is not None:
        chain.add(at)
        at = came[at]
    return [
        (offset + int(frames[first]), offset + int(frames[end - 1]) + 1)
        for number, (first, end) in enumerate(parts) if number not in chain
    ]  # fmt: skip


def _usual(tall, fps: float) -> np.ndarray:
    """How large the person looked in the second up to each sight, mistakes of the estimator's left out."""
    second = max(1, round(fps))
    return np.array([np.percentile(tall[max(0, i - second) : i + 1], 80) for i in range(len(tall))])


def _could_be(place, tall, frames, i: int, j: int, fps: float) -> bool:
    """Whether sights i and j can be of one person, by how far and how large they are.

    tall (3,T): how large now, in the second before and in the one after; an estimator that is lost for some frames,
    as in a cartwheel, makes the person small for as long.
    """
    now, before, after = tall
    seconds, size = (frames[j] - frames[i]) / fps, max(now[i], now[j])
    near = np.linalg.norm(place[j] - place[i]) < (_LEAP + _FAST_S * seconds) * size
    sizes = ((now[i], now[j]), (before[i], now[j]), (now[i], after[j]))
    return bool(near and any(max(pair) < _SIZES * min(pair) for pair in sizes))


def _rows(keypoints: Keypoints, first: int, end: int) -> Keypoints:
    if (first, end) == (0, len(keypoints)):
        return replace(keypoints, cuts=())
    rows = {
        name: None if (value := getattr(keypoints, name)) is None else value[first:end]
        for name in ("xy", "xyz", "score", "view")
    }
    return replace(keypoints, **rows, cuts=(), start_s=keypoints.start_s + first / keypoints.fps)


def _with_body(motion: Motion, body, foot_lock: bool) -> Motion:
    if motion.skeleton is body:
        return motion
    size = body.offsets[0, 2] / motion.skeleton.offsets[0, 2]
    motion = motion.with_(skeleton=body, root=motion.root * size)
    return lock_feet(motion) if foot_lock else motion


def _led_on(motion: Motion, before: Motion) -> Motion:
    """`motion` turned and moved over the floor so that it begins where and facing as `before` ends."""
    yaw = _heading_rad(before.lrot[-1, 0]) - _heading_rad(motion.lrot[0, 0])
    turn = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(yaw))
    root = quat.rotate(turn, np.array(motion.root, np.float64))
    root[:, :2] += before.root[-1, :2] - root[0, :2]
    lrot = np.array(motion.lrot, np.float64)
    lrot[:, JOINTS.index("pelvis")] = quat.multiply(turn, lrot[:, JOINTS.index("pelvis")])
    return motion.with_(lrot=lrot, root=root)


def _heading_rad(turn) -> float:
    x, y, _ = quat.rotate(np.array(turn, np.float64), np.array([0.0, -1.0, 0.0]))
    return float(np.arctan2(x, -y))
