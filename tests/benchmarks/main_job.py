"""The main job in figures: speed and memory of the demo, and how near the sample clip comes to its truth.

    python tests/benchmarks/main_job.py [--json FILE] [--only accuracy,speed,demo]

demo_s, demo_peak_mb      `poseloom demo` as a process: seconds, and the largest sum of the resident
                          memory of it and its children (shared pages count in each)
estimate_ms_frame         decoding and MediaPipe, per frame of the sample clip, its start-up left out
solve_ms_frame            33 landmarks to a motion, per frame
retarget_ms_frame         recognising a Mixamo rig and retargeting to it, per frame
bake_s_10k_60             quaternion keys for 60 bones x 10,000 frames into an Action
raw_mpjpe_mm              mean joint error of MediaPipe's world landmarks against the truth
solved_mpjpe_mm           that of the solved motion
retargeted_mpjpe_mm       that of the solved motion on the Mixamo character
floor_mpjpe_mm            that of the truth itself sent through retargeting alone
solved_travel_mm          mean distance of the solved hips from the true ones over the floor

Mean joint error (MPJPE): mean distance over frames and the 12 joints that both sides have as joint
centres (shoulders, elbows, wrists, hips, knees, ankles), after each frame's middle of the hips is put
on the other's.  One turn about the vertical is taken out for the whole clip, by least squares, as
neither side knows where north is; nothing is scaled.  The true person is 1.75 m tall, which is
also what the solver takes by default.  Nothing was tuned on this truth.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

import numpy as np
import psutil

from poseloom import chains
from poseloom.motion import quat
from poseloom.motion.skeleton import motion_fk, standard
from poseloom.motion.types import Motion, Rig, Skeleton
from poseloom.pipelines import AnimateOptions, keypoints_to_motion, media_to_keypoints
from poseloom.retarget import from_rig

ROOT = Path(__file__).resolve().parents[2]
# canonical joint -> BlazePose point, left and right
SHARED = {
    "upper_arm": (11, 12), "forearm": (13, 14), "hand": (15, 16), "thigh": (23, 24), "shin": (25, 26), "foot": (27, 28),
}  # fmt: skip
JOINTS = [f"{name}_{side}" for name in SHARED for side in "lr"]
POINTS = [points[i] for points in SHARED.values() for i in (0, 1)]
HIPS = [JOINTS.index("thigh_l"), JOINTS.index("thigh_r")]


def sample(name: str) -> Path:
    return Path(str(resources.files("poseloom.assets") / name))


def mpjpe_mm(places, truth) -> float:
    """places, truth (T,12,3) metres in the order of JOINTS; see the module's head."""
    places, truth = (p - p[:, HIPS].mean(axis=1, keepdims=True) for p in (places, truth))
    seen = np.isfinite(places).all(axis=(1, 2))
    places, truth = places[seen], truth[seen]
    return float(1000.0 * np.linalg.norm(turned_to(places, truth) - truth, axis=-1).mean())


def turned_to(places, truth):
    """`places` turned about z so that it lies as near to `truth` as it can."""
    (ax, ay), (bx, by) = (p[..., :2].reshape(-1, 2).T for p in (places, truth))
    yaw = np.arctan2(np.sum(ax * by - ay * bx), np.sum(ax * bx + ay * by))
    return quat.rotate(quat.from_axis_angle([0.0, 0.0, 1.0], yaw), places)


def joints_of(motion: Motion) -> np.ndarray:
    gpos = motion_fk(motion)[1]
    return gpos[:, [motion.skeleton.index(joint) for joint in JOINTS]]


def true_motion(truth) -> Motion:
    """A motion whose joints lie where the truth's do: its bone lengths, and the shortest turns there.

    The truth tells no twist; so none is in here, and none is judged.
    """
    names, gpos = [str(n) for n in truth["names"]], np.asarray(truth["gpos"], np.float64)
    usual = standard()
    parents = usual.parents
    order = [names.index(name) for name in usual.names]
    gpos = gpos[:, order]
    offsets = np.array(usual.offsets, np.float64)
    children = {j: [k for k, p in enumerate(parents) if p == j] for j in range(len(parents))}
    grot = np.tile(quat.IDENTITY, (*gpos.shape[:2], 1))
    for j, parent in enumerate(parents):
        below, above = children[j], grot[:, max(parent, 0)]
        there = gpos[:, below] - gpos[:, [j]]
        if len(below) > 1:  # a rigid piece: its shape is the mean of what is seen of it
            for _ in range(5):
                grot[:, j] = best_turn(offsets[below], there)
                offsets[below] = quat.rotate(quat.inverse(grot[:, [j]]), there).mean(axis=0)
        elif below:
            offsets[below] *= np.median(np.linalg.norm(there, axis=-1)) / np.linalg.norm(offsets[below])
            grot[:, j] = quat.multiply(quat.between(quat.rotate(above, offsets[below[0]]), there[:, 0]), above)
        else:
            grot[:, j] = above
    skeleton = Skeleton(usual.names, parents, offsets, usual.tips)
    lrot = np.array(grot)
    for j, parent in enumerate(parents):
        if parent >= 0:
            lrot[:, j] = quat.multiply(quat.inverse(grot[:, parent]), grot[:, j])
    return Motion(skeleton, lrot, gpos[:, 0], float(truth["fps"]))


