"""A rig's own motion with holes, filled: rig -> canonical skeleton -> fill -> rig, in the kernel.

The rig's channels are filled by splines.  What a method does is worked out on the canonical skeleton and carried over
as a change to these, so a rig keeps its proportions, its other bones and, to the bit, its keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from .errors import BadInput
from .inbetween import easing, onward
from .inbetween.fill import FillOptions, body_of, shaped
from .inbetween.gaps import key_poses
from .inbetween.spline import places, rotations
from .motion import quat
from .motion.skeleton import JOINTS
from .motion.types import Motion, Rig, RigMotion
from .progress import Report, silent
from .retarget import from_rig, to_rig


_IK_ENDS = (("hand", "upper_arm"), ("foot", "thigh"))


@dataclass(frozen=True, eq=False)
class RigHoles:
    """motion with the frames at which the turn (T,B) and the location (T,B) of a bone are keyed; elsewhere, from its
    first key to its last, it is to be filled."""

    motion: RigMotion
    turned: np.ndarray
    moved: np.ndarray

    @classmethod
    def at(cls, motion: RigMotion, rows) -> "RigHoles":
        """All that `motion` keys, at the frames rows (T,) bool."""
        rows, here = np.asarray(rows, bool)[:, None], np.isfinite(motion.location).all(axis=-1)
        return cls(motion, rows & motion.keyed, rows & here)

    def check(self) -> None:
        """BadInput where there are fewer than two keys, or none with a hole between."""
        frames = np.flatnonzero((self.turned | self.moved).any(axis=1))
        if len(frames) < 2:
            there = "is one key" if len(frames) else "are no keys"
            raise BadInput("few_keys", f"There {there}, so there is nothing to fill between.", "Set at least two keys.")
        if not any(easing.pairs(column) for known in (self.turned, self.moved) for column in known.T):
            raise BadInput(
                "no_holes", "All keys are on neighbouring frames, so there is nothing to fill between.",
                "Move keys apart.",
            )  # fmt: skip


def fill_rig(
    holes: RigHoles, rig: Optional[Rig], method=None, options: FillOptions = FillOptions(), report: Report = silent,
    warnings: Optional[list] = None, bones=None,
) -> RigMotion:  # fmt: skip
    """The motion of `holes` filled, on a rig with roles, or None where it is no human body: then by splines alone.

    Keys, bones without keys and frames that no keys surround come back as they are; `bones` (B,) bool are the only
    ones filled.  Errors and `warnings` as `inbetween.fill`.
    """
    holes.check()
    smooth = splined(holes, options)
    if rig is None and method is not None:
        raise BadInput("not_humanoid", "This rig is not known as a human body.", "Use spline, or look at its roles.")
    filled, posed = smooth, rig is not None and not by_ik_alone(holes, rig)
    if rig is not None and not posed and method is not None:
        raise BadInput(
            "ik_keys", "Arms or legs are keyed by IK controls alone, whose bends are not known here.",
            "Use spline, or snap the FK controls to the IK ones and key them too.",
        )  # fmt: skip
    if posed and (method is not None or options.feet):
        canonical, known, free = canonical_holes(holes, smooth, rig)
        done = shaped(canonical, known, method, options, report, warnings)
        lrot = np.array(done.lrot)
        lrot[:, free] = canonical.lrot[:, free]
        filled = _changed(smooth, canonical, done.with_(lrot=lrot), rig)
    elif options.eases:
        filled = _eased(smooth, holes, options.eases)
    report(1.0, "Filled")
    return _with_keys(filled, holes, bones)


def by_ik_alone(holes: RigHoles, rig: Rig) -> bool:
    """Whether a limb's IK control has keys and its FK bones have none."""
    keyed = holes.turned.any(axis=0) | holes.moved.any(axis=0)
    column = {bone: i for i, bone in enumerate(holes.motion.bones)}

    def has(role):
        return any(keyed[column[bone]] for bone in rig.roles.get(role, ()) if bone in column)

    limbs = [(f"{end}_ik_{side}", f"{upper}_{side}") for end, upper in _IK_ENDS for side in "lr"]
    return any(has(control) and not has(upper) for control, upper in limbs)


def splined(holes: RigHoles, options: FillOptions = FillOptions()) -> RigMotion:
    """Every bone's channels filled by splines through its own keys."""
    motion, frames = holes.motion, len(holes.motion)
    basis, location = np.array(motion.basis, np.float64), np.array(motion.location, np.float64)
    for known, fill, values in ((holes.turned, rotations, basis), (holes.moved, places, location)):
        columns, group = np.unique(known, axis=1, return_inverse=True)
        for g in range(columns.shape[1]):
            keys, mine = np.flatnonzero(columns[:, g]), np.flatnonzero(np.ravel(group) == g)
            if len(keys):
                at = values[keys][:, mine]
                if fill is places:
                    at = at.reshape(len(keys), -1)
                values[:, mine] = fill(keys, at, frames, options.spline).reshape(frames, len(mine), -1)
    return replace(motion, basis=basis, location=location)


def canonical_holes(holes: RigHoles, smooth: RigMotion, rig: Rig) -> tuple:
    """(the canonical motion of `smooth`, its known (T,J), the joints (J,) bool that have no keys of their own)."""
    motion = from_rig(smooth, rig)
    column = {bone: i for i, bone in enumerate(smooth.bones)}
    known, free = np.zeros(motion.lrot.shape[:2], bool), np.ones(len(motion.skeleton), bool)
    for j, joint in enumerate(motion.skeleton.names):
        bones = [column[bone] for bone in rig.roles.get(joint, ()) if bone in column]
        if bones:
            keyed = holes.turned[:, bones].any(axis=1)
            known[:, j] = keyed | holes.moved[:, bones].any(axis=1) if j == 0 else keyed
            free[j] = not known[:, j].any()
    if not known[:, 0].any():
        raise BadInput(
            "few_keys", "The hips have no keys, so the body's way between is not known.", "Key them, or use spline."
        )
    known[:, free] = known[:, :1]
    return motion, known, free


