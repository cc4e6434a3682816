"""A batch on the machines of a Dask cluster, which see the same files at the same paths.

A worker that is lost takes nothing along: the scheduler gives its clips to another.
"""

from __future__ import annotations

import threading
from typing import Iterator

from . import __version__
from .errors import BadInput, Cancelled, PoseloomError, Unavailable, of_any, rebuilt, told
from .progress import Report, silent
from .registry import install_line
from .workers import hire_here

_BEAT_S = 0.25
_CONNECT_S = 10
_kept = threading.local()  # the worker of this thread on a machine of the cluster


def work_through(tasks, character: dict, options, report: Report = silent) -> Iterator[tuple]:
    """(index of a task, its row or its error) as they come; `workers.work_through` on the scheduler at options.cluster.

    Raises Unavailable without the package, and BadInput where no scheduler answers.
    """
    client, futures = _connect(options.cluster), {}
    try:
        if not client.scheduler_info()["workers"]:
            raise BadInput(
                "no_workers", f"The cluster at {options.cluster} has no workers.", "Start some: dask worker ADDRESS"
            )
        for index, task in enumerate(tasks):
            futures[client.submit(perform, task, character, options.blender, __version__, pure=False)] = index
        yield from _as_they_come(futures, report)
    finally:
        client.cancel(list(futures))
        client.close()


def _connect(address: str):
    try:
        from distributed import Client
    except ImportError as error:
        raise Unavailable(
            "package_missing", 'The cluster needs the Python package "distributed", which is not installed.',
            install_line("cluster"),
        ) from error  # fmt: skip
    try:
        return Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        raise BadInput(
            "no_cluster", f"No Dask scheduler answers at {address}.", "Start one with: dask scheduler"
        ) from error


def _as_they_come(futures: dict, report: Report):
    from distributed import wait

    done, count, waiting = 0, len(futures), set(futures)
    while waiting:
        report(done / count, f"{done} of {count} clips")
        try:
            ready = wait(waiting, timeout=_BEAT_S, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            continue
        for future in ready:
            waiting.discard(future)
            done += 1
            index, outcome = futures.pop(future), _outcome(future)
            future.release()  # or it would be done again when the machine that holds the answer is lost
            yield index, outcome


def _outcome(future):
    try:
        answer = future.result()
    except Exception as error:  # noqa: BLE001  whatever the cluster made of it is this clip's failure
        return PoseloomError("cluster_failed", f"The cluster lost this clip ({type(error).__name__}: {error}).", "")
    return rebuilt(answer["error"]) if "error" in answer else answer["row"]


def perform(task: dict, character: dict, blender, version: str) -> dict:
    """On a machine of the cluster: {"row"} or {"error"} of one clip; the character stays loaded for the next one."""
    try:
        if version != __version__:
            raise BadInput(
                "other_version", f"A machine of the cluster has Poseloom {__version__}, not {version}.", "Update it."
            )
        who = (repr(character), blender)
        if getattr(_kept, "who", None) != who:
            _dismiss()
            _kept.worker, _kept.who = hire_here(character, blender), who
        return {"row": _kept.worker.do(task)}
    except Exception as error:  # noqa: BLE001  the boundary of a machine: a plain answer crosses it
        failure = of_any(error)
        if failure.exit_code == 1 or isinstance(failure, Cancelled):
            _dismiss()  # it may be gone
        return {"error": told(failure)}


def _dismiss() -> None:
    worker, _kept.worker, _kept.who = getattr(_kept, "worker", None), None, None
    if worker is not None:
        worker.close()
