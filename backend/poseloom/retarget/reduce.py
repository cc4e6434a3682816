"""Baked motion as few keys that an animator can edit, within a stated error of every bone and joint.

Bones are done from the root outwards, and each is fitted to what it has to be *given what its parents became*:
errors do not add up along a limb.  The error in millimetres that a joint may have grows from the hips to the ends
of the limbs, so that what is below can always be right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping

import numpy as np

from ..errors import BadInput
from ..motion import euler, quat
from ..motion.bezier import Curve, fit
from ..motion.contacts import runs
from ..motion.types import Rig, RigMotion
from ..progress import Report, silent
from . import from_rig
from .floor import grounded
from .pose import Posed, location_axes

# the share of the millimetres that the first bone may use up
_FIRST_SHARE = 0.7
# columns of contact, and the joints that rest with them
_LIMBS = (((0, 2), ("foot_l", "toe_l")), ((1, 3), ("foot_r", "toe_r")), ((4,), ("hand_l",)), ((5,), ("hand_r",)))


@dataclass(frozen=True, eq=False)
class RigCurves:
    """What the extension writes as keys with handles: `curves`, and `props` {data_path: (T,)} keyed where they change.

    length is the number of frames T that the curves stand for, the first of them 0.
    """

    bones: tuple
    curves: tuple
    length: int
    fps: float
    props: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.length

    @property
    def key_count(self) -> int:
        """Key frames, those of all components of a property counted once."""
        return sum(len(curve) for curve in self.curves)

    def sampled(self, rig: Rig) -> RigMotion:
        """The curves on every frame, with the arithmetic of the extension's host."""
        at, frames = {bone: i for i, bone in enumerate(self.bones)}, np.arange(self.length)
        basis = np.tile(quat.IDENTITY, (self.length, len(self.bones), 1))
        location, keyed = np.full((self.length, len(self.bones), 3), np.nan), np.zeros(len(self.bones), bool)
        for curve in self.curves:
            b, values = at[curve.bone], curve.at(frames)
            if curve.path == "location":
                location[:, b, list(curve.index)] = values
            else:
                basis[:, b], keyed[b] = _rotation(values, rig.rotation_mode[rig.index(curve.bone)]), True
        return RigMotion(self.bones, basis, location, keyed, self.fps, self.props)


def reduce_keys(
    motion: RigMotion, rig: Rig, *, max_deg: float = 1.0, max_mm: float = 5.0,
    contact=None, contact_mm: float = 2.0, report: Report = silent,
) -> RigCurves:  # fmt: skip
    """Few keys for `motion`, on whole frames, at which no bone is turned nor any joint displaced by more than allowed.

    On every frame each bone's rotation in space is within `max_deg` of what it was, each joint and bone's end
    within `max_mm`.  contact (T,6) as in Motion: while a foot or hand rests the joints of its limb keep within
    `contact_mm` by the same shares, and rests begin and end with keys of that limb and of the hips; it needs
    `rig.roles`.  Rotations are fitted in the rig's own rotation modes, locations where they are keyed.  BadInput
    where a limit is not above 0 or `contact` is of another length.
    """
    _check(motion, max_deg, max_mm, contact, contact_mm)
    fitter = _Fitter(motion, rig, np.radians(max_deg), max_mm / 1000.0)
    if contact is not None:
        fitter.hold(np.asarray(contact) > 0.5, contact_mm / 1000.0)
    for done, bone in enumerate(fitter.moving):
        fitter.locate(bone)
        fitter.turn(bone)
        report((done + 1) / len(fitter.moving), f"Reducing keys of {rig.bones[bone]}")
    return RigCurves(motion.bones, tuple(fitter.curves), len(motion), motion.fps, motion.props)


def resting(motion: RigMotion, rig: Rig) -> np.ndarray:
    """contact (T,6) of a rig with roles: when its feet rest on the floor; for `reduce_keys`.  Hands are not told."""
    return grounded(from_rig(motion, rig)).contact


def _check(motion, max_deg, max_mm, contact, contact_mm):
    for name, value in (("max_deg", max_deg), ("max_mm", max_mm), ("contact_mm", contact_mm)):
        if not value > 0.0:
            raise BadInput("bad_option", f"{name} is {value}.", "Give the largest error allowed, above 0.")
    if contact is not None and np.shape(contact) != (len(motion), 6):
        raise BadInput(
            "bad_shape", f"contact is {np.shape(contact)}, expected ({len(motion)}, 6).", "Trim both alike."
        )


