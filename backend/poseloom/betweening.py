"""The order of the stages for keys: read, fill or retime, go on, write; for the command line and the server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

import numpy as np

from . import chains
from .errors import BadInput, Unavailable
from .inbetween import collection, load
from .inbetween import retime as timing
from .inbetween.fill import FillOptions, fill
from .motion.bvh import motion_to_rig, read_bvh, write_bvh
from .motion.files import motion_to_bytes, write_bytes
from .motion.resample import cut, cut_rig, parse_time
from .motion.types import Motion
from .pipelines import Account, Character, Extras, check_ending, put
from .progress import Report, part, silent
from .rigfill import RigHoles, fill_rig, lengthened, onto, played
from .rigs.recognise import recognise

__all__ = ["FillOptions", "How", "JobOptions", "Target", "inbetween", "inbetweener", "job", "retime"]


@dataclass(frozen=True)
class How:
    """keys: times "12" or "1.5s", none for those of the clip; bones: names, none for all; onward: frames to add;
    model: the folder of the networks, "" for ours."""

    method: str = "spline"
    keys: tuple = ()
    bones: tuple = ()
    candidate: int = 0
    onward: int = 0
    model: str = ""


@dataclass(frozen=True)
class Target:
    """Whom the result is put on; None: it stays on the clip's own skeleton."""

    character: Optional[Character] = None
    extras: Extras = Extras()


@dataclass(frozen=True)
class JobOptions:
    """What a job of the server may choose: the method of a fill, or `onward` frames to add in place of it; and the
    folder of the networks, "" for ours."""

    method: str = "lstm"
    onward: int = 0
    model: str = ""


def job(motion: Motion, options: JobOptions, report: Report = silent) -> Motion:
    """A motion of the 22 body joints, filled where its score is 0; or, with `onward`, continued by that many frames."""
    if options.onward:
        return _continue(options.model)(motion, options.onward, report)
    method, known = inbetweener(options.method, model=options.model), motion.score > 0.0
    if method is None:
        return fill(motion, known, None, FillOptions(feet=False), report)
    return method(motion, known, report)


def inbetweener(name: str, clips: Optional[Sequence[tuple]] = None, candidate: int = 0, model: str = ""):
    """The method called `name`, None for the spline; dtw follows clips [(path, name), ...], by default the library;
    lstm takes the networks in the folder `model`, "" for ours."""
    method = load(name)
    if name == "spline":
        return None
    if name == "dtw":
        return method(_library(clips), candidate)
    from .inbetween.lstm import files_of

    return method(files_of(model)[0])


def inbetween(
    clip: Path, out: Path, how: How, options: FillOptions = FillOptions(), follow=None, target: Target = Target(),
    report: Report = silent,
) -> dict:  # fmt: skip
    """The holes of a clip filled, and frames added after its last key, into the file `out`; what --report writes.

    Frames before the first key and after the last stay as they are; where frames are added, those after the last
    key go.  A BVH file keeps its skeleton, and to it its keys, as the numbers of its text allow.
    """
    account = _begun(clip, out, target)
    if how.model and how.method != "lstm" and not how.onward:
        raise BadInput("bad_option", f"A model is of no use to {how.method}.", "Add --method lstm, or leave out --model.")
    method = inbetweener(how.method, follow, how.candidate, how.model)
    account.lap("load")
    more = _onward(how.onward, follow, how.model, part(report, 0.8, 0.9))
    filling = part(report, 0.1, 0.8)
    if Path(clip).suffix.lower() == ".bvh":
        rig, motion = read_bvh(clip)
        rig = _recognised(rig, how, target, account)
        rows = _rows(how.keys, len(motion), motion.fps, clip) if how.keys or not how.onward else None
        if rows is not None:
            known = rig if rig.roles else None
            bones = _chosen(how.bones, motion.bones)
            motion = fill_rig(RigHoles.at(motion, rows), known, method, options, filling, account.warnings, bones)
        if how.onward:
            end = None if rows is None else str(_last(rows) + 1)
            motion = onto(cut_rig(motion, None, end), rig, more)
        account.lap("fill")
        return _written(motion, rig, clip, out, target, account, part(report, 0.9, 1.0))
    motion, source = chains.read_clip(clip)
    account.values.update(family=source["family"])
    known = _known(motion, how.keys, clip) if how.keys or not how.onward else None
    if known is not None:
        filled = fill(motion, known, method, options, filling, account.warnings)
        motion = _only(filled, motion, _chosen(how.bones, motion.skeleton.names))
    if how.onward:
        end = None if known is None else str(int(np.flatnonzero(_keyed(known))[-1]) + 1)
        motion = more(cut(motion, None, end))
    account.lap("fill")
    return _written(motion, None, clip, out, target, account, part(report, 0.9, 1.0))


