"""Tasks in a Blender for `poseloom.blender`: they come in as JSON lines, and so go progress, results and errors.

A task is a dict with "do" and what TASKS says of it.  Every line of ours begins with PREFIX, as
Blender too writes to this output.  The process leaves by os._exit, because Blender as a module is
unsafe at exit, as soon as its input closes, because then whoever asked is gone.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback

from poseloom.errors import Cancelled, PoseloomError

PREFIX = "@poseloom "
_PAUSE_S = 0.05


def main() -> None:
    """Do one task after the other, until the input closes."""
    tasks: queue.Queue = queue.Queue()
    threading.Thread(target=_hear, args=(tasks,), daemon=True).start()
    try:
        while True:
            _do(tasks.get())
    finally:
        os._exit(1)


def _do(line: str) -> None:
    try:
        task = json.loads(line)
        result = {"result": TASKS[task["do"]](task, _Reporter())}
    except PoseloomError as error:
        result = {"error": [type(error).__name__, error.code, error.message, error.hint]}
    except KeyboardInterrupt:
        result = {"error": ["Cancelled", "", Cancelled().message, ""]}
    except Exception:  # the boundary of a process: whatever it was, the other side must hear of it
        traceback.print_exc()
        result = {"failed": traceback.format_exc().strip().splitlines()[-1]}
    sys.stderr.flush()
    _send(result)


def versions(task: dict, report) -> dict:
    import numpy

    from . import compat

    return {"blender": compat.version_text(), "numpy": numpy.__version__, "python": sys.version.split()[0]}


def bake(task: dict, report) -> dict:
    """A Motion onto a character: see `baking.bake`."""
    from . import baking

    return baking.bake(task, report)


def pose(task: dict, report) -> dict:
    """Key poses onto a character: see `posing.pose`."""
    from . import posing

    return posing.pose(task, report)


def character(task: dict, report) -> dict:
    """The character of the tasks "retarget" that follow: see `batching.load`."""
    from . import batching

    return batching.load(task, report)


def retarget(task: dict, report) -> dict:
    """A clip onto the loaded character, into a file: see `batching.retarget`."""
    from . import batching

    return batching.retarget(task, report)


def takes(task: dict, report) -> dict:
    """The takes of a file as motions of ours: see `batching.takes`."""
    from . import batching

    return batching.takes(task, report)


def take_names(task: dict, report) -> dict:
    """What takes a file has: see `batching.take_names`."""
    from . import batching

    return batching.take_names(task, report)


def guides(task: dict, report) -> dict:
    """What guides of a scene are drawn of, into a folder: see `guiding.read`."""
    from . import guiding

    return guiding.read(task, report)


def portrait(task: dict, report) -> dict:
    """A picture of one character of a scene, into a folder: see `portraying.portrait`."""
    from . import portraying

    return portraying.portrait(task, report)


def strip(task: dict, report) -> dict:
    """A scene with finished frames in its sequencer: see `guiding.strip`."""
    from . import guiding

    return guiding.strip(task, report)


TASKS = {
    "versions": versions, "bake": bake, "pose": pose, "character": character, "retarget": retarget, "takes": takes,
    "take_names": take_names, "guides": guides, "portrait": portrait,
    "strip": strip,
}  # fmt: skip


class _Reporter:
    """A report that goes to the other process, at most twenty times a second."""

    def __init__(self):
        self.last_s = 0.0

    def __call__(self, fraction: float, text: str) -> None:
        now = time.monotonic()
        if now - self.last_s >= _PAUSE_S or fraction >= 1.0:
            self.last_s = now
            _send({"progress": [round(fraction, 4), text]})


def _send(message: dict) -> None:
    # one write, on a line of its own: Blender's C code prints in between
    sys.stdout.flush()
    os.write(1, f"\n{PREFIX}{json.dumps(message)}\n".encode())


def _hear(tasks: queue.Queue) -> None:
    rest = b""
    while piece := os.read(0, 1 << 16):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            tasks.put(line.decode())
    os._exit(0)
