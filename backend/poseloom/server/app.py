"""The routes, and `serve`."""

from __future__ import annotations

import asyncio
import difflib
import json
import secrets
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, AsyncIterator, Callable, Mapping, Optional

from fastapi import APIRouter, FastAPI, Query, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.security import HTTPBearer
from pydantic import TypeAdapter, ValidationError

from .. import PROTOCOL, __version__, settings
from ..errors import BadInput
from ..estimators import estimators
from . import schema
from .guard import Guard, add_error_answers, is_loopback
from .jobs import Jobs
from .kinds import KINDS, Kind, stage_tables, takes
from .launch import Server, announced, listen, only_one, start_log, unusable
from .store import FINAL, Job, Store

UPLOAD_LIMIT_BYTES = 4 << 30
HANG_S = 180.0
LOOK_S = 0.1  # how often an event stream looks at its job
ALIVE_S = 5.0  # how often it tells that it is alive


def problems(*codes: int) -> dict:
    """The `responses` of a route that may answer with these and what every route may answer."""
    return {code: {"model": schema.Problem} for code in (401, 403, 413, 422, 500, 507, *codes)}


def build_app(
    jobs: Jobs,
    store: Store,
    kinds: Mapping[str, Kind],
    *,
    token: str,
    host: str = "127.0.0.1",
    upload_limit_bytes: int = UPLOAD_LIMIT_BYTES,
    stop: Callable[[], None] = lambda: None,
    stopping: Callable[[], bool] = lambda: False,
) -> FastAPI:
    app = FastAPI(title="Poseloom", version=__version__, docs_url=None, redoc_url=None)
    app.add_middleware(Guard, token=token, host=host)
    add_error_answers(app)
    routes = APIRouter(dependencies=[Security(HTTPBearer(auto_error=False))])

    @routes.get("/health", responses=problems())
    async def health() -> schema.Health:
        return schema.Health(version=__version__, protocol=PROTOCOL)

    @routes.get("/methods", responses=problems())
    def methods() -> schema.Methods:
        """The stages' tables and the kinds of job."""
        stages = {
            stage: {
                name: schema.MethodRow(summary=row.summary, licence=row.licence, extra=row.extra)
                for name, row in table.items()
            }
            for stage, table in stage_tables().items()
        }
        rows = {
            name: schema.KindRow(
                summary=kind.summary,
                files=list(kind.files),
                results=list(kind.results),
                options=TypeAdapter(kind.options).json_schema(),
            )
            for name, kind in kinds.items()
        }
        return schema.Methods(stages=stages, jobs=rows, upload_limit_bytes=upload_limit_bytes)

    @routes.get("/estimators", responses=problems())
    def list_estimators() -> schema.Estimators:
        """Which estimators can be used here, their sizes and licences."""
        return schema.Estimators(estimators=[schema.EstimatorRow(**asdict(row)) for row in estimators()])

    @routes.post("/uploads", status_code=201, responses=problems(), openapi_extra=RAW_BODY)
    async def upload(request: Request, name: Annotated[str, Query(max_length=300)]) -> schema.Upload:
        """A file's bytes as they are, streamed to disk."""
        told = int(request.headers.get("content-length", 0))
        if told > upload_limit_bytes:
            raise _too_large(upload_limit_bytes)
        upload_id, path = store.new_upload(name)
        partial = path.with_name(path.name + ".part")
        size = 0
        try:
            with partial.open("wb") as file:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > upload_limit_bytes:
                        raise _too_large(upload_limit_bytes)
                    await run_in_threadpool(file.write, chunk)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
            if not path.exists():
                path.parent.rmdir()
        return schema.Upload(id=upload_id, name=path.name, size=size)

    @routes.post("/jobs", status_code=201, responses=problems())
    def submit(body: schema.JobRequest, request: Request) -> schema.JobStatus:
        kind = kinds.get(body.kind)
        if kind is None:
            known = ", ".join(sorted(kinds))
            raise BadInput("unknown_kind", f'This backend does no jobs of the kind "{body.kind}"; known: {known}.')
        local = request.client is not None and is_loopback(request.client.host)
        files = {name: _checked_file(name, file, local, store) for name, file in body.files.items()}
        if not takes(kind, files):
            raise BadInput(
                "wrong_files",
                f'A job "{body.kind}" takes the files {_list(kind.files)}, and got {_list(files)}.',
            )
        _check_options(body.kind, kind, body.options)
        return status(jobs.submit(body.kind, files, body.options).id)

    @routes.get("/jobs", responses=problems())
    def list_jobs() -> schema.JobList:
        return schema.JobList(jobs=[_status(store, *row) for row in jobs.all()])

    @routes.get("/jobs/{job}", responses=problems(404))
    def status(job: str) -> schema.JobStatus:
        return _status(store, *jobs.get(job))

    @routes.get("/jobs/{job}/events", response_class=StreamingResponse, responses={**problems(404), 200: EVENTS})
    async def events(job: str) -> StreamingResponse:
        """A `status` event with a JobStatus at every change, until the job is over."""
        jobs.get(job)
        stream = _events(jobs, store, job, stopping)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    @routes.post("/jobs/{job}/cancel", responses=problems(404))
    def cancel(job: str) -> schema.JobStatus:
        """Stop a queued or running job, and answer when it is over; one that is over stays as it is."""
        jobs.cancel(job)
        return status(job)

    @routes.get("/jobs/{job}/results/{name}", response_class=FileResponse, responses={**problems(404, 409), 200: FILE})
    def result(job: str, name: str) -> FileResponse:
        row, _, _ = jobs.get(job)
        if row.state != "done":
            raise BadInput("not_done", f"Job {job} is {row.state} and has no results.", "Wait until it is done.")
        names = store.results(job)
        if name not in names:
            raise BadInput("unknown_result", f'Job {job} has no result "{name}"; it has {_list(names)}.')
        media_type = "application/json" if name.endswith(".json") else "application/octet-stream"
        return FileResponse(store.job_folder(job) / "results" / name, media_type=media_type)

    @routes.post("/shutdown", status_code=202, responses=problems())
    async def shutdown() -> schema.Stopping:
        """Stop the backend; a running job is taken up again at its next start."""
        stop()
        return schema.Stopping(stopping=True)

    app.include_router(routes)
    return app


