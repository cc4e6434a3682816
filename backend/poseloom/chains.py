"""Compositions that both processes use, in the kernel: motion onto a rig, clip onto a rig."""

from __future__ import annotations

from typing import Optional

import numpy as np

from .motion import quat
from .motion.resample import resample
from .motion.types import Motion, Rig, RigMotion
from .retarget import from_rig, grounded, skeleton_of, to_rig
from .retarget.align import align
from .rigs.recognise import Recognition, recognise


def motion_to_rig(motion: Motion, rig: Rig, fps: float, preset: Optional[str] = None) -> tuple[RigMotion, Recognition]:
    """`motion` on an armature whose roles are not known yet, at `fps`; and what was recognised.

    It is played where the character stands and faces.  Raises BadInput("not_humanoid") with the
    list of what is missing.
    """
    found = recognise(rig, preset)
    return to_rig(stood(resample(motion, fps), found.rig), found.rig), found


def clip_to_motion(rig: Rig, rig_motion: RigMotion, preset: Optional[str] = None) -> tuple[Motion, Recognition]:
    """The canonical motion of a clip as it was recorded on `rig`, its floor put to zero; and what was recognised."""
    found = recognise(rig, preset)
    return grounded(from_rig(rig_motion, found.rig)), found


def stood(motion: Motion, rig: Rig) -> Motion:
    """`motion` carried to where the armature object of `rig` stands, and turned as it faces.

    The world's origin goes to the object's, -Y to where the rest pose looks.  The floor is the
    object's own level or the world's, whichever is nearer to the resting feet: an object's origin
    may be at its hips.
    """
    a = align(rig)
    x, y, _ = quat.rotate(quat.multiply(a.turn, quat.inverse(a.body)), [0.0, -1.0, 0.0])
    turn = quat.from_axis_angle([0.0, 0.0, 1.0], np.arctan2(x, -y))
    pelvis_z = quat.rotate(a.turn, a.head("pelvis"))[2] + rig.world[2, 3]
    feet_z = pelvis_z - skeleton_of(rig).offsets[0, 2]
    x, y, own_z = rig.world[:3, 3]
    place = np.array([x, y, min(own_z, 0.0, key=lambda level: abs(level - feet_z))])
    lrot = np.array(motion.lrot, np.float64)
    lrot[:, 0] = quat.multiply(turn, lrot[:, 0])
    return motion.with_(lrot=lrot, root=quat.rotate(turn, motion.root) + place)
