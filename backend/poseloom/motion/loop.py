"""A stretch of a motion that can be played over and over: found, and closed without a jump."""

from __future__ import annotations

from functools import partial
from typing import Optional

import numpy as np

from ..errors import BadInput
from . import quat
from .contacts import lock_feet
from .skeleton import motion_fk
from .travel import Travel, in_place, travel_of, travelling
from .types import Motion

_MOST_FRAMES = 1500
# seconds over which a joint's speed counts like its place, and metres that a contact counts
_SPEED_S, _CONTACT_M = 0.1, 0.1
# a cycle must go this far from its beginning, metres of the mean joint, and come back to this share of it
_ACTIVE_M, _RETURN = 0.03, 0.5
_NEARLY = 0.03
_TILES = 5


def find_cycle(motion: Motion, *, min_s: float = 0.5, max_s: Optional[float] = None) -> tuple[int, int]:
    """(start, end): frames between which the body leaves a pose and comes back to it at the same pace.

    Frame `end` is the first of the next turn.  Where the character is and faces does not count.  Of cycles that
    are nearly as good the shortest is taken.  BadInput where nothing repeats.
    """
    step = max(1, -(-len(motion) // _MOST_FRAMES))
    far = _distance(_features(motion)[::step])
    count = len(far)
    gap = (np.arange(count) - np.arange(count)[:, None]) * step
    most = len(motion) if max_s is None else max_s * motion.fps
    away = np.maximum.accumulate(np.where(gap > 0, far, 0.0), axis=1)
    allowed = (gap >= max(2, min_s * motion.fps)) & (gap <= most) & (away > _ACTIVE_M)
    back = np.where(allowed, far / np.maximum(away, 1e-9), np.inf)
    best = back.min(initial=np.inf)
    if best > _RETURN:
        raise BadInput(
            "no_cycle",
            f"Nothing in the {len(motion) / motion.fps:.1f} s of this motion comes back to where it began.",
            "Choose the first and last frame of the loop.",
        )
    good = back <= best + _NEARLY
    shortest = gap[good].min()
    start, end = np.unravel_index(np.where(good & (gap <= 1.1 * shortest), back, np.inf).argmin(), back.shape)
    return int(start) * step, int(end) * step


def make_loop(
    motion: Motion, start: Optional[int] = None, end: Optional[int] = None, *,
    blend_s: float = 0.25, stay: bool = False, plant_feet: bool = True,
) -> Motion:  # fmt: skip
    """The frames `start` to `end` (both included, else those of `find_cycle`) as a cycle; the last is the first again.

    The difference between both ends, in pose and in speed, is taken up within `blend_s` on either side of the seam.
    The character goes on by the same way and turn in every cycle, or with `stay` keeps its place and heading on
    the whole, but for its sway.  `plant_feet` keeps feet still while they rest, across the seam too.  BadInput
    where the stretch does not lie in the motion or holds fewer than 3 frames.
    """
    if start is None or end is None:
        start, end = find_cycle(motion)
    check_range(start, end, len(motion))
    walk = travel_of(motion)
    blend = max(1, round(blend_s * motion.fps))
    cycle, way = _closed(in_place(motion, walk), start, end, blend), closed_way(walk, start, end, blend)
    if plant_feet and (cycle.contact[:, :4] > 0.5).any():
        cycle = planted(cycle, way)
    return travelling(cycle, begun(swaying(way) if stay else way, walk, start))


def check_range(start: int, end: int, frames: int) -> None:
    """BadInput where frames `start` to `end` are no stretch that can be closed."""
    if not (0 <= start and start + 2 <= end < frames):
        raise BadInput(
            "bad_range",
            f"Frames {start} to {end} are no loop in a motion of {frames} frames.",
            "Give a first and a later last frame, counted from 0.",
        )


def ease(gap, pace, frames: int, blend: int) -> np.ndarray:
    """(frames, ...) what to add to a stretch so that its last frame meets its first, value and speed.

    gap (...) the first frame less the last, pace (...) the first frame's change a frame less the last's.  Both ends
    go half the way, within `blend` frames of the seam at most, by cubics that leave without a corner.
    """
    gap, pace = np.asarray(gap, np.float64), np.asarray(pace, np.float64)
    blend = min(blend, (frames - 1) // 2)
    u = np.arange(blend + 1).reshape((-1,) + (1,) * gap.ndim) / blend
    level, slope = u * u * (3.0 - 2.0 * u) * gap / 2.0, blend * u * u * (u - 1.0) * pace / 2.0
    out = np.zeros((frames,) + gap.shape)
    out[-blend - 1 :] += slope + level
    out[: blend + 1] += (slope - level)[::-1]
    return out


def closed(values, start: int, end: int, blend: int) -> np.ndarray:
    """Frames start..end of values (T,...), made to meet; the last is the first."""
    values = np.asarray(values, np.float64)
    pace = _pace(values, start) - _pace(values, end)
    return returned(values[start : end + 1] + ease(values[start] - values[end], pace, end - start + 1, blend))


def closed_turns(q, start: int, end: int, blend: int) -> np.ndarray:
    """`closed` for rotations (T,...,4)."""
    q = quat.unroll(q)
    gap = quat.log(quat.multiply(quat.inverse(q[end]), q[start]))
    bend = ease(gap, _turning(q, start) - _turning(q, end), end - start + 1, blend)
    return returned(quat.multiply(q[start : end + 1], quat.exp(bend)))


def _closed(motion, start, end, blend):
    """The stretch of a motion in place, its ends made to meet."""
    part = slice(start, end + 1)
    return motion.with_(
        lrot=closed_turns(motion.lrot, start, end, blend), root=closed(motion.root, start, end, blend),
        contact=returned(np.array(motion.contact[part])), score=returned(np.array(motion.score[part])),
        curves={name: closed(curve, start, end, blend) for name, curve in motion.curves.items()},
    )  # fmt: skip


def closed_way(walk: Travel, start, end, blend) -> Travel:
    """The way of the stretch from where it begins, at the same speed over the ground at both ends."""
    back = np.exp(-1j * walk.yaw[start])
    path, yaw = (_plane(walk)[start : end + 1] - _plane(walk)[start]) * back, walk.yaw - walk.yaw[start]
    speed = [_pace(_plane(walk), t) * np.exp(-1j * walk.yaw[t]) for t in (start, end)]
    lost = speed[0] - speed[1]
    bend = ease(np.zeros(2), [lost.real, lost.imag], len(path), blend) @ [1.0, 1j]
    bend[len(bend) // 2 + 1 :] *= np.exp(1j * yaw[end])
    spin = ease(0.0, _pace(walk.yaw, start) - _pace(walk.yaw, end), len(path), blend)
    return _path(path + bend, yaw[start : end + 1] + spin)


def planted(cycle: Motion, way: Travel, lock=partial(lock_feet, flatten=False)) -> Motion:
    """The cycle, in place, with its feet locked, by `lock(motion)`, as if it had always gone on."""
    count, turn = len(way) - 1, np.exp(1j * way.yaw[-1])
    path, yaw, at = [], [], 0.0
    for k in range(_TILES):
        path.append(at + turn**k * _plane(way)[:-1])
        yaw.append(k * way.yaw[-1] + way.yaw[:-1])
        at = at + turn**k * _plane(way)[-1]
    line = _path(np.r_[np.concatenate(path), at], np.r_[np.concatenate(yaw), _TILES * way.yaw[-1]])
    order = np.r_[np.tile(np.arange(count), _TILES), 0]
    locked = in_place(lock(travelling(_taken(cycle, order), line)), line)
    middle = _taken(locked, _TILES // 2 * count + np.arange(count + 1))
    return middle.with_(lrot=returned(np.array(middle.lrot)), root=returned(np.array(middle.root)))


def begun(way: Travel, walk: Travel, start: int) -> Travel:
    """A way that begins at nothing, from where `walk` is at frame `start`."""
    return _path(_plane(walk)[start] + np.exp(1j * walk.yaw[start]) * _plane(way), walk.yaw[start] + way.yaw)


def swaying(way: Travel) -> Travel:
    """What is left of a way without the even motion, along a line or an arc, from its first frame to its last."""
    share, yaw = np.linspace(0.0, 1.0, len(way)), way.yaw[-1]
    gone = share if abs(yaw) < 1e-6 else (np.exp(1j * share * yaw) - 1.0) / (np.exp(1j * yaw) - 1.0)
    path = (_plane(way) - gone * _plane(way)[-1]) * np.exp(-1j * share * yaw)
    return _path(path, way.yaw - share * yaw)


def _taken(motion: Motion, rows) -> Motion:
    return motion.with_(
        lrot=motion.lrot[rows], root=motion.root[rows], contact=motion.contact[rows], score=motion.score[rows],
        curves={name: curve[rows] for name, curve in motion.curves.items()},
    )  # fmt: skip


def returned(values):
    """values (T,...), their last row made the first, in place."""
    values[-1] = values[0]
    return values


def _pace(values, t):
    """Change a frame at frame t, from both sides where there are both."""
    low, high = max(t - 1, 0), min(t + 1, len(values) - 1)
    return (values[high] - values[low]) / (high - low)


def _turning(q, t):
    low, high = max(t - 1, 0), min(t + 1, len(q) - 1)
    return quat.log(quat.multiply(quat.inverse(q[low]), q[high])) / (high - low)


def _plane(way: Travel):
    """(T,) places on the ground as complex numbers x + iy: turning is multiplying."""
    return way.xy[:, 0] + 1j * way.xy[:, 1]


def _path(plane, yaw) -> Travel:
    return Travel(np.stack([plane.real, plane.imag], axis=-1), yaw)


def _features(motion):
    """(T,F) whose mean square difference is that of joint places, in metres, seen from the character."""
    still = in_place(motion, travel_of(motion))
    gpos = motion_fk(still)[1].reshape(len(motion), -1)
    speed = np.gradient(gpos, 1.0 / motion.fps, axis=0) if len(motion) > 1 else np.zeros_like(gpos)
    walk = travel_of(motion)
    pace = np.gradient(np.c_[walk.xy, walk.yaw], 1.0 / motion.fps, axis=0) if len(motion) > 1 else np.zeros((1, 3))
    pace[:, :2] = quat.rotate(quat.inverse(walk.turn), np.c_[pace[:, :2], np.zeros(len(motion))])[:, :2]
    joints = gpos.shape[1] / 3.0
    weight = 1.0 / np.sqrt(joints)
    return np.concatenate(
        [weight * gpos, weight * _SPEED_S * speed, _SPEED_S * pace, _CONTACT_M / 2.0 * motion.contact], axis=-1
    )


def _distance(features):
    square = np.sum(features**2, axis=-1)
    return np.sqrt(np.maximum(square[:, None] + square - 2.0 * features @ features.T, 0.0))
