"""`retarget`: one clip, or many into a folder."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from .. import chains, formats, paths
from ..errors import BadInput, rebuilt
from ..terminal import complain, progress, say
from .run import PROG, SOME_FAILED, character_of, each, ending_of, extras_of, for_games, frames, game_of, outputs, told


def retarget(chosen) -> int:
    from .. import pipelines
    from ..takes import Taken, unpack

    character = character_of(chosen)
    endings, default = for_games(chosen, character)
    out = Path(chosen.out)
    clips = paths.find_clips(chosen.clips, without=out if out.is_dir() else None)
    reading = reading_of(chosen)
    chains.check_readable((clip for clip, _ in clips), reading)
    many = chosen.format or chosen.jobs or chosen.resume or chosen.cluster
    many = many or len(clips) > 1 or any(not Path(word).is_file() for word in chosen.clips)
    with tempfile.TemporaryDirectory(prefix="poseloom-") as folder:
        taken = Taken(clips)
        if any(clip.suffix.lower() in formats.TAKES_ENDINGS for clip, _ in clips):
            with progress(chosen.progress, "reading") as report:
                taken = unpack(clips, Path(folder), chosen.blender, reading, report)
        if many or len(taken.clips) > 1:
            return _batch(chosen, taken, character)
        taken.check()
        outs = outputs(chosen, chosen.clips, endings, default)
        extras = extras_of(chosen, 1)
        return each(chosen, [str(taken.clips[0][0])], outs, lambda clip, out, report: told(pipelines.retarget(
            Path(clip), character, out, start=chosen.start, end=chosen.end, fps=chosen.fps, reading=reading,
            extras=extras, report=report,
        ), out))  # fmt: skip


def reading_of(chosen):
    return chains.Reading(chosen.up, chosen.front, chosen.unit, chosen.clip_rest)


def _batch(chosen, taken, character) -> int:
    """All clips into a folder; one that fails does not stop the rest."""
    from .. import sheet
    from ..batch import Batch, Options

    if Path(chosen.out).exists() and not Path(chosen.out).is_dir():
        raise BadInput("not_a_folder", f"--out {chosen.out} is a file, but clips go into a folder.", "Give a folder.")
    if chosen.joints:
        raise BadInput("one_file", f"{chosen.joints} is one file, but there are several inputs.", "Give one input.")
    if chosen.report:
        ending_of("report", chosen.report, ".json")
        for report in (Path(chosen.report), Path(chosen.report).with_suffix(".html")):
            paths.check_writable(report, chosen.overwrite or chosen.resume)
    began = time.perf_counter()
    endings, default = for_games(chosen, character)
    ending = f".{chosen.format}" if chosen.format else default
    if ending not in endings:
        raise BadInput("unknown_format", f"--game cannot write {ending}.", f"Choose {' or '.join(endings)}.")
    options = Options(
        start=chosen.start, end=chosen.end, fps=chosen.fps, resume=chosen.resume, overwrite=chosen.overwrite,
        jobs=chosen.jobs, blender=chosen.blender, cluster=chosen.cluster,
        game=game_of(chosen), reading=reading_of(chosen),
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
    sentence = f"{row['output']}: {frames(row['frames'])}, bones {row['bone_deg'] or 0.0:.1f}° off"
    if row["slide_after_cm_s"] is not None:
        sentence += f", feet slide {row['slide_after_cm_s']:.1f} cm/s"
    say(chosen.progress, "\n  ".join([sentence + ".", *row["warnings"]]), **row)
