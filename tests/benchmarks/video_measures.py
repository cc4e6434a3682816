"""Figures of a motion or of landmarks against the truth of a clip.  Lengths in mm where a name says so, else metres.

Joint error (MPJPE) and all that is measured on joints takes the 12 that landmarks and rigs both have: shoulders,
elbows, wrists, hips, knees, ankles.
"""

from __future__ import annotations

import numpy as np

from poseloom.motion import quat
from poseloom.motion.contacts import foot_points
from poseloom.motion.skeleton import motion_fk
from poseloom.motion.types import Motion

# canonical joint -> BlazePose point, left and right
SHARED = {
    "upper_arm": (11, 12), "forearm": (13, 14), "hand": (15, 16), "thigh": (23, 24), "shin": (25, 26), "foot": (27, 28),
}  # fmt: skip
JOINTS = [f"{name}_{side}" for name in SHARED for side in "lr"]
POINTS = [points[i] for points in SHARED.values() for i in (0, 1)]
HIPS = [JOINTS.index("thigh_l"), JOINTS.index("thigh_r")]
SHOULDERS = [JOINTS.index("upper_arm_l"), JOINTS.index("upper_arm_r")]
BONES = [(JOINTS.index(f"{a}_{s}"), JOINTS.index(f"{b}_{s}")) for s in "lr" for a, b in
         (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))]  # fmt: skip


def joints_of(motion: Motion) -> np.ndarray:
    """(T,12,3) in the world."""
    gpos = motion_fk(motion)[1]
    return gpos[:, [motion.skeleton.index(joint) for joint in JOINTS]]


def centred(places) -> np.ndarray:
    """(T,12,3) about the middle of the hips."""
    return places - places[:, HIPS].mean(axis=1, keepdims=True)


def turned_to(places, truth) -> np.ndarray:
    """`places` turned about z, by one angle for the whole clip, so that it lies as near to `truth` as it can."""
    seen = np.isfinite(places).all(-1)
    (ax, ay), (bx, by) = (p[seen][..., :2].T for p in (places, truth))
    yaw = np.arctan2(np.sum(ax * by - ay * bx), np.sum(ax * bx + ay * by))
    return quat.rotate(quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), np.array(yaw)), places)


def mpjpe_mm(places, truth) -> float:
    """Mean distance of centred joints; both (T,12,3) in the same axes."""
    return 1000.0 * float(np.nanmean(np.linalg.norm(centred(places) - centred(truth), axis=-1)))


def procrustes(places, truth) -> np.ndarray:
    """(T,12,3) places after each frame's best turn, shift and scale onto `truth` (Umeyama 1991), NaN where unseen."""
    out = np.full(places.shape, np.nan)
    seen = np.isfinite(places).all((1, 2))
    a, b = (p[seen] - p[seen].mean(1, keepdims=True) for p in (places, truth))
    u, s, vt = np.linalg.svd(np.einsum("tni,tnj->tij", a, b))
    sign = np.ones_like(s)
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    scale = (s * sign).sum(1) / (a**2).sum((1, 2))
    out[seen] = scale[:, None, None] * (a @ (u * sign[:, None]) @ vt) + truth[seen].mean(1, keepdims=True)
    return out


def pa_mpjpe_mm(places, truth) -> float:
    """Mean over frames and joints of the distances after `procrustes`."""
    return 1000.0 * float(np.nanmean(np.linalg.norm(procrustes(places, truth) - truth, axis=-1)))


def bends_deg(places) -> np.ndarray:
    """(T,8) at elbows and knees the angle between the bones, at shoulders and hips between the limb and the trunk."""
    trunk = places[:, SHOULDERS].mean(1) - places[:, HIPS].mean(1)
    ways = [places[:, b] - places[:, a] for a, b in BONES]
    pairs = [(ways[i], ways[i + 1]) for i in range(0, 8, 2)] + [(ways[i], trunk) for i in range(0, 8, 2)]
    cross = [np.linalg.norm(np.cross(u, v), axis=-1) for u, v in pairs]
    return np.degrees(np.stack([np.arctan2(c, np.sum(u * v, -1)) for c, (u, v) in zip(cross, pairs)], -1))


def angle_deg(places, truth) -> float:
    """Mean difference of `bends_deg`."""
    return float(np.nanmean(np.abs(bends_deg(places) - bends_deg(truth))))


def rotation_deg(motion: Motion, grot, names) -> float:
    """Mean angle between the motion's and the truth's rotation (T,22,4) of limbs and trunk, each beside its pelvis."""
    parts = [n for n in names if n not in ("pelvis", "spine1", "spine2", "toe_l", "toe_r")]

    def beside_pelvis(turns, order):
        return quat.multiply(quat.inverse(turns[:, [order.index("pelvis")]]), turns[:, [order.index(n) for n in parts]])

    one = beside_pelvis(motion_fk(motion)[0], list(motion.skeleton.names))
    two = beside_pelvis(np.asarray(grot, np.float64), names)
    return float(np.degrees(np.linalg.norm(quat.log(quat.multiply(one, quat.inverse(two))), axis=-1)).mean())


