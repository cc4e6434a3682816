"""The order of the stages.  Only this file, capture.py and chains.py know it."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Mapping, Optional

import numpy as np

from . import __version__, chains
from .capture import AnimateOptions, keypoints_to_motion, media_to_keypoints, media_to_people, open_media, people_to_motions
from .errors import BadInput
from .formats import CHARACTER_ENDINGS, CHARACTERS
from .key_poses import Keys, on_rig, picked, through
from .memory import handing_back
from .motion.bvh import motion_to_rig, read_bvh, write_bvh
from .motion.files import joints_to_bytes, motion_to_bytes, partial_path, write_bytes, write_confidence
from .motion.resample import cut, cut_rig, resample
from .motion.types import Keypoints, Motion
from .progress import Report, part, silent
from .rigs.recognise import recognise


@dataclass(frozen=True)
class Character:
    """Whom to animate: one of ours by preset, or one in a file; and how its rig is keyed.

    controls "fk" or "ik"; root, who goes over the ground, as `retarget.to_rig`; rest, the frame of its file whose pose
    is its rest pose, or None for the one it has; beside, a .blend into whose scene it is to come.
    """

    preset: Optional[str] = None
    path: Optional[Path] = None
    armature: Optional[str] = None
    controls: str = "fk"
    root: str = "hips"
    rest: Optional[str] = None
    beside: Optional[Path] = None

    @classmethod
    def named(cls, text: str, armature: Optional[str] = None, **how) -> "Character":
        """The character that `--to text` means; BadInput where there is none.  `how`: controls, root, rest."""
        path = Path(text)
        ours = text in CHARACTERS and not path.is_file()
        if armature is not None and (ours or path.suffix.lower() == ".bvh"):
            raise BadInput("one_armature", f'"{text}" has one armature, and no name for it.', "Leave out --armature.")
        if ours:
            if how.get("rest") is not None:
                raise BadInput("no_frames", f'"{text}" is one of ours and has no frames.', "Leave out --rest.")
            return cls(preset=text, **how)
        if path.suffix.lower() not in CHARACTER_ENDINGS:
            raise BadInput(
                "unknown_character",
                f'"{text}" is no character.',
                f"Name one of {', '.join(CHARACTERS)}, or a file that ends in {', '.join(CHARACTER_ENDINGS)}.",
            )
        if not path.is_file():
            raise BadInput("no_such_file", f"There is no file {path}.", "Check the path of the character.")
        return cls(path=path, armature=armature, **how)

    def task(self) -> dict:
        """The same for another process, its path absolute."""
        places = {name: path and str(path.resolve()) for name, path in (("path", self.path), ("beside", self.beside))}
        return {**asdict(self), **places}

    @property
    def is_bvh(self) -> bool:
        return self.path is not None and self.path.suffix.lower() == ".bvh"


@dataclass(frozen=True)
class Extras:
    """What to write and do besides: None leaves it out."""

    overlay: Optional[Path] = None
    joints: Optional[Path] = None
    report: Optional[Path] = None
    movie: Optional[Mapping[str, Any]] = None
    playblast: Optional[Mapping[str, Any]] = None
    blender: Optional[str] = None
    confidence: Optional[str] = None  # of a motion from a video one of formats.CONFIDENCES
    game: Optional[Mapping[str, Any]] = None  # {"root_bone", "fps"}, either may be None: `out` is for a game engine


@dataclass
class Account:
    """What is told of a run, for --report: seconds a stage, findings, warnings."""

    values: dict = field(default_factory=dict)
    seconds: dict = field(default_factory=dict)
    warnings: list = field(default_factory=list)
    at: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage], self.at = round(now - self.at, 4), now

    def note_seen(self, keypoints: Keypoints) -> None:
        """frames, fps, found_share 0..1, and a warning where the person was not in every frame."""
        found = np.isfinite(keypoints.xy).all(axis=2).any(axis=1)
        frames, unseen = len(found), int((~found).sum())
        if not frames:
            raise BadInput("no_frames", "There is no frame in the chosen stretch of the clip.", "Choose a longer one.")
        self.values.update(frames=frames, fps=keypoints.fps, found_share=float(found.mean()))
        if unseen:
            self.warnings.append(f"Nobody was seen in {unseen} of {frames} frames; these are filled in.")

    def as_dict(self) -> dict:
        return {"poseloom": __version__, **self.values, "seconds": self.seconds, "warnings": self.warnings}


def animate(
    media: Path, character: Character, out: Path, options: AnimateOptions, extras: Extras = Extras(),
    report: Report = silent,
) -> dict:  # fmt: skip
    """A video onto a character, into the file `out`; what --report writes.

    Everything that can be refused is refused before the first frame is decoded.
    """
    check_ending(character, out)
    account = Account({"input": str(media), "output": str(out)})
    motion = solved(media, options, extras, account, part(report, 0.0, 0.7))
    put(motion, Path(media).stem, character, out, extras, account, part(report, 0.7, 1.0))
    return account.as_dict()


def solved(media: Path, options: AnimateOptions, extras: Extras, account: Account, report: Report = silent) -> Motion:
    """The motion of a video's person, and the overlay where `extras` asks for it; what is found goes to `account`."""
    seen = media_to_keypoints(media, options, part(report, 0.0, 0.85), account.warnings)
    account.lap("estimate")
    motion = keypoints_to_motion(seen, options, part(report, 0.85, 0.93), account.warnings)
    account.lap("solve")
    account.note_seen(seen)
    account.values["person"] = seen.person
    _overlay(media, options, [seen], extras, account, part(report, 0.93, 1.0))
    return motion


