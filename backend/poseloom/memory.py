"""What was freed, handed back to the system: glibc would keep it, and the stages of a long clip would add up."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from functools import lru_cache

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # glibc's malloc.h
_LARGE, _USUAL = 2**20, 2**25  # bytes; the second is up to where glibc itself moves that bound


def one_heap() -> None:
    """Before threads of native code begin: of the heaps that each would get, some never go back."""
    library = _glibc()
    if library is not None:
        library.mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Hand freed memory back where the C library can; elsewhere nothing."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@contextmanager
def handing_back():
    """Within, the memory of large arrays goes back as soon as they are freed; also as a decorator."""
    library = _glibc()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, _LARGE)
    try:
        yield
    finally:
        if library is not None:
            library.mallopt(_MMAP_THRESHOLD, _USUAL)
            library.malloc_trim(0)


@lru_cache
def _glibc():
    try:
        library = ctypes.CDLL(None)
        return library if library.malloc_trim and library.mallopt else None
    except (OSError, TypeError, AttributeError):  # Windows, macOS, musl
        return None