def accel_m_s2(places, truth, fps) -> float:
    """Mean norm of the difference of accelerations of centred joints."""
    return float(np.nanmean(np.linalg.norm(np.diff(centred(places) - centred(truth), 2, axis=0), axis=-1))) * fps**2


def bone_spread_mm(places) -> float:
    """Standard deviation of the limbs' lengths over frames, mean of the eight."""
    lengths = [np.linalg.norm(places[:, b] - places[:, a], axis=-1) for a, b in BONES]
    return 1000.0 * float(np.mean([np.nanstd(length) for length in lengths]))


def path_m(root) -> float:
    """Length over the floor of a track (T,3), its tremble (below 10 cm) left out."""
    way, at = 0.0, root[0, :2]
    for place in root[:, :2]:
        step = float(np.linalg.norm(place - at))
        if step > 0.1:
            way, at = way + step, place
    return way


def root_error_m(places, truth) -> float:
    """Mean distance of the hips' middle in the world, joints (T,12,3), after one turn about z and one shift over the
    floor for the whole clip that bring all joints as near as they can; heights are compared as they are."""
    level = np.array([1.0, 1.0, 0.0])
    shift = [np.nanmean(p, axis=(0, 1)) * level for p in (places, truth)]
    placed = turned_to(places - shift[0], truth - shift[1]) + shift[1]
    return float(np.nanmean(np.linalg.norm((placed - truth)[:, HIPS].mean(1), axis=-1)))


def slide_cm_s(soles, contact, fps) -> float:
    """Mean level speed of heels and balls (T,4,3) between frames at both of which they truly rest, contact (T,>=4)."""
    held = (contact[1:, :4] > 0.5) & (contact[:-1, :4] > 0.5)
    speed = np.linalg.norm(np.diff(soles[..., :2], axis=0), axis=-1) * fps
    held &= np.isfinite(speed)
    return 100.0 * float(speed[held].mean()) if held.any() else float("nan")


def penetration_mm(motion: Motion) -> float:
    """95th percentile over frames of the depth of the lowest heel or ball below the floor."""
    return 1000.0 * float(np.percentile(np.maximum(-foot_points(motion)[..., 2].min(1), 0.0), 95))


def contact_counts(found, truth, slack: int = 1) -> np.ndarray:
    """(4,) found, found rightly, true, truly found: contacts of heels and balls in (T,>=4), right if the other has one
    within `slack` frames.  F1 of sums of these by `f1`."""
    found, truth = (np.asarray(c)[:, :4] > 0.5 for c in (found, truth))

    def near(flags):
        wide = np.pad(flags, ((slack, slack), (0, 0)))
        return np.lib.stride_tricks.sliding_window_view(wide, 2 * slack + 1, axis=0).any(-1)

    return np.array([found.sum(), (found & near(truth)).sum(), truth.sum(), (truth & near(found)).sum()], float)


def f1(counts) -> float:
    found, right, true, hit = counts
    precision, recall = right / max(found, 1.0), hit / max(true, 1.0)
    return 2.0 * precision * recall / max(precision + recall, 1e-9)


def body_axes(places) -> np.ndarray:
    """(T,3,3) columns: to the left, ahead and up of the trunk."""
    left = places[:, HIPS[0]] - places[:, HIPS[1]] + places[:, SHOULDERS[0]] - places[:, SHOULDERS[1]]
    up = places[:, SHOULDERS].mean(1) - places[:, HIPS].mean(1)
    left, up = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (left, up))
    ahead = np.cross(left, up)
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    return np.stack([left, ahead, np.cross(ahead, left)], -1)


def fit_offsets(pairs, rounds: int = 5) -> np.ndarray:
    """(12,3) constant offsets in the trunk's axes that bring landmarks nearest to joints, over pairs of (T,12,3)
    (landmarks, truth): alternately with the Procrustes turn of each frame."""
    offsets = np.zeros((12, 3))
    for _ in range(rounds):
        rest = []
        for places, truth in pairs:
            moved = shifted(places, offsets)
            away = truth - procrustes(moved, truth)
            size = np.nanmedian(np.linalg.norm(places[:, 0] - places[:, 6], axis=-1))
            size /= np.median(np.linalg.norm(truth[:, 0] - truth[:, 6], axis=-1))
            rest.append(size * np.einsum("tji,tnj->tni", body_axes(truth), away))
        offsets = offsets + np.nanmean(np.concatenate(rest), axis=0)
    return offsets


def shifted(places, offsets) -> np.ndarray:
    return places + np.einsum("tij,nj->tni", body_axes(places), offsets)
