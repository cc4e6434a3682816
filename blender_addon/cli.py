"""`blender --command poseloom ...`: verbs of the program, in the Blender that is there.

    blender --command poseloom retarget walk.bvh --to hero.blend --out walk.blend
    blender --command poseloom animate dance.mp4 --to hero.fbx --out dance.fbx
"""

import json
import sys
import tempfile
from pathlib import Path

import bpy
from poseloom import client, grammar
from poseloom.chains import clip_to_motion
from poseloom.errors import BadInput, Cancelled, PoseloomError
from poseloom.motion.bvh import read_bvh
from poseloom.motion.files import motion_to_bytes
from poseloom.motion.resample import cut, resample
from poseloom.progress import part

VERBS = ("animate", "retarget")
SOME_FAILED = 3

command = None


def register():
    global command
    command = bpy.utils.register_cli_command("poseloom", main)


def unregister():
    global command
    bpy.utils.unregister_cli_command(command)
    command = None


def main(arguments: list) -> int:
    """Do what the words say; 0, or the exit code of what went wrong."""
    parser = grammar.build_parser("blender --command poseloom", VERBS, inside_blender=True)
    try:
        chosen = parser.parse_args(arguments)
        clips = chosen.media if chosen.verb == "animate" else chosen.clips
        outs = grammar.outputs(clips, chosen.out, grammar.ANIMATION_ENDINGS, ".blend", chosen.overwrite)
        if chosen.verb == "animate":
            return _with_backend(chosen, clips, outs)
        return _each(chosen, clips, outs, lambda path, report: _motion_of_clip(path, chosen))
    except SystemExit as stop:  # argparse after --help
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return _complain(Cancelled())
    except PoseloomError as error:
        return _complain(error)


def _with_backend(chosen, clips: list, outs: list) -> int:
    """Animate all clips; a backend that was started for them is stopped after them."""
    from . import backend

    choice = backend.choice(chosen.backend or "")
    found = backend.find(choice)
    running = found or backend.ensure(choice, lambda fraction, text: None)
    options = {
        "estimator": chosen.estimator, "person": chosen.person, "height_m": chosen.height, "start": chosen.start,
        "end": chosen.end, "fps": chosen.fps, "smooth_hz": chosen.smooth_hz, "foot_lock": not chosen.no_foot_lock,
    }  # fmt: skip
    try:
        return _each(
            chosen, clips, outs, lambda path, report: backend.animate(running, str(path.absolute()), options, report)
        )
    finally:
        if found is None:
            client.stop_backend(running)


def _motion_of_clip(path: Path, chosen) -> bytes:
    motion, _ = clip_to_motion(*read_bvh(path))
    motion = cut(motion, chosen.start, chosen.end)
    return motion_to_bytes(resample(motion, chosen.fps) if chosen.fps else motion)


def _each(chosen, clips: list, outs: list, motion_of) -> int:
    """Every clip on the character and into its file; the exit code."""
    report, made, worst = Printed(chosen.progress), [], 0
    for clip, out in zip(map(Path, clips), outs):
        try:
            with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
                motion = Path(folder) / "motion.npz"
                motion.write_bytes(motion_of(clip, part(report, 0.0, 0.6)))
                made.append({"clip": str(clip), "out": str(out), **_bake(chosen, clip, motion, out, report)})
            print(f"{clip.name}: {made[-1]['frames']} frames on {made[-1]['armature']}, in {out}", flush=True)
        except Cancelled:
            raise
        except PoseloomError as error:
            worst = _complain(error, clip.name) if len(clips) == 1 else _complain(error, clip.name) and SOME_FAILED
    if chosen.report and made:
        Path(chosen.report).write_text(json.dumps(made[0] if len(clips) == 1 else made, indent=2), encoding="utf-8")
    return worst


def _bake(chosen, clip: Path, motion: Path, out: Path, report) -> dict:
    from . import baking

    if chosen.to in grammar.CHARACTERS:
        raise BadInput(
            "no_character",
            f'The character "{chosen.to}" is not part of the extension.',
            "Name a file of your own, or use the program: poseloom --help",
        )
    task = {
        "motion": str(motion),
        "clip": clip.stem,
        "character": {"path": str(Path(chosen.to).absolute()), "armature": chosen.armature},
        "out": str(out.absolute()),
    }
    return baking.bake(task, part(report, 0.6, 1.0))


class Printed:
    """A report that prints: lines of JSON, a line that grows on a terminal, or nothing."""

    def __init__(self, how: str):
        self.how, self.last = how, ""

    def __call__(self, fraction: float, text: str) -> None:
        if self.how == "json":
            print(json.dumps({"fraction": round(fraction, 4), "text": text}), flush=True)
        elif self.how == "auto" and text != self.last and sys.stderr.isatty():
            print(f"{fraction:4.0%}  {text}", file=sys.stderr, flush=True)
        self.last = text


def _complain(error: PoseloomError, about: str = "") -> int:
    print(f"poseloom: {about + ': ' if about else ''}{error}", file=sys.stderr, flush=True)
    return error.exit_code
