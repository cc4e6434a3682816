"""The other end of the wire: what the extension and scripts say to the backend.

Standard library only, so that it runs in Blender's Python.  Calls block; the extension makes
them on a thread of its own.  Everything that goes wrong is a PoseloomError with a way out.

    backend = find_backend() or start_backend()
    job = backend.submit("animate", files={"media": "dance.mp4"}, options={"height_m": 1.7})
    for status in backend.watch(job):
        print(f"{status.fraction:4.0%} {status.text}")
    motion = motion_from_bytes(backend.result(job, "motion.npz"))
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Optional, Sequence, Union

from . import PROTOCOL, __version__, settings
from .errors import BadInput, Cancelled, PoseloomError, Unavailable

DEFAULT_PORT = 8797
FINAL = ("done", "failed", "cancelled")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_S = 20.0
SILENCE_S = 15.0  # the server sends a sign of life on an event stream every 5 s
CHUNK_BYTES = 1 << 20
GONE = ("backend_gone", "not_poseloom", "wrong_token")  # what asking for a launch that is over is answered
PROBLEM = {"code", "message", "hint", "exit_code"}

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class JobStatus:
    """One moment of a job.  state: queued, running, done, failed or cancelled; fraction 0..1;
    error where it failed; results are the names that `Client.result` takes."""

    id: str
    state: str
    fraction: float
    text: str
    error: Optional[PoseloomError] = None
    kind: str = ""
    results: tuple = ()

    @property
    def final(self) -> bool:
        return self.state in FINAL


class Client:
    """A backend at `address` ("http://127.0.0.1:8797" or "127.0.0.1:8797")."""

    def __init__(self, address: str, token: str, timeout_s: float = TIMEOUT_S):
        parts = urllib.parse.urlsplit(address if "//" in address else f"http://{address}")
        try:
            port = parts.port or DEFAULT_PORT
        except ValueError:
            port = 0
        if parts.scheme not in ("http", "https") or not parts.hostname or not port:
            raise BadInput("bad_address", f'"{address}" is not the address of a backend.', f"Example: {_url(8797)}")
        self.address = f"{parts.scheme}://{parts.netloc}"
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, port
        self._token, self._timeout_s = token, timeout_s

    def __repr__(self) -> str:
        return f"Client({self.address!r})"  # never the token

    @property
    def local(self) -> bool:
        """Whether the backend is on this computer and can read files by their path."""
        return self._host in LOOPBACK

    def health(self) -> dict:
        """{"version", "protocol"}.  BadInput where the token or the protocol does not fit."""
        health = self._json("GET", "/health")
        if health.get("protocol") != PROTOCOL:
            raise BadInput(
                "other_protocol",
                f"The backend at {self.address} is version {health.get('version', '?')} and speaks protocol "
                f"{health.get('protocol', '?')}; this side is version {__version__} and speaks protocol {PROTOCOL}.",
                "Stop that backend, bring the extension and the backend to the same release, and start it again.",
            )
        return health

    def methods(self) -> dict:
        """The stages' tables and the kinds of job: {"stages": {...}, "jobs": {...}, "upload_limit_bytes"}."""
        return self._json("GET", "/methods")

    def estimators(self) -> list:
        """Rows of GET /estimators: name, summary, licence, state, size_bytes, brings, way."""
        return self._json("GET", "/estimators")["estimators"]

    def submit(
        self,
        kind: str,
        files: Mapping[str, PathLike] = {},
        options: Mapping[str, Any] = {},
        upload: bool = False,
    ) -> str:
        """Start a job and return its id.

        A backend on this computer reads the files where they are; another one, or any with
        `upload=True`, is sent a copy first.
        """
        references = {name: self._reference(path, upload) for name, path in files.items()}
        body = {"kind": kind, "files": references, "options": dict(options)}
        return self._json("POST", "/jobs", body)["id"]

    def status(self, job: str) -> JobStatus:
        return _status(self._json("GET", f"/jobs/{_quoted(job)}"))

    def jobs(self) -> list[JobStatus]:
        """The backend's jobs, newest first, those of earlier launches included."""
        return [_status(row) for row in self._json("GET", "/jobs")["jobs"]]

    def cancel(self, job: str) -> JobStatus:
        """Stop a queued or running job; one that is over stays as it is."""
        return _status(self._json("POST", f"/jobs/{_quoted(job)}/cancel"))

    def result(self, job: str, name: str) -> bytes:
        return self._bytes("GET", f"/jobs/{_quoted(job)}/results/{_quoted(name)}")

    def shutdown(self) -> None:
        """Ask the backend to stop; a running job is taken up again at its next start."""
        self._json("POST", "/shutdown")

    def watch(self, job: str, poll_s: float = 0.25) -> Iterator[JobStatus]:
        """Every change of a job until it is done, failed or cancelled (which is not raised).

        Listens to the server's events; where the stream breaks off, asks again every `poll_s`.
        """
        last = None
        for status in self._events(job):
            last = status
            yield status
        while last is None or not last.final:
            status = self.status(job)
            if status != last:
                last = status
                yield status
            if not status.final:
                time.sleep(poll_s)

    # -- below: the wire ---------------------------------------------------------------

    def _reference(self, path: PathLike, upload: bool) -> dict:
        path = Path(path).expanduser().absolute()
        if self.local and not upload:
            return {"path": str(path)}
        if not path.is_file():
            raise BadInput("no_file", f"There is no file {path}.", "Choose a file that exists.")
        target = f"/uploads?name={_quoted(path.name)}"
        with path.open("rb") as file:
            headers = {"Content-Length": str(path.stat().st_size), "Content-Type": "application/octet-stream"}
            return {"upload": json.loads(self._bytes("POST", target, file, headers))["id"]}

    def _json(self, verb: str, target: str, body: Optional[dict] = None) -> dict:
        try:
            data = None if body is None else json.dumps(body, allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise BadInput("bad_option", f"The options cannot be sent ({error}).", "Give numbers and text.") from error
        answer = self._bytes(verb, target, data, {"Content-Type": "application/json"} if body is not None else {})
        try:
            values = json.loads(answer)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise self._foreign()
        return values

    def _bytes(self, verb: str, target: str, body=None, headers: Mapping[str, str] = {}) -> bytes:
        connection, response = self._open(verb, target, body, headers, self._timeout_s)
        try:
            return response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._gone(error) from error
        finally:
            connection.close()

    def _open(self, verb, target, body, headers, timeout_s):
        """A connection and its good response; every other answer becomes the error it tells of."""
        make = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = make(self._host, self._port, timeout=timeout_s, blocksize=CHUNK_BYTES)
        try:
            try:
                connection.request(verb, target, body, {"Authorization": f"Bearer {self._token}", **headers})
            except (BrokenPipeError, ConnectionResetError):
                # Where the server stopped listening in the middle of an upload, its answer tells why.
                if connection.sock is None:
                    raise
            response = connection.getresponse()
            if response.status < 400:
                return connection, response
            answer = response.read(1 << 16)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._gone(error) from error
        connection.close()
        try:
            problem = json.loads(answer)
        except ValueError:
            problem = None
        raise _problem(problem) if isinstance(problem, dict) and PROBLEM <= set(problem) else self._foreign()

    def _events(self, job: str) -> Iterator[JobStatus]:
        """Statuses from the event stream; ends quietly where the stream does."""
        target = f"/jobs/{_quoted(job)}/events"
        connection, response = self._open("GET", target, None, {"Accept": "text/event-stream"}, SILENCE_S)
        try:
            for line in response:
                if line.startswith(b"data:"):
                    yield _status(json.loads(line[5:]))
        except (OSError, http.client.HTTPException, ValueError):
            return
        finally:
            connection.close()

    def _gone(self, error: Exception) -> PoseloomError:
        what = "did not answer in time" if isinstance(error, TimeoutError) else "does not answer"
        return Unavailable(
            "backend_gone",
            f"The backend at {self.address} {what} ({error}).",
            "Start it in the Poseloom panel or with: poseloom serve",
        )

    def _foreign(self) -> PoseloomError:
        return BadInput(
            "not_poseloom",
            f"Something else than Poseloom answers at {self.address}.",
            "Check the address, or start the backend with: poseloom serve",
        )


def find_backend(folder: Optional[Path] = None) -> Optional[Client]:
    """The running backend that server.json tells of, or None.

    A server.json left by one that is gone counts as none, also where another program or another
    launch has its port now.  BadInput where it runs but speaks another protocol.
    """
    note = settings.read_note(settings.server_json(folder))
    if not note or not isinstance(note.get("port"), int) or not _alive(note.get("pid")):
        return None
    client = Client(_url(note["port"], note.get("host", "127.0.0.1")), str(note.get("token", "")), timeout_s=5.0)
    try:
        client.health()
    except PoseloomError as error:
        if error.code in GONE:
            return None
        raise
    return Client(client.address, client._token)


def connect(address: str, token: Optional[str] = None, folder: Optional[Path] = None) -> Client:
    """The backend at `address`; the token of one on this computer is read from server.json."""
    client = Client(address, token or "")
    if token is None:
        note = settings.read_note(settings.server_json(folder)) or {}
        if not client.local or note.get("port") != client._port:
            raise BadInput(
                "no_token",
                f"No token is known for the backend at {client.address}.",
                "It stands in server.json in the data folder of the computer on which that backend runs.",
            )
        client = Client(address, str(note.get("token", "")))
    client.health()
    return client


def start_backend(
    command: Optional[Sequence[str]] = None, timeout_s: float = 60.0, folder: Optional[Path] = None
) -> Client:
    """Start the backend as a process that outlives this one, or return the one that runs.

    `command` is a list of arguments, by default the one of backend.json.
    """
    running = find_backend(folder)
    if running:
        return running
    command = list(command) if command else settings.read_backend_command(folder)
    if not command:
        raise Unavailable(
            "no_backend",
            f"No backend is registered in {settings.backend_json(folder)}.",
            "Install it with `make backend`, or register an installed one with: poseloom register",
        )
    log = settings.logs_folder(folder) / "start.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **_detached(folder)
            )
        except OSError as error:
            raise Unavailable(
                "backend_missing",
                f'The backend could not be started: "{command[0]}" ({error.strerror}).',
                "Mend its command in the preferences, or install it again with `make backend`.",
            ) from error
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        over = process.poll() is not None
        running = find_backend(folder)
        if running:
            return running
        if over:
            break
        time.sleep(0.1)
    process.kill()
    process.wait()
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    said = f'; it last said "{lines[-1]}"' if lines else f", and said nothing in {timeout_s:.0f} s"
    raise PoseloomError("backend_not_started", f"The backend did not start{said}.", f"Its output is in {log}.")


