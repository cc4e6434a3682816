"""The backend as the extension sees it: whether it runs, how to start it, how to get it.

`choice()` and `access()` read preferences and belong on the main thread; the rest takes what they
return and may run on any.
"""

import io
import json
import shlex
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Optional

import bpy
from poseloom import client, settings
from poseloom.errors import BadInput, Cancelled, PoseloomError
from poseloom.inbetween import window
from poseloom.inbetween.library import FPS
from poseloom.motion.files import motion_from_bytes, motion_to_bytes
from poseloom.motion.types import Motion
from poseloom.progress import Report, part

from . import jobs, preferences

POLL_S = 0.2


@dataclass(frozen=True)
class Choice:
    """What the preferences say, or whom a script named."""

    command: tuple = ()
    address: str = ""
    token: str = ""


@dataclass(frozen=True)
class View:
    """What the panel shows.  state: unknown, running, stopped, missing or refused."""

    state: str = "unknown"
    text: str = "Looking for the backend"
    hint: str = ""


def choice(address: str = "", token: str = "") -> Choice:
    """The backend to use; BadInput where it may not be reached."""
    chosen = preferences.get()
    if address:
        found = Choice(address=address, token=token)
    elif chosen.address:
        found = Choice(address=chosen.address, token=chosen.token)
    else:
        found = Choice(command=tuple(split_command(chosen.backend_command)))
    if found.address and not client.Client(found.address, "").local and not bpy.app.online_access:
        raise BadInput(
            "offline",
            f"The backend {found.address} is on another computer, and Blender's online access is off.",
            "Allow Online Access in Preferences > System > Network, or empty the address to use this computer.",
        )
    return found


def split_command(text: str) -> list:
    """A command line as words, as the system's own shell reads it; a file's bare path may hold spaces."""
    text = text.strip()
    if not text or Path(text).is_file():
        return [text] if text else []
    return [word.strip('"') for word in shlex.split(text, posix=sys.platform != "win32")]


def command_of(choice: Choice) -> Optional[list]:
    """The command that starts the backend, or None where none is installed."""
    return list(choice.command) or settings.read_backend_command()


def find(choice: Choice) -> Optional[client.Client]:
    """The running backend, or None; PoseloomError where one answers that we cannot use."""
    if choice.address:
        return client.connect(choice.address, choice.token or None)
    return client.find_backend()


def ensure(choice: Choice, report: Report) -> client.Client:
    """The running backend, started if need be."""
    report(0.0, "Looking for the backend")
    running = find(choice)
    if running is None:
        report(0.5, "Starting the backend")
        running = client.start_backend(command_of(choice))
    return running


def look(choice: Choice) -> View:
    """What there is to show."""
    try:
        running = find(choice)
        if running is not None:
            return View("running", f"Backend {running.health()['version']} at {running.address.partition('//')[2]}")
    except PoseloomError as error:
        return View("refused", error.message, error.hint)
    if command_of(choice) is None:
        return View("missing", "The backend is not installed")
    return View("stopped", "The backend is installed, but not running")


def animate(running: client.Client, video: str, options: dict, report: Report) -> bytes:
    """The motion of the person in `video`, as the bytes of motion.npz."""
    return capture(running, video, options, report)[0]


def capture(running: client.Client, video: str, options: dict, report: Report) -> tuple:
    """(motion.npz, keypoints.npz) of the person in `video`, as bytes, and the warnings that came with them."""
    job = running.submit("animate", {"media": video}, options)
    motion = _result(running, job, report)
    warnings = json.loads(running.result(job, "report.json")).get("warnings", [])
    return motion, running.result(job, "keypoints.npz"), warnings


def posed(running: client.Client, pictures, options: dict, report: Report) -> tuple:
    """(motion.npz with a row for the pose in each of the `pictures`, as bytes, and the warnings that came with it)."""
    job = running.submit("poses", {f"picture_{i:04d}": path for i, path in enumerate(pictures)}, options)
    motion = _result(running, job, report)
    return motion, json.loads(running.result(job, "report.json")).get("warnings", [])


def people(running: client.Client, video: str, options: dict, report: Report) -> tuple:
    """(rows of people.json, {number: PNG of that person}, warnings) of those in `video`."""
    job = running.submit("people", {"media": video}, options)
    _wait(running, job, report)
    told, pictures = (json.loads(running.result(job, name)) for name in ("people.json", "report.json")), {}
    with zipfile.ZipFile(io.BytesIO(running.result(job, "portraits.zip"))) as archive:
        for name in archive.namelist():
            pictures[int(Path(name).stem)] = archive.read(name)
    rows, account = told
    return rows, pictures, account.get("warnings", [])


