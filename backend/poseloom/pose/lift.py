"""Points of the picture to joints in space: a small temporal network of ours, run by onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import sessions
from ..errors import BadInput, Unavailable
from ..memory import give_back
from ..motion import filters
from ..motion.layouts import layout
from ..motion.skeleton import JOINTS, MIRROR, standard
from ..motion.types import Keypoints, array
from ..progress import Report, silent

MODEL = Path(__file__).resolve().parents[1] / "models" / "lifter" / "model.onnx"
STILL = MODEL.parents[1] / "still" / "model.onnx"  # of single pictures: each frame by itself
FPS = 30.0  # what it was trained at
CONTEXT = 40  # frames before and after that a frame's answer depends on
WINDOW = 512
HEIGHT_M = 1.70  # the size of every lifted body
# what the network is told about, by the names of `motion.layouts`; a layout without some of them leaves these out
POINTS = ("nose",) + tuple(
    f"{part}_{side}"
    for part in ("ear", "shoulder", "elbow", "wrist", "index", "hip", "knee", "ankle", "heel", "toe")
    for side in "lr"
)
_P = {name: i for i, name in enumerate(POINTS)}
BODY = [_P[f"{part}_{s}"] for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for s in "lr"]
OTHER = [POINTS.index(n[:-1] + {"l": "r", "r": "l"}[n[-1]]) if n[-2] == "_" else i for i, n in enumerate(POINTS)]
_ACROSS = np.array([-1.0, 1.0, 1.0])
_NEEDED = [_P[name] for name in ("shoulder_l", "shoulder_r", "hip_l", "hip_r", "knee_l", "knee_r")]
FEATURES = 6 * len(POINTS) + 5
_CHAINS = tuple((f"hip_{s}", f"knee_{s}", f"ankle_{s}") for s in "lr")
_SIZE_S = 1.0  # over how long the size in the picture is averaged


@dataclass(frozen=True, eq=False)
class Lifted:
    """What the lifter says of one person.

    names (N) of canonical joints; xyz (T,N,3) m from between the hips, in the axes of `Keypoints.xyz`: those of a
    camera turned so that it looks straight at the trunk; NaN in frames without any point, sized as a person of 1.70 m;
    score (T,N) 0..1, exp(-e / 0.1 m) of the error e it expects.
    """

    names: tuple
    xyz: np.ndarray
    score: np.ndarray

    def __post_init__(self):
        count = len(self.names)
        xyz = array("Lifted", "xyz", self.xyz, (None, count, 3), "names", nan=True)
        object.__setattr__(self, "xyz", xyz)
        object.__setattr__(self, "score", array("Lifted", "score", self.score, (len(xyz), count), "xyz"))


class Lifter:
    """2D keypoints of any layout and rate to 3D joints; the estimator's own depth is an input where there is one."""

    def __init__(self, model: Path = MODEL, threads: int = 1):
        if not Path(model).exists():
            raise Unavailable(
                "model_missing", f"The lifter's model {model} is missing.",
                "Reinstall Poseloom, or make it by poseloom train lifter.",
            )  # fmt: skip
        self.session = sessions.opened(model, threads, "The lifter", arena=False)  # windows differ in size

    def __call__(self, keypoints: Keypoints, report: Report = silent) -> Lifted:
        """Joints of every frame.  BadInput where the layout lacks shoulders, hips or knees, or nobody is seen."""
        xy, xyz, score = chosen(keypoints)
        if not (score > 0.0).any():
            raise BadInput("no_person", "No frame of these keypoints shows a person.", "Choose another clip or person.")
        seen = (score > 0.0).any(axis=1)
        times = np.arange(len(xy)) / keypoints.fps
        inner = np.arange(0.0, times[-1] + 0.5 / FPS, 1.0 / FPS)
        at_rate = abs(keypoints.fps - FPS) < 0.01
        if not at_rate:
            xy, xyz, score = (_resampled(x, times, inner, keypoints.fps) for x in (xy, xyz, score))
        told = features(xy, xyz, score, keypoints.size)
        del xy, xyz, score
        give_back()
        found, spread = self._run(told, report)
        if not at_rate:
            found, spread = _resampled(found, inner, times, FPS), _resampled(spread, inner, times, FPS)
        found = np.where(seen[:, None, None], found, np.nan)
        return Lifted(JOINTS, found, np.where(seen[:, None], np.exp(-np.exp(spread) / 0.1), 0.0))

    def _run(self, told, report):
        """The mean of what is said of the clip and of its mirror image, in windows that overlap by all that an answer
        depends on, so that their borders leave no trace."""
        found, spread = [], []
        for first in range(0, len(told), WINDOW):
            report(first / len(told), "Lifting")
            low, high = max(0, first - CONTEXT), min(len(told), first + WINDOW + CONTEXT)
            both = np.stack([told[low:high], mirrored(told[low:high])])
            xyz, log_error = self.session.run(["xyz", "log_error"], {"features": both})
            own = slice(first - low, min(first + WINDOW, len(told)) - low)
            found.append(0.5 * (xyz[0, own] + xyz[1, own][:, list(MIRROR)] * _ACROSS))
            spread.append(0.5 * (log_error[0, own] + log_error[1, own][:, list(MIRROR)]))
        report(1.0, "Lifted")
        return np.concatenate(found).astype(np.float64), np.concatenate(spread).astype(np.float64)


