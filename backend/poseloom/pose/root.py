"""Where in the room the body is: depth from its size in the picture, the floor from its feet.

Axes of the camera here: x to the picture's right, y away, z up.
"""

from __future__ import annotations

import numpy as np

from ..motion import filters, quat
from ..motion.contacts import find_contacts, point_speed
from ..motion.resection import FOCAL  # noqa: F401  the other files of this stage take it from here

_X, _Y, _Z = np.eye(3)
_FLOOR_RAD = np.radians([1.5, 3.0])  # how level the floor usually is after `upright`: sideways, away
# between which bounds a sole is slow enough to rest; how low it must be, some time and all the time: in video depth
# is noise, and with it height
_STILL_M_S, _MOST_M_S, _LOW_M, _TRUST_DEPTH = (0.3, 0.7), 0.8, (0.14, 0.22), 0.25
# from a joint to the skin below, on an adult of 1.75 m
_THICK_M = {"pelvis": 0.12, "spine3": 0.11, "head": 0.1, "hand_l": 0.04, "hand_r": 0.04, "forearm_l": 0.05,
            "forearm_r": 0.05, "shin_l": 0.06, "shin_r": 0.06}  # fmt: skip
_AWAY_HZ, _EDGE_S = 0.7, 0.034
# share of body mass near each canonical joint
MASS = {"pelvis": 0.2, "spine2": 0.15, "spine3": 0.15, "head": 0.08, "upper_arm_l": 0.03, "upper_arm_r": 0.03,
        "forearm_l": 0.03, "forearm_r": 0.03, "thigh_l": 0.05, "thigh_r": 0.05, "shin_l": 0.08, "shin_r": 0.08,
        "foot_l": 0.02, "foot_r": 0.02}  # fmt: skip


def translation(body, xy, weight, size, focal_px):
    """(T,3) where the body's origin is in camera axes, each frame alone.

    body (T,N,3) points about that origin, metres; xy (T,N,2) their pixels; weight (T,N).  Least
    squares of the pinhole equations, which are linear in the translation, reweighted once.
    """
    uv = (xy - 0.5 * np.asarray(size, np.float64)) / focal_px
    u, v = uv[..., 0], -uv[..., 1]
    zero, one = np.zeros_like(u), np.ones_like(u)
    rows = np.stack([np.stack([one, -u, zero], -1), np.stack([zero, -v, one], -1)], axis=2)  # (T,N,2,3)
    right = np.stack([u * body[..., 1] - body[..., 0], v * body[..., 1] - body[..., 2]], axis=-1)
    for _ in range(2):
        w = weight[..., None] + 1e-9
        normal = np.einsum("tnij,tnik,tni->tjk", rows, rows, np.broadcast_to(w, right.shape))
        normal = normal + 1e-9 * np.eye(3)
        moment = np.einsum("tnij,tni,tni->tj", rows, right, np.broadcast_to(w, right.shape))
        t = np.linalg.solve(normal, moment[..., None])[..., 0]
        off = np.linalg.norm(np.einsum("tnij,tj->tni", rows, t) - right, axis=-1)
        weight = weight / (1.0 + (off / 0.08) ** 2)
    return t


