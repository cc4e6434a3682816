"""`poseloom VERB ...`: reads the words, calls a pipeline, tells what was made."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, Optional, Sequence

from . import grammar
from .errors import BadInput, Cancelled, PoseloomError
from .progress import part
from .registry import install_line
from .terminal import complain, progress, say
from .workers import of_any, rebuilt

PROG = "poseloom"
SOME_FAILED = 3


def main(words: Optional[Sequence[str]] = None) -> int:
    """Do what the words say; the exit code."""
    how = "json" if "json" in _progress_words(sys.argv[1:] if words is None else words) else "auto"
    restore = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        chosen = grammar.build_parser(PROG).parse_args(words)
        return DOERS[chosen.verb](chosen)
    except KeyboardInterrupt:
        complain(PROG, Cancelled(), how)
        return Cancelled.exit_code
    except PoseloomError as error:
        complain(PROG, error, how)
        return error.exit_code
    except OSError as error:
        failure = of_any(error)
        complain(PROG, failure, how)
        return failure.exit_code
    finally:
        signal.signal(signal.SIGTERM, restore)


def _progress_words(words: Sequence[str]) -> list:
    """What follows --progress, known before the words are understood, for complaints about them."""
    words = list(words)
    after = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--progress"]
    return after + [word.partition("=")[2] for word in words if word.startswith("--progress=")]


def _animate(chosen) -> int:
    from .pipelines import Character, animate

    character = Character.named(chosen.to, chosen.armature, chosen.controls)
    endings, default = _for_games(chosen, character)
    outs = _outputs(chosen, chosen.media, endings, default)
    options, extras = _options(chosen), _extras(chosen, len(chosen.media))
    return _each(chosen, chosen.media, outs, lambda media, out, report: _told(
        animate(Path(media), character, out, options, extras, report), out
    ))  # fmt: skip


def _retarget(chosen) -> int:
    from .pipelines import Character, retarget
    from .takes import Taken, unpack

    character = Character.named(chosen.to, chosen.armature, chosen.controls)
    endings, default = _for_games(chosen, character)
    out = Path(chosen.out)
    clips = grammar.find_clips(chosen.clips, without=out if out.is_dir() else None)
    many = chosen.format or chosen.jobs or chosen.resume or chosen.cluster
    many = many or len(clips) > 1 or any(not Path(word).is_file() for word in chosen.clips)
    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
        taken = Taken(clips)
        if any(clip.suffix.lower() in grammar.TAKES_ENDINGS for clip, _ in clips):
            with progress(chosen.progress, "reading") as report:
                taken = unpack(clips, Path(folder), chosen.blender, report)
        if many or len(taken.clips) > 1:
            return _batch(chosen, taken, character)
        for error in taken.refused.values():
            raise error
        outs = _outputs(chosen, chosen.clips, endings, default)
        extras = _extras(chosen, 1)
        return _each(chosen, [str(taken.clips[0][0])], outs, lambda clip, out, report: _told(retarget(
            Path(clip), character, out, start=chosen.start, end=chosen.end, fps=chosen.fps, extras=extras, report=report
        ), out))  # fmt: skip


def _batch(chosen, taken, character) -> int:
    """All clips into a folder; one that fails does not stop the rest."""
    from . import sheet
    from .batch import Batch, Options

    if Path(chosen.out).exists() and not Path(chosen.out).is_dir():
        raise BadInput("not_a_folder", f"--out {chosen.out} is a file, but clips go into a folder.", "Give a folder.")
    if chosen.joints:
        raise BadInput("one_file", f"{chosen.joints} is one file, but there are several inputs.", "Give one input.")
    if chosen.report:
        _ending_of("report", chosen.report, ".json")
        for report in (Path(chosen.report), Path(chosen.report).with_suffix(".html")):
            grammar.check_writable(report, chosen.overwrite or chosen.resume)
    began = time.perf_counter()
    endings, default = _for_games(chosen, character)
    ending = f".{chosen.format}" if chosen.format else default
    if ending not in endings:
        raise BadInput("unknown_format", f"--game cannot write {ending}.", f"Choose {' or '.join(endings)}.")
    options = Options(
        start=chosen.start, end=chosen.end, fps=chosen.fps, resume=chosen.resume, overwrite=chosen.overwrite,
        jobs=chosen.jobs, blender=chosen.blender, cluster=chosen.cluster,
        game=_game(chosen),
    )  # fmt: skip
    clips = taken.clips
    batch = Batch(clips, character, Path(chosen.out), ending, options, taken.shown, taken.refused)
    try:
        with progress(chosen.progress, "clips") as report:
            for row in batch.run(report):
                _tell_row(chosen, row)
    finally:  # a batch that was stopped tells what it did
        told = sheet.account(
            [row for row in batch.rows if row], to=chosen.to, took_s=time.perf_counter() - began, clips=len(clips)
        )
        if chosen.report:
            sheet.write(Path(chosen.report), told)
    counts = {key: told[key] for key in ("done", "failed", "kept")}
    sentence = f"{counts['done']} of {len(clips)} clips done, {counts['failed']} failed"
    sentence += f", {counts['kept']} kept as they were." if counts["kept"] else "."
    say(chosen.progress, sentence, **{f"{key}_count": value for key, value in counts.items()})
    return SOME_FAILED if counts["failed"] else 0


def _tell_row(chosen, row: dict) -> None:
    if row["state"] == "failed":
        complain(f"{PROG}: {row['clip']}", rebuilt(row["error"]), chosen.progress)
        return
    sentence = f"{row['output']}: {_frames(row['frames'])}, bones {row['bone_deg'] or 0.0:.1f}° off"
    if row["slide_after_cm_s"] is not None:
        sentence += f", feet slide {row['slide_after_cm_s']:.1f} cm/s"
    say(chosen.progress, "\n  ".join([sentence + ".", *row["warnings"]]), **row)


def _pose(chosen) -> int:
    from .overlay import write_overlay
    from .pipelines import media_to_keypoints, open_media
    from .pose.export import write_keypoints

    outs = _outputs(chosen, chosen.media, grammar.KEYPOINT_ENDINGS, ".json")
    options, overlay = _options(chosen), _extra(chosen.overlay, chosen, len(chosen.media))

    def see(media, out, report) -> tuple:
        warnings: list = []
        seen = media_to_keypoints(Path(media), options, part(report, 0.0, 0.8 if overlay else 1.0), warnings)
        write_keypoints(out, [seen])
        if overlay:
            write_overlay(overlay, open_media(Path(media), options), [seen], part(report, 0.8, 1.0))
        sentence = "\n  ".join([f"{out}: {_frames(len(seen))} of person {seen.person}.", *warnings])
        return sentence, {"output": str(out), "frames": len(seen), "warnings": warnings}

    return _each(chosen, chosen.media, outs, see)


def _each(chosen, inputs: Sequence[str], outs: list, do: Callable) -> int:
    """One after the other; with several, one that fails does not stop the rest."""
    failed = 0
    for name, out in zip(inputs, outs):
        try:
            with progress(chosen.progress, Path(name).name) as report:
                sentence, values = do(name, out, report)
            say(chosen.progress, sentence, **values)
        except Cancelled:
            raise
        except (PoseloomError, OSError) as error:
            if len(inputs) == 1:
                raise
            failure = of_any(error)
            complain(f"{PROG}: {name}", failure, chosen.progress)
            failed += 1
    if failed:
        say(chosen.progress, f"{len(inputs) - failed} of {len(inputs)} clips done, {failed} failed.", failed=failed)
    return SOME_FAILED if failed else 0


def _told(account: dict, out: Path) -> tuple:
    sentence = f"{out}: {_frames(account['frames'])} at {account['fps']:g} fps (rig: {account['family']})."
    for warning in account["warnings"]:
        sentence += f"\n  {warning}"
    return sentence, account


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"


def _outputs(chosen, inputs, endings, default: str) -> list:
    for name in inputs:
        if not Path(name).exists() and not any(mark in name for mark in "%*?"):
            raise BadInput("no_such_file", f"There is no file {name}.", "Check the path.")
    outs = grammar.outputs(inputs, chosen.out, endings, default, chosen.overwrite)
    sources = {Path(name).resolve() for name in [*inputs, getattr(chosen, "to", "")]}
    for out in outs:
        if out.resolve() in sources:
            raise BadInput("same_file", f"{out} is an input.", "Choose another --out.")
    return outs


def _game(chosen) -> Optional[dict]:
    return {"root_bone": chosen.root_bone, "fps": chosen.fps} if getattr(chosen, "game", False) else None


def _for_games(chosen, character) -> tuple:
    """(the endings that --out may have, the one of files in a folder)."""
    if chosen.root_bone and not chosen.game:
        raise BadInput("bad_usage", "--root-bone belongs to --game.", "Add --game.")
    if chosen.game and character.is_bvh:
        raise BadInput("no_mesh", "A .bvh skeleton cannot be written for games.", "Leave out --game.")
    if chosen.game:
        return grammar.GAME_ENDINGS, grammar.GAME_ENDINGS[0]
    return grammar.ANIMATION_ENDINGS, ".bvh" if character.is_bvh else ".blend"


def _options(chosen):
    from .pipelines import AnimateOptions

    return AnimateOptions(
        estimator=chosen.estimator, person=chosen.person, start=chosen.start, end=chosen.end, fps=chosen.fps,
        height_m=getattr(chosen, "height", None), smooth_hz=getattr(chosen, "smooth_hz", 6.0),
        foot_lock=not getattr(chosen, "no_foot_lock", False),
    )  # fmt: skip


def _extras(chosen, count: int):
    from .pipelines import Extras

    names = {"overlay": ".mp4", "joints": ".npz", "report": ".json"}
    for name, ending in names.items():
        _ending_of(name, getattr(chosen, name, None), ending)
    paths = {name: _extra(getattr(chosen, name, None), chosen, count) for name in names}
    return Extras(**paths, blender=chosen.blender, game=_game(chosen))


def _ending_of(name: str, given: Optional[str], ending: str) -> None:
    if given and Path(given).suffix.lower() != ending:
        raise BadInput("unknown_format", f"--{name} {given} does not end in {ending}.", f"End it in {ending}.")


def _extra(path: Optional[str], chosen, count: int) -> Optional[Path]:
    if path is None:
        return None
    if count > 1:
        raise BadInput("one_file", f"{path} is one file, but there are several inputs.", "Give one input at a time.")
    grammar.check_writable(Path(path), chosen.overwrite)
    return Path(path)


def _serve(chosen) -> int:
    try:
        from .server.app import serve
    except ImportError as error:
        if (error.name or "").startswith("poseloom"):
            raise
        raise BadInput(
            "package_missing",
            f'The backend needs the Python package "{error.name}", which is not installed.',
            install_line("server"),
        ) from error
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the server has its own way to stop
    serve(
        host=chosen.host, port=chosen.port, workers=chosen.workers,
        report_ready=lambda address: print(f"Poseloom listens at {address} (Ctrl+C stops it).", flush=True),
    )  # fmt: skip
    return 0


def _doctor(chosen) -> int:
    from .doctor import examine, tell

    return tell(examine(chosen.blender), as_json=chosen.json)


def _demo(chosen) -> int:
    from .demo import make

    with ExitStack() as stack:

        def stage(title: str):
            stack.close()  # the bar before is done
            return stack.enter_context(progress(chosen.progress, title))

        made = make(Path(chosen.out), preset=chosen.to, blender=chosen.blender, overwrite=chosen.overwrite, stage=stage)
    say(chosen.progress, made.pop("text"), **made)
    return 0


def _jobs(chosen) -> int:
    from .server.store import clean

    done = clean(keep_days=0.0) if chosen.all else clean()
    print(
        f"Removed {done.jobs} jobs and {done.uploads} uploads ({done.freed_bytes / 1e6:.1f} MB); "
        f"{done.kept_bytes / 1e6:.1f} MB stay."
    )
    return 0


def _register(chosen) -> int:
    from .settings import check_command, write_backend_json

    command = check_command(chosen.command or [sys.executable, "-m", "poseloom", "serve"])
    print(f"Blender's Poseloom panel now finds this backend by {write_backend_json(command)}.")
    return 0


DOERS = {
    "animate": _animate,
    "pose": _pose,
    "retarget": _retarget,
    "serve": _serve,
    "doctor": _doctor,
    "demo": _demo,
    "jobs": _jobs,
    "register": _register,
}
