"""The user's library: clips kept in the data folder with the features by which they are matched, made once."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

import numpy as np

from .. import settings
from ..errors import BadInput
from ..motion.files import write_bytes
from ..motion.resample import resample
from ..motion.skeleton import JOINTS, PARENTS
from ..motion.types import Motion
from .library import FPS, Library, leg_length, pose_features

_SHORTEST_S = 0.5


@dataclass(frozen=True)
class Entry:
    """A clip in the library: its name, how long it is, and the file it lies in."""

    name: str
    seconds: float
    path: Path


def folder(data: Optional[Path] = None) -> Path:
    return (data or settings.data_folder()) / "library"


def add(motion: Motion, name: str, place: Optional[Path] = None) -> Entry:
    """Keep a canonical motion under `name`, in place of one of that name; `place` as `folder()`.

    BadInput where it is no human body or shorter than half a second.
    """
    count = len(JOINTS)
    if tuple(motion.skeleton.names[:count]) != JOINTS:
        raise BadInput("not_humanoid", f"{name} moves no human body.", "Only clips of people can be matched.")
    motion = resample(motion, FPS)
    if len(motion) < _SHORTEST_S * FPS:
        raise BadInput("short_clip", f"{name} is shorter than half a second.", "Add longer clips.")
    offsets = np.asarray(motion.skeleton.offsets[:count])
    poses = pose_features(motion.lrot[:, :count], motion.root, offsets, PARENTS)
    buffer = io.BytesIO()
    np.savez(buffer, name=name, lrot=motion.lrot[:, :count], root=motion.root, offsets=offsets, poses=poses)
    path = (place or folder()) / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, buffer.getvalue())
    return Entry(name, len(motion) / FPS, path)


def entries(place: Optional[Path] = None) -> list:
    """Every Entry, by name."""
    found = []
    for path in (place or folder()).glob("*.npz"):
        with _opened(path) as clip:
            found.append(Entry(str(clip["name"]), len(clip["root"]) / FPS, path))
    return sorted(found, key=lambda entry: entry.name)


def remove(names: Sequence[str], place: Optional[Path] = None) -> list:
    """Take clips away, all of them without names; their Entries.  BadInput where one is not there, and none goes."""
    kept = {entry.name: entry for entry in entries(place)}
    missing = [name for name in names if name not in kept]
    if missing:
        raise BadInput(
            "no_such_clip", f"The library has no clip {', '.join(missing)}.", "poseloom library list shows its clips."
        )
    gone = [kept[name] for name in names] if names else list(kept.values())
    for entry in gone:
        entry.path.unlink(missing_ok=True)
    return gone


def opened(place: Optional[Path] = None) -> Library:
    """All clips as one Library; BadInput where there is none."""
    clips = []
    for entry in entries(place):
        with _opened(entry.path) as clip:
            clips.append({key: clip[key] for key in ("name", "lrot", "root", "offsets", "poses")})
    if not clips:
        raise BadInput(
            "no_library", "The library is empty, and dtw follows its clips.",
            "Add some: poseloom library add CLIPS (in Blender: Add Action to Library), or use spline.",
        )  # fmt: skip
    return _joined(clips)


def of_motions(motions: Sequence[tuple]) -> Library:
    """A Library of (name, canonical Motion) that is kept nowhere."""
    clips = []
    for name, motion in motions:
        if tuple(motion.skeleton.names[: len(JOINTS)]) != JOINTS:
            raise BadInput("not_humanoid", f"{name} moves no human body.", "Only clips of people can be matched.")
        motion, offsets = resample(motion, FPS), np.asarray(motion.skeleton.offsets[: len(JOINTS)])
        lrot = motion.lrot[:, : len(JOINTS)]
        poses = pose_features(lrot, motion.root, offsets, PARENTS)
        clips.append({"name": name, "lrot": lrot, "root": motion.root, "offsets": offsets, "poses": poses})
    return _joined(clips)


def _joined(clips) -> Library:
    lrot, root, poses = (np.concatenate([clip[key] for clip in clips]) for key in ("lrot", "root", "poses"))
    start = np.concatenate([[0], np.cumsum([len(clip["root"]) for clip in clips])])
    legs = np.array([leg_length(clip["offsets"]) for clip in clips])
    return Library(lrot, root, start, tuple(str(clip["name"]) for clip in clips), legs, poses)


def _opened(path: Path):
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise BadInput(
            "bad_library", f"The library's file {path} is damaged ({error}).", "Remove it, and add its clip again."
        ) from error