def upright(gpos, soles, names, fps):
    """The rotation that levels the camera, as a quaternion: pitch and roll, from how bodies balance.

    gpos (T,J,3) joints and soles (T,4,3) in camera axes.  Over a clip the centre of mass hangs
    above the feet that carry it; one frame tells little, so it is believed less.  Frames in which
    the body lies, sits or squats do not count.
    """
    if len(gpos) == 0:
        return quat.IDENTITY
    hips = gpos[:, [names.index("thigh_l"), names.index("thigh_r")]]
    legs = np.linalg.norm(hips - gpos[:, [names.index("foot_l"), names.index("foot_r")]], axis=-1).max(axis=1)
    longest = np.linalg.norm(hips - gpos[:, [names.index("shin_l"), names.index("shin_r")]], axis=-1).max() * 1.98
    straight = np.clip((legs / max(longest, 1e-6) - 0.6) / 0.15, 0.0, 1.0)[:, None]
    mass = np.array([MASS.get(n, 0.0) for n in names])
    centre = np.einsum("tjc,j->tc", gpos, mass / mass.sum())
    feet = 0.45 * soles[:, :2] + 0.55 * soles[:, 2:]
    level, carried = quat.IDENTITY, np.full(feet.shape[:2], 0.5)
    for _ in range(3):  # which foot is the lower one depends on the answer
        rise = centre - np.einsum("ts,tsc->tc", carried, feet)
        size = np.maximum(np.linalg.norm(rise, axis=-1, keepdims=True), 1e-6)
        use = np.clip((rise[:, 2:] / size - 0.6) / 0.2, 0.0, 1.0) * straight
        if use.sum() < 1e-3:
            return quat.IDENTITY
        mean = np.sum(use * rise, axis=0) / use.sum()
        seconds = float(use.sum()) / fps
        # with both feet down it is open where between them the weight rests
        both = 4.0 * carried[:, :1] * carried[:, 1:]
        open_rad = np.abs(feet[:, 0] - feet[:, 1])[:, [1, 0]] * both / (2.0 * size)
        open_rad = np.sum(use * open_rad, axis=0) / use.sum()
        noise = np.radians(2.0) ** 2 + (np.radians(5.0) ** 2 + open_rad**2) / (1.0 + 4.0 * seconds)
        believe = np.radians([15.0, 5.0]) ** 2 / (np.radians([15.0, 5.0]) ** 2 + noise)  # of usual pitch and roll
        pitch, roll = believe * np.arctan2(mean[[1, 0]], mean[2])
        # turn that direction onto z: about x by the pitch, about y against the roll
        level = quat.multiply(quat.from_axis_angle(_X, pitch), quat.from_axis_angle(_Y, -roll))
        height = quat.rotate(level, feet)[..., 2]
        carried = 1.0 / (1.0 + np.exp(np.clip((height - height[:, ::-1]) / 0.12, -30.0, 30.0)))
    return level


def track(t_seen, weight, fps, smooth_hz):
    """A smooth root track (T,3) in the axes of t_seen (T,3), the camera at the origin; weight (T,).

    t_seen is noisy, mostly along the ray: the ray is smoothed as the pose is, the distance along it, which
    hangs on the body's size in the picture, much more.
    """
    away = np.linalg.norm(t_seen, axis=-1)
    ray = t_seen / np.maximum(away, 1e-6)[:, None]
    ray = filters.smooth(ray, smooth_hz, fps, np.repeat(weight[:, None], 3, 1))
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    away = np.exp(_middle_out(np.log(np.maximum(away, 0.1)), fps))
    return filters.smooth(away, _AWAY_HZ, fps, weight)[:, None] * ray


def sole_speed(soles, seen_m_s, fps):
    """(T,4) m/s of sole points (T,4,3): mostly what the picture shows, `seen_m_s` (T,4); depth is noise."""
    return np.hypot(seen_m_s, _TRUST_DEPTH * point_speed(soles, fps)) if len(soles) > 1 else seen_m_s


def seen_speed(xy, away, fps, focal_px):
    """(T,4) m/s across the view of points at pixels xy (T,4,2), `away` (T,4) metres from a camera that stands still."""
    if len(xy) < 2:
        return np.zeros(xy.shape[:2])
    return np.linalg.norm(np.gradient(xy, 1.0 / fps, axis=0), axis=-1) * away / focal_px


def resting(points, fps, speed, ease=1.0):
    """(T,4) 1 where a sole point (T,4,3), floor at z = 0, rests, by its speed (T,4) in the noise of video.

    Some foot nearly always rests, so the usual speed of the slowest point tells the noise.  `ease` times as fast
    passes for rest.
    """
    usual = min(ease * float(np.clip(1.3 * np.median(speed.min(axis=1)), *_STILL_M_S)), _MOST_M_S)
    return find_contacts(points, fps, speed=speed, speed_m_s=(usual, 1.6 * usual), height_m=_LOW_M)


def held(points, fps, speed):
    """(T,4) 1 where a foot is better held still: where it may well rest, and a frame before and after."""
    from scipy.ndimage import maximum_filter1d

    rests = resting(points, fps, speed, ease=1.4)
    return maximum_filter1d(rests, 2 * round(_EDGE_S * fps) + 1, axis=0, mode="nearest")


