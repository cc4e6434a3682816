"""Compositions that both processes use, in the kernel: motion onto a rig, clip onto a rig."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from .errors import BadInput
from .formats import CLIP_ENDINGS, CONTROLS, TAKES_ENDINGS
from .motion import quat, upright
from .motion.anatomy import find_limbs
from .motion.bvh import read_bvh
from .motion.files import digest, motion_from_bytes
from .motion.resample import cut, cut_rig, resample
from .motion.types import Motion, Rig, RigMotion
from .retarget import from_rig, grounded, skeleton_of, to_rig
from .retarget.align import align
from .retarget.face import with_face
from .retarget.quality import measure
from .retarget.rest import as_rest, moved_to
from .rigs.recognise import Recognition, recognise
from .rigs.tables import IK, families


# feet that rest further than this from a floor do not stand on it, as a share of the height of the hips
_STANDS = 0.3


@dataclass(frozen=True)
class Reading:
    """How a clip is to be understood where detecting it fails; None detects.

    up, front: one of X Y Z -X -Y -Z.  unit_m: metres in one unit.  rest: the time ("12" a frame, "1.5s") at which
    the clip's pose is taken as its skeleton's rest pose, in place of the one in the file.
    """

    up: Optional[str] = None
    front: Optional[str] = None
    unit_m: Optional[float] = None
    rest: Optional[str] = None

    @property
    def axes(self) -> dict:
        return {"up": self.up, "front": self.front, "unit_m": self.unit_m}


def check_readable(clips, reading: Reading) -> None:
    """BadInput where `reading` would say something of a motion of ours, about which nothing is open."""
    own = next((clip for clip in clips if Path(clip).suffix.lower() == ".npz"), None)
    if own is not None and reading != Reading():
        raise BadInput(
            "bad_option", f"{own} is a motion of ours: its axes, unit and rest pose are known.",
            "Leave out --up, --front, --unit and --clip-rest.",
        )  # fmt: skip


def motion_to_rig(
    motion: Motion, rig: Rig, fps: float, preset: Optional[str] = None, controls: str = "fk", *, root: str = "hips",
    rest: Optional[RigMotion] = None,
) -> tuple[RigMotion, Recognition]:  # fmt: skip
    """`motion` on an armature whose roles are not known yet, at `fps`; and what was recognised.

    It is played where the character stands and faces; `root` and `rest` as `to_rig`.  Errors as `by_controls`.
    """
    found = by_controls(recognise(rig, preset), controls)
    return placed_on(resample(motion, fps), found.rig, root, rest)[0], found


def placed_on(
    motion: Motion, rig: Rig, root: str = "hips", rest: Optional[RigMotion] = None
) -> tuple[RigMotion, Motion]:
    """`motion` on a rig with roles, and itself, where the character stands and faces; `root`, `rest` as `to_rig`."""
    placed = stood(motion, rig if rest is None else as_rest(rig, rest))
    return with_face(to_rig(placed, rig, root=root, rest=rest), rig, placed), placed


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


def clip_to_motion(
    rig: Rig, rig_motion: RigMotion, preset: Optional[str] = None, rest: Optional[str] = None
) -> tuple[Motion, Recognition]:
    """The canonical motion of a clip as it was recorded on `rig`, its floor put to zero; and what was recognised.

    `rest` as in `Reading`.
    """
    found = recognise(rig, preset)
    pose = None if rest is None else cut_rig(rig_motion, rest)
    return grounded(from_rig(rig_motion, found.rig, rest=pose)), found


def take_to_motion(rig: Rig, rig_motion: RigMotion, reading: Reading = Reading()) -> tuple[Motion, Recognition]:
    """`clip_to_motion` of what Blender has read, whose unit is one of Blender's, 1 m if `reading` has no other.

    Wherever the armature stood and faced in its scene, the motion begins as if it stood at the origin, facing -Y.
    """
    if any(value is not None for value in reading.axes.values()):
        heads = rig.rest[:, :3, 3] @ rig.world[:3, :3].T + rig.world[:3, 3]
        tails = rig.tails @ rig.world[:3, :3].T + rig.world[:3, 3]
        limbs, up = find_limbs(rig.bones, rig.parents, heads, tails), reading.up or "Z"
        world = upright.world_of(limbs, heads, tails, None, up, reading.front, reading.unit_m or 1.0)
        rig = rig.with_(world=world @ rig.world)
    found = recognise(rig)
    stands = found.rig if reading.rest is None else as_rest(found.rig, cut_rig(rig_motion, reading.rest))
    turn, place = place_of(stands)
    feet_z = _feet_z(stands)
    if abs(place[2] - feet_z) > _STANDS * skeleton_of(stands).offsets[0, 2]:
        place[2] = feet_z  # it stands on neither floor: where it was built is one
    home = np.eye(4)
    home[:3, :3] = quat.to_matrix(quat.IDENTITY if reading.front else quat.inverse(turn))
    home[:3, 3] = -home[:3, :3] @ place
    return clip_to_motion(rig.with_(world=home @ rig.world), rig_motion, rest=reading.rest)


def read_clip(path, reading: Reading = Reading()) -> tuple[Motion, dict]:
    """The canonical motion of a clip, .bvh or our own .npz; and what is known of it: family, score, doubts, missing.

    A .npz is in the house's axes already: `reading` says nothing of it.  BadInput for anything else.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind == ".bvh":
        motion, found = clip_to_motion(*read_bvh(path, **reading.axes), rest=reading.rest)
        return motion, told_of(found)
    if kind == ".npz":
        return motion_from_bytes(path.read_bytes()), {"family": "poseloom", "score": 1.0, "doubts": [], "missing": []}
    known = CLIP_ENDINGS if kind in TAKES_ENDINGS else CLIP_ENDINGS + TAKES_ENDINGS  # takes are unpacked before
    raise BadInput("unknown_format", f"{path.name} is no clip.", f"Give a file that ends in {', '.join(known)}.")


