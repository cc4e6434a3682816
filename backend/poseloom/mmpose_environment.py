"""The Python environment in which mmpose runs: its own, as mmpose and the rest of Poseloom want different packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

from .errors import BadInput, PoseloomError, Unavailable
from .progress import Report, silent
from .settings import data_folder, read_note, write_note

SIZE = "1.5 GB"  # on disk, with the CPU build of torch
# what must be there before the rest can be built, and the rest; versions stand in constraints/mmpose.txt
_FIRST = ("setuptools<81", "wheel", "cython", "numpy")
_REST = ("mmpose", "mmdet", "mmengine", "mmcv-lite", "torch", "torchvision", "xtcocotools", "chumpy", "setuptools<81")
_MAKE = "Make it by: poseloom setup mmpose"
_PYTHONS = ((3, 11), (3, 12))


def folder() -> Path:
    return data_folder() / "mmpose"


def state(place: Optional[Path] = None) -> str:
    """"ready", "missing", or "half made": begun and not finished, or broken since."""
    place = place or folder()
    if not place.exists():
        return "missing"
    return "ready" if _python(place).exists() and read_note(place / "ready.json") else "half made"


def check(place: Optional[Path] = None) -> None:
    """Unavailable with the way out where the environment is missing or half made."""
    now = state(place)
    if now != "ready":
        what = "missing" if now == "missing" else "half made"
        raise Unavailable("mmpose_missing", f'The estimator "mmpose" runs in an environment of its own, which is {what}.', _MAKE)


def make(report: Report = silent, place: Optional[Path] = None, again: bool = False) -> Path:
    """Make the environment, in minutes; what is there is kept unless `again`, what is half made is made anew.

    PoseloomError where pip fails; a cancelled one stays half made.
    """
    place = place or folder()
    if state(place) == "ready" and not again:
        return _python(place)
    if sys.version_info[:2] not in _PYTHONS:
        raise BadInput(
            "python_version", f"mmpose is made with Python 3.11 or 3.12; this is {sys.version_info[0]}.{sys.version_info[1]}.",
            "Call poseloom by another Python.",
        )  # fmt: skip
    versions = _constraints()
    shutil.rmtree(place, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(place)], report, 0.0, "a bare environment")
    pip = [str(_python(place)), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", str(versions)]
    _run([*pip, *_FIRST], report, 0.05, "what mmpose is built with")
    _run([*pip, "--no-build-isolation", "--no-binary", "xtcocotools", *_REST], report, 0.1, f"mmpose and torch, {SIZE}")
    _run([*command(place), "--check"], report, 0.95, "trying it")
    write_note(place / "ready.json", {"python": sys.version.split()[0]})
    report(1.0, "mmpose")
    return _python(place)


def remove(place: Optional[Path] = None) -> bool:
    place = place or folder()
    there = place.exists()
    shutil.rmtree(place, ignore_errors=True)
    return there


def command(place: Optional[Path] = None) -> list:
    """The words that start the program that runs there; it needs nothing of Poseloom's, nor looks at what lies beside it."""
    return [str(_python(place or folder())), "-P", str(Path(__file__).parent / "pose" / "mmpose_worker.py")]


def _python(place: Path) -> Path:
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _constraints() -> Path:
    here = Path(__file__).parent
    for path in (here.parents[1] / "constraints" / "mmpose.txt", here / "constraints" / "mmpose.txt"):
        if path.is_file():
            return path
    raise BadInput("no_constraints", "The file constraints/mmpose.txt is missing.", "Install Poseloom from its source again.")


def _run(words: list, report: Report, share: float, text: str) -> None:
    job = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = ""
    try:
        while job.returncode is None:
            report(share, text)
            try:
                said = job.communicate(timeout=0.5)[1]
            except subprocess.TimeoutExpired:
                continue
    finally:
        job.kill()
        job.wait()
    if job.returncode:
        last = next((line for line in reversed(said.strip().splitlines()) if line.strip()), "without a word")
        raise PoseloomError(
            "setup_failed", f"Making mmpose's environment failed at {text}: {last.strip()}.",
            "Is there a network, and room on the disk?",
        )  # fmt: skip
