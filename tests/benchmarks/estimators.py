"""What the estimators see of rendered pictures with exact truth: people, who is who, hands; and how long a frame takes.

    python tests/benchmarks/estimators.py [--json FILE] [--only people hands speed simcc images] [--mpfb2 FOLDER]

Pictures and clips that are not there yet are rendered first, in an hour or two; each part is told when it is done.

people_recall           of the people in crowds of two to four, all of at least 150 px: the share that is found, which
                        is that shoulders, elbows, wrists, hips, knees and ankles lie within a tenth of the height of
                        the truth on average; of a found person nobody else may claim the same
people_extra            sights in those crowds that are nobody's
people_pck              of the joints of those found: the share within 5 % of the height of the truth
id_switches             in crossing.mp4: how often the truth nearest to one of our people changes from one sight to the
                        next; a person who is split in two counts as one more each
crossing_seen           the share of frames and people there that are seen, hidden ones among them
hand_found              of the hands held up in hands_NN.png, closed to spread: the share whose points are given
hand_pa_mpjpe_mm        of the 21 points of these hands, in metres, after the best turn, shift and scale of each hand;
                        _spread and _closed: of those that are less than 0.1, or more than 0.9 closed
hand_px                 of the same in the picture
wrist_deg, head_deg     after solving: how far hands and head are turned from the truth, on bodies laid over each other
                        by trunk and neck; _body: by BlazePose's own points alone
full_ms_frame           reading and seeing a frame of crossing.mp4 by BlazePose full, one person; holistic_ms_frame the
                        same with hands and face; everyone_ms_frame with everyone; medians of three rounds in turns
simcc_parity_px         between our decoding of the small RTMPose's SimCC rows and mmpose's; simcc_seen_alike: the share of
                        points that the whole way, ONNX file and mmpose, gives within 0.01 px; simcc_seen_apart_px the
                        farthest.  Needs poseloom setup mmpose; simcc_parity.py tells more
images_angle_error_deg  of key poses of single pictures, and others of theirs: key_images.py tells
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import key_images
import numpy as np
import simcc_parity
import video_clips

from poseloom import pose
from poseloom.media import open_clip
from poseloom.motion import quat
from poseloom.motion.conversion import converted
from poseloom.motion.points import HANDS, HOLISTIC
from poseloom.motion.skeleton import JOINTS, motion_fk
from poseloom.pipelines import AnimateOptions, keypoints_to_motion
from poseloom.pose.landmarks import JOINTS as POINTS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "people"
LIMBS = [JOINTS.index(f"{n}_{s}") for n in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot") for s in "lr"]
_FOUND, _NEAR, _ROUNDS = 0.1, 0.05, 3


def truth_of(path: Path) -> dict:
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as npz:
        return {name: npz[name] for name in npz.files}


def people(figures: dict) -> None:
    estimator, found, total, extra, near = pose.load("mediapipe")(), 0, 0, 0, []
    for path in sorted(FOLDER.glob("crowd_*.png")):
        truth, seen = truth_of(path), estimator.everyone(open_clip(path))
        height = (truth["box"][:, 3] - truth["box"][:, 1]).astype(float)
        if height.min() < 150.0:
            raise SystemExit(f"{path.name} shows somebody of less than 150 px")
        off = np.array([[off_px(person.xy[0], xy) for person in seen] for xy in truth["xy"]]) / height[:, None, None]
        mean, taken = off.mean(axis=-1), set()
        for i, j in sorted(np.ndindex(mean.shape), key=lambda pair: mean[pair]):
            if mean[i, j] < _FOUND and i not in {a for a, _ in taken} and j not in {b for _, b in taken}:
                taken.add((i, j))
                near += (off[i, j] < _NEAR).tolist()
        found, total, extra = found + len(taken), total + len(height), extra + len(seen) - len(taken)
    figures |= {"people": total, "people_recall": found / total, "people_extra": extra, "people_pck": np.mean(near)}
    crossing(estimator, figures)


def crossing(estimator, figures: dict) -> None:
    path = FOLDER / "crossing.mp4"
    truth, seen = truth_of(path), estimator.everyone(open_clip(path))
    switches, owners, sights = 0, [], 0
    for person in seen:
        frames = np.flatnonzero(np.isfinite(person.xy[:, POINTS]).all(axis=(1, 2)))
        off = np.stack(
            [off_px(person.xy[frames], truth["xy"][frames, i]).mean(axis=-1) for i in range(truth["xy"].shape[1])]
        )
        who = off.argmin(axis=0)
        switches += int((np.diff(who) != 0).sum())
        owners.append(np.bincount(who).argmax())
        sights += len(frames)
    switches += len(owners) - len(set(owners))
    figures |= {
        "id_switches": switches,
        "crossing_people": len(seen),
        "crossing_seen": sights / truth["xy"][..., 0, 0].size,
    }


def off_px(points, joints):
    """(...,12) pixels between BlazePose's points (...,33,2) and joints (...,22,2) of the truth."""
    return np.linalg.norm(points[..., list(POINTS), :] - joints[..., LIMBS, :], axis=-1)


