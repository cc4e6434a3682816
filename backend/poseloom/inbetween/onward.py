"""What comes after the last frame: the clips of a library that go on from there, one after another."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..errors import BadInput
from ..motion import quat
from ..motion.contacts import foot_points
from ..motion.resample import resample
from ..motion.skeleton import JOINTS, PARENTS
from ..motion.types import Motion
from ..progress import Report, part, silent
from . import dtw, feet, window
from .library import FPS, Library, leg_length, pose_features

PAST = 10  # frames that a continuation must fit
_STAY = 45  # frames until another clip may take over
_LEVEL_M, _MORE_M = 0.02, 0.008  # by which the lowest foot may leave the ground, and what is left to a smooth way there
_FASTEST_M_S = 2.2  # of the hips; of the motion capture that the networks learned from, 99 % is slower
_LEAD_S = 0.5  # how long a network leads over to a clip
_FADE = 15  # frames in which the step from one clip to the next is taken up


def go_on(
    motion: Motion, frames: int, library: Library, report: Report = silent, ground: Optional[float] = None
) -> Motion:
    """`motion` of the 22 body joints and `frames` more, after the clips that continue its last third of a second best.

    Where a clip ends, or another has come to fit better, that one takes over; what differs between them is faded
    out.  `ground` is the height of the ground in metres, by default of the lowest foot so far.  BadInput where the
    body is another, or no clip is long enough.
    """
    if tuple(motion.skeleton.names) != JOINTS:
        raise BadInput("not_humanoid", "Only the 22 body joints can be continued.", "Use a rig of a human body.")
    if frames < 1:
        raise BadInput("bad_option", f"{frames} frames cannot be added.", "Give a number from 1 on.")
    offsets = np.asarray(motion.skeleton.offsets, np.float64)
    known = resample(motion, FPS)
    wanted = int(np.ceil(frames * FPS / motion.fps)) + 1
    lrot, root = np.asarray(known.lrot, np.float64), np.asarray(known.root, np.float64)
    if len(lrot) < PAST:
        lrot, root = (np.concatenate([np.repeat(a[:1], PAST - len(a), axis=0), a]) for a in (lrot, root))
    lead = len(lrot)
    room = _room(library)
    while len(lrot) < lead + wanted:
        report((len(lrot) - lead) / wanted, "Going on")
        at = _next(lrot[-PAST:], root[-PAST:], offsets, library, room)
        length = int(min(_STAY, room[at], lead + wanted - len(lrot)))
        more = _followed(lrot[-1], root[-1], library, at, length, leg_length(offsets))
        lrot, root = np.concatenate([lrot, more[0]]), np.concatenate([root, more[1]])
    rows = np.arange(len(lrot)) < lead
    whole = _on_ground(feet.plant(Motion(motion.skeleton, quat.unroll(lrot), root, FPS), rows), lead, ground)
    step = FPS / motion.fps
    tail = resample(Motion(motion.skeleton, whole.lrot[lead - 1 :], whole.root[lead - 1 :], FPS), motion.fps)
    first = 1 if abs((len(motion) - 1) * step - (len(known) - 1)) < 1e-6 else 0
    new = slice(first, first + frames)
    return Motion(
        motion.skeleton, np.concatenate([motion.lrot, tail.lrot[new]]), np.concatenate([motion.root, tail.root[new]]),
        motion.fps,
    )  # fmt: skip


def led_on(motion: Motion, frames: int, library, ahead=None, report: Report = silent) -> Motion:
    """`go_on`, where a network leads over: `ahead(motion, frames, report)` for half a second, then the clips that fit
    what it did.  Without `ahead` the clips of `library()` alone, and where there are none `ahead` alone.
    """
    try:
        clips = library()
    except BadInput as error:
        if error.code != "no_library" or ahead is None:
            raise
        return ahead(motion, frames, report)
    if ahead is None:
        return go_on(motion, frames, clips, report)
    lead = min(frames, round(_LEAD_S * motion.fps))
    led = ahead(motion, lead, part(report, 0.0, 0.5))
    ground = float(foot_points(motion)[..., 2].min())
    return led if lead == frames else go_on(led, frames - lead, clips, part(report, 0.5, 1.0), ground)


def _on_ground(motion: Motion, lead: int, ground: Optional[float]) -> Motion:
    """`motion` raised or lowered after its first `lead` frames where its lowest foot leaves the ground of these, and
    held to the pace of people."""
    low = foot_points(motion)[..., 2].min(axis=1)
    off = low - (low[:lead].min() if ground is None else ground)
    fade = np.clip(1.0 - np.arange(len(off) - lead) / _FADE, 0.0, 1.0)  # who is in the air comes down
    band = _LEVEL_M + max(abs(off[lead - 1]) - _LEVEL_M, 0.0) * fade
    lift = np.concatenate([np.zeros(lead), np.clip(off[lead:], -band, band) - off[lead:]])
    window = np.hanning(9)[1:-1]
    smooth = np.convolve(np.pad(lift, 3, mode="edge"), window / window.sum(), mode="valid")[lead:]
    most = band + _MORE_M
    lift[lead:] = np.clip(off[lead:] + smooth, -most, most) - off[lead:]
    root = motion.root + lift[:, None] * [0.0, 0.0, 1.0]
    step = np.diff(root[lead - 1 :], axis=0)
    room = np.sqrt(np.maximum((_FASTEST_M_S / FPS) ** 2 - step[:, 2] ** 2, 0.0))
    way = np.linalg.norm(step[:, :2], axis=-1)
    step[:, :2] *= np.minimum(1.0, room / np.maximum(way, 1e-9))[:, None]
    root[lead:, :2] = root[lead - 1, :2] + np.cumsum(step[:, :2], axis=0)
    return motion.with_(root=root)


def _room(library: Library) -> np.ndarray:
    """(M,) frames that each frame's clip still has after it."""
    ends = np.repeat(library.start[1:], np.diff(library.start))
    return ends - 1 - np.arange(len(library.root))


