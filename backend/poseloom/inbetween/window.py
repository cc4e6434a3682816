"""A stretch of motion with holes, as a network sees it: what is known, the way between, the frame of reference.

Letters: N windows that share one pattern of known frames, T frames, J joints.  A window's reference
is its anchor, the last known frame before the first hole: the ground point below its root, and its facing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion import quat
from ..motion.skeleton import MIRROR, fk

ARRIVAL = 8  # sine and cosine pairs of the time to arrival
LONGEST = 60.0  # frames; lengths are given to the network as shares of this
CALM = 0.1  # m/s, mean of the joints: half of the network's change is taken of who moves so
LEAD = 10  # frames before a hole that tell how much somebody moves
EASE = 8.0  # frames in which the speed at a key gives way to the straight way; the least error on training windows


@dataclass(frozen=True)
class Segments:
    """For every frame of a pattern: the known frames before and after it, and how far between them it lies."""

    before: np.ndarray  # (T,)
    after: np.ndarray  # (T,)
    share: np.ndarray  # (T,) 0..1
    known: np.ndarray  # (T,) bool

    @property
    def reach(self):
        """(T,) frames to the nearer known frame; 0 on known frames."""
        here = np.arange(len(self.known))
        return np.where(self.known, 0, np.minimum(here - self.before, self.after - here))


def segments(known) -> Segments:
    """Of known (T,) bool, whose first and last frames must be known."""
    known = np.asarray(known, bool)
    here = np.arange(len(known))
    before = np.maximum.accumulate(np.where(known, here, -1))
    after = np.minimum.accumulate(np.where(known, here, len(known))[::-1])[::-1]
    if len(known) == 0 or before[0] < 0 or after[-1] >= len(known):
        raise ValueError("the first and the last frame of a window must be known")
    share = (here - before) / np.maximum(after - before, 1)
    return Segments(before, after, share, known)


def interpolate(lrot, root, seg: Segments):
    """The baseline: slerp of local rotations (...,T,J,4), straight lines of the root (...,T,3)."""
    share = seg.share[:, None]
    between = quat.slerp(lrot[..., seg.before, :, :], lrot[..., seg.after, :, :], np.broadcast_to(share, lrot.shape[-3:-1]))
    path = root[..., seg.before, :] * (1.0 - share) + root[..., seg.after, :] * share
    return between, path


def eased(lrot, root, seg: Segments):
    """Like `interpolate`, but every key is left and reached at the key's own speed.

    The speed is that of the parabola through the neighbouring known frames, and fades within EASE frames
    (longer where those frames are far) to that of the straight way.
    """
    turned, path = np.array(lrot, np.float64), np.array(root, np.float64)
    keys = np.flatnonzero(seg.known)
    for i, (a, b) in enumerate(zip(keys[:-1], keys[1:])):
        if b - a < 2:
            continue
        inner = np.arange(a + 1, b)
        straight = _speed(lrot, root, a, b)
        turn = np.zeros(lrot.shape[:-3] + (len(inner),) + lrot.shape[-2:-1] + (3,))
        path[..., inner, :] = root[..., a, None, :] + (inner - a)[:, None] * straight[1][..., None, :]
        for near, key, far, away in ((keys[i - 1] if i else None, a, b, inner - a),
                                     (keys[i + 2] if i + 2 < len(keys) else None, b, a, b - inner)):  # fmt: skip
            if near is None:
                continue
            there = _speed(lrot, root, near, key) if near < key else _speed(lrot, root, key, near)
            gap, step = b - a, abs(key - near)
            fade = away * np.exp(-away / (EASE * step)) * (1 - away / gap) * gap / (gap + step) * np.sign(far - key)
            turn += fade[:, None, None] * (there[0] - straight[0])[..., None, :, :]
            path[..., inner, :] += fade[:, None] * (there[1] - straight[1])[..., None, :]
        way = (inner - a)[:, None, None] * straight[0][..., None, :, :]
        turned[..., inner, :, :] = quat.multiply(lrot[..., a, None, :, :], quat.exp(way + turn))
    return turned, path


def _speed(lrot, root, first: int, last: int):
    """Turn (...,J,3) in radians and way (...,3) in metres per frame, from one known frame to another."""
    turn = quat.log(quat.multiply(quat.inverse(lrot[..., first, :, :]), lrot[..., last, :, :]))
    return turn / (last - first), (root[..., last, :] - root[..., first, :]) / (last - first)


STARTS = {"straight": interpolate, "eased": eased}  # the curves to which networks say differences, by name


def midway(starts):
    """The curve halfway between two (lrot, root)."""
    (a, b), (x, y) = zip(*starts)
    return quat.slerp(a, b, np.full(a.shape[:-1], 0.5)), (x + y) / 2.0


def mirrored(lrot, root, offsets):
    """Windows (N,T,J,4), (N,T,3) on skeletons (N,J,3), seen in a mirror that swaps left and right."""
    other, flip = list(MIRROR), np.array([1.0, 1.0, -1.0, -1.0])
    return lrot[:, :, other] * flip, root * [-1.0, 1.0, 1.0], offsets[:, other] * [-1.0, 1.0, 1.0]


def facing(pelvis):
    """Rotation about Z (...,4) by which a pelvis (...,4) is turned away from -Y: its twist about Z."""
    return quat.swing_twist(pelvis, np.array([0.0, 0.0, 1.0]))[1]


def to_anchor(lrot, root, anchor: int):
    """Windows (N,T,J,4), (N,T,3) seen from their anchor: (lrot, root, yaw (N,4), ground (N,3))."""
    yaw = facing(lrot[:, anchor, 0])
    ground = root[:, anchor] * np.array([1.0, 1.0, 0.0])
    undo = quat.inverse(yaw)[:, None]
    lrot = np.array(lrot, np.float64)
    lrot[:, :, 0] = quat.multiply(undo, lrot[:, :, 0])
    return lrot, quat.rotate(undo, root - ground[:, None]), yaw, ground


def from_anchor(lrot, root, yaw, ground):
    """Undoes `to_anchor`."""
    lrot = np.array(lrot, np.float64)
    lrot[:, :, 0] = quat.multiply(yaw[:, None], lrot[:, :, 0])
    return lrot, quat.rotate(yaw[:, None], root) + ground[:, None]


def sixd(q):
    """The first two columns of the rotation matrix (...,6) (Zhou et al. 2019)."""
    m = quat.to_matrix(q)
    return np.concatenate([m[..., :, 0], m[..., :, 1]], axis=-1)


def from_sixd(v):
    """Quaternions of 6D vectors by Gram-Schmidt; undoes `sixd`."""
    return quat.from_matrix(quat.frame(v[..., :3], v[..., 3:]))


def positions(lrot, root, offsets, parents):
    """Global joint positions (N,T,J,3) of windows on skeletons offsets (N,J,3)."""
    lpos = np.repeat(offsets[:, None].astype(np.float64), lrot.shape[1], axis=1)
    lpos[:, :, 0] = root
    return fk(lrot, lpos, parents)[1]


def features(lrot, root, offsets, parents, seg: Segments, anchor: int):
    """What the network is told: (N,T,F) float32, from the baseline in the anchor's frame.

    Differences of 6D rotations and root-relative positions to the anchor's, velocities, the anchor's own pose,
    and where in its gap each frame lies.
    """
    n, t, joints = lrot.shape[:3]
    rot = sixd(lrot).reshape(n, t, joints * 6)
    gpos = positions(lrot, root, offsets, parents)
    local = (gpos - root[:, :, None]).reshape(n, t, joints * 3)
    flat = gpos.reshape(n, t, joints * 3)
    velocity = np.diff(flat, axis=1, prepend=flat[:, :1])
    pose = np.broadcast_to(rot[:, anchor : anchor + 1], rot.shape)
    time = np.broadcast_to(_timing(seg), (n, t, 5 + 2 * ARRIVAL))
    parts = [rot - pose, pose, local, 10.0 * velocity, root, time]
    return np.concatenate(parts, axis=-1).astype(np.float32)


def feature_count(joints: int) -> int:
    return joints * 18 + 3 + 5 + 2 * ARRIVAL


def _timing(seg: Segments):
    here = np.arange(len(seg.known))
    left, ahead = here - seg.before, seg.after - here
    rates = 10000.0 ** (-np.arange(ARRIVAL) / ARRIVAL)
    phase = ahead[:, None] * rates
    plain = np.stack([seg.known, seg.share, (left + ahead) / LONGEST, left / LONGEST, ahead / LONGEST], axis=-1)
    return np.concatenate([plain, np.sin(phase), np.cos(phase)], axis=-1)


def weight(seg: Segments):
    """(T,) how much of the network's change is taken: 0 on known frames, towards 1 away from them."""
    reach = seg.reach.astype(np.float64)
    return reach / (reach + 1.0)


