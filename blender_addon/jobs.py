"""Work in the background, and what the extension remembers from one draw to the next.

The contract: a plain thread runs `work(report)`.  It may use files and sockets, never bpy.  A timer
on the main thread takes its news from a queue, redraws, and gives the result to `then`.  Work in many
pieces is `work(report, give)`: each piece given comes to `each` on the main thread, one a tick.
"""

import queue
import threading
import time
import traceback
from dataclasses import dataclass
from typing import Any, Callable, Optional

import bpy
import numpy as np
from poseloom.errors import Cancelled, PoseloomError
from poseloom.progress import Report, silent

TICK_S = 0.1
WAITING_PIECES = 2


class Job:
    """One piece of work: how far it is, and how it ended."""

    def __init__(self, title: str, work: Callable, then: Callable[[Any], str], ready=lambda: "", each=None, after=None,
                 place=""):  # fmt: skip
        self.title = title
        self.place = place  # the panel that shows it
        self.fraction = 0.0
        self.text = "Starting"
        self.state = "running"  # done, cancelled, failed
        self.outcome = ""  # one sentence, once it has ended
        self.hint = ""
        self._work = work
        self._then = then
        self._ready = ready
        self._each = each
        self._after = after
        self._pieces: list = []  # given, and not yet taken
        self._room = threading.Semaphore(WAITING_PIECES)
        self._result: list = []  # the value, once it is there
        self._news: queue.SimpleQueue = queue.SimpleQueue()
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poseloom {title}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def cancel(self) -> None:
        self._cancelled.set()
        self.text = "Cancelling"

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _report(self, fraction: float, text: str) -> None:
        if self._cancelled.is_set():
            raise Cancelled()
        self._news.put(("progress", (fraction, text)))

    def _give(self, piece) -> None:
        # no further ahead of the main thread than a few pieces: they may be large
        while not self._room.acquire(timeout=TICK_S):
            if self._cancelled.is_set():
                raise Cancelled()
        self._news.put(("piece", piece))

    def _run(self) -> None:
        try:
            self._news.put(("result", self._do(self._report, self._give)))
        except Exception as error:  # noqa: BLE001  whatever it is, it must reach the panel
            self._news.put(("error", error))

    def _do(self, report: Report, give) -> Any:
        return self._work(report) if self._each is None else self._work(report, give)

    def collect(self) -> None:
        """On the main thread: take what the thread has put into the queue."""
        while self.state == "running" and not self._news.empty():
            kind, value = self._news.get()
            if kind == "progress":
                if not self._cancelled.is_set():
                    self.fraction, self.text = value
            elif kind == "piece":
                self._pieces.append(value)
            elif kind == "error":
                self.fail(value)
            else:
                self._result = [value]
        if self._pieces and self.state == "running" and not self._cancelled.is_set() and not self._ready():
            try:
                self._each(self._pieces.pop(0))
                self._room.release()
            except Exception as error:  # noqa: BLE001  as in `finish`
                self._cancelled.set()
                self.fail(error)
        waiting = self._pieces and not self._cancelled.is_set()
        if self._result and not waiting and self.state == "running":
            if self._cancelled.is_set():
                self.fail(Cancelled())
            elif reason := self._ready():
                self.fraction, self.text = 1.0, reason
            else:
                self.finish()

    def run_here(self, report: Report) -> None:
        """Do the whole of it now, for scripts: an error is raised, not kept."""
        self.outcome = self._then(self._do(report, self._each))
        self.state, self.fraction = "done", 1.0
        self._end()

    def finish(self) -> None:
        try:
            self.outcome = self._then(self._result[0])
            self.state, self.fraction = "done", 1.0
        except Exception as error:  # noqa: BLE001  a timer would only print it, the panel must show it
            self.fail(error)
        else:
            self._end()

    def _end(self) -> str:
        return self._after() if self._after is not None else ""

    def fail(self, error: Exception) -> None:
        self.state = "cancelled" if isinstance(error, Cancelled) else "failed"
        if isinstance(error, PoseloomError):
            self.outcome, self.hint = error.message, error.hint
        else:
            self.outcome = f"Something went wrong in Poseloom: {error}"
            self.hint = "The system console has the details."
            traceback.print_exception(error)
        self.hint = f"{self.hint} {self._end()}".strip()


current: Optional[Job] = None  # the last one, ended or not
motion_path: str = ""  # the last motion that came back
video_path: str = ""  # what it was seen in
rigs: dict = {}  # what was recognised, by armature
sources: dict = {}  # where the joints of its source are, by action


def running() -> bool:
    return current is not None and current.state == "running"


