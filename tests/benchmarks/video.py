"""Motion from video in figures: the bare estimator and ours, on the same frames, in the same run.

    python tests/benchmarks/video.py --set validation|test|real|speed|memory|bounds [--quality good|best ...] [--clips N]
        [--seed N] [--json FILE] [--rows FILE.csv] [--cached] [--mpfb2 FOLDER]

validation, test   clips of backend/studio/render_clips.py (two cameras each), rendered first if they are not there;
                   test subjects 09 29 49, validation 08 17, on which the solver and the offsets below may be tuned
real               pose2sim_single cameras 1 and 3 against reference_3d.trc, brought in step by the calibration;
                   pose_squats against BlazePose's reference; sports2d_demo: exploded frames and identity switches
bounds             on the validation clips, what accelerations would be wrong by if part of them were exact
speed, memory      frames a second against a bare complexity-1 loop, two processes against one, peak memory

Bare: world landmarks of mediapipe's Pose(model_complexity=1), as they come.  Ours: what `poseloom animate` does before
retargeting, by the same pipeline; with the person's true height unless a figure says "free".  --cached is for tuning
alone: what the estimators saw of the same file is taken from before (build/video_raw, and the user's cache).
Definitions stand at the functions of video_measures.py.  Figures are medians over clips, ratios medians of each clip's
ratio, contact F1 over the counts of all clips; real ones means of the two cameras.  MPJPE of ours is after one turn
about the vertical for the clip (north is unknown), of the bare estimator in the axes of the true camera.  offset_*: the
bare estimator after a constant offset of each joint in the trunk's axes, fitted on the validation clips.  Root error is the
share of the path where that exceeds 2 m, *_cm of clips that stay in place; a moving camera is told to the solver.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import video_bounds
import video_clips as clips
import video_measures as measure
import video_speed

from poseloom.motion.contacts import foot_points
from poseloom.pipelines import AnimateOptions, keypoints_to_motion, media_to_keypoints

ROOT = Path(__file__).resolve().parents[2]
PATH_M = 2.0
# an exploded joint moves faster than this about the hips; a switch moves the hips by more trunks than this in a frame
_EXPLODED_M_S, _SWITCH = 20.0, 1.0


def ours(path: Path, quality: str, heights, cached: bool, moving: bool = False) -> list:
    """A Motion for each of `heights` (None: unknown), from one look at the clip."""
    options = AnimateOptions(quality=quality, camera="moving" if moving else "still", reuse=cached)
    seen = media_to_keypoints(path, options)
    return [keypoints_to_motion(seen, replace(options, height_m=height)) for height in heights]


def cut(places, truth: clips.Truth) -> tuple:
    """Frames that both have: (T,12,3) places of the video and of the truth, in step."""
    first, last = max(0, truth.lag), min(len(places), len(truth.gpos) + truth.lag)
    return places[first:last], truth.gpos[first - truth.lag : last - truth.lag]


def bare_row(truth: clips.Truth, offsets, cached: bool) -> dict:
    xyz = clips.raw(truth.path, cached)["xyz"]
    frames = min(len(xyz), len(truth.gpos))
    xyz, seen, world = xyz[:frames], truth.in_camera()[:frames], truth.gpos[:frames]
    return {
        "frames": frames, "lost": int(np.isnan(xyz).any((1, 2)).sum()), "pa": measure.pa_mpjpe_mm(xyz, world),
        "offset_pa": measure.pa_mpjpe_mm(measure.shifted(xyz, offsets), world), "mpjpe": measure.mpjpe_mm(xyz, seen),
        "angle": measure.angle_deg(xyz, world), "accel": measure.accel_m_s2(xyz, seen, truth.fps),
        "spread": measure.bone_spread_mm(xyz),
    }  # fmt: skip


def our_row(truth: clips.Truth, quality: str, cached: bool) -> dict:
    more = truth.more
    known, free = ours(truth.path, quality, (float(more["height_m"]), None), cached, bool(more["moving"]))
    frames = min(len(known), len(truth.gpos))
    places, world, contact = measure.joints_of(known)[:frames], truth.gpos[:frames], more["contact"][:frames]
    turned = measure.turned_to(measure.centred(places), measure.centred(world))
    path_m = measure.path_m(more["root"])
    error = [measure.root_error_m(measure.joints_of(m)[:frames], world) for m in (known, free)]
    travels = path_m > PATH_M
    return {
        "pa": measure.pa_mpjpe_mm(places, world), "mpjpe": measure.mpjpe_mm(turned, world),
        "angle": measure.angle_deg(places, world),
        "rotation": measure.rotation_deg(_first(known, frames), more["grot"][:frames], more["names"].tolist()),
        "accel": measure.accel_m_s2(turned, world, truth.fps), "spread": measure.bone_spread_mm(places),
        "slide": measure.slide_cm_s(foot_points(known)[:frames], contact, truth.fps),
        "penetration": measure.penetration_mm(known), "path_m": path_m,
        "root_height": error[0] / path_m if travels else np.nan, "root_free": error[1] / path_m if travels else np.nan,
        "place_height_cm": np.nan if travels else 100 * error[0],
        "place_free_cm": np.nan if travels else 100 * error[1],
        "counts": measure.contact_counts(known.contact[:frames], contact),
    }  # fmt: skip


def _first(motion, frames):
    rows = {name: getattr(motion, name)[:frames] for name in ("lrot", "root", "contact", "score")}
    return motion.with_(**rows, curves={})


def synthetic(kind: str, qualities, chosen, figures: dict, rows: list) -> None:
    """Figures of a rendered set; those of the validation set begin with validation_."""
    truths = rendered(kind, chosen, chosen.clips)
    fitting = truths if kind == "validation" else rendered("validation", chosen)
    pairs = [(clips.raw(t.path, chosen.cached)["xyz"], t) for t in fitting]
    offsets = measure.fit_offsets([cut(xyz, t) for xyz, t in pairs])
    before = "" if kind == "test" else f"{kind}_"
    bare = {t.path.stem: bare_row(t, offsets, chosen.cached or kind == "validation") for t in truths}
    columns = ("pa", "offset_pa", "mpjpe", "angle", "accel", "spread")
    names = ("pa_mpjpe_mm", "offset_pa_mpjpe_mm", "mpjpe_mm", "angle_deg", "accel_m_s2", "bone_spread_mm")
    for column, name in zip(columns, names):
        figures[f"{before}raw_{name}"] = _median(row[column] for row in bare.values())
    figures[f"{before}clips"], figures[f"{before}frames"] = len(bare), sum(row["frames"] for row in bare.values())
    rows += [{"set": kind, "clip": stem, "who": "bare", **row} for stem, row in bare.items()]
    for quality in qualities:
        solved = {t.path.stem: our_row(t, quality, chosen.cached) for t in truths}
        rows += [{"set": kind, "clip": stem, "who": quality, **row} for stem, row in solved.items()]
        figures.update({f"{before}{name}_{quality}": value for name, value in _ours(solved, bare).items()})


def rendered(kind: str, chosen, count: int | None = None) -> list:
    """The Truths of a rendered set."""
    if chosen.no_render:
        truths = clips.rendered_already(kind, chosen.seed, count)
    else:
        truths = clips.synthetic(kind, chosen.seed, count, mpfb2=chosen.mpfb2)
    if not truths:
        raise SystemExit("There are no rendered clips: run without --no-render.")
    return truths


def joints(truth: clips.Truth, chosen) -> np.ndarray:
    """(T,12,3) of ours, the person's height known, in the first quality chosen."""
    heights = (float(truth.more["height_m"]),)
    return measure.joints_of(ours(truth.path, chosen.quality[0], heights, chosen.cached, bool(truth.more["moving"]))[0])


