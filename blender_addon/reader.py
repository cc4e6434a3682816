"""Files of other programs, read by a Blender in the background: nothing of them ever lies in the user's own file.

Needs no bpy but for where Blender is, so that it may be used on a thread.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Optional

import bpy
from poseloom import chains
from poseloom.blender import Warm
from poseloom.errors import named, rebuilt
from poseloom.formats import TAKES_ENDINGS
from poseloom.motion.files import motion_from_bytes
from poseloom.progress import Report, silent


def is_foreign(path) -> bool:
    """Whether a clip is in a file that Blender has to read."""
    return Path(path).suffix.lower() in TAKES_ENDINGS


class Reader:
    """Reads clips of every kind; the Blender in the background starts with the first file that needs it.

    Use it in a `with`, which ends that Blender.  `report` may raise Cancelled, also while that Blender is silent.
    """

    def __init__(self):
        # asked on the main thread; empty where Blender is a module of Python
        self.program = bpy.app.binary_path or None
        self.warm: Optional[Warm] = None
        self.refused: list = []  # errors of the takes that `motions` has left out the last time

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *error) -> None:
        if self.warm is not None:
            self.warm.close()

    def take_names(self, path: Path, report: Report = silent) -> list:
        """What the takes of a file are called; BadInput where it has none."""
        return self._do({"do": "take_names", "clip": str(path)}, report)["takes"]

    def motions(
        self, path: Path, take: Optional[str] = None, reading: chains.Reading = chains.Reading(),
        report: Report = silent,
    ) -> list:  # fmt: skip
        """[(clip's name, Motion)] of a file, its takes NAME_TAKE where there are several; of `take` alone if given.

        Takes that cannot be read are left out, see `refused`; the error of the first where there are no others.
        """
        self.refused = []
        if not is_foreign(path):
            return [(path.stem, chains.read_clip(path, reading)[0])]
        with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
            task = {"do": "takes", "clip": str(path), "folder": folder, "take": take, "reading": asdict(reading)}
            done = self._do(task, report)
            found = done["takes"]
            self.refused = [named(rebuilt(one["error"]), f"{path.name}|{one['take']}") for one in done["refused"]]
            if not found:
                raise self.refused[0]
            alone = take is None and len(found) + len(self.refused) == 1
            return [
                (path.stem if alone else f"{path.stem}_{one['take']}", motion_from_bytes(Path(one["npz"]).read_bytes()))
                for one in found
            ]

    def _do(self, task: dict, report: Report) -> dict:
        if self.warm is None or self.warm.process.poll() is not None:
            self.warm = Warm(self.program, Path(__file__).parent)
        return self.warm.do(task, report)
