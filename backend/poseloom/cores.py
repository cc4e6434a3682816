"""How many cores this process may compute on, for those who share them out, and how its threads wait."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from contextvars import ContextVar

_mine: ContextVar = ContextVar("cores", default=None)
_LOOK_S = 0.1


def mine() -> int:
    """Of the computer's cores those that this process may use, or fewer inside `at_most`."""
    if hasattr(os, "sched_getaffinity"):
        there = len(os.sched_getaffinity(0))
    else:
        there = os.cpu_count() or 1
    return min(there, _mine.get() or there)


def idle() -> int:
    """Of `mine` those that nobody uses now, at least one; on Linux it looks for a tenth of a second, elsewhere at the
    load of the last minute, and where no system tells, one."""
    there = mine()
    if there == 1:
        return 1
    before = _clocks()
    if before is None:
        try:
            return max(1, min(there, round(there - os.getloadavg()[0])))
        except (AttributeError, OSError):  # Windows has none, other systems may not tell
            return 1
    time.sleep(_LOOK_S)
    spent = [(a[0] - b[0]) / max(a[1] - b[1], 1) for a, b in zip(_clocks(), before)]
    return max(1, min(there, int(sum(spent) + 0.4)))


def _clocks():
    """[(idle, all)] ticks so far of each core that this process may use; None where the system does not tell."""
    if not os.path.exists("/proc/stat"):
        return None
    with open("/proc/stat", encoding="ascii") as file:
        rows = {row[0]: [int(n) for n in row[1:9]] for row in map(str.split, file) if row[0].startswith("cpu")}
    cores = [rows[f"cpu{n}"] for n in sorted(os.sched_getaffinity(0)) if f"cpu{n}" in rows]
    return [(ticks[3] + ticks[4], sum(ticks)) for ticks in cores]  # idle, and idle while a disk works


def wait_asleep() -> None:
    """Threads of torch's that wait for one another sleep, here and in processes begun from here; to be called before
    torch is imported.  By default they spin, and beside another busy process training then takes many times as long.
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
