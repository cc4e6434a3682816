"""Frames that are read ahead are the same frames."""

from __future__ import annotations

import threading

import pytest

from poseloom.prefetch import prefetched


def threads() -> int:
    return threading.active_count()


def test_everything_comes_in_order():
    before = threads()
    assert list(prefetched(range(1000))) == list(range(1000))
    assert threads() == before


def test_an_error_comes_where_the_item_would_have():
    def items():
        yield from range(5)
        raise KeyError("sixth")

    taken = []
    with pytest.raises(KeyError, match="sixth"):
        for item in prefetched(items()):
            taken.append(item)
    assert taken == [0, 1, 2, 3, 4]


def test_few_are_made_before_they_are_asked_for():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    for taken, item in enumerate(prefetched(items(), ahead=3), 1):
        assert item == taken - 1 and len(made) <= taken + 4  # three that wait, and one in hand


def test_what_is_left_early_is_closed():
    before, closed = threads(), []

    def items():
        try:
            yield from range(10**9)
        finally:
            closed.append(threading.current_thread())

    reading = prefetched(items())
    assert [next(reading), next(reading)] == [0, 1]
    reading.close()
    assert len(closed) == 1 and threads() == before
