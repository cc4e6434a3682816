"""What the lifter learns from, made up: known motion as a camera and an estimator would see it.

Windows at 30 fps are (features (N,T,F), joints (N,T,22,3), place (N,T,3)): joints about the hips' middle, and where
that is, in the axes of a camera that looks straight at the trunk (x right, y away, z up), sized as a person of
`lift.HEIGHT_M`.
"""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..motion import quat
from ..motion.skeleton import JOINTS, MIRROR, PARENTS, fk
from .habits import LIMBS, Habits, memory
from .lift import BODY, OTHER, POINTS, body_length, features, usual_length

_J = {name: j for j, name in enumerate(JOINTS)}
_TRUNK = [_J[f"{part}_{s}"] for part in ("upper_arm", "thigh") for s in "lr"]
_FLIP = np.array([1.0, 1.0, -1.0, -1.0])  # a rotation seen in a mirror that swaps left and right (x)
ACROSS = np.array([-1.0, 1.0, 1.0])
# the joint that carries a point, and where the point lies from it at rest: left side, on a body of 1.75 m
_CARRIED = {
    "nose": ("head", (0.0, -0.12, 0.05)), "ear": ("head", (0.075, 0.0, 0.06)),
    "shoulder": ("upper_arm", (0.0, 0.0, 0.0)), "elbow": ("forearm", (0.0, 0.0, 0.0)),
    "wrist": ("hand", (0.0, 0.0, 0.0)), "index": ("hand", (0.09, -0.02, 0.0)),
    "hip": ("thigh", (0.02, 0.0, 0.02)), "knee": ("shin", (0.0, 0.0, 0.0)), "ankle": ("foot", (0.0, 0.0, 0.0)),
    "heel": ("foot", (0.0, 0.05, -0.04)), "toe": ("toe", (0.0, -0.06, -0.01)),
}  # fmt: skip
# lengths that vary alike on both sides, and the spread of their factor
_PROPORTIONS = {
    "shin": 0.06, "foot": 0.06, "forearm": 0.07, "hand": 0.07, "upper_arm": 0.1, "thigh": 0.1, "spine": 0.06,
}  # fmt: skip
# points that no limb joint is, and which of them err alike
_CARRIED_BY = {
    i: [BODY.index(POINTS.index(f"{at}_{s}")) for s in ("lr" if at == "shoulder" else name[-1])]
    for i, name in enumerate(POINTS)
    for at in [{"index": "wrist", "heel": "ankle", "toe": "ankle"}.get(name.split("_")[0], "shoulder")]
    if i not in BODY
}
FINE = [i for i, n in enumerate(POINTS) if n.split("_")[0] in ("heel", "toe", "index")]
HEAD = [i for i, n in enumerate(POINTS) if n.split("_")[0] in ("ear", "nose")]


