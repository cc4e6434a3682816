"""Where feet stand, and keeping them there."""

from __future__ import annotations

import numpy as np

from . import filters, quat
from .ik import two_bone
from .skeleton import local_rotations, motion_fk
from .types import Motion, Skeleton

_MIN_CONTACT_S = 0.08
_MAX_BREAK_S = 0.1
_MOST_GIVE_M = 0.08
_RAMP_S = 0.08
_HAND_OVER_S = 0.15  # from heel to ball and back, at most
_PIVOT_RAD = np.radians(20.0)  # a flat foot turning by much less than this is noise


def sole(skeleton: Skeleton) -> np.ndarray:
    """(4,3) metres: left and right heel from the ankle, left and right ball from the toe joint.

    In rest axes, on the sole: the floor of the rest pose lies below the root by its own offset.
    """
    points = np.zeros((4, 3))
    for side, letter in enumerate("lr"):
        leg = [skeleton.index(n + letter) for n in ("thigh_", "shin_", "foot_")]
        ankle = float(skeleton.offsets[0][2] + sum(skeleton.offsets[j][2] for j in leg))
        toe = skeleton.offsets[skeleton.index("toe_" + letter)]
        points[side] = [0.0, 0.35 * np.hypot(toe[0], toe[1]), -ankle]
        points[2 + side] = [0.0, 0.0, -(ankle + float(toe[2]))]
    return points


def foot_points(motion: Motion, grot=None, gpos=None) -> np.ndarray:
    """(T,4,3) in the world: heel_l, heel_r, toe_l, toe_r (the ball), as points on the sole."""
    if grot is None:
        grot, gpos = motion_fk(motion)
    joints = [motion.skeleton.index(n) for n in ("foot_l", "foot_r")] * 2
    base = joints[:2] + [motion.skeleton.index(n) for n in ("toe_l", "toe_r")]
    return gpos[:, base] + quat.rotate(grot[:, joints], sole(motion.skeleton))


def find_contacts(
    points, fps: float, *, floor=0.0, speed_m_s=(0.25, 0.5), height_m=(0.05, 0.10), speed=None, break_s=_MAX_BREAK_S
) -> np.ndarray:
    """(T,K) 1 where a point (T,K,3) rests on the floor, else 0.

    A rest begins and ends where speed or height leave the looser bound, and must somewhere keep
    the tighter (hysteresis, the same forwards and backwards); it lasts at least 0.08 s, and breaks
    of up to `break_s` near the floor are no breaks.  Bounds are numbers or (K,) each; `speed` (T,K)
    m/s where it is known better than from the points.
    """
    points = np.asarray(points, np.float64)
    height = points[..., 2] - floor
    if len(points) < 2:
        return (height < height_m[1]).astype(np.float64)
    low = height < height_m[1]
    speed = point_speed(points, fps) if speed is None else speed
    tight = (speed < speed_m_s[0]) & (height < height_m[0])
    loose = (speed < speed_m_s[1]) & low
    loose &= filters.run_lengths(loose) >= max(1, round(_MIN_CONTACT_S * fps))
    kept = np.zeros_like(loose)
    for k in range(loose.shape[1]):
        for start, end in runs(loose[:, k]):
            kept[start:end, k] = tight[start:end, k].any()
        for start, end in runs(~kept[:, k]):
            inside = 0 < start and end < len(kept) and end - start <= round(break_s * fps)
            kept[start:end, k] |= inside and low[start:end, k].all()
    return kept.astype(np.float64)


def point_speed(points, fps: float) -> np.ndarray:
    """(T,K) m/s of points (T,K,3), by central differences."""
    return np.linalg.norm(np.gradient(points, 1.0 / fps, axis=0), axis=-1)


