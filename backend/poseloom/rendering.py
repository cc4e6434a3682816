"""From a scene, a motion, keypoints or a video to guides, and from guides to frames; in this order."""

from __future__ import annotations

import hashlib
import json
import threading
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence, Union

import numpy as np

from . import __version__, chains, restyle, stills
from .errors import BadInput
from .motion import png, travel
from .motion.files import digest
from .motion.pictures import Shot
from .motion.resample import parse_time
from .progress import Report, part, silent
from .render import cast as casts
from .render import NEEDS_REFERENCE, keeping, load, shelf
from .render.contact import chosen, contact_sheet
from .render.guides import Look
from .render.shelf import Shelf, picture

KINDS = {".blend": "scene", ".bvh": "motion", ".npz": "motion", ".json": "keypoints"}  # of sources; any other is a video
_LONG_SIDE = 512
_PULSE_S = 0.25


@dataclass(frozen=True)
class GuideOptions:
    """What to draw: start and end are times, both included, of a scene its own frame numbers; size is the longer side
    in pixels, None the scene's or clip's own; passes some of "depth" and "normal" of scenes, "picture" of videos; person:
    a number, "all", or None for a video's main one and all of a file of keypoints; estimator: who looks at a video."""

    armatures: tuple = ()
    camera: Optional[str] = None
    start: Optional[str] = None
    end: Optional[str] = None
    every: int = 1
    frames: tuple = ()
    size: Optional[int] = None
    body: int = 18
    hidden: str = "dim"
    passes: tuple = ()
    yaw_deg: float = 0.0
    person: Union[int, str, None] = None
    estimator: Optional[str] = None

    def look(self) -> Look:
        return Look(self.body, self.hidden)


@dataclass(frozen=True)
class RenderOptions:
    """How frames are made: `method` one of render.METHODS, `options` what its Options take; reference: a picture, or a
    folder of `stills.of_scene`."""

    prompt: str = ""
    negative: str = ""
    seed: int = 0
    reference: Optional[str] = None
    method: str = "embedded"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Made:
    """What a run did, by frame numbers."""

    drawn: list = field(default_factory=list)
    made: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    skipped: list = field(default_factory=list)
    fps: float = 0.0
    notes: dict = field(default_factory=dict)  # what is to be said of the frames, in this order


def check_out(out: Path, overwrite: bool, resume: bool) -> None:
    """BadInput where `out` holds an earlier run that may not be touched, or is a file."""
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise BadInput("not_a_folder", f"--out {out} is a file.", "Give a folder, such as out/.")
    begun = shelf.told(out) and any(path.name != "guides.json" for path in out.iterdir())  # a refused run drew nothing
    if begun and not (overwrite or resume):
        raise BadInput("exists", f"{out} has guides or frames already.", "Add --resume to go on with them, or --overwrite.")
    if overwrite and not resume and shelf.told(out):
        shelf.clear(out)
        (out / "guides.json").unlink()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput("cannot_write", f"Cannot write to {out}: {error.strerror}.", "Choose another folder for --out.") from error


def draw(
    source: Path, options: GuideOptions, out: Path, *, kind: Optional[str] = None, blender=None, report: Report = silent
) -> Shelf:  # fmt: skip
    """The guides of a source in the folder `out`; `kind` one of KINDS or "video", None: as its ending says.

    Those that lie there already, made from the same, are taken as they are; depth pictures of a run that broke off
    stay.  BadInput as the stages; see `shelf.draw`.
    """
    source, out = Path(source), Path(out)
    if not source.exists():
        raise BadInput("no_such_file", f"There is no file {source}.", "Check the path.")
    kind = kind or KINDS.get(source.suffix.lower(), "video")
    key = _key(digest(source) if source.is_file() else str(source), kind, asdict(options))
    before = shelf.told(out)
    if before.get("key") == key and before.get("complete") and _all_there(out, before, options):
        report(1.0, "The guides are there already")
        return Shelf(out)
    if before and before.get("key") != key:
        _forget(out, before)
    if kind == "scene":  # its pictures come with its people; of others nothing lies in `out` before they are there
        shelf.begin(out, key)
    people = _cast(kind, source, options, out, before.get("key") == key, blender, part(report, 0.0, 0.6))
    shelf.begin(out, key)
    if "picture" in options.passes:
        restyle.add_pictures(source, people, out, part(report, 0.6, 0.7))
    return shelf.draw(people, out, options.look(), key, part(report, 0.7, 1.0))


