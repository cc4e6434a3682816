"""Who may call, how much they may send, and how an error becomes an answer (here and nowhere else)."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import socket
import time

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ..errors import BadInput, PoseloomError
from .schema import Problem
from .worker import disk_full

BODY_BYTES = 1 << 20  # of everything but uploads, which count their own
STATUS = {
    "wrong_token": 401,
    "wrong_host": 403,
    "unknown_job": 404,
    "unknown_result": 404,
    "not_done": 409,
    "too_large": 413,
    "disk_full": 507,
}
log = logging.getLogger("poseloom.server")


def problem_response(error: PoseloomError) -> JSONResponse:
    """The one place where an error gets its HTTP status."""
    status = STATUS.get(error.code, 422 if isinstance(error, BadInput) else 500)
    return _response(status, error.code, error.message, error.hint, error.exit_code)


def add_error_answers(app: FastAPI) -> None:
    @app.exception_handler(PoseloomError)
    async def _poseloom(request: Request, error: PoseloomError):
        return problem_response(error)

    @app.exception_handler(OSError)
    async def _os(request: Request, error: OSError):
        failure = disk_full(error)
        if failure is None:
            raise error
        return _response(507, failure.code, failure.message, failure.hint, failure.exit_code)

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError):
        first = error.errors()[0]
        where = ".".join(str(word) for word in first["loc"] if word != "body")
        return _response(422, "bad_request", f"{where or 'The request'}: {first['msg']}.", "See /openapi.json.", 2)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException):
        what = f"{request.method} {request.url.path}: {error.detail}."
        return _response(error.status_code, "bad_request", what, "See /openapi.json.", 2)

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception):
        message = f"The backend failed with {type(error).__name__}."
        return _response(500, "internal", message, "This is a fault of ours: please report it with the log file.", 1)


class Guard:
    """ASGI middleware: `Host` against DNS rebinding, the launch's token, and the size of bodies."""

    def __init__(self, app, *, token: str, host: str):
        self._app, self._expected, self._host = app, f"Bearer {token}".encode(), host

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, status = time.monotonic(), 0

        async def noted(message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            self._check(scope)
        except BadInput as error:
            await problem_response(error)(scope, receive, noted)
        else:
            await self._app(scope, receive, noted)
        finally:
            level = logging.DEBUG if scope["method"] == "GET" and status < 400 else logging.INFO
            spent_ms = 1e3 * (time.monotonic() - started)
            log.log(level, "%s %r %d %.0f ms", scope["method"], scope["path"], status, spent_ms)

    def _check(self, scope) -> None:
        headers = scope["headers"]
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not self._may_be_called(hosts[0]):
            raise BadInput(
                "wrong_host", "This backend is not called by that name.", "Use its address, such as 127.0.0.1."
            )
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or not hmac.compare_digest(given[0], self._expected):
            raise BadInput(
                "wrong_token",
                "The token does not fit this launch of the backend.",
                "It stands in server.json in the data folder of the computer on which the backend runs; the panel reads "
                "that of this computer by itself, and takes another's from the preferences.",
            )
        length = next((value for name, value in headers if name == b"content-length"), b"0")
        chunked = any(name == b"transfer-encoding" for name, _ in headers)
        if scope["path"] != "/uploads" and (chunked or int(length) > BODY_BYTES):
            raise BadInput(
                "too_large", f"A request may have at most {BODY_BYTES} bytes, and must tell how many it has."
            )

    def _may_be_called(self, host: str) -> bool:
        try:
            name = host[1 : host.index("]")] if host.startswith("[") else host.partition(":")[0]
        except ValueError:
            return False
        if name.lower() in ("localhost", self._host.lower()):
            return True
        if is_loopback(self._host):
            return is_loopback(name)
        try:
            ipaddress.ip_address(name)  # an address cannot be rebound; a foreign name can
            return True
        except ValueError:
            return name.lower() == socket.gethostname().lower()


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _response(status: int, code: str, message: str, hint: str, exit_code: int) -> JSONResponse:
    problem = Problem(code=code, message=message, hint=hint, exit_code=exit_code)
    return JSONResponse(problem.model_dump(), status_code=status)
