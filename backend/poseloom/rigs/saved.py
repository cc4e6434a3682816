"""Presets of the user's own: written from a corrected recognition, read again before ours.

    path = save_preset("my hero", correct(found, {"neck": "neck_lo"}))
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from .. import settings
from ..errors import BadInput
from ..motion.files import write_bytes
from . import tables
from .match import Names, Recognition


def folder() -> Path:
    """Where the user's presets lie; not created here."""
    return settings.data_folder() / "rigs"


def save_preset(name: str, found: Recognition, into: Path | None = None) -> Path:
    """Write `found` as the preset `name`; the TOML file, which replaces an earlier one of that name.

    The rig it came from is recognised by it from then on, whatever else fits; other rigs with the same names
    where it fits best.  BadInput "preset_name" for an empty name and for one of ours.
    """
    family = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not family or family in tables.families():
        why = f'"{name}" is the name of a preset that comes with Poseloom' if family else "A preset needs a name"
        raise BadInput("preset_name", f"{why}.", "Choose another name, with letters or digits in it.")
    path = (folder() if into is None else Path(into)) / f"{family}.toml"
    text = _toml(family, name.strip(), found)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text.encode("utf-8"))
    return path


def load(place: Path) -> tuple:
    """(Layouts, doubts): all presets in the folder `place` by the names of their files; a doubt for each unread one."""
    layouts, doubts = [], []
    for path in sorted(place.glob("*.toml")) if place.is_dir() else ():
        try:
            state = path.stat()
            layouts += _read(path, state.st_mtime_ns, state.st_size)
        except (BadInput, OSError) as error:
            why = error.message if isinstance(error, BadInput) else f"{path.name}: {error.strerror}."
            doubts.append(f"A preset of yours cannot be read: {why}")
    return tuple(layouts), tuple(doubts)


@lru_cache(maxsize=256)
def _read(path: Path, changed_ns: int, size: int) -> tuple:
    return tuple(tables.read(path))


def _toml(family: str, title: str, found: Recognition) -> str:
    """The file's text.  Names are kept without prefix where they stay unique, so that other prefixes fit too."""
    rig, names = found.rig, Names(found.rig)
    plain = dict(zip(rig.bones, tables.plain(rig.bones)))
    cased = {bone: bone[len(bone) - len(short) :] for bone, short in plain.items()}
    short = {bone: cased[bone] if names.at("").get(plain[bone]) == bone else bone for bone in rig.bones}
    lines = [
        f"family = {_text(family)}",
        f"title = {_text(title)}",
        f"source = {_text(f'saved from the armature {rig.name or family}')}",
        "verified = true",
        f'of = "{names.fingerprint}"',
        "",
        "[[layout]]",
        "",
        "[layout.roles]",
        *(f"{joint} = {_list(short[b] for b in bones)}" for joint, bones in rig.roles.items()),
    ]
    for name, table in (
        ("switches", {path: repr(float(value)) for path, value in rig.switches.items()}),
        ("parents", {short[bone]: _text(short[other]) for bone, other in found.parents.items()}),
        ("deform", {joint: _text(short[bone]) for joint, bone in found.deform.items()}),
    ):
        if table:
            lines += ["", f"[layout.{name}]", *(f"{_text(key)} = {value}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    # a JSON string is a TOML basic string, but for DEL
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"
