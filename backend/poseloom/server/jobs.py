"""Which job runs where: a queue, and threads that each look after one worker process."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from pathlib import Path
from typing import Any, Mapping, Optional

from .. import settings
from ..errors import BadInput, PoseloomError
from .kinds import Kind
from .store import FINAL, MAX_ATTEMPTS, Job, Store, clean
from .worker import NOT_BEGUN, Failure, Task, Worker, disk_full

IDLE_S = 600.0  # then a worker that has loaded models is replaced by a fresh one
CLEAN_EVERY_S = 3600.0
log = logging.getLogger("poseloom.server")


class Jobs:
    """Takes jobs, does them in worker processes, and knows how far each one is."""

    def __init__(
        self, store: Store, kinds: Mapping[str, Kind], *, workers: int = 1, hang_s: float, idle_s: float = IDLE_S
    ):
        self._store, self._kinds, self._hang_s, self._idle_s = store, kinds, hang_s, idle_s
        self._changed = threading.Condition()
        self._progress: dict[str, tuple[float, str]] = {}
        self._running: dict[str, Worker] = {}
        self._cancelled: set[str] = set()
        self._stopping = False
        store.recover()
        self._threads = [threading.Thread(target=self._serve, args=(n,), daemon=True) for n in range(workers)]
        self._threads.append(threading.Thread(target=self._clean, daemon=True))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Kill the workers; what they were doing is queued for the next launch."""
        with self._changed:
            self._stopping = True
            workers = list(self._running.values())
            self._changed.notify_all()
        for worker in workers:
            worker.kill()
        for thread in self._threads:
            thread.join(5.0)

    def submit(self, kind: str, files: Mapping[str, dict], options: Mapping[str, Any]) -> Job:
        with self._changed:
            job = self._store.add(kind, files, options)
            self._changed.notify_all()
        log.info("job %s (%s) queued", job.id, kind)
        return job

    def get(self, job: str) -> tuple[Job, float, str]:
        """The row, and how far the job is at this moment: fraction and text."""
        heard = self._progress.get(job)  # before the row: what is over is never shown as it was before
        return _now(self._store.get(job), heard)

    def all(self) -> list[tuple[Job, float, str]]:
        heard = dict(self._progress)
        return [_now(row, heard.get(row.id)) for row in self._store.all()]

    def cancel(self, job: str) -> None:
        """Stop a job wherever it is; returns when it is over.  One that is over stays as it is."""
        with self._changed:
            row = self._store.get(job)
            if row.state in FINAL:
                return
            worker = self._running.get(job)
            if worker is None:
                self._store.finish(job, "cancelled", row.fraction, "Cancelled")
                log.info("job %s cancelled in the queue", job)
                return
            self._cancelled.add(job)
        worker.kill()
        with self._changed:
            self._changed.wait_for(lambda: job not in self._running, timeout=5.0)

    # -- threads -------------------------------------------------------------------------

    def _serve(self, number: int) -> None:
        """Look after one worker: give it jobs, replace it when it died or has been idle for long."""
        output = settings.logs_folder(self._store.folder) / f"worker{number}.log"
        worker = Worker(output)
        while not self._stopping:
            try:
                if not worker.alive:
                    worker = Worker(output)
                job = self._take(worker)
                if job is not None:
                    self._do(job, worker)
                elif worker.used and worker.alive:  # idle for long: give the models' memory back
                    worker.kill()
            except (PoseloomError, OSError):  # the disk or the process table is full: try again, later
                log.exception("worker %d could not go on", number)
                time.sleep(1.0)
        worker.kill()

    def _take(self, worker: Worker) -> Optional[Job]:
        """The next job, from now on running in `worker`; None after `idle_s`, or if the worker died."""
        with self._changed:
            job = self._changed.wait_for(lambda: self._stopping or self._store.next_queued(), self._idle_s)
            if self._stopping or not job or not worker.alive:
                return None
            self._store.begin(job.id)
            self._running[job.id] = worker
            self._progress[job.id] = (0.0, "Starting")
        log.info("job %s starts", job.id)
        return job

    def _do(self, job: Job, worker: Worker) -> None:
        def report(fraction: float, text: str) -> None:
            self._progress[job.id] = (min(max(fraction, 0.0), 1.0), text)

        work, results = (self._store.job_folder(job.id) / name for name in ("work", "results"))
        failure = None
        try:
            task = self._prepare(job, work)
            failure = worker.run(task, report, self._hang_s)
            if failure is None:
                (work / "out").replace(results)
        except PoseloomError as error:
            failure = Failure(error.code, error.message, error.hint, error.exit_code)
        except OSError as error:
            failure = disk_full(error) or Failure("no_job_folder", f"The job's folder cannot be written ({error}).")
        _remove(work)
        with self._changed:
            try:
                if job.id in self._cancelled:
                    _remove(results)
                self._finish(job, failure)
            finally:
                self._running.pop(job.id)
                self._progress.pop(job.id)
                self._cancelled.discard(job.id)
                self._changed.notify_all()

    def _prepare(self, job: Job, work: Path) -> Task:
        kind = self._kinds.get(job.kind)
        if kind is None:
            raise BadInput("unknown_kind", f'This backend does no jobs of the kind "{job.kind}".')
        files = {
            name: self._store.upload(file["upload"]) if "upload" in file else Path(file["path"])
            for name, file in job.files.items()
        }
        try:
            options = kind.options(**job.options)
        except TypeError as error:
            raise BadInput(
                "old_job", f"This job was queued by another version of Poseloom ({error}).", "Start it again."
            ) from error
        for left in (work, work.with_name("results")):
            _remove(left)
        for name in ("out", "tmp"):
            (work / name).mkdir(parents=True, mode=0o700)
        return Task(kind.body, files, options, work)

    def _finish(self, job: Job, failure: Optional[Failure]) -> None:
        fraction, text = self._progress[job.id]
        if job.id in self._cancelled:
            self._store.finish(job.id, "cancelled", fraction, "Cancelled")
            log.info("job %s cancelled", job.id)
        elif failure is None:
            self._store.finish(job.id, "done", 1.0, "Done")
            log.info("job %s done", job.id)
        elif self._stopping:
            self._store.requeue(job.id, "Waiting again: the backend was stopped", job.attempts)
        elif failure.code == NOT_BEGUN and job.attempts + 1 < MAX_ATTEMPTS:
            self._store.requeue(job.id, "Waiting again: its process died before it began", job.attempts + 1)
            log.warning("job %s waits again: %s", job.id, failure.message)
        else:
            self._store.finish(job.id, "failed", fraction, text, failure.problem)
            log.warning("job %s failed: %s %s", job.id, failure.code, failure.message)
            if failure.details:
                log.warning("%s", failure.details)

    def _clean(self) -> None:
        while not self._stopping:
            try:
                cleaned = clean(self._store.folder, store=self._store)
                if cleaned.jobs or cleaned.uploads:
                    log.info("removed %d old jobs, %d old uploads", cleaned.jobs, cleaned.uploads)
            except (PoseloomError, OSError):
                log.exception("cleaning failed")
            with self._changed:
                self._changed.wait_for(lambda: self._stopping, CLEAN_EVERY_S)


def _now(row: Job, heard: Optional[tuple[float, str]]) -> tuple[Job, float, str]:
    return (row, *heard) if heard and row.state == "running" else (row, row.fraction, row.text)


def _remove(folder: Path) -> None:
    """Remove a folder that a killed process may still hold open for a moment (Windows)."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