def retime(
    clip: Path, out: Path, like: Path, keys: tuple = (), target: Target = Target(), report: Report = silent
) -> dict:
    """A clip at the timing of another, or of its frames `keys`, into the file `out`; what --report writes."""
    account = _begun(clip, out, target)
    other, _ = chains.read_clip(like)
    at = [_frame(word, other.fps) for word in keys] or None
    report(0.1, "Aligning")
    if Path(clip).suffix.lower() == ".bvh":
        rig, motion = read_bvh(clip)
        found = recognise(rig)
        where = timing.alignment(chains.clip_to_motion(rig, motion)[0], other, at) * (motion.fps / other.fps)
        motion = played(motion, where, other.fps)
        account.values.update(family=found.family)
        return _written(motion, found.rig, clip, out, target, account, part(report, 0.5, 1.0))
    motion, source = chains.read_clip(clip)
    account.values.update(family=source["family"])
    return _written(timing.retime(motion, other, at), None, clip, out, target, account, part(report, 0.5, 1.0))


def _begun(clip, out, target: Target) -> Account:
    if target.character is not None:
        check_ending(target.character, out)
    return Account({"input": str(clip), "output": str(out)})


def _library(clips):
    if clips is None:
        return collection.opened()
    return collection.of_motions([(Path(name).as_posix(), chains.read_clip(path)[0]) for path, name in clips])


def _continue(model: str):
    from .inbetween.lstm import Continue, files_of

    return Continue(files_of(model)[1])


def _onward(frames: int, follow, model: str, report: Report):
    """What adds `frames` to a canonical motion; the library is read only where there are any."""
    if not frames:
        return None
    try:
        ahead = _continue(model)
    except (ImportError, Unavailable):
        ahead = None  # the clips go on alone
    return lambda motion: lengthened(motion, frames, lambda: _library(follow), ahead, report)


def _recognised(rig, how: How, target: Target, account: Account):
    """`rig` with its roles where it is a human body; where it is none, that is told if anything needs it."""
    try:
        found = recognise(rig)
    except BadInput as error:
        if error.code != "not_humanoid" or how.method != "spline" or how.onward or target.character is not None:
            raise
        account.warnings.append(f"{error.message} Every bone was filled by itself.")
        account.values.update(family="unknown")
        return rig.with_(roles={})
    account.values.update(family=found.family)
    account.warnings += list(found.doubts)
    return found.rig


def _rows(keys: tuple, frames: int, fps: float, clip) -> np.ndarray:
    """(T,) the frames that are known: keys, and all before the first and after the last."""
    if not keys:
        raise BadInput(
            "no_holes", f"{Path(clip).name} has a pose on every frame.", "Say which of them are keys: --keys 0,18,40."
        )
    at = sorted({_frame(word, fps) for word in keys})
    beyond = [k for k in at if k >= frames]
    if beyond:
        raise BadInput(
            "bad_keys", f"Frame {beyond[0]} is not in {Path(clip).name}, which has {frames}.", "Frames count from 0."
        )
    rows = np.zeros(frames, bool)
    rows[at] = True
    if len(at) > 1:
        rows[: at[0]] = rows[at[-1] :] = True
    return rows


def _frame(word: str, fps: float) -> int:
    return round(parse_time(word, fps) * fps)


def _last(rows) -> int:
    """The last key: what follows it is known as well, to the end."""
    holes = np.flatnonzero(~rows)
    return int(holes[-1]) + 1 if len(holes) else len(rows) - 1


def _known(motion: Motion, keys: tuple, clip) -> np.ndarray:
    """(T,J) by --keys, or where the score says that a frame is a hole."""
    if not keys and (motion.score == 0.0).any():
        return motion.score > 0.0
    return np.repeat(_rows(keys, len(motion), motion.fps, clip)[:, None], len(motion.skeleton), axis=1)


def _keyed(known):
    rows = known.any(axis=1)
    return np.arange(len(rows)) <= _last(rows) if rows[-1] else rows


def _chosen(names: tuple, there: Sequence[str]):
    """(B,) bool of the bones named, None for all; BadInput where there is no such bone."""
    missing = [name for name in names if name not in there]
    if missing:
        raise BadInput(
            "no_such_bone", f"There is no bone {', '.join(missing)}.", f"There are {', '.join(list(there)[:12])} ..."
        )
    return np.array([name in names for name in there]) if names else None


def _only(filled: Motion, motion: Motion, bones) -> Motion:
    if bones is None:
        return filled
    lrot = np.where(bones[:, None], filled.lrot, motion.lrot)
    return filled.with_(lrot=lrot, root=filled.root if bones[0] else motion.root)


def _written(motion, rig, clip, out: Path, target: Target, account: Account, report: Report) -> dict:
    """A Motion, or a RigMotion on `rig`, into the file `out`."""
    account.values.update(frames=len(motion), fps=motion.fps)
    ending = Path(out).suffix.lower()
    if target.character is None and ending == ".bvh":
        write_bvh(out, *((rig, motion) if rig is not None else motion_to_rig(motion)))
    else:
        canonical = motion if rig is None else chains.clip_to_motion(rig, motion)[0]
        if target.character is None:
            write_bytes(out, motion_to_bytes(canonical))
        else:
            put(canonical, Path(clip).stem, target.character, out, target.extras, account, report)
    account.lap("write")
    report(1.0, "Written")
    return account.as_dict()
