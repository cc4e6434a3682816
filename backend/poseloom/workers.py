"""Who does the clips of a batch: processes that load the character once and take one clip after the other.

A worker that dies loses its clip alone: another takes its place, and the clip is tried once more.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import signal
import threading
import time
from pathlib import Path
from typing import Callable, Iterator, Protocol, Sequence

from .errors import Cancelled, PoseloomError, of_any, rebuilt, told
from .progress import Report, silent

WORKER_DIED = "worker_died"
_BEAT_S = 0.25
_TRIES = 2


class Worker(Protocol):
    """`about` tells of the character: family, score, doubts, missing."""

    about: dict

    def do(self, task: dict) -> dict:
        """The row of a clip that is now in the file task["staged"]; raises PoseloomError."""

    def close(self) -> None:
        """End its process, whatever it does; `do` in another thread then raises."""


def hire(character: dict, blender: str | None = None) -> Worker:
    """A worker in a process of its own, with its character loaded; raises what is wrong with the character."""
    return Spawned(character) if _is_bvh(character) else InBlender(character, blender)


def hire_here(character: dict, blender: str | None = None) -> Worker:
    """As `hire`, but what needs no Blender is done in this process."""
    return Direct(character) if _is_bvh(character) else InBlender(character, blender)


def work_through(
    tasks: Sequence[dict], hire: Callable[[], Worker], jobs: int, report: Report = silent
) -> Iterator[tuple[int, dict | PoseloomError]]:
    """(index of a task, its row or its error) as they come, with `jobs` workers at work.

    An error of hiring is raised, as no clip could be done.  Workers are gone when the iterator is closed.
    """
    crew = _Crew(tasks, hire, jobs)
    try:
        done = 0
        while done < len(tasks):
            report(done / len(tasks), f"{done} of {len(tasks)} clips")
            try:
                index, outcome = crew.news.get(timeout=_BEAT_S)
            except queue.Empty:
                continue
            if index is None:
                raise outcome
            done += 1
            yield index, outcome
    finally:
        crew.stop()


class _Crew:
    """Threads, each with one worker, that take tasks from one queue."""

    def __init__(self, tasks, hire, jobs: int):
        self.tasks, self.hire = tasks, hire
        self.news: queue.Queue = queue.Queue()
        self.todo: queue.SimpleQueue = queue.SimpleQueue()
        for index in range(len(tasks)):
            self.todo.put(index)
        self.stopped = False
        self.workers: list = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(min(jobs, len(tasks)))]
        for thread in self.threads:
            thread.start()

    def _run(self) -> None:
        worker = None
        try:
            while not self.stopped:
                try:
                    index = self.todo.get_nowait()
                except queue.Empty:
                    return
                for attempt in range(_TRIES):
                    worker = worker or self._hired()
                    try:
                        outcome = worker.do(self.tasks[index])
                    except PoseloomError as error:
                        outcome = error
                        if not _is_death(error):
                            break
                        self._leave(worker)
                        worker = None
                        if self.stopped:
                            return
                    else:
                        break
                self.news.put((index, outcome))
        except Exception as error:  # noqa: BLE001  of hiring, or a mistake of ours: it is raised where the batch runs
            self.news.put((None, error))
        finally:
            if worker is not None:
                self._leave(worker)

    def _hired(self) -> Worker:
        worker = self.hire()
        with self.lock:
            self.workers.append(worker)
            late = self.stopped
        if late:
            self._leave(worker)
            raise Cancelled
        return worker

    def _leave(self, worker) -> None:
        with self.lock:
            mine = worker in self.workers
            if mine:
                self.workers.remove(worker)
        if mine:
            worker.close()

    def stop(self) -> None:
        with self.lock:
            self.stopped = True
            workers, self.workers = self.workers, []
        for worker in workers:
            worker.close()
        for thread in self.threads:
            thread.join(timeout=5.0)


class Direct:
    """Clips onto a .bvh skeleton, in this process."""

    def __init__(self, character: dict):
        from . import chains
        from .motion.bvh import read_bvh
        from .motion.resample import cut_rig
        from .rigs.recognise import recognise

        rig, poses = read_bvh(character["path"])
        self.found = chains.by_controls(recognise(rig), character["controls"])
        self.root = character["root"]
        self.rest = None if character["rest"] is None else cut_rig(poses, character["rest"])
        self.about = chains.told_of(self.found)

    def do(self, task: dict) -> dict:
        from . import chains
        from .motion.bvh import write_bvh

        began = time.perf_counter()
        reading = chains.Reading(**task["reading"])
        motion, row = chains.cut_clip(task["clip"], task["start"], task["end"], task["fps"], reading)
        rig_motion, measures = chains.onto(motion, self.found, self.root, self.rest)
        write_bvh(task["staged"], self.found.rig, rig_motion)
        return {**row, **measures, "took_s": round(time.perf_counter() - began, 3)}

    def close(self) -> None:
        pass


class Spawned:
    """`Direct` in a process of its own."""

    def __init__(self, character: dict):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, character), daemon=True)
        self.process.start()
        theirs.close()
        self.about = self._answer()

    def do(self, task: dict) -> dict:
        try:
            self.pipe.send_bytes(json.dumps(task).encode())
        except OSError as error:
            raise self._death() from error
        return self._answer()

    def _answer(self) -> dict:
        try:
            answer = json.loads(self.pipe.recv_bytes())
        except (EOFError, OSError) as error:
            raise self._death() from error
        if "error" in answer:
            raise rebuilt(answer["error"])
        return answer["row"]

    def _death(self) -> PoseloomError:
        self.process.join(timeout=1.0)
        return PoseloomError(WORKER_DIED, f"The worker process stopped with code {self.process.exitcode}.", "")

    def close(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


class InBlender:
    """Clips onto a character in a Blender that stays open."""

    def __init__(self, character: dict, blender: str | None = None):
        from .blender import Warm

        self.warm = Warm(blender)
        try:
            self.about = self.warm.do({"do": "character", "character": character})
        except BaseException:  # nobody else could close it
            self.warm.close()
            raise

    def do(self, task: dict) -> dict:
        began = time.perf_counter()
        row = self.warm.do({"do": "retarget", **task})
        return {**row, "took_s": round(time.perf_counter() - began, 3)}

    def close(self) -> None:
        self.warm.close()


def _is_death(error: PoseloomError) -> bool:
    return error.code in (WORKER_DIED, "blender_crashed")


def _is_bvh(character: dict) -> bool:
    return bool(character["path"]) and Path(character["path"]).suffix.lower() == ".bvh"


def _serve(pipe, character: dict) -> None:
    """The life of a spawned worker; it ends with whoever asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for whoever asked
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    worker = None
    while True:
        try:
            if worker is None:
                worker = Direct(character)
                answer = {"row": worker.about}
            else:
                answer = {"row": worker.do(json.loads(pipe.recv_bytes()))}
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001  the boundary of a process: the other side must hear of it
            answer = {"error": told(of_any(error))}
        pipe.send_bytes(json.dumps(answer).encode())
        if worker is None:
            return


def _leave_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)
