"""Motion and Keypoints to npz bytes and back: how they lie on disk and cross the wire.

Only plain arrays are written, and they are read without pickle.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Iterable

import numpy as np

from ..errors import BadInput
from ..formats import CONFIDENCE_ENDING
from .skeleton import motion_fk
from .types import Keypoints, Motion, Skeleton


def motion_to_bytes(motion: Motion) -> bytes:
    s = motion.skeleton
    return _pack(
        kind="motion", names=list(s.names), parents=s.parents, offsets=s.offsets, tips=s.tips,
        lrot=motion.lrot, root=motion.root, fps=motion.fps, contact=motion.contact, score=motion.score,
        **{f"curve:{name}": curve for name, curve in motion.curves.items()},
    )  # fmt: skip


def motion_from_bytes(data: bytes) -> Motion:
    a = _unpack(data, "motion")
    skeleton = Skeleton(tuple(str(n) for n in a["names"]), a["parents"], a["offsets"], a["tips"])
    curves = {k[len("curve:") :]: v for k, v in a.items() if k.startswith("curve:")}
    return Motion(skeleton, a["lrot"], a["root"], float(a["fps"]), a["contact"], a["score"], curves)


def keypoints_to_bytes(keypoints: Keypoints) -> bytes:
    k = keypoints
    values = dict(layout=k.layout, xy=k.xy, score=k.score, size=k.size, fps=k.fps, start_s=k.start_s, person=k.person)
    values.update((name, there) for name in ("xyz", "view") if (there := getattr(k, name)) is not None)
    if k.cuts:
        values["cuts"] = k.cuts
    return _pack(kind="keypoints", **values)


def keypoints_from_bytes(data: bytes) -> Keypoints:
    a = _unpack(data, "keypoints")
    return Keypoints(
        layout=str(a["layout"]), xy=a["xy"], xyz=a.get("xyz"), score=a["score"], size=tuple(a["size"].tolist()),
        fps=float(a["fps"]), start_s=float(a["start_s"]), person=int(a["person"]),
        cuts=tuple(a["cuts"].tolist()) if "cuts" in a else (), view=a.get("view"),
    )  # fmt: skip


def joints_to_bytes(motion: Motion) -> bytes:
    """What `--joints` writes: names (J), parents (J), gpos (T,J,3) m, grot (T,J,4) wxyz, contact (T,6), fps."""
    grot, gpos = motion_fk(motion)
    s = motion.skeleton
    return _pack(
        names=list(s.names), parents=s.parents, gpos=gpos.astype(np.float32), grot=grot.astype(np.float32),
        contact=motion.contact, fps=motion.fps,
    )  # fmt: skip


def write_confidence(out: Path, motion: Motion, frames) -> Path:
    """NAME.confidence.csv beside `out`: a row for each of `frames` (T,) of the scene, with its number, time_s from the first
    on, and 0..1 of every joint."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["frame", "time_s", *motion.skeleton.names])
    for frame, sure in zip(frames, np.asarray(motion.score)):
        rows.writerow([frame, f"{(frame - frames[0]) / motion.fps:.4f}", *(f"{value:.3f}" for value in sure)])
    path = Path(out).with_suffix(CONFIDENCE_ENDING)
    write_bytes(path, text.getvalue().encode())
    return path


def partial_path(path: Path) -> Path:
    """Where a file grows before it takes its name; the ending stays, as exporters go by it."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_bytes(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write bytes, or pieces of them, whole or not at all: nothing half-written ever stands under the final name."""
    path = Path(path)
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
        partial.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say where
        raise
    finally:
        partial.unlink(missing_ok=True)


def _pack(**values) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{k: np.asarray(v) for k, v in values.items()})
    return buffer.getvalue()


def _unpack(data: bytes, kind: str) -> dict:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as npz:
            arrays = {k: npz[k] for k in npz.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise BadInput("not_npz", f"This is not a Poseloom {kind} file ({error}).") from error
    if str(arrays.get("kind", "")) != kind:
        raise BadInput("not_npz", f"This npz file holds no Poseloom {kind}.")
    return arrays
