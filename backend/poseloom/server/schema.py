"""What crosses the wire, as types: the OpenAPI document is made from these."""

from __future__ import annotations

from typing import Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field

State = Literal["queued", "running", "done", "failed", "cancelled"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Health(Strict):
    version: str
    protocol: int


class Problem(Strict):
    """Every answer from 400 on: one sentence that says what and where, and a way out."""

    code: str = Field(description="A short word for machines that stays the same between versions.")
    message: str
    hint: str
    exit_code: int = Field(description="2 where the user can mend it, 1 where the failure is ours, 130 cancelled.")


class PathFile(Strict):
    path: str = Field(description="A file on the backend's own computer, absolute.")


class UploadedFile(Strict):
    upload: str = Field(description="The id that POST /uploads gave.")


class JobRequest(Strict):
    kind: str = Field(description="A key of `jobs` in GET /methods.")
    files: dict[str, Union[PathFile, UploadedFile]] = {}
    options: dict[str, Any] = Field({}, description="As the kind's `options` schema in GET /methods tells.")


class JobStatus(Strict):
    id: str
    kind: str
    state: State
    fraction: float = Field(ge=0.0, le=1.0)
    text: str
    error: Union[Problem, None]
    results: list[str] = Field(description="The names that GET /jobs/{id}/results/{name} takes.")
    created_s: float = Field(description="Seconds since 1970.")


class JobList(Strict):
    jobs: list[JobStatus] = Field(description="Newest first.")


class Upload(Strict):
    id: str
    name: str
    size: int


class MethodRow(Strict):
    summary: str
    licence: str
    extra: str = Field(description="The pip extra that brings its packages; empty where none is needed.")


class KindRow(Strict):
    summary: str
    files: list[str]
    results: list[str]
    options: dict[str, Any] = Field(description="JSON schema of the options.")


class Methods(Strict):
    stages: dict[str, dict[str, MethodRow]]
    jobs: dict[str, KindRow]
    upload_limit_bytes: int


class EstimatorRow(Strict):
    name: str
    summary: str
    licence: str
    state: Literal["ready", "needs a model", "missing"]
    size_bytes: int
    brings: str = Field(description="What a job of the kind `bring` is to be asked for; empty where there is nothing.")
    way: str = Field(description="How to get it where no job brings it.")


class Estimators(Strict):
    estimators: list[EstimatorRow]


class Stopping(Strict):
    stopping: bool
