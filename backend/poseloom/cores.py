"""How many cores this process may compute on, for those who share them out, and how its threads wait."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar

_mine: ContextVar = ContextVar("cores", default=None)


def mine() -> int:
    """Of the computer's cores those that this process may use, or fewer inside `at_most`."""
    if hasattr(os, "sched_getaffinity"):
        there = len(os.sched_getaffinity(0))
    else:
        there = os.cpu_count() or 1
    return min(there, _mine.get() or there)


def wait_asleep() -> None:
    """Threads of torch's that wait for one another sleep, here and in processes begun from here; to be called before
    torch is imported.  By default they spin, and beside one other busy process training takes twenty times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@contextmanager
def at_most(count: int):
    """Within it, and in this thread, work is done on so many cores."""
    token = _mine.set(max(1, count))
    try:
        yield
    finally:
        _mine.reset(token)
