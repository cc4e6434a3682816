"""Blender without a window, in a process of its own that can be stopped at any moment.

That process runs the extension's own code, so what the command line writes is what the panel writes.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

from . import errors
from .errors import BadInput, Cancelled, PoseloomError, Unavailable
from .progress import Report, silent
from .registry import install_line

PREFIX = "@poseloom "
CRASHED = "blender_crashed"
_HEARTBEAT_S = 0.25
# makes the two packages importable by name in any Python, then does the tasks that come in
_BOOT = """
import importlib.util, sys
def load(name, folder):
    spec = importlib.util.spec_from_file_location(name, folder + "/__init__.py", submodule_search_locations=[folder])
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
kernel, extension = sys.argv[-2:]
import bpy
load("poseloom", kernel)
load("poseloom_addon", extension)
from poseloom_addon import headless
headless.main()
"""


def run(task: dict, *, blender=None, report: Report = silent) -> dict:
    """Do `task` (see blender_addon/headless.py) in a fresh Blender: its result; see `Warm`."""
    with Warm(blender) as process:
        return process.do(task, report)


class Warm:
    """A Blender that does one task after the other: the `bpy` package of this Python, or the program at `blender`.

    `extension` is the folder of the extension's code, by default that of the package poseloom_addon.
    `do` gives a task's result and raises what the task raises; after a refusal the process goes on.  It is killed
    when `report` raises, when `do` is interrupted, and by `close`.
    """

    def __init__(self, blender=None, extension: Path | None = None):
        command = _command(blender, extension)
        self.folder = tempfile.TemporaryDirectory(prefix="poseloom-")
        # Blender's own temporary folder too goes with ours, however its process ends
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self.folder.name)
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                encoding="utf-8", errors="replace", env={**os.environ, **places},
            )  # fmt: skip
        except OSError as error:
            self.folder.cleanup()
            raise _no_blender(blender or sys.executable, error.strerror) from error
        # a program that was named may be anything; a Blender says its name first, or answers
        self.doubted = blender
        self.lines: queue.Queue = queue.Queue()
        self.said = deque(maxlen=40)  # the end of what Blender itself prints, for when it crashes
        threading.Thread(target=_read_lines, args=(self.process.stdout, self.lines), daemon=True).start()

    def __enter__(self) -> "Warm":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def do(self, task: dict, report: Report = silent) -> dict:
        try:
            try:
                self.process.stdin.write(json.dumps(task) + "\n")
                self.process.stdin.flush()
            except OSError:
                pass  # it is gone: what it said last is in `lines`
            return _listen(self, report)
        except PoseloomError as error:
            if isinstance(error, Cancelled) or error.code == CRASHED:
                self.close()
            raise
        except BaseException:  # whoever asked wants no more of it
            self.close()
            raise

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except OSError:  # words that were never heard
                pass
        self.folder.cleanup()


def _command(blender, extension: Path | None) -> list:
    arguments = [str(_folder_of("poseloom")), str(extension or _folder_of("poseloom_addon"))]
    if blender is None:
        if importlib.util.find_spec("bpy") is None:
            raise Unavailable(
                "no_blender",
                "No Blender was found: the Python package bpy is not installed here.",
                f"Give --blender PATH, or install it (Python 3.11). {install_line('blender')}",
            )
        return [sys.executable, "-c", _BOOT, *arguments]
    path = Path(blender)
    if path.suffix == ".app":
        path = path / "Contents" / "MacOS" / "Blender"
    if not path.is_file():
        raise BadInput("no_blender", f"There is no Blender at {path}.", "Give the path of the blender program itself.")
    return [str(path.absolute()), "--background", "--factory-startup", "--python-expr", _BOOT, "--", *arguments]


def _folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Unavailable("not_installed", f"The package {package} is not installed.", "Install poseloom again.")
    return Path(spec.origin).parent


def _listen(warm: Warm, report: Report) -> dict:
    at = (0.0, "Starting Blender")
    next_beat_s = 0.0
    while True:
        now = time.monotonic()
        if now >= next_beat_s:
            report(*at)  # also while Blender is silent, so that a cancel is heard
            next_beat_s = now + _HEARTBEAT_S
        try:
            line = warm.lines.get(timeout=_HEARTBEAT_S)
        except queue.Empty:
            continue
        if line is None:
            code = warm.process.wait()
            if warm.doubted is not None and code >= 0:
                raise _no_blender(warm.doubted, f"it stopped with code {code} and never answered")
            raise _crash(code, at[1], warm.said)
        if line.startswith((PREFIX, "Blender ")):
            warm.doubted = None
        if not line.startswith(PREFIX):
            warm.said.append(line.rstrip())
            continue
        message = json.loads(line[len(PREFIX) :])
        if "progress" in message:
            at = tuple(message["progress"])
            report(*at)
        elif "result" in message:
            return message["result"]
        elif "error" in message:
            raise _rebuilt(*message["error"])
        else:
            raise PoseloomError(
                "blender_failed", f"Blender failed at \"{at[1]}\": {message['failed']}.", _last_words(warm.said)
            )


def _read_lines(stream, lines: queue.Queue) -> None:
    try:
        for line in stream:
            lines.put(line)
    except ValueError:  # closed while it was read
        pass
    lines.put(None)


def _rebuilt(kind: str, code: str, message: str, hint: str) -> PoseloomError:
    if kind == "Cancelled":
        return errors.Cancelled(message)
    return getattr(errors, kind, PoseloomError)(code, message, hint)


def _no_blender(path, why: str) -> BadInput:
    return BadInput("no_blender", f"{path} is no Blender: {why}.", "Give the path of the blender program itself.")


def _crash(code: int, doing: str, said) -> PoseloomError:
    hint = _last_words(said)
    if "render" in doing.lower():
        hint = "Is OpenGL there? sudo apt install libegl1 libgl1 libgl1-mesa-dri"
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return PoseloomError(CRASHED, f'Blender stopped with {how} at "{doing}".', hint)


def _last_words(said) -> str:
    words = [line for line in said if line.strip()]
    return f"Its last line: {words[-1]}" if words else ""
