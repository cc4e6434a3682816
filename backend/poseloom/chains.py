"""Compositions that both processes use, in the kernel: motion onto a rig, clip onto a rig."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import numpy as np

from .errors import BadInput
from .formats import CLIP_ENDINGS, CONTROLS
from .motion import quat
from .motion.bvh import read_bvh
from .motion.files import digest, motion_from_bytes
from .motion.resample import cut, resample
from .motion.types import Motion, Rig, RigMotion
from .retarget import from_rig, grounded, skeleton_of, to_rig
from .retarget.align import align
from .retarget.quality import measure
from .rigs.recognise import Recognition, recognise
from .rigs.tables import IK, families


def motion_to_rig(
    motion: Motion, rig: Rig, fps: float, preset: Optional[str] = None, controls: str = "fk"
) -> tuple[RigMotion, Recognition]:
    """`motion` on an armature whose roles are not known yet, at `fps`; and what was recognised.

    It is played where the character stands and faces.  Errors as `by_controls`.
    """
    found = by_controls(recognise(rig, preset), controls)
    return to_rig(stood(resample(motion, fps), found.rig), found.rig), found


def by_controls(found: Recognition, controls: str = "fk") -> Recognition:
    """A recognised rig, its limbs to be moved by "fk" or "ik" controls.

    BadInput("no_ik_controls") where no preset of its family knows any, and "bad_option" for another word.
    """
    if controls not in CONTROLS:
        raise BadInput("bad_option", f'There are no controls called "{controls}".', f"Known: {', '.join(CONTROLS)}.")
    if controls == "fk" or set(IK) & set(found.rig.roles):
        return found
    family = f"{found.family}-ik"
    if family not in families():
        raise BadInput(
            "no_ik_controls",
            f'No IK controls are known on "{found.rig.name}" ({found.family}).',
            "Leave the controls at fk; ik is for generated Rigify rigs.",
        )
    return recognise(found.rig, family)


def clip_to_motion(rig: Rig, rig_motion: RigMotion, preset: Optional[str] = None) -> tuple[Motion, Recognition]:
    """The canonical motion of a clip as it was recorded on `rig`, its floor put to zero; and what was recognised."""
    found = recognise(rig, preset)
    return grounded(from_rig(rig_motion, found.rig)), found


def read_clip(path) -> tuple[Motion, dict]:
    """The canonical motion of a clip, .bvh or our own .npz; and what is known of it: family, score, doubts, missing.

    BadInput for anything else.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind == ".bvh":
        motion, found = clip_to_motion(*read_bvh(path))
        return motion, told_of(found)
    if kind == ".npz":
        return motion_from_bytes(path.read_bytes()), {"family": "poseloom", "score": 1.0, "doubts": [], "missing": []}
    raise BadInput("unknown_format", f"{path.name} is no clip.", f"Give a file that ends in {', '.join(CLIP_ENDINGS)}.")


def told_of(found: Recognition) -> dict:
    """What a report tells of a recognised rig."""
    return {
        "family": found.family, "score": float(found.score), "doubts": list(found.doubts),
        "missing": list(found.missing),
    }  # fmt: skip


def cut_clip(
    path, start: Optional[str] = None, end: Optional[str] = None, fps: Optional[float] = None
) -> tuple[Motion, dict]:
    """The stretch of a clip from `start` to `end`, at `fps` if given; and the first half of a batch's row about it.

    Errors as `read_clip` and `cut`.
    """
    sha256 = digest(path)
    motion, source = read_clip(path)
    doubts = source.pop("doubts")
    motion = cut(motion, start, end)
    return motion if fps is None else resample(motion, fps), {
        "clip_sha256": sha256, "source": source, "warnings": [f"In {Path(path).name}: {doubt}" for doubt in doubts]
    }  # fmt: skip


def onto(motion: Motion, found: Recognition) -> tuple[RigMotion, dict]:
    """`motion` where a recognised rig stands; and the second half of a batch's row: the rig, and how well it went."""
    motion = stood(motion, found.rig)
    rig_motion = to_rig(motion, found.rig)
    floor_m = float(place_of(found.rig)[1][2])
    return rig_motion, {
        "frames": len(motion), "fps": motion.fps, "seconds": round(len(motion) / motion.fps, 4),
        "family": found.family, "score": float(found.score), "missing": list(found.missing),
        **measure(motion, found.rig, rig_motion, floor_m).as_dict(),
    }  # fmt: skip


def stood(motion: Motion, rig: Rig) -> Motion:
    """`motion` carried to where the armature object of `rig` stands, and turned as it faces: see `place_of`."""
    turn, place = place_of(rig)
    lrot = np.array(motion.lrot, np.float64)
    lrot[:, 0] = quat.multiply(turn, lrot[:, 0])
    return motion.with_(lrot=lrot, root=quat.rotate(turn, motion.root) + place)


def place_of(rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """(turn (4,), place (3,) metres) from the world's origin and -Y to the object of `rig` and where it faces.

    The floor is the object's own level or the world's, whichever is nearer to the resting feet: an object's origin
    may be at its hips.
    """
    a = align(rig)
    x, y, _ = quat.rotate(quat.multiply(a.turn, quat.inverse(a.body)), [0.0, -1.0, 0.0])
    turn = quat.from_axis_angle([0.0, 0.0, 1.0], np.arctan2(x, -y))
    pelvis_z = quat.rotate(a.turn, a.head("pelvis"))[2] + rig.world[2, 3]
    feet_z = pelvis_z - skeleton_of(rig).offsets[0, 2]
    x, y, own_z = rig.world[:3, 3]
    return turn, np.array([x, y, min(own_z, 0.0, key=lambda level: abs(level - feet_z))])
