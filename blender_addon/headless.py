"""One task in a fresh Blender for `poseloom.blender`: progress, result and errors as JSON lines.

The task is a dict with "do" and what TASKS says of it.  Every line of ours begins with PREFIX, as
Blender too writes to this output.  The process leaves by os._exit, because Blender as a module is
unsafe at exit, and when its input closes, because then whoever asked is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path

from poseloom.errors import Cancelled, PoseloomError

PREFIX = "@poseloom "
_PAUSE_S = 0.05


def main(task_file: str) -> None:
    """Do the task and leave the process: 0, or 1 where an error was sent."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    code = 1
    try:
        task = json.loads(Path(task_file).read_text(encoding="utf-8"))
        _send({"result": TASKS[task["do"]](task, _Reporter())})
        code = 0
    except PoseloomError as error:
        _send({"error": [type(error).__name__, error.code, error.message, error.hint]})
    except KeyboardInterrupt:
        _send({"error": ["Cancelled", "", Cancelled().message, ""]})
    except Exception:  # the boundary of a process: whatever it was, the other side must hear of it
        traceback.print_exc()
        _send({"failed": traceback.format_exc().strip().splitlines()[-1]})
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def versions(task: dict, report) -> dict:
    import numpy

    from . import compat

    return {"blender": compat.version_text(), "numpy": numpy.__version__, "python": sys.version.split()[0]}


def bake(task: dict, report) -> dict:
    """A Motion onto a character: see `baking.bake`."""
    from . import baking

    return baking.bake(task, report)


TASKS = {"versions": versions, "bake": bake}


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


def _leave_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)
