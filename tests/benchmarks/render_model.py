"""How good the embedded renderer is on bodies, outfits and poses that it was not trained on.

    python tests/benchmarks/render_model.py CLIPS --mpfb2 FOLDER --held FILE.npz [--train FILE.npz] [--weights FOLDER]
        [--weights-256 FOLDER] [--sheet FILE.png] [--json FILE]

FILE.npz of --held is what backend/studio/embed_pictures.py --held-out makes: two bodies in six outfits each, eight pictures
of each in poses of test subjects.  The first picture of each character is its reference; the other seven are asked for.

pck_ratio      points that MediaPipe finds within 0.1 of the body's height in the picture, in generated pictures to in
               true renders (`pck`, `pck_true`: shares; both enlarged to 512 pixels)
identity_rate  pictures whose colour of each body region (CIELAB, mean within the true render's mask) is nearest to their own
               reference among all twelve; `identity_true` is the true renders' own rate
msssim         multi-scale structural similarity with the true render; msssim_copy: of the reference in place of the
               generated picture; msssim_nearest: of the training picture that differs least from the true render (--train);
               pck_warp, identity_warp, msssim_warp: of what the network is given, the reference's parts laid onto the pose
warp_ratio     difference between a frame and the one before it moved by the mesh's true motion, where all frames begin with
               the same noise, to where each begins with its own, of the strength trained with; sharp_ratio: variance of the
               Laplacian, likewise (CLIPS: poses in a row).  warp_default, sharp_default: of frames as they are made unless
               asked otherwise; warp_true, sharp_true: of the true renders
cpu_s_128, 256 seconds of one core a frame of four steps; 256 of the network at that size, whose weights may be random
megabytes      of the model's files
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2] / "backend" / "studio")]
import picture_measures as measure  # noqa: E402

from poseloom import stills  # noqa: E402
from poseloom.motion import openpose, png  # noqa: E402
from poseloom.motion.layouts import layout  # noqa: E402
from poseloom.motion.types import Camera  # noqa: E402
from poseloom.render import encoding, guides, scaling, warping  # noqa: E402
from poseloom.render.embedded import MODEL, Network, Options, starting_noise  # noqa: E402

STEPS, SEED, SHOWN = 4, 0, 8
_LARGE = 512
SEQUENCES, FRAMES, EVERY = 6, 6, 2
BUILT = Path("build/model_sequences.npz")


def main(words=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--mpfb2", type=Path, required=True)
    parser.add_argument("--held", type=Path, required=True)
    parser.add_argument("--train", type=Path)
    parser.add_argument("--weights", type=Path, default=MODEL)
    parser.add_argument("--weights-256", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(words)
    network = Network(chosen.weights, 1)
    with np.load(chosen.held) as npz:
        held = {name: npz[name] for name in npz.files}
    train = np.load(chosen.train)["rgb"] if chosen.train else None
    found = alone(network, held, train, chosen.steps, chosen.sheet)
    found |= in_a_row(chosen.weights, chosen.clips, chosen.mpfb2, chosen.steps)
    found["cpu_s_128"] = seconds(network, chosen.steps)
    if chosen.weights_256:
        found["cpu_s_256"] = seconds(Network(chosen.weights_256, 1), chosen.steps)
    found["megabytes"] = sum(p.stat().st_size for p in chosen.weights.iterdir() if p.is_file()) / 1e6
    for name, value in found.items():
        print(f"{name:16} {value:9.4f}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))
    return 0


def alone(network: Network, held: dict, train, steps: int, sheet) -> dict:
    """What single pictures show."""
    references = [int(np.flatnonzero(held["character"] == c)[0]) for c in np.unique(held["character"])]
    of = {int(held["character"][r]): r for r in references}
    targets = [i for i in range(len(held["rgb"])) if i not in references]
    source = {i: of[int(held["character"][i])] for i in targets}
    made = {i: generated(network, held, source[i], i, steps) for i in targets}
    true = {i: held["rgb"][i] for i in targets}
    laid = {i: _as_picture(_laid(held, source[i], i)) for i in targets}
    count = len(held["region_names"])
    known = np.stack([measure.region_colours(held["rgb"][r], held["region"][r] + 1, count) for r in references])

    def judged(pictures: dict) -> tuple:
        """PCK, identity and MS-SSIM of a set of pictures."""
        colours = {i: measure.region_colours(pictures[i], held["region"][i] + 1, count) for i in targets}
        right = [references[measure.nearest(colours[i], known)] == source[i] for i in targets]
        return points_found(pictures, held), np.mean(right), np.mean([measure.ms_ssim(pictures[i], true[i]) for i in targets])

    found = {}
    for name, pictures in (("", made), ("_true", true), ("_warp", laid)):
        found[f"pck{name}"], found[f"identity{name or '_rate'}"], found[f"msssim{name}"] = judged(pictures)
    found["pck_ratio"] = found["pck"] / found["pck_true"]
    found["msssim_copy"] = np.mean([measure.ms_ssim(held["rgb"][source[i]], true[i]) for i in targets])
    del found["msssim_true"]
    if train is not None:
        small, wanted = _sixteenth(train), _sixteenth(np.stack([true[i] for i in targets]))
        alike = [train[int(np.argmin(np.abs(small - one).mean(axis=(1, 2, 3))))] for one in wanted]
        found["msssim_nearest"] = np.mean([measure.ms_ssim(a, true[i]) for a, i in zip(alike, targets)])
    if sheet:
        first = [references[c] + 1 for c in range(min(SHOWN, len(references)))]
        rows = [
            [held["rgb"][source[i]] for i in first], [_drawn(held, i) for i in first],
            [made[i] for i in first], [true[i] for i in first],
        ]  # fmt: skip
        png.write(sheet, np.concatenate([np.concatenate(row, axis=1) for row in rows]))
    return {name: float(value) for name, value in found.items()}


def generated(network: Network, held: dict, reference: int, target: int, steps: int) -> np.ndarray:
    """(S,S,3) uint8 of the character of one held-out picture in the pose of another."""
    picture = _as_input(held["rgb"][reference])
    condition = network.condition(picture, *(tuple(held[name][i] for name in ("xy", "away", "seen")) for i in (reference, target)))
    noise = np.float32(Options().noise) * starting_noise(network.size, SEED)
    return _as_picture(network.sample(noise, condition, network.schedule(steps)))


def _laid(held: dict, reference: int, target: int) -> np.ndarray:
    """(3,S,S) what the network is given of the reference, put together: `warping.warp`."""
    points = [tuple(held[name][i : i + 1] for name in ("xy", "away")) for i in (reference, target)]
    warped = warping.warp(_as_input(held["rgb"][reference])[None], *points)[0]
    return warped[6:9] + warped[9] * (warped[:3] - warped[6:9])


def points_found(pictures: dict, held: dict) -> float:
    """The mean PCK of the pose that MediaPipe finds in pictures {index in the held-out set: (S,S,3)}."""
    large = [scaling.shrunk(rgb, _LARGE) for rgb in pictures.values()]
    values = []
    for i, rgb, people in zip(pictures, large, stills.seen(large)):
        rows = np.flatnonzero((held["region"][i] >= 0).any(axis=1))
        values.append(measure.correct_points(_points(people), held["xy"][i], float(np.ptp(rows) + 1)))
    return float(np.mean(values))


def _points(people: list) -> np.ndarray:
    """(18,2) in pixels of the small picture of the person found; NaN for nobody and for what has no such point."""
    out = np.full((encoding.BODY, 2), np.nan)
    for person in people[:1]:
        at = dict(zip(layout(person.layout).names, person.xy[0]))
        at["neck"] = 0.5 * (at["shoulder_l"] + at["shoulder_r"])
        for k, name in enumerate(openpose.BODIES[encoding.BODY]):
            out[k] = at.get(name, np.nan)
        out *= 128 / _LARGE
    return out


def _sixteenth(rgb) -> np.ndarray:
    """(N,16,16,3) of pictures (N,S,S,3)."""
    step = rgb.shape[1] // 16
    parts = np.array_split(rgb, max(1, len(rgb) // 256))
    return np.concatenate([p.reshape(len(p), 16, step, 16, step, 3).mean(axis=(2, 4), dtype=np.float32) for p in parts])


def _drawn(held: dict, i: int) -> np.ndarray:
    """The pose map of a held-out picture."""
    size = held["rgb"].shape[1]
    focal = 1.6 * size
    camera = Camera(np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]]), np.eye(4), (size, size))
    away = held["away"][i].astype(float)
    places = np.concatenate([(held["xy"][i] - size / 2) * away[:, None] / focal, away[:, None]], axis=1) * [1.0, -1.0, -1.0]
    points = np.full((1, len(openpose.names()), 3), np.nan)
    points[0, : encoding.BODY] = places
    return guides.make(i, [1], points, camera, guides.Look(hands=False, face=False)).pose


def in_a_row(weights: Path, clips: Path, mpfb2: Path, steps: int) -> dict:
    """How alike neighbours are, of held-out characters who move as in test clips."""
    import model_sequences

    ways = {"default": {}, "shared": {"noise": 1.0}, "own": {"noise": 1.0, "shared_noise": False}}
    found: dict = {f"{what}_{way}": [] for what in ("warp", "sharp") for way in (*ways, "true")}
    for row in model_sequences.kept(BUILT, clips, mpfb2, SEQUENCES, FRAMES, EVERY):
        made = {way: model_sequences.frames(weights, row, steps, SEED, **options) for way, options in ways.items()}
        for way, pictures in (made | {"true": row.true}).items():
            found[f"warp_{way}"] += [measure.warp_error(a, b, *flow) for a, b, flow in zip(pictures, pictures[1:], row.flows)]
            found[f"sharp_{way}"] += [measure.sharpness(p, m) for p, m in zip(pictures, row.masks)]
    mean = {name: float(np.mean(values)) for name, values in found.items()}
    ratios = {f"{what}_ratio": mean[f"{what}_shared"] / mean[f"{what}_own"] for what in ("warp", "sharp")}
    return ratios | mean


def seconds(network: Network, steps: int, times: int = 5) -> float:
    """Seconds of the processor for one frame: encoding and warp of the poses, the guide, and all steps; the median."""
    picture = np.zeros((3, network.size, network.size), np.float32)
    xy, flat = np.random.default_rng(0).uniform(0, network.size, (18, 2)), np.zeros(18)
    spent = []
    for _ in range(times + 1):
        start = time.process_time()
        condition = network.condition(picture, (xy, flat, flat + 1), (xy[::-1], flat, flat + 1))
        network.sample(starting_noise(network.size, SEED), condition, network.schedule(steps))
        spent.append(time.process_time() - start)
    return float(np.median(spent[1:]))


def _as_input(rgb) -> np.ndarray:
    return rgb.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1.0


def _as_picture(clean) -> np.ndarray:
    return scaling.to_bytes(127.5 * (clean.transpose(1, 2, 0) + 1.0))


if __name__ == "__main__":
    sys.exit(main())
