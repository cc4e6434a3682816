"""Guides in a folder: pose/NNNN.png, depth/NNNN.png, normal/NNNN.png, picture/NNNN.png, guides.json for all that reads JSON, guides.npz.

The numbers are those of the frames.  What is there is whole: pictures grow under another name, guides.json comes last.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import BadInput
from ..motion import lens, openpose, png
from ..motion.files import write_bytes
from ..motion.pictures import Guides
from ..progress import Report
from .cast import Cast
from .guides import Look, make

KINDS = ("pose", "depth", "normal", "picture")
FORMAT, VERSION = "poseloom-guides", 1


def picture(folder: Path, kind: str, frame: int) -> Path:
    """Where the picture of a frame lies: `kind` one of KINDS, or "frames"."""
    return Path(folder) / kind / f"{frame:04d}.png"


class Shelf(Sequence):
    """The guides in a folder, each read when it is asked for."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.told = told(folder)
        if not self.told.get("complete"):
            raise BadInput("no_guides", f"There are no finished guides in {folder}.", "Make them first: poseloom render --guides-only.")
        self.frames = list(self.told["frames"])
        try:
            with np.load(self.folder / "guides.npz", allow_pickle=False) as npz:
                self._arrays = {name: npz[name] for name in ("people", "xy", "away", "seen")}
        except (OSError, ValueError, KeyError) as error:
            raise BadInput("unreadable_file", f"{folder}/guides.npz cannot be read.", "Make the guides anew.") from error

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, i: int) -> Guides:
        if not -len(self) <= i < len(self):
            raise IndexError(i)
        pictures = {kind: self._read(kind, self.frames[i]) for kind in KINDS}
        numbers = {name: values[i] for name, values in self._arrays.items()}
        return Guides(frame=self.frames[i], layout=self.told["layout"], **pictures, **numbers)

    def _read(self, kind: str, frame: int):
        path = picture(self.folder, kind, frame)
        return png.read(path) if kind == "pose" or path.is_file() else None


def told(folder) -> dict:
    """guides.json of a folder; {} where there is none."""
    try:
        found = json.loads((Path(folder) / "guides.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("format") == FORMAT else {}


def begin(folder: Path, key: str) -> None:
    """Say what the pictures that now come are made from, so that those of a run that broke off can stay."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    _write(folder, {"key": key, "complete": False, "frames": []})


def draw(cast: Cast, folder: Path, look: Look, key: str, report: Report) -> Shelf:
    """Draw the pose maps of all frames in which somebody is in the picture, and write what tells of them.

    Depth pictures that lie there already hide what is behind things.  BadInput where no frame can be drawn.
    """
    rows, skipped, found = [], [], {name: [] for name in ("people", "xy", "away", "seen")}
    for i, frame in enumerate(cast.frames):
        report(i / len(cast), f"Drawing frame {frame}")
        reason = cast.why_not(i)
        if reason:
            skipped.append({"frame": int(frame), "why": reason})
            for kind in KINDS:
                picture(folder, kind, frame).unlink(missing_ok=True)
            continue
        guides = _one(cast, i, folder, look)
        path = picture(folder, "pose", frame)
        path.parent.mkdir(parents=True, exist_ok=True)
        png.write(path, guides.pose)
        rows.append(i)
        for name, values in found.items():
            values.append(getattr(guides, name))
    if not rows:
        raise BadInput(
            "nobody_seen", f"In none of {len(cast)} frames there is anybody to draw: {_reasons(skipped)}.",
            "Point the camera at the character, or choose other frames.",
        )  # fmt: skip
    _save(folder, found)
    _write(folder, {
        "key": key, "complete": True, "size": list(cast.size), "fps": cast.fps, "people": list(cast.names),
        "layout": openpose.layout_name(cast.body), "points": list(openpose.names(cast.body)),
        "frames": [int(cast.frames[i]) for i in rows], "skipped": skipped,
        "depth": {"near": cast.near, "far": cast.far, "parallel": bool(cast.parallel[0])},
    })  # fmt: skip
    return Shelf(folder)


def clear(folder: Path) -> None:
    """Take away the pictures of an earlier run, and nothing else."""
    for kind in (*KINDS, "frames"):
        for path in (Path(folder) / kind).glob("*.png"):
            if path.stem.lstrip("-").isdigit():
                path.unlink()


def _one(cast: Cast, i: int, folder: Path, look: Look) -> Guides:
    path = picture(folder, "depth", cast.frames[i])
    camera, depth_m = cast.camera(i), None
    if path.is_file():
        depth_m = lens.depth_away(png.read(path), cast.near, cast.far, camera.parallel)
    # people who are not shown have no points, and keep their number
    points = np.where(cast.shown[i][:, None, None], cast.points[i], np.nan)
    people = np.arange(1, points.shape[0] + 1)
    return make(int(cast.frames[i]), people, points, camera, look, heights=cast.heights, depth_m=depth_m)


def _save(folder: Path, found: dict) -> None:
    path = Path(folder) / "guides.npz"
    partial = path.with_suffix(".part.npz")
    try:
        np.savez_compressed(partial, **{name: np.array(values) for name, values in found.items()})
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write(folder: Path, values: dict) -> None:
    text = json.dumps({"format": FORMAT, "version": VERSION, **values}, indent=1)
    write_bytes(Path(folder) / "guides.json", text.encode())


def _reasons(skipped: list) -> str:
    return "; ".join(dict.fromkeys(row["why"] for row in skipped))
