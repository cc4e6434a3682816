"""`blender --command poseloom ...`: verbs of the program, in the Blender that is there.

    blender --command poseloom retarget walk.bvh --to hero.blend --out walk.blend
    blender --command poseloom animate dance.mp4 --to hero.fbx --out dance.fbx
    blender --command poseloom animate STAND.png@1 JUMP.jpg@24 --to hero.blend --out keys.blend
    blender --command poseloom render shot.blend --prompt "a knight in a forest" --out frames/
"""

import json
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Optional

import bpy
from poseloom import __version__, chains, client, formats, grammar, named_pictures, paths
from poseloom.errors import BadInput, Cancelled, PoseloomError, named, of_any, rebuilt
from poseloom.key_poses import Keys
from poseloom.motion import extremes
from poseloom.motion.files import joints_to_bytes, motion_from_bytes, motion_to_bytes, write_bytes
from poseloom.motion.resample import cut, resample
from poseloom.progress import part

VERBS = ("animate", "retarget", "render")
SOME_FAILED = 3
PAUSE_S = 0.2  # between two lines of progress

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
    for number in (signal.SIGINT, signal.SIGTERM):
        # Blender without a window takes Ctrl+C for itself, and would leave a backend behind
        signal.signal(number, signal.default_int_handler)
    parser = grammar.build_parser("blender --command poseloom", VERBS, inside_blender=True)
    try:
        chosen = parser.parse_args(arguments)
        if chosen.verb == "render":
            from . import shooting

            report = Printed(chosen.progress, Path(chosen.scene or "").name)
            report.done(shooting.render(chosen, report))
            return 0
        if chosen.root_bone and not chosen.game:
            raise BadInput("bad_usage", "--root-bone belongs to --game.", "Add --game.")
        if chosen.verb == "animate":
            return _animate(chosen)
        with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
            clips, broken = _unpacked(chosen, Path(folder))

            def motion_of(path, report):
                return _motion_of_clip(path, chosen, broken.get(str(path)))

            return _each(chosen, clips, _outs(chosen, clips), motion_of)
    except SystemExit as stop:  # argparse after --help
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return _complain(Cancelled(), arguments)
    except (PoseloomError, OSError) as error:
        return _complain(of_any(error), arguments)


def _outs(chosen, clips: list) -> list:
    endings = formats.GAME_ENDINGS if chosen.game else formats.ANIMATION_ENDINGS
    outs = paths.outputs(clips, chosen.out, endings, endings[0], chosen.overwrite)
    besides = [Path(path) for path in (chosen.joints, chosen.report) if path] + paths.tables(chosen, outs)
    for path in besides:
        paths.check_writable(path, chosen.overwrite)
    inputs = chosen.media if chosen.verb == "animate" else chosen.clips
    paths.check_apart([*outs, *besides], [*inputs, chosen.to, chosen.settings])
    return outs


def _unpacked(chosen, folder: Path) -> tuple[list, dict]:
    """The clips, where files that Blender reads give way to motions of their takes; one take keeps its file's name.

    And {clip: error} of those files, where there are others, and takes that cannot be read.
    """
    from . import batching

    clips, broken = [], {}
    chains.check_readable(chosen.clips, _reading(chosen))
    for i, clip in enumerate(map(Path, chosen.clips)):
        if clip.suffix.lower() not in formats.TAKES_ENDINGS or not clip.is_file():
            clips.append(str(clip))
            continue
        own = folder / str(i)
        own.mkdir()
        task = {"clip": str(clip.absolute()), "folder": str(own), "reading": asdict(_reading(chosen))}
        try:
            done = batching.takes(task, Printed(chosen.progress, clip.name))
        except (BadInput, OSError) as error:
            if len(chosen.clips) == 1:
                raise
            clips.append(str(clip))
            broken[str(clip)] = error
            continue
        takes = done["takes"] + done["refused"]
        for take in takes:
            name = clip.stem if len(takes) == 1 else f"{clip.stem}_{paths.safe_name(take['take'])}"
            clips.append(str(own / f"{name}.npz"))
            if "error" in take:
                broken[clips[-1]] = named(rebuilt(take["error"]), f"{clip.name}|{take['take']}")
            else:
                Path(take["npz"]).rename(clips[-1])
    return clips, broken


def _reading(chosen) -> chains.Reading:
    return chains.Reading(chosen.up, chosen.front, chosen.unit, chosen.clip_rest)


def _animate(chosen) -> int:
    """Videos become an animation each, or their key poses; pictures become key poses of one."""
    if not named_pictures.are_meant(chosen.media):
        if chosen.spacing or (chosen.min_motion and not chosen.pick_keys):
            raise BadInput("bad_usage", "--spacing belongs to pictures, --min-motion to --pick-keys.", "Leave them out.")
        return _with_backend(chosen, chosen.media, _outs(chosen, chosen.media))
    if chosen.pick_keys or chosen.start or chosen.end or chosen.camera == "moving":
        raise BadInput("bad_usage", "--pick-keys, --start, --end and --camera moving belong to videos.", "Leave them out.")
    spacing = chosen.spacing or named_pictures.SPACING
    pictures = named_pictures.named(chosen.media, spacing)
    outs = _outs(chosen, [str(picture.path) for picture in pictures[:1]])
    keys = Keys(tuple(picture.time for picture in pictures), spacing=spacing)
    return _with_backend(chosen, [str(pictures[0].path)], outs, pictures, keys)


def _keys_of(chosen, motion: bytes) -> Optional[Keys]:
    """The key poses that --pick-keys wants of a motion; None without it."""
    if not chosen.pick_keys:
        return None
    count = None if chosen.pick_keys == "auto" else chosen.pick_keys
    whole = motion_from_bytes(motion)
    least_m = extremes.MIN_MOTION_M if chosen.min_motion is None else 0.01 * chosen.min_motion
    return Keys(seconds=tuple(float(row / whole.fps) for row in extremes.pick_keys(whole, count, least_m)))


