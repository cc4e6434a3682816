"""Little videos whose frames say which one they are, made by PyAV."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

BITS = 10
RED, GREEN, BLUE, WHITE = (230, 30, 30), (30, 200, 30), (30, 30, 230), (240, 240, 240)


def numbered(index: int, width: int = 160, height: int = 96) -> np.ndarray:
    """rgb (height, width, 3) with `index` written as white and black bars."""
    bars = [(index >> bit) & 1 for bit in range(BITS)]
    row = np.repeat(np.array(bars, np.uint8) * 255, width // BITS)
    return np.broadcast_to(row[None, :, None], (height, len(row), 3)).copy()


def number_of(rgb: np.ndarray) -> int:
    """Undoes `numbered` after compression."""
    width = rgb.shape[1] // BITS
    return sum(int(rgb[:, i * width : (i + 1) * width].mean() > 127) << i for i in range(BITS))


def corners(width: int = 64, height: int = 32) -> np.ndarray:
    """Red, green / blue, white: a picture that shows which side is up."""
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[: height // 2, : width // 2], rgb[: height // 2, width // 2 :] = RED, GREEN
    rgb[height // 2 :, : width // 2], rgb[height // 2 :, width // 2 :] = BLUE, WHITE
    return rgb


def write(path: Path, pictures, fps=30, times_ms=None, codec="libx264", rotation=None, hflip=False, **options) -> Path:
    """Encode pictures (H,W,3); `times_ms` gives every frame a time of its own, in whole milliseconds."""
    import av

    muxing = {k: str(v) for k, v in options.items() if k == "movflags"}
    with av.open(str(path), "w", options=muxing) as container:
        stream = None
        for i, rgb in enumerate(pictures):
            if stream is None:
                stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
                stream.width, stream.height, stream.pix_fmt = rgb.shape[1], rgb.shape[0], "yuv420p"
                stream.options = {k: str(v) for k, v in options.items() if k not in muxing}
                if times_ms is not None:
                    stream.codec_context.time_base = Fraction(1, 1000)
                if rotation is not None:
                    stream.set_display_rotation(rotation, hflip=hflip)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            if times_ms is not None:
                frame.pts, frame.time_base = int(times_ms[i]), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: Path, seconds: float = 0.5) -> Path:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        for start in range(0, int(44100 * seconds), 1024):
            tone = np.sin(np.arange(start, start + 1024) * 0.06, dtype=np.float32)[None]
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            frame.rate, frame.pts = 44100, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
