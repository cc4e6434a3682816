"""A still picture seen several times: each look leads back to the picture, and what errs differently cancels out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poseloom.errors import BadInput
from poseloom.motion.layouts import layout
from poseloom.motion.types import Keypoints
from poseloom.pose import again

pytest.importorskip("cv2", reason="looks need cv2")
BODY = layout("blazepose")


class Shot:
    """A clip of one picture, on which the red channel tells x and the green one y."""

    size, fps, start_s, path, frame_count = (200, 160), 24.0, 0.0, "shot.png", 1

    def __iter__(self):
        rows, columns = np.mgrid[:160, :200]
        from poseloom.media import Frame

        yield Frame(0, 0.0, np.stack([columns, rows, 0 * rows], axis=-1).astype(np.uint8))


def seen(seed: int = 1) -> Keypoints:
    rng = np.random.default_rng(seed)
    xy, xyz = rng.uniform([60, 30], [140, 130], (33, 2)), rng.normal(0.0, 0.4, (33, 3))
    return Keypoints("blazepose", xy[None], xyz[None], rng.uniform(0.5, 1.0, (1, 33)), (200, 160), 24.0)


def in_look(look: again.Look, truth: Keypoints, clip, first=None) -> Keypoints:
    """What a perfect estimator says of a look around what was seen `first`, by the definition of it, not by the way back."""
    points = np.array(truth.xy[0], float)
    matrix = again._matrix(look, points if first is None else np.array(first.xy[0], float))
    order = list(BODY.mirror()) if look.mirrored else slice(None)
    xyz = np.array(truth.xyz[0], float)[order] * ([-1.0, 1.0, 1.0] if look.mirrored else 1.0)
    cos, sin = np.cos(look.tilt_rad), np.sin(look.tilt_rad)
    # clockwise on the screen: what points up goes to the right
    xyz = np.stack([cos * xyz[:, 0] + sin * xyz[:, 2], xyz[:, 1], cos * xyz[:, 2] - sin * xyz[:, 0]], axis=-1)
    xy = (points[order] @ matrix[:, :2].T + matrix[:, 2])[None]
    return replace(truth, xy=xy, xyz=xyz[None], score=truth.score[:, order], size=clip.size)


def test_every_look_leads_back_to_the_picture():
    truth, looks = seen(), []

    def estimate(clip, report):
        looks.append(again.LOOKS[len(looks)])
        told = in_look(looks[-1], truth, clip)
        rgb = next(iter(clip)).rgb
        for (x, y), point in zip(told.xy[0].round().astype(int), truth.xy[0][list(BODY.mirror())] if looks[-1].mirrored else truth.xy[0]):
            assert np.abs(rgb[y, x, :2].astype(float) - point).max() < 3.0  # the look shows that very place
        return [told]

    mean = again.seen_again(estimate, Shot(), truth)
    assert looks == list(again.LOOKS)
    np.testing.assert_allclose(mean.xy, truth.xy, atol=1e-3)
    np.testing.assert_allclose(mean.xyz, truth.xyz, atol=1e-5)
    np.testing.assert_allclose(mean.score, truth.score, atol=1e-6)


def test_noise_is_less_and_somebody_else_does_not_count():
    truth, rng, count = seen(), np.random.default_rng(5), iter(range(3))

    def noisy(clip, report):
        look = again.LOOKS[next(count)]
        told = in_look(look, truth, clip, first)
        if look.mirrored:
            raise BadInput("no_person", "Nobody.")
        far = 60.0 if look.tilt_rad > 0.0 else 0.0  # another person
        return [replace(told, xy=told.xy + rng.normal(0.0, 2.0, told.xy.shape) + far)]

    first = replace(truth, xy=truth.xy + rng.normal(0.0, 2.0, truth.xy.shape).astype(np.float32))
    mean = again.seen_again(noisy, Shot(), first)
    off = [np.linalg.norm(k.xy - truth.xy, axis=-1).mean() for k in (first, mean)]
    assert off[1] < 0.85 * off[0], off


def test_what_the_first_look_did_not_see_stays_unseen():
    truth = seen()
    gaps = np.array(truth.xy)
    gaps[0, 5] = np.nan
    first = replace(truth, xy=gaps, score=np.where(np.arange(33) == 5, 0.0, truth.score))
    looks = iter(again.LOOKS)
    mean = again.seen_again(lambda clip, report: [in_look(next(looks), truth, clip, first)], Shot(), first)
    assert np.isnan(mean.xy[0, 5]).all() and np.isfinite(np.delete(mean.xy[0], 5, axis=0)).all()
