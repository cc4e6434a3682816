"""Fixtures for all tests: where other people's data and other Pythons are."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# a job that a shell started in the background ignores Ctrl-C, and so would everything that tests start
signal.signal(signal.SIGINT, signal.default_int_handler)


def need(condition, what: str):
    """Skip where `what` is not there; with CI=true its absence is a failure."""
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """A user data folder of the tests' own, so that they neither read nor leave anything in the user's."""
    kept = os.environ.get("POSELOOM_HOME")
    os.environ["POSELOOM_HOME"] = str(tmp_path_factory.mktemp("home"))
    yield
    os.environ.pop("POSELOOM_HOME")
    if kept is not None:
        os.environ["POSELOOM_HOME"] = kept


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of other people's clips and rigs, named by $POSELOOM_DATA."""
    folder = os.environ.get("POSELOOM_DATA", "")
    need(folder and Path(folder).is_dir(), "the data folder $POSELOOM_DATA")
    return Path(folder)


def python_of(name: str) -> Path:
    """The Python of .venvs/NAME (bpy42, bpy50, bpy52, kernel1, kernel2), or of $POSELOOM_<NAME>."""
    path = Path(os.environ.get(f"POSELOOM_{name.upper()}") or ROOT / ".venvs" / name / "bin" / "python")
    need(path.exists(), f"the Python environment {name}")
    return path