def trust(lrot, root, offsets, parents, seg: Segments, fps: float):
    """(N,T) how much of the network's change is taken for how much the body moves, 0..1.

    Where keys hardly differ and what leads to them hardly moves, the network stirs people who stand still.  CALM is the
    least error on subjects 02, 05, 06 and half of 14, of a network that was trained without them.
    """
    keys = np.flatnonzero(seg.known)
    joints = positions(lrot[:, keys], root[:, keys], offsets, parents)
    way = np.linalg.norm(np.diff(joints, axis=1), axis=-1).mean(axis=-1) * fps / np.diff(keys)
    out = np.ones(lrot.shape[:2])
    for i in np.flatnonzero(np.diff(keys) > 1):
        led = [k for k in range(i) if k == i - 1 or keys[i] - keys[k] < LEAD]
        speed = 0.5 * (way[:, i] + way[:, led].mean(axis=1)) if led else way[:, i]
        out[:, keys[i] + 1 : keys[i + 1]] = (speed**2 / (speed**2 + CALM**2))[:, None]
    return out


def apply(lrot, root, delta, seg: Segments):
    """The baseline (N,T,J,4), (N,T,3) plus the network's change (N,T,6J+3), nothing on known frames."""
    n, t, joints = lrot.shape[:3]
    w = weight(seg)[:, None]
    turned = from_sixd(sixd(lrot) + w[..., None] * delta[..., : joints * 6].reshape(n, t, joints, 6))
    keep = seg.known[:, None]
    return np.where(keep[..., None], lrot, turned), root + w * delta[..., joints * 6 : joints * 6 + 3]