def bursts(rng, shape, odds, shortest=3, longest=30):
    """(N,T,K) bool: for a share `odds` of the (N,K) tracks one stretch each is True."""
    n, frames, points = shape
    length = rng.integers(shortest, longest + 1, (n, 1, points))
    first = rng.integers(-longest // 2, frames, (n, 1, points))
    when = np.arange(frames)[None, :, None]
    return (when >= first) & (when < first + length) & (rng.random((n, 1, points)) < odds)


def windows(rng, start, frames, count, speeds):
    """(clip (N,), low (N,T), share (N,T)): where to read `count` windows from clips end to end, slower or faster."""
    span = np.diff(start)
    speed = np.exp(rng.uniform(*np.log(speeds), count))
    room = np.maximum(span[None, :] - frames * speed[:, None] - 2, 0.0)
    room = np.where(room.sum(axis=1, keepdims=True) > 0, room, span[None, :])
    odds = room.cumsum(axis=1)
    clip = (rng.random(count)[:, None] * odds[:, -1:] >= odds).sum(axis=1)
    speed = np.minimum(speed, (span[clip] - 2) / frames)
    first = start[clip] + rng.random(count) * np.maximum(span[clip] - 2 - frames * speed, 0.0)
    when = first[:, None] + speed[:, None] * np.arange(frames)
    low = np.minimum(when.astype(int), start[clip + 1][:, None] - 2)
    return clip, low, (when - low)[..., None]


def about_hips(joints, points=None):
    """joints (N,T,22,3) about the hips, seen straight on and of the usual size; where the hips are, so seen, (N,T,3);
    the factor of size (N,); points (N,T,K,3) as the joints."""
    ahead = joints[:, :, _TRUNK].mean(axis=2)
    turn = quat.between(ahead, np.array([0.0, 1.0, 0.0]))[:, :, None]
    joints = quat.rotate(turn, joints)
    hips = 0.5 * (joints[:, :, _J["thigh_l"]] + joints[:, :, _J["thigh_r"]])
    scale = usual_length() / np.median(body_length(joints), axis=1)
    each = scale[:, None, None, None]
    if points is not None:
        points = (quat.rotate(turn, points) - hips[:, :, None]) * each
    return (joints - hips[:, :, None]) * each, hips * each[..., 0], scale, points


def finished(xy, xyz, score, size, joints):
    told, (joints, hips, _, _) = features(xy, xyz, score, size), about_hips(joints)
    return told, joints.astype(np.float32), hips.astype(np.float32)


class Projections:
    """Clips of a pack before random cameras, with the noise, gaps and errors of an estimator made up."""

    def __init__(self, pack, rng, habits: Optional[Habits] = None):
        """pack: lrot (M,22,4), root (M,3), offsets (C,22,3), start (C+1,) as `poseloom train pack` writes them.

        With `habits` most of the errors are made up after them, some still of a kind that suits any estimator.
        """
        self.pack, self.rng, self.habits = pack, rng, habits

    def batch(self, count: int, frames: int):
        rng, pack = self.rng, self.pack
        clip, low, share = windows(rng, pack["start"], frames, count, (0.5, 2.0))
        a, b = pack["lrot"][low], pack["lrot"][low + 1]
        b = np.where((a * b).sum(-1, keepdims=True) < 0.0, -b, b)
        lrot = quat.normalise(a + share[..., None] * (b - a))
        root = pack["root"][low] * (1 - share) + pack["root"][low + 1] * share
        offsets = self._proportions(pack["offsets"][clip].astype(np.float64))
        swap = rng.random(count) < 0.5
        lrot[swap] = lrot[swap][:, :, list(MIRROR)] * _FLIP
        root[swap] *= ACROSS
        lpos = np.repeat(offsets[:, None], frames, axis=1)
        lpos[:, :, 0] = root - root.mean(axis=1, keepdims=True) * [1.0, 1.0, 0.0]
        grot, gpos = fk(lrot, lpos, PARENTS)
        points = self._points(grot, gpos)
        turn, place, focal = self._camera(count, frames)
        points, joints = (np.einsum("ntki,ntij->ntkj", p - place, turn) for p in (points, gpos))
        return self._seen(points, joints, focal)

    def _proportions(self, offsets):
        size = np.exp(self.rng.normal(size=(len(offsets), 1, 1)) * 0.1)
        for part, spread in _PROPORTIONS.items():
            factor = np.exp(spread * self.rng.normal(size=(len(offsets), 1, 1)))
            of = [j for name, j in _J.items() if name.startswith(part)]
            offsets[:, of] *= factor
        return offsets * size

    def _points(self, grot, gpos):
        """(N,T,P,3) with an offset of each point from where it is on average, other for each person."""
        rng, n = self.rng, len(grot)
        size = np.linalg.norm(gpos[:, :1, _J["shin_l"]] - gpos[:, :1, _J["thigh_l"]], axis=-1)[..., None] / 0.42
        out = np.empty(grot.shape[:2] + (len(POINTS), 3))
        both = {part: 0.015 * rng.normal(size=(n, 3)) for part in _CARRIED}
        for i, name in enumerate(POINTS):
            part, _, side = name.partition("_")
            joint, offset = _CARRIED[part]
            j = _J[joint] if joint in _J else _J[f"{joint}_{side}"]
            local = np.array(offset) + both[part] + 0.007 * rng.normal(size=(n, 3))
            if side == "r":
                local = local * ACROSS
            out[:, :, i] = gpos[:, :, j] + size * quat.rotate(grot[:, :, j], local[:, None])
        return out

    def _camera(self, n, frames):
        """Axes (N,T,3,3) as columns right, away, up; places (N,1,1,3); focal lengths (N,) over the longer side."""
        rng = self.rng
        pans = np.where(rng.random((n, 1)) < 0.15, 0.1, 0.004)
        yaw = rng.uniform(-np.pi, np.pi, (n, 1)) + pans * memory(rng, (n, frames), 2.0)
        pitch = np.radians(np.clip(10.0 + 11.0 * rng.normal(size=(n, 1)), -15.0, 45.0))
        pitch = pitch + 0.004 * memory(rng, (n, frames), 1.0)
        roll = np.radians(2.5) * rng.normal(size=(n, 1)) + 0.004 * memory(rng, (n, frames), 1.0)
        focal = np.exp(rng.uniform(np.log(0.7), np.log(2.0), n))
        away = np.stack([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), -np.sin(pitch)], axis=-1)
        right = np.stack([np.cos(yaw), -np.sin(yaw), np.zeros_like(yaw)], axis=-1)
        up = np.cross(right, away)
        c, s = np.cos(roll)[..., None], np.sin(roll)[..., None]
        turn = np.stack([c * right + s * up, away, c * up - s * right], axis=-1)
        distance = np.clip(np.exp(rng.uniform(np.log(1.1), np.log(5.0), n)) * focal * 1.9, 1.8, 14.0)
        off = rng.uniform(-0.4, 0.4, (n, 2)) * (distance / focal)[:, None] * [1.0, 0.6]
        local = np.stack([off[:, 0], distance, off[:, 1]], axis=-1)
        aim = np.array([0.0, 0.0, 0.9])
        place = aim - np.einsum("nij,nj->ni", turn.mean(axis=1), local)
        return turn, place[:, None, None], focal

    def _seen(self, points, joints, focal):
        rng = self.rng
        n, frames, count = points.shape[:3]
        shape = (n, frames, count)
        at = np.maximum(points[..., 1], 0.3)
        flat = points[..., [0, 2]] / at[..., None] * focal[:, None, None, None]
        metre = (focal[:, None] / at.mean(axis=2))[..., None, None]  # of the picture's longer side
        level = np.exp(rng.uniform(np.log(0.4), np.log(2.0), (n, 1, 1, 1)))
        gone = bursts(rng, shape, 0.12) | (bursts(rng, (n, frames, 1), 0.05) & np.ones(count, bool))
        loose = np.where(gone, 5.0, 1.0)[..., None]
        noise = 0.012 * memory(rng, shape + (2,), 0.3) + 0.006 * rng.normal(size=shape + (2,))
        flat = flat + metre * level * loose * noise
        outlier = rng.random(shape) < 0.004
        flat = flat + metre * np.where(outlier[..., None], 0.2 * rng.normal(size=shape + (2,)), 0.0)
        score = np.clip(0.9 + 0.1 * rng.normal(size=shape) - 0.1 * memory(rng, shape, 0.5), 0.3, 1.0)
        score = np.where(gone, rng.uniform(0.0, 0.6, (n, 1, count)) * score, score)
        upright = rng.random((n, 1)) < 0.4
        half = np.where(upright, [0.375, 0.5], [0.5, 0.375])[:, None, None]  # half the picture
        cut = np.abs(flat) > half * 1.05
        cut = cut.any(axis=-1) & (rng.random((n, 1, 1)) < 0.8)
        score = np.where(cut, 0.1 * score, score)
        xyz = self._depth(points, shape, loose)
        if self.habits is not None:
            known, place = self._after_habits(points, joints, focal, metre)
            use = (rng.random((n, 1, 1)) < 0.8) & ~gone
            flat, xyz = np.where(use[..., None], known, flat), np.where(use[..., None], place, xyz)
        swap = bursts(rng, (n, frames, 1), 0.06, 2, 10)[..., 0]
        flat[swap], xyz[swap], score[swap] = flat[swap][:, OTHER], xyz[swap][:, OTHER], score[swap][:, OTHER]
        score = score ** np.exp(0.5 * rng.normal(size=(n, 1, 1)))
        unseen = (gone & (rng.random((n, 1, count)) < 0.5)) | (cut & (rng.random((n, 1, 1)) < 0.5))
        for some, odds in ((FINE, 0.25), (HEAD, 0.1)):
            dropped = rng.random(n) < odds
            unseen[np.ix_(dropped, np.arange(frames), some)] = True
        flat[unseen], score[unseen] = np.nan, 0.0
        xyz[unseen] = np.nan
        xyz[rng.random(n) < 0.4] = np.nan
        size = 2.0 * half[:, 0, 0]
        return finished(flat * [1.0, -1.0] + 0.5 * size[:, None, None], xyz, score, size, joints)

    def _after_habits(self, points, joints, focal, metre):
        """flat (N,T,P,2) and xyz (N,T,P,3) with errors after the estimator's habits."""
        rng, n, frames, limbs = self.rng, len(points), points.shape[1], np.array(joints[:, :, LIMBS])
        rel, _, scale, body = about_hips(joints, points)
        errors = self.habits.errors(rel[:, :, LIMBS], rng)
        usual = self.habits.effect[-1]  # of a point at a joint, no affair of its neighbours
        body, seen = np.array(body), np.array(points)
        body[:, :, BODY], seen[:, :, BODY] = rel[:, :, LIMBS], limbs
        flat = seen[..., [0, 2]] / np.maximum(seen[..., 1:2], 0.3) * focal[:, None, None, None]
        stray, mean = (
            np.concatenate([part.reshape(x.shape[:-1] + (12, -1)) for part in (x[..., :24], x[..., 24:])], axis=-1)
            for x in (errors, usual)
        )
        all_ = np.empty((n, frames, len(POINTS), 5))
        all_[:, :, BODY] = stray
        for point, at in _CARRIED_BY.items():
            all_[:, :, point] = (stray - mean)[:, :, at].mean(axis=2) + 0.01 * memory(rng, (n, frames, 5), 0.3)
        return flat + metre / scale[:, None, None, None] * all_[..., :2], body + all_[..., 2:]

    def _depth(self, points, shape, loose):
        """Depth as estimators guess it: flattened, leaning, wrong for seconds, and less wrong sideways."""
        rng, n = self.rng, shape[0]
        hips = points[:, :, [POINTS.index("hip_l"), POINTS.index("hip_r")]].mean(axis=2, keepdims=True)
        xyz = points - hips
        xyz[..., 1] *= np.exp(0.15 * rng.normal(size=(n, 1, 1)) - 0.15)
        lean = np.radians(8.0) * rng.normal(size=(n, 1, 2)) + np.radians(4.0) * memory(rng, shape[:2] + (2,), 1.0)
        xyz[..., 1] += lean[..., :1] * xyz[..., 2] + lean[..., 1:] * xyz[..., 0]
        slow = memory(rng, shape + (3,), 0.7) * np.exp(rng.uniform(np.log(0.4), np.log(1.6), (n, 1, 1, 1)))
        reach = np.minimum(np.linalg.norm(xyz, axis=-1, keepdims=True) / 0.6, 1.0)
        return xyz + loose**0.5 * reach * [0.03, 0.09, 0.03] * slow + [0.01, 0.02, 0.01] * rng.normal(size=slow.shape)