def _changed(smooth: RigMotion, before: Motion, after: Motion, rig: Rig) -> RigMotion:
    """`smooth` and what makes `after` of `before`, bone by bone."""
    old, new = (to_rig(motion, rig, plant_feet=False) for motion in (before, after))
    column = {bone: i for i, bone in enumerate(smooth.bones)}
    basis, location = np.array(smooth.basis, np.float64), np.array(smooth.location, np.float64)
    for b, bone in enumerate(new.bones):
        if bone not in column:
            continue
        if new.keyed[b]:
            change = quat.multiply(quat.inverse(quat.normalise(old.basis[:, b])), new.basis[:, b])
            basis[:, column[bone]] = quat.multiply(basis[:, column[bone]], change)
        move = np.asarray(new.location[:, b], np.float64) - old.location[:, b]
        if np.isfinite(move).all():
            location[:, column[bone]] += move
    return replace(smooth, basis=quat.normalise(basis), location=location)


def _eased(smooth: RigMotion, holes: RigHoles, curves) -> RigMotion:
    rows = (holes.turned | holes.moved).any(axis=1)
    basis, _ = easing.retimed(smooth.basis, np.zeros((len(smooth), 3)), holes.turned, rows, curves)
    location = np.array(smooth.location, np.float64)
    for b in np.flatnonzero(holes.moved.any(axis=0)):
        known = holes.moved[:, [b]]
        location[:, b] = easing.retimed(smooth.basis[:, [b]], location[:, b], known, rows, curves)[1]
    return replace(smooth, basis=basis, location=location)


def _with_keys(filled: RigMotion, holes: RigHoles, bones) -> RigMotion:
    basis, location = np.array(filled.basis), np.array(filled.location)
    was = holes.motion
    for known, values, own in ((holes.turned, basis, was.basis), (holes.moved, location, was.location)):
        before, after = np.maximum.accumulate(known, axis=0), np.maximum.accumulate(known[::-1], axis=0)[::-1]
        keep = known | ~(before & after)
        if bones is not None:
            keep |= ~np.asarray(bones, bool)
        values[keep] = own[keep]
    return replace(filled, basis=basis, location=location)


def onto(rig_motion: RigMotion, rig: Rig, change) -> RigMotion:
    """`rig_motion` on a rig with roles, its frames on which `change`, a function from a canonical Motion to one that
    begins with the same frames, differs moved alike; frames that `change` adds begin from the last one, held."""
    before = from_rig(rig_motion, rig)
    after = change(before)
    more = len(after) - len(before)

    def held(values):
        return np.concatenate([values, np.repeat(values[-1:], more, axis=0)]) if more else values

    smooth = RigMotion(
        rig_motion.bones, held(rig_motion.basis), held(rig_motion.location), rig_motion.keyed, rig_motion.fps,
        {path: held(values) for path, values in rig_motion.props.items()},
    )  # fmt: skip
    body = before.with_(
        lrot=held(before.lrot), root=held(before.root), contact=held(before.contact), score=held(before.score)
    )
    changed = _changed(smooth, body, after, rig)
    basis, location = np.array(changed.basis), np.array(changed.location)
    basis[: len(before)], location[: len(before)] = rig_motion.basis, rig_motion.location
    return replace(changed, basis=basis, location=location)


def candidates(holes: RigHoles, rig: Rig, method, count: int = 6) -> list:
    """The `count` clips that fit the first stretch of `holes` best, of a `follow.Dtw`."""
    holes.check()
    motion, known, _ = canonical_holes(holes, splined(holes), rig)
    rows = key_poses(known)
    body = body_of(motion)
    found = method.candidates(body, np.repeat(rows[:, None], len(body.skeleton), axis=1), count)
    return found[0][1] if found else []


def continued(holes: RigHoles, rig: Rig, frames: int, library, ahead=None, report: Report = silent) -> RigMotion:
    """`holes`, filled by splines, and `frames` more: see `inbetween.onward.go_on`.

    `library` opens the clips; `ahead(motion, frames, report)` is a network's continuation that leads over to them.
    """
    whole = splined(holes)
    return onto(whole, rig, lambda motion: lengthened(motion, frames, library, ahead, report))


def lengthened(motion: Motion, frames: int, library, ahead=None, report: Report = silent) -> Motion:
    """A canonical motion, with or without fingers, and `frames` more; fingers are held."""
    count, body = len(JOINTS), body_of(motion)
    longer = onward.led_on(body, frames, library, ahead, report)
    lrot = np.concatenate([motion.lrot, np.repeat(motion.lrot[-1:], frames, axis=0)])
    lrot[:, :count] = longer.lrot
    return Motion(motion.skeleton, lrot, longer.root, motion.fps)


def played(motion: RigMotion, where, fps: float) -> RigMotion:
    """`motion` at its frames `where` (T,), not whole, as one at `fps`; switches as at the frame before."""
    low = np.clip(np.floor(where).astype(int), 0, max(len(motion) - 2, 0))
    high, share = np.minimum(low + 1, len(motion) - 1), np.clip(where - low, 0.0, 1.0)
    basis = quat.slerp(motion.basis[low], motion.basis[high], np.repeat(share[:, None], len(motion.bones), axis=1))
    part = share[:, None, None]
    location = motion.location[low] * (1.0 - part) + motion.location[high] * part
    return RigMotion(
        motion.bones, basis, location, motion.keyed, fps, {path: values[low] for path, values in motion.props.items()}
    )