def chosen(keypoints: Keypoints):
    """xy (T,P,2), xyz (T,P,3), score (T,P) of POINTS; score 0 where unseen or not in the layout, else xyz NaN."""
    names = layout(keypoints.layout).names
    lacking = [POINTS[i] for i in _NEEDED if POINTS[i] not in names]
    if lacking:
        raise BadInput(
            "bad_layout", f"Lifting needs {lacking[0]}, which the layout {keypoints.layout!r} lacks.",
            "Estimate the whole body.",
        )  # fmt: skip
    frames = len(keypoints)
    xy, xyz = np.full((frames, len(POINTS), 2), np.nan), np.full((frames, len(POINTS), 3), np.nan)
    score = np.zeros((frames, len(POINTS)))
    have = [i for i, name in enumerate(POINTS) if name in names]
    from_ = [names.index(POINTS[i]) for i in have]
    xy[:, have], score[:, have] = keypoints.xy[:, from_], keypoints.score[:, from_]
    if keypoints.xyz is not None:
        xyz[:, have] = keypoints.xyz[:, from_]
    score = np.where(np.isfinite(xy).all(axis=-1), np.clip(score, 0.0, 1.0), 0.0)
    return xy, xyz, score


def features(xy, xyz, score, size) -> np.ndarray:
    """(..., T, FEATURES) float32 of xy (..., T,P,2) px, xyz (..., T,P,3) m, score (..., T,P), size (2,) or (..., 2).

    Per frame: the points about the body's middle in units of its size in the picture, scores, the estimator's points
    in space about its hips at the size of a person of HEIGHT_M; whether there are any, 1 (what lies outside the clip
    is 0), and where and how large the body is in the picture.
    """
    score = np.where(np.isfinite(xy).all(axis=-1), score, 0.0)
    size = np.asarray(size, np.float64)
    longer = size.max(axis=-1)[..., None, None, None]
    place = (xy - 0.5 * size[..., None, None, :]) / longer * [1.0, -1.0]
    place = np.where(score[..., None] > 0.0, place, 0.0)
    weight = score[..., BODY, None] + 1e-6
    middle = (place[..., BODY, :] * weight).sum(-2, keepdims=True) / weight.sum(-2, keepdims=True)
    apart = ((place - middle)[..., BODY, :] ** 2).sum(-1, keepdims=True)
    large = (apart * weight).sum(-2) / weight.sum(-2)
    told = (weight.sum(-2) > 1.0) + 1e-6
    large = np.maximum(np.sqrt(_averaged(large * told) / _averaged(told)), 1e-3)[..., None, :]
    flat = np.where(score[..., None] > 0.0, (place - middle) / large, 0.0)
    deep, has = depth(xyz)
    one = np.ones(score.shape[:-1] + (1,))
    parts = [flat.reshape(*score.shape[:-1], -1), score, deep.reshape(*score.shape[:-1], -1), has[..., None], one,
             middle[..., 0, :], np.log(large[..., 0, :])]  # fmt: skip
    return np.concatenate(parts, axis=-1, dtype=np.float32)


def mirrored(told):
    """The features (T,FEATURES) of the same person in a mirror."""
    points = len(POINTS)
    flat, score, deep, rest = np.split(told, [2 * points, 3 * points, 6 * points], axis=-1)
    flat = flat.reshape(-1, points, 2)[:, OTHER] * np.float32([-1.0, 1.0])
    deep = deep.reshape(-1, points, 3)[:, OTHER] * np.float32(_ACROSS)
    rest = rest * np.float32([1.0, 1.0, -1.0, 1.0, 1.0])
    return np.concatenate([flat.reshape(len(told), -1), score[:, OTHER], deep.reshape(len(told), -1), rest], axis=-1)


