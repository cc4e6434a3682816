"""Where Poseloom keeps its things on this computer, and the notes by which the two programs meet.

    <data folder>/
      backend.json   how to start the backend: {command, version}      written by `poseloom register`
      server.json    the running one, mode 0600: {port, token, pid, version, protocol}
      jobs.db  jobs/  uploads/     kept 7 days or 5 GB
      logs/  models/
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional, Sequence

from . import __version__
from .errors import BadInput
from .registry import install_line

_INSTALL = f"{install_line('server')} (or: make backend)"


def data_folder() -> Path:
    """$POSELOOM_HOME, else the platform's place for a user's data.  Not created here."""
    chosen = os.environ.get("POSELOOM_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Poseloom"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Poseloom"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "poseloom"


def backend_json(folder: Optional[Path] = None) -> Path:
    return (folder or data_folder()) / "backend.json"


def server_json(folder: Optional[Path] = None) -> Path:
    return (folder or data_folder()) / "server.json"


def jobs_db(folder: Optional[Path] = None) -> Path:
    return (folder or data_folder()) / "jobs.db"


def jobs_folder(folder: Optional[Path] = None) -> Path:
    return (folder or data_folder()) / "jobs"


def uploads_folder(folder: Optional[Path] = None) -> Path:
    return (folder or data_folder()) / "uploads"


def logs_folder(folder: Optional[Path] = None) -> Path:
    return (folder or data_folder()) / "logs"


def models_folder(folder: Optional[Path] = None) -> Path:
    return (folder or data_folder()) / "models"


def backend_python(folder: Optional[Path] = None) -> Path:
    """The Python of the environment that `make backend`, or the two lines in the panel, make."""
    place = Path("Scripts", "python.exe") if sys.platform == "win32" else Path("bin", "python")
    return (folder or data_folder()) / "backend" / place


def write_backend_json(command: Optional[Sequence[str]] = None, folder: Optional[Path] = None) -> Path:
    """Tell the extension how to start this backend; the file written.

    `command` is a list of arguments; by default this Python's `-m poseloom serve`.  Called by
    `make backend` through the command line's `poseloom register`.
    """
    command = [sys.executable, "-m", "poseloom", "serve"] if command is None else [str(word) for word in command]
    path = backend_json(folder)
    write_note(path, {"command": command, "version": __version__})
    return path


def read_backend_command(folder: Optional[Path] = None) -> Optional[list[str]]:
    """The command that starts the backend, or None where none is registered or installed."""
    command = (read_note(backend_json(folder)) or {}).get("command")
    if isinstance(command, list) and command and all(isinstance(word, str) for word in command):
        return command
    python = backend_python(folder)
    return [str(python), "-m", "poseloom", "serve"] if python.exists() else None


def check_command(command: Sequence[str]) -> list[str]:
    """`command` with its program's full path, if it can start a backend; BadInput says what it lacks.

    Blender has other search paths than a terminal, hence the full path.  A Python is asked whether it has the
    backend's packages, which takes a second or two.
    """
    program = shutil.which(command[0])
    if program is None:
        raise BadInput(
            "backend_missing", f'There is no program "{command[0]}" that could start the backend.', _INSTALL
        )
    words = [os.path.abspath(program), *command[1:]]
    if words[1:3] == ["-m", "poseloom"]:
        try:
            done = subprocess.run(
                [words[0], "-c", "import uvicorn, poseloom.server.app"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=60,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BadInput("backend_missing", f"{words[0]} does not start: {error}.", _INSTALL) from error
        if done.returncode:
            lacks = re.search(r"No module named '([\w.]+)'", done.stderr)
            why = f'the Python package "{lacks[1]}" is not installed there' if lacks else f"code {done.returncode}"
            raise BadInput("backend_missing", f"{words[0]} cannot start the backend: {why}.", _INSTALL)
    return words


def write_note(path: Path, values: dict, mode: int = 0o644) -> None:
    """A small JSON file, whole or not at all, with `mode` from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.unlink(missing_ok=True)
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(values, file, indent=2)
            file.write("\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_note(path: Path) -> Optional[dict]:
    """What `write_note` wrote, or None where there is no such file or it is damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None
