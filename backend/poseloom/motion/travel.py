"""The way a character goes over the ground, apart from what its body does: in place <-> root motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from . import filters, quat
from .types import Motion, array

_UP = np.array([0.0, 0.0, 1.0])
# a body that is turned over says less than this about where it faces
_TELLING = 0.3


@dataclass(frozen=True, eq=False)
class Travel:
    """A path over the ground: xy (T,2) metres, yaw (T,) radians without jumps, 0 where the character faces -Y."""

    xy: np.ndarray
    yaw: np.ndarray

    def __post_init__(self):
        xy = array("Travel", "xy", self.xy, (None, 2), dtype=np.float64)
        object.__setattr__(self, "xy", xy)
        object.__setattr__(self, "yaw", array("Travel", "yaw", self.yaw, (len(xy),), "xy", dtype=np.float64))

    def __len__(self) -> int:
        return len(self.yaw)

    @property
    def turn(self) -> np.ndarray:
        """(T,4) the yaw as rotations."""
        return quat.from_axis_angle(_UP, self.yaw)

    @property
    def shift(self) -> np.ndarray:
        """(T,3) the path on the floor."""
        return np.concatenate([self.xy, np.zeros((len(self), 1))], axis=-1)

    def bring(self, grot, gpos):
        """Rotations (T,...,4) and places (T,...,3) carried along the path from its origin."""
        turn, shift = _like(self.turn, grot), _like(self.shift, gpos)
        return quat.multiply(turn, grot), quat.rotate(_like(self.turn, gpos), gpos) + shift

    def take(self, grot, gpos):
        """What `bring` brought, back where it came from."""
        back = quat.inverse(self.turn)
        return quat.multiply(_like(back, grot), grot), quat.rotate(_like(back, gpos), gpos - _like(self.shift, gpos))


def travel_of(motion: Motion, *, turn: bool = True, smooth_hz: Optional[float] = None) -> Travel:
    """The pelvis' own way over the ground; without `turn` it keeps facing as in the first frame's world.

    `smooth_hz` leaves what sways faster in the body.
    """
    return path_of(motion.lrot[:, 0], motion.root, motion.fps, turn=turn, smooth_hz=smooth_hz)


def path_of(grot, gpos, fps: float, *, turn: bool = True, smooth_hz: Optional[float] = None) -> Travel:
    """The Travel of a body at gpos (T,3) turned by grot (T,4) from facing -Y; see `travel_of`."""
    path = np.asarray(gpos, np.float64)[:, :2]
    yaw = heading(grot) if turn else np.zeros(len(path))
    if smooth_hz is not None and len(path) > 2:
        path, yaw = filters.smooth(path, smooth_hz, fps), filters.smooth(yaw[:, None], smooth_hz, fps)[:, 0]
    return Travel(path, yaw)


def in_place(motion: Motion, travel: Travel) -> Motion:
    """The motion without `travel`, which `travelling` gives back."""
    return _rooted(motion, *travel.take(motion.lrot[:, 0], motion.root))


def travelling(motion: Motion, travel: Travel) -> Motion:
    """The motion carried along `travel`: undoes `in_place`."""
    return _rooted(motion, *travel.bring(motion.lrot[:, 0], motion.root))


def heading(grot) -> np.ndarray:
    """(T,) yaw in radians of rotations (T,4): their twist about the vertical, without jumps.

    While a body is turned over (a cartwheel, a somersault) it turns evenly from how it went in to how it comes out.
    """
    m = quat.to_matrix(grot)
    sine, cosine = m[:, 1, 0] - m[:, 0, 1], m[:, 0, 0] + m[:, 1, 1]
    frames, telling = np.arange(len(m)), np.hypot(sine, cosine) / 2.0 > _TELLING
    if not telling.any():
        return np.zeros(len(m))
    return np.interp(frames, frames[telling], np.unwrap(np.arctan2(sine, cosine)[telling]))


def _rooted(motion, pelvis, root):
    lrot = np.array(motion.lrot, np.float64)
    lrot[:, 0] = pelvis
    return motion.with_(lrot=lrot, root=root)


def _like(value, other):
    """value (T,n) with axes for the joints of `other` (T,...,m)."""
    return value.reshape((len(value),) + (1,) * (np.ndim(other) - 2) + value.shape[1:])