def render(guides: Shelf, options: RenderOptions, report: Report = silent, *, renderer=None) -> Made:
    """The frames of the guides in their folder, frames/NNNN.png; those made from the same before are kept.

    `renderer` is by default the one that `options.method` names, with its options.
    """
    seen = pulsing(report, "Looking at the reference", lambda: stills.reference(options.reference))
    shot = Shot(options.prompt, options.negative, options.seed, *seen)
    out = guides.folder
    keys = {frame: _frame_key(guides, frame, options) for frame in guides.frames}
    kept = keeping.Finished(out, {frame for frame in guides.frames if keeping.key_of(out, frame) == keys[frame]})
    made = Made(drawn=list(guides.frames), kept=sorted(kept), skipped=guides.told["skipped"], fps=guides.told["fps"])
    todo = len(guides) - len(kept)
    if not todo:
        report(1.0, "All frames are there already")
        return made
    renderer = renderer or pulsing(report, "Loading the renderer", lambda: _renderer(options))
    count = [len(kept)]

    def tell(fraction: float, text: str) -> None:
        report(fraction, f"Frame {min(count[0] + 1, len(guides))} of {len(guides)}: {text}")

    for frame in renderer(guides, shot, tell, kept):
        keeping.keep(out, frame, keys[frame.frame])
        made.made.append(frame.frame)
        made.notes |= {note: None for note in frame.made.get("note", "").split("; ") if note}
        count[0] += 1
        report(count[0] / len(guides), f"Frame {count[0]} of {len(guides)} done")
    return made


def check_reference(kind: str, wish: RenderOptions) -> None:
    """BadInput where the method needs a picture of the character, and there is none to be had."""
    if wish.method in NEEDS_REFERENCE and wish.reference is None and kind != "scene":
        raise BadInput(
            "no_reference", f"The {wish.method} model needs a picture of the character.",
            "Give one: --reference hero.png; or a checkpoint that takes words alone: --model NAME --prompt TEXT.",
        )  # fmt: skip


def with_reference(
    source: Path, kind: str, options: GuideOptions, wish: RenderOptions, out: Path, *, blender=None, report: Report = silent
) -> RenderOptions:  # fmt: skip
    """`wish` with a picture of the scene's own character as reference, where the method needs one and none is given."""
    if wish.reference is not None or wish.method not in NEEDS_REFERENCE or kind != "scene":
        return wish
    return replace(wish, reference=str(stills.of_scene(source, options, out, blender=blender, report=report)))


def sheet(guides: Shelf, columns: int = 8, report: Report = silent) -> Path:
    """The contact sheet of finished frames, with the poses found again in them where an estimator is installed."""
    frames = [f for f in chosen(guides, columns) if picture(guides.folder, "frames", f).is_file()]
    pictures = [png.read(picture(guides.folder, "frames", f)) for f in frames]
    several = len(guides.told["people"]) > 1
    again = pulsing(report, "Looking for the poses in the frames", lambda: stills.found_again(pictures, several))
    return contact_sheet(guides, columns, again=dict(zip(frames, again or ())))


def _cast(kind: str, source: Path, options: GuideOptions, out: Path, keep: bool, blender, report: Report):
    if kind == "scene":
        return _of_scene(source, options, out, keep, blender, report)
    if kind == "motion":
        motion, _ = chains.read_clip(source)
        size = options.size or _LONG_SIDE
        front = travel.heading(motion.lrot[:, 0])[0]
        people = casts.of_motion(motion, (size, size), options.body, yaw_rad=front + np.radians(options.yaw_deg))
    elif kind == "keypoints":
        people = restyle.of_keypoints(source, options)
    else:
        people = restyle.of_clip(source, options, report)
    return _chosen(people, options)


