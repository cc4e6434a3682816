"""The text of a BVH file -> joints and a table of numbers, tolerant of what programs write.

Tolerated: tabs, any line ends, blank lines, # and // comments, braces on any line, names with spaces, any channel
order, unknown scale channels, frames wrapped over lines, a wrong frame count, a cut-off last frame.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import BadInput

# whole numbers of so many digits are exact in float64, too
_DIGITS = 15
# as many lines are read at once as the processor keeps at hand
_LINES = 50


@dataclass
class Joint:
    """One joint as written: parent's number or -1, OFFSET, the End Site's OFFSET, channel names in lower case."""

    name: str
    parent: int
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    end: np.ndarray | None = None
    channels: list = field(default_factory=list)


def parse(text: str, name: str = "BVH"):
    """(joints, numbers (T,C), fps) of the text of a BVH file called `name` in messages."""
    lines = [line.strip() for line in text.splitlines()]
    if "#" in text or "/" in text:
        lines = [line.split("#", 1)[0].split("//", 1)[0].strip() for line in lines]
    start = next((i for i, line in enumerate(lines) if line.upper().startswith("MOTION")), len(lines))
    joints = _read_hierarchy(lines[:start], name)
    if start == len(lines):
        raise _bad(name, len(lines), "there is no MOTION section", "The file may be cut off.")
    stated, frame_time, first = _read_motion_head(lines, start + 1, name)
    width = sum(len(joint.channels) for joint in joints)
    numbers = _read_numbers(lines, first, width, stated, name)
    if stated is not None and len(numbers) != stated:
        found = f"there are {len(numbers)}; all of those are used"
        warnings.warn(f"{name}: 'Frames:' says {stated}, {found}.", stacklevel=3)
    return joints, numbers, 1.0 / frame_time


def text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise BadInput("no_file", f"{path} cannot be read: {error.strerror}.", "Check the path.") from error


def _bad(name: str, line: int, what: str, hint: str = "") -> BadInput:
    return BadInput("bad_bvh", f"{name}, line {max(line, 1)}: {what}.", hint)


def _read_hierarchy(lines, name):
    joints, stack, at_end, current = [], [], False, None
    if not any(line.upper().startswith("HIERARCHY") for line in lines[:200]):
        raise _bad(name, 1, "this is not a BVH file, it does not begin with HIERARCHY")
    for number, line in enumerate(lines, 1):
        line = line.replace("{", " { ").replace("}", " } ")
        words = line.split()
        while words:
            word = words.pop(0)
            key = word.upper()
            if key == "HIERARCHY":
                continue
            if key in ("ROOT", "JOINT"):
                cut = words.index("{") if "{" in words else len(words)
                title, words = " ".join(words[:cut]), words[cut:]
                parent = stack[-1] if stack else None
                if key == "JOINT" and (parent is None or parent == "end"):
                    raise _bad(name, number, f"joint {title!r} has no parent")
                current = len(joints)
                joints.append(Joint(title or f"joint{current}", -1 if parent is None else parent))
            elif key == "END":
                at_end, current = True, None
                words = words[words.index("{") :] if "{" in words else []
            elif key == "{":
                if not at_end and current is None:
                    raise _bad(name, number, "a brace opens without a joint")
                stack.append("end" if at_end else current)
                at_end = False
            elif key == "}":
                if not stack:
                    raise _bad(name, number, "one closing brace too many")
                stack.pop()
                current = None
            elif key == "OFFSET" and stack:
                offset, words = _floats(words, 3, name, number), words[3:]
                if stack[-1] != "end":
                    joints[stack[-1]].offset = offset
                elif len(stack) > 1:
                    joints[stack[-2]].end = offset
            elif key == "CHANNELS" and stack and stack[-1] != "end":
                joints[stack[-1]].channels, words = _channels(words, name, number)
            else:
                raise _bad(name, number, f"{word!r} is not expected here")
    if not joints:
        raise _bad(name, len(lines), "there is no joint")
    if stack:
        raise _bad(name, len(lines), f"braces are not closed ({len(stack)})", "The file may be cut off.")
    return joints


def _floats(words, count, name, number):
    values = []
    for word in words[:count]:
        try:
            values.append(float(word))
        except ValueError:
            values.append(np.nan)
        if not np.isfinite(values[-1]):
            raise _bad(name, number, f"{word!r} is no number")
    if len(values) != count:
        raise _bad(name, number, f"{count} numbers are expected, {len(values)} are there")
    return np.array(values)


def _channels(words, name, number):
    if not words or not words[0].isdigit():
        raise _bad(name, number, "CHANNELS wants a count")
    count = int(words[0])
    channels = [w.lower() for w in words[1 : 1 + count]]
    wrong = [c for c in channels if c[:1] not in "xyz" or c[1:] not in ("position", "rotation", "scale")]
    if len(channels) != count or wrong:
        what = f"channel {wrong[0]!r} is unknown" if wrong else f"{count} channels are announced, {len(channels)} named"
        raise _bad(name, number, what)
    return channels, words[1 + count :]


def _read_motion_head(lines, start, name):
    stated = frame_time = None
    for i in range(start, len(lines)):
        key, _, value = lines[i].partition(":")
        key = " ".join(key.lower().split())
        if key not in ("frames", "frame time"):
            if lines[i]:
                return _checked_head(stated, frame_time, i, name)
            continue
        value = float(_floats(value.split(), 1, name, i + 1)[0])
        if key == "frames":
            stated = int(value)
        elif value < 1e-4:
            raise _bad(name, i + 1, f"a frame time of {value:g} s gives no frame rate", "Write 0.0333333 for 30 fps.")
        else:
            frame_time = value
    return _checked_head(stated, frame_time, len(lines), name)


def _checked_head(stated, frame_time, first, name):
    if frame_time is None:
        raise _bad(name, first, "'Frame Time:' is missing")
    return stated, frame_time, first


def _read_numbers(lines, first, width, stated, name):
    """(T, width) float64; a cut-off last frame is dropped."""
    rows = [(number, line) for number, line in enumerate(lines[first:], first + 1) if line]
    quick = _table([line for _, line in rows], width)
    if quick is not None:
        return quick
    counts = np.array([_words(line) for _, line in rows])
    total = int(counts.sum())
    wrapped = stated is not None and total == width * stated
    if not rows or not width or total < width:
        raise _bad(name, len(lines), "there is no frame")
    if (counts[:-1] != width).any() and not wrapped:
        row = int(np.argmax(counts != width))
        raise _bad(name, rows[row][0], f"{counts[row]} numbers stand where {width} channels are")
    if counts[-1] > width and not wrapped:
        raise _bad(name, rows[-1][0], f"{counts[-1]} numbers stand where {width} channels are")
    text = " ".join(line for _, line in rows)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            numbers = np.fromstring(text, sep=" ")
    except (ValueError, DeprecationWarning):
        numbers = np.empty(0)
    if len(numbers) != total or not np.isfinite(numbers).all():
        for number, line in rows:
            _floats(line.split(), len(line.split()), name, number)
    return numbers[: total // width * width].reshape(-1, width)


def _table(lines, width):
    """(T, width) of lines of `width` numbers one blank apart, all with as many decimals, as most programs write;
    else None."""
    numbers = np.empty((len(lines), width))
    for first in range(0, len(lines), _LINES):
        here = _fixed_point(lines[first : first + _LINES], width)
        if here is None:
            return None
        numbers[first : first + _LINES] = here
    return numbers if numbers.size else None


def _fixed_point(lines, width):
    """`_table` of a few lines.  Whole numbers are read four times as quickly as others."""
    raw = " ".join(lines).encode("ascii", errors="replace")
    letters = np.frombuffer(raw, np.uint8)
    ends = np.append(np.flatnonzero(letters == ord(" ")), len(letters))
    points = np.flatnonzero(letters == ord("."))
    if not len(ends) == len(points) == width * len(lines) or b"e" in raw or b"E" in raw:
        return None
    decimals = ends - points - 1
    if not 0 < decimals[0] < 10 or (decimals != decimals[0]).any() or np.diff(ends, prepend=-1).max() > _DIGITS + 3:
        return None
    if (ends[width - 1 :: width] != np.cumsum([len(line) + 1 for line in lines]) - 1).any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            whole = np.fromstring(raw.replace(b".", b""), np.int64, sep=" ")
        except (ValueError, DeprecationWarning):
            return None
    return (whole / 10.0 ** decimals[0]).reshape(-1, width)


def _words(line: str) -> int:
    """len(line.split()) of a stripped line, quickly where words are one blank apart."""
    return len(line.split()) if "  " in line or "\t" in line else line.count(" ") + 1