def stop_backend(client: Client, timeout_s: float = 10.0) -> None:
    """Ask the backend to stop and wait until it no longer answers."""
    client.shutdown()
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            client.health()
        except PoseloomError as error:
            if error.code in GONE:
                return
        time.sleep(0.05)
    raise PoseloomError("backend_stays", f"The backend at {client.address} did not stop in {timeout_s:.0f} s.")


def _status(row: dict) -> JobStatus:
    error = _problem(row["error"]) if row.get("error") else None
    results = tuple(row["results"])
    return JobStatus(row["id"], row["state"], float(row["fraction"]), row["text"], error, row["kind"], results)


def _problem(values: dict) -> PoseloomError:
    """The server's error as the one that was raised there."""
    code, message, hint = str(values["code"]), str(values.get("message", "")), str(values.get("hint", ""))
    if values.get("exit_code") == Cancelled.exit_code:
        return Cancelled(message)
    kind = BadInput if values.get("exit_code") == BadInput.exit_code else PoseloomError
    return kind(code, message, hint)


def _detached(folder: Optional[Path]) -> dict:
    environment = dict(os.environ)
    if folder:
        environment["POSELOOM_HOME"] = str(folder)
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"env": environment, "creationflags": flags}
    return {"env": environment, "start_new_session": True}


def _alive(pid) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return False
    if sys.platform == "win32":
        return True  # there os.kill(pid, 0) ends the process; GET /health decides
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _url(port: int, host: str = "127.0.0.1") -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _quoted(word: str) -> str:
    return urllib.parse.quote(word, safe="")
