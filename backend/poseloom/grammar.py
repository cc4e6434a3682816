"""The whole command line in one place, for `poseloom` and for `blender --command poseloom`.

`12` is a frame and `1.5s` seconds wherever a time is meant; persons count from 1.
"""

from __future__ import annotations

import argparse
import glob
import re
from pathlib import Path
from typing import Iterable, Sequence

from . import __version__
from .errors import BadInput

CHARACTERS = ("rigify", "mixamo", "unreal", "makehuman", "cmu")
CHARACTER_ENDINGS = (".blend", ".fbx", ".glb", ".gltf", ".vrm", ".bvh")
ANIMATION_ENDINGS = (".blend", ".fbx", ".glb", ".bvh")
GAME_ENDINGS = (".fbx", ".glb")
CLIP_ENDINGS = (".bvh", ".npz")
TAKES_ENDINGS = (".fbx", ".glb", ".gltf", ".blend")  # clips that Blender reads, several in a file
CONTROLS = ("fk", "ik")
KEYPOINT_ENDINGS = (".json", ".npz", ".csv")
EXIT_CODES = "exit codes: 0 ok, 1 our failure, 2 bad input, 3 some or all clips failed, 130 cancelled"


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is a BadInput like any other."""

    def error(self, message: str):
        message = message[0].upper() + message[1:]
        raise BadInput("bad_usage", message.rstrip(".") + ".", f"See {self.prog} --help.")


def build_parser(prog: str, verbs: Iterable[str] | None = None, *, inside_blender: bool = False) -> Parser:
    """The parser of `prog` with all verbs, or those named; `.parse_args` raises BadInput.

    Inside Blender `animate` has --backend URL in place of --blender and the estimator's packages.
    """
    parser = Parser(
        prog=prog, description="Video, pictures and mocap clips become animation on your own rig.", epilog=EXIT_CODES
    )
    parser.add_argument("--version", action="version", version=f"poseloom {__version__}")
    sub = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    for verb in VERBS if verbs is None else verbs:
        summary, add_options, examples = VERBS[verb]
        lines = "\n".join(f"  {prog} {verb} {example}".rstrip() for example in examples)
        child = sub.add_parser(
            verb, help=summary, description=summary[0].upper() + summary[1:] + ".",
            epilog=f"examples:\n{lines}\n\n{EXIT_CODES}", formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        add_options(child, inside_blender)
    return parser


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
            known = ", ".join(endings)
            raise BadInput("unknown_format", f"--out {out} has no known ending.", f"End it in one of {known}.")
        paths = [target]
    twice = {path.name for path in paths if paths.count(path) > 1}
    if twice:
        raise BadInput("same_name", f"Several inputs would be written to {', '.join(sorted(twice))}.", "Rename one.")
    for path in paths:
        check_writable(path, overwrite)
    return paths


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


def _positive(text: str) -> float:
    value = float(text)
    if not 0.0 < value < float("inf"):
        raise ValueError(text)
    return value


_positive.__name__ = "number above 0"  # argparse names the type in its complaint


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


_count.__name__ = "number from 1 on"


def _add_output(parser, what: str) -> None:
    parser.add_argument("--out", "-o", required=True, metavar="OUT", help=what)
    parser.add_argument("--overwrite", action="store_true", help="replace outputs that exist")
    _add_progress(parser)


def _add_progress(parser) -> None:
    parser.add_argument("--progress", choices=("auto", "json", "none"), default="auto", help="json: a line a step")


def _add_range(parser) -> None:
    parser.add_argument("--start", metavar="TIME", help='first frame: "12" a frame, "1.5s" seconds')
    parser.add_argument("--end", metavar="TIME", help="where to stop (not included)")
    parser.add_argument("--fps", type=_positive, metavar="RATE", help="resample the clip to this rate")


def _add_estimate(parser) -> None:
    parser.add_argument("--estimator", default="mediapipe", metavar="NAME", help="default: %(default)s")
    parser.add_argument("--person", type=_count, default=1, metavar="N", help="which person, from 1; default 1")
    _add_range(parser)


def _add_character(parser) -> None:
    parser.add_argument(
        "--to", required=True, metavar="CHARACTER",
        help=f"a {', '.join(CHARACTER_ENDINGS)} file, or a character of ours: {', '.join(CHARACTERS)}",
    )  # fmt: skip
    parser.add_argument("--armature", metavar="NAME", help="which armature, where the file has several")
    parser.add_argument(
        "--controls", choices=CONTROLS, default="fk", help="which controls of a control rig move its limbs; default fk"
    )


def _add_extras(parser, inside_blender: bool) -> None:
    parser.add_argument("--joints", metavar="FILE.npz", help="write joint positions and rotations too")
    parser.add_argument("--report", metavar="FILE.json", help="write what was found, done and doubted")
    if not inside_blender:
        parser.add_argument("--game", action="store_true", help="for game engines (.fbx, .glb): deforming bones alone")
        parser.add_argument("--root-bone", metavar="NAME", help="with --game: a bone on top that goes over the ground")
        parser.add_argument("--blender", metavar="PATH", help="use this Blender instead of the bpy package")


def _animate(parser, inside_blender: bool) -> None:
    parser.add_argument("media", nargs="+", metavar="VIDEO", help="any file that FFmpeg reads, or pictures")
    _add_character(parser)
    _add_output(parser, f"a file ending in {', '.join(ANIMATION_ENDINGS)}, or a folder")
    _add_estimate(parser)
    parser.add_argument("--height", type=_positive, metavar="METRES", help="how tall the person is")
    parser.add_argument("--smooth-hz", type=_positive, default=6.0, metavar="HZ", help="default: %(default)s")
    parser.add_argument("--no-foot-lock", action="store_true", help="leave feet as they were seen")
    if inside_blender:
        parser.add_argument("--backend", metavar="URL", help="a backend that runs already")
    else:
        parser.add_argument("--overlay", metavar="FILE.mp4", help="write the video with the keypoints drawn in")
    _add_extras(parser, inside_blender)


def _pose(parser, inside_blender: bool) -> None:
    parser.add_argument("media", nargs="+", metavar="MEDIA", help="videos or pictures")
    _add_output(parser, f"a file ending in {', '.join(KEYPOINT_ENDINGS)}, or a folder")
    _add_estimate(parser)
    parser.add_argument("--overlay", metavar="FILE.mp4", help="write the video with the keypoints drawn in")


def _retarget(parser, inside_blender: bool) -> None:
    endings = CLIP_ENDINGS if inside_blender else CLIP_ENDINGS + TAKES_ENDINGS
    parser.add_argument(
        "clips", nargs="+", metavar="CLIP",
        help=f"motion capture clips ({', '.join(endings)}), folders of them, or patterns such as 'clips/*.bvh'",
    )  # fmt: skip
    _add_character(parser)
    _add_output(parser, f"a file ending in {', '.join(ANIMATION_ENDINGS)}, or a folder")
    _add_range(parser)
    _add_extras(parser, inside_blender)
    if not inside_blender:
        _add_batch(parser)


def _add_batch(parser) -> None:
    endings = [ending[1:] for ending in ANIMATION_ENDINGS]
    parser.add_argument("--format", choices=endings, help="of outputs in a folder; default blend, or bvh onto a .bvh")
    parser.add_argument("--jobs", type=_count, metavar="N", help="clips at a time; default: one a processor core")
    parser.add_argument("--resume", action="store_true", help="leave out what is done and unchanged, do the rest")
    parser.add_argument("--cluster", metavar="tcp://HOST:PORT", help="hand the clips to this Dask scheduler")


def _serve(parser, inside_blender: bool) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, metavar="PORT", help="default: 8797, or the next one that is free")
    parser.add_argument("--workers", type=_count, default=1, metavar="N", help="jobs at a time; default 1")


def _doctor(parser, inside_blender: bool) -> None:
    parser.add_argument("--blender", metavar="PATH", help="check this Blender instead of the bpy package")
    parser.add_argument("--json", action="store_true", help="the same for machines")


def _demo(parser, inside_blender: bool) -> None:
    parser.add_argument("--out", default="out/demo", metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--to", default="mixamo", choices=CHARACTERS, help="which character; default: %(default)s")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.add_argument("--blender", metavar="PATH", help="use this Blender instead of the bpy package")
    _add_progress(parser)


def _jobs(parser, inside_blender: bool) -> None:
    sub = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    clean = sub.add_parser("clean", help="remove results and uploads that are old or too many")
    clean.add_argument("--all", action="store_true", help="remove all that are finished")


def _register(parser, inside_blender: bool) -> None:
    parser.add_argument("command", nargs="*", metavar="WORD", help="the command that starts the backend, if another")


# verb: what it does, its options, two examples
VERBS = {
    "animate": (
        "animate a character as a video shows",
        _animate,
        ("walk.mp4 --to rigify --out walk.blend", "dance.mov --to hero.fbx --out dance.fbx --height 1.82 --start 2s"),
    ),
    "pose": (
        "find the keypoints of a person in videos or pictures",
        _pose,
        ("walk.mp4 --out walk.json", "*.jpg --out keypoints/ --person 1"),
    ),
    "retarget": (
        "put motion capture clips on a character",
        _retarget,
        ("walk.bvh --to hero.glb --out walk.glb", "clips/ --to hero.blend --out animated/ --resume --report report.json"),
    ),
    "serve": ("run the backend that Blender asks", _serve, ("", "--port 9000")),
    "doctor": ("check the installation", _doctor, ("", "--blender /opt/blender/blender")),
    "demo": ("make the demo from the sample clip", _demo, ("", "--out /tmp/demo --to rigify")),
    "jobs": ("care for the backend's finished jobs", _jobs, ("clean", "clean --all")),
    "register": (
        "tell the Blender extension how to start this backend",
        _register,
        ("", "-- python -m poseloom serve"),
    ),
}
