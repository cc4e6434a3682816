"""PNG files of 8 and 16 bit with words in them, written whole or not at all, and read back; without any package."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Mapping

import numpy as np

from ..errors import BadInput
from .files import write_bytes

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY, _RGB = 0, 2


def write(path, picture: np.ndarray, words: Mapping[str, str] = {}) -> None:
    """A picture (H,W) or (H,W,3) of uint8 or uint16; `words` become its text entries.  OSError where it cannot be written."""
    picture = np.asarray(picture)
    big = np.ascontiguousarray(picture).astype(picture.dtype.newbyteorder(">"))
    high, wide = picture.shape[:2]
    raw = np.zeros((high, 1 + big.nbytes // high), np.uint8)  # each row begins with its filter: 0, none
    raw[:, 1:] = big.view(np.uint8).reshape(high, -1)
    head = struct.pack(">IIBBBBB", wide, high, 8 * picture.itemsize, _GRAY if picture.ndim == 2 else _RGB, 0, 0, 0)
    chunks = [_chunk(b"IHDR", head)]
    chunks += [_chunk(b"iTXt", k.encode("latin-1") + b"\0\0\0\0\0" + v.encode()) for k, v in words.items()]
    chunks += [_chunk(b"IDAT", zlib.compress(raw.tobytes(), 3)), _chunk(b"IEND", b"")]
    write_bytes(Path(path), _SIGNATURE + b"".join(chunks))


def read(path) -> np.ndarray:
    """What `write` wrote; BadInput for files of other programs that use more of the format."""
    head, data = None, []
    for kind, body in _chunks(Path(path)):
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            data.append(body)
    if head is None or head[3] not in (_GRAY, _RGB) or head[2] not in (8, 16) or head[6]:
        raise _other(path)
    wide, high, bits, kind = head[:4]
    try:
        rows = np.frombuffer(zlib.decompress(b"".join(data)), np.uint8).reshape(high, -1)
    except (zlib.error, ValueError) as error:
        raise _other(path) from error
    if rows[:, 0].any():
        raise _other(path)
    shape = (high, wide) if kind == _GRAY else (high, wide, 3)
    values = np.ascontiguousarray(rows[:, 1:]).view(np.uint8 if bits == 8 else ">u2")
    return values.reshape(shape).astype(np.uint8 if bits == 8 else np.uint16)


def words(path) -> dict:
    """{name: text} of the text entries that are not compressed."""
    found = {}
    for kind, body in _chunks(Path(path)):
        if kind == b"tEXt":
            name, _, text = body.partition(b"\0")
            found[name.decode("latin-1")] = text.decode("latin-1")
        elif kind == b"iTXt":
            name, _, rest = body.partition(b"\0")
            if rest[:1] == b"\0":
                found[name.decode("latin-1")] = rest[2:].split(b"\0", 2)[2].decode("utf-8", "replace")
    return found


def size(path) -> tuple:
    """(width, height) from the first bytes of any PNG; BadInput where it is none."""
    for kind, body in _chunks(Path(path)):
        if kind == b"IHDR":
            return struct.unpack(">II", body[:8])
    raise _other(path)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(path: Path):
    with open(path, "rb") as file:
        if file.read(8) != _SIGNATURE:
            raise _other(path)
        while len(start := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", start)
            body = file.read(length)
            file.read(4)
            if len(body) < length:
                raise _other(path)
            yield kind, body


def _other(path) -> BadInput:
    return BadInput("unreadable_file", f"{path} is damaged, or no PNG of ours.", "Remove it; it is made anew.")
