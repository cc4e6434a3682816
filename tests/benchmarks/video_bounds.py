"""What is left of the error of accelerations where part of a motion is exactly right, for video.py."""

from __future__ import annotations

import numpy as np
import video_clips as clips
import video_measures as measure

from poseloom.motion import filters


def bounds(truths: list, solved, cached: bool) -> dict:
    """Each as a ratio to the bare estimator's error, medians over the clips; solved(truth) gives our joints (T,12,3).

    bound_accel_ours: all of it ours.  bound_accel_true_picture: joints are where they truly are in the picture, at the
    depth from the hips that we find, as orthographic eyes would have it; bound_accel_flat: there too, at a depth
    that stays the same; bound_accel_true_depth: where we see them, at their true depth.  bound_accel_still: a body that
    does not move about its hips; bound_accel_truth_6hz: the truth, filtered at 6 Hz.
    """
    rows = []
    for truth in truths:
        bare, mine = clips.raw(truth.path, cached)["xyz"], solved(truth)
        frames = min(len(bare), len(mine), len(truth.gpos))
        real, world = truth.in_camera()[:frames], truth.gpos[:frames]
        seen = truth.to_camera(measure.turned_to(measure.centred(mine[:frames]), measure.centred(world)))
        real, seen, away = measure.centred(real), measure.centred(seen), np.array([0.0, 1.0, 0.0])
        made = {
            "ours": seen, "true_picture": real + (seen - real) * away, "flat": real * (1.0 - away),
            "true_depth": seen + (real - seen) * away, "still": np.zeros_like(real),
            "truth_6hz": filters.smooth(real, 6.0, truth.fps),
        }  # fmt: skip
        worst = measure.accel_m_s2(bare[:frames], real, truth.fps)
        rows.append({name: measure.accel_m_s2(places, real, truth.fps) / worst for name, places in made.items()})
    return {f"bound_accel_{name}": float(np.median([row[name] for row in rows])) for name in rows[0]}
