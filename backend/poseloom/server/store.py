"""Jobs in SQLite and their files beside it: what outlives a launch of the backend.

    jobs.db                 one row a job
    jobs/<id>/results/      whole or not there: renamed from work/out when the job is done
    jobs/<id>/work/         out/ and tmp/ of a running job; removed at its end, whatever the end
    uploads/<id>/<name>     what clients sent
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Mapping, Optional

from .. import settings
from ..errors import BadInput, PoseloomError

FINAL = ("done", "failed", "cancelled")
SCHEMA = 1
KEEP_DAYS = 7.0
KEEP_BYTES = 5_000_000_000
FRESH_S = 3600.0  # an upload without a job may still be waiting for one
MAX_ATTEMPTS = 2  # a job that was under way twice when the backend died is not tried again

TABLE = """create table if not exists jobs (
    id text primary key, kind text not null, state text not null, fraction real not null, text text not null,
    files text not null, options text not null, error text, attempts integer not null,
    created_s real not null, finished_s real)"""


@dataclass(frozen=True)
class Job:
    """One row.  files {name: {"path": ...} or {"upload": id}}; error {code, message, hint, exit_code}."""

    id: str
    kind: str
    state: str
    fraction: float
    text: str
    files: Mapping
    options: Mapping
    error: Optional[Mapping]
    attempts: int
    created_s: float
    finished_s: Optional[float]


class Store:
    """The rows and folders under `folder`; may be called from any thread."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._lock = threading.Lock()
        settings.jobs_folder(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        settings.uploads_folder(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        path = settings.jobs_db(folder)
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10.0)
            self._db.row_factory = sqlite3.Row
            version = self._db.execute("pragma user_version").fetchone()[0]
            if version not in (0, SCHEMA):
                raise BadInput(
                    "other_jobs_db",
                    f"{path} was written by another version of Poseloom (format {version}, here {SCHEMA}).",
                    "Move that file away; the jobs listed in it are forgotten, nothing else is lost.",
                )
            self._db.execute(TABLE)
            self._db.execute(f"pragma user_version = {SCHEMA}")
        except sqlite3.DatabaseError as error:
            raise BadInput(
                "bad_jobs_db",
                f"The list of jobs {path} cannot be used ({error}).",
                "Move that file away; the jobs listed in it are forgotten, nothing else is lost.",
            ) from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, kind: str, files: Mapping, options: Mapping) -> Job:
        job = secrets.token_hex(8)
        self._execute(
            "insert into jobs values (?, ?, 'queued', 0, 'Waiting', ?, ?, null, 0, ?, null)",
            (job, kind, json.dumps(files), json.dumps(options), time.time()),
        )
        return self.get(job)

    def get(self, job: str) -> Job:
        rows = self._execute("select * from jobs where id = ?", (job,))
        if not rows:
            raise BadInput("unknown_job", f'There is no job "{job}".', "GET /jobs lists those that are kept.")
        return _job(rows[0])

    def all(self, limit: int = 200) -> list[Job]:
        return [_job(row) for row in self._execute("select * from jobs order by rowid desc limit ?", (limit,))]

    def next_queued(self) -> Optional[Job]:
        rows = self._execute("select * from jobs where state = 'queued' order by rowid limit 1")
        return _job(rows[0]) if rows else None

    def begin(self, job: str) -> None:
        self._execute("update jobs set state = 'running', text = '', attempts = attempts + 1 where id = ?", (job,))

    def requeue(self, job: str, text: str, attempts: int) -> None:
        self._execute(
            "update jobs set state = 'queued', fraction = 0, text = ?, attempts = ? where id = ?",
            (text, attempts, job),
        )

    def finish(self, job: str, state: str, fraction: float, text: str, error: Optional[Mapping] = None) -> None:
        self._execute(
            "update jobs set state = ?, fraction = ?, text = ?, error = ?, finished_s = ? where id = ?",
            (state, fraction, text, json.dumps(error) if error else None, time.time(), job),
        )

    def forget(self, job: str) -> None:
        self._execute("delete from jobs where id = ?", (job,))

    def recover(self) -> None:
        """Take up what a dead backend left: half-done jobs are queued again, or failed the second
        time; half-written files are removed."""
        for path in settings.jobs_folder(self.folder).glob("*/work"):
            shutil.rmtree(path, ignore_errors=True)
        for path in settings.uploads_folder(self.folder).glob("*/*.part"):
            path.unlink(missing_ok=True)
        for row in self._execute("select * from jobs where state = 'running'"):
            job = _job(row)
            if job.attempts < MAX_ATTEMPTS:
                self.requeue(job.id, "Waiting again: the backend stopped while this job ran", job.attempts)
                continue
            message = f"The backend stopped {job.attempts} times while this job ran."
            error = {"code": "backend_stopped", "message": message, "hint": "Start the job again.", "exit_code": 1}
            self.finish(job.id, "failed", job.fraction, job.text, error)

    def job_folder(self, job: str) -> Path:
        return settings.jobs_folder(self.folder) / job

    def results(self, job: str) -> list[str]:
        folder = self.job_folder(job) / "results"
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

    def new_upload(self, name: str) -> tuple[str, Path]:
        """An id, and the path under which the upload shall stand when it is whole."""
        clean_name = "".join("_" if c in '<>:"/\\|?*%' or ord(c) < 32 else c for c in name).strip(". ")
        if not clean_name or len(clean_name.encode()) > 200:
            raise BadInput("bad_name", f'"{name[:60]}" is no name for a file.', "Give a name such as clip.mp4.")
        upload = secrets.token_hex(8)
        folder = settings.uploads_folder(self.folder) / upload
        folder.mkdir(mode=0o700)
        return upload, folder / clean_name

    def upload(self, upload: str) -> Path:
        folder = settings.uploads_folder(self.folder) / upload
        whole = [] if not upload.isalnum() or not folder.is_dir() else [p for p in folder.iterdir() if _whole(p)]
        if not whole:
            raise BadInput("unknown_upload", f'There is no upload "{upload}".', "Send the file again to POST /uploads.")
        return whole[0]

    def _execute(self, statement: str, values: tuple = ()) -> list[sqlite3.Row]:
        with self._lock:
            try:
                return self._db.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise PoseloomError(
                    "jobs_db_failed", f"The list of jobs could not be read or written ({error}).", "Is the disk full?"
                ) from error