def start(title: str, work: Callable, then: Callable[[Any], str], ready=lambda: "", **more) -> Job:
    """Begin a job; `then(result)` is called on the main thread and returns the sentence to show.

    `ready()` says what the user must finish before the result may land, "" if nothing.  `after()` is called
    however it ends, and may return a sentence for where it did not end well; `more` as in `Job`.
    """
    job = begin(title, work, then, ready=ready, **more)
    bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)
    return job


def begin(title: str, work: Callable, then: Callable[[Any], str], **more) -> Job:
    """As `start`, for a modal operator, which calls `collect` itself: the result is then part of its undo step."""
    global current
    _not_twice()
    current = Job(title, work, then, **more)
    current.start()
    return current


def run_here(title: str, work: Callable, then: Callable[[Any], str], report: Report = silent, **more) -> Job:
    """The same while the caller waits; errors are raised."""
    global current
    _not_twice()
    current = Job(title, work, then, **more)
    try:
        current.run_here(report)
    except PoseloomError as error:
        current.fail(error)
        raise
    return current


def _not_twice() -> None:
    if running():
        raise PoseloomError("busy", f"{current.title} is still running.", "Wait for it, or cancel it.")


def show(title: str, state: str, outcome: str, hint: str = "", place: str = "") -> None:
    """Put the outcome of work that needed no thread where that panel shows outcomes."""
    global current
    if not running():
        current = Job(title, lambda report: None, lambda value: "", place=place)
        current.state, current.outcome, current.hint = state, outcome, hint


@dataclass(frozen=True, eq=False)
class Source:
    """places (T,J,3) metres in the scene's world, of joints with `parents` (J,), from frame `start` on."""

    places: np.ndarray
    parents: np.ndarray
    start: int


def keep_source(action, places, parents, start: int) -> None:
    """Where the joints of the clip are that became `action`; for this session."""
    sources[action.session_uid] = Source(places, parents, start)


def keep_motion(path: str, video: str = "") -> None:
    global motion_path, video_path
    motion_path, video_path = path, video


def cancel() -> None:
    if running():
        current.cancel()
        redraw()


def stop() -> None:
    """End everything; called when the extension is switched off."""
    global current, motion_path
    cancel()
    if running():
        current.wait(2.0)
    for timer in (_tick, _do_soon, _seen):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    for kept in (_soon, _glances, rigs, sources):
        kept.clear()
    current, motion_path = None, ""


def redraw() -> None:
    """Draw the sidebars and the status bar again; from the main thread."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "SEQUENCE_EDITOR"):
                area.tag_redraw()
    # the status bar is in no screen's areas; it draws itself anew on this message
    bpy.msgbus.publish_rna(key=(bpy.types.Window, "view_layer"))


def _tick():
    job = current
    if job is None:
        return None
    job.collect()
    redraw()
    return TICK_S if job.state == "running" else None


_soon: dict = {}


def soon(name: str, function: Callable[[], None]) -> None:
    """Call `function` after the draw in progress: drawing may not change anything itself."""
    _soon[name] = function
    if not bpy.app.timers.is_registered(_do_soon):
        bpy.app.timers.register(_do_soon, first_interval=0.0, persistent=True)


def _do_soon():
    while _soon:
        _soon.pop(next(iter(_soon)))()
    redraw()
    return None


class Glance:
    """The last answer to a question that takes too long to ask while drawing."""

    def __init__(self, value: Any):
        self.value = value
        self.asked_s = -1e9
        self.thread: Optional[threading.Thread] = None

    def ask(self, question: Callable[[], Any]) -> None:
        self.value = question()
        self.asked_s = time.monotonic()


_glances: dict = {}


def glance(name: str, question: Callable[[], Any], unknown: Any, fresh_s: float = 4.0) -> Any:
    """The last answer to `question`, asked anew on a thread where it is older than `fresh_s`."""
    seen = _glances.setdefault(name, Glance(unknown))
    if seen.thread is None and time.monotonic() - seen.asked_s > fresh_s:
        seen.thread = threading.Thread(target=seen.ask, args=(question,), name=f"poseloom {name}", daemon=True)
        seen.thread.start()
        if not bpy.app.timers.is_registered(_seen):
            bpy.app.timers.register(_seen, first_interval=TICK_S, persistent=True)
    return seen.value


def forget(name: str) -> None:
    """Have a glance asked anew at the next draw."""
    if name in _glances:
        _glances[name].asked_s = -1e9
    redraw()


def _seen():
    waiting = False
    for seen in _glances.values():
        if seen.thread is not None and seen.thread.is_alive():
            waiting = True
        elif seen.thread is not None:
            seen.thread = None
            redraw()
    return TICK_S if waiting else None