def best_turn(rest, there) -> np.ndarray:
    """(T,4) rotations of rest (n,3) onto there (T,n,3) by least squares (Kabsch 1976)."""
    u, _, vt = np.linalg.svd(np.einsum("tni,nj->tij", there, rest))
    sign = np.ones((len(there), 3))
    sign[:, 2] = np.linalg.det(u @ vt)
    return quat.from_matrix((u * sign[:, None]) @ vt)


def mixamo_rig() -> Rig:
    """A Mixamo armature with its real rest pose, recorded in tests/data/rigs/mixamo.json."""
    sys.path.insert(0, str(ROOT / "tests"))
    from rig_records import record

    return record("mixamo")


def accuracy(figures: dict) -> None:
    with np.load(sample("sample_truth.npz"), allow_pickle=False) as npz:
        truth = {key: npz[key] for key in npz.files}
    true_joints = truth["gpos"][:, [list(truth["names"]).index(joint) for joint in JOINTS]].astype(np.float64)
    options = AnimateOptions()
    began = time.perf_counter()
    media_to_keypoints(sample("sample.mp4"), AnimateOptions(end="1"))
    start_up_s = time.perf_counter() - began
    began = time.perf_counter()
    seen = media_to_keypoints(sample("sample.mp4"), options)
    figures["estimate_ms_frame"] = 1000.0 * max(0.0, time.perf_counter() - began - start_up_s) / (len(seen) - 1)
    began = time.perf_counter()
    motion = keypoints_to_motion(seen, options)
    figures["solve_ms_frame"] = 1000.0 * (time.perf_counter() - began) / len(motion)
    frames = min(len(seen), len(true_joints))
    true_joints = true_joints[:frames]
    figures["raw_mpjpe_mm"] = mpjpe_mm(np.asarray(seen.xyz, np.float64)[:frames, POINTS], true_joints)
    solved = joints_of(motion)[:frames]
    figures["solved_mpjpe_mm"] = mpjpe_mm(solved, true_joints)

    rig = mixamo_rig()
    began = time.perf_counter()
    keys, found = chains.motion_to_rig(motion, rig, motion.fps)
    figures["retarget_ms_frame"] = 1000.0 * (time.perf_counter() - began) / len(motion)
    figures["retargeted_mpjpe_mm"] = mpjpe_mm(joints_of(from_rig(keys, found.rig))[:frames], true_joints)
    keys, found = chains.motion_to_rig(true_motion(truth), rig, float(truth["fps"]))
    figures["floor_mpjpe_mm"] = mpjpe_mm(joints_of(from_rig(keys, found.rig))[:frames], true_joints)

    hips, true_hips = (p[:, HIPS].mean(axis=1) * [1.0, 1.0, 0.0] for p in (solved, true_joints))
    hips, true_hips = hips - hips.mean(axis=0), true_hips - true_hips.mean(axis=0)
    apart = turned_to(hips[:, None], true_hips[:, None])[:, 0] - true_hips
    figures["solved_travel_mm"] = float(1000.0 * np.linalg.norm(apart, axis=-1).mean())


def speed(figures: dict) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "blender" / "scene_bake_speed.py"], capture_output=True, text=True, check=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    figures["bake_s_10k_60"] = json.loads(line[len("RESULT ") :])["seconds"]


def demo(figures: dict) -> None:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        process = psutil.Popen(
            [sys.executable, "-m", "poseloom", "demo", "--out", os.path.join(folder, "demo")], stdout=subprocess.DEVNULL
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, memory_bytes(process))
            time.sleep(0.05)
        if process.returncode:
            raise SystemExit(f"poseloom demo left with {process.returncode}")
        figures["demo_s"] = time.perf_counter() - began
        figures["demo_peak_mb"] = peak / 1e6


def memory_bytes(process) -> int:
    try:
        return sum(p.memory_info().rss for p in [process, *process.children(recursive=True)])
    except psutil.NoSuchProcess:  # one has just ended
        return 0


PARTS = {"accuracy": accuracy, "speed": speed, "demo": demo}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write one flat object {figure: number}")
    parser.add_argument("--only", default=",".join(PARTS), help="default: %(default)s")
    chosen = parser.parse_args()
    figures: dict = {}
    for part in chosen.only.split(","):
        PARTS[part](figures)
    for name, value in figures.items():
        print(f"{name:24}{value:12.2f}")
    if chosen.json:
        chosen.json.write_text(json.dumps({name: round(value, 4) for name, value in figures.items()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
