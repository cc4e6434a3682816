"""`serve`, `doctor`, `demo`, `jobs` and `register`: the program itself."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from ..registry import package
from ..terminal import progress, say


def serve(chosen) -> int:
    serve = package("poseloom.server.app", "The backend", "server").serve
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the server has its own way to stop
    serve(
        host=chosen.host, port=chosen.port, workers=chosen.workers,
        report_ready=lambda address: print(f"Poseloom listens at {address} (Ctrl+C stops it).", flush=True),
    )  # fmt: skip
    return 0


def doctor(chosen) -> int:
    from ..doctor import examine, tell

    return tell(examine(chosen.blender), as_json=chosen.json)


def demo(chosen) -> int:
    from ..demo import make

    with ExitStack() as stack:

        def stage(title: str):
            stack.close()  # the bar before is done
            return stack.enter_context(progress(chosen.progress, title))

        made = make(Path(chosen.out), preset=chosen.to, blender=chosen.blender, overwrite=chosen.overwrite, stage=stage)
    say(chosen.progress, made.pop("text"), **made)
    return 0


def jobs(chosen) -> int:
    from ..server.store import clean

    done = clean(keep_days=0.0) if chosen.all else clean()
    print(
        f"Removed {done.jobs} jobs and {done.uploads} uploads ({done.freed_bytes / 1e6:.1f} MB); "
        f"{done.kept_bytes / 1e6:.1f} MB stay."
    )
    return 0


def register(chosen) -> int:
    from ..settings import check_command, write_backend_json

    command = check_command(chosen.command or [sys.executable, "-m", "poseloom", "serve"])
    print(f"Blender's Poseloom panel now finds this backend by {write_backend_json(command)}.")
    return 0