def depth(xyz):
    """The estimator's points (..., T,P,3) about its hips at the size of HEIGHT_M, 0 where none; (..., T) if any."""
    hips = 0.5 * (xyz[..., _P["hip_l"], :] + xyz[..., _P["hip_r"], :])
    there = np.isfinite(xyz).all(axis=-1) & np.isfinite(hips).all(axis=-1)[..., None]
    centred = np.where(there[..., None], xyz - hips[..., None, :], 0.0)
    legs = sum(np.linalg.norm(centred[..., _P[a], :] - centred[..., _P[b], :], axis=-1)
               for chain in _CHAINS for a, b in zip(chain, chain[1:]))  # fmt: skip
    shoulders = 0.5 * (centred[..., _P["shoulder_l"], :] + centred[..., _P["shoulder_r"], :])
    long = 0.5 * legs + np.linalg.norm(shoulders, axis=-1)
    any_ = there.any(axis=-1)
    usual = np.nan_to_num(_median(np.where(any_, long, np.nan)), nan=1.0)[..., None]
    return centred * (usual_length() / np.maximum(usual, 0.1))[..., None, None], any_.astype(np.float64)


def body_length(joints):
    """(..., T) leg and trunk together of canonical joints (..., T,22,3): what `HEIGHT_M` is measured by."""
    j = {name: joints[..., JOINTS.index(name), :] for name in JOINTS}
    legs = sum(np.linalg.norm(j[f"thigh_{s}"] - j[f"shin_{s}"], axis=-1) for s in "lr")
    legs = legs + sum(np.linalg.norm(j[f"shin_{s}"] - j[f"foot_{s}"], axis=-1) for s in "lr")
    trunk = 0.5 * (j["upper_arm_l"] + j["upper_arm_r"] - j["thigh_l"] - j["thigh_r"])
    return 0.5 * legs + np.linalg.norm(trunk, axis=-1)


def usual_length() -> float:
    body = standard(HEIGHT_M)
    where = np.zeros((len(JOINTS), 3))
    for j, parent in enumerate(body.parents):
        where[j] = body.offsets[j] + (where[parent] if parent >= 0 else 0.0)
    return float(body_length(where))


def _median(x):
    """Over time (..., T), NaN left out, NaN where there is nothing else."""
    some = np.isfinite(x).any(axis=-1, keepdims=True)
    return np.where(some[..., 0], np.nanmedian(np.where(some, x, 0.0), axis=-1), np.nan)


def _averaged(x):
    """x (..., T, 1) averaged over _SIZE_S to either side, less further off; shorter at the ends."""
    reach = int(_SIZE_S * FPS)
    kernel = 1.0 - np.abs(np.arange(-reach, reach + 1)) / (reach + 1.0)
    frames = x.shape[-2]
    if frames <= 4 * reach:
        lag = np.arange(frames)[:, None] - np.arange(frames)[None, :]
        share = np.where(np.abs(lag) <= reach, kernel[np.clip(lag + reach, 0, 2 * reach)], 0.0)
        return share @ x / share.sum(axis=1)[:, None]
    flat = x.reshape(-1, frames)
    weight = np.convolve(np.ones(frames), kernel, mode="same")
    return np.stack([np.convolve(row, kernel, mode="same") / weight for row in flat]).reshape(x.shape)


def _resampled(x, times, wanted, fps):
    """x (T,...) of `times` at `wanted`, averaged first where that is coarser; NaN where the nearest is."""
    x = np.asarray(x, np.float64)
    width = int(round(fps / FPS))
    lost = ~np.isfinite(x)
    whole = filters.fill_gaps(np.where(lost, np.nan, x)) if lost.any() and not lost.all() else np.nan_to_num(x)
    flat = whole.reshape(len(x), -1)
    if width > 1 and len(times) > len(wanted):
        edge = np.pad(flat, ((width // 2, width - 1 - width // 2), (0, 0)), mode="edge")
        total = np.cumsum(np.concatenate([np.zeros((1, flat.shape[1])), edge]), axis=0)
        flat = (total[width:] - total[:-width]) / width
    out = np.stack([np.interp(wanted, times, column) for column in flat.T], axis=-1)
    out = out.reshape((len(wanted),) + x.shape[1:])
    nearest = np.clip(np.round(np.interp(wanted, times, np.arange(len(times)))).astype(int), 0, len(times) - 1)
    return np.where(lost[nearest], np.nan, out)
