"""Still pictures of a character: read, made small, and the pose in them found by the estimator."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional, Sequence

import numpy as np

from . import blender as blenders
from .errors import BadInput, Unavailable
from .media import Frame
from .motion.files import digest
from .motion.layouts import layout
from .motion.pictures import Guides
from .motion.types import Keypoints
from .pose import load as estimators
from .progress import Report, silent
from .registry import package
from .render import cast, shelf, sighted
from .render.guides import Look, make

LONGEST_PX, _PORTRAIT_PX = 1024, 320
_SURE = 0.5  # mean score of shoulders and hips below which there is nobody


@dataclass
class Stills:
    """Pictures (H,W,3) of one size as a clip, each by itself."""

    pictures: Sequence[np.ndarray]
    path: Path
    fps: float = 1.0
    start_s: float = 0.0

    @property
    def size(self) -> tuple:
        return self.pictures[0].shape[1], self.pictures[0].shape[0]

    @property
    def frame_count(self) -> int:
        return len(self.pictures)

    def __iter__(self) -> Iterator[Frame]:
        for i, rgb in enumerate(self.pictures):
            yield Frame(i, float(i), np.ascontiguousarray(rgb))


def read(path, longest: int = LONGEST_PX) -> np.ndarray:
    """A picture (H,W,3) uint8, turned upright, grey where it is transparent, made smaller where it is huge.

    BadInput where there is none, or it cannot be read.
    """
    if not Path(path).is_file():
        raise BadInput("no_such_file", f"There is no file {path}.", "Check the path of the reference picture.")
    image = package("PIL.Image", "Reading a reference picture", "pose")
    turned = package("PIL.ImageOps", "Reading a reference picture", "pose").exif_transpose
    try:
        with image.open(path) as opened:
            opened.draft("RGB", (longest,) * 2)
            picture = turned(opened)
            picture = picture.convert("RGBA") if picture.mode in ("P", "PA", "LA") else picture
            picture.thumbnail((longest,) * 2)
            clear = picture.convert("RGBA")
            behind = image.new("RGBA", clear.size, (128, 128, 128, 255))
            return np.array(image.alpha_composite(behind, clear).convert("RGB"))
    except (OSError, ValueError, image.DecompressionBombError) as error:
        raise BadInput("unreadable_file", f"{path} cannot be read as a picture: {error}.", "Give a PNG or JPEG file.") from error


def of_scene(scene: Path, options, out: Path, *, blender=None, report: Report = silent) -> Path:
    """A picture of a scene's character from its front, and its guides, in a folder below `out`, which is given.

    `options` as `rendering.GuideOptions`.
    """
    folder = Path(out) / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    task = {
        "do": "portrait", "blend": str(Path(scene).resolve()), "out": str(folder.resolve()), "size": _PORTRAIT_PX,
        **{name: getattr(options, name) for name in ("armatures", "start", "end", "every", "frames", "body")},
    }  # fmt: skip
    figures = folder / "figures.npz"
    try:
        blenders.run(task, blender=blender, report=report)
        shelf.draw(cast.load(figures), folder, Look(options.body, hands=False, face=False), "", silent)
    finally:
        figures.unlink(missing_ok=True)
    return folder


def reference(path) -> tuple:
    """(picture (H,W,3), its Guides) of a file, or of a folder of `of_scene`; (None, None) of None.

    The guides are None where no estimator is installed.  BadInput where it cannot be read, or shows nobody.
    """
    if path is None:
        return None, None
    if Path(path).is_dir() and shelf.told(path):
        guides = shelf.Shelf(path)
        return read(shelf.picture(path, "frames", guides.frames[0])), guides[0]
    picture = read(path)
    try:
        return picture, posed(picture, f"The reference picture {Path(path).name}")
    except Unavailable:
        return picture, None


def fingerprint(path) -> str:
    """What tells one reference from another: the file's, or the pixels of a folder's; "" of None."""
    if path is None:
        return ""
    if not Path(path).is_dir():
        return digest(Path(path)) if Path(path).is_file() else ""
    return hashlib.sha256(reference(path)[0].tobytes()).hexdigest()


def posed(rgb: np.ndarray, name: str = "The reference picture", body: int = 18) -> Guides:
    """The guides of the person in a picture: where their points are; BadInput "no_person" where there is nobody.

    Unavailable where no estimator is installed.
    """
    people = seen([rgb], name)[0]
    if not people:
        raise BadInput(
            "no_person", f"{name} shows no person.", "Give one in which the whole body is seen, large enough and well lit."
        )
    return guides_of(people[:1], body)


def seen(pictures: Sequence[np.ndarray], name: str = "", several: bool = False, report: Report = silent) -> list:
    """For each picture, all of one size, the Keypoints of the person in it, or with `several` of everyone; [] for nobody."""
    method = estimators("mediapipe")
    still = package(method.__module__, "Finding a person in a picture", "pose").Options(still=True)
    found: list = [[] for _ in pictures]
    for rows in [[i] for i in range(len(pictures))] if several else [list(range(len(pictures)))]:
        clip = Stills([pictures[i] for i in rows], Path(name))
        try:
            people = method(still).everyone(clip, report) if several else method(still)(clip, report)
        except BadInput as error:
            if error.code != "no_person":
                raise
            continue
        for person in people:
            for row, i in enumerate(rows):
                alone = _row(person, row)
                if _is_there(alone):
                    found[i].append(alone)
    return found


def guides_of(people: Sequence[Keypoints], body: int = 18) -> Guides:
    """Guides of what was seen in one picture, of its size."""
    found = sighted.of_keypoints(people, body)
    return make(0, range(1, len(people) + 1), found.points[0], found.camera(0), Look(body, hands=False, face=False))


def found_again(pictures: Sequence[np.ndarray], several: bool = False, report: Report = silent) -> Optional[list]:
    """Pose maps (H,W,3) of the people that the estimator finds in the pictures, black for nobody; None without one."""
    try:
        people = seen(pictures, several=several, report=report)
    except Unavailable:
        return None
    return [guides_of(some).pose if some else np.zeros_like(rgb) for rgb, some in zip(pictures, people)]


def _row(person: Keypoints, row: int) -> Keypoints:
    xyz = None if person.xyz is None else person.xyz[row : row + 1]
    return Keypoints(
        person.layout, person.xy[row : row + 1], xyz, person.score[row : row + 1], person.size, person.fps, 0.0, person.person
    )


def _is_there(person: Keypoints) -> bool:
    names = layout(person.layout).names
    at = [names.index(f"{joint}_{side}") for joint in ("shoulder", "hip") for side in "lr"]
    return bool(np.isfinite(person.xy[0, at]).all() and person.score[0, at].mean() >= _SURE)
