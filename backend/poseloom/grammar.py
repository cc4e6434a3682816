"""The whole command line in one place, for `poseloom` and for `blender --command poseloom`.

`12` is a frame and `1.5s` seconds wherever a time is meant; persons count from 1.
"""

from __future__ import annotations

import argparse
import sys
from typing import Iterable

from . import __version__, options, options_render, presets
from .errors import BadInput

EXIT_CODES = "exit codes: 0 ok, 1 our failure, 2 bad input, 3 some or all clips failed, 130 cancelled"


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is a BadInput like any other, and that looks --settings up."""

    def parse_args(self, words=None, namespace=None):
        words = [str(word) for word in (sys.argv[1:] if words is None else words)]
        chosen = super().parse_args(words, namespace)
        if getattr(chosen, "settings", None):  # before the words that follow the verb, so these have the last say
            at = words.index(chosen.verb) + 1
            kept = presets.words(chosen.verb, presets.find(chosen.verb, chosen.settings))
            chosen = super().parse_args([*words[:at], *kept, *words[at:]], namespace)
        return chosen

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


# verb: what it does, its options, two examples
VERBS = {
    "animate": (
        "animate a character as a video or key-frame pictures show",
        options.animate,
        ("dance.mov --to hero.fbx --out dance.fbx --height 1.82 --start 2s", "FRONT.png@1 JUMP.jpg@24 --to hero.blend --out jump.blend"),
    ),
    "pose": (
        "find the keypoints of a person in videos or pictures",
        options.pose,
        ("walk.mp4 --out walk.json", "*.jpg --out keypoints/ --person 1"),
    ),
    "retarget": (
        "put motion capture clips on a character",
        options.retarget,
        ("walk.bvh --to hero.glb --out walk.glb", "clips/ --to hero.blend --out animated/ --resume --report report.json"),
    ),
    "inbetween": (
        "fill the frames between key poses",
        options.inbetween,
        ("poses.bvh --keys 0,18,40 --out filled.bvh", "poses.bvh --keys 0,1s,2s --method dtw --library clips/ --out filled.bvh"),
    ),
    "retime": (
        "play a clip at the timing of another, or of key poses",
        options.retime,
        ("walk.bvh --like other.bvh --out walk_like_other.bvh", "walk.bvh --like poses.bvh --keys 0,18,40 --out walk2.bvh"),
    ),
    "library": (
        "care for the clips that in-betweening follows",
        options.library,
        ("add clips/", "list"),
    ),
    "render": (
        "draw guides of a character, and make frames of them by diffusion",
        options_render.render,
        (
            'scene.blend --armature Hero --start 1 --end 48 --every 2 --reference hero.png --out frames/',
            "scene.blend --guides-only --frames 1,25 --size 768 --out guides/",
        ),
    ),
    "serve": ("run the backend that Blender asks", options.serve, ("", "--port 9000")),
    "doctor": ("check the installation", options.doctor, ("", "--blender /opt/blender/blender")),
    "demo": ("make the demo from the sample clip", options.demo, ("", "--out /tmp/demo --to rigify")),
    "jobs": ("care for the backend's finished jobs", options.jobs, ("clean", "clean --all")),
    "models": (
        "list, bring and remove weights",
        options.models,
        ("list", "add mediapipe-heavy --from pose_landmark_heavy.tflite"),
    ),
    "train": (
        "pack clips and train the networks that come with Poseloom",
        options.train,
        ("pack clips/ --out clips.npz", "render --data pictures.npz --minutes 80 --device cpu --out render/"),
    ),
    "setup": (
        "make what an estimator needs beside Poseloom",
        options.setup,
        ("mmpose", "mmpose --again"),
    ),
    "register": (
        "tell the Blender extension how to start this backend",
        options.register,
        ("", "-- python -m poseloom serve"),
    ),
}
