"""Keypoints of media that were seen before, so that solving anew needs no estimator.

They are found by what was in the files, not by their names, and by all that the estimator was asked.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Optional

from . import __version__
from .errors import PoseloomError
from .motion.files import keypoints_from_bytes, keypoints_to_bytes, write_bytes
from .motion.types import Keypoints
from .progress import Report, silent
from .settings import data_folder

MOST_BYTES = 500 * 2**20
_CHUNK = 2**20


def key(paths: list[Path], question: dict, report: Report = silent) -> str:
    """A name for what is in the files `paths` (in order) and for `question`, plain values; hex."""
    digest = hashlib.sha256(json.dumps([__version__, question], sort_keys=True).encode())
    total = sum(path.stat().st_size for path in paths) or 1
    done = 0
    for path in paths:
        digest.update(f"{path.suffix.lower()} {path.stat().st_size} ".encode())
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                done += len(chunk)
                report(done / total, "looking whether this was seen before")
    return digest.hexdigest()


def load(name: str, folder: Optional[Path] = None) -> Optional[tuple[list[Keypoints], list[str]]]:
    """The people kept under `name` and the warnings that came with them; None where they are not there, or not whole."""
    place = _folder(folder) / name
    try:
        told = json.loads((place / "told.json").read_text(encoding="utf-8"))
        people = [keypoints_from_bytes((place / f"{n}.npz").read_bytes()) for n in range(told["people"])]
        (place / "told.json").touch()  # what was used last stays longest
    except (OSError, ValueError, KeyError, PoseloomError):
        return None
    return people, told["warnings"]


def keep(name: str, people: list[Keypoints], warnings: list[str], folder: Optional[Path] = None) -> None:
    """Keep them under `name`; the oldest go where all are more than MOST_BYTES.  A full disk is no failure."""
    place = _folder(folder) / name
    try:
        place.mkdir(parents=True, exist_ok=True)
        for n, person in enumerate(people):
            write_bytes(place / f"{n}.npz", keypoints_to_bytes(person))
        write_bytes(place / "told.json", json.dumps({"people": len(people), "warnings": warnings}).encode())
        _forget(place.parent)
    except OSError:
        return


def _forget(folder: Path) -> None:
    marks = sorted(folder.glob("*/told.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for mark in marks:
        total += sum(path.stat().st_size for path in mark.parent.iterdir())
        if total > MOST_BYTES:
            shutil.rmtree(mark.parent, ignore_errors=True)


def _folder(folder: Optional[Path]) -> Path:
    return folder or data_folder() / "keypoints"
