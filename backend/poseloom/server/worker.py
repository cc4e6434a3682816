"""One process that does jobs one after another, and may be killed at any moment.

A model can crash, hang or sit in native code for seconds; all of that happens here, so that
the server never waits for it.  `spawn` on every platform.
"""

from __future__ import annotations

import errno
import faulthandler
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Mapping, Optional

from ..errors import PoseloomError
from ..progress import Report
from .kinds import load_body

SPAWN = multiprocessing.get_context("spawn")
REPORT_EVERY_S = 0.03
START_S = 60.0  # a new process on a busy computer
NOT_BEGUN = "job_not_begun"
LOG_BYTES = 1_000_000
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) if hasattr(errno, "EDQUOT") else (errno.ENOSPC, errno.EFBIG)


@dataclass(frozen=True)
class Task:
    """`work` is an empty folder: results go to work/out, temporary files to work/tmp."""

    body: str
    files: Mapping[str, Path]
    options: Any
    work: Path


@dataclass(frozen=True)
class Failure:
    """Why a job failed; `details` are for the log alone."""

    code: str
    message: str
    hint: str = ""
    exit_code: int = 1
    details: str = ""

    @property
    def problem(self) -> dict:
        return {"code": self.code, "message": self.message, "hint": self.hint, "exit_code": self.exit_code}


class Worker:
    """The server's handle on one worker process; `kill` may be called from any thread."""

    def __init__(self, log: Path):
        self._log = log
        self.used = False
        self._begun, self._text = False, ""
        self._killing, self._killed = threading.Lock(), False
        self._conn, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_main, args=(theirs, str(log)), name="poseloom-worker")
        self._process.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def run(self, task: Task, report: Report, hang_s: float) -> Optional[Failure]:
        """Do one task to its end; None if it went well.  A worker that crashed or hung is dead after it.

        The failure NOT_BEGUN says that the process was dead, or died, before the task touched anything.
        """
        self.used, self._begun, self._text = True, False, "nothing"
        try:
            self._conn.send(task)
            return self._follow(report, hang_s)
        except (EOFError, OSError):
            return self._death()

    def kill(self) -> None:
        """End the process and all that it started, now."""
        with self._killing:
            if not self._killed:
                kill_tree(self._process.pid)
                self._process.join(5.0)
                self._killed = True

    def _follow(self, report: Report, hang_s: float) -> Optional[Failure]:
        patience_s = max(hang_s, START_S)
        while True:
            if not wait([self._conn, self._process.sentinel], patience_s):
                self.kill()
                return Failure(
                    "job_hung",
                    f'The job made no progress for {patience_s:.0f} s (last heard: "{self._text}") and was stopped.',
                    "Try a shorter stretch of the clip; if that hangs too, please report it with the clip.",
                )
            if not self._conn.poll():
                return self._death()
            message = self._conn.recv()
            if not isinstance(message, tuple):
                return message
            self._begun, self._text, patience_s = True, message[1], hang_s
            report(*message)

    def _death(self) -> Failure:
        self.kill()
        code = self._process.exitcode
        name = f"code {code}"
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
        hint = f"What it last wrote is in {self._log}."
        if not self._begun:
            return Failure(NOT_BEGUN, f"The process that was to do the job died before it began ({name}).", hint)
        if name == "SIGKILL":
            hint = "Probably the memory ran out: try a shorter stretch or a smaller clip."
        return Failure("job_crashed", f'The job\'s process died ({name}; last heard: "{self._text}").', hint)


def kill_tree(pid: int) -> None:
    """Kill a worker, its process group and its descendants, and wait until they are gone."""
    if sys.platform == "win32":
        subprocess.run(
            ["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, creationflags=subprocess.CREATE_NO_WINDOW
        )
        return
    _signal(os.kill, pid, signal.SIGSTOP)  # nothing new is started while we look
    family = [*_descendants(pid), pid]
    _signal(os.killpg, pid, signal.SIGKILL)
    for member in family:
        _signal(os.kill, member, signal.SIGKILL)
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline and _living(family[:-1]):
        time.sleep(0.005)


def _signal(how, pid: int, number: int) -> None:
    try:
        how(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _table() -> dict[int, tuple[int, str]]:
    """{pid: (parent, state)} of the processes on this computer."""
    table = {}
    if os.path.exists("/proc/self/stat"):
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                        state, parent = file.read().rpartition(")")[2].split()[:2]
                except (OSError, ValueError):
                    continue  # gone in the meantime
                table[int(entry)] = (int(parent), state)
        return table
    lines = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True).stdout.splitlines()
    for pid, parent, state in (line.split(None, 2) for line in lines):
        table[int(pid)] = (int(parent), state)
    return table


def _descendants(pid: int) -> list[int]:
    parents = _table()
    found = [pid]
    for known in found:
        found.extend(child for child, (parent, _) in parents.items() if parent == known)
    return found[1:]


def _living(pids: list[int]) -> list[int]:
    table = _table() if pids else {}
    return [pid for pid in pids if pid in table and not table[pid][1].startswith("Z")]


# -- in the worker process -----------------------------------------------------------------


def _main(conn, log: str) -> None:
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the server's to handle
    _redirect_output(log)
    faulthandler.enable()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    while True:
        try:
            task = conn.recv()
        except (EOFError, OSError):
            os._exit(0)
        conn.send(_do(task, conn))
        gc.collect()


def _do(task: Task, conn) -> Optional[Failure]:
    conn.send((0.0, "starting"))
    last = 0.0

    def report(fraction: float, text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= REPORT_EVERY_S:
            last = now
            conn.send((float(fraction), str(text)))

    temporary = task.work / "tmp"
    for name in ("TMPDIR", "TEMP", "TMP"):  # for the processes a job starts
        os.environ[name] = str(temporary)
    tempfile.tempdir = str(temporary)
    try:
        load_body(task.body)(task.files, task.options, task.work / "out", report)
        return None
    except PoseloomError as error:
        return Failure(error.code, error.message, error.hint, error.exit_code)
    except MemoryError:
        return Failure("out_of_memory", "The memory ran out.", "Try a shorter stretch or a smaller clip.", 2)
    except OSError as error:
        return disk_full(error) or _bug(error)
    except Exception as error:  # whatever a model raises must become its job's reason, not the worker's end
        return _bug(error)


def disk_full(error: OSError) -> Optional[Failure]:
    """The sentence for a full disk, or None where `error` is something else."""
    if error.errno not in DISK_FULL:
        return None
    where = f" at {error.filename}" if error.filename else ""
    return Failure(
        "disk_full",
        f"The disk is full{where}.",
        "Free some space, or move the data folder to another disk with POSELOOM_HOME.",
        2,
    )


def _bug(error: Exception) -> Failure:
    words = " ".join(str(error).split())[:300]
    return Failure(
        "job_failed",
        f"The job failed with {type(error).__name__}: {words.rstrip('.')}." if words else f"The job failed: {type(error).__name__}.",
        "This is a fault of ours: please report it with the log file.",
        details=traceback.format_exc(),
    )


def _redirect_output(log: str) -> None:
    """What native libraries print goes to a file; it starts anew when it is large."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    if os.path.exists(log) and os.path.getsize(log) > LOG_BYTES:
        flags |= os.O_TRUNC
    handle = os.open(log, flags, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


def _die_with_parent() -> None:
    """A worker does not outlive its server, however that ended."""
    wait([multiprocessing.parent_process().sentinel])
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
