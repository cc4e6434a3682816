"""The options of `render`, as options.py has those of the other verbs."""

from __future__ import annotations

from .options import _add_output, _count, _person_or_all


def render(parser, inside_blender: bool) -> None:
    parser.add_argument("scene", nargs="?", metavar="SCENE.blend", help="the scene whose camera looks at the character")
    if not inside_blender:
        _add_other_sources(parser)
    parser.add_argument("--armature", nargs="+", default=[], metavar="NAME", help="which characters; default: all that are recognised")
    parser.add_argument("--camera", metavar="NAME", help="default: the scene's, which markers may change")
    parser.add_argument("--start", metavar="TIME", help='first frame: "12" a frame, "1.5s" seconds')
    parser.add_argument("--end", metavar="TIME", help="last frame, included")
    parser.add_argument("--every", type=_count, default=1, metavar="N", help="only every N-th frame, held until the next")
    parser.add_argument("--frames", type=_numbers, default=(), metavar="NUMBERS", help='only these frames, such as "1,25,40"')
    parser.add_argument("--size", type=_count, metavar="PIXELS", help="of the longer side; default: as the scene or clip, 512 without")
    parser.add_argument("--body", type=int, choices=(18, 25), default=18, help="points of the pose maps' bodies; default 18")
    parser.add_argument("--hidden", choices=("dim", "drop", "draw"), default="dim", help="limbs behind a body; default: dim")
    parser.add_argument(
        "--passes", metavar="KINDS", help='of scenes: "depth", "normal", both with a comma, or "none"; of videos: "picture"'
    )
    parser.add_argument("--guides-only", action="store_true", help="draw the guides and stop there")
    parser.add_argument("--prompt", metavar="TEXT", help="what the frames show; the embedded model takes no words")
    parser.add_argument("--negative", default="", metavar="TEXT", help="what they do not show")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    parser.add_argument("--reference", metavar="PICTURE", help="a picture of the character; default: of scenes one that is taken of it")
    parser.add_argument("--method", metavar="NAME", help="which renderer; default: controlnet with --model, else embedded")
    parser.add_argument("--model", metavar="NAME", help="a checkpoint in place of the embedded model: a folder, or its name on the hub")
    parser.add_argument("--set", nargs="+", type=_pair, default=[], metavar="NAME=VALUE", help="options of the renderer, such as steps=8")
    parser.add_argument("--strip", metavar="OUT.blend", help="write the scene with the frames in its sequencer")
    parser.add_argument("--resume", action="store_true", help="keep what is done and made from the same, do the rest")
    if inside_blender:
        parser.add_argument("--backend", metavar="URL", help="a backend that runs already")
    else:
        parser.add_argument("--blender", metavar="PATH", help="use this Blender instead of the bpy package")
    _add_output(parser, "a folder for guides and frames")


def _add_other_sources(parser) -> None:
    parser.add_argument("--motion", metavar="CLIP", help="instead of a scene: a motion capture clip, as a stick figure")
    parser.add_argument(
        "--turn", type=float, default=0.0, metavar="DEGREES", help="with --motion: look from this side; default: from the front of its first pose"
    )
    parser.add_argument("--keypoints", metavar="FILE.json", help="instead of a scene: what poseloom pose wrote")
    parser.add_argument("--video", metavar="VIDEO", help="instead of a scene: the poses of the people in a video")
    parser.add_argument(
        "--person", type=_person_or_all, metavar="N", help="of a video the one with this number, or all; default: the main one"
    )
    parser.add_argument("--estimator", metavar="NAME", help="who looks at the video, such as holistic, which sees hands and face")


def _pair(word: str) -> tuple:
    name, equals, value = word.partition("=")
    if not equals:
        raise ValueError(word)
    return name, value


def _numbers(text: str) -> tuple:
    return tuple(int(word) for word in text.split(",") if word.strip())


_pair.__name__, _numbers.__name__ = "NAME=VALUE", "frame numbers"
