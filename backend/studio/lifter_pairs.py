"""What BlazePose makes of known motion: pairs of its landmarks and the truth, to train the lifter on.

    python backend/studio/lifter_pairs.py PACK.npz OUT.npz [--clips 60] [--every 3] [--seed 1] [--show FOLDER]

PACK.npz is what `poseloom train pack` writes.  The shipped body with random proportions and colours plays
stretches of its clips in a painted room, before a random camera; the pictures go to the estimator and are not
kept.  Same seed, same pairs.  In OUT.npz, for all clips end to end (M frames): xy (M,33,2) px, xyz (M,33,3) m,
score (M,33), truth (M,22,3) m in the camera's axes (x right, y away, z up), start (C+1,), size (C,2),
focal_px (C,), names (C,), fps.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
from puppet import Camera, Puppet, room

from poseloom.errors import BadInput
from poseloom.motion import quat
from poseloom.motion.files import write_bytes
from poseloom.motion.skeleton import JOINTS, PARENTS, REST_HEIGHT_M, standard
from poseloom.motion.types import Motion, Skeleton
from poseloom.pose.mediapipe import MediaPipe

FPS = 30.0
SIZES = ((640, 480), (480, 640), (720, 480), (480, 720))
_Z = np.array([0.0, 0.0, 1.0])


def stretch(pack, rng, subjects, frames: int, every: int):
    """(name, Motion) of every so manieth frame of a random clip of `subjects`, turned any way."""
    lengths = np.diff(pack["start"])
    frames *= every
    mine = [i for i, n in enumerate(pack["names"]) if str(n).split("_")[0] in subjects]
    frames = min(frames, int(lengths[mine].max()) - 1)
    fit = [i for i in mine if lengths[i] > frames]
    i = int(rng.choice(fit, p=lengths[fit] ** 0.5 / (lengths[fit] ** 0.5).sum()))
    first = int(pack["start"][i] + rng.integers(0, lengths[i] - frames))
    lrot = pack["lrot"][first : first + frames : every].astype(np.float64)
    root = pack["root"][first : first + frames : every].astype(np.float64)
    turn = quat.from_axis_angle(_Z, np.array(rng.uniform(-np.pi, np.pi)))
    lrot[:, 0] = quat.multiply(turn, lrot[:, 0])
    root = quat.rotate(turn, root - root[0] * [1.0, 1.0, 0.0])
    body = standard(REST_HEIGHT_M)
    skeleton = Skeleton(JOINTS, np.array(PARENTS), pack["offsets"][i], body.tips)
    return str(pack["names"][i]), Motion(skeleton, lrot, root, FPS / every)


def stand(rng, joints) -> Camera:
    """A camera from which the body is seen, mostly whole, at times cut by the picture's border."""
    size = SIZES[int(rng.integers(len(SIZES)))]
    focal = float(np.exp(rng.uniform(np.log(0.8), np.log(1.8)))) * max(size)
    pitch, roll = np.radians(rng.uniform(-3.0, 30.0)), np.radians(rng.normal() * 2.0)
    away = quat.rotate(quat.from_axis_angle(np.array([1.0, 0.0, 0.0]), np.array(-pitch)), np.array([0.0, 1.0, 0.0]))
    right = np.array([np.cos(roll), 0.0, np.sin(roll)])
    right = right - away * (right @ away)
    right /= np.linalg.norm(right)
    axes = np.stack([right, away, np.cross(right, away)], axis=1)
    low, high = joints.reshape(-1, 3).min(0), joints.reshape(-1, 3).max(0)
    middle = 0.5 * (low + high)
    loose = rng.uniform(0.95, 1.5)
    for distance in np.arange(1.5, 12.0, 0.1):
        camera = Camera(middle - distance * away, axes, focal, size)
        seen = camera.project(camera.local(joints))
        if (np.abs(seen - 0.5 * np.array(size)) * loose < 0.46 * np.array(size)).all():
            room_left = 0.46 - (np.abs(seen / size - 0.5)).reshape(-1, 2).max(axis=0)
            shift = np.maximum(room_left, 0.0) * rng.uniform(-1, 1, 2) * size * distance / focal
            return Camera(camera.place - shift[0] * right - shift[1] * axes[:, 2], axes, focal, size)
    return camera


