"""`models`: what weights there are, and bringing one."""

from __future__ import annotations

import sys
from pathlib import Path

from .. import checkpoints, own_models, weights
from ..errors import BadInput
from ..terminal import progress, say


def models(chosen) -> int:
    return {"list": _list, "add": _add, "remove": _remove}[chosen.action](chosen)


def _list(chosen) -> int:
    for status in weights.status():
        model = status.model
        print(f"{status.state:8} {model.name:20} {_size(model)}, {model.licence}; {model.summary}")
    for network in weights.shipped():
        state = "present" if network.size_bytes else "missing"
        print(f"{state:8} {network.name:20} {network.size_bytes / 1e6:.1f} MB, {network.licence}; {network.purpose}")
    for name in own_models.names():
        path = own_models.path_of(name)
        print(f"{'present':8} {name:20} {path.stat().st_size / 1e6:.1f} MB, licence unknown; yours, for --model {name}")
    for name, size, licence in checkpoints.there():
        print(f"{'present':8} {name} {size / 1e6:.1f} MB, {licence}; a checkpoint for rendering")
    return 0


def _add(chosen) -> int:
    if checkpoints.is_hub_name(chosen.name) and chosen.source is None:
        return _add_checkpoint(chosen)
    if chosen.source is not None and all(chosen.name != model.name for model in weights.MODELS):
        return _add_own(chosen)
    model = weights.find(chosen.name)
    where = chosen.source or f"the {model.source}"
    say(chosen.progress, f"{model.name}: {_size(model)}, licence {model.licence}, from {where}.")
    if chosen.source is None and not chosen.yes and not _agreed():
        raise BadInput("not_agreed", "Nothing was downloaded.", "Add --yes to download, or --from FILE.")
    with progress(chosen.progress, model.name) as report:
        path = weights.add(chosen.name, chosen.source and Path(chosen.source), report=report)
    say(chosen.progress, f"{path} is in place.", output=str(path))
    return 0


def _add_own(chosen) -> int:
    """A pose network of the user's, tried before it takes its name."""
    from ..pose.networks import open_network

    if own_models.is_address(chosen.source) and not chosen.yes and not _agreed():
        raise BadInput("not_agreed", "Nothing was downloaded.", "Add --yes to download, or --from FILE.")
    with progress(chosen.progress, chosen.name) as report:
        data = own_models.fetch(chosen.source, chosen.sha256, report)
    kinds: list = []
    path = own_models.add(chosen.name, data, lambda file: kinds.append(open_network(file)), source=chosen.source)
    network = kinds[0]
    say(chosen.progress, f"{path} is in place: {network.kind}, {network.layout}, {network.size[0]} x {network.size[1]} pixels.",
        output=str(path), kind=network.kind, layout=network.layout)  # fmt: skip
    return 0


def _add_checkpoint(chosen) -> int:
    """A diffusion checkpoint from the hub."""
    download = checkpoints.plan(chosen.name)
    size = f"{download.size_bytes / 1e6:.1f} MB in {len(download.files)} files"
    say(chosen.progress, f"{download.name}: {size}, licence {download.licence}, from the Hugging Face hub.")
    if not chosen.yes and not _agreed():
        raise BadInput("not_agreed", "Nothing was downloaded.", "Add --yes to download.")
    with progress(chosen.progress, download.name) as report:
        path = checkpoints.fetch(download, report=report)
    say(chosen.progress, f"{path} is in place.", output=str(path))
    return 0


def _remove(chosen) -> int:
    if checkpoints.remove(chosen.name):
        say(chosen.progress, f"{chosen.name} is removed.")
        return 0
    if own_models.remove(chosen.name):
        say(chosen.progress, f"{chosen.name} is removed.")
        return 0
    there = weights.remove(chosen.name)
    say(chosen.progress, f"{chosen.name} is removed." if there else f"{chosen.name} was not there.")
    return 0


def _agreed() -> bool:
    return sys.stdin.isatty() and input("Download it? [y/N] ").strip().lower() in ("y", "yes")


def _size(model) -> str:
    return f"{model.size_bytes / 1e6:.1f} MB"