def hands(figures: dict) -> None:
    estimator, columns = pose.load("holistic")(), [HOLISTIC.index(name) for name in HANDS]
    rows, turns = [], []
    for path in sorted(FOLDER.glob("hands_*.png")):
        truth, (seen,) = truth_of(path), estimator(open_clip(path))
        xyz, xy = seen.xyz[0, columns].reshape(2, 21, 3), seen.xy[0, columns].reshape(2, 21, 2)
        for side in (0, 1):
            known = np.isfinite(xyz[side]).all()
            far = np.linalg.norm(xy[side] - truth["hands_xy"][0, side], axis=-1).mean()
            rows.append(
                (
                    known,
                    truth["closed"][0, side],
                    pa_mpjpe_mm(xyz[side], truth["hands"][0, side]) if known else np.nan,
                    far,
                )
            )
        motion = keypoints_to_motion(seen, AnimateOptions())
        plain = keypoints_to_motion(converted(seen, "blazepose"), AnimateOptions())
        turns.append([turned_deg(motion, truth), turned_deg(plain, truth)])
    known, closed, error, far = np.array(rows, float).T
    (left, right, head), (left_body, right_body, head_body) = np.mean(turns, axis=0)
    figures |= {
        "hands": len(rows), "hand_found": known.mean(), "hand_pa_mpjpe_mm": np.nanmean(error),
        "hand_pa_mpjpe_mm_spread": np.nanmean(error[closed < 0.1]),
        "hand_pa_mpjpe_mm_closed": np.nanmean(error[closed > 0.9]),
        "hand_px": np.nanmean(far), "wrist_deg": (left + right) / 2, "wrist_deg_body": (left_body + right_body) / 2,
        "head_deg": head, "head_deg_body": head_body,
    }  # fmt: skip


def pa_mpjpe_mm(points, truth) -> float:
    points, truth = points - points.mean(axis=0), truth - truth.mean(axis=0)
    u, s, v = np.linalg.svd(points.T.astype(float) @ truth)
    sign = np.array([1.0, 1.0, np.linalg.det(u @ v)])
    scale = (s * sign).sum() / (points**2).sum()
    return 1000.0 * float(np.linalg.norm(scale * points @ (u * sign) @ v - truth, axis=-1).mean())


def turned_deg(motion, truth: dict) -> list:
    """Degrees by which left hand, right hand and head are turned from the truth in the first frame."""
    grot, gpos = motion_fk(motion)
    trunk = [JOINTS.index(name) for name in ("upper_arm_l", "upper_arm_r", "thigh_l", "thigh_r", "neck")]
    ours, theirs = (place[trunk] - place[trunk].mean(axis=0) for place in (gpos[0], truth["gpos"][0].astype(float)))
    u, _, v = np.linalg.svd(theirs.T @ ours)
    laid = quat.from_matrix(u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v)
    joints = [JOINTS.index(name) for name in ("hand_l", "hand_r", "head")]
    return np.degrees(quat.angle(quat.multiply(laid, grot[0, joints]), truth["grot"][0, joints])).tolist()


def speed(figures: dict) -> None:
    path = FOLDER / "crossing.mp4"
    ways = {
        "full_ms_frame": pose.load("mediapipe")(), "holistic_ms_frame": pose.load("holistic")(),
        "everyone_ms_frame": pose.load("mediapipe")().everyone,
    }  # fmt: skip
    took: dict = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, look in ways.items():
            began = time.perf_counter()
            frames = len(look(open_clip(path))[0])
            took[name].append(1000.0 * (time.perf_counter() - began) / frames)
    figures |= {name: float(np.median(values)) for name, values in took.items()}


def simcc(figures: dict) -> None:
    apart = simcc_parity.seeing()
    figures["simcc_parity_px"] = simcc_parity.decoding()[0]
    figures |= {"simcc_seen_alike": float((apart < 0.01).mean()), "simcc_seen_apart_px": float(apart.max())}


def images(figures: dict) -> None:
    key_images.images(figures)


PARTS = {"people": people, "hands": hands, "speed": speed, "simcc": simcc, "images": images}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write one flat object {figure: number}")
    parser.add_argument("--mpfb2", metavar="FOLDER", help="the MakeHuman data, where pictures must still be rendered")
    chosen = parser.parse_args()
    if not (FOLDER / "crossing.npz").is_file():
        script = [sys.executable, str(ROOT / "backend/studio/render_people.py")]
        subprocess.run(script + (["--mpfb2", chosen.mpfb2] if chosen.mpfb2 else []), cwd=ROOT, check=True)
    if "images" in chosen.only:
        video_clips.synthetic("test", 1, None, chosen.mpfb2)
    figures: dict = {}
    for part in chosen.only:
        told = set(figures)
        PARTS[part](figures)
        for name, value in figures.items():
            if name not in told:
                print(f"{name:28}{value:12.4g}", flush=True)
        if chosen.json:
            rounded = {name: round(float(value), 5) for name, value in figures.items()}
            chosen.json.write_text(json.dumps(rounded, indent=2) + "\n")


if __name__ == "__main__":
    main()
