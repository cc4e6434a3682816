"""Which estimators can be used here, how large they are, under which licence, and bringing one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Optional

from . import mmpose_environment, own_models, weights
from .errors import BadInput
from .pose import METHODS
from .progress import Report, silent
from .registry import install_line

# the weights that an estimator of ours opens, and what it takes besides of its package
_WEIGHTS = {
    "mediapipe": ("mediapipe-detector", "mediapipe-full"),
    "mediapipe-lite": ("mediapipe-detector", "mediapipe-lite"),
    "mediapipe-heavy": ("mediapipe-detector", "mediapipe-heavy"),
    "mediapipe-both": ("mediapipe-detector", "mediapipe-heavy", "mediapipe-full"),
    "holistic": ("mediapipe-detector", "mediapipe-full"),
}
_PARTS = (
    "hand_landmark/hand_landmark_full", "hand_landmark/hand_recrop", "palm_detection/palm_detection_full",
    "face_landmark/face_landmark_with_attention", "face_detection/face_detection_short_range",
)  # fmt: skip
_PACKAGE = {"pose": "mediapipe", "learn": "onnxruntime"}
_MMPOSE_BYTES = 1_500_000_000


@dataclass(frozen=True)
class Estimator:
    """state: "ready"; "needs a model" of the user's; "missing", then `brings` names what `bring` brings, if it can, and
    `way` is a sentence that says how else."""

    name: str
    summary: str
    licence: str
    state: str
    size_bytes: int
    brings: str = ""
    way: str = ""


def estimators(folder: Optional[Path] = None) -> list[Estimator]:
    """Those of the table, then the user's own networks; `folder` is the models folder, by default the user's.

    Nothing is imported or downloaded.
    """
    there = {status.model.name: status for status in weights.status(folder)}
    rows = [_row(name, method, there) for name, method in METHODS.items()]
    for name in own_models.names(folder):
        size = own_models.path_of(name, folder).stat().st_size
        rows.append(Estimator(f"rtm:{name}", "a network of yours", METHODS["rtm"].licence, "ready", size))
    return rows


def _row(name: str, method, there: dict) -> Estimator:
    told = name, method.summary, method.licence
    if name == "mmpose":
        ready = mmpose_environment.state() == "ready"
        return Estimator(*told, "needs a model" if ready else "missing", _MMPOSE_BYTES, "" if ready else name)
    wanted = [there[model] for model in _WEIGHTS.get(name, ())]
    size = sum(status.model.size_bytes for status in wanted) + (_parts_bytes() if name == "holistic" else 0)
    if find_spec(_PACKAGE[method.extra]) is None:
        return Estimator(*told, "missing", size, way=install_line(method.extra))
    lacking = [status.model for status in wanted if status.state != "present"]
    if lacking:
        brings = next((model.name for model in lacking if not model.package), "")
        return Estimator(*told, "missing", size, brings, "" if brings else install_line(method.extra))
    return Estimator(*told, "ready" if wanted else "needs a model", size)


def _parts_bytes() -> int:
    spec = find_spec("mediapipe")
    if spec is None or spec.origin is None:
        return 0
    paths = [Path(spec.origin).parent / "modules" / f"{part}.tflite" for part in _PARTS]
    return sum(path.stat().st_size for path in paths if path.is_file())


@dataclass(frozen=True)
class Wish:
    """name: one of the weights of `poseloom models list`, or "mmpose"."""

    name: str


def bring(wish: Wish, report: Report = silent) -> Path:
    """Download it; where it lies now.  Only to be called where the user has agreed to that very thing."""
    if wish.name == "mmpose":
        return mmpose_environment.make(report)
    if weights.find(wish.name).package:
        raise BadInput("not_added", f"{wish.name} comes with a Python package.", install_line("pose"))
    return weights.add(wish.name, report=report)
