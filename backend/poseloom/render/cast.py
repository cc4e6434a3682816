"""The people of a run: where their points are in each of its frames, and the camera before which they stand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BadInput
from ..motion import lens, openpose
from ..motion.skeleton import REST_HEIGHT_M, motion_fk
from ..motion.types import Camera, Motion, _set, array
from . import hidden

_FEWEST = 3  # somebody with fewer points of the body in the picture is not in it


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
    return still(points, camera, [openpose.height(motion.skeleton)], motion.fps, body)


def still(points, camera: Camera, heights, fps: float, body: int, *, names=("the person",), first: int = 0) -> Cast:
    """People (T,P,K,3) before a camera that stands still, the frames numbered from `first`."""
    count = len(points)
    return Cast(
        first + np.arange(count), points, np.isfinite(points[:, :, :body]).all(axis=-1).any(axis=-1), heights, names,
        np.tile(camera.K, (count, 1, 1)), np.tile(camera.world, (count, 1, 1)), np.full(count, camera.parallel),
        camera.size, body, fps,
    )  # fmt: skip
