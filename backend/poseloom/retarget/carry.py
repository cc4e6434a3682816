"""Who carries a rig over the ground: its root bone, its hips, or nobody (in place)."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..errors import BadInput
from ..motion import quat
from ..motion.travel import Travel, path_of
from ..motion.types import Rig, RigMotion
from .pose import Posed, Poser, split_world


def rig_travel(motion: RigMotion, rig: Rig, *, turn: bool = True, smooth_hz: Optional[float] = None) -> Travel:
    """The hips' way over the ground, house world: nothing where they are above and face as at rest.

    Without `turn` only their place counts; `smooth_hz` leaves faster sway to the hips.  BadInput without hips.
    """
    hips, posed = _hips(rig), Posed(rig, motion)
    turned = _in_house(rig, np.broadcast_to(posed.delta(hips), (len(motion), 4)))
    place = np.broadcast_to(_to_house(rig, posed.head(hips)), (len(motion), 3))
    way = path_of(turned, place, motion.fps, turn=turn, smooth_hz=smooth_hz)
    rest = quat.rotate(way.turn, _to_house(rig, rig.rest[hips, :3, 3]))
    return Travel(way.xy - rest[:, :2], way.yaw)


def rig_in_place(motion: RigMotion, rig: Rig, travel: Travel) -> RigMotion:
    """Everything that moves, without `travel`; `rig_travelling` gives it back."""
    return _moved(motion, rig, travel.take)


def rig_travelling(motion: RigMotion, rig: Rig, travel: Travel) -> RigMotion:
    """Everything that moves, carried along `travel`: undoes `rig_in_place`."""
    return _moved(motion, rig, travel.bring)


def onto_root(motion: RigMotion, rig: Rig, travel: Travel) -> RigMotion:
    """The same poses in space, with the root bone going along `travel` (that of `rig_travel`).

    BadInput where the rig has no role `root`, or the hips do not follow that bone.
    """
    root, frames = _root(rig), len(motion)
    rest = _to_house(rig, rig.rest[root, :3, 3])
    delta, head = travel.bring(np.tile(quat.IDENTITY, (frames, 1)), np.tile(rest, (frames, 1)))
    return _rehung(motion, rig, root, _in_armature(rig, delta), _to_armature(rig, head))


def off_root(motion: RigMotion, rig: Rig) -> RigMotion:
    """The same poses in space, with the root bone at rest and without keys: undoes `onto_root`."""
    return _rehung(motion, rig, _root(rig), None, None)


def _rehung(motion, rig, root, delta, head):
    posed, deltas, places = globals_of(motion, rig)
    deltas.pop(root, None)
    places.pop(root, None)
    for bone in _first_below(rig, root, deltas):
        places.setdefault(bone, posed.head(bone))
    if delta is not None:
        deltas[root], places[root] = delta, head
    return posed_anew(motion, rig, deltas, places)


def _moved(motion, rig, move):
    _, deltas, places = globals_of(motion, rig)
    hips = _hips(rig)
    if not any(bone in deltas or bone in places for bone in [hips, *_line(rig, hips)]):
        return motion
    none, nowhere = np.tile(quat.IDENTITY, (len(motion), 1)), np.zeros((len(motion), 3))
    for bone in deltas:
        deltas[bone] = _in_armature(rig, move(_in_house(rig, deltas[bone]), nowhere)[0])
    for bone in places:
        places[bone] = _to_armature(rig, move(none, _to_house(rig, places[bone]))[1])
    return posed_anew(motion, rig, deltas, places)


def globals_of(motion, rig):
    """(Posed, {bone: delta (T,4)} of keyed bones, {bone: head (T,3)} of those with locations and of the topmost)."""
    posed, frames = Posed(rig, motion), len(motion)
    at = {bone: i for i, bone in enumerate(motion.bones)}
    deltas, places = {}, {}
    for bone, name in enumerate(rig.bones):
        if name in at and motion.keyed[at[name]]:
            deltas[bone] = np.broadcast_to(posed.delta(bone), (frames, 4))
        if name in at and np.isfinite(motion.location[:, at[name]]).any():
            places[bone] = np.broadcast_to(posed.head(bone), (frames, 3))
    for bone in _first_below(rig, -1, deltas):
        places.setdefault(bone, np.broadcast_to(posed.head(bone), (frames, 3)))
    return posed, deltas, places


def posed_anew(motion, rig, deltas, places):
    poser = Poser(rig, deltas, len(motion))
    for bone, head in places.items():
        poser.place(bone, head)
    return poser.motion(motion.fps, motion.props)


def _first_below(rig, root, keyed):
    """Keyed bones, free to move, with no keyed bone between them and `root` (-1: the armature)."""
    for bone in sorted(keyed):
        line = list(_line(rig, bone))
        line = line[: line.index(root)] if root in line else line if root < 0 else [bone]
        if bone != root and not any(above in keyed for above in line) and not rig.locked[bone, :3].all():
            yield bone


def _line(rig, bone):
    """The bones above, nearest first."""
    while rig.parents[bone] >= 0:
        bone = int(rig.parents[bone])
        yield bone


def _hips(rig: Rig) -> int:
    if not rig.roles.get("pelvis"):
        raise BadInput("not_humanoid", f'The rig "{rig.name}" has no bone for: pelvis.', "Name its hips in a preset.")
    return rig.index(rig.roles["pelvis"][0])


def _root(rig: Rig) -> int:
    bones = rig.roles.get("root", ())
    if not bones or rig.index(bones[0]) not in _line(rig, _hips(rig)):
        raise BadInput(
            "no_root_bone",
            f'The rig "{rig.name}" has no root bone that carries its hips.',
            "Choose a bone above the hips as root in the list of roles, or keep the motion on the hips.",
        )
    return rig.index(bones[0])


def _in_house(rig, delta):
    """Rotations about armature axes as rotations about house axes."""
    turn = split_world(rig)[0]
    return quat.multiply(quat.multiply(turn, delta), quat.inverse(turn))


def _in_armature(rig, delta):
    turn = split_world(rig)[0]
    return quat.multiply(quat.multiply(quat.inverse(turn), delta), turn)


def _to_house(rig, places):
    return np.asarray(places) @ rig.world[:3, :3].T + rig.world[:3, 3]


def _to_armature(rig, places):
    return (places - rig.world[:3, 3]) @ np.linalg.inv(rig.world[:3, :3]).T
