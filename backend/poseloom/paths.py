"""Which files the words of a command line mean, and whether they may be written."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import Sequence

from .errors import BadInput
from .formats import CLIP_ENDINGS, CONFIDENCE_ENDING, TAKES_ENDINGS


def find_clips(words: Sequence[str], endings: Sequence[str] = CLIP_ENDINGS + TAKES_ENDINGS, without: Path | None = None) -> list:
    """[(clip, where it goes below the output folder, without its ending)] of files, folders and patterns.

    A folder gives the clips in it and below it, in their folders; none from below the folder `without`.  A pattern is
    expanded here where the shell has not done it; `**` means folders at any depth.  In natural order, each clip once.
    BadInput where a word leads to nothing.
    """
    found: dict = {}
    for word in words:
        path = Path(word)
        if path.is_dir():
            files = [f for f in path.rglob("*") if f.suffix.lower() in endings and f.is_file()]
            files = [f for f in files if without is None or without.resolve() not in f.resolve().parents]
            pairs = [(f, f.relative_to(path).with_suffix("")) for f in files if not f.name.startswith(".")]
        elif not path.exists() and glob.has_magic(word):
            files = [Path(f) for f in glob.glob(word, recursive=True)]
            pairs = [(f, Path(f.stem)) for f in files if f.suffix.lower() in endings and f.is_file()]
        elif path.is_file():
            pairs = [(path, Path(path.stem))]
        else:
            raise BadInput("no_such_file", f"There is no file {word}.", "Check the path.")
        if not pairs:
            raise BadInput("no_clips", f"There are no clips at {word}.", f"Clips end in {', '.join(endings)}.")
        for clip, place in sorted(pairs, key=lambda pair: _natural(str(pair[0]))):
            found.setdefault(clip.resolve(), (clip, place))
    return list(found.values())


def _natural(text: str) -> list:
    return [int(piece) if piece.isdigit() else piece for piece in re.split(r"(\d+)", text.lower())]


def outputs(inputs: Sequence, out: str, endings: Sequence[str], default: str, overwrite: bool) -> list:
    """The output Path of each input, by the rules of --out; BadInput where one may not be written.

    `out` is a folder if there are several inputs, if it exists as one, or if it ends in a slash;
    else a file, its ending the format.
    """
    target = Path(out)
    if len(inputs) > 1 or target.is_dir() or out.endswith(("/", "\\")):
        if target.exists() and not target.is_dir():
            raise BadInput(
                "not_a_folder", f"--out {out} is a file, but there are several inputs.", "Give a folder, such as out/."
            )
        paths = [target / (Path(name).stem + default) for name in inputs]
    else:
        if target.suffix.lower() not in endings:
            ends = f"ends in {target.suffix}, which is not possible here" if target.suffix else "has no ending"
            raise BadInput("unknown_format", f"--out {out} {ends}.", f"End it in one of {', '.join(endings)}.")
        paths = [target]
    twice = {path.name for path in paths if paths.count(path) > 1}
    if twice:
        raise BadInput("same_name", f"Several inputs would be written to {', '.join(sorted(twice))}.", "Rename one.")
    for path in paths:
        check_writable(path, overwrite)
    return paths


def estimator(name: str | None, model: str | None = None, checkpoint: str | None = None) -> str | None:
    """What --estimator, --model and --checkpoint mean, as one name: "rtm:FILE.onnx", "mmpose:CONFIG.py|FILE.pth"."""
    if model is None:
        if checkpoint is not None:
            raise BadInput("bad_usage", "--checkpoint belongs to a config.", "Add --model CONFIG.py.")
        return name
    ending = Path(model).suffix.lower()
    name = name or ("mmpose" if ending == ".py" else "rtm")
    if name == "mmpose" and checkpoint is None:
        raise BadInput("no_checkpoint", f"The config {model} comes without its checkpoint.", "Add --checkpoint FILE.pth.")
    parts = [model] if checkpoint is None else [model, checkpoint]
    return f"{name}:{'|'.join(str(Path(p).resolve()) if Path(p).is_file() else p for p in parts)}"


def check_writable(path: Path, overwrite: bool) -> None:
    """Make the folder of `path`; BadInput where it cannot hold a file, or the file is there already."""
    if path.exists() and not overwrite:
        raise BadInput("exists", f"{path} exists already.", "Add --overwrite, or choose another name.")
    probe = path.with_name(f".{path.name}.probe")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInput(
            "cannot_write", f"Cannot write to {path.parent}: {error.strerror}.", "Choose another folder for --out."
        ) from error


def check_apart(outs: Sequence[Path], inputs: Sequence) -> None:
    """BadInput where one of `outs` is a file that is read; names that are no files do no harm among `inputs`."""
    read = {Path(name).resolve() for name in inputs if name}
    for out in outs:
        if out.resolve() in read:
            raise BadInput("same_file", f"{out} is an input.", "Choose another name for what is written.")


def tables(chosen, outs: Sequence[Path]) -> list:
    """What --confidence csv writes beside `outs`."""
    return [out.with_suffix(CONFIDENCE_ENDING) for out in outs] if getattr(chosen, "confidence", None) == "csv" else []


def strip_file(chosen) -> Path | None:
    """The file that --strip of `render` names, None without it; BadInput where it cannot be written or makes no sense."""
    if not chosen.strip:
        return None
    if chosen.guides_only:
        raise BadInput("bad_usage", "--strip puts frames into the sequencer, but --guides-only makes none.", "Leave one out.")
    path = Path(chosen.strip)
    if path.suffix.lower() != ".blend":
        raise BadInput("unknown_format", f"--strip {path} does not end in .blend.", "End it in .blend.")
    check_writable(path, chosen.overwrite or chosen.resume)
    check_apart([path], [chosen.scene])
    return path


def safe_name(text: str) -> str:
    """A file name that every file system takes, made of any text."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]+', "_", text).strip(" .") or "take"
