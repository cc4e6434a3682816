"""One clip in several processes: stretches that overlap, joined without a seam.

What an estimator remembers of the frames before (where the person was) is
gone after a few frames, so a stretch that begins earlier sees what the whole clip would have shown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import cores
from ..errors import BadInput, PoseloomError, rebuilt, told
from ..memory import give_back
from ..motion.files import keypoints_from_bytes, keypoints_to_bytes
from ..motion.types import Keypoints
from ..prefetch import Prefetched
from ..progress import Report, silent
from ..shots import CutFinder, Watched
from .sought import apart

OVERLAP = 12  # frames that two neighbours both see; over them one fades into the other
SHORTEST_S = 8.0  # of a stretch: below, starting a process costs more than it saves
_SAME_PERSON = 0.2  # of the body's height: further apart in the overlap, two stretches follow two people
_BEAT_S = 0.1
_HEAD_START = 60  # frames that this process sees until another has loaded what it needs


def share_out(frame_count, fps: float, processes: int | None) -> list[tuple[int, int]]:
    """[(first frame, end)] of the stretches without their overlap; one where the clip is short.

    `processes` None takes one for each core.  The first is longer: it is begun before the others are.
    """
    if not frame_count:
        return [(0, frame_count or 0)]
    most = processes or min(cores.mine(), int(frame_count / (SHORTEST_S * fps)))
    count = max(1, min(most, frame_count // (2 * OVERLAP)))
    head = min(_HEAD_START, frame_count // (2 * count))
    edges = np.linspace(head, frame_count, count + 1).round().astype(int).tolist()
    return list(zip([0, *edges[1:-1]], edges[1:]))


def estimate(
    name: str, clip, processes: int | None = None, report: Report = silent, everyone: bool = False
) -> list[Keypoints]:
    """What the estimator `name` sees in `clip` (a media.Clip), by several processes where it is long.

    Everyone is seen by one process, which knows who is who.

    Where neighbours turn out to follow different people, or one sees nobody, the clip is seen once
    more in one piece, since only that knows whom to follow.
    """
    from . import load

    load(name)  # refuses what is not there before any process starts
    if everyone:
        return see(name, Prefetched(clip), report, everyone)
    stretches = share_out(clip.frame_count, clip.fps, processes)
    parts = _see_apart(name, clip, stretches, report) if len(stretches) > 1 else None
    joined = join(parts, [first for first, _ in stretches]) if parts else None
    return [joined] if joined is not None else see(name, Prefetched(clip), report)


def see(name: str, clip, report: Report = silent, everyone: bool = False) -> list[Keypoints]:
    """What the estimator sees in one piece, the main person or everyone, and where the clip cuts."""
    from . import load

    finder = CutFinder()
    estimator = load(name)()
    people = (estimator.everyone if everyone else estimator)(Watched(clip, finder), report)
    del estimator
    give_back()
    return [replace(person, cuts=finder.cuts) for person in people]


def join(parts: list[Keypoints], firsts: list[int]) -> Keypoints | None:
    """One Keypoints of stretches; `parts[i]` begins OVERLAP frames before `firsts[i]` but for the first.

    None where two follow different people in their overlap.
    """
    whole = parts[0]
    for part, first in zip(parts[1:], firsts[1:]):
        begin = first - OVERLAP
        shared = len(whole) - begin
        if shared < 1 or not _agree(whole, part, begin, shared):
            return None
        weight = (np.arange(shared) + 1.0) / (shared + 1.0)
        whole = Keypoints(
            layout=whole.layout,
            **{key: _faded(getattr(whole, key), getattr(part, key), begin, weight) for key in ("xy", "xyz", "score")},
            size=whole.size, fps=whole.fps, start_s=whole.start_s, person=whole.person,
            cuts=sorted({*whole.cuts, *(begin + cut for cut in part.cuts)}),
        )  # fmt: skip
    return whole


def _faded(first, second, begin: int, weight: np.ndarray):
    """Rows of two arrays that overlap from row `begin` of the first on; NaN gives way to what the other saw."""
    if first is None or second is None:
        return None
    shared = len(weight)
    a, b = first[begin:].astype(float), second[:shared].astype(float)
    weight = weight.reshape(-1, *[1] * (a.ndim - 1))
    middle = np.where(np.isnan(a), b, np.where(np.isnan(b), a, (1.0 - weight) * a + weight * b))
    return np.concatenate([first[:begin], middle, second[shared:]])


def _agree(first: Keypoints, second: Keypoints, begin: int, shared: int) -> bool:
    distance = apart(first.xy[begin : begin + len(second)], second.xy[:shared])
    known = distance[np.isfinite(distance)]
    return not len(known) or bool(np.median(known) < _SAME_PERSON)


def _see_apart(name: str, clip, stretches: list, report: Report) -> list[Keypoints] | None:
    """The Keypoints of each stretch, begun OVERLAP frames early; None where one of them sees nobody.

    The first is seen here, the others by processes of their own.
    """
    from ..media import Clip

    each = max(1, cores.mine() // len(stretches))
    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder, cores.at_most(each):
        crew = []
        try:
            for number, (first, end) in list(enumerate(stretches))[1:]:
                last = number == len(stretches) - 1
                crew.append(_Eye({
                    "estimator": name, "path": str(clip.path), "fps": clip.fps,
                    "start_s": clip.start_s + (first - OVERLAP) / clip.fps,
                    "end_s": clip.end_s if last else clip.start_s + end / clip.fps,
                    "cores": each, "out": str(Path(folder) / f"{number}.npz"),
                }))  # fmt: skip

            def tell(own: float, text: str = "") -> None:
                report((own + sum(eye.fraction for eye in crew)) / len(stretches), f"{len(stretches)} stretches at a time")

            mine = Clip(clip.source, clip.start_s, clip.start_s + stretches[0][1] / clip.fps, clip.fps)
            nobody = False
            try:
                parts = see(name, mine, tell)
            except BadInput as error:
                if error.code != "no_person":
                    raise
                nobody = True
            while any(eye.busy() for eye in crew):
                tell(1.0)
                for eye in crew:
                    eye.process_done.wait(_BEAT_S)
            errors = [eye.error for eye in crew if eye.error]
            if any(error["code"] != "no_person" for error in errors):
                raise rebuilt(next(error for error in errors if error["code"] != "no_person"))
            told_of = [*mine.warnings, *(warning for eye in crew for warning in eye.warnings)]
            clip.warnings += [warning for warning in dict.fromkeys(told_of) if warning not in clip.warnings]
            if errors or nobody:
                return None
            return parts + [keypoints_from_bytes(Path(eye.out).read_bytes()) for eye in crew]
        finally:
            for eye in crew:
                eye.stop()


class _Eye:
    """A process that sees one stretch; it ends with its standard input."""

    def __init__(self, task: dict):
        self.out, self.fraction, self.error, self.warnings = task["out"], 0.0, None, []
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        self.process_done = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        done = False
        for line in self.process.stdout:
            told_of = json.loads(line)
            self.fraction = told_of.get("fraction", self.fraction)
            self.error = told_of.get("error", self.error)
            self.warnings = told_of.get("warnings", self.warnings)
            done = done or "warnings" in told_of
        if not done and self.error is None:
            code = self.process.wait()
            self.error = told(PoseloomError("worker_died", f"The estimator's process stopped with code {code}."))
        self.process_done.set()

    def busy(self) -> bool:
        return not self.process_done.is_set()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


def serve() -> None:
    """The life of such a process: one task from standard input, progress and an end as JSON lines."""
    from ..media import Clip, open_clip

    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    say = sys.stdout

    def report(fraction: float, text: str) -> None:
        print(json.dumps({"fraction": fraction}), file=say, flush=True)

    try:
        clip = Clip(open_clip(task["path"], fps=task["fps"]).source, task["start_s"], task["end_s"], task["fps"])
        with cores.at_most(task["cores"]):
            person = see(task["estimator"], clip, report)[0]
        Path(task["out"]).write_bytes(keypoints_to_bytes(person))
        print(json.dumps({"warnings": clip.warnings}), file=say, flush=True)
    except PoseloomError as error:
        print(json.dumps({"error": told(error)}), file=say, flush=True)


def _leave_with_parent() -> None:
    while sys.stdin.read(1):
        pass
    os._exit(1)
