"""Clips in the sequencer."""

from __future__ import annotations

from pathlib import Path

import bpy
from poseloom.errors import BadInput

from .. import compat


def add_movie(scene, path, *, start_frame: int, fps: float | None = None, stored: str | None = None):
    """The clip at `path` as a movie strip from `start_frame` on, on a channel that is free there.

    `stored` is the path to write into the file ("//clip.mp4"), by default relative to the file
    where it has been saved.  Where the clip's rate (`fps`, else
    the file's own) is not the scene's, a speed strip above keeps it in time with the animation.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput("no_such_file", f"There is no clip at {path}.")
    editor = scene.sequence_editor or scene.sequence_editor_create()
    collection = compat.strips(editor)
    strip = collection.new_movie(
        name=path.stem, filepath=stored_path(path), channel=_top(editor) + 1, frame_start=start_frame
    )
    rate = (fps or strip.fps or 0.0) / (scene.render.fps / scene.render.fps_base)
    if rate > 0.0 and abs(rate - 1.0) > 1e-3:
        first, end = compat.strip_range(strip)
        compat.end_strip_at(strip, first + max(1, round((end - first) / rate)))
        speed = compat.new_speed_strip(editor, strip, strip.channel + 1)
        speed.speed_control, speed.speed_factor = "MULTIPLY", rate
    if stored is not None:
        strip.filepath = stored
    return strip


def stored_path(path: Path) -> str:
    """Relative to the .blend where there is one on the same drive, else absolute."""
    absolute = str(path.resolve())
    if not bpy.data.filepath:
        return absolute
    try:
        return bpy.path.relpath(absolute)
    except ValueError:  # another drive
        return absolute


def _top(editor) -> int:
    return max((strip.channel for strip in compat.strips(editor)), default=0)
