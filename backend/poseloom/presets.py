"""Settings that a user keeps and shares: one small JSON file each, of the verb that they are for.

    {"poseloom": "retarget", "root": "bone", "controls": "ik"}

They lie in settings/ in the data folder; to share one, copy its file.  Options that are left out are not touched.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Optional

from . import settings
from .errors import BadInput
from .formats import AXES, CAMERAS, CONFIDENCES, CONTROLS, QUALITIES, ROOTS

_VERB = "poseloom"
_TIME = re.compile(r"\d+|(\d+\.?\d*|\.\d+)s")


def _is_number(value, least: float = 0.0, most: float = math.inf) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least < value < most


# of each verb the options that can be kept: what they take, and whether a value is such
_BODY = {
    "controls": (" or ".join(CONTROLS), CONTROLS.__contains__),
    "root": (", ".join(ROOTS), ROOTS.__contains__),
}
KEPT = {
    "retarget": {
        **_BODY,
        "up": (", ".join(AXES), AXES.__contains__),
        "front": (", ".join(AXES), AXES.__contains__),
        "unit": ("metres above 0", _is_number),
        "clip_rest": ('a time such as "0" or "1.5s"', lambda value: bool(_TIME.fullmatch(str(value)))),
    },
    "animate": {
        **_BODY,
        "quality": (", ".join(QUALITIES), QUALITIES.__contains__),
        "estimator": ("the name of an estimator", lambda value: isinstance(value, str)),
        "camera": (" or ".join(CAMERAS), CAMERAS.__contains__),
        "confidence": (", ".join(CONFIDENCES), CONFIDENCES.__contains__),
        "height": ("metres above 0", _is_number),
        "person": ("a number from 0 on", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0),
        "smooth_hz": ("a number above 0", _is_number),
        **{name: ("true or false", lambda value: isinstance(value, bool)) for name in ("foot_lock", "hands", "face")},
    },
}


def folder() -> Path:
    """Where the user's settings lie; not created here."""
    return settings.data_folder() / "settings"


def names(verb: str, place: Optional[Path] = None) -> list:
    """The settings kept for `verb`, by name; files that are none are left out."""
    place = folder() if place is None else place
    found = sorted(place.glob("*.json"), key=lambda path: path.name.lower()) if place.is_dir() else ()
    return [path.stem for path in found if (settings.read_note(path) or {}).get(_VERB) == verb]


def path_of(name: str, place: Optional[Path] = None) -> Path:
    """The file of the settings called `name`; BadInput where no file can be called so."""
    if not name.strip() or re.search(r'[<>:"/\\|?*\x00-\x1f]', name) or name.strip().startswith("."):
        raise BadInput("preset_name", f'Settings cannot be called "{name}".', "Use letters, digits and spaces.")
    return (folder() if place is None else place) / f"{name.strip()}.json"


def save(verb: str, name: str, values: dict, place: Optional[Path] = None) -> Path:
    """Keep `values` under `name`, in place of earlier ones of that name; the file.  BadInput as `check`."""
    path = path_of(name, place)
    settings.write_note(path, {_VERB: verb, **check(verb, values, f'The settings "{name}"')})
    return path


def read(verb: str, path: Path) -> dict:
    """{option: value} of a settings file; BadInput where it is none, is for another verb, or as `check`."""
    path = Path(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInput("no_such_file", f"There are no settings {path}.", "Name a settings file, or ones kept.") from error
    except (OSError, ValueError) as error:
        raise BadInput("bad_settings", f"{path.name} is no settings file: {error}.", "Save the settings anew.") from error
    if not isinstance(values, dict) or values.get(_VERB) not in KEPT:
        raise BadInput(
            "bad_settings", f"{path.name} is no settings file: it does not say what it is for.",
            f'It begins with {{"{_VERB}": "{verb}"}}.',
        )  # fmt: skip
    kind = values.pop(_VERB)
    if kind != verb:
        raise BadInput("bad_settings", f"The settings {path.name} are for {kind}, not for {verb}.", "Choose others.")
    return check(verb, values, path.name)


def find(verb: str, text: str) -> dict:
    """`read` of the file at `text`, or of the settings kept under that name."""
    path = Path(text)
    return read(verb, path if path.is_file() or path.suffix == ".json" else path_of(text))


def check(verb: str, values: dict, source: str = "The settings") -> dict:
    """`values`, if `verb` has these options and they take them; BadInput names the first that is wrong."""
    known = KEPT[verb]
    for name, value in values.items():
        if name not in known:
            raise BadInput(
                "bad_settings", f'{source}: "{name}" is none of the settings of {verb}.', f"Known: {', '.join(known)}."
            )
        takes, fits = known[name]
        if not fits(value):
            raise BadInput("bad_settings", f'{source}: "{name}" cannot be {json.dumps(value)}.', f"It takes {takes}.")
    return dict(values)


def words(verb: str, values: dict) -> list:
    """`values` as the command line has them."""
    out = []
    for name, value in values.items():
        if isinstance(value, bool):
            word = name.replace("_", "-")
            # feet are locked unless told otherwise
            out += [f"--{word}" if value else f"--no-{word}"] if name != "foot_lock" or not value else []
        else:
            text = str(value).replace("_", "-") if name == "root" else str(value)
            out.append(f"--{name.replace('_', '-')}={text}")
    return out
