"""Where the points of a face are in a usual head, and which of them a jaw takes along."""

from __future__ import annotations

import numpy as np

from . import openpose

EYES_APART_M = 0.064
# metres from between the middles of the eyeballs, in a head that faces -Y; of pairs the left one; the share by the jaw
_USUAL = {
    "pupil": (0.032, -0.012, 0.0), "eye_outer": (0.045, -0.004, 0.001), "eye_inner": (0.018, -0.009, -0.002),
    "lid_up_inner": (0.027, -0.014, 0.006), "lid_up_outer": (0.037, -0.013, 0.006),
    "lid_low_inner": (0.027, -0.012, -0.005), "lid_low_outer": (0.037, -0.011, -0.005),
    "brow1": (0.013, -0.020, 0.018), "brow2": (0.022, -0.021, 0.022), "brow3": (0.032, -0.019, 0.024),
    "brow4": (0.042, -0.013, 0.022), "brow5": (0.051, -0.003, 0.017),
    "bridge1": (0.0, -0.021, 0.003), "bridge2": (0.0, -0.027, -0.010), "bridge3": (0.0, -0.034, -0.024),
    "bridge4": (0.0, -0.040, -0.037), "nostril2": (0.014, -0.021, -0.045), "nostril1": (0.007, -0.027, -0.048),
    "nose_base": (0.0, -0.030, -0.049), "mouth": (0.025, -0.014, -0.068), "lip_up2": (0.016, -0.022, -0.063),
    "lip_up1": (0.006, -0.027, -0.060), "lip_up": (0.0, -0.028, -0.061), "lip_low2": (0.017, -0.020, -0.073),
    "lip_low1": (0.008, -0.025, -0.076), "lip_low": (0.0, -0.026, -0.077), "mouth_in": (0.022, -0.016, -0.068),
    "lip_up_in_": (0.008, -0.024, -0.066), "lip_up_in": (0.0, -0.025, -0.066), "lip_low_in_": (0.008, -0.023, -0.069),
    "lip_low_in": (0.0, -0.024, -0.069), "chin": (0.0, -0.016, -0.107), "jaw1": (0.016, -0.012, -0.105),
    "jaw2": (0.031, -0.003, -0.099), "jaw3": (0.044, 0.013, -0.088), "jaw4": (0.053, 0.030, -0.073),
    "jaw5": (0.060, 0.045, -0.056), "jaw6": (0.065, 0.056, -0.036), "jaw7": (0.068, 0.063, -0.015),
    "jaw8": (0.070, 0.067, 0.007),
}  # fmt: skip
_BY_JAW = {
    **dict.fromkeys(("chin", "jaw1", "jaw2", "lip_low", "lip_low1", "lip_low2", "lip_low_in", "lip_low_in_"), 1.0),
    "jaw3": 0.9, "jaw4": 0.7, "jaw5": 0.4, "jaw6": 0.15, "mouth": 0.5, "mouth_in": 0.5,
}  # fmt: skip


def usual() -> np.ndarray:
    """(70,3) metres in a head's axes, from between the eyes, of the points of `openpose.FACE`."""
    return np.array([_sided(name) for name in openpose.FACE_NAMES])


def by_jaw() -> np.ndarray:
    """(70,) 0..1 how far each point goes where the jaw goes; the rest of the way it stays with the head."""
    return np.array([_BY_JAW.get(_bare(name)[0], 0.0) for name in openpose.FACE_NAMES])


def _sided(name: str) -> tuple:
    bare, side = _bare(name)
    x, y, z = _USUAL[bare]
    return (-x if side == "r" else x), y, z


def _bare(name: str) -> tuple:
    """(key of _USUAL, "l", "r" or "")."""
    if name[-2:] not in ("_l", "_r"):
        return name, ""
    bare = name[:-2]
    return (f"{bare}_" if f"{bare}_" in _USUAL else bare), name[-1]
