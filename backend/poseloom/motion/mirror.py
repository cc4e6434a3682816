"""Left and right exchanged."""

from __future__ import annotations

import re

import numpy as np

from .types import Motion, Skeleton

# what reflection at the plane x = 0 does to the parts of a vector and of a quaternion
FLIP_VECTOR = np.array([-1.0, 1.0, 1.0])
FLIP_TURN = np.array([1.0, 1.0, -1.0, -1.0])
_CONTACTS = [1, 0, 3, 2, 5, 4]
_SIDES = {"left": "right", "right": "left", "Left": "Right", "Right": "Left", "LEFT": "RIGHT", "RIGHT": "LEFT"}
_LETTERS = str.maketrans("lrLR", "rlRL")


def mirror(motion: Motion) -> Motion:
    """`motion` as a mirror at the plane x = 0 of the world shows it; twice gives it back, bit for bit.

    Joints, contacts and scores change sides, so do curves by their names ("blinkLeft", "blink_l"); a body that is
    not symmetric is mirrored too.
    """
    skeleton = motion.skeleton
    swap = [skeleton.index(other_side(name)) for name in skeleton.names]
    body = Skeleton(
        skeleton.names, skeleton.parents, skeleton.offsets[swap] * FLIP_VECTOR, skeleton.tips[swap] * FLIP_VECTOR
    )
    return motion.with_(
        skeleton=body, lrot=motion.lrot[:, swap] * FLIP_TURN, root=motion.root * FLIP_VECTOR,
        contact=motion.contact[:, _CONTACTS], score=motion.score[:, swap],
        curves={other_side(name): curve for name, curve in motion.curves.items()},
    )  # fmt: skip


def other_side(name: str) -> str:
    """The name of the same thing on the other side: hand_l -> hand_r, LeftArm -> RightArm; else the name itself."""
    letter = re.search(r"(?<![^._\- ])[lrLR](?![^._\- ])|^[lrLR](?=[A-Z][a-z])", name)
    if letter:
        return name[: letter.start()] + letter[0].translate(_LETTERS) + name[letter.end() :]
    side = re.search(r"[Ll]eft|[Rr]ight|LEFT|RIGHT", name)
    return name[: side.start()] + _SIDES[side[0]] + name[side.end() :] if side else name
