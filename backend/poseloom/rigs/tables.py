"""The rig families we know by name: rigs/*.toml as Layouts.  rigs/README.md describes the format."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import BadInput
from ..motion.skeleton import FINGERS as FINGER_JOINTS
from ..motion.skeleton import JOINTS

SIDES = ("l", "r")
SPINE = ("spine1", "spine2", "spine3")
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
# controls that a limb follows in IK: where its end goes, and what its middle joint points at
_IK = ("hand_ik", "foot_ik", "toe_ik", "elbow_pole", "knee_pole")
IK = tuple(f"{name}_{s}" for name in _IK for s in SIDES)
_SIDED = (*dict.fromkeys(j[:-2] for j in JOINTS if j.endswith(("_l", "_r"))), *_IK)
_SINGLE = ("root", *(j for j in JOINTS if not j.endswith(("_l", "_r"))))
# a role may also be given for one side alone, or for one bone of a finger
_WHOLE = (*JOINTS, *FINGER_JOINTS, *IK)


@dataclass(frozen=True)
class Layout:
    """One way a family names its bones.

    roles {joint: (name, ...)} without `spine`, the chain from the pelvis up that is dealt out over spine1..3;
    prefix: what may stand before every name, a regular expression; switches {data path: value};
    parents {bone: what it hangs from}; deform {joint: bone that carries the mesh}; automatic: False where
    it must be asked for by name; of: the fingerprint of the rig that a user saved it from, else "".
    """

    family: str
    name: str
    source: str
    verified: bool
    prefix: str
    roles: dict
    spine: tuple
    switches: dict
    parents: dict
    deform: dict
    automatic: bool = True
    of: str = ""


def presets_folder() -> Path:
    """Where the TOML files lie: inside an installed package, or in the checkout of an editable one."""
    packaged = Path(__file__).parent / "presets"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "rigs"


@lru_cache
def load() -> tuple:
    """All Layouts, by the name of their file."""
    return tuple(layout for path in sorted(presets_folder().glob("*.toml")) for layout in read(path))


def families() -> tuple:
    return tuple(dict.fromkeys(layout.family for layout in load()))


def read(path: Path) -> list:
    """The Layouts of one file; BadInput where it says what cannot be meant."""
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        return [_layout(table, entry) for entry in table["layout"]]
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadInput("bad_preset", f"{Path(path).name}: {error}.", "rigs/README.md describes the format.") from error


def _layout(table: dict, entry: dict) -> Layout:
    words = {}  # what {side} and {s} stand for; a layout that names each side's bones needs neither
    for s, full in zip(SIDES, ("left", "right")):
        words[s] = {"side": entry[full], "s": s.upper()} if full in entry else {"s": s.upper()}
    roles, spine = {}, ()
    for joint, names in entry["roles"].items():
        names = (names,) if isinstance(names, str) else tuple(names)
        if joint == "spine":
            spine = names
        elif joint in _SINGLE or joint in _WHOLE:
            roles[joint] = names
        elif joint in _SIDED:
            roles.update({f"{joint}_{s}": tuple(n.format(**words[s]) for n in names) for s in SIDES})
        elif joint in FINGERS:
            roles.update({f"{joint}{i}_{s}": (n.format(**words[s]),) for s in SIDES for i, n in enumerate(names, 1)})
        else:
            raise ValueError(f'there is no role "{joint}"')
    return Layout(
        family=table["family"],
        name=entry.get("name", ""),
        source=table["source"],
        verified=bool(entry.get("verified", table["verified"])),
        prefix=entry.get("prefix", table.get("prefix", "")),
        roles=roles,
        spine=spine,
        switches=_both_sides(entry.get("switches", {}), words),
        parents=_both_sides(entry.get("parents", {}), words),
        deform=_deform(entry.get("deform", {}), words),
        automatic=bool(table.get("automatic", True)),
        of=str(table.get("of", "")),
    )


def _both_sides(table: dict, words: dict) -> dict:
    """`table` with each key that names a {side} once a side, in values too."""
    out = {}
    for key, value in table.items():
        for side in SIDES if "{side}" in key else SIDES[:1]:
            swap = words[side]["side"] if "{side}" in key else ""
            out[key.replace("{side}", swap)] = value.replace("{side}", swap) if isinstance(value, str) else value
    return out


def _deform(table: dict, words: dict) -> dict:
    out = {}
    for joint, name in table.items():
        if joint in _SIDED:
            out.update({f"{joint}_{s}": name.format(**words[s]) for s in SIDES})
        else:
            out[joint] = name
    return out


def deal_spine(bones) -> dict:
    """{spine joint: (bone, ...)} of a chain from the pelvis up; one bone is the chest, which bears the arms."""
    bones = tuple(bones)
    if len(bones) < 3:
        return dict(zip(("spine3",) if len(bones) == 1 else ("spine1", "spine3"), ((b,) for b in bones)))
    share, rest = divmod(len(bones), 3)
    ends = [share + (rest > 0), 2 * share + (rest > 0) + (rest > 1)]
    return dict(zip(SPINE, (bones[: ends[0]], bones[ends[0] : ends[1]], bones[ends[1] :])))


def plain(names, prefix: str = "") -> list:
    """Names as they are compared: lower case, without namespace ("Armature|", "mixamorig:") and
    without what nearly all of them begin with ("Character1_", "DEF-", "Bip01 ")."""
    names = [re.split(r"[:|]", name)[-1] for name in names]
    if prefix:
        names = [re.sub(f"^(?:{prefix})", "", name) for name in names]
    while common := _common_start(names):
        names = [name.removeprefix(common) for name in names]
    return [name.lower() for name in names]


def _common_start(names) -> str:
    """What over 80% of the names begin with, up to a separator; "" where there is none."""
    starts = [m.group(0) if (m := re.match(r"[A-Za-z]+\d*[ _.\-]+", name)) else "" for name in names]
    common = max(set(starts), key=starts.count, default="")
    return common if starts.count(common) > 0.8 * len(names) else ""
