"""A loop out of a motion on an animator's own rig."""

from __future__ import annotations

from functools import partial
from typing import Optional

import numpy as np

from ..motion import loop, quat
from ..motion.types import Rig, RigMotion
from . import from_rig, to_rig
from .carry import globals_of, posed_anew, rig_in_place, rig_travel, rig_travelling
from .controls import control_bones
from .floor import grounded
from .pose import Posed
from .stance import stand


def loop_rig(
    motion: RigMotion, rig: Rig, start: Optional[int] = None, end: Optional[int] = None, *,
    blend_s: float = 0.25, stay: bool = False, plant_feet: bool = True,
) -> RigMotion:  # fmt: skip
    """`poseloom.motion.loop.make_loop` for a rig with roles: every keyed bone meets itself at the seam.

    The character goes on by the same way in every cycle, or with `stay` keeps its place.  BadInput as there.
    """
    body = grounded(from_rig(motion, rig))
    if start is None or end is None:
        start, end = loop.find_cycle(body)
    loop.check_range(start, end, len(motion))
    walk, blend = rig_travel(motion, rig), max(1, round(blend_s * motion.fps))
    still, part = rig_in_place(motion, rig, walk), slice(start, end + 1)
    cycle = RigMotion(
        still.bones, loop.closed_turns(still.basis, start, end, blend), loop.closed(still.location, start, end, blend),
        still.keyed, motion.fps, {path: loop.returned(np.array(v[part])) for path, v in motion.props.items()},
    )  # fmt: skip
    if by_ik := control_bones(rig):
        cycle = _led(cycle, rig, by_ik, still, partial(loop.closed_turns, start=start, end=end, blend=blend),
                     partial(loop.closed, start=start, end=end, blend=blend))  # fmt: skip
    way = loop.closed_way(walk, start, end, blend)
    contact = loop.returned(np.array(body.contact[part]))
    if plant_feet and (contact[:, :4] > 0.5).any():
        cycle = _planted(cycle, rig, way, contact)
    return rig_travelling(cycle, rig, loop.begun(loop.swaying(way) if stay else way, walk, start))


def _led(cycle: RigMotion, rig: Rig, by_ik: set, whole: RigMotion, closed_turns, closed) -> RigMotion:
    """The cycle with IK controls where its limbs end, as far from there as they were in the `whole`.

    Hands and feet whose joints' turns were blended go along an arc, controls whose places were blended cut across it.
    """
    now, was = (Posed(rig, to_rig(from_rig(motion, rig), rig, plant_feet=False)) for motion in (cycle, whole))
    as_keyed = Posed(rig, whole)
    _, deltas, places = globals_of(cycle, rig)
    for bone in by_ik & deltas.keys():
        back = quat.inverse(was.delta(bone))
        deltas[bone] = quat.multiply(now.delta(bone), closed_turns(quat.multiply(back, as_keyed.delta(bone))))
        if bone in places:
            away = closed(quat.rotate(back, as_keyed.head(bone) - was.head(bone)))
            places[bone] = now.head(bone) + quat.rotate(now.delta(bone), away)
    for bone in by_ik & places.keys() - deltas.keys():  # poles do not turn
        places[bone] = now.head(bone) + closed(as_keyed.head(bone) - was.head(bone))
    return posed_anew(cycle, rig, deltas, places)


def _planted(cycle: RigMotion, rig: Rig, way, contact) -> RigMotion:
    """The cycle with the hips and legs that keep resting feet where they are."""
    body = from_rig(cycle, rig)
    as_it_was = body
    level = grounded(body.with_(contact=None)).root[:1, 2] - body.root[:1, 2]
    body = body.with_(root=body.root + level * [[0.0, 0.0, 1.0]], contact=contact)
    body = loop.planted(body, way, stand)
    return stepped(cycle, rig, as_it_was, body.with_(root=body.root - level * [[0.0, 0.0, 1.0]]))


def stepped(motion: RigMotion, rig: Rig, before, after) -> RigMotion:
    """`motion` with the hips and legs of `after`, a Motion; `before` is what `from_rig` says of `motion`."""
    locked = Posed(rig, to_rig(after, rig, plant_feet=False))
    _, deltas, places = globals_of(motion, rig)
    for bone in _legs(rig) & deltas.keys():
        if locked.motion.keyed[bone]:
            deltas[bone] = locked.delta(bone)
    hips = rig.index(rig.roles["pelvis"][0])
    places[hips] = locked.head(hips)
    if by_ik := control_bones(rig):  # they take the same step, from wherever they are
        was = Posed(rig, to_rig(before, rig, plant_feet=False))
        for bone in by_ik & deltas.keys():
            step = quat.multiply(locked.delta(bone), quat.inverse(was.delta(bone)))
            deltas[bone] = quat.multiply(step, deltas[bone])
        for bone in by_ik & places.keys():
            places[bone] = places[bone] + locked.head(bone) - was.head(bone)
    return posed_anew(motion, rig, deltas, places)


def _legs(rig: Rig) -> set:
    """Numbers of the legs' bones and of what hangs from them, such as twist bones."""
    roles = [f"{joint}_{side}" for side in "lr" for joint in ("thigh", "shin", "foot", "toe")]
    found = {rig.index(bone) for role in roles for bone in rig.roles.get(role, ())[:1]}
    for bone, above in enumerate(rig.parents):  # what is above comes first
        if above in found:
            found.add(bone)
    return found
