"""Quality presets: which estimator sees, and how many of the frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional

from . import weights
from .errors import BadInput


@dataclass(frozen=True)
class Preset:
    """estimator: the one wanted, and if its weights are missing `instead`; thrifty: every other frame is seen."""

    estimator: str
    instead: str
    thrifty: bool
    summary: str


PRESETS: Mapping[str, Preset] = {
    "draft": Preset("mediapipe-lite", "mediapipe", True, "every other frame, the small model where it is there"),
    "good": Preset("mediapipe", "mediapipe", False, "every frame by the full model"),
    "best": Preset("mediapipe-both", "mediapipe", False, "heavy and full model, several times slower"),
}
_WEIGHTS = {"mediapipe-lite": "mediapipe-lite", "mediapipe-both": "mediapipe-heavy"}


FEWEST_FPS = 24.0  # below, no frame is left out, and a motion that misses some gets them between the others


def preset(name: str) -> Preset:
    if name not in PRESETS:
        raise BadInput("bad_option", f'There is no quality "{name}".', f"Choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def estimator(quality: str, asked: Optional[str], warnings: list) -> str:
    """The estimator asked for, else the preset's; to `warnings` is added what the preset would want and is missing."""
    chosen = preset(quality)
    if asked:
        return asked
    model = _WEIGHTS.get(chosen.estimator)
    if model is None or weights.is_present(model):
        return chosen.estimator
    if quality == "best":
        warnings.append(
            f'Quality "best" needs the weights "{model}", which are missing: the full model sees alone. '
            f"Bring them by: poseloom models add {model}"
        )
    return chosen.instead
