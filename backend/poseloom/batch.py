"""Many clips onto one character: what is to do, who does it, what was done.

Beside the outputs lies a folder `.poseloom` with a sidecar for each: the key of what it was made from, its own
digest, and its row of the report.  A worker writes a staged file under another name; the batch writes the sidecar,
then gives the file its name.  So at every moment an output is whole, and known to be ours.
"""

from __future__ import annotations

import glob
import hashlib
import json
import re
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Iterator, Mapping, Optional, Sequence

from . import __version__, cores
from .chains import Reading
from .errors import BadInput, PoseloomError, of_any, told
from .paths import check_writable
from .motion.files import digest, write_bytes
from .pipelines import Character, check_ending
from .progress import Report, silent
from .workers import hire, work_through

_SIDECARS = ".poseloom"
_STAGED = re.compile(r"^\.+.+\.[0-9a-f]{8}\.staged\.")


@dataclass(frozen=True)
class Options:
    """As the options of the command line: times "12" or "1.5s"; `jobs` None for one a core; `cluster` an address."""

    start: Optional[str] = None
    end: Optional[str] = None
    fps: Optional[float] = None
    resume: bool = False
    overwrite: bool = False
    jobs: Optional[int] = None
    blender: Optional[str] = None
    cluster: Optional[str] = None
    game: Optional[Mapping] = None  # {"root_bone", "fps"}, either may be None
    reading: Reading = Reading()


