"""What `media` reads from: a video file, or pictures; upright, streamed, with clear errors."""

from __future__ import annotations

import re
import struct
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, Optional

import numpy as np

from . import cores
from .errors import BadInput
from .formats import PICTURE_ENDINGS
from .registry import package

HEIC = {".heic", ".heif"}
_BEHIND = 128  # the grey that is seen where a picture is transparent
_EXPORT_AGAIN = "Copy or export it again."
_VIDEO_HINT = "Give a video such as .mp4, .mov, .mkv or .webm, a picture, or a folder of pictures."


def load_av():
    """The PyAV package, or Unavailable with the way out."""
    return package("av", "Reading and writing video", "pose")


def pictures_of(path: Path) -> list[Path]:
    """The pictures that `path` names, in natural order; none where it is a video file.

    `path` is a picture, a folder, or a pattern in its last part: `%04d` or `*` and `?`.
    """
    if path.is_file():
        return [path] if path.suffix.lower() in PICTURE_ENDINGS else []
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in PICTURE_ENDINGS and p.is_file()]
        if not found:
            raise BadInput("no_pictures", f"The folder {path} holds no pictures.", _VIDEO_HINT)
    elif re.search(r"%0?\d*d|[*?]", path.name):
        pattern = re.escape(path.name)
        pattern = re.sub(r"%0?\d*d", r"\\d+", pattern).replace(r"\*", ".*").replace(r"\?", ".")
        files = path.parent.iterdir() if path.parent.is_dir() else ()
        found = [p for p in files if re.fullmatch(pattern, p.name) and p.suffix.lower() in PICTURE_ENDINGS]
        if not found:
            raise BadInput("no_pictures", f"No picture matches {path}.", "Check the folder and the pattern.")
    else:
        raise BadInput("no_file", f"There is no file {path}.", "Check the path.")
    return sorted(found, key=lambda p: [int(s) if s.isdigit() else s.lower() for s in re.split(r"(\d+)", p.name)])


class VideoSource:
    """A video file: size (width, height) upright, rate in frames a second, duration_s or None."""

    def __init__(self, path: Path):
        self.path = path
        self.files = [path]
        with _opened(path) as (container, stream):
            first = next(_decoded(container, stream, []), None)
            if first is None:
                raise BadInput(
                    "nothing_decoded",
                    f"No frame of {path.name} can be decoded; the file is damaged or cut off.",
                    _EXPORT_AGAIN,
                )
            self.rate = _rate(stream)
            self.duration_s = None
            if stream.duration:
                self.duration_s = float(stream.duration * stream.time_base)
            elif container.duration:
                self.duration_s = container.duration / 1e6
            self._cut_off = _reaches_beyond(stream, path.stat().st_size)
            self._first_pts = first.pts or 0
            self._turn = _turn(first)
            self._stored = round(first.width * (stream.sample_aspect_ratio or 1)), first.height
            self._converter = load_av().video.reformatter.VideoReformatter()  # one a frame costs 4 ms a frame
            self.size = self.rgb(first).shape[1::-1]

    def rgb(self, frame) -> np.ndarray:
        """uint8 (H,W,3), upright, square pixels, in the size of the first frame."""
        width, height = self._stored
        # several threads gain less than they cost where the estimator computes on the other cores
        picture = self._converter.reformat(frame, width=width, height=height, format="rgb24", threads=1)
        return _upright(picture.to_ndarray(), self._turn)

    def frames(self, start_s: float, end_s: Optional[float], warnings: list) -> Iterator[tuple]:
        """(time_s from the first frame, length_s, frame), from at or before start_s to past end_s."""
        period = 1.0 / self.rate
        with _opened(self.path) as (container, stream):
            sought = start_s > 1.0
            if sought:
                with suppress(load_av().error.FFmpegError):  # a bare stream has no index to seek by
                    container.seek(self._first_pts + int((start_s - period) / stream.time_base), stream=stream)
            time_s = None
            for frame in _decoded(container, stream, warnings):
                now_s = None if frame.pts is None else float((frame.pts - self._first_pts) * stream.time_base)
                if time_s is None and sought and (now_s is None or now_s > start_s + period / 2.0):
                    break  # this container seeks badly
                if time_s is not None and (now_s is None or now_s <= time_s):
                    now_s = time_s + period
                time_s = now_s or 0.0
                yield time_s, max(float((frame.duration or 0) * stream.time_base), period), frame
                if end_s is not None and time_s > end_s:
                    return
            if time_s is not None:
                self._warn_if_cut_off(time_s + period, warnings)
                return
        if not sought:
            raise BadInput("nothing_decoded", f"No frame of {self.path.name} can be decoded.", _EXPORT_AGAIN)
        yield from self.frames(0.0, end_s, warnings)

    def _warn_if_cut_off(self, end_s: float, warnings: list) -> None:
        # without an index there is only the promised length, which may be that of the sound
        slack_s = 0.0 if self._cut_off else 1.0
        if self._cut_off is not False and self.duration_s is not None and end_s < self.duration_s - slack_s:
            warnings.append(
                f"{self.path.name} is cut off: {end_s:.2f} s of the {self.duration_s:.2f} s it promises can be read."
            )


