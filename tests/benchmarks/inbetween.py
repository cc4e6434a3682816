"""In-betweening by the LAFAN1 protocol on CMU's test subjects, and as animators key: irregularly, on Rigify and Mixamo.

    python tests/benchmarks/inbetween.py [--json FILE] [--set test|validation] [--data FOLDER] [--only protocol,rigs,...]

Every method is called as a user's fill is, resting feet held.  Ratios are to interpolation (slerp, straight lines);
dtw follows the training subjects.  FOLDER holds CMU's clips unpacked; by default $POSELOOM_DATA's are, once, into
build/.  Reported for each subject alone as well.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import sys
import tarfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import numpy as np  # noqa: E402
from rig_records import record  # noqa: E402

from poseloom import packing  # noqa: E402
from poseloom.errors import Unavailable  # noqa: E402
from poseloom.inbetween import dtw, onward, protocol  # noqa: E402
from poseloom.inbetween.data import Pack  # noqa: E402
from poseloom.inbetween.fill import fill  # noqa: E402
from poseloom.inbetween.follow import Dtw  # noqa: E402
from poseloom.inbetween.library import Library  # noqa: E402
from poseloom.inbetween.lstm import Continue, Lstm, sole_heights  # noqa: E402
from poseloom.inbetween.spline import Spline, SplineOptions  # noqa: E402
from poseloom.motion.skeleton import JOINTS, PARENTS, motion_fk, standard  # noqa: E402
from poseloom.motion.types import Motion, Skeleton  # noqa: E402
from poseloom.retarget import from_rig, to_rig  # noqa: E402
from poseloom.rigfill import RigHoles, fill_rig  # noqa: E402
from poseloom.rigs.recognise import recognise  # noqa: E402

SETS = {"test": packing.TEST, "validation": packing.VALIDATION}
PREFIX = {"lstm": "", "dtw": "dtw_", "spline": "spline_"}
RIGS = {"rigify": "second/rigify_human", "mixamo": "mixamo"}
PARTS = ("protocol", "rigs", "speed", "continue")


def packs(folder: Path | None, name: str) -> tuple:
    """(training, evaluated) Packs, kept in build/."""
    kept = [ROOT / "build" / f"inbetween_{which}.npz" for which in ("training", name)]
    if not all(path.exists() for path in kept):
        folder = folder or _unpacked()
        for path, subjects in zip(kept, (packing.TRAINING, SETS[name])):
            packing.pack(folder, subjects)[0].save(path)
    return tuple(Pack.load(path) for path in kept)


def _unpacked() -> Path:
    folder = ROOT / "build" / "cmu_30fps"
    if not folder.exists():
        with lzma.open(Path(os.environ["POSELOOM_DATA"]) / "mocap" / "cmu_30fps.tar.xz") as stream:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                tar.extractall(folder, filter="data")
    return folder


def motion_of(lrot, root, offsets) -> Motion:
    return Motion(Skeleton(JOINTS, np.array(PARENTS), offsets, standard().tips), lrot, root, 30.0)


def by(method):
    """A fill of the protocol, window by window, as users get it; each window once."""
    made: dict = {}

    def filler(lrot, root, offsets, known):
        out_lrot, out_root = np.array(lrot), np.array(root)
        every = np.repeat(known[:, None], len(JOINTS), axis=1)
        for i in range(len(lrot)):
            key = lrot[i].tobytes()
            if key not in made:
                made[key] = fill(motion_of(lrot[i], root[i], offsets[i]), every, method)
            out_lrot[i], out_root[i] = made[key].lrot, made[key].root
        return out_lrot, out_root

    return filler


def follow_protocol(pack: Pack, methods: dict, stats) -> dict:
    """Figures of all subjects of `pack` together, and of each alone; a table to the terminal."""
    figures, fills = {}, {name: by(method) for name, method in methods.items()}
    subjects = sorted({name.split("_")[0] for name in pack.names})
    for chosen in (subjects, *([s] for s in subjects)):
        wins = protocol.windows(pack.only(lambda name: name.split("_")[0] in chosen))
        tail = "" if chosen == subjects else f"_{chosen[0]}"
        rows = {"zero velocity": protocol.score(protocol.zero_velocity, wins, stats)}
        base = rows["interpolation"] = protocol.score(protocol.interpolation, wins, stats)
        for name, filler in fills.items():
            rows[name] = protocol.score(filler, wins, stats)
            own = protocol.ratios(rows[name], base)
            for key, value in own.items():
                key = key.replace("slide_cm_s_ratio", "slide_ratio")
                figures[f"{PREFIX[name]}{key}{tail}"] = value
        print(f"\n{', '.join(chosen)}: {len(wins[0])} windows")
        for measure in ("l2q", "l2p", "npss", "slide_cm_s"):
            for name, row in rows.items():
                told = " ".join(f"{row[gap][measure]:8.3f} ({row[gap][measure] / base[gap][measure]:.2f})" for gap in row)
                print(f"  {measure:10} {name:14} {told}", flush=True)
    return figures


def irregular(pack: Pack, methods: dict, stats, rng) -> dict:
    """Random keys, 5 to 60 frames apart, on rigs of animators: L2P of what the rig shows, against interpolation."""
    errors = {name: [] for name in ("interpolation", *methods)}
    worst = 0.0
    ways = {"interpolation": Spline(SplineOptions(linear=True)), **methods}
    for clip in range(len(pack.names)):
        rows = slice(int(pack.start[clip]), int(pack.start[clip + 1]))
        part = slice(rows.start, min(rows.stop, rows.start + 240))
        captured = motion_of(pack.lrot[part], pack.root[part], pack.offsets[clip])
        keys = [0]
        while keys[-1] < len(captured) - 6:
            keys.append(min(keys[-1] + int(rng.integers(6, 62)), len(captured) - 1))
        known = np.isin(np.arange(len(captured)), keys)
        for rig in (recognise(record(name)).rig for name in RIGS.values()):
            motion = to_rig(captured, rig)
            truth = motion_fk(from_rig(motion, rig))[1][:, : len(JOINTS)]
            for name, method in ways.items():
                filled = fill_rig(RigHoles.at(motion, known), rig, method)
                worst = max(worst, float(np.abs(filled.basis[known] - motion.basis[known]).max()))
                worst = max(worst, float(np.nanmax(np.abs(filled.location[known] - motion.location[known]))))
                off = (motion_fk(from_rig(filled, rig))[1][:, : len(JOINTS)] - truth) / stats[1]
                errors[name].append(np.sqrt((off[~known] ** 2).sum(axis=(-1, -2))))
    mean = {name: float(np.concatenate(values).mean()) for name, values in errors.items()}
    ratios = {f"{PREFIX[name]}irregular_l2p_ratio": mean[name] / mean["interpolation"] for name in methods}
    return {**ratios, "key_error_max": worst}


def speed(pack: Pack, library: Library, lstm: Lstm) -> dict:
    def known(frames, gap):
        at = np.arange(frames)
        return np.repeat(((at < 10) | (at >= 10 + gap))[:, None], len(JOINTS), axis=1)

    one = motion_of(pack.lrot[:80], pack.root[:80], pack.offsets[0])
    single = [_ms(lambda: lstm(one, known(80, 60))) for _ in range(7)]
    count, length = 1000, 26
    rows = np.arange(count * length) % (len(pack.root) - length)
    many = motion_of(pack.lrot[rows], pack.root[rows], pack.offsets[0])
    holes = np.tile(known(length, 15), (count, 1))
    batch = min(_ms(lambda: lstm(many, holes)) for _ in range(2))
    gaps = [motion_of(many.lrot[i : i + length], many.root[i : i + length], pack.offsets[0])
            for i in range(0, 200 * length, length)]  # fmt: skip
    alone = min(_ms(lambda: [lstm(gap, known(length, 15)) for gap in gaps]) for _ in range(2)) * count / len(gaps)
    query, reference = library.poses[9000:9060], library.poses[:7000]
    match = [_ms(lambda: dtw.subsequence(dtw.distances(query, reference))) for _ in range(15)]
    return {"fill60_ms": min(single), "batch_ratio": alone / batch, "dtw_7000x60_ms": float(np.median(match))}


def _ms(call) -> float:
    """Processor time of one thread: what an idle machine takes, whatever else runs."""
    began = time.process_time()
    call()
    return 1e3 * (time.process_time() - began)


def go_on(pack: Pack, training: Pack, library: Library) -> dict:
    """300 frames after every clip's first second: no NaN, feet within 3 cm of the ground, no faster than people are."""
    ends = np.cumsum(np.diff(training.start))[:-1] - 1
    way = np.linalg.norm(np.diff(training.root, axis=0), axis=-1) * 30.0
    fastest = float(np.quantile(np.delete(way, ends), 0.99))
    fine = []
    try:
        ahead = Continue()
    except Unavailable as error:
        print(f"\n{error.message} Clips go on alone.")
        ahead = None
    for clip in range(len(pack.names)):
        own = slice(int(pack.start[clip]), int(pack.start[clip]) + 30)
        motion = motion_of(pack.lrot[own], pack.root[own], pack.offsets[clip])
        longer = onward.led_on(motion, 300, lambda: library, ahead)
        ground, low = sole_heights(motion).min(), sole_heights(longer)[30:]
        pace = np.linalg.norm(np.diff(longer.root[29:], axis=0), axis=-1) * 30.0
        fine.append((bool(np.isfinite(longer.lrot).all()), np.abs(low - ground).max(), pace.max()))
    finite, far, pace = (np.array(x) for x in zip(*fine))
    good = finite & (far <= 0.03) & (pace <= fastest + 1e-6)
    print(f"\ncontinued: {good.sum()} of {len(good)} clips; feet off {far.max():.3f} m, {pace.max():.2f} of {fastest:.2f} m/s")
    return {
        "continue_300_ok": float(good.all()), "continue_300_share": float(good.mean()),
        "continue_foot_m": float(far.max()), "continue_speed_ratio": float(pace.max() / fastest),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write one flat object {figure: number}")
    parser.add_argument("--set", choices=SETS, default="test", help="validation while tuning; default: %(default)s")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="CMU's clips, unpacked")
    parser.add_argument("--only", default=",".join(PARTS), help="default: %(default)s")
    chosen = parser.parse_args()
    training, pack = packs(chosen.data, chosen.set)
    parts, figures, stats = chosen.only.split(","), {}, protocol.statistics(training)
    library = Library.of(training.lrot, training.root, training.offsets, PARENTS, training.start, training.names)
    methods = {"spline": None, "dtw": Dtw(library), "lstm": Lstm()}
    if "protocol" in parts:
        figures.update(follow_protocol(pack, methods, stats))
    if "rigs" in parts:
        figures.update(irregular(pack, methods, stats, np.random.default_rng(1)))
    if "speed" in parts:
        figures.update(speed(pack, library, methods["lstm"]))
    if "continue" in parts:
        figures.update(go_on(pack, training, library))
    for name, value in figures.items():
        print(f"{name:28} {value:.4f}")
    if chosen.json:
        told = {name: round(value, 4) for name, value in figures.items()}
        chosen.json.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
