"""The kinds of job as one table, and what each does in the worker.

A body is called in a worker process as `body(files, options, out, report)`: files {name: Path},
options the kind's dataclass, out an empty folder for the results.  What it writes elsewhere
with `tempfile` is removed with the job.
"""

from __future__ import annotations

import importlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np

from .. import pipelines
from ..errors import BadInput
from ..motion import files as motion_files
from ..motion.types import Keypoints
from ..progress import Report, part

STAGES = {"pose": "poseloom.pose"}  # stage -> the package whose METHODS is its table


@dataclass(frozen=True)
class Kind:
    """One row: `body` is "package.module:function", `options` a dataclass."""

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
    "pose": Kind(
        "poseloom.server.kinds:pose",
        pipelines.AnimateOptions,
        ("media",),
        ("keypoints.npz", "report.json"),
        "The keypoints of one person in a video or pictures.",
    ),
}


def load_body(target: str):
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def stage_tables() -> dict:
    """{stage: {method: Method}} of all stages; imports no method."""
    return {stage: importlib.import_module(package).METHODS for stage, package in STAGES.items()}


def animate(files: Mapping[str, Path], options: pipelines.AnimateOptions, out: Path, report: Report) -> None:
    started = time.monotonic()
    warnings: list = []
    keypoints = pipelines.media_to_keypoints(files["media"], options, part(report, 0.0, 0.9), warnings)
    seen = time.monotonic()
    motion = pipelines.keypoints_to_motion(keypoints, options, part(report, 0.9, 1.0))
    solved = time.monotonic()
    motion_files.write_bytes(out / "motion.npz", motion_files.motion_to_bytes(motion))
    motion_files.write_bytes(out / "keypoints.npz", motion_files.keypoints_to_bytes(keypoints))
    _write_json(out / "report.json", describe(keypoints, {"estimate": seen - started, "solve": solved - seen}, warnings))


def pose(files: Mapping[str, Path], options: pipelines.AnimateOptions, out: Path, report: Report) -> None:
    started = time.monotonic()
    warnings: list = []
    keypoints = pipelines.media_to_keypoints(files["media"], options, report, warnings)
    seconds = {"estimate": time.monotonic() - started}
    motion_files.write_bytes(out / "keypoints.npz", motion_files.keypoints_to_bytes(keypoints))
    _write_json(out / "report.json", describe(keypoints, seconds, warnings))


def describe(keypoints: Keypoints, seconds: Mapping[str, float], warnings: Sequence[str] = ()) -> dict[str, Any]:
    """report.json: frames, fps, seconds per stage, found_share (0..1 of the frames), warnings."""
    frames = len(keypoints)
    if not frames:
        raise BadInput("no_frames", "There is no frame in the chosen stretch of the clip.", "Choose a longer one.")
    found = int(np.isfinite(keypoints.xy).all(axis=2).any(axis=1).sum())
    warnings = list(warnings)
    if found < frames:
        warnings.append(f"Nobody was seen in {frames - found} of {frames} frames; these are filled in.")
    return {
        "frames": frames,
        "fps": keypoints.fps,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
        "found_share": found / frames,
        "warnings": warnings,
    }


def _write_json(path: Path, values: dict) -> None:
    motion_files.write_bytes(path, json.dumps(values, indent=2, allow_nan=False).encode())
