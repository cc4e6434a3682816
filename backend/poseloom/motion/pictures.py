"""The pictures that flow through rendering: guides in, frames out, one frame each, checked when made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, Optional

import numpy as np

from ..errors import BadArray
from .types import _set, array


@dataclass(frozen=True, eq=False)
class Guides:
    """What a renderer is shown of one frame.

    frame: its number in the scene or clip; pose (H,W,3) uint8: the OpenPose-style map, black where nobody is;
    depth (H,W) uint16: 65535 at the nearest distance of the whole sequence, falling with 1/distance (with distance
    for a parallel camera), 0 where nothing is; normal (H,W,3) uint8: (n + 1) / 2 in camera axes, x right, y up,
    z to the camera, 0 where nothing is; picture (H,W,3) uint8 sRGB: what was filmed.  Any of these may be None.

    The same people as numbers, for encodings: layout names the K points; people (P,) ids from 1, the same person's
    in every frame; xy (P,K,2) pixels from the top left corner (the first pixel's middle is 0.5), NaN where a person
    has no such point; away (P,K) metres along the camera's axis, NaN likewise; seen (P,K) 1 in view, 0 hidden
    behind something or outside the picture.
    """

    frame: int
    pose: np.ndarray
    layout: str
    people: np.ndarray
    xy: np.ndarray
    away: np.ndarray
    seen: np.ndarray
    depth: Optional[np.ndarray] = None
    normal: Optional[np.ndarray] = None
    picture: Optional[np.ndarray] = None

    def __post_init__(self):
        pose = _picture("Guides", "pose", self.pose, (None, None, 3), np.uint8)
        high, wide = pose.shape[:2]
        xy = array("Guides", "xy", self.xy, (None, None, 2), nan=True)
        count, points = xy.shape[:2]
        depth, normal, picture = self.depth, self.normal, self.picture
        if depth is not None:
            depth = _picture("Guides", "depth", depth, (high, wide), np.uint16)
        if normal is not None:
            normal = _picture("Guides", "normal", normal, (high, wide, 3), np.uint8)
        if picture is not None:
            picture = _picture("Guides", "picture", picture, (high, wide, 3), np.uint8)
        _set(
            self,
            frame=int(self.frame),
            pose=pose,
            people=array("Guides", "people", self.people, (count,), "xy", dtype=np.int32),
            xy=xy,
            away=array("Guides", "away", self.away, (count, points), "xy", nan=True),
            seen=array("Guides", "seen", self.seen, (count, points), "xy"),
            depth=depth,
            normal=normal,
            picture=picture,
        )

    @property
    def size(self) -> tuple:
        """(width, height) of the pictures."""
        return self.pose.shape[1], self.pose.shape[0]


@dataclass(frozen=True, eq=False)
class Shot:
    """What to make of the guides: the same for all frames of a run.

    reference (H,W,3) uint8 sRGB: a picture of the character, of any size, or None; posed: its guides, as large as it,
    where its pose is known.
    """

    prompt: str = ""
    negative: str = ""
    seed: int = 0
    reference: Optional[np.ndarray] = None
    posed: Optional[Guides] = None

    def __post_init__(self):
        if self.reference is not None:
            _set(self, reference=_picture("Shot", "reference", self.reference, (None, None, 3), np.uint8))


@dataclass(frozen=True, eq=False)
class Frames:
    """One finished frame: rgb (H,W,3) uint8 sRGB as large as its guides, and the number these have.

    made: how it came to be (prompt, seed, model, licence and what else belongs into its metadata), as text.
    """

    frame: int
    rgb: np.ndarray
    made: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        _set(
            self,
            frame=int(self.frame),
            rgb=_picture("Frames", "rgb", self.rgb, (None, None, 3), np.uint8),
            made={str(k): str(v) for k, v in self.made.items()},
        )


def _picture(owner: str, name: str, value, shape: tuple, dtype) -> np.ndarray:
    """`array`, but other number types are refused instead of cast: a picture in 0..1 would turn black."""
    value = np.asarray(value)
    if value.dtype != dtype:
        raise BadArray("bad_dtype", f"{owner}.{name} is {value.dtype}, expected {np.dtype(dtype)}.")
    return array(owner, name, value, shape, "pose" if None not in shape else "", dtype=dtype)
