"""Clips in files of other programs, read by Blender: every take becomes a motion of ours."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Sequence

from .blender import CRASHED, Warm
from .chains import Reading
from .errors import Cancelled, PoseloomError, named, rebuilt
from .formats import TAKES_ENDINGS
from .paths import safe_name
from .progress import Report, part, silent


@dataclass
class Taken:
    """`clips` as `paths.find_clips` gives them, motions of ours for the takes; `shown` {clip: what it is called};
    `refused` {clip: why its file, or the take, could not be read}."""

    clips: list = field(default_factory=list)
    shown: dict = field(default_factory=dict)
    refused: dict = field(default_factory=dict)

    def check(self) -> None:
        """Raise the first error, where one stops all; that of a take says which it is."""
        for clip, error in self.refused.items():
            raise named(error, self.shown[clip]) if clip in self.shown else error


def unpack(
    clips: Sequence[tuple], folder: Path, blender: str | None = None, reading: Reading = Reading(),
    report: Report = silent,
) -> Taken:  # fmt: skip
    """The takes of all files that have some as motions in `folder`; other clips stay what they are.

    A file with one take goes to the file's own name, with several to NAME_TAKE.
    """
    taken, warm = Taken(), None
    try:
        for i, (clip, place) in enumerate(clips):
            if clip.suffix.lower() not in TAKES_ENDINGS:
                taken.clips.append((clip, place))
                continue
            own = folder / str(i)
            own.mkdir(parents=True)
            warm = warm or Warm(blender)
            try:
                task = {
                    "do": "takes", "clip": str(clip.resolve()), "folder": str(own), "reading": asdict(reading)
                }  # fmt: skip
                done = warm.do(task, part(report, i / len(clips), (i + 1) / len(clips)))
            except Cancelled:
                raise
            except PoseloomError as error:
                taken.clips.append((clip, place))
                taken.refused[clip] = error
                warm = None if error.code == CRASHED else warm
                continue
            _add(taken, clip, place, own, done["takes"] + done["refused"])
    finally:
        if warm is not None:
            warm.close()
    return taken


def _add(taken: Taken, clip: Path, place: Path, folder: Path, takes: list) -> None:
    """The takes of the file `clip`, as `batching.takes` of the add-on tells them, those that are refused last."""
    for take in takes:
        name = place.name if len(takes) == 1 else f"{place.name}_{safe_name(take['take'])}"
        npz = folder / f"{name}.npz"
        taken.clips.append((npz, place.with_name(name)))
        taken.shown[npz] = f"{clip}|{take['take']}" if len(takes) > 1 or "error" in take else str(clip)
        if "error" in take:
            taken.refused[npz] = rebuilt(take["error"])
        else:
            Path(take["npz"]).replace(npz)
