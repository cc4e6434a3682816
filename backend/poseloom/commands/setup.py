"""`setup`: what estimators need beside Poseloom."""

from __future__ import annotations

from .. import mmpose_environment
from ..terminal import progress, say


def setup(chosen) -> int:
    if chosen.remove:
        there = mmpose_environment.remove()
        say(chosen.progress, "mmpose's environment is removed." if there else "mmpose's environment was not there.")
        return 0
    say(chosen.progress, f"mmpose's environment: {mmpose_environment.SIZE}, licence Apache-2.0, into {mmpose_environment.folder()}.")
    with progress(chosen.progress, "mmpose") as report:
        mmpose_environment.make(report, again=chosen.again)
    say(chosen.progress, f"{mmpose_environment.folder()} is ready.", output=str(mmpose_environment.folder()))
    return 0
