"""How a run shows itself: bars in a terminal, JSON lines for machines, or nothing."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from typing import Iterator

from .errors import PoseloomError
from .progress import Report, silent

_PAUSE_S = 0.1


@contextmanager
def progress(how: str, title: str) -> Iterator[Report]:
    """A report for a stage called `title`: `how` is "auto", "json" or "none"."""
    if how == "json":
        yield _json_lines(title)
    elif how == "auto" and sys.stderr.isatty() and _has_rich():
        with _bar(title) as report:
            yield report
    else:
        yield silent


def say(how: str, sentence: str, **values) -> None:
    """One line on what was made: a sentence for people, an object for machines."""
    print(json.dumps({"done": sentence, **values}) if how == "json" else sentence, flush=True)


def complain(prog: str, error: PoseloomError, how: str = "auto") -> None:
    """The error in one line on stderr, and as an object where machines listen."""
    print(f"{prog}: {error}", file=sys.stderr, flush=True)
    if how == "json":
        print(json.dumps({"error": {"code": error.code, "message": error.message, "hint": error.hint}}), flush=True)


def _json_lines(title: str) -> Report:
    last_s = 0.0

    def report(fraction: float, text: str) -> None:
        nonlocal last_s
        now = time.monotonic()
        if now - last_s >= _PAUSE_S or fraction >= 1.0:
            last_s = now
            print(json.dumps({"stage": title, "fraction": round(fraction, 4), "text": text}), flush=True)

    return report


def _has_rich() -> bool:
    try:
        import rich  # noqa: F401
    except ImportError:
        return False
    return True


@contextmanager
def _bar(title: str) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    # titles and texts hold names of files, which may look like rich's markup or like a format
    titles = TextColumn("{task.fields[title]:<12}", markup=False)
    texts = TextColumn("{task.description}", style="dim", markup=False)
    with Progress(titles, BarColumn(), TimeElapsedColumn(), texts, console=Console(stderr=True)) as bars:
        task = bars.add_task("", total=1.0, title=title)

        def report(fraction: float, text: str) -> None:
            bars.update(task, completed=fraction, description=text)

        yield report
        bars.update(task, completed=1.0, description="")