def _of_scene(source: Path, options: GuideOptions, out: Path, keep: bool, blender, report: Report):
    from . import blender as blenders

    task = {
        "do": "guides", "blend": str(source.resolve()), "out": str(out.resolve()), "keep": keep,
        **{name: value for name, value in asdict(options).items() if name not in ("hidden", "yaw_deg")},
    }  # fmt: skip
    figures = out / "figures.npz"
    try:
        blenders.run(task, blender=blender, report=report)
        return casts.load(figures)
    finally:
        figures.unlink(missing_ok=True)


def _chosen(people, options: GuideOptions):
    """The frames from start to end, both included, every so many."""
    there = {int(frame): i for i, frame in enumerate(people.frames)}
    first = min(there) if options.start is None else round(parse_time(options.start, people.fps) * people.fps)
    last = max(there) if options.end is None else round(parse_time(options.end, people.fps) * people.fps)
    rows = [there[frame] for frame in options.frames or range(first, last + 1, max(1, options.every)) if frame in there]
    if not rows:
        have = f"has {min(there)} to {max(there)}"
        raise BadInput("no_frames", f"None of the frames chosen is in the clip, which {have}.", "Frames count from 0.")
    return replace(people, **{name: getattr(people, name)[rows] for name in ("frames", "points", "shown", "K", "world", "parallel")})


def _all_there(out: Path, before: Mapping, options: GuideOptions) -> bool:
    kinds = ("pose", *options.passes)
    return (out / "guides.npz").is_file() and all(
        picture(out, kind, frame).is_file() for frame in before["frames"] for kind in kinds
    )


def _forget(out: Path, before: Mapping) -> None:
    """Without the guides of another run, whose frames are remade where their guides turn out different."""
    for kind in shelf.KINDS:
        for frame in before.get("frames", ()):
            picture(out, kind, frame).unlink(missing_ok=True)
        for path in (out / kind).glob("*.png"):
            path.unlink()


def _key(*parts) -> str:
    return hashlib.sha256(json.dumps([__version__, *parts], sort_keys=True, default=str).encode()).hexdigest()


def _frame_key(guides: Shelf, frame: int, options: RenderOptions) -> str:
    paths = [picture(guides.folder, kind, frame) for kind in shelf.KINDS]
    reference = stills.fingerprint(options.reference)
    return _key([digest(path) for path in paths if path.is_file()], reference, asdict(options))


def runs(frames: Sequence[int], every: int) -> list:
    """The frames in stretches without a gap: neighbours lie `every` apart."""
    found: list = []
    for frame in sorted(frames):
        if found and frame - found[-1][-1] == every:
            found[-1].append(frame)
        else:
            found.append([frame])
    return found


def pulsing(report: Report, text: str, work):
    """What work() gives, with a report at least every quarter of a second; where that raises, work is left behind."""
    given: Future = Future()

    def do() -> None:
        try:
            given.set_result(work())
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            given.set_exception(error)

    threading.Thread(target=do, daemon=True).start()
    while not wait([given], _PULSE_S).done:
        report(0.0, text)
    return given.result()


def _renderer(options: RenderOptions):
    method = load(options.method)
    return method(_options_of(method)(**options.options))


def _options_of(method: type) -> type:
    """The Options that stand beside the method's class."""
    return import_module(method.__module__).Options


def method_for(model: Optional[str]) -> str:
    """The renderer for a checkpoint by name, or for none."""
    return "controlnet" if model else "embedded"


def read_options(method: str, given: Mapping[str, str]) -> dict:
    """What --set says, in the types of the method's Options; BadInput where it has no such option or that is no value."""
    kind = _options_of(load(method)) if given else None
    types = {option.name: type(option.default) for option in fields(kind)} if kind else {}
    read = {}
    for name, text in given.items():
        if name not in types:
            way = "; name a checkpoint by --model for others" if method == "embedded" else ""
            raise BadInput("bad_option", f'"{method}" has no option "{name}".', f"It has {', '.join(sorted(types))}{way}.")
        try:
            read[name] = _READERS.get(types[name], str)(text)
        except (ValueError, KeyError) as error:
            raise BadInput("bad_option", f'The option "{name}" cannot be "{text}".', "") from error
    if kind:
        kind(**read)
    return read


