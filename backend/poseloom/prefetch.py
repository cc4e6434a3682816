"""Frames read ahead in a thread of their own, while those before are looked at."""

from __future__ import annotations

import queue
import threading
from typing import Iterable, Iterator

_AHEAD = 2  # frames: enough to keep both busy, few for the memory's sake
_LOOK_S = 0.1
_END = object()


class Prefetched:
    """A `media.Clip` that reads ahead while its frames are taken; everything else is the clip's own."""

    def __init__(self, clip):
        self._clip = clip

    def __getattr__(self, name):
        return getattr(self._clip, name)

    def __iter__(self):
        return prefetched(self._clip)


def prefetched(items: Iterable, ahead: int = _AHEAD) -> Iterator:
    """The same items in the same order, up to `ahead` of them made before they are asked for.

    An error comes where the item would have come.  What is not taken to its end is left at the next item.
    """
    ready: queue.Queue = queue.Queue(ahead)
    left = threading.Event()

    def put(item) -> bool:
        while not left.is_set():
            try:
                ready.put(item, timeout=_LOOK_S)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        error, source = None, iter(items)
        try:
            for item in source:
                if not put((item, None)):
                    getattr(source, "close", bool)()
                    return
        except BaseException as raised:  # it is raised where the items are taken
            error = raised
        put((_END, error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item
            del item
    finally:
        left.set()
        reader.join()