def cast(running: client.Client, video: str, numbers: list, options: dict, report: Report) -> tuple:
    """({number: (motion.npz, keypoints.npz)} of several people in `video`, on one floor, as bytes; warnings)."""
    job = running.submit("cast", {"media": video}, {**options, "people": numbers})
    _wait(running, job, report)
    with zipfile.ZipFile(io.BytesIO(running.result(job, "cast.zip"))) as archive:
        found = {number: (archive.read(f"{number}.npz"), archive.read(f"{number}.keypoints.npz")) for number in numbers}
    return found, json.loads(running.result(job, "report.json")).get("warnings", [])


def bring(running: client.Client, name: str, report: Report) -> None:
    """Have weights, or mmpose's environment, downloaded onto the backend's computer, as the user has agreed."""
    _wait(running, running.submit("bring", {}, {"name": name}), report)


def estimators(chosen: Choice) -> list:
    """Rows as `Client.estimators`; none while the backend does not run, or cannot be used."""
    try:
        running = find(chosen)
        return running.estimators() if running else []
    except PoseloomError:
        return []  # the panel tells what is wrong with the backend


def known_estimators() -> list:
    """The same, as it was last heard: for drawing."""
    try:
        return jobs.glance("estimators", partial(estimators, choice()), [], fresh_s=30.0)
    except PoseloomError:
        return []


def size_text(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB" if size_bytes else ""


class Remote:
    """An in-betweener that the backend runs: `poseloom.inbetween.Inbetweener`."""

    longest_s = window.LONGEST / FPS

    def __init__(self, chosen: Choice, method: str = "lstm", model: str = ""):
        self.chosen, self.options = chosen, {"method": method, **({"model": model} if model else {})}

    def __call__(self, motion: Motion, known, report: Report) -> Motion:
        return self._ask(motion.with_(score=known), self.options, report)

    def go_on(self, motion: Motion, frames: int, report: Report) -> Motion:
        """`motion` and `frames` more."""
        return self._ask(motion, {**self.options, "onward": frames}, report)

    def _ask(self, motion, options, report):
        running = ensure(self.chosen, part(report, 0.0, 0.2))
        with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
            path = Path(folder) / "motion.npz"
            path.write_bytes(motion_to_bytes(motion))
            # sent, not named: a Blender in a container has a temporary folder of its own
            job = running.submit("inbetween", {"motion": path}, options, upload=True)
            return motion_from_bytes(_result(running, job, part(report, 0.2, 1.0)))


def rendered(running: client.Client, scene: str, options: dict, folder: str, report: Report) -> dict:
    """Guides and frames of the .blend at `scene`, in `folder` on this computer; what `poseloom.rendering.job` tells.

    A backend on this computer writes them there itself, and goes on with what is there; another one sends them.
    """
    local = running.local
    wish = {**options, "folder": folder} if local else {k: v for k, v in options.items() if k not in ("blender", "reference")}
    job = running.submit("render", {"scene": scene}, wish)
    _wait(running, job, report)
    told = json.loads(running.result(job, "render.json"))
    if not local:
        theirs = told["folder"]
        with zipfile.ZipFile(io.BytesIO(running.result(job, "frames.zip"))) as archive:
            archive.extractall(folder)
        told["stretches"] = [
            [[frame, path.replace(theirs, folder, 1)] for frame, path in stretch] for stretch in told.get("stretches", [])
        ]
    return told


def _result(running: client.Client, job: str, report: Report) -> bytes:
    """The bytes of motion.npz that a job makes."""
    _wait(running, job, report)
    report(0.98, "Fetching the motion")
    return running.result(job, "motion.npz")


def _wait(running: client.Client, job: str, report: Report) -> None:
    """Until the job is done; its error is raised, and where `report` raises it is cancelled."""
    try:
        # asked again and again, not listened to: a cancelled job must not wait for the next event
        while not (status := running.status(job)).final:
            part(report, 0.0, 0.98)(status.fraction, status.text or "Waiting for the backend")
            time.sleep(POLL_S)
    except (Cancelled, KeyboardInterrupt):
        running.cancel(job)
        raise
    if status.state == "cancelled":
        raise Cancelled("The backend cancelled the job.")
    if status.state == "failed":
        raise status.error or PoseloomError("job_failed", "The backend failed without a reason.", "Its log has more.")


def install_lines() -> tuple:
    """The two lines that install the backend, to be run in the folder of Poseloom's source."""
    python = settings.backend_python()
    starter = "py -3.11" if sys.platform == "win32" else "python3.11"
    call = "& " if sys.platform == "win32" else ""
    return (
        f'{starter} -m venv "{python.parent.parent}"',
        f'{call}"{python}" -m pip install -c constraints/main.txt ".[pose,learn,server]"',
    )
