"""How a backend starts and stops: one a data folder, its port, its log, its server.json."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import logging.handlers
import os
import signal
import socket
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Callable, Iterator, Optional

import uvicorn

from .. import PROTOCOL, __version__, settings
from ..errors import BadInput

DEFAULT_PORT = 8797
PORTS_TRIED = 50
TAKEN = (errno.EADDRINUSE, errno.EACCES)  # EACCES: reserved by the system
LOG_BYTES, LOG_FILES = 1_000_000, 3


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the data folder for one backend; the system lets go of it when the process ends.

    The lock is SQLite's own on an empty file, which works on every platform.
    """
    lock = None
    try:
        try:  # a backend that is just stopping gets two seconds
            lock = sqlite3.connect(folder / "server.lock", timeout=2.0, isolation_level=None, check_same_thread=False)
            lock.execute("begin exclusive")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise unusable(folder, error) from error
            note = settings.read_note(settings.server_json(folder)) or {}
            raise BadInput(
                "already_running",
                f"A backend with the data folder {folder} already runs (port {note.get('port', '?')}, "
                f"process {note.get('pid', '?')}).",
                "Use that one, stop it first, or give another folder in POSELOOM_HOME.",
            ) from error
        yield
    finally:
        if lock is not None:
            lock.close()


def unusable(folder: Path, error: Exception) -> BadInput:
    return BadInput(
        "no_data_folder",
        f"The data folder {folder} cannot be written ({getattr(error, 'strerror', None) or error}).",
        "Free or mend it, or give another folder in POSELOOM_HOME.",
    )


def listen(host: str, port: Optional[int]) -> socket.socket:
    """A listening socket: on `port`, or where none is asked for on 8797 or the next free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    wanted = range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED) if port is None else [port]
    for number in wanted:
        sock = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform == "win32":  # there SO_REUSEADDR would let two programs share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, number))
            sock.listen(128)
            return sock
        except (OSError, OverflowError) as error:
            sock.close()
            reason = getattr(error, "strerror", None) or error
            if getattr(error, "errno", None) not in TAKEN:
                raise BadInput(
                    "cannot_listen",
                    f"The backend cannot listen on {host}, port {number} ({reason}).",
                    "Leave --host and --port out to use this computer and the next free port.",
                ) from error
    what = f"Port {port}" if port is not None else f"Every port from {wanted[0]} to {wanted[-1]}"
    raise BadInput(
        "port_taken",
        f"{what} of {host} is taken ({reason}).",
        "Leave --port out to take the next free one, or give another.",
    )


class _WithoutToken(logging.Formatter):
    def __init__(self, token: str):
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._token = token

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace(self._token, "***")


def start_log(folder: Path, token: str) -> Path:
    """The backend's log file, 1 MB and three older ones.  The token never goes there."""
    path = settings.logs_folder(folder) / "backend.log"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    handler.setFormatter(_WithoutToken(token))
    for name in ("poseloom.server", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return path


class Server(uvicorn.Server):
    """uvicorn on our socket; `ready` is called when it listens, `closing` before it no longer does."""

    def __init__(self, app, ready: Callable[[], None], closing: Callable[[], None]):
        config = uvicorn.Config(
            app, http="h11", loop="asyncio", ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, timeout_keep_alive=30, timeout_graceful_shutdown=2,
        )  # fmt: skip
        super().__init__(config)
        self._ready, self._closing = ready, closing

    async def startup(self, sockets=None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets=None) -> None:
        await asyncio.to_thread(self._closing)  # first: who no longer gets an answer may count on the rest being over
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self):
        """uvicorn would raise the signal again after its loop, before our own tidying up."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def announced(folder: Path) -> Iterator[Callable[[str, int, str], None]]:
    """Gives `announce(host, port, token)`, which writes server.json; removes it at the end."""
    path = settings.server_json(folder)

    def announce(host: str, port: int, token: str) -> None:
        note = {"port": port, "token": token, "pid": os.getpid(), "version": __version__, "protocol": PROTOCOL}
        settings.write_note(path, {"host": host, **note}, mode=0o600)

    try:
        yield announce
    finally:
        if (settings.read_note(path) or {}).get("pid") == os.getpid():
            path.unlink(missing_ok=True)