def _ours(solved, bare) -> dict:
    """The figures of one preset: medians over clips."""

    def median(column):
        return _median(row[column] for row in solved.values())

    def ratio(column, other):
        return _median(row[column] / bare[stem][other] for stem, row in solved.items())

    return {
        "pa_mpjpe_mm": median("pa"), "pa_mpjpe_ratio": ratio("pa", "pa"),
        "offset_pa_mpjpe_ratio": ratio("pa", "offset_pa"), "mpjpe_mm": median("mpjpe"),
        "mpjpe_ratio": ratio("mpjpe", "mpjpe"), "angle_deg": median("angle"), "angle_ratio": ratio("angle", "angle"),
        "rotation_deg": median("rotation"), "accel_m_s2": median("accel"), "accel_ratio": ratio("accel", "accel"),
        "bone_spread_mm": max(row["spread"] for row in solved.values()), "slide_cm_s": median("slide"),
        "penetration_mm": median("penetration"), "root_error_height": median("root_height"),
        "root_error_free": median("root_free"), "place_height_cm": median("place_height_cm"),
        "place_free_cm": median("place_free_cm"), "contact_f1": measure.f1(sum(r["counts"] for r in solved.values())),
    }  # fmt: skip


def _median(values) -> float:
    values = np.array([value for value in values if np.isfinite(value)])
    return float(np.median(values)) if len(values) else float("nan")