def film(puppet, motion, rng):
    """(pictures, truth (T,22,3) in camera axes, camera): pictures as a generator of RGB arrays."""
    vertices, joints = puppet.perform(motion)
    camera = stand(rng, joints)
    light = rng.normal(size=3) * [1.0, 1.0, 0.2] + [0.0, 0.0, 1.2]
    light /= np.linalg.norm(light)
    behind = room(rng, camera)
    grain, soft = rng.uniform(0.0, 8.0), rng.uniform(0.3, 1.0)
    noise = (grain * rng.normal(size=(camera.size[1] * 2, camera.size[0], 3))).astype(np.int8)

    def pictures():
        for body in vertices:
            picture = puppet.shadow(behind, body, camera, light)
            puppet.paint(picture, body, camera, light)
            picture = cv2.GaussianBlur(picture, (0, 0), soft)
            first = int(rng.integers(camera.size[1]))
            yield cv2.add(picture, noise[first : first + camera.size[1]], dtype=cv2.CV_8U)

    return pictures(), camera.local(joints), camera


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--frames", type=int, default=45)
    parser.add_argument("--every", type=int, default=3, help="frames of the motion a picture: 1 keeps the jitter")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--subjects", default="01,02,03,05,06,07,14,16,127")
    parser.add_argument("--show", type=Path, help="a picture of each clip goes into this folder")
    options = parser.parse_args()
    with np.load(options.pack) as z:
        pack = {key: z[key] for key in z.files}
    subjects = options.subjects.split(",")
    kept, names, sizes, focals, start = [], [], [], [], [0]
    for n in range(options.clips):
        rng, began = np.random.default_rng([options.seed, n]), time.monotonic()
        name, motion = stretch(pack, rng, subjects, options.frames, options.every)
        pictures, truth, camera = film(Puppet(rng), motion, rng)
        frames = list(pictures)
        if options.show:
            options.show.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(options.show / f"{n:03d}_{name}.jpg"), frames[len(frames) // 2][..., ::-1])
        clip = Pictures(frames, camera.size)
        try:
            seen = MediaPipe()(clip)[0]
        except BadInput as error:
            print(f"{n} {name}: {error}")
            continue
        kept.append((seen.xy, seen.xyz, seen.score, truth))
        names.append(name), sizes.append(camera.size), focals.append(camera.focal_px)
        start.append(start[-1] + len(truth))
        lost = float(np.isnan(seen.xy[:, 0, 0]).mean())
        print(f"{n} {name}: {len(truth)} frames, {lost:.0%} lost, {time.monotonic() - began:.1f} s", flush=True)
        if n % 5 == 4 or n == options.clips - 1:
            columns = [np.concatenate(c).astype(np.float32) for c in zip(*kept)]
            buffer = io.BytesIO()
            np.savez_compressed(
                buffer, **dict(zip(("xy", "xyz", "score", "truth"), columns)), start=np.array(start),
                size=np.array(sizes), focal_px=np.array(focals), names=np.array(names), fps=FPS / options.every,
            )  # fmt: skip
            write_bytes(options.out, buffer.getvalue())


class Pictures(SimpleNamespace):
    """A list of RGB pictures, as an estimator takes a `media.Clip`."""

    def __init__(self, frames, size):
        shots = [SimpleNamespace(index=i, rgb=frame) for i, frame in enumerate(frames)]
        super().__init__(shots=shots, size=size, fps=FPS, start_s=0.0, frame_count=len(frames), path=Path("painted"))

    def __iter__(self):
        return iter(self.shots)


if __name__ == "__main__":
    main()