class PictureSource:
    """Pictures of one size that follow each other at `rate`."""

    def __init__(self, path: Path, pictures: list, rate: float):
        self.path = path
        self.pictures = self.files = pictures
        self.rate = rate
        self.duration_s = len(pictures) / rate
        self.size = None
        self.size = self.rgb(pictures[0]).shape[1::-1]

    def rgb(self, picture: Path) -> np.ndarray:
        """uint8 (H,W,3), turned as its EXIF orientation says; grey shows through what is transparent."""
        rgb = _of_heic(picture) if picture.suffix.lower() in HEIC else _of_picture(picture)
        if self.size not in (None, rgb.shape[1::-1]):
            raise BadInput(
                "sizes_differ",
                f"{picture.name} is {rgb.shape[1]} x {rgb.shape[0]} pixels, "
                f"but the first picture of {self.path.name} is {self.size[0]} x {self.size[1]}.",
                "Bring all pictures to one size, or give them one by one.",
            )
        return rgb

    def frames(self, start_s: float, end_s: Optional[float], warnings: list) -> Iterator[tuple]:
        for i, picture in enumerate(self.pictures):
            if i >= round(start_s * self.rate):
                yield i / self.rate, 1.0 / self.rate, picture


def _of_picture(picture: Path) -> np.ndarray:
    with _opened(picture) as (container, stream):
        frame = next(_decoded(container, stream, []), None)
        if frame is None:
            raise BadInput("nothing_decoded", f"The picture {picture.name} is damaged.", _EXPORT_AGAIN)
        # the colours of a palette may be transparent too
        clear = any(c.is_alpha for c in frame.format.components) or frame.format.name == "pal8"
        pixels = frame.to_ndarray(format="rgba" if clear else "rgb24")
        return _upright(_over_grey(pixels) if clear else pixels, _exif_turn(picture) or _turn(frame))


def _over_grey(rgba: np.ndarray) -> np.ndarray:
    share = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * share + _BEHIND * (255 - share) + 127) // 255).astype(np.uint8)


def _of_heic(picture: Path) -> np.ndarray:
    """By Pillow's plug-in, which turns it upright itself."""
    try:
        import pillow_heif
    except ImportError as error:
        raise BadInput(
            "no_heic", f"{picture.name} is a HEIC picture, which needs pillow-heif, and that is not installed.",
            "Install it (pip install pillow-heif), or export the picture as JPEG.",
        ) from error
    try:
        image = pillow_heif.open_heif(picture, convert_hdr_to_8bit=True).to_pillow()
    except (ValueError, OSError, SyntaxError, RuntimeError) as error:
        raise BadInput("not_a_video", f"{picture.name} is not a picture that can be read.", _EXPORT_AGAIN) from error
    return _over_grey(np.asarray(image.convert("RGBA")))


@contextmanager
def _opened(path: Path):
    """(container, video stream); BadInput for what is no video or holds none."""
    av = load_av()
    try:
        # through a file object: a name is never taken for a pattern or an address
        with path.open("rb") as file:
            if not file.read(1):
                raise BadInput("empty_file", f"{path.name} is empty.", _EXPORT_AGAIN)
            file.seek(0)
            # a playlist inside may name other files; none of them is fetched from a network
            with av.open(file, container_options={"protocol_whitelist": "file"}) as container:
                streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
                if not streams:
                    what = "only sound" if container.streams.audio else "no pictures"
                    raise BadInput("no_video", f"{path.name} holds {what}.", _VIDEO_HINT)
                stream = streams[0]
                if stream.codec_context is not None:  # nothing of it can be decoded then
                    stream.thread_type, stream.codec_context.thread_count = "AUTO", cores.mine()
                yield container, stream
    except av.error.FFmpegError as error:
        if _is_cut_mp4(path):
            message = f"{path.name} is cut off: the index at its end is missing, so nothing can be read."
            raise BadInput("truncated_video", message, _EXPORT_AGAIN) from error
        if isinstance(error, (av.error.InvalidDataError, av.error.EOFError)):
            raise BadInput("not_a_video", f"{path.name} is not a video or picture.", _VIDEO_HINT) from error
        raise BadInput("not_a_video", f"{path.name} cannot be read ({error.strerror}).", _VIDEO_HINT) from error
    except OSError as error:
        raise BadInput("cannot_read", f"{path} cannot be read ({error.strerror}).", "Check the path.") from error