def runs(flags) -> list:
    """[(start, end), ...] of the stretches where flags (T,) is True; end is excluded."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(flags, np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def lock_feet(motion: Motion, contact=None, *, flatten: bool = True) -> Motion:
    """Feet that stand neither slide, sink nor float: the motion with its legs and hips mended.

    contact (T,>=4) as in Motion, its own by default; the floor is z = 0.  First each foot gets its
    track: fixed where it rests, the displacement eased in and out between rests; `flatten` lays a
    foot level whose heel and ball both rest.  Then the hips follow the feet, and the legs reach by
    analytic IK, so knees keep their direction.
    """
    contact = np.asarray(motion.contact if contact is None else contact, np.float64)[:, :4]
    if not (contact > 0.5).any():
        return motion
    skeleton, fps = motion.skeleton, motion.fps
    grot, gpos = motion_fk(motion)
    soles, shift, pull = sole(skeleton), [], []
    for side, letter in enumerate("lr"):
        foot, toe = skeleton.index("foot_" + letter), skeleton.index("toe_" + letter)
        rest = contact[:, [side, 2 + side]] > 0.5
        ease = np.stack([_eased(rest[:, k], fps) for k in (0, 1)], axis=-1)
        if flatten:
            level = _level(grot[:, foot], rest.all(axis=-1), fps)
            grot[:, foot] = quat.slerp(grot[:, foot], level, ease.min(axis=-1))
            grot[:, toe] = quat.slerp(grot[:, foot], level, ease[:, 1])
        heel = gpos[:, foot] + quat.rotate(grot[:, foot], soles[side])
        ball = gpos[:, foot] + quat.rotate(grot[:, foot], skeleton.offsets[toe] + soles[2 + side])
        # feet that keep their rotation turn over heel and ball: there the hand-over has all of a run
        say = np.stack([_depth_within(r, _HAND_OVER_S * fps) for r in rest.T], axis=-1) if flatten else ease
        move = _shift(np.stack([heel, ball], axis=1), rest, say)
        # a swinging foot stays above the floor
        low = np.minimum(heel[:, 2], ball[:, 2]) + move[:, 2]
        move[:, 2] -= np.minimum(low, 0.0)
        shift.append(move)
        pull.append(ease.max(axis=-1))
    weight = np.stack(pull, axis=-1)
    both = np.einsum("ts,tsc->tc", weight, np.stack(shift, axis=1)) / np.maximum(weight.sum(-1, keepdims=True), 1e-6)
    certain = np.clip(weight.sum(-1, keepdims=True), 0.02, 1.0)
    hips = np.empty_like(both)
    hips[:, :2] = filters.smooth(both[:, :2], 1.5, fps, np.repeat(certain, 2, axis=1))
    hips[:, 2:] = filters.smooth(both[:, 2:], 3.0, fps, certain)
    hips = _reach(skeleton, fps, grot, gpos, shift, hips, weight)
    del gpos
    lrot = local_rotations(grot, skeleton.parents, np.float32)
    del grot
    for j in range(len(skeleton)):  # one by one, for the memory's sake
        lrot[:, j] = quat.unroll(lrot[:, j])
    return motion.with_(lrot=lrot, root=motion.root + hips)


def _reach(skeleton, fps, grot, gpos, shift, hips, weight):
    """How hips wanted moved by `hips` (T,3) move, giving way where a foot is far; legs of `grot` are sent to their feet."""
    legs = [[skeleton.index(n + letter) for n in ("thigh_", "shin_", "foot_")] for letter in "lr"]
    give = np.zeros_like(hips)
    for _ in range(3):
        short = np.zeros_like(hips)
        for side, (thigh, shin, foot) in enumerate(legs):
            start, target = gpos[:, thigh] + hips + give, gpos[:, foot] + shift[side]
            near = _within(skeleton, gpos[:, foot] - gpos[:, thigh], start, target, shin, foot)
            short += weight[:, side, None] * (target - near)
        give += filters.smooth(short, 3.0, fps)
        give = _MOST_GIVE_M * np.tanh(give / _MOST_GIVE_M)
    hips = hips + give
    for side, (thigh, shin, foot) in enumerate(legs):
        start, target = gpos[:, thigh] + hips, gpos[:, foot] + shift[side]
        target = _within(skeleton, gpos[:, foot] - gpos[:, thigh], start, target, shin, foot)
        grot[:, thigh], grot[:, shin] = two_bone(
            grot[:, thigh], grot[:, shin], skeleton.offsets[shin], skeleton.offsets[foot],
            start, target, np.array([0.0, -1.0, 0.0]),
        )  # fmt: skip
    return hips


def _within(skeleton, before, start, target, shin, foot):
    """`target` (T,3), nearer to `start` where reaching it would straighten the knee: no knee pops.

    Freely as far as the leg reached `before` (T,3), or 96 %; beyond ever less, up to straight.
    """
    most = float(np.linalg.norm(skeleton.offsets[shin]) + np.linalg.norm(skeleton.offsets[foot]))
    free = np.clip(np.linalg.norm(before, axis=-1, keepdims=True) / most, 0.96, 0.9995)
    way = target - start
    far = np.maximum(np.linalg.norm(way, axis=-1, keepdims=True) / most, 1e-9)
    over = np.maximum(far - free, 0.0)
    return start + way * np.where(over > 0.0, (free + (1.0 - free) * np.tanh(over / (1.0 - free))) / far, 1.0)


def _shift(points, rest, say):
    """(T,3) how far to move a foot whose heel and ball are `points` (T,2,3), rest (T,2) and have a say (T,2).

    While both rest, the one that is about to lift or has just come down has the smaller say.
    """
    want = np.zeros((len(points), 3))
    fixed = rest.any(axis=-1)
    for start, end in runs(fixed):
        here, flags = points[start:end], rest[start:end]
        anchor = np.zeros((2, 3))
        flat = flags.all(axis=-1)
        for k in (0, 1):
            if flags[:, k].any():
                anchor[k, :2] = here[flags[:, k], k, :2].mean(axis=0)
        if flat.any():  # one footprint for both
            anchor[0, :2] = anchor[1, :2] + (here[flat, 0, :2] - here[flat, 1, :2]).mean(axis=0)
        share = say[start:end] * flags.any(axis=0) + 1e-6 * flags
        share /= share.sum(axis=-1, keepdims=True)
        want[start:end] = np.einsum("tk,tkc->tc", share, anchor - here)
    return _bridge(want, fixed)


def _bridge(values, known):
    """values (T,3) where `known` (T,), between them eased from one to the next, at the ends held."""
    frames = np.flatnonzero(known)
    if len(frames) == 0:
        return np.zeros_like(values)
    t = np.arange(len(values))
    after = np.minimum(np.searchsorted(frames, t), len(frames) - 1)
    before = np.maximum(np.searchsorted(frames, t, side="right") - 1, 0)
    gap = np.maximum(frames[after] - frames[before], 1)
    share = np.clip((t - frames[before]) / gap, 0.0, 1.0)[:, None]
    share = share * share * (3.0 - 2.0 * share)
    return (1.0 - share) * values[frames[before]] + share * values[frames[after]]


def _depth_within(flags, wide):
    """(T,) for each True of flags (T,) how far its run's ends are, eased from 0 to 1 at `wide` frames; ends of the clip
    are no ends."""
    deep = np.zeros(len(flags))
    for start, end in runs(flags):
        inside = np.arange(1.0, end - start + 1.0)
        before = inside if start > 0 else np.inf
        after = inside[::-1] if end < len(flags) else np.inf
        share = np.minimum(np.minimum(before, after) / (wide + 1.0), 1.0)
        deep[start:end] = share * share * (3.0 - 2.0 * share)
    return deep


def _eased(flags, fps):
    """flags (T,) with ramps that begin inside each run, 0..1; ends of the clip are no edges."""
    wide = max(1, int(round(_RAMP_S * fps)))
    padded = np.pad(np.asarray(flags, np.float64), wide, mode="edge")
    window = np.hanning(2 * wide + 3)[1:-1]
    return np.convolve(padded, window / window.sum(), mode="valid")


def _level(grot, flat, fps):
    """Rotations (T,4) of a foot laid flat: its heading, steady while `flat` (T,), but free to pivot."""
    ahead = quat.rotate(grot, np.array([0.0, -1.0, 0.0]))
    yaw = np.unwrap(np.arctan2(ahead[..., 0], -ahead[..., 1]))
    for start, end in runs(flat):
        mean = yaw[start:end].mean()
        off = filters.smooth(yaw[start:end] - mean, 1.0, fps)
        yaw[start:end] = mean + off**3 / (off**2 + _PIVOT_RAD**2)
    return quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), yaw)
