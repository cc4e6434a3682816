"""Which way a foreign skeleton stands and how large its unit is: file space -> house space.

The house has Z up, the character facing -Y, metres.
"""

from __future__ import annotations

import numpy as np

from ..errors import BadInput

# metres, and the statures (in that unit) for which a file is taken to be in it; any other skeleton is made
# AVERAGE_M tall.  Metres and centimetres are common enough to allow children and giants.
UNITS_M = {
    "metre": (1.0, 0.5, 3.0),
    "foot": (0.3048, 4.3, 7.2),
    "decimetre": (0.1, 13.0, 22.5),
    "CMU": (0.0254 / 0.45, 23.0, 39.0),
    "inch": (0.0254, 51.0, 80.0),
    "centimetre": (0.01, 80.0, 300.0),
    "millimetre": (0.001, 800.0, 3000.0),
}
AVERAGE_M = 1.72
# thigh and shin together as a share of stature (Winter, Biomechanics and Motor Control, fig. 4.1)
_LEG_SHARE = 0.491
# a body on the floor has its lowest joint this near to it, as a share of its stature
_FLOOR_GAP = 0.1
_AXES = {"X": (1, 0, 0), "Y": (0, 1, 0), "Z": (0, 0, 1), "-X": (-1, 0, 0), "-Y": (0, -1, 0), "-Z": (0, 0, -1)}


def world_of(limbs, heads, tails, poses=None, up=None, front=None, unit_m=None) -> np.ndarray:
    """(4,4) from file space to the house, so that the rest pose stands upright and faces -Y.

    limbs `find_limbs` of the skeleton, or None: then Y is up, +Z is front and the unit a centimetre, as BVH files
    mostly have it.  heads, tails (B,3) at rest; poses (S,B,3) some frames in file space; up and front each one of
    X Y Z -X -Y -Z; unit_m metres in one file unit.
    """
    if unit_m is not None and not (np.isfinite(unit_m) and unit_m > 0):
        raise BadInput("bad_unit", f"A unit of {unit_m} m is none.", "Give the metres in one file unit (cm: 0.01).")
    heads = np.asarray(heads, np.float64)
    up_axis = axis(up) if up else up_of(limbs, heads, poses)
    left = np.cross(up_axis, axis(front)) if front else left_of(limbs, heads, tails, up_axis)
    if not left.any():
        raise BadInput("bad_axis", f"Up and front are both {front}.", "Name two different axes.")
    world = np.eye(4)
    world[:3, :3] = _rotation(up_axis, left) * (unit_m or unit_of(limbs, heads))
    return world


def axis(name) -> np.ndarray:
    """The direction (3,) called "Y", "-Z" ...; BadInput for another name."""
    if str(name).upper() not in _AXES:
        raise BadInput("bad_axis", f"There is no axis {name!r}.", f"Use one of {', '.join(_AXES)}.")
    return np.array(_AXES[str(name).upper()], float)


def up_of(limbs, heads, poses=None) -> np.ndarray:
    """The file axis (3,) that is up: the rest pose's, unless the frames know better.

    They do where the rest pose is none a body could take, and where nearly all of them stand along another axis
    *and* on a floor square to it: a body that lies throughout the clip lies on the floor of the rest pose's axis.
    """
    known = limbs is not None
    rest = _nearest_axis(_body_up(limbs, heads)) if known and stands(limbs, heads) else None
    if not known or poses is None or not len(poses):
        return np.array(_AXES["Y"], float) if rest is None else rest
    mean = np.mean([_body_up(limbs, pose) for pose in poses], axis=0)
    seen = _nearest_axis(mean)
    if rest is None:
        return seen
    size = stature_of(limbs, heads)

    def gap(up):
        return abs(np.median((poses @ up).min(axis=1))) / size

    sure = np.abs(mean).max() > 0.9 and gap(seen) < min(gap(rest), _FLOOR_GAP)
    return seen if sure else rest


def stands(limbs, heads) -> bool:
    """Whether legs and head point opposite ways: False for files whose zero pose is no pose."""
    if limbs is None:
        return False
    hips = heads[limbs.spine[0]]
    up = heads[limbs.spine[-1]] - hips
    legs = [heads[leg[-1]] - heads[leg[0]] for leg in limbs.legs]
    return all(up @ leg < -0.5 * np.linalg.norm(up) * np.linalg.norm(leg) for leg in legs)


def left_of(limbs, heads, tails, up) -> np.ndarray:
    """The direction (3,) of the body's left at rest, square to `up`."""
    up = np.asarray(up, np.float64)
    left = np.zeros(3)
    if limbs is not None and limbs.sided:
        if stands(limbs, heads):
            pairs = [pair for limb in (limbs.legs, limbs.arms) for pair in zip(*limb)]
        else:
            # folded limbs tell nothing; where the legs begin does
            pairs = [(a, b) for a, b in zip(*limbs.legs) if np.linalg.norm(heads[a] - heads[b]) > 0][:1]
        for a, b in pairs:
            left += heads[a] - heads[b]
    elif limbs is not None:
        # feet point forward
        left = np.cross(_toes(limbs, heads, tails, up), -up)
    left = left - (left @ up) * up
    if np.linalg.norm(left) < 1e-6 * max(np.abs(heads).max(), 1e-9):
        left = np.array(_AXES["X"] if abs(up[0]) < 0.5 else _AXES["Y"], float)
    left = left / np.linalg.norm(left)
    nearest = _nearest_axis(left)
    # file axes are meant to be square; a small lean of the skeleton is no reason to turn them
    return nearest if left @ nearest > 0.9 else left


def unit_of(limbs, heads) -> float:
    """Metres in one file unit: the known unit that makes a human of it, else a scale that does."""
    stature = stature_of(limbs, heads) if limbs else 0.0
    if not stature > 0.0:
        return UNITS_M["centimetre"][0]
    fitting = (unit for unit, least, most in UNITS_M.values() if least <= stature < most)
    return next(fitting, AVERAGE_M / stature)


def stature_of(limbs, heads) -> float:
    """Sole to crown by the length of the legs, in the unit of `heads`."""
    totals = []
    for leg in limbs.legs:
        steps = np.linalg.norm(np.diff(heads[list(leg)], axis=0), axis=-1)
        longest = np.sort(steps)[-2:].sum()
        # where thigh and shin are cut into several bones, all but the foot counts
        totals.append(max(longest, 0.75 * steps.sum()))
    return float(np.mean(totals)) / _LEG_SHARE


def _body_up(limbs, points):
    feet = np.mean([points[leg[-1]] for leg in limbs.legs], axis=0)
    top = points[limbs.head[-1]] if limbs.head else points[limbs.spine[-1]]
    return (top - feet) / max(np.linalg.norm(top - feet), 1e-9)


def _toes(limbs, heads, tails, up):
    forward = np.zeros(3)
    for leg in limbs.legs:
        points = np.vstack([heads[list(leg)], tails[leg[-1]]])
        steps = np.diff(points[len(points) // 2 :], axis=0)
        flat = steps - (steps @ up)[:, None] * up
        forward += flat[np.linalg.norm(flat, axis=-1).argmax()]
    return forward


def _nearest_axis(v):
    out = np.zeros(3)
    out[np.abs(v).argmax()] = np.sign(v[np.abs(v).argmax()])
    return out


def _rotation(up, left):
    """Rows that take left to +X and up to +Z; what is behind then goes to +Y."""
    return np.stack([left, np.cross(up, left), up])