@dataclass(frozen=True)
class Cleaned:
    jobs: int
    uploads: int
    freed_bytes: int
    kept_bytes: int


def clean(
    folder: Optional[Path] = None,
    *,
    keep_days: float = KEEP_DAYS,
    keep_bytes: float = KEEP_BYTES,
    store: Optional[Store] = None,
) -> Cleaned:
    """Remove finished jobs and uploads older than `keep_days`, then the oldest until `keep_bytes` hold.

    What a queued or running job needs stays.  May run beside a running backend.
    """
    folder = folder or settings.data_folder()
    own = store or Store(folder)
    try:
        rows = own.all(limit=-1)
        needed = {f.get("upload") for job in rows if job.state not in FINAL for f in job.files.values()}
        kept_bytes = freed_bytes = 0
        gone = {"job": 0, "upload": 0}
        oldest = time.time() - keep_days * 86400.0
        for when, kind, name, path in sorted(_leftovers(own, rows, needed), reverse=True):
            size = _size(path)
            if when >= oldest and kept_bytes + size <= keep_bytes:
                kept_bytes += size
                continue
            if kind == "job":
                own.forget(name)
            shutil.rmtree(path, ignore_errors=True)
            gone[kind] += 1
            freed_bytes += size
        return Cleaned(gone["job"], gone["upload"], freed_bytes, kept_bytes)
    finally:
        if store is None:
            own.close()


def _leftovers(store: Store, rows: list[Job], needed: set) -> Iterator[tuple]:
    """(when, "job" or "upload", id, folder) of all that may be removed."""
    for job in rows:
        if job.state in FINAL:
            yield job.finished_s or job.created_s, "job", job.id, store.job_folder(job.id)
    listed = {job.id for job in rows}
    for path in settings.jobs_folder(store.folder).iterdir():
        if path.name not in listed:  # its row went with a jobs.db that was moved away
            yield path.stat().st_mtime, "job", path.name, path
    used = {f.get("upload") for job in rows for f in job.files.values()}
    for path in settings.uploads_folder(store.folder).iterdir():
        when = path.stat().st_mtime
        if path.name not in needed and (path.name in used or time.time() - when > FRESH_S):
            yield when, "upload", path.name, path


def _size(folder: Path) -> int:
    return sum(
        os.lstat(os.path.join(root, name)).st_size for root, _, names in os.walk(folder) for name in names
    )


def _whole(path: Path) -> bool:
    return path.suffix != ".part"


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    for name in ("files", "options", "error"):
        values[name] = json.loads(values[name]) if values[name] else None
    return Job(**values)