def _next(lrot, root, offsets, library: Library, room) -> int:
    """The frame of the library at which the last frame of (P,J,4), (P,3) would be, one frame for one."""
    told = pose_features(lrot, root, offsets, PARENTS)
    cost = dtw.distances(told, library.poses)
    total = np.full(len(library.root), np.inf)
    total[PAST - 1 :] = sum(cost[i, i : len(total) - PAST + 1 + i] for i in range(PAST))
    behind = np.arange(len(total)) - np.repeat(library.start[:-1], np.diff(library.start))
    total[(behind < PAST - 1) | (room < _FADE)] = np.inf
    best = int(np.argmin(total))
    if not np.isfinite(total[best]):
        raise BadInput("reference_short", "No clip of the library is long enough to go on.", "Add longer clips.")
    return best


def _followed(last_lrot, last_root, library: Library, at: int, length: int, leg: float):
    """(lrot (length,J,4), root (length,3)) of the frames after `at`, begun where the last pose is and faces."""
    rows = np.arange(at, at + length + 1)
    lrot, root = np.asarray(library.lrot[rows], np.float64), np.asarray(library.root[rows], np.float64)
    root = root * (leg / library.legs[library.clip_of(at)])
    turn = quat.multiply(window.facing(last_lrot[0]), quat.inverse(window.facing(lrot[0, 0])))
    lrot[:, 0] = quat.multiply(turn, lrot[:, 0])
    root = quat.rotate(turn, root - root[0] * [1.0, 1.0, 0.0]) + last_root * [1.0, 1.0, 0.0]
    share = np.clip(1.0 - np.arange(length + 1) / _FADE, 0.0, 1.0)
    share = share * share * (3.0 - 2.0 * share)
    off = quat.log(quat.multiply(last_lrot, quat.inverse(lrot[0])))
    lrot = quat.multiply(quat.exp(share[:, None, None] * off), lrot)
    root[:, 2] += share * (last_root[2] - root[0, 2])
    return lrot[1:], root[1:]