def above_floor(points, fps, under=np.inf):
    """points (T,4,3) with the lowest of the second around each frame as floor, `under` (T,) other parts' height."""
    return points - _lowest_near(np.minimum(points[..., 2].min(axis=1), under), fps)[:, None, None] * _Z


def under_soles(gpos, soles, names):
    """(T,) the height of the lowest part but the feet, joints gpos (T,J,3) in levelled axes, where it is clearly
    below the soles (T,4,3): of those who lie, kneel or stand on their hands; else infinite."""
    size = np.linalg.norm(gpos[0, names.index("shin_l")] - gpos[0, names.index("thigh_l")]) / 0.42
    parts = gpos[:, [names.index(n) for n in _THICK_M], 2] - size * np.array(list(_THICK_M.values()))
    lowest = parts.min(axis=1)
    return np.where(lowest < soles[..., 2].min(axis=1) - 0.06 * size, lowest, np.inf)


def flatten(root, soles, rests, fps):
    """The small turn, a quaternion, that lays level the floor on which soles (T,4,3) about `root` (T,3) rested.

    A plane through the lowest soles, as far as they lie apart enough to tell: 4 cm of noise that
    stays for half a second, against a floor level as _FLOOR_RAD says; beyond twice that it is none.
    """
    height = root[:, None, 2] + soles[..., 2]
    lowest = height.min(axis=1)
    points = root + np.take_along_axis(soles, height.argmin(axis=1)[:, None, None], axis=1)[:, 0]
    weight = np.where(rests.max(axis=-1) > 0.5, 1.0, 0.3 * (lowest < _lowest_near(lowest, fps) + 0.02))
    weight = weight / (0.04**2 * max(0.5 * fps, 1.0))
    across = points[:, :2] - np.average(points[:, :2], axis=0, weights=weight + 1e-9)
    rows = np.concatenate([across, np.ones((len(points), 1))], axis=-1)
    held, slope = np.diag([*_FLOOR_RAD**-2.0, 1e-9]), np.zeros(3)
    slope[2] = np.average(points[:, 2], weights=weight + 1e-9)
    for _ in range(5):  # soles far off that plane are jumps, or tracks gone astray
        trust = weight / (1.0 + ((points[:, 2] - rows @ slope) / 0.08) ** 2)
        normal = np.einsum("ti,tj,t->ij", rows, rows, trust) + held
        slope = np.linalg.solve(normal, np.einsum("ti,t,t->i", rows, points[:, 2], trust))
    if (np.abs(slope[:2]) > 2.0 * _FLOOR_RAD).any():
        return quat.IDENTITY  # no floor: the track climbs
    return quat.between(np.array([-slope[0], -slope[1], 1.0]), _Z)


def stand(root, soles, rests, fps, under=np.inf):
    """`root` (T,3) raised or lowered so that resting soles lie at z = 0; slowly, so jumps remain.

    Where nothing seems to rest for half a second, as in a run, the lowest points touch the floor, those of
    other parts at `under` (T,) about the root included.
    """
    height = root[:, None, 2] + soles[..., 2]
    some = rests.max(axis=-1) > 0.5
    held = np.where(rests > 0.5, height, np.inf).min(axis=1)
    near = -_lowest_near(-some.astype(float), fps) > 0.5
    frames = np.arange(len(root))
    between = np.interp(frames, frames[some], held[some]) if some.any() else np.zeros(len(root))
    lowest = _lowest_near(np.minimum(height.min(axis=1), root[:, 2] + under), fps)
    floor = np.where(some, held, np.where(near, between, lowest))
    floor = filters.smooth(floor, 1.0, fps, np.where(some, 1.0, np.where(near, 0.05, 0.3)))
    return root - floor[:, None] * _Z


def _lowest_near(x, fps):
    """(T,) the least of x within half a second."""
    from scipy.ndimage import minimum_filter1d

    return minimum_filter1d(x, 2 * max(1, int(round(0.5 * fps))) + 1, mode="nearest")


def _middle_out(x, fps):
    """x (T,) with lone outliers replaced by the line between their neighbours."""
    bad = filters.outliers(x[:, None], fps, window_s=0.5, floor=0.1)
    return filters.fill_gaps(np.where(bad, np.nan, x))
