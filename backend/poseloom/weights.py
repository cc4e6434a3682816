"""The models we use: what they are called, whose they are, how large, and whether they are here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Optional

from .settings import models_folder


@dataclass(frozen=True)
class Model:
    """One file of weights.

    `path` is inside the installed Python package `package`, or inside the models folder where
    that is ""; `source` says where the file comes from; `needed` ones ship with an extra.
    """

    name: str
    summary: str
    licence: str
    size_bytes: int
    sha256: str
    path: str
    source: str
    package: str = ""
    needed: bool = False


@dataclass(frozen=True)
class Status:
    """`state` is "present", "missing" or "damaged" (another size or checksum); where, if found."""

    model: Model
    state: str
    where: Optional[Path] = None


_NPM = "npm package @mediapipe/pose 0.5.1675469404"

MODELS = (
    Model(
        name="mediapipe-detector",
        summary="finds the person in the picture",
        licence="Apache-2.0",
        size_bytes=2_959_046,
        sha256="9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        path="modules/pose_detection/pose_detection.tflite",
        source="Python package mediapipe 0.10.21",
        package="mediapipe",
        needed=True,
    ),
    Model(
        name="mediapipe-full",
        summary="33 body points, the default",
        licence="Apache-2.0",
        size_bytes=6_440_512,
        sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        path="modules/pose_landmark/pose_landmark_full.tflite",
        source="Python package mediapipe 0.10.21",
        package="mediapipe",
        needed=True,
    ),
    Model(
        name="mediapipe-lite",
        summary="33 body points, faster and coarser",
        licence="Apache-2.0",
        size_bytes=2_819_824,
        sha256="f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61",
        path="mediapipe/pose_landmark_lite.tflite",
        source=_NPM,
    ),
    Model(
        name="mediapipe-heavy",
        summary="33 body points, slower and finer in the picture",
        licence="Apache-2.0",
        size_bytes=27_709_200,
        sha256="59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
        path="mediapipe/pose_landmark_heavy.tflite",
        source=_NPM,
    ),
)


def status(folder: Optional[Path] = None) -> list[Status]:
    """How each model stands; `folder` is the models folder, by default the user's.

    Nothing is imported or downloaded; present files are read once for their checksum.
    """
    return [_status(model, folder or models_folder()) for model in MODELS]


def _status(model: Model, folder: Path) -> Status:
    base = _package_folder(model.package) if model.package else folder
    where = base / model.path if base else None
    if where is None or not where.is_file():
        return Status(model, "missing")
    whole = where.stat().st_size == model.size_bytes and _sha256(where) == model.sha256
    return Status(model, "present" if whole else "damaged", where)


def _package_folder(package: str) -> Optional[Path]:
    spec = find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