def _decoded(container, stream, warnings: list) -> Iterator:
    """Frames in order of display; damaged ones are left out and counted in a warning."""
    av = load_av()
    packets = container.demux(stream)
    damaged, over = 0, False
    try:
        while not over:
            try:
                packet = next(packets, None)
                over = packet is None
                frames = () if over else packet.decode()
                damaged += not over and packet.is_corrupt
            except (av.error.InvalidDataError, av.error.EOFError):
                damaged += 1
                over = damaged > 1000
                continue
            for frame in frames:
                if frame.is_corrupt:
                    damaged += 1
                else:
                    yield frame
    finally:
        if damaged:
            warnings.append(f"{damaged} damaged piece{'s' * (damaged > 1)} of {Path(container.name).name} left out.")


def _reaches_beyond(stream, file_bytes: int) -> Optional[bool]:
    """Whether the index names bytes that the file does not have; None where sizes are not indexed."""
    ends = [entry.pos + entry.size for entry in stream.index_entries if entry.size]
    return max(ends) > file_bytes if ends else None


def _rate(stream) -> float:
    """The frame rate that the stream was made for; its average where that guess is wild."""
    average, guessed = stream.average_rate, stream.guessed_rate
    if average and guessed and guessed > 1.5 * average:
        guessed = None
    return float(guessed or average or 25)


def _turn(frame) -> tuple:
    """(swap axes, flip left-right, flip up-down) that make the stored frame upright."""
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # PyAV 18 stumbles over side data it does not know, such as EXIF
        return _EXIF_TURNS[(1, 8, 3, 6)[round(frame.rotation / 90) % 4]]
    if matrix is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5]  # x' = a x + c y, y' = b x + d y, y down
    if abs(b) > abs(a):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


# EXIF orientation: (swap axes, flip left-right, flip up-down)
_EXIF_TURNS = {
    1: (False, False, False), 2: (False, True, False), 3: (False, True, True), 4: (False, False, True),
    5: (True, False, False), 6: (True, True, False), 7: (True, True, True), 8: (True, False, True),
}  # fmt: skip


def _exif_turn(picture: Path):
    """The turn of a picture's EXIF orientation, None without one; PyAV cannot tell a mirrored one."""
    with picture.open("rb") as file:
        head = file.read(1 << 18)
    for mark, order in ((b"II*\0", "<"), (b"MM\0*", ">")):
        start = head.find(mark)
        if start < 0:
            continue
        try:
            (first,) = struct.unpack_from(order + "I", head, start + 4)
            (count,) = struct.unpack_from(order + "H", head, start + first)
            for i in range(count):
                tag, kind, _, value = struct.unpack_from(order + "HHIH", head, start + first + 2 + 12 * i)
                if (tag, kind) == (0x0112, 3):
                    return _EXIF_TURNS.get(value)
        except struct.error:  # chance bytes that look like a header
            continue
    return None


def _upright(rgb: np.ndarray, turn: tuple) -> np.ndarray:
    swap, flip_x, flip_y = turn
    if swap:
        rgb = rgb.swapaxes(0, 1)
    return np.ascontiguousarray(rgb[:: -1 if flip_y else 1, :: -1 if flip_x else 1])


def _is_cut_mp4(path: Path) -> bool:
    """Whether it is an MP4 one of whose boxes reaches beyond its end, or that has no index."""
    size, at, kinds = path.stat().st_size, 0, []
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            head = file.read(16)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            # 1: the length follows in 8 bytes; 0: to the end
            length = {0: size - at, 1: int.from_bytes(head[8:], "big")}.get(length, length)
            if kind not in _MP4_BOXES or length < 8:
                break
            kinds.append(kind)
            at += length
    return bool(kinds) and (at > size or b"moov" not in kinds)


_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"uuid", b"meta")