_YES_OR_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_READERS = {int: int, float: float, bool: lambda text: _YES_OR_NO[text.lower()]}


def put_in_scene(source: Path, guides: Shelf, options: RenderOptions, out: Path, every: int, blender, report: Report) -> dict:
    """The scene with the frames that are there as strips in its sequencer, in the file `out`."""
    from . import blender as blenders

    task = {"do": "strip", "blend": str(Path(source).resolve()), "out": str(Path(out).resolve()), **told_frames(guides, options, every)}
    return blenders.run(task, blender=blender, report=report)


def told_frames(guides: Shelf, options: RenderOptions, every: int) -> dict:
    """What a sequencer needs: {"name", "stretches": [[[frame, path], ...], ...], "every", "made": provenance as text}."""
    there = [f for f in guides.frames if picture(guides.folder, "frames", f).is_file()]
    if not there:
        raise BadInput("no_frames", f"There are no frames in {guides.folder}.", "Make them first.")
    made = json.loads(keeping.sidecar(guides.folder, there[0]).read_text(encoding="utf-8"))["made"]
    stretches = [[[f, str(picture(guides.folder, "frames", f).resolve())] for f in run] for run in runs(there, every)]
    return {"name": options.prompt[:40] or guides.folder.name, "stretches": stretches, "every": every, "made": made}


@dataclass(frozen=True)
class JobOptions:
    """The two above in one, for the server; folder: an absolute path on its computer where guides and frames are kept,
    None for the job's own; resume: go on with what is there; method "": as `method_for`; options: what its Options take, as text."""

    armatures: tuple[str, ...] = ()
    camera: Optional[str] = None
    start: Optional[str] = None
    end: Optional[str] = None
    every: int = 1
    frames: tuple[int, ...] = ()
    size: Optional[int] = None
    depth: bool = True
    normal: bool = False
    body: int = 18
    hidden: str = "dim"
    prompt: str = ""
    negative: str = ""
    seed: int = 0
    reference: Optional[str] = None
    method: str = ""
    options: dict[str, str] = field(default_factory=dict)
    guides_only: bool = False
    folder: Optional[str] = None
    resume: bool = True
    overwrite: bool = False
    blender: Optional[str] = None

    def guides(self) -> GuideOptions:
        return GuideOptions(
            self.armatures, self.camera, self.start, self.end, self.every, self.frames, self.size,
            self.body, self.hidden, tuple(name for name in ("depth", "normal") if getattr(self, name)),
        )  # fmt: skip

    def frames_of(self) -> RenderOptions:
        method = self.method or method_for(self.options.get("model"))
        return RenderOptions(self.prompt, self.negative, self.seed, self.reference, method, read_options(method, self.options))


def job(scene: Path, options: JobOptions, out: Path, report: Report) -> dict:
    """Guides and frames of a scene in options.folder, else in `out`; `told_frames` of them, "made", "kept", "skipped"."""
    if options.folder is not None and not Path(options.folder).is_absolute():
        raise BadInput("bad_option", f'The folder "{options.folder}" is not absolute.', "Give its whole path.")
    wish = None if options.guides_only else pulsing(report, "Loading the renderer", options.frames_of)
    folder = Path(options.folder) if options.folder else Path(out)
    check_out(folder, options.overwrite, options.resume)
    guides = draw(scene, options.guides(), folder, blender=options.blender, report=part(report, 0.0, 1.0 if wish is None else 0.2))
    done = {"folder": str(guides.folder), "skipped": guides.told["skipped"], "drawn": list(guides.frames)}
    if wish is None:
        return done
    wish = with_reference(scene, "scene", options.guides(), wish, folder, blender=options.blender, report=part(report, 0.2, 0.3))
    made = render(guides, wish, part(report, 0.3, 0.98))
    sheet(guides, report=part(report, 0.98, 1.0))
    done |= {"made_now": sorted(made.made), "kept": made.kept, "notes": list(made.notes)}
    return {**done, **told_frames(guides, wish, options.every)}
