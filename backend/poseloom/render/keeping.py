"""Finished frames in a folder, frames/NNNN.png, and beside each a sidecar that says what it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ..motion import png
from ..motion.files import digest, write_bytes
from ..motion.pictures import Frames
from . import provenance
from .shelf import picture

_SIDECARS = ".poseloom"


class Finished(Mapping):
    """Frames of an earlier run, read when they are asked for."""

    def __init__(self, folder: Path, frames: set):
        self.folder, self.frames = folder, frames

    def __getitem__(self, frame: int) -> Frames:
        if frame not in self.frames:
            raise KeyError(frame)
        path = picture(self.folder, "frames", frame)
        return Frames(frame, png.read(path), png.words(path))

    def __iter__(self):
        return iter(sorted(self.frames))

    def __len__(self) -> int:
        return len(self.frames)


def sidecar(out: Path, frame: int) -> Path:
    path = picture(out, "frames", frame)
    return path.parent / _SIDECARS / f"{path.name}.json"


def key_of(out: Path, frame: int) -> str:
    """What the frame that lies there was made from; "" where there is none, or another than was made."""
    path = picture(out, "frames", frame)
    try:
        record = json.loads(sidecar(out, frame).read_text(encoding="utf-8"))
        return record["key"] if record["sha256"] == digest(path) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def keep(out: Path, frame: Frames, key: str) -> None:
    """Write a finished frame, whole, and then what it was made from.  OSError where it cannot be written."""
    path = picture(out, "frames", frame.frame)
    sidecar(out, frame.frame).parent.mkdir(parents=True, exist_ok=True)
    png.write(path, frame.rgb, provenance.words(frame.made))
    record = {"key": key, "sha256": digest(path), "made": dict(frame.made)}
    write_bytes(sidecar(out, frame.frame), json.dumps(record).encode())
