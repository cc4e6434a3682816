"""A real backend in a process of its own, and raw calls that hold every answer against its OpenAPI document."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil

from poseloom import client, settings

SCRIPT = Path(__file__).with_name("server_kinds.py")


class Backend:
    """`home` is its data folder; `seen` gathers (verb, route, status) of the raw calls."""

    @classmethod
    def refused(cls, home: Path, *arguments: str) -> str:
        """What one says that must refuse to start, as bad input and not as a failure of ours."""
        backend = cls(home, *arguments, starts=False)
        said = backend.process.stderr.read()
        assert backend.stop() == 2 and "Traceback" not in said, said
        return said

    def __init__(self, home: Path, *arguments: str, starts: bool = True):
        self.home, self.seen, self._document = home, set(), None
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), *arguments],
            env={**os.environ, "POSELOOM_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = self.process.stdout.readline().strip()
        assert bool(self.address) == starts, self.process.stderr.read() or self.address

    @property
    def client(self) -> client.Client:
        return client.Client(self.address, self.note["token"])

    @property
    def note(self) -> dict:
        return settings.read_note(settings.server_json(self.home))

    @property
    def port(self) -> int:
        return self.note["port"]

    def run(self, kind: str, files={}, **options) -> client.JobStatus:
        """A job to its end."""
        return list(self.client.watch(self.client.submit(kind, files, options)))[-1]

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(15)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def kill(self) -> None:
        """As a crash or `kill -9`; returns when its workers are gone too."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        gone(family, 5.0)

    # -- raw calls -----------------------------------------------------------------------

    def call(self, verb: str, target: str, body=None, *, token=None, host=None, chunked=False):
        """(status, bytes) of one request, after checking it against the OpenAPI document."""
        answer = self.send(verb, target, body, token=token, host=host, chunked=chunked)
        self.check(verb, target.partition("?")[0], *answer)
        return answer[0], answer[2]

    def send(self, verb, target, body=None, *, token=None, host=None, chunked=False):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            token = self.note["token"] if token is None else token
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            headers["Host"] = host or f"127.0.0.1:{self.port}"
            if isinstance(body, (dict, list)):
                body = json.dumps(body).encode()
                headers["Content-Type"] = "application/json"
            connection.request(verb, target, body, headers, encode_chunked=chunked)
            response = connection.getresponse()
            return response.status, response.getheader("Content-Type", ""), response.read()
        finally:
            connection.close()

    @property
    def document(self) -> dict:
        if self._document is None:
            self._document = json.loads(self.send("GET", "/openapi.json")[2])
        return self._document

    def check(self, verb: str, path: str, status: int, content_type: str, body: bytes) -> None:
        routes = {re.sub(r"\{\w+\}", "[^/]+", route): route for route in self.document["paths"]}
        route = next((routes[pattern] for pattern in routes if re.fullmatch(pattern, path)), None)
        if route is None or verb.lower() not in self.document["paths"][route]:
            assert status in (401, 403, 404, 405, 413), (verb, path, status)
            content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        else:
            self.seen.add((verb.lower(), route, status))
            described = self.document["paths"][route][verb.lower()]["responses"]
            assert str(status) in described, f"{verb} {route} answered {status}, which its description does not have"
            content = described[str(status)]["content"]
        media_type = content_type.partition(";")[0]
        assert media_type in content, f"{verb} {path} {status}: {media_type} is not described"
        if media_type == "application/json":
            validate(json.loads(body), content[media_type].get("schema", {}), self.document)


def validate(value, schema: dict, document: dict, where: str = "$") -> None:
    """A JSON value against the part of JSON Schema that our document uses; other keywords are refused."""
    known = {"$ref", "anyOf", "type", "properties", "required", "additionalProperties", "items", "enum", "const"}
    known |= {"title", "description", "default", "minimum", "maximum", "format", "maxLength"}
    assert set(schema) <= known, f"{where}: {set(schema) - known} is not known to this test"
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        return validate(value, document["components"]["schemas"][name], document, where)
    if "anyOf" in schema:
        for choice in schema["anyOf"]:
            try:
                return validate(value, choice, document, where)
            except AssertionError:
                continue
        raise AssertionError(f"{where}: {value!r} fits none of {schema['anyOf']}")
    types = {
        "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
        "integer": int, "number": (int, float),
    }  # fmt: skip
    if "type" in schema:
        fits = isinstance(value, types[schema["type"]]) and (schema["type"] == "boolean" or not isinstance(value, bool))
        assert fits, f"{where}: {value!r} is no {schema['type']}"
    assert "enum" not in schema or value in schema["enum"], f"{where}: {value!r} is not in {schema['enum']}"
    if isinstance(value, (int, float)):
        assert schema.get("minimum", value) <= value <= schema.get("maximum", value), f"{where}: {value!r}"
    if isinstance(value, dict):
        missing = set(schema.get("required", ())) - set(value)
        assert not missing, f"{where}: {missing} missing"
        rest = schema.get("additionalProperties", True)
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name, rest)
            assert inner is not False, f"{where}: {name} is not described"
            validate(item, {} if inner is True else inner, document, f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            validate(item, schema["items"], document, f"{where}[{number}]")


def gone(processes, seconds: float) -> None:
    """Wait until none of the processes (pids or psutil) runs; zombies that nobody reaps count as gone."""
    deadline = time.monotonic() + seconds
    pids = [getattr(process, "pid", process) for process in processes]
    while living := [pid for pid in pids if runs(pid)]:
        assert time.monotonic() < deadline, f"still running: {living}"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition, seconds: float = 15.0):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return value
