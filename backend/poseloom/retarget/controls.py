"""IK controls of limbs: hands, feet and toes go where the FK controls have them, poles beside elbow and knee.

Roles as in `rigs.tables.IK`.  The FK controls are keyed as well, so that the switch may be turned at any frame.
"""

from __future__ import annotations

import numpy as np

from ..motion import quat
from ..motion.types import Rig
from .align import Alignment
from .pose import Poser

_LIMBS = (("upper_arm", "forearm", "hand", "elbow_pole"), ("thigh", "shin", "foot", "knee_pole"))
_ENDS = ("hand", "foot", "toe")
# so far is the middle joint off the line through the limb's ends, in limb lengths, where the bend begins to tell
# the pole's side, and where it tells it alone: a straight limb's is known by its turn
_STRAIGHT, _BENT = 0.02, 0.08


def turn_controls(rig: Rig, a: Alignment, wanted: dict) -> None:
    """Add to `wanted` {bone: (T,4) turn since rest, armature axes} the controls of hands, feet and toes."""
    for control, end, _ in _ends(rig, a):
        if end in wanted:
            wanted[control] = wanted[end]


def place_controls(rig: Rig, a: Alignment, poser: Poser) -> None:
    """Let the controls of hands and feet go with these, and key the places of the poles.

    All that moves the limbs has been placed before.
    """
    for control, end, name in _ends(rig, a):
        if name != "toe":  # it hangs from the foot's
            poser.hang(control, end)
    for side in "lr":
        for *limb, pole in _LIMBS:
            bones = rig.roles.get(f"{pole}_{side}")
            if bones and all(f"{joint}_{side}" in a.joints for joint in limb):
                at = [a.joints[f"{joint}_{side}"][0] for joint in limb]
                poser.place(rig.index(bones[0]), _pole(rig, poser, rig.index(bones[0]), at))


def control_bones(rig: Rig) -> set:
    """Numbers of the IK controls and poles that the rig has roles for."""
    names = (*(f"{end}_ik" for end in _ENDS), *(pole for *_, pole in _LIMBS))
    return {rig.index(bone) for name in names for side in "lr" for bone in rig.roles.get(f"{name}_{side}", ())[:1]}


def _ends(rig, a):
    """(control, bone it goes with, "hand", "foot" or "toe")."""
    for name in _ENDS:
        for side in "lr":
            bones = rig.roles.get(f"{name}_ik_{side}")
            if bones and f"{name}_{side}" in a.joints:
                yield rig.index(bones[0]), a.joints[f"{name}_{side}"][0], name


def _pole(rig, poser, pole, limb):
    """(T,3): the middle joint and a limb's length from there, away from the line between the limb's ends."""
    start, middle, end = (poser.head(bone) for bone in limb)
    rest = rig.rest[:, :3, 3]
    length = sum(np.linalg.norm(rest[low] - rest[high]) for high, low in zip(limb, limb[1:]))
    away = _aside(middle - start, end - start)
    at_rest = _aside(rest[pole] - rest[limb[0]], rest[limb[2]] - rest[limb[0]])
    turned = _unit(_aside(quat.rotate(poser.delta(limb[0]), at_rest), end - start))
    bent = np.clip((np.linalg.norm(away, axis=-1, keepdims=True) / length - _STRAIGHT) / (_BENT - _STRAIGHT), 0.0, 1.0)
    bent = bent * bent * (3.0 - 2.0 * bent)
    return middle + length * _unit(bent * _unit(away) + (1.0 - bent) * turned)


def _aside(v, along):
    """v less its part along `along`."""
    return v - along * ((v * along).sum(-1, keepdims=True) / np.maximum((along * along).sum(-1, keepdims=True), 1e-12))


def _unit(v):
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)
