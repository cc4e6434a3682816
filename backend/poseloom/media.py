"""Video and pictures in and out, one frame in memory at a time.

A clip runs on an exact clock: frame k stands at `start_s + k / fps`, and shows the source frame
nearest to that moment.  So a phone's variable frame rate does not drift, and `fps` resamples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Iterable, Iterator, Optional

import numpy as np

from .decode import PictureSource, VideoSource, load_av, pictures_of
from .errors import BadInput

# at most this much of a frame's length may lie before the end for the frame still to count
_SLIVER = 0.25


@dataclass(frozen=True)
class Frame:
    """One tick: index from 0 in the clip, time_s in the source, rgb uint8 (H,W,3) sRGB, upright."""

    index: int
    time_s: float
    rgb: np.ndarray


class Clip:
    """A stretch of a video or of pictures, read by iterating; each iteration reads it anew.

    size (width, height) as seen upright; fps exact; start_s and end_s (None: to the end) in
    the source, counted from its first frame; frame_count is an estimate (None: unknown).
    After an iteration `warnings` holds sentences on what could not be read.
    """

    def __init__(self, source, start_s: float, end_s: Optional[float], fps: float):
        self.source = source
        self.path: Path = source.path
        self.size: tuple = source.size
        self.fps = fps
        self.start_s = start_s
        self.end_s = end_s
        self.warnings: list[str] = []
        ends = [s for s in (end_s, source.duration_s) if s is not None]
        self.frame_count = max(1, int((min(ends) - start_s) * fps + 1.0 - _SLIVER)) if ends else None

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order.  BadInput where nothing at all can be decoded."""
        self.warnings = []
        held = self.source.frames(self.start_s, self.end_s, self.warnings)
        shown, rgb = None, None
        index = -1
        for index, (time_s, picture) in enumerate(on_clock(held, self.start_s, self.end_s, self.fps)):
            if picture is not shown:
                shown, rgb = picture, self.source.rgb(picture)
            yield Frame(index, time_s, rgb)
        if index < 0:
            raise BadInput(
                "empty_range",
                f"{self.path.name} has no frame from {self.start_s:g} s on.",
                "Choose an earlier start.",
            )


def open_clip(path, start: Optional[str] = None, end: Optional[str] = None, fps: Optional[float] = None) -> Clip:
    """The clip in a video, a picture, a folder of pictures or a pattern (`shot_%04d.png`, `shot_*.png`).

    start (the first taken) and end (the first not taken) are "12", a frame of the source from 0,
    or "1.5s".  fps resamples a video, and is the rate at which pictures play (24 if None).
    BadInput says what is wrong with the file or the times; Unavailable where PyAV is missing.
    """
    path = Path(path)
    if fps is not None and not 0.0 < fps <= 1000.0:
        raise BadInput("bad_fps", f"A frame rate of {fps:g} makes no sense.", "Give one above 0, such as 24 or 29.97.")
    pictures = pictures_of(path)
    source = PictureSource(path, pictures, fps or 24.0) if pictures else VideoSource(path)
    start_s = 0.0 if start is None else parse_time(start, source.rate)
    end_s = None if end is None else parse_time(end, source.rate)
    # onto a source frame: halfway between two, neighbouring ticks would see one frame twice and miss one
    start_s = round(start_s * source.rate) / source.rate
    if end_s is not None and end_s - start_s < 0.5 / source.rate:
        raise BadInput(
            "empty_range",
            f"The end ({end}) does not come after the start ({start or 0}).",
            "Give an end that is later than the start.",
        )
    if source.duration_s is not None and start_s > source.duration_s - 0.5 / source.rate:
        raise BadInput(
            "empty_range",
            f"The start ({start}) lies beyond the end of {path.name}, which is {source.duration_s:.2f} s long.",
            "Choose an earlier start.",
        )
    return Clip(source, start_s, end_s, float(fps or source.rate))


def parse_time(text, fps: float) -> float:
    """Seconds of "12" (frame 12 of `fps`, counted from 0) or of "1.5s"."""
    match = re.fullmatch(r"(\d+)|(\d+(?:\.\d*)?|\.\d+)s", str(text).strip())
    if not match:
        raise BadInput("bad_time", f'"{text}" is no time.', 'Write a frame such as "12", or seconds such as "1.5s".')
    return int(match[1]) / fps if match[1] else float(match[2])


def on_clock(held: Iterable, start_s: float, end_s: Optional[float], fps: float) -> Iterator[tuple]:
    """The payload nearest to each tick: (time_s, payload) for start_s, start_s + 1/fps, ...

    `held` yields (time_s, length_s, payload) in order of time.  The last tick lies before the
    end of the last payload, and before `end_s` where that is given.
    """
    tick = 0
    before = None
    for item in held:
        if before is not None:
            middle = (before[0] + item[0]) / 2.0
            while (time_s := start_s + tick / fps) <= middle:
                if end_s is not None and time_s > end_s - _SLIVER / fps:
                    return
                yield time_s, before[2]
                tick += 1
        before = item
    if before is None:
        return
    last_s = before[0] + before[1] - _SLIVER * min(before[1], 1.0 / fps)
    while (time_s := start_s + tick / fps) < last_s:
        if end_s is not None and time_s > end_s - _SLIVER / fps:
            return
        yield time_s, before[2]
        tick += 1


def write_video(path, frames: Iterable[np.ndarray], fps: float) -> Path:
    """Write rgb uint8 (H,W,3) frames of one size as H.264 that every player shows; returns the path.

    Sides of an odd length lose a pixel (yuv420p needs even ones).  The file stands under its
    name only when whole.
    """
    path = Path(path)
    formats = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
    if path.suffix.lower() not in formats:
        raise BadInput("bad_ending", f"Video cannot be written as {path.name}.", "Choose a name that ends in .mp4.")
    av = load_av()
    partial = path.with_name(path.name + ".part")
    try:
        with av.open(str(partial), "w", format=formats[path.suffix.lower()]) as container:
            stream = None
            for rgb in frames:
                height, width = (n - n % 2 for n in rgb.shape[:2])
                if stream is None:
                    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
                    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                    stream.options = {"crf": "20", "preset": "veryfast"}
                    stream.codec_context.colorspace = stream.codec_context.color_primaries = 1
                    stream.codec_context.color_trc = 1
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb[:height, :width]), format="rgb24")
                picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709")
                container.mux(stream.encode(picture))
            if stream is None:
                raise BadInput("no_frames", f"There is no frame to write to {path.name}.", "Give a clip with frames.")
            container.mux(stream.encode())
        partial.replace(path)
    except OSError as error:
        raise BadInput(
            "cannot_write",
            f"{path} cannot be written ({error.strerror or error}).",
            "Choose a folder that exists, may be written to and has space left.",
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return path