def _overlay(media, options, people, extras: Extras, account: Account, report: Report) -> None:
    if extras.overlay is not None:
        from .overlay import write_overlay

        write_overlay(extras.overlay, open_media(media, options), people, report)
        account.lap("overlay")


def animate_several(
    media: Path, cast: Mapping[int, Character], out: Path, options: AnimateOptions, extras: Extras = Extras(),
    report: Report = silent,
) -> dict:  # fmt: skip
    """The people of a video, by number, each onto a character of `cast`, all on one floor; what --report writes.

    A .blend holds all of them in one scene, one that has several of the armatures already among them; of other formats
    there is a file a person, see `outputs_of`.  BadInput as `animate`, and "same_character" where two get one armature.
    """
    outs = outputs_of(out, cast)
    _check_cast(cast, outs)
    account = Account({"input": str(media), "output": [str(path) for path in dict.fromkeys(outs.values())]})
    people = media_to_people(media, options, list(cast), part(report, 0.0, 0.5), account.warnings)
    account.lap("estimate")
    motions = people_to_motions(people, options, part(report, 0.5, 0.6), account.warnings)
    account.lap("solve")
    _overlay(media, options, people, extras, account, part(report, 0.6, 0.65))
    rows, made, begun = [], None, out.with_name(f".{out.stem}.begun{out.suffix}")
    try:
        for i, (seen, motion, character) in enumerate(zip(people, motions, cast.values())):
            own = Account({"person": seen.person})
            own.note_seen(seen)
            last = i == len(people) - 1
            path = outs[seen.person]
            if out.suffix.lower() == ".blend":
                if made is not None:
                    character = _beside(character, made, cast)
                path = out if last else begun
                made = path
            alone = Extras(blender=extras.blender, game=extras.game, confidence=extras.confidence)
            share = part(report, 0.65 + 0.35 * i / len(people), 0.65 + 0.35 * (i + 1) / len(people))
            put(motion, Path(media).stem, character, path, alone, own, share)
            rows.append(own.as_dict())
    finally:
        begun.unlink(missing_ok=True)
    account.lap("put")
    account.values.update(people=rows, frames=rows[0]["frames"], fps=rows[0]["fps"])
    account.warnings += [f"Person {row['person']}: {sentence}" for row in rows for sentence in row["warnings"]]
    if extras.report is not None:
        write_bytes(extras.report, json.dumps(account.as_dict(), indent=2).encode())
    return account.as_dict()


def outputs_of(out: Path, cast) -> dict:
    """{person: file}: one .blend for all, or NAME_N with the ending of `out`."""
    if out.suffix.lower() == ".blend":
        return {number: out for number in cast}
    return {number: out.with_name(f"{out.stem}_{number}{out.suffix}") for number in cast}


def _check_cast(cast: Mapping[int, Character], outs: Mapping[int, Path]) -> None:
    taken: set = set()
    for number, character in cast.items():
        check_ending(character, outs[number])
        who = (character.path and character.path.resolve(), character.armature)
        if character.path and outs[number].suffix.lower() == ".blend" and who in taken:
            raise BadInput("same_character", f"Two people get the same armature of {character.path}.", "Name another one.")
        taken.add(who)