def serve(
    *,
    host: str = "127.0.0.1",
    port: Optional[int] = None,
    data_folder: Optional[Path] = None,
    report_ready: Callable[[str], None] = lambda address: None,
    workers: int = 1,
    hang_s: float = HANG_S,
    upload_limit_bytes: int = UPLOAD_LIMIT_BYTES,
    kinds: Mapping[str, Kind] = KINDS,
) -> None:
    """Run the backend until SIGTERM, Ctrl+C or POST /shutdown.

    `port=None` takes 8797 or the next free one; a port that is asked for and taken is BadInput.
    `report_ready(address)` is called once it listens and server.json is written.  A job without
    a report for `hang_s` seconds is stopped.  `kinds` may bring further rows: the bodies are
    imported in the worker, from the same `sys.path`.
    """
    folder = Path(data_folder or settings.data_folder())
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise unusable(folder, error) from error
    with only_one(folder), listen(host, port) as sock, announced(folder) as announce:
        token = secrets.token_urlsafe(32)
        start_log(folder, token)
        store = Store(folder)
        jobs = Jobs(store, kinds, workers=workers, hang_s=hang_s)
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        number = sock.getsockname()[1]

        def ready() -> None:
            announce(reachable, number, token)
            report_ready(f"http://[{reachable}]:{number}" if ":" in reachable else f"http://{reachable}:{number}")

        server = Server(None, ready, jobs.stop)
        server.config.app = build_app(
            jobs, store, kinds, token=token, host=host, upload_limit_bytes=upload_limit_bytes,
            stop=lambda: setattr(server, "should_exit", True), stopping=lambda: server.should_exit,
        )  # fmt: skip
        try:
            jobs.start()
            server.run(sockets=[sock])
        finally:
            jobs.stop()
            store.close()


RAW_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
EVENTS = {
    "description": "Server-sent events",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
FILE = {
    "description": "The file's bytes",
    "content": {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "application/json": {"schema": {}},
    },
}


async def _events(jobs: Jobs, store: Store, job: str, stopping: Callable[[], bool]) -> AsyncIterator[str]:
    last, sent_s = None, time.monotonic()
    while not stopping():
        current = _status(store, *jobs.get(job))
        if current != last:
            last, sent_s = current, time.monotonic()
            yield f"event: status\ndata: {current.model_dump_json()}\n\n"
        elif time.monotonic() - sent_s > ALIVE_S:
            sent_s = time.monotonic()
            yield ": alive\n\n"
        if current.state in FINAL:
            return
        await asyncio.sleep(LOOK_S)


def _status(store: Store, job: Job, fraction: float, text: str) -> schema.JobStatus:
    return schema.JobStatus(
        id=job.id,
        kind=job.kind,
        state=job.state,
        fraction=fraction,
        text=text,
        error=schema.Problem(**job.error) if job.error else None,
        results=store.results(job.id) if job.state == "done" else [],
        created_s=job.created_s,
    )


def _checked_file(name: str, file, local: bool, store: Store) -> dict:
    if isinstance(file, schema.UploadedFile):
        store.upload(file.upload)
        return {"upload": file.upload}
    path = Path(file.path)
    if not local:
        raise BadInput("not_local", "A file can be given by its path on the backend's own computer only.", "Upload it.")
    if not path.is_absolute():
        raise BadInput("not_absolute", f'The path of {name}, "{file.path}", is not absolute.', "Give the whole path.")
    pattern = any(sign in path.name for sign in "%*?[")  # pictures as a printf or glob pattern
    if not path.exists() and not pattern:
        raise BadInput("no_file", f"There is no file {path}.", "Choose a file that exists.")
    return {"path": str(path)}


def _check_options(name: str, kind: Kind, options: Mapping) -> None:
    known = list(kind.options.__dataclass_fields__)
    for option in options:
        if option not in known:
            near = difflib.get_close_matches(option, known, 1)
            hint = f'Did you mean "{near[0]}"?' if near else ""
            raise BadInput("unknown_option", f'"{name}" has no option "{option}"; known: {_list(known)}.', hint)
    try:
        text = json.dumps(options, allow_nan=False)
    except ValueError as error:
        raise BadInput("bad_option", f'The options of "{name}" hold NaN or infinity, which is no JSON.') from error
    try:
        TypeAdapter(kind.options).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput("bad_option", f'Option "{where}" of "{name}": {first["msg"]}.') from error


def _list(words) -> str:
    return ", ".join(words) or "none"


def _too_large(limit_bytes: int) -> BadInput:
    return BadInput(
        "too_large",
        f"The file is larger than the {limit_bytes / 2**20:.0f} MB that this backend takes.",
        "Cut the clip, or start the backend on this computer, where files are read in place.",
    )