@dataclass
class Batch:
    """`rows` grows while `run` is iterated: one a clip, in the order of the clips, None where nothing is known yet."""

    clips: Sequence[tuple]
    character: Character
    folder: Path
    ending: str
    options: Options = Options()
    shown: Mapping = field(default_factory=dict)  # {clip: what a row calls it}
    refused: Mapping = field(default_factory=dict)  # {clip: PoseloomError}: it could not even be read

    def __post_init__(self):
        """BadInput where an output may not be written, before anything is done."""
        self.folder = Path(self.folder)
        self.outs = [self.folder / place.with_name(place.name + self.ending) for _, place in self.clips]
        self.rows: list = [None] * len(self.clips)
        check_ending(self.character, self.folder / f"*{self.ending}")
        same = {str(out) for out in self.outs if self.outs.count(out) > 1} if len(set(self.outs)) < len(self.outs) else ()
        if same:
            raise BadInput(
                "same_name", f"Several inputs would be written to {', '.join(sorted(same)[:5])}.", "Rename one."
            )
        sources = {clip.resolve() for clip, _ in self.clips}
        for out in self.outs:
            if out.resolve() in sources or (self.character.path and out.resolve() == self.character.path.resolve()):
                raise BadInput("same_file", f"{out} is an input.", "Choose another --out.")
        for folder in {out.parent for out in self.outs}:
            check_writable(folder / "clip", overwrite=True)
            for left in folder.iterdir():
                if _STAGED.match(left.name):
                    left.unlink(missing_ok=True)  # of a run that was killed
        who = self.character
        self._about_character = {**who.task(), "path": who.path and digest(who.path)}
        readable = [index for index, (clip, _) in enumerate(self.clips) if clip not in self.refused]
        self.todo = [index for index in readable if not self._is_done(index)]

    def run(self, report: Report = silent) -> Iterator[dict]:
        """Do what is to do; the row of each clip as it comes: state "done" or "failed".

        Raises what makes all clips impossible, such as a character that is none.
        """
        for index, (clip, _) in enumerate(self.clips):
            if clip in self.refused:
                self.rows[index] = {**self._named(index), "state": "failed", "error": told(self.refused[clip])}
                yield self.rows[index]
        tasks = [self._task(index) for index in self.todo]
        if not tasks:
            return
        for (index, outcome), task in self._outcomes(tasks, report):
            row = self._named(index)
            if isinstance(outcome, PoseloomError):
                _clear(task)
                row.update(state="failed", error=told(outcome))
            else:
                row.update(state="done", mapping_score=min(outcome["score"], outcome["source"]["score"]), **outcome)
                try:
                    self._commit(index, Path(task["staged"]), row)
                except OSError as error:
                    row = {**row, "state": "failed", "error": told(of_any(error))}
            self.rows[index] = row
            yield row

    def _named(self, index: int) -> dict:
        clip = self.clips[index][0]
        return {"clip": self.shown.get(clip, str(clip)), "output": str(self.outs[index])}

    def _outcomes(self, tasks, report):
        character = self.character.task()
        if self.options.cluster:
            from .cluster import work_through as through_cluster

            outcomes = through_cluster(tasks, character, self.options, report)
        else:
            jobs = self.options.jobs or cores.mine()
            outcomes = work_through(tasks, lambda: hire(character, self.options.blender), jobs, report)
        try:
            for at, outcome in outcomes:
                yield (self.todo[at], outcome), tasks[at]
        finally:
            outcomes.close()
            for task in tasks:
                _clear(task)

    def _task(self, index: int) -> dict:
        clip, place = self.clips[index]
        out, o = self.outs[index].resolve(), self.options
        staged = out.with_name(f".{out.stem}.{uuid.uuid4().hex[:8]}.staged{out.suffix}")
        return {
            "clip": str(clip.resolve()), "name": place.name, "out": str(out), "staged": str(staged),
            "start": o.start, "end": o.end, "fps": o.fps, "game": o.game, "reading": asdict(o.reading),
        }  # fmt: skip

    def _key(self, clip_sha256: str) -> str:
        """The digest of all that an output depends on."""
        o = self.options
        parts = [__version__, clip_sha256, self._about_character, self.ending, o.start, o.end, o.fps, o.game]
        parts.append(asdict(o.reading))
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _sidecar(self, index: int) -> Path:
        out = self.outs[index]
        return out.parent / _SIDECARS / (out.name + ".json")

    def _commit(self, index: int, staged: Path, row: dict) -> None:
        out, sidecar = self.outs[index], self._sidecar(index)
        record = {
            "key": self._key(row["clip_sha256"]), "sha256": digest(staged),
            "before": digest(out) if out.exists() else None, "row": row,
        }  # fmt: skip
        sidecar.parent.mkdir(exist_ok=True)
        write_bytes(sidecar, json.dumps(record).encode())
        staged.replace(out)

    def _is_done(self, index: int) -> bool:
        """Whether --resume leaves the output as it is; BadInput where it exists and is not to be replaced."""
        out = self.outs[index]
        if self.options.overwrite and not self.options.resume or not out.exists():
            return False
        record, here = _read(self._sidecar(index)), None
        if record is not None:
            here = digest(out)
            if self.options.resume and here == record["sha256"]:
                if record["key"] == self._key(digest(self.clips[index][0])):
                    self.rows[index] = {**record["row"], **self._named(index), "state": "kept"}
                    return True
        ours = record is not None and here in (record["sha256"], record["before"])
        if self.options.overwrite or (self.options.resume and ours):
            return False
        why = "was changed since it was made" if record is not None and not ours else "exists already"
        way_out = "Add --overwrite, or choose another folder."
        if ours:
            why, way_out = "exists already", "Add --resume to keep what is up to date, or --overwrite to make all anew."
        raise BadInput("exists", f"{out} {why}.", way_out)


def _clear(task: dict) -> None:
    """Remove the staged file, and what a worker that was killed in the midst of writing it leaves (.part, .blend@)."""
    staged = Path(task["staged"])
    for left in staged.parent.glob(glob.escape(staged.name) + "*"):
        left.unlink(missing_ok=True)


def _read(sidecar: Path) -> dict | None:
    try:
        record = json.loads(sidecar.read_text(encoding="utf-8"))
        return record if {"key", "sha256", "before", "row"} <= set(record) else None
    except (OSError, ValueError, TypeError):
        return None  # none, or damaged: as if there were none
