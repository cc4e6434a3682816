"""Uncompressed OpenEXR files as Blender writes them: channel by channel, from one part or several.

The format is that of "OpenEXR File Layout": headers of named attributes, an offset for each row, the rows.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from poseloom.errors import PoseloomError

_MAGIC, _SEVERAL_PARTS = 20000630, 0x1000
_TYPES = {0: np.dtype("<u4"), 1: np.dtype("<f2"), 2: np.dtype("<f4")}


def read(path) -> dict:
    """{channel name: (H,W) array} of all parts."""
    data = Path(path).read_bytes()
    try:
        return _read(data)
    except (struct.error, KeyError, IndexError, ValueError) as error:
        raise PoseloomError("bad_exr", f"Blender wrote {Path(path).name} in a way that is not understood.") from error


def _read(data: bytes) -> dict:
    magic, version = struct.unpack_from("<II", data)
    if magic != _MAGIC:
        raise ValueError(magic)
    several = bool(version & _SEVERAL_PARTS)
    at, parts = 8, []
    while True:
        header, at = _header(data, at)
        parts.append(_Part(header))
        if not several:
            break
        if data[at] == 0:  # an empty header ends their list
            at += 1
            break
    for part in parts:
        offsets = np.frombuffer(data, "<u8", part.high, at)
        at += 8 * part.high
        for offset in offsets:
            part.take_row(data, int(offset) + (4 if several else 0))
    return {name: values for part in parts for name, values in part.channels.items()}


class _Part:
    def __init__(self, header: dict):
        if header["compression"] != b"\0":
            raise ValueError("compressed")
        left, self.top, right, bottom = struct.unpack("<iiii", header["dataWindow"])
        self.wide, self.high = right - left + 1, bottom - self.top + 1
        self.channels, self.types, at, body = {}, {}, 0, header["channels"]
        while body[at]:
            end = body.index(b"\0", at)
            name = body[at:end].decode()
            self.types[name] = _TYPES[struct.unpack_from("<i", body, end + 1)[0]]
            self.channels[name] = np.zeros((self.high, self.wide), self.types[name])
            at = end + 17

    def take_row(self, data: bytes, at: int) -> None:
        y = struct.unpack_from("<i", data, at)[0] - self.top
        at += 8
        for name, kind in self.types.items():  # in alphabetical order, as they stand in the header
            self.channels[name][y] = np.frombuffer(data, kind, self.wide, at)
            at += self.wide * kind.itemsize


def _header(data: bytes, at: int) -> tuple:
    """({attribute: bytes}, where the next thing begins)."""
    found = {}
    while data[at]:
        end = data.index(b"\0", at)
        name, at = data[at:end].decode(), data.index(b"\0", end + 1) + 1
        length = struct.unpack_from("<i", data, at)[0]
        found[name] = data[at + 4 : at + 4 + length]
        at += 4 + length
    return found, at + 1
