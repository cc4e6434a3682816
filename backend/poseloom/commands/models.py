"""`models`: what weights there are, and bringing one."""

from __future__ import annotations

import sys
from pathlib import Path

from .. import weights
from ..errors import BadInput
from ..terminal import progress, say


def models(chosen) -> int:
    return {"list": _list, "add": _add, "remove": _remove}[chosen.action](chosen)


def _list(chosen) -> int:
    for status in weights.status():
        model = status.model
        print(f"{status.state:8} {model.name:20} {_size(model)}, {model.licence}; {model.summary}")
    return 0


def _add(chosen) -> int:
    model = weights.find(chosen.name)
    where = chosen.source or f"the {model.source}"
    say(chosen.progress, f"{model.name}: {_size(model)}, licence {model.licence}, from {where}.")
    if chosen.source is None and not chosen.yes and not _agreed():
        raise BadInput("not_agreed", "Nothing was downloaded.", "Add --yes to download, or --from FILE.")
    with progress(chosen.progress, model.name) as report:
        path = weights.add(chosen.name, chosen.source and Path(chosen.source), report=report)
    say(chosen.progress, f"{path} is in place.", output=str(path))
    return 0


def _remove(chosen) -> int:
    there = weights.remove(chosen.name)
    say(chosen.progress, f"{chosen.name} is removed." if there else f"{chosen.name} was not there.")
    return 0


def _agreed() -> bool:
    return sys.stdin.isatty() and input("Download it? [y/N] ").strip().lower() in ("y", "yes")


def _size(model) -> str:
    return f"{model.size_bytes / 1e6:.1f} MB"
