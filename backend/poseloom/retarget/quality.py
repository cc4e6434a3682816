"""How good a retargeted clip is, measured on the character's own bones.

Lengths are scaled to a body of 1.75 m.  The sole lies on the floor of the rest pose, below the bones of the foot, or is
the mesh's where that is known.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np

from ..motion import quat
from ..motion.contacts import foot_points
from ..motion.skeleton import REST_HEIGHT_M, fk, motion_fk
from ..motion.types import Motion, Rig, RigMotion
from . import from_rig
from .pose import Posed
from .soles import ends

SIDES = "lr"
LIMBS = tuple(
    (f"{a}_{s}", f"{b}_{s}")
    for s in SIDES
    for a, b in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"))
)
LEGS = tuple(limb for limb in LIMBS if limb[0].startswith(("thigh", "shin")))
# most degrees between two joints' rotations: ranges of motion of healthy adults (AAOS 1965) with a wide margin
_TURNS = {
    "waist": ("pelvis", "spine3", 110.0), "neck": ("spine3", "head", 110.0),
    **{f"{name}_{s}": (f"{above}_{s}", f"{joint}_{s}", most) for s in SIDES for name, above, joint, most in (
        ("wrist", "forearm", "hand", 110.0), ("ankle", "shin", "foot", 80.0),
    )},
}  # fmt: skip
# three joints in a row: most degrees of bend at the one in the middle
_BENDS = {
    f"{name}_{s}": (f"{a}_{s}", f"{b}_{s}", f"{c}_{s}", most)
    for s in SIDES
    for name, a, b, c, most in (("elbow", "upper_arm", "forearm", "hand", 165.0), ("knee", "thigh", "shin", "foot", 165.0))
}
_KNEE_BACK_DEG = 15.0
JOINTS_WITH_LIMITS = (*_TURNS, *_BENDS)
_POINTS_OF_A_PLOT = 60


@dataclass(frozen=True)
class Quality:
    """Measures of one clip on one character; None where there is nothing to measure.

    bone_deg: median angle between the directions of upper arms, forearms, thighs and shins here and in the source.
    slide_before_cm_s, slide_after_cm_s: p95 of the level speed of the ball of the foot between frames at both of
    which it rests in the source; of the source's own feet, and of the character's.  penetration_mm: p95 over all
    frames of the depth of the lowest of heel, ball and tip of the toes below the floor.  sole_mm: p95 of the distance
    to the floor of heels and balls that rest in the source.  limit_frames: frames in which a joint is bent further
    than people can, limit_frames_source: the same of the source; limits: frames for each joint.  plots: the worst of
    each sixtieth of the clip.
    """

    bone_deg: float | None
    slide_before_cm_s: float | None
    slide_after_cm_s: float | None
    penetration_mm: float
    sole_mm: float | None
    limit_frames: int
    limit_frames_source: int
    limits: dict = field(default_factory=dict)
    plots: dict = field(default_factory=dict)

    def as_dict(self) -> dict:
        return asdict(self)


def measure(motion: Motion, rig: Rig, rig_motion: RigMotion, floor_m: float = 0.0) -> Quality:
    """How `rig_motion` on a rig with roles shows `motion`, which is of the same frames, both on a floor at `floor_m`."""
    body, posed = Body(rig), Posed(rig, rig_motion)
    grot, gpos = motion_fk(motion)
    source = {joint: gpos[:, i] for i, joint in enumerate(motion.skeleton.names)}
    apart = angles(source, places(rig, posed), LIMBS)
    rest = motion.contact[:, :4] >= 0.5
    soles = body.scale * (body.soles(posed, len(motion)) - [0.0, 0.0, floor_m])
    standing = soles[:, [0, 3, 1, 4]]  # heel_l, heel_r, ball_l, ball_r
    depth = np.maximum(-soles[..., 2].min(axis=1), 0.0)
    balls = foot_points(motion, grot, gpos)[:, 2:] * (REST_HEIGHT_M / height(motion.skeleton))
    before, after = (slide(points, rest[:, 2:], motion.fps) for points in (balls, standing[:, 2:]))
    own = beyond_limits(from_rig(rig_motion, rig))
    theirs = beyond_limits(motion)
    return Quality(
        bone_deg=_median(apart),
        slide_before_cm_s=_p95(before),
        slide_after_cm_s=_p95(after),
        penetration_mm=1e3 * float(np.percentile(depth, 95)) if len(depth) else 0.0,
        sole_mm=_p95(1e3 * np.abs(standing[..., 2])[rest]),
        limit_frames=int(own.any(axis=1).sum()),
        limit_frames_source=int(theirs.any(axis=1).sum()),
        limits={joint: int(frames) for joint, frames in zip(JOINTS_WITH_LIMITS, own.sum(axis=0)) if frames},
        plots={
            "bone_deg": _plot(np.nanmax(apart, axis=1)) if apart.size else [],
            "slide_cm_s": _plot(np.nan_to_num(after).max(axis=1, initial=0.0)),
            "penetration_mm": _plot(1e3 * depth),
        },
    )


class Body:
    """A rig with roles at rest, in metres of the world: its floor, its height, and points on the soles with their bones."""

    def __init__(self, rig: Rig):
        self.rig = rig
        heads = rig.rest[:, :3, 3] @ rig.world[:3, :3].T + rig.world[:3, 3]
        tails = rig.tails @ rig.world[:3, :3].T + rig.world[:3, 3]
        # what hangs below the feet or stands above the head is no part of the body
        own = [rig.index(bone) for joint, bones in rig.roles.items() if joint != "root" for bone in bones]
        feet = [rig.index(rig.roles[j][0]) for j in ("foot_l", "foot_r", "toe_l", "toe_r") if j in rig.roles]
        lowest = min(heads[feet, 2].min(), tails[feet, 2].min()) if feet else heads[own, 2].min()
        top = max(heads[own, 2].max(), tails[own, 2].max())
        self.floor = 0.0 if -0.02 * (top - lowest) <= lowest <= 0.08 * (top - lowest) else lowest
        if rig.soles:
            self.floor = rig.world[2, 3] + min((points @ rig.world[2, :3]).min() for points in rig.soles.values())
        self.scale = REST_HEIGHT_M / max(top - self.floor, 1e-6)
        self.points = [p for side in SIDES for p in self._points(heads, tails, side)]

    def _points(self, heads, tails, side):
        """Heel, ball and tip of a foot as (bone, place); of a leg without a foot its end."""
        roles = self.rig.roles
        bone = next(roles[j][0] for j in (f"foot_{side}", f"shin_{side}") if j in roles)
        foot = self.rig.index(bone)
        if f"foot_{side}" not in roles:
            return [(foot, np.array([*tails[foot][:2], self.floor]))] * 3
        toe = self.rig.index(roles[f"toe_{side}"][0]) if f"toe_{side}" in roles else None
        ankle, ball = heads[foot], tails[foot] if toe is None else heads[toe]
        ahead = (ball - ankle) * [1, 1, 0]
        places = [ankle - 0.35 * ahead, ball, ball if toe is None else tails[toe]]
        if f"foot_{side}" in self.rig.soles:
            toe = toe if f"toe_{side}" in self.rig.soles else None
            heel, end = (place @ self.rig.world[:3, :3].T + self.rig.world[:3, 3] for place in ends(self.rig, side))
            places = [heel, end if toe is None else ball, end]
        bones = [foot, foot, foot if toe is None else toe]
        return [(bone, np.array([place[0], place[1], self.floor])) for bone, place in zip(bones, places)]

    def soles(self, posed: Posed, frames: int) -> np.ndarray:
        """(T,6,3) heel, ball, tip of the left and the right foot, metres in the world."""
        rig, out = self.rig, np.empty((frames, 6, 3))
        for k, (bone, place) in enumerate(self.points):
            local = np.linalg.solve(rig.world[:3, :3], place - rig.world[:3, 3]) - rig.rest[bone, :3, 3]
            at = posed.head(bone) + quat.rotate(posed.delta(bone), local)
            out[:, k] = at @ rig.world[:3, :3].T + rig.world[:3, 3]
        return out


def places(rig: Rig, posed: Posed) -> dict:
    """{joint: (T,3) or (3,)} where the rig's joints are, metres along the world's axes from the object."""
    heads = {joint: posed.head(rig.index(bones[0])) for joint, bones in rig.roles.items()}
    return {joint: head @ rig.world[:3, :3].T for joint, head in heads.items()}


def angles(a: dict, b: dict, limbs) -> np.ndarray:
    """(T,L) degrees between the directions of those `limbs` (start, end) that both sets of places have."""
    out = []
    for start, end in limbs:
        if all(joint in at for joint in (start, end) for at in (a, b)):
            out.append(_angle(a[end] - a[start], b[end] - b[start]))
    return np.stack(np.broadcast_arrays(*out), axis=-1) if out else np.zeros((0, 0))


def slide(balls, rest, fps: float) -> np.ndarray:
    """(T-1,2) cm/s: level speed of the balls (T,2,3) metres between frames at both of which they rest, else NaN."""
    speed = 100.0 * np.linalg.norm(np.diff(balls[..., :2], axis=0), axis=-1) * fps
    return np.where(rest[1:] & rest[:-1], speed, np.nan)


def beyond_limits(motion: Motion) -> np.ndarray:
    """(T,len(JOINTS_WITH_LIMITS)) where a joint is bent further than people can."""
    grot, gpos = motion_fk(motion)
    column = {joint: i for i, joint in enumerate(motion.skeleton.names)}
    found = []
    for above, joint, most in _TURNS.values():
        found.append(np.degrees(quat.angle(grot[:, column[above]], grot[:, column[joint]])) > most)
    for name, (a, b, c, most) in _BENDS.items():
        upper, lower = gpos[:, column[b]] - gpos[:, column[a]], gpos[:, column[c]] - gpos[:, column[b]]
        bent = _angle(upper, lower)
        wrong = bent > most
        if name.startswith("knee"):
            # a knee turns about the thigh's own x axis
            hinge = quat.rotate(grot[:, column[a]], np.array([1.0, 0.0, 0.0]))
            wrong |= (np.sum(np.cross(upper, lower) * hinge, axis=-1) < 0.0) & (bent > _KNEE_BACK_DEG)
        found.append(wrong)
    return np.stack(found, axis=-1)


def height(skeleton) -> float:
    """Metres from the floor of the rest pose to the crown."""
    _, heads = fk(np.tile(quat.IDENTITY, (len(skeleton), 1)), skeleton.offsets, skeleton.parents)
    return max(float((heads + skeleton.tips)[:, 2].max()), 1e-6)


def _angle(u, v):
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v), axis=-1), np.sum(u * v, axis=-1)))


def _median(values):
    return float(np.median(values)) if values.size else None


def _p95(values):
    values = values[np.isfinite(values)]
    return float(np.percentile(values, 95)) if values.size else None


def _plot(values) -> list:
    """At most sixty numbers, each the worst of its stretch."""
    pieces = np.array_split(values, min(len(values), _POINTS_OF_A_PLOT)) if len(values) else []
    return [round(float(piece.max()), 2) for piece in pieces]
