"""What of a reference picture can be laid onto the pose wanted: each part of the body moved as its bones are, and the
background without the person (after Siarohin et al., "Deformable GANs for pose-based human image generation", 2018, and
Balakrishnan et al., "Synthesizing images of humans in unseen poses", 2018)."""

from __future__ import annotations

import numpy as np

from . import framing
from .limbs import GROUPS, PARTS, TABLE, Limbs, limbs

PICTURES = 3
CHANNELS = 3 * PICTURES + 3 + PARTS
_BINS = 8  # along a part, of its mean colours
_BODY = 0.5  # from here on a pixel is a part's


def warp(reference, known, wanted) -> np.ndarray:
    """(N,CHANNELS,S,S) float32 of N references (N,3,S,S), -1..1, in which the points `known` are seen, for points `wanted`.

    known, wanted: (xy (N,18,2) px, away (N,18) m), NaN for what is not known.  First three pictures (9): the reference's
    parts where they are wanted, nearest in front, going on beyond their outlines; the same in each part's mean colours; the
    background alone.  Then how much a pixel is the body's, whether the reference shows that place, how near it is, and
    which part it is (PARTS).
    """
    reference = np.asarray(reference, np.float32)
    size = reference.shape[-1]
    height = framing.pair_heights(known[0], wanted[0], size)
    there, here = (limbs(*points, height, size) for points in (known, wanted))
    shown, part = np.where(there.inside.max(axis=1) > _BODY, there.front(), -1), here.front()
    alpha = here.inside.max(axis=1)
    place = here.moved(there, part)
    out = np.empty((len(reference), CHANNELS, size, size), np.float32)
    out[:, 0:3], seen = _sampled(reference, place), _nearest(shown, place) == part
    out[:, 3:6] = _painted(_mean_colours(reference, there, shown), here, part)
    out[:, 6:9] = without(reference, there.hides())
    out[:, 9], out[:, 10], out[:, 11] = alpha, alpha * seen, alpha * here.near(part)
    np.multiply(part[:, None] == np.arange(PARTS)[None, :, None, None], alpha[:, None], out=out[:, 12:])
    return out


def without(pictures, hidden) -> np.ndarray:
    """Pictures (N,3,S,S) whose pixels `hidden` (N,S,S) are filled with what is about them, coarse to fine (pull-push:
    Gortler et al., "The Lumigraph", 1996)."""
    shown = (~hidden[:, None]).astype(np.float32)
    levels = [(pictures * shown, shown)]
    while levels[-1][1].shape[-1] % 2 == 0:
        levels.append(tuple(_halved(x) for x in levels[-1]))
    total, count = (x.sum(axis=(2, 3), keepdims=True) for x in levels[-1])
    colour = np.broadcast_to(total / np.maximum(count, 1e-6), levels[-1][0].shape)
    for sums, weight in levels[::-1]:
        colour = colour if colour.shape == sums.shape else _doubled(colour)
        colour = colour + np.minimum(4 * weight, 1) * (sums / np.maximum(weight, 1e-6) - colour)
    return colour.astype(np.float32)


def _halved(x) -> np.ndarray:
    return 0.25 * (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2])


def _doubled(x) -> np.ndarray:
    """Twice as large, by linear interpolation."""
    for axis in (-1, -2):
        x = np.moveaxis(x, axis, 0)
        before, after = np.concatenate([x[:1], x[:-1]]), np.concatenate([x[1:], x[-1:]])
        x = np.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=1).reshape(-1, *x.shape[1:])
        x = np.moveaxis(x, 0, axis)
    return x


def _sampled(pictures, place) -> np.ndarray:
    """(N,3,S,S) of pictures (N,3,S,S) at `place` (N,S,S,2) px, bilinear, at the edges what is nearest."""
    count, channels, size = pictures.shape[:3]
    at = np.clip(place - 0.5, 0, size - 1.001)
    low = at.astype(np.int32)
    share = (at - low).astype(np.float32)
    first = (low[..., 1] * size + low[..., 0]).reshape(count, 1, -1)
    fx, fy = (share[..., i].reshape(count, 1, -1) for i in (0, 1))
    flat = pictures.reshape(count, channels, -1)
    a, b, c, d = (np.take_along_axis(flat, first + step, axis=2) for step in (0, 1, size, size + 1))
    top, bottom = a + fx * (b - a), c + fx * (d - c)
    return (top + fy * (bottom - top)).reshape(pictures.shape)


def _nearest(values, place) -> np.ndarray:
    """(N,S,S) of values (N,S,S) at `place` (N,S,S,2) px; -1 beyond the edges."""
    size = values.shape[-1]
    at = np.floor(place).astype(np.int32)
    inside = ((at >= 0) & (at < size)).all(axis=-1)
    column, row = (np.clip(at[..., i], 0, size - 1) for i in (0, 1))
    return np.where(inside, values[np.arange(len(values))[:, None, None], row, column], -1)


def _mean_colours(pictures, people: Limbs, shown) -> np.ndarray:
    """(N,GROUPS,_BINS,3) the colours along parts that are dressed alike; of neighbours, then of the body, where none is
    seen."""
    count = len(pictures)
    core = (shown >= 0) & (people.of(people.inside, np.maximum(shown, 0)) > 0.9)
    part = np.maximum(shown, 0)
    cell = (np.arange(count)[:, None, None] * GROUPS + TABLE.group[part]) * _BINS
    cell = (cell + np.minimum((people.share(part) * _BINS).astype(np.int64), _BINS - 1))[core]
    length = count * GROUPS * _BINS
    weight = np.bincount(cell, minlength=length).reshape(count, GROUPS, _BINS)
    sums = np.stack([np.bincount(cell, pictures[:, i][core], length) for i in range(3)], axis=-1).reshape(*weight.shape, 3)
    apart = (np.arange(_BINS)[:, None] - np.arange(_BINS)) ** 2
    beside = sum(share * np.exp(-0.5 * apart / wide**2) for wide, share in ((0.4, 1.0), (2.0, 1e-2)))
    sums, weight = beside @ sums, weight @ beside.T
    whole = sums.sum(axis=(1, 2), keepdims=True) / np.maximum(weight.sum(axis=(1, 2), keepdims=True), 1e-9)[..., None]
    return ((sums + 1e-3 * whole) / (weight[..., None] + 1e-3)).astype(np.float32)


def _painted(colours, people: Limbs, part) -> np.ndarray:
    """(N,3,S,S) each pixel in the colour of its place along its part."""
    at = np.clip(people.share(part) * _BINS - 0.5, 0, _BINS - 1.001)
    low = at.astype(np.int64)
    share = (at - low)[..., None].astype(np.float32)
    row, group = np.arange(len(part))[:, None, None], TABLE.group[part]
    a, b = colours[row, group, low], colours[row, group, low + 1]
    return np.moveaxis(a + share * (b - a), -1, 1)
