"""`poseloom VERB ...`: reads the words, finds the verb, says what failed."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from typing import Optional, Sequence

from . import cores, grammar
from .commands.run import PROG
from .errors import Cancelled, PoseloomError, of_any
from .memory import one_heap
from .terminal import complain

# verb: (module of commands, function), imported when it is called
DOERS = {
    "animate": ("media", "animate"),
    "pose": ("media", "pose"),
    "retarget": ("retarget", "retarget"),
    "inbetween": ("inbetween", "inbetween"),
    "retime": ("inbetween", "retime"),
    "library": ("inbetween", "library"),
    "render": ("render", "render"),
    "serve": ("backend", "serve"),
    "doctor": ("backend", "doctor"),
    "demo": ("backend", "demo"),
    "jobs": ("backend", "jobs"),
    "models": ("models", "models"),
    "train": ("train", "train"),
    "setup": ("setup", "setup"),
    "register": ("backend", "register"),
}


def main(words: Optional[Sequence[str]] = None) -> int:
    """Do what the words say; the exit code."""
    how = "json" if "json" in _progress_words(sys.argv[1:] if words is None else words) else "auto"
    one_heap()
    cores.wait_asleep()
    restore = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        chosen = grammar.build_parser(PROG).parse_args(words)
        return _doer(chosen.verb)(chosen)
    except KeyboardInterrupt:
        complain(PROG, Cancelled(), how)
        return Cancelled.exit_code
    except PoseloomError as error:
        complain(PROG, error, how)
        return error.exit_code
    except OSError as error:
        failure = of_any(error)
        complain(PROG, failure, how)
        return failure.exit_code
    finally:
        signal.signal(signal.SIGTERM, restore)


def _progress_words(words: Sequence[str]) -> list:
    """What follows --progress, known before the words are understood, for complaints about them."""
    words = list(words)
    after = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--progress"]
    return after + [word.partition("=")[2] for word in words if word.startswith("--progress=")]


def _doer(verb: str):
    module, function = DOERS[verb]
    return getattr(import_module(f"{__package__}.commands.{module}"), function)