def told_of(found: Recognition) -> dict:
    """What a report tells of a recognised rig."""
    return {
        "family": found.family, "score": float(found.score), "doubts": list(found.doubts),
        "missing": list(found.missing),
    }  # fmt: skip


def cut_clip(
    path, start: Optional[str] = None, end: Optional[str] = None, fps: Optional[float] = None,
    reading: Reading = Reading(),
) -> tuple[Motion, dict]:  # fmt: skip
    """The stretch of a clip from `start` to `end`, at `fps` if given; and the first half of a batch's row about it.

    Errors as `read_clip` and `cut`.
    """
    sha256 = digest(path)
    motion, source = read_clip(path, reading)
    doubts = source.pop("doubts")
    motion = cut(motion, start, end)
    return motion if fps is None else resample(motion, fps), {
        "clip_sha256": sha256, "source": source, "warnings": [f"In {Path(path).name}: {doubt}" for doubt in doubts]
    }  # fmt: skip


def onto(
    motion: Motion, found: Recognition, root: str = "hips", rest: Optional[RigMotion] = None
) -> tuple[RigMotion, dict]:
    """`motion` where a recognised rig stands; and the second half of a batch's row: the rig, and how well it went.

    `root` and `rest` as `to_rig`; what is measured goes over the ground also where the rig stays in place.
    """
    rig = found.rig if rest is None else as_rest(found.rig, rest)
    motion = stood(motion, rig)
    rig_motion = to_rig(motion, rig, root=root)
    measured = to_rig(motion, rig) if root == "in_place" else rig_motion
    floor_m = float(place_of(rig)[1][2])
    row = {
        "frames": len(motion), "fps": motion.fps, "seconds": round(len(motion) / motion.fps, 4),
        "family": found.family, "score": float(found.score), "missing": list(found.missing),
        **measure(motion, rig, measured, floor_m).as_dict(),
    }  # fmt: skip
    return rig_motion if rest is None else moved_to(rig_motion, rig, found.rig), row


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
    feet_z = _feet_z(rig)
    x, y, own_z = rig.world[:3, 3]
    return turn, np.array([x, y, min(own_z, 0.0, key=lambda level: abs(level - feet_z))])


def _feet_z(rig: Rig) -> float:
    """How high in the world the soles of a rig with roles are at rest, in metres."""
    a = align(rig)
    return float(quat.rotate(a.turn, a.head("pelvis"))[2] + rig.world[2, 3] - skeleton_of(rig).offsets[0, 2])