def real(qualities, chosen, figures: dict, rows: list) -> None:
    truths = {camera: clips.balancing(camera, chosen.cached) for camera in (1, 3)}
    bare = {}
    for camera, truth in truths.items():
        xyz, gpos = cut(clips.raw(truth.path, cached=True)["xyz"], truth)  # seen by `balancing` in this run
        pa, angle = measure.pa_mpjpe_mm(xyz, gpos), measure.angle_deg(xyz, gpos)
        bare[camera] = {"pa": pa, "angle": angle, "frames": len(gpos)}
        rows.append({"set": "real", "clip": truth.path.stem, "who": "bare", "lag": truth.lag, **bare[camera]})
        figures[f"real_raw_pa_mpjpe_mm_cam{camera}"] = bare[camera]["pa"]
    figures["real_raw_pa_mpjpe_mm"] = np.mean([row["pa"] for row in bare.values()])
    figures["real_raw_angle_deg"] = np.mean([row["angle"] for row in bare.values()])
    figures["real_frames"] = sum(row["frames"] for row in bare.values())
    squat, reference = clips.squats()
    sports = clips.data() / "media" / "sports2d_demo.mp4"
    for quality in qualities:
        pa, angle = {}, {}
        for camera, truth in truths.items():
            places, gpos = cut(measure.joints_of(ours(truth.path, quality, (None,), chosen.cached)[0]), truth)
            pa[camera], angle[camera] = measure.pa_mpjpe_mm(places, gpos), measure.angle_deg(places, gpos)
            row = {"set": "real", "clip": truth.path.stem, "who": quality}
            rows.append({**row, "pa": pa[camera], "angle": angle[camera]})
            figures[f"real_pa_mpjpe_mm_cam{camera}_{quality}"] = pa[camera]
        figures[f"real_pa_mpjpe_mm_{quality}"] = np.mean(list(pa.values()))
        figures[f"real_pa_mpjpe_ratio_{quality}"] = np.mean([pa[c] / bare[c]["pa"] for c in pa])
        figures[f"real_angle_deg_{quality}"] = np.mean(list(angle.values()))
        places = measure.joints_of(ours(squat, quality, (None,), chosen.cached)[0])
        frames = min(len(places), len(reference))
        figures[f"squats_agreement_mm_{quality}"] = measure.pa_mpjpe_mm(places[:frames], reference[:frames])
        figures[f"squats_agreement_deg_{quality}"] = measure.angle_deg(places[:frames], reference[:frames])
        motion = ours(sports, quality, (None,), chosen.cached)[0]
        speed = np.linalg.norm(np.diff(measure.centred(measure.joints_of(motion)), axis=0), axis=-1).max(1) * motion.fps
        figures[f"sports_exploded_frames_{quality}"] = int((speed > _EXPLODED_M_S).sum())
        seen = media_to_keypoints(sports, AnimateOptions(quality=quality, reuse=chosen.cached))
        figures[f"sports_switches_{quality}"] = switches(np.asarray(seen.xy)[:, measure.POINTS])
    figures["sports_raw_switches"] = switches(clips.raw(sports, chosen.cached)["xy"])
    figures["sports_frames"] = len(motion)


def switches(xy) -> int:
    """Jumps from one person to another: the hips (of xy (T,12,2) px) go further in a frame than _SWITCH trunks."""
    hips, shoulders = xy[:, measure.HIPS].mean(1), xy[:, measure.SHOULDERS].mean(1)
    seen = np.flatnonzero(np.isfinite(hips).all(-1))
    trunk = np.median(np.linalg.norm(shoulders - hips, axis=-1)[seen])
    return int((np.linalg.norm(np.diff(hips[seen], axis=0), axis=-1) > _SWITCH * trunk * np.diff(seen)).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sets = ("validation", "test", "real", "bounds", "speed", "memory")
    parser.add_argument("--set", nargs="+", choices=sets, default=["test", "real"])
    parser.add_argument("--quality", nargs="+", choices=("good", "best"), default=["good"])
    parser.add_argument("--clips", type=int, metavar="N", help="the first N clips of a rendered set alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write one flat object {figure: number}")
    parser.add_argument("--rows", type=Path, metavar="FILE", help="write a row a clip as CSV")
    parser.add_argument("--cached", action="store_true", help="for tuning: do not estimate again what was seen before")
    parser.add_argument("--no-render", action="store_true", help="take the clips that are there")
    parser.add_argument("--mpfb2", metavar="FOLDER", help="the MakeHuman data, where bodies must still be made")
    chosen = parser.parse_args()
    figures, rows = {"seed": chosen.seed}, []
    for kind in chosen.set:
        if kind in ("validation", "test"):
            synthetic(kind, chosen.quality, chosen, figures, rows)
        elif kind == "real":
            real(chosen.quality, chosen, figures, rows)
        elif kind == "bounds":
            truths = rendered("validation", chosen)
            figures.update(video_bounds.bounds(truths, lambda truth: joints(truth, chosen), chosen.cached))
        else:
            getattr(video_speed, kind)(figures)
    for name, value in figures.items():
        print(f"{name:36}{value:12.4g}")
    if chosen.json:
        clean = {name: None if value != value else round(float(value), 5) for name, value in figures.items()}
        chosen.json.write_text(json.dumps(clean, indent=2) + "\n")
    if chosen.rows:
        keys = list(dict.fromkeys(key for row in rows for key in row))
        with chosen.rows.open("w", newline="") as file:
            csv.DictWriter(file, keys).writeheader()
            csv.DictWriter(file, keys).writerows(rows)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
