"""Keypoints as .json, .npz and .csv files; docs/file-formats.md describes them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Sequence

import numpy as np

from ..errors import BadInput, PoseloomError
from ..motion.files import keypoints_from_bytes, keypoints_to_bytes, write_bytes
from ..motion.layouts import layout
from ..motion.types import Keypoints

FORMAT, VERSION = "poseloom-keypoints", 1


def write_keypoints(path, people: Sequence[Keypoints]) -> Path:
    """Write what was seen of one clip by the ending of `path`: .json, .npz (one person) or .csv.

    BadInput for another ending, for several people in an .npz, and where `path` cannot be written.
    """
    path = Path(path)
    makers = {".json": people_to_json, ".npz": _one_to_npz, ".csv": people_to_csv}
    make = makers.get(path.suffix.lower())
    if make is None:
        raise BadInput(
            "bad_ending",
            f"Keypoints cannot be written as {path.name}.",
            "Choose a name that ends in .json, .npz or .csv.",
        )
    data = make(people)
    try:
        write_bytes(path, data if isinstance(data, bytes) else data.encode())
    except OSError as error:
        raise BadInput(
            "cannot_write",
            f"{path} cannot be written ({error.strerror}).",
            "Choose a folder that exists, may be written to and has space left.",
        ) from error
    return path


def read_keypoints(path) -> list[Keypoints]:
    """The people in a .json or .npz file, exactly as they were written (float32)."""
    path = Path(path)
    readers = {".json": people_from_json, ".npz": lambda data: [keypoints_from_bytes(data)]}
    read = readers.get(path.suffix.lower())
    if read is None:
        raise BadInput("bad_ending", f"Keypoints cannot be read from {path.name}.", "Give a .json or .npz file.")
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise BadInput("cannot_read", f"{path} cannot be read ({error.strerror}).", "Check the path.") from error


def people_to_json(people: Sequence[Keypoints]) -> str:
    """The JSON text; numbers in the fewest digits that give the same float32, null for NaN."""
    first = people[0]
    head = {
        "format": FORMAT,
        "version": VERSION,
        "layout": first.layout,
        "names": list(layout(first.layout).names),
        "size": list(first.size),
        "fps": first.fps,
        "start_s": first.start_s,
    }
    # one line a frame: a file that a person can read and a version control can compare
    blocks = []
    for k in people:
        columns = [_numbers(k.xy), _numbers(k.score)]
        columns.append([None] * len(k) if k.xyz is None else _numbers(k.xyz))
        lines = []
        for i, (xy, score, xyz) in enumerate(zip(*columns)):
            row = {"time_s": round(k.start_s + i / k.fps, 6), "xy": xy, "score": score}
            if xyz is not None:
                row["xyz"] = xyz
            lines.append("  " + json.dumps(row, separators=(",", ":"), allow_nan=False))
        blocks.append(f' {{"person": {k.person}, "frames": [\n' + ",\n".join(lines) + "\n ]}")
    top = json.dumps(head, indent=1)[:-2]
    return top + ',\n "people": [\n' + ",\n".join(blocks) + "\n ]\n}\n"


def people_from_json(text) -> list[Keypoints]:
    """Undoes `people_to_json`; BadInput names what is missing or wrong."""
    try:
        head = json.loads(text)
    except ValueError as error:
        raise BadInput("not_keypoints", f"This is not a JSON file ({error}).") from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise BadInput("not_keypoints", "This JSON file holds no Poseloom keypoints.")
    if head.get("version") != VERSION:
        raise BadInput(
            "newer_version",
            f"These keypoints are of version {head.get('version')}, and this Poseloom reads version {VERSION}.",
            "Update Poseloom.",
        )
    try:
        return [_person(head, person) for person in head["people"]]
    except KeyError as error:
        raise BadInput("not_keypoints", f"The keypoints file lacks {error}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BadInput("not_keypoints", f"The keypoints file has a wrong shape ({error}).") from error


def people_to_csv(people: Sequence[Keypoints]) -> str:
    """One row per person, frame and point; cells are empty where nothing was seen."""
    out = io.StringIO()
    out.write("person,frame,time_s,point,x_px,y_px,x_m,y_m,z_m,score\n")
    for k in people:
        names = layout(k.layout).names
        nowhere = np.full(k.score.shape + (3,), np.nan, np.float32)
        xyz = nowhere if k.xyz is None else k.xyz
        cells = np.concatenate([k.xy, xyz, k.score[..., None]], axis=-1).astype("U32")
        cells[cells == "nan"] = ""
        for i, rows in enumerate(cells):
            time_s = f"{k.start_s + i / k.fps:.6f}"
            for name, row in zip(names, rows):
                out.write(f"{k.person},{i},{time_s},{name},{','.join(row)}\n")
    return out.getvalue()


def _one_to_npz(people: Sequence[Keypoints]) -> bytes:
    if len(people) != 1:
        raise BadInput(
            "several_people",
            f"An .npz file holds one person, and {len(people)} were seen.",
            "Choose one with --person, or write .json.",
        )
    return keypoints_to_bytes(people[0])


def _person(head: dict, person: dict) -> Keypoints:
    frames = person["frames"]
    points = len(layout(head["layout"]).names)

    def column(name: str, *shape: int) -> np.ndarray:
        return np.array([frame[name] for frame in frames], np.float32).reshape(-1, points, *shape)

    try:
        return Keypoints(
            layout=head["layout"],
            xy=column("xy", 2),
            xyz=column("xyz", 3) if frames and "xyz" in frames[0] else None,
            score=column("score"),
            size=tuple(head["size"]),
            fps=head["fps"],
            start_s=head["start_s"],
            person=person["person"],
        )
    except PoseloomError as error:
        raise BadInput("not_keypoints", f"The keypoints file is wrong: {error.message}") from error


def _numbers(values: np.ndarray) -> list:
    """Nested lists of the shortest decimals that are the same float32, None for NaN."""
    short = values.astype("U32").astype(np.float64).astype(object)
    short[np.isnan(values)] = None
    return short.tolist()
