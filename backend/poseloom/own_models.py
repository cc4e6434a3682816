"""Pose networks that a user brought, by names of their choice: ONNX files in the models folder."""

from __future__ import annotations

import hashlib
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Optional

from .errors import BadInput, PoseloomError
from .motion.files import write_bytes
from .progress import Report, silent
from .settings import models_folder

_CHUNK, _WAIT_S = 1 << 20, 30.0


def folder(place: Optional[Path] = None) -> Path:
    return (place or models_folder()) / "networks"


def path_of(name: str, place: Optional[Path] = None) -> Optional[Path]:
    """The file kept under `name`; None where there is none."""
    if not re.fullmatch(r"[\w.-]+", name):
        return None
    path = folder(place) / f"{name}.onnx"
    return path if path.is_file() else None


def names(place: Optional[Path] = None) -> list:
    return sorted(path.stem for path in folder(place).glob("*.onnx"))


def fetch(source: str, sha256: Optional[str], report: Report = silent) -> bytes:
    """What is in the file or at the http(s) address `source`.  BadInput where its SHA-256 is not `sha256`, and for an
    address without one: what comes over a network is checked."""
    if is_address(source):
        if not sha256:
            raise BadInput("no_checksum", f"{source} is an address, and no checksum was given.", "Add --sha256 HEX.")
        data = _download(source, report)
    elif Path(source).is_file():
        data = Path(source).read_bytes()
    else:
        raise BadInput("no_such_file", f"There is no file {source}.", "Check the path after --from.")
    found = hashlib.sha256(data).hexdigest()
    if sha256 and found != sha256.lower():
        raise BadInput("other_checksum", f"{source} has the SHA-256 {found}, not {sha256.lower()}.", "Check where it comes from.")
    return data


def add(name: str, data: bytes, check, place: Optional[Path] = None, source: Optional[str] = None) -> Path:
    """Keep a network under `name`; `check`, called with its file, raises where it is none.  The file's path.

    Errors call it by its `source`, the file or address that the user knows.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise BadInput("bad_name", f'A network cannot be called "{name}".', "Use letters, digits, dots and dashes.")
    path = folder(place) / f"{name}.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    trial = path.with_name(f".{name}.part.onnx")
    try:
        write_bytes(trial, data)
        try:
            check(trial)
        except BadInput as error:
            raise _about(error, trial, source or name) from error
        trial.replace(path)
    finally:
        trial.unlink(missing_ok=True)
    return path


def _about(error: BadInput, trial: Path, source: str) -> BadInput:
    """The same refusal of what lay at `trial` for a moment, said of `source`."""
    if error.code == "not_onnx":
        message = f"{source} is no ONNX file that onnxruntime can run."
        return BadInput(error.code, message, "Download or export it again, as a whole ONNX file.")
    message = error.message.replace(str(trial), source).replace(trial.name, source)
    return type(error)(error.code, message, error.hint)


def remove(name: str, place: Optional[Path] = None) -> bool:
    path = path_of(name, place)
    if path is not None:
        path.unlink()
    return path is not None


def is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _download(address: str, report: Report) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=_WAIT_S) as answer:
            total, parts, done = int(answer.headers.get("Content-Length") or 0), [], 0
            while chunk := answer.read(_CHUNK):
                parts.append(chunk)
                done += len(chunk)
                report(done / total if total else 0.0, f"{done / 1e6:.1f} MB of {address}")
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise PoseloomError("download_failed", f"{address} could not be brought: {error}.", "Is there a network?") from error
    return b"".join(parts)
