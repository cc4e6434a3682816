"""The kinds of job as one table, and what each does in the worker.

A body is called in a worker process as `body(files, options, out, report)`: files {name: Path},
options the kind's dataclass, out an empty folder for the results.  What it writes elsewhere
with `tempfile` is removed with the job.
"""

from __future__ import annotations

import importlib
import json
import tempfile
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Mapping

import numpy as np

from .. import betweening, capture, estimators, key_pictures, pipelines, portraits, rendering
from ..errors import BadInput
from ..motion import files as motion_files
from ..motion import png
from ..motion.types import Keypoints
from ..progress import Report, part

# stage -> the package whose METHODS is its table
STAGES = {"pose": "poseloom.pose", "inbetween": "poseloom.inbetween", "render": "poseloom.render"}


@dataclass(frozen=True)
class CastOptions(pipelines.AnimateOptions):
    """people: the numbers of those wanted; `person` is not looked at."""

    people: tuple[int, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One row: `body` is "package.module:function", `options` a dataclass; a name in `files` that ends in * stands for
    one file or more."""

    body: str
    options: type
    files: tuple
    results: tuple
    summary: str


KINDS: Mapping[str, Kind] = {
    "animate": Kind(
        "poseloom.server.kinds:animate",
        pipelines.AnimateOptions,
        ("media",),
        ("motion.npz", "keypoints.npz", "report.json"),
        "A video or pictures become a motion on the canonical skeleton.",
    ),
    "people": Kind(
        "poseloom.server.kinds:people",
        pipelines.AnimateOptions,
        ("media",),
        ("people.json", "portraits.zip", "report.json"),
        "Who is seen in a video or pictures: number, share of the frames, and a small picture N.png of each.",
    ),
    "cast": Kind(
        "poseloom.server.kinds:cast",
        CastOptions,
        ("media",),
        ("cast.zip", "report.json"),
        "Several people of a video become motions N.npz on one floor, with their N.keypoints.npz.",
    ),
    "bring": Kind(
        "poseloom.server.kinds:bring",
        estimators.Wish,
        (),
        ("report.json",),
        "Weights, or mmpose's environment, are downloaded: only where the user has agreed.",
    ),
    "poses": Kind(
        "poseloom.server.kinds:poses",
        pipelines.AnimateOptions,
        ("picture_*",),
        ("motion.npz", "report.json"),
        "Pictures, in the order of their names, become a motion with a row for the pose in each.",
    ),
    "pose": Kind(
        "poseloom.server.kinds:pose",
        pipelines.AnimateOptions,
        ("media",),
        ("keypoints.npz", "report.json"),
        "The keypoints of one person in a video or pictures.",
    ),
    "inbetween": Kind(
        "poseloom.server.kinds:inbetween",
        betweening.JobOptions,
        ("motion",),
        ("motion.npz", "report.json"),
        "A motion whose holes have score 0 is filled between its key poses, or goes on after its last frame.",
    ),
    "render": Kind(
        "poseloom.server.kinds:render",
        rendering.JobOptions,
        ("scene",),
        ("render.json", "frames.zip"),
        "Guides of a scene's characters through its camera, and frames made of them by diffusion.",
    ),
}


def takes(kind: Kind, names) -> bool:
    """Whether files of these names are what the kind asks for."""
    return all(any(fnmatchcase(name, wanted) for name in names) for wanted in kind.files) and all(
        any(fnmatchcase(name, wanted) for wanted in kind.files) for name in names
    )


def load_body(target: str):
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def stage_tables() -> dict:
    """{stage: {method: Method}} of all stages; imports no method."""
    return {stage: importlib.import_module(package).METHODS for stage, package in STAGES.items()}


def animate(files: Mapping[str, Path], options: pipelines.AnimateOptions, out: Path, report: Report) -> None:
    account = pipelines.Account()
    keypoints = _see(files["media"], options, out, part(report, 0.0, 0.9), account)
    motion = pipelines.keypoints_to_motion(keypoints, options, part(report, 0.9, 1.0), account.warnings)
    account.lap("solve")
    motion_files.write_bytes(out / "motion.npz", motion_files.motion_to_bytes(motion))
    _write_report(out, account)


def people(files: Mapping[str, Path], options: pipelines.AnimateOptions, out: Path, report: Report) -> None:
    account = pipelines.Account()
    seen = pipelines.media_to_people(files["media"], options, None, part(report, 0.0, 0.9), account.warnings)
    account.lap("estimate")
    shown = portraits.portraits(files["media"], options, seen, part(report, 0.9, 1.0))
    rows, folder = [], Path(tempfile.mkdtemp(prefix="portraits-"))
    with zipfile.ZipFile(out / "portraits.zip", "w") as archive:
        for person, (frame, rgb) in zip(seen, shown):
            found = np.isfinite(person.xy).all(axis=2).any(axis=1)
            time_s = round(person.start_s + frame / person.fps, 3)
            rows.append({"person": person.person, "seen_share": float(found.mean()), "portrait_s": time_s})
            png.write(folder / "portrait.png", rgb)
            archive.write(folder / "portrait.png", f"{person.person}.png")
    motion_files.write_bytes(out / "people.json", json.dumps(rows).encode())
    _write_report(out, account)


def cast(files: Mapping[str, Path], options: CastOptions, out: Path, report: Report) -> None:
    account = pipelines.Account()
    if not options.people or min(options.people) < 1 or len(set(options.people)) < len(options.people):
        raise BadInput("bad_option", "A cast is made of people's numbers, each once, from 1 on.", "See the kind people.")
    seen = pipelines.media_to_people(files["media"], options, list(options.people), part(report, 0.0, 0.9), account.warnings)
    account.lap("estimate")
    motions = capture.people_to_motions(seen, options, part(report, 0.9, 1.0), account.warnings)
    account.lap("solve")
    with zipfile.ZipFile(out / "cast.zip", "w") as archive:
        for person, motion in zip(seen, motions):
            archive.writestr(f"{person.person}.npz", motion_files.motion_to_bytes(motion))
            archive.writestr(f"{person.person}.keypoints.npz", motion_files.keypoints_to_bytes(person))
    _write_report(out, account)


def bring(files: Mapping[str, Path], wish: estimators.Wish, out: Path, report: Report) -> None:
    account = pipelines.Account()
    account.values["where"] = str(estimators.bring(wish, report))
    _write_report(out, account)


def poses(files: Mapping[str, Path], options: pipelines.AnimateOptions, out: Path, report: Report) -> None:
    account = pipelines.Account()
    motion = key_pictures.pictures_to_poses([files[name] for name in sorted(files)], options, report, account.warnings)
    account.values.update(frames=len(motion), fps=motion.fps)
    account.lap("estimate")
    motion_files.write_bytes(out / "motion.npz", motion_files.motion_to_bytes(motion))
    _write_report(out, account)


def pose(files: Mapping[str, Path], options: pipelines.AnimateOptions, out: Path, report: Report) -> None:
    account = pipelines.Account()
    _see(files["media"], options, out, report, account)
    _write_report(out, account)


def inbetween(files: Mapping[str, Path], options: betweening.JobOptions, out: Path, report: Report) -> None:
    account = pipelines.Account()
    motion = motion_files.motion_from_bytes(files["motion"].read_bytes())
    motion = betweening.job(motion, options, report)
    account.values.update(frames=len(motion), fps=motion.fps)
    account.lap("fill")
    motion_files.write_bytes(out / "motion.npz", motion_files.motion_to_bytes(motion))
    _write_report(out, account)


def render(files: Mapping[str, Path], options: rendering.JobOptions, out: Path, report: Report) -> None:
    """Without options.folder the pictures are in frames.zip, by their paths below the folder."""
    folder = Path(tempfile.mkdtemp(prefix="render-"))
    told = rendering.job(files["scene"], options, folder, report)
    if options.folder is None:
        with zipfile.ZipFile(out / "frames.zip", "w") as archive:
            for path in sorted(folder.rglob("*.png")):
                archive.write(path, path.relative_to(folder))
    motion_files.write_bytes(out / "render.json", json.dumps(told).encode())


def _see(media: Path, options, out: Path, report: Report, account: pipelines.Account) -> Keypoints:
    keypoints = pipelines.media_to_keypoints(media, options, report, account.warnings)
    account.lap("estimate")
    account.note_seen(keypoints)
    motion_files.write_bytes(out / "keypoints.npz", motion_files.keypoints_to_bytes(keypoints))
    return keypoints


def _write_report(out: Path, account: pipelines.Account) -> None:
    """report.json: frames, fps, found_share, seconds per stage, warnings."""
    text = json.dumps(account.as_dict(), indent=2, allow_nan=False)
    motion_files.write_bytes(out / "report.json", text.encode())
