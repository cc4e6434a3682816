"""Clips in the sequencer."""

from __future__ import annotations

from pathlib import Path

import bpy
from poseloom.errors import BadInput

from .. import compat

MADE = "poseloom"  # custom properties of strips that we made begin so
_CHANNELS = 128

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


def add_sound(scene, path, *, first: int, end: int, start_s: float = 0.0):
    """The sound of the clip at `path` as a strip over the frames from `first` to before `end`, on the lowest free channel.

    At `first` it sounds what the clip does at `start_s`, to the nearest frame.  BadInput where it has no sound.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput("no_such_file", f"There is no clip at {path}.", "Is it on another disk now?")
    if not bpy.app.build_options.audaspace:
        raise BadInput("no_audio", "This Blender was built without sound.", "Use one from blender.org.")
    editor = scene.sequence_editor or scene.sequence_editor_create()
    channel = _free_channel(editor, [(first, end)])
    begin = first - round(start_s * scene.render.fps / scene.render.fps_base)
    sounds, strip = set(bpy.data.sounds), None
    try:
        strip = compat.strips(editor).new_sound(name=path.stem, filepath=stored_path(path), channel=channel, frame_start=begin)
    except RuntimeError:  # as Blender says of a file without sound
        pass
    if strip is None or compat.strip_range(strip)[1] <= first:
        if strip is not None:
            compat.strips(editor).remove(strip)
        for sound in set(bpy.data.sounds) - sounds:
            bpy.data.sounds.remove(sound)
        raise BadInput("no_sound", f"{path.name} has no sound there.", "Choose another clip.")
    compat.begin_strip_at(strip, first)
    if compat.strip_range(strip)[1] > end:
        compat.end_strip_at(strip, end)
    return strip


def add_frames(scene, stretches, *, every: int, name: str, made=None) -> list:
    """Finished frames as image strips, one for each stretch, all on the lowest channel that is free and unlocked there.

    stretches: [[(frame, path), ...], ...]; each picture is held for `every` frames.  `made` {what: text}, how they came
    to be, becomes custom properties of the strips.  BadInput where a picture is missing or every channel is locked or
    full; then nothing is added.
    """
    for path in (Path(path) for stretch in stretches for _, path in stretch):
        if not path.is_file():
            raise BadInput("no_such_file", f"There is no frame {path}.", "Render it again.")
    editor = scene.sequence_editor or scene.sequence_editor_create()
    spans = [(stretch[0][0], stretch[-1][0] + every) for stretch in stretches]
    channel = _free_channel(editor, spans)
    collection, strips = compat.strips(editor), []
    for stretch, (start, end) in zip(stretches, spans):
        paths = [Path(path) for _, path in stretch for _ in range(every)]
        strip = collection.new_image(
            name=name, filepath=stored_path(paths[0]), channel=channel, frame_start=start, fit_method="FIT"
        )
        for path in paths[1:]:
            strip.elements.append(path.name)
        compat.end_strip_at(strip, end)
        if hasattr(strip, "color_tag"):
            strip.color_tag = "COLOR_06"
        for key, text in (made or {}).items():
            strip[f"{MADE}_{key}"] = str(text)
        strips.append(strip)
    return strips


def _free_channel(editor, spans) -> int:
    """The lowest channel, above all strips that are there now, on which nothing is in these frames."""
    channels = editor.channels
    taken = {strip.channel for strip in compat.strips(editor) if any(_meet(compat.strip_range(strip), span) for span in spans)}
    over = max(taken, default=0)
    for channel in [*range(over + 1, _CHANNELS + 1), *range(over, 0, -1)]:
        if channel not in taken and not (channel < len(channels) and channels[channel].lock):
            return channel
    raise BadInput(
        "no_channel", "Every channel of the sequencer is locked or full at these frames.",
        "Unlock a channel, or move strips out of the way.",
    )  # fmt: skip


def _meet(a, b) -> bool:
    return a[0] < b[1] and b[0] < a[1]


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
