"""The one channel for progress and cancellation.

Anything that takes over a second accepts `report` and calls it with the share done
(0..1) and a short text.  In a cancelled job that call raises `Cancelled`.
"""

from __future__ import annotations

from typing import Callable

Report = Callable[[float, str], None]


def silent(fraction: float, text: str) -> None:
    """The report of someone who does not listen."""


def part(report: Report, start: float, end: float) -> Report:
    """The report of a step that spans `start`..`end` of the whole."""

    def inner(fraction: float, text: str) -> None:
        report(start + (end - start) * min(max(fraction, 0.0), 1.0), text)

    return inner
