"""Motion capture clips packed into one file for training: canonical motions end to end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterable, Optional

import numpy as np

from .errors import BadInput, PoseloomError
from .inbetween.data import Pack
from .inbetween.fill import body_of
from .motion import quat
from .motion.bvh import read_bvh
from .motion.resample import resample
from .motion.skeleton import JOINTS, motion_fk
from .progress import Report, silent
from .retarget import from_rig
from .rigs.recognise import recognise

FPS = 30.0
# subjects of the CMU motion capture database; training refuses VALIDATION and TEST, packing TEST
TRAINING = ("01", "02", "03", "05", "06", "07", "14", "16", "127")
VALIDATION = ("08", "17")
TEST = ("09", "29", "49")
_CMU = re.compile(r"(\d{2,3})_\d{2}")  # a clip of that database: subject, trial
_SHORTEST = 70  # frames
_MAX_SPEED_M_S = 8.0  # a root that is faster jumps from frame to frame
_TOUCH_M_S, _TOUCH_M = 0.25, 0.06


def of_cmu(names: Iterable[str]) -> bool:
    """Whether all clips are called as those of the CMU motion capture database that ours are trained on."""
    found = [_CMU.fullmatch(name) for name in names]
    return all(match and match[1] in TRAINING for match in found)


def held_out(names: Iterable[str], subjects: tuple = VALIDATION + TEST) -> list:
    """The CMU `subjects` that clips of such names show."""
    found = filter(None, map(_CMU.fullmatch, names))
    return sorted({match[1] for match in found} & set(subjects))


def pack(folder: Path, subjects: Optional[tuple] = None, report: Report = silent) -> tuple[Pack, list]:
    """(the clips of a folder of BVH and those below it, at 30 fps; what was left out and why, a line each).

    subjects: what comes before the `_` of the files' names that are taken; None takes all but CMU's VALIDATION and TEST.
    BadInput where nothing is left.
    """
    files = sorted(Path(folder).rglob("*.bvh"))
    lrot, root, contact, offsets, names, left_out = [], [], [], [], [], []
    for done, file in enumerate(files):
        report(done / len(files), file.name)
        if subjects is None and held_out([file.stem]):
            left_out.append(f"{file.name}: called as one of CMU's that are kept for tests")
            continue
        if subjects is not None and file.stem.partition("_")[0] not in subjects:
            continue
        try:
            rig, captured = read_bvh(file)
            motion = resample(body_of(from_rig(captured, recognise(rig).rig)), FPS)
        except PoseloomError as error:
            left_out.append(f"{file.name}: {error}")
            continue
        speed = np.linalg.norm(np.diff(motion.root, axis=0), axis=-1) * FPS
        if len(motion) < _SHORTEST or speed.max() > _MAX_SPEED_M_S:
            left_out.append(f"{file.name}: {'too short' if len(motion) < _SHORTEST else 'its root jumps'}")
            continue
        lrot.append(quat.unroll(motion.lrot)), root.append(motion.root), contact.append(_contacts(motion))
        offsets.append(motion.skeleton.offsets), names.append(file.stem)
    if not names:
        raise BadInput(
            "no_clips", f"There is no clip to train on in {folder}.",
            "Give a folder of .bvh files that last longer than two seconds, and their --subjects.",
        )  # fmt: skip
    start = np.concatenate([[0], np.cumsum([len(x) for x in root])])
    columns = (np.concatenate(x).astype(np.float32) for x in (lrot, root, contact))
    return Pack(*columns, np.stack(offsets), start, tuple(names)), left_out


def _contacts(motion):
    """(T,4) 0 or 1 for foot_l, foot_r, toe_l, toe_r: low and slow."""
    feet = motion_fk(motion)[1][:, [JOINTS.index(n) for n in ("foot_l", "foot_r", "toe_l", "toe_r")]]
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * FPS
    return (speed < _TOUCH_M_S) & (feet[..., 2] < np.quantile(feet[..., 2], 0.05, axis=0) + _TOUCH_M)
