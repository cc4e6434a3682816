"""The people of a run: where their points are in each of its frames, and the camera before which they stand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BadInput
from ..motion import lens, openpose
from ..motion.skeleton import REST_HEIGHT_M, motion_fk
from ..motion.types import Camera, Keypoints, Motion, _set, array
from . import hidden

_SURE = 0.3  # keypoints below this score count as unseen
_FEWEST = 3  # somebody with fewer points of the body in the picture is not in it
_USUAL_M = 1.5  # from the ankles to the nose, where keypoints have no metres


@dataclass(frozen=True, eq=False)
class Cast:
    """T frames of P people, K points each, as `openpose.names(body)`; lengths in the scene's unit.

    frames (T,) their numbers; points (T,P,K,3) in the world, NaN where there is none; shown (T,P) whether a render
    shows that person at all; heights (P,) from sole to crown; names (P,); K (T,3,3), world (T,4,4), parallel (T,) and
    size: the cameras; near, far: the range of depth pictures, as `lens.depth_values`.
    """

    frames: np.ndarray
    points: np.ndarray
    shown: np.ndarray
    heights: np.ndarray
    names: tuple
    K: np.ndarray
    world: np.ndarray
    parallel: np.ndarray
    size: tuple
    body: int
    fps: float
    near: float = 1.0
    far: float = 2.0

    def __post_init__(self):
        points = array("Cast", "points", self.points, (None, None, len(openpose.names(self.body)), 3), dtype=np.float64, nan=True)
        frames, people = points.shape[:2]
        _set(
            self,
            frames=array("Cast", "frames", self.frames, (frames,), "points", dtype=np.int64),
            points=points,
            shown=array("Cast", "shown", self.shown, (frames, people), "points", dtype=bool),
            heights=array("Cast", "heights", self.heights, (people,), "points", dtype=np.float64),
            names=tuple(str(name) for name in self.names),
            K=array("Cast", "K", self.K, (frames, 3, 3), "points", dtype=np.float64),
            world=array("Cast", "world", self.world, (frames, 4, 4), "points", dtype=np.float64),
            parallel=array("Cast", "parallel", self.parallel, (frames,), "points", dtype=bool),
            size=(int(self.size[0]), int(self.size[1])),
        )

    def __len__(self) -> int:
        return len(self.frames)

    def camera(self, i: int) -> Camera:
        return Camera(self.K[i], self.world[i], self.size, bool(self.parallel[i]))

    def why_not(self, i: int) -> str:
        """Why there can be no guides of row i, in words; "" where there can."""
        shown = np.flatnonzero(self.shown[i])
        if not len(shown):
            return "nobody is shown"
        camera = self.camera(i)
        places = lens.in_camera(camera, self.points[i])
        names = openpose.names(self.body)
        if not camera.parallel:
            for p in shown:
                if hidden.inside(hidden.capsules(places[p], names, self.heights[p] / REST_HEIGHT_M)):
                    return f"the camera is inside {self.names[p]}"
        xy = lens.to_pixels(camera, places)[shown, : self.body]
        with np.errstate(invalid="ignore"):
            seen = (np.isfinite(xy) & (xy >= 0) & (xy <= self.size)).all(axis=-1)
        return "" if (seen.sum(axis=1) >= _FEWEST).any() else "nobody is in the picture"


def load(path: Path) -> Cast:
    """What Blender's side of guides wrote (figures.npz)."""
    try:
        with np.load(path, allow_pickle=False) as npz:
            values = {name: npz[name] for name in npz.files}
    except (OSError, ValueError) as error:
        raise BadInput("unreadable_file", f"{path} cannot be read: {error}.", "Remove it; it is made anew.") from error
    plain = {name: values.pop(name).item() for name in ("body", "fps", "near", "far")}
    return Cast(**{**values, "size": tuple(values["size"]), "names": tuple(values["names"])}, **plain)


def of_motion(motion: Motion, size: tuple, body: int = 18, *, yaw_rad: float = 0.0) -> Cast:
    """A motion before a camera that stands still, sees all of it, and looks along +Y, turned by `yaw_rad` from above."""
    camera = lens.around(motion_fk(motion)[1].reshape(-1, 3), size, yaw_rad=yaw_rad)
    points = openpose.of_motion(motion, body)[:, None]
    return _still(points, camera, [openpose.height(motion.skeleton)], motion.fps, body)


def of_keypoints(keypoints: Keypoints, body: int = 18) -> Cast:
    """One person's keypoints, each where it is in the picture and as far away as its metres say.

    BadInput where its layout lacks shoulders or hips, or nobody is seen.
    """
    from ..motion.layouts import layout

    xy, away = _figure_of(keypoints, layout(keypoints.layout).names, body)
    seen = np.isfinite(xy).all(axis=(-1))
    if not seen[:, : body].any():
        raise BadInput("no_person", "The keypoints show nobody.", "Choose another clip.")
    wide, high = keypoints.size
    focal = 1.2 * max(keypoints.size)
    tall_px = np.nanmedian(np.nanmax(np.where(seen, xy[..., 1], np.nan), axis=1) - np.nanmin(np.where(seen, xy[..., 1], np.nan), axis=1))
    away = away + focal * _USUAL_M / max(tall_px, 1.0)
    flat = (xy - 0.5 * np.array([wide, high])) * away[..., None] / focal
    points = np.concatenate([flat, away[..., None]], axis=-1) * np.array([1.0, -1.0, -1.0])
    camera = Camera(np.array([[focal, 0, 0.5 * wide], [0, focal, 0.5 * high], [0, 0, 1]]), np.eye(4), keypoints.size)
    return _still(points[:, None], camera, [REST_HEIGHT_M], keypoints.fps, body)


def _figure_of(keypoints: Keypoints, names: tuple, body: int) -> tuple:
    """(xy (T,K,2), away (T,K) metres from the hips) of the points that keypoints have by the same name."""
    wanted = openpose.names(body)
    sure = (keypoints.score >= _SURE) & np.isfinite(keypoints.xy).all(axis=-1)
    xyz = np.zeros((*keypoints.score.shape, 3)) if keypoints.xyz is None else np.nan_to_num(keypoints.xyz)
    own = np.concatenate([np.where(sure[..., None], keypoints.xy, np.nan), xyz[..., 1:2]], axis=-1).astype(np.float64)
    at = {name: own[:, i] for i, name in enumerate(names)}
    if any(f"{name}_{side}" not in at for name in ("shoulder", "hip") for side in "lr"):
        raise BadInput("bad_layout", f'The layout "{keypoints.layout}" has no shoulders or no hips.', "Use keypoints of a whole body.")
    at["neck"] = 0.5 * (at["shoulder_l"] + at["shoulder_r"])
    at["pelvis"] = 0.5 * (at["hip_l"] + at["hip_r"])
    none = np.full((len(own), 3), np.nan)
    all_of = np.stack([at.get(name, none) for name in wanted], axis=1)
    return all_of[..., :2], all_of[..., 2]


def _still(points, camera: Camera, heights, fps: float, body: int) -> Cast:
    count = len(points)
    return Cast(
        np.arange(count), points, np.isfinite(points[:, :, :body]).all(axis=-1).any(axis=-1), heights, ("the person",),
        np.tile(camera.K, (count, 1, 1)), np.tile(camera.world, (count, 1, 1)), np.full(count, camera.parallel),
        camera.size, body, fps,
    )  # fmt: skip