def _with_backend(chosen, clips: list, outs: list, pictures=(), keys: Optional[Keys] = None) -> int:
    """Animate all clips, or the one that is made of `pictures`; a backend that was started for them is stopped after."""
    from . import backend

    options = {
        "quality": chosen.quality, "estimator": paths.estimator(chosen.estimator, chosen.model, chosen.checkpoint),
        "hands": chosen.hands, "face": chosen.face, "camera": chosen.camera, "person": chosen.person,
        "height_m": chosen.height, "start": chosen.start,
        "end": chosen.end, "fps": chosen.fps, "smooth_hz": chosen.smooth_hz, "foot_lock": not chosen.no_foot_lock,
        "processes": chosen.processes, "reuse": not chosen.fresh,
    }  # fmt: skip
    choice = backend.choice(chosen.backend or "")
    found = backend.find(choice)
    running = found or backend.ensure(choice, lambda fraction, text: None)
    try:
        if pictures:
            files = [str(picture.path.absolute()) for picture in pictures]
            return _each(chosen, clips, outs, lambda _, report: backend.posed(running, files, options, report)[0], keys)
        return _each(
            chosen, clips, outs, lambda path, report: backend.animate(running, str(path.absolute()), options, report)
        )
    finally:
        if found is None:
            client.stop_backend(running)


def _motion_of_clip(path: Path, chosen, error: Optional[Exception] = None) -> bytes:
    """The motion of a clip; `error` is raised instead, if reading it has failed already."""
    if error is not None:
        raise error
    motion, _ = chains.read_clip(path, _reading(chosen))
    motion = cut(motion, chosen.start, chosen.end)
    return motion_to_bytes(resample(motion, chosen.fps) if chosen.fps else motion)


def _each(chosen, clips: list, outs: list, motion_of, keys: Optional[Keys] = None) -> int:
    """Every clip, or of it these `keys`, on the character and into its file; the exit code."""
    if len(clips) > 1 and (chosen.joints or chosen.report):
        raise BadInput("one_clip_only", "--joints and --report take one clip.", "Give the clips one at a time.")
    code = 0
    for clip, out in zip(map(Path, clips), outs):
        report = Printed(chosen.progress, clip.name)
        try:
            report.done(_one(chosen, clip, out, motion_of(clip, part(report, 0.0, 0.6)), part(report, 0.6, 1.0), keys))
        except Cancelled:
            raise
        except (PoseloomError, OSError) as error:
            if len(clips) == 1:
                raise
            _complain(of_any(error), [chosen.progress], clip.name)
            code = SOME_FAILED
    return code


def _one(chosen, clip: Path, out: Path, motion: bytes, report, keys: Optional[Keys] = None) -> str:
    """One clip's motion on the character and into its file; a sentence that tells what was made."""
    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
        npz = Path(folder) / "motion.npz"
        npz.write_bytes(motion)
        keys = keys or (_keys_of(chosen, motion) if chosen.verb == "animate" else None)
        done = _bake(chosen, clip, npz, out, report, keys)
    if chosen.joints:
        write_bytes(chosen.joints, joints_to_bytes(motion_from_bytes(motion)))
    if chosen.report:
        values = {"poseloom": __version__, "input": str(clip), "output": str(out), **done}
        write_bytes(chosen.report, json.dumps(values, indent=2).encode())
    if keys:
        return f"{out}: key poses on frames {', '.join(map(str, done['keys']))} on {done['armature']}"
    return f"{out}: {done['frames']} frames on {done['armature']}"


def _bake(chosen, clip: Path, motion: Path, out: Path, report, keys: Optional[Keys]) -> dict:
    from . import baking, posing  # bring in much that a Blender without a command never needs

    ours = chosen.to in formats.CHARACTERS
    character = {"preset": chosen.to} if ours else {"path": str(Path(chosen.to).absolute()), "armature": chosen.armature}
    task = {
        "motion": str(motion),
        "clip": clip.stem,
        "character": {
            **character, "controls": chosen.controls, "root": chosen.root.replace("-", "_"), "rest": chosen.rest
        },
        "out": str(out.absolute()),
        "game": {"root_bone": chosen.root_bone, "fps": chosen.fps} if chosen.game else None,
        "confidence": getattr(chosen, "confidence", None),
    }
    return posing.pose({**task, "keys": asdict(keys)}, report) if keys else baking.bake(task, report)


class Printed:
    """A report that prints: lines of JSON, a few lines on a terminal, or nothing."""

    def __init__(self, how: str, title: str):
        self.how, self.title, self.last_s = how, title, 0.0

    def __call__(self, fraction: float, text: str) -> None:
        if time.monotonic() - self.last_s < PAUSE_S:
            return
        self.last_s = time.monotonic()
        if self.how == "json":
            print(json.dumps({"stage": self.title, "fraction": round(fraction, 4), "text": text}), flush=True)
        elif self.how == "auto" and sys.stderr.isatty():
            print(f"{self.title}: {fraction:4.0%}  {text}", file=sys.stderr, flush=True)

    def done(self, sentence: str) -> None:
        print(json.dumps({"done": sentence}) if self.how == "json" else sentence, flush=True)


def _complain(error: PoseloomError, arguments: list, about: str = "") -> int:
    """The error in one line on stderr, and as an object where machines listen; its exit code."""
    print(f"poseloom: {about + ': ' if about else ''}{error}", file=sys.stderr, flush=True)
    if "json" in arguments:
        print(json.dumps({"error": {"code": error.code, "message": error.message, "hint": error.hint}}), flush=True)
    return error.exit_code
