"""Held-out characters that move, for render_model.py: true frames, guides, and where in the frame before each pixel was."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Iterator

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "backend" / "studio"))
from characters import HELD_BODIES, HELD_OUTFITS, Adult  # noqa: E402
from embed_pictures import Poses, Stage, draw, held_dresses, place  # noqa: E402
from raster import photograph, project, to_camera  # noqa: E402

from poseloom.motion.pictures import Guides, Shot  # noqa: E402
from poseloom.render.embedded import Embedded, Options  # noqa: E402

SIZE, SEED = 128, 7
_SAME_M = 0.03  # surfaces nearer to each other than this are one


_TOLD = ("rgb", "region", "xy", "away", "seen")


@dataclass(frozen=True, eq=False)
class Row:
    """A character who moves for T frames: rgb (1+T,S,S,3), region (1+T,S,S), xy, away, seen as `embed_pictures.draw`, the
    reference first; place (T-1,S,S,2) px where each pixel was in the frame before, both (T-1,S,S) whether it is seen in both."""

    rgb: np.ndarray
    region: np.ndarray
    xy: np.ndarray
    away: np.ndarray
    seen: np.ndarray
    place: np.ndarray
    both: np.ndarray

    @property
    def true(self) -> list:
        return list(self.rgb[1:])

    @property
    def masks(self) -> list:
        return list(self.region[1:] >= 0)

    @property
    def flows(self) -> list:
        return list(zip(self.place, self.both))


def kept(path: Path, *what) -> list:
    """The Rows of `sequences`, from a file where they were drawn before."""
    if path.is_file():
        with np.load(path) as npz:
            return [Row(**{n: npz[n][i] for n in npz.files}) for i in range(len(npz["rgb"]))]
    rows = list(sequences(*what))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **{f.name: np.stack([getattr(row, f.name) for row in rows]) for f in fields(Row)})
    return rows


def sequences(clips: Path, mpfb2: Path, count: int, frames: int, every: int) -> Iterator[Row]:
    """`count` of them, each of another outfit, of clips of the test subjects, every so many frames."""
    poses, dresses = Poses(clips, True), held_dresses()
    bodies = [Adult.named(name, Path("build/adults"), mpfb2) for name in HELD_BODIES]
    for number in range(count):
        rng = np.random.default_rng([SEED, number])
        body, dress = bodies[number % len(bodies)], dresses[number % HELD_OUTFITS]
        stage = Stage.random(rng, body.height_m, SIZE)
        clip = int(rng.choice(poses.clips))
        start = int(rng.integers(poses.start[clip], poses.start[clip + 1] - frames * every))
        rows = [poses.at(t) for t in range(start, start + frames * every, every)]
        first = poses.at(int(poses.start[clip]))
        lrot, high = (np.array(values) for values in zip(first, *rows))
        bones = place(body, lrot, high, np.concatenate([[0.0], np.full(frames, rng.uniform(-1.0, 1.0))]))
        drawn = [draw(body, dress, stage, pose) for pose in bones]
        flows = [flow(body, dress, stage, a, b) for a, b in zip(bones[1:], bones[2:])]
        told = {name: np.stack([d[name] for d in drawn]) for name in _TOLD}
        yield Row(**told, place=np.stack([f[0] for f in flows]).astype(np.float32), both=np.stack([f[1] for f in flows]))


def flow(body: Adult, dress, stage: Stage, before, after) -> tuple:
    """(place (S,S,2) px where each pixel of `after` was in `before`, seen (S,S) in both), by the mesh."""
    triangles, size = body.triangles[body.worn(dress)], stage.camera.size
    was, now = body.skin(before), body.skin(after)
    views = [photograph(points, triangles, stage.camera.K, stage.camera.world, size) for points in (was, now)]
    deep = np.full((2, SIZE, SIZE), np.inf)
    for view, sheet in zip(views, deep):
        sheet[view.row, view.column] = view.depth
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    where, seen = np.stack([x, y], axis=-1), np.isinf(deep).all(axis=0)  # what is nobody's stays
    moved = views[1].blend(was, triangles)
    at = project(moved, stage.camera.K, stage.camera.world)
    pixel = np.floor(at).astype(int)
    inside = ((pixel >= 0) & (pixel < SIZE)).all(axis=1)
    column, row = np.clip(pixel, 0, SIZE - 1).T
    same = np.abs(-to_camera(moved, stage.camera.world)[:, 2] - deep[0][row, column]) < _SAME_M
    where[views[1].row, views[1].column] = at
    seen[views[1].row, views[1].column] = inside & same
    return where, seen


def frames(weights: Path, row: Row, steps: int, seed: int, **options) -> list:
    """The frames of a sequence by the renderer itself."""
    renderer = Embedded(Options(steps=steps, weights=str(weights), threads=1, **options))
    reference, *shown = (_guides(row, i) for i in range(len(row.rgb)))
    shot = Shot(seed=seed, reference=row.rgb[0], posed=reference)
    return [frame.rgb for frame in renderer(shown, shot)]


def _guides(row: Row, i: int) -> Guides:
    blank = np.zeros((SIZE, SIZE, 3), np.uint8)
    return Guides(i, blank, "openpose-18", [1], *(values[i : i + 1] for values in (row.xy, row.away, row.seen)))