class _Fitter:
    """Goes from bone to bone; `now` is the motion as the curves so far make it, `was` as it came."""

    def __init__(self, motion: RigMotion, rig: Rig, max_rad: float, max_m: float):
        self.rig, self.max_rad, self.frames = rig, max_rad, np.arange(len(motion))
        self.column = {bone: i for i, bone in enumerate(motion.bones)}
        self.motion, self.was = motion, Posed(rig, motion)
        self.basis = np.array(motion.basis, np.float64)
        self.location = np.array(motion.location, np.float64)
        self.located = np.isfinite(self.location).any(axis=0)
        rows = [self.column.get(bone, -1) for bone in rig.bones]
        self.keyed = np.array([row >= 0 and bool(motion.keyed[row]) for row in rows])
        self.placed = np.array([row >= 0 and bool(self.located[row].any()) for row in rows])
        self.linear = rig.world[:3, :3]
        self.moving = np.flatnonzero(self.keyed | self.placed)
        self.share = self._shares()
        self.limit = np.full((len(rig), len(motion)), max_m)
        self.must = [np.zeros(len(motion), bool) for _ in rig.bones]
        self.curves, self.delta, self.head = [], {}, {}

    def _shares(self):
        """(B,2) of the millimetres, at each bone's head and tail: by how far out along its limb it is, metres."""
        rig, metric = self.rig, self.rig.world[:3, :3]
        heads, tails = rig.rest[:, :3, 3] @ metric.T, rig.tails @ metric.T
        own = np.linalg.norm(tails - heads, axis=-1)
        out, longest = np.zeros(len(rig)), np.zeros(len(rig))
        for b, parent in enumerate(rig.parents):
            if parent >= 0:
                out[b] = out[parent] + np.linalg.norm(heads[b] - heads[parent]) * (parent in self.moving)
        longest = out + own
        for b in range(len(rig) - 1, -1, -1):
            if rig.parents[b] >= 0:
                longest[rig.parents[b]] = max(longest[rig.parents[b]], longest[b])
        far = np.stack([out, out + own], axis=-1) / np.maximum(longest, 1e-9)[:, None]
        return _FIRST_SHARE + (1.0 - _FIRST_SHARE) * far

    def hold(self, resting, most_m: float) -> None:
        """resting (T,6): tighter limits and keys for the bones from the hips to what rests."""
        for columns, joints in _LIMBS:
            here = resting[:, list(columns)].any(axis=-1)
            edges = [frame for start, end in runs(here) for frame in (start, end - 1)]
            ends = [self.rig.index(name) for joint in joints for name in self.rig.roles.get(joint, ())[:1]]
            for bone in {b for end in ends for b in self._line(end)}:
                self.limit[bone, here] = np.minimum(self.limit[bone, here], most_m)
                self.must[bone][edges] = True

    def _line(self, bone):
        while bone >= 0:
            yield int(bone)
            bone = self.rig.parents[bone]

    def locate(self, bone: int) -> None:
        """Keys for where the bone's head is, if it is keyed."""
        parent = int(self.rig.parents[bone])
        base = self._base(bone)
        if not self.placed[bone]:
            self.head[bone] = base
            return
        axes = location_axes(self.rig, self.was.rest, bone, self._delta)
        column = self.column[self.rig.bones[bone]]
        index = np.flatnonzero(self.located[column])
        if parent < 0 or len(index) < 3:
            wanted = self._filled(self.location[:, column, index])
        else:
            wanted = quat.rotate(quat.inverse(axes), self.was.head(bone) - base)[:, index]
        goal, limit = self._metres(self.was.head(bone)), self.limit[bone] * self.share[bone, 0]

        def place(values):
            full = np.zeros((len(values), 3))
            full[:, index] = values
            return base + quat.rotate(axes, full)

        def error(values):
            return np.linalg.norm(self._metres(place(values)) - goal, axis=-1) / limit

        self.head[bone] = place(self._keep(bone, "location", index, wanted, error))

    def turn(self, bone: int) -> None:
        """Keys for the bone's rotation, if it is keyed."""
        above, rest = self._above(bone), self.was.rest[bone]
        if not self.keyed[bone]:
            self.delta[bone] = above
            return
        mode = self.rig.rotation_mode[bone]
        true = np.broadcast_to(self.was.delta(bone), (len(self.frames), 4))
        basis = quat.multiply(quat.multiply(quat.inverse(rest), quat.multiply(quat.inverse(above), true)), rest)
        goal, arms, limit = self._points(bone, true)
        head = self._metres(self.head[bone])[..., None]

        def turned(values):
            return quat.multiply(above, quat.multiply(quat.multiply(rest, _rotation(values, mode)), quat.inverse(rest)))

        def error(values):
            delta = turned(values)
            off = quat.angle(delta, true) / self.max_rad
            places = head + self.linear @ (quat.to_matrix(delta) @ arms)
            missed = np.sqrt(np.sum((places - goal) ** 2, axis=1)).T / limit
            return np.maximum(off, missed.max(axis=0))

        values, path = _channel(basis, mode)
        curve = self._keep(bone, path, np.arange(values.shape[1]), values, error)
        self.delta[bone] = turned(curve)

    def _keep(self, bone, path, index, wanted, error):
        curve = Curve(
            self.rig.bones[bone], path, tuple(int(i) for i in index),
            *fit(wanted, error, np.flatnonzero(self.must[bone])),
        )  # fmt: skip
        self.curves.append(curve)
        return curve.at(self.frames)

    def _points(self, bone, true):
        """What the bone's turn carries: places (T,3,P) in metres, arms (3,P) from the head, limits (P,T)."""
        rest, rig = self.rig.rest[:, :3, 3], self.rig
        carried, ends = {bone}, [(rig.tails[bone], self.share[bone, 1], self.limit[bone])]
        for child in range(bone + 1, len(rig)):
            if rig.parents[child] in carried and not self.placed[child]:
                ends.append((rest[child], self.share[child, 0], self.limit[child]))
                if not self.keyed[child] and rig.inherit_rotation[child]:
                    ends.append((rig.tails[child], self.share[child, 1], self.limit[child]))
                    carried.add(child)
        arms = np.array([end - rest[bone] for end, _, _ in ends]).T
        goal = self._metres(self.was.head(bone))[..., None] + self.linear @ (quat.to_matrix(true) @ arms)
        return goal, arms, np.array([share * limit for _, share, limit in ends])

    def _filled(self, values):
        """Values (T,C) with frames that have no key taken from their neighbours."""
        out = np.array(values)
        for c in range(out.shape[1]):
            known = np.isfinite(out[:, c])
            out[:, c] = np.interp(self.frames, self.frames[known], out[known, c])
        return out

    def _metres(self, places):
        """Armature space -> metres, house axes; (T,3) also of what does not move."""
        return np.broadcast_to(places, (len(self.frames), 3)) @ self.linear.T

    def _delta(self, bone):
        if bone not in self.delta:
            self.delta[bone] = self._above(bone)
        return self.delta[bone]

    def _above(self, bone):
        follows = self.rig.parents[bone] >= 0 and self.rig.inherit_rotation[bone]
        return self._delta(int(self.rig.parents[bone])) if follows else quat.IDENTITY

    def _base(self, bone):
        rest, parent = self.rig.rest[:, :3, 3], int(self.rig.parents[bone])
        if parent < 0:
            return rest[bone]
        return self._head(parent) + quat.rotate(self._delta(parent), rest[bone] - rest[parent])

    def _head(self, bone):
        if bone not in self.head:
            self.head[bone] = self._base(bone)
        return self.head[bone]


def _channel(basis, mode):
    """(values (T,C), path) of rotations (T,4) in a bone's rotation mode: what keys hold."""
    first = np.where(basis[:1, :1] < 0.0, -basis, basis)
    if mode == "QUATERNION":
        return quat.unroll(first), "rotation_quaternion"
    if mode == "AXIS_ANGLE":
        return euler.smooth_axis_angle(first), "rotation_axis_angle"
    return euler.smooth_euler(basis, mode), "rotation_euler"


def _rotation(values, mode):
    """Rotations (T,4) of what keys hold: undoes `_channel`."""
    if mode == "QUATERNION":
        return quat.normalise(values)
    if mode == "AXIS_ANGLE":
        return quat.from_axis_angle(values[:, 1:], values[:, 0])
    order = mode.lower()[::-1]
    return quat.from_euler(values[:, ["xyz".index(letter) for letter in order]], order)