def _beside(character: Character, made: Path, cast) -> Character:
    """The character, to be put into the .blend `made`: it is in there already where another one came with its file."""
    shared = [other for other in cast.values() if character.path and other.path and other.path.resolve() == character.path.resolve()]
    if character.path and character.path.suffix.lower() == ".blend" and shared[0] is not character:
        return replace(character, path=made)
    return replace(character, beside=made)


def retarget(
    clip: Path, character: Character, out: Path, *, start=None, end=None, fps=None,
    reading: chains.Reading = chains.Reading(), extras: Extras = Extras(), report: Report = silent,
) -> dict:  # fmt: skip
    """A clip (.bvh, or a .npz of ours) onto a character, into the file `out`; what --report writes."""
    check_ending(character, out)
    account = Account({"input": str(clip), "output": str(out)})
    report(0.0, f"Reading {Path(clip).name}")
    motion, source = chains.read_clip(clip, reading)
    motion = cut(motion, start, end)
    if fps is not None:
        motion = resample(motion, fps)
    account.warnings += [f"In {Path(clip).name}: {doubt}" for doubt in source.pop("doubts")]
    account.values["source"] = source
    account.lap("read")
    put(motion, Path(clip).stem, character, out, extras, account, part(report, 0.2, 1.0))
    return account.as_dict()


def check_ending(character: Character, out: Path) -> None:
    """BadInput where a character of this kind cannot be written as `out`."""
    if character.is_bvh and Path(out).suffix.lower() != ".bvh":
        raise BadInput(
            "no_mesh", f"A .bvh skeleton cannot be written as {Path(out).name}.", "End --out in .bvh."
        )


@handing_back()
def put(
    motion: Motion, clip: str, character: Character, out: Path, extras: Extras, account: Account,
    report: Report = silent, keys: Optional[Keys] = None,
) -> None:  # fmt: skip
    """A motion named `clip` onto a character, into the file `out`, or its key poses alone; `account` tells of it."""
    if character.is_bvh:
        target, poses = read_bvh(character.path)
        rest = None if character.rest is None else cut_rig(poses, character.rest)
        if keys is None:
            rig_motion, found = chains.motion_to_rig(
                motion, target, motion.fps, controls=character.controls, root=character.root, rest=rest
            )
            told, numbers = motion, range(1, len(motion) + 1)
        else:
            found = chains.by_controls(recognise(target), character.controls)
            rig_motion, at = on_rig(motion, keys, found.rig, motion.fps, 1, character.root, rest)
            rig_motion = through(rig_motion, at, motion.fps)
            account.values["keys"] = numbers = at.tolist()
            told = motion if keys.seconds is None else picked(motion, at - 1)
        write_bvh(out, found.rig, rig_motion)
        if extras.confidence == "csv":
            write_confidence(out, told, numbers)
        account.lap("retarget")
        done = {
            "frames": len(rig_motion), "fps": rig_motion.fps, "bones_keyed": int(rig_motion.keyed.sum()),
            "family": found.family, "score": float(found.score), "doubts": list(found.doubts),
            "missing": list(found.missing), "switches": {},
        }  # fmt: skip
    else:
        done = _put_in_blender(motion, clip, character, out, extras, report, keys)
        account.seconds.update(done.pop("seconds"))
        account.lap("blender")
    account.warnings += done.pop("doubts")
    if extras.playblast is None:
        done.pop("pictures", None)
    account.values.update(done)
    _write_extras(motion, extras, account)


def _put_in_blender(motion, clip, character, out, extras, report, keys) -> dict:
    from . import blender

    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
        npz = Path(folder) / "motion.npz"
        npz.write_bytes(motion_to_bytes(motion))
        task = {
            "do": "bake" if keys is None else "pose",
            "keys": keys and asdict(keys),
            "motion": str(npz),
            "clip": clip,
            "character": character.task(),
            "out": str(Path(out).resolve()),
            "movie": extras.movie,
            "playblast": extras.playblast,
            "game": extras.game,
            "confidence": extras.confidence,
        }
        try:
            return blender.run(task, blender=extras.blender, report=report)
        finally:
            # a Blender that was stopped while it wrote could not do this itself
            partial_path(Path(out)).unlink(missing_ok=True)


def _write_extras(motion: Motion, extras: Extras, account: Account) -> None:
    if extras.joints is not None:
        write_bytes(extras.joints, joints_to_bytes(motion))
    if extras.report is not None:
        write_bytes(extras.report, json.dumps(account.as_dict(), indent=2).encode())


def write_motion_bvh(path: Path, motion: Motion) -> None:
    """The canonical motion on the solved body as BVH."""
    write_bvh(path, *motion_to_rig(motion))
