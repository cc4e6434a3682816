"""`inbetween`, `retime` and `library`: between key poses, after them, and the clips that show the way."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .. import betweening, formats, paths
from ..errors import BadInput, Cancelled, PoseloomError
from ..inbetween import collection, easing
from ..terminal import complain, progress, say
from .run import PROG, SOME_FAILED, each, outputs, told


def inbetween(chosen) -> int:
    options = betweening.FillOptions(
        _curves(chosen.ease), chosen.strength, not chosen.no_feet, *_tcb(chosen.tcb)
    )
    how = betweening.How(
        method=chosen.method, keys=_words(chosen.keys), bones=_words(chosen.bones), candidate=chosen.candidate,
        onward=chosen.onward or 0, model=chosen.model or "",
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
        clips = _readable(chosen, [chosen.clip, *(chosen.library or ())], Path(folder))
        follow = None if chosen.library is None else clips[1:]
        return _one(chosen, clips[0], lambda clip, out, report: betweening.inbetween(
            clip, out, how, options, follow, _target(chosen), report
        ))  # fmt: skip


def retime(chosen) -> int:
    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
        clips = _readable(chosen, [chosen.clip, chosen.like], Path(folder))
        return _one(chosen, clips[0], lambda clip, out, report: betweening.retime(
            clip, out, clips[1][0], _words(chosen.keys), _target(chosen), report
        ))  # fmt: skip


def library(chosen) -> int:
    return {"add": _add, "list": _list, "remove": _remove}[chosen.action](chosen)


def _add(chosen) -> int:
    from ..chains import Reading, read_clip
    from ..takes import unpack

    found, failed = paths.find_clips(chosen.clips), 0
    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder, progress(chosen.progress, "clips") as report:
        taken = unpack(found, Path(folder), chosen.blender, Reading(), report)
        if len(taken.clips) == 1:
            taken.check()
        for clip, place in taken.clips:
            try:
                if clip in taken.refused:
                    raise taken.refused[clip]
                entry = collection.add(read_clip(clip)[0], place.as_posix())
                say(chosen.progress, f"{entry.name}: {entry.seconds:.1f} s.", name=entry.name, seconds=entry.seconds)
            except Cancelled:
                raise
            except PoseloomError as error:
                failed += 1
                if len(taken.clips) == 1:
                    raise
                complain(f"{PROG}: {taken.shown.get(clip, clip)}", error, chosen.progress)
    done = len(taken.clips) - failed
    say(chosen.progress, f"{done} of {len(taken.clips)} clips are in the library now.", added=done, failed=failed)
    return SOME_FAILED if failed else 0


def _list(chosen) -> int:
    entries = collection.entries()
    for entry in entries:
        print(f"{entry.seconds:7.1f} s  {entry.name}")
    print(f"{len(entries)} clips, {sum(e.seconds for e in entries) / 60.0:.1f} minutes, in {collection.folder()}.")
    return 0


def _remove(chosen) -> int:
    if bool(chosen.names) == chosen.all:
        raise BadInput("bad_usage", "Name the clips to remove, or give --all.", "See poseloom library remove --help.")
    print(f"{len(collection.remove(chosen.names))} clips are removed.")
    return 0


def _one(chosen, clip: tuple, do) -> int:
    endings = tuple(dict.fromkeys((*formats.CLIP_ENDINGS, *formats.ANIMATION_ENDINGS)))
    outs = outputs(chosen, [chosen.clip], endings, ".bvh") if chosen.to is None else outputs(
        chosen, [chosen.clip], formats.ANIMATION_ENDINGS, ".blend"
    )  # fmt: skip
    if chosen.to is None and outs[0].suffix.lower() not in formats.CLIP_ENDINGS:
        raise BadInput(
            "no_character", f"{outs[0].name} needs a character.",
            f"Add --to, or end --out in {', '.join(formats.CLIP_ENDINGS)}.",
        )  # fmt: skip
    return each(chosen, [chosen.clip], outs, lambda _, out, report: told(do(clip[0], out, report), out))


def _target(chosen):
    from ..pipelines import Character, Extras

    character = None if chosen.to is None else Character.named(chosen.to, chosen.armature)
    return betweening.Target(character, Extras(blender=chosen.blender))


def _readable(chosen, words, folder: Path) -> list:
    """[(clip, name), ...] of the words, takes of other programs' files unpacked; the first word must be one clip."""
    from ..chains import Reading
    from ..takes import unpack

    if not Path(words[0]).is_file():
        raise BadInput("no_such_file", f"There is no file {words[0]}.", "Check the path.")
    found = [(Path(words[0]), Path(Path(words[0]).stem)), *(paths.find_clips(words[1:]) if words[1:] else ())]
    if not any(clip.suffix.lower() in formats.TAKES_ENDINGS for clip, _ in found):
        return found
    with progress(chosen.progress, "reading") as report:
        taken = unpack(found, folder, chosen.blender, Reading(), report)
    taken.check()
    if len(taken.clips) > len(found) and found[0][0].suffix.lower() in formats.TAKES_ENDINGS:
        if sum(str(taken.shown.get(clip, "")).startswith(str(found[0][0])) for clip, _ in taken.clips) > 1:
            raise BadInput("several_takes", f"{found[0][0].name} holds several takes.", "Export the one that is meant.")
    return taken.clips


def _words(text) -> tuple:
    return () if text is None else tuple(word.strip() for word in text.split(",") if word.strip())


def _tcb(text) -> list:
    """[tension, continuity, bias]; BadInput where these are no three numbers from -1 to 1."""
    try:
        numbers = [float(word) for word in _words(text or "0,0,0")]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or not all(-1.0 <= number <= 1.0 for number in numbers):
        raise BadInput("bad_option", f'"{text}" is no tension, continuity and bias.', "Give three numbers: 0.5,0,0.")
    return numbers


def _curves(text) -> tuple:
    return tuple(easing.curve(word) for word in _words(text))
