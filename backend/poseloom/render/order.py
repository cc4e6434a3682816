"""Which frame is made when, and whose looks it heeds: key frames first, then the frames between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Sequence

REFERENCE = -1  # stands for the reference picture among the frames, which count from 0
SOURCES = 4


@dataclass(frozen=True)
class Batch:
    """Frames that are made together.

    rows: the frames; sources: for each row the SOURCES frames it heeds, itself among them; held: what an earlier batch
    left and this one heeds; kept: those of rows that later batches heed; dropped: what nobody heeds after this one.
    """

    rows: tuple
    sources: tuple
    held: tuple
    kept: tuple
    dropped: tuple


def is_key(frame: int, count: int, every: int) -> bool:
    return frame % every == 0 or frame == count - 1


def sources(frame: int, count: int, every: int, reference: bool) -> tuple:
    """The SOURCES frames that `frame` heeds; to heed one twice is to heed it once where all are heeded twice.

    A key heeds the reference, which is the first frame where there is no picture; a frame between also the one before
    it and the next key.  So a frame hangs on no more than a stretch of `every` frames, however long the sequence.
    """
    first = REFERENCE if reference else 0
    if frame == first:
        return (frame,) * SOURCES
    if is_key(frame, count, every):
        return (frame, first) * (SOURCES // 2)
    return frame, first, frame - 1, min(frame - frame % every + every, count - 1)


def sequence(count: int, every: int, reference: bool) -> list:
    """All frames, each after those it heeds."""
    order = [REFERENCE] if reference else []
    for start in range(0, count, every):
        if start == 0:
            order.append(0)
        end = min(start + every, count - 1)
        order += [end] * (end > start) + list(range(start + 1, end))
    return order


def needed(wanted: Sequence[int], count: int, every: int, reference: bool) -> set:
    """The frames that must be made to have the `wanted` ones."""
    out, open_ = set(), list(wanted)
    while open_:
        frame = open_.pop()
        if frame not in out:
            out.add(frame)
            open_ += sources(frame, count, every, reference)
    return out


def batches(wanted: Sequence[int], count: int, every: int, size: int, reference: bool, heed: bool = True) -> Iterator[Batch]:
    """The batches of at most `size` frames that make the `wanted` frames of `count`; REFERENCE comes alone.

    With `heed` False every frame stands for itself.
    """
    if not heed:
        rows = sorted(wanted)
        for i in range(0, len(rows), size):
            some = tuple(rows[i : i + size])
            yield Batch(some, tuple((row,) * SOURCES for row in some), (), (), ())
        return
    must = needed(wanted, count, every, reference)
    order = [frame for frame in sequence(count, every, reference) if frame in must]
    heeds = [set(sources(frame, count, every, reference)) for frame in order]
    last = {frame: i for i, whom in enumerate(heeds) for frame in whom}  # the place of who heeds it last
    there, i = [], 0
    while i < len(order):
        stop = i + 1 if order[i] == REFERENCE else min(i + size, len(order))
        rows, held = tuple(order[i:stop]), tuple(there)
        kept = tuple(row for row in rows if last[row] >= stop)
        dropped = tuple(frame for frame in held if last[frame] < stop)
        yield Batch(rows, tuple(sources(row, count, every, reference) for row in rows), held, kept, dropped)
        there = [frame for frame in held if frame not in dropped] + list(kept)
        i = stop


def halves(batch: Batch) -> list:
    """The same work in two batches; `batch` itself where it is one frame."""
    if len(batch.rows) < 2:
        return [batch]
    half = len(batch.rows) // 2
    first, second = batch.rows[:half], batch.rows[half:]
    heeded = {frame for row in batch.sources[half:] for frame in row}
    kept = tuple(frame for frame in first if frame in heeded or frame in batch.kept)
    more = tuple(frame for frame in kept if frame not in batch.kept)
    return [
        Batch(first, batch.sources[:half], batch.held, kept, ()),
        Batch(second, batch.sources[half:], (*batch.held, *kept),
              tuple(frame for frame in second if frame in batch.kept), (*batch.dropped, *more)),
    ]  # fmt: skip
