"""The embedded model with weights in 16 bits, and in 8: how far that takes its pictures, and how fast they are.

    python backend/studio/quantise_render.py FOLDER --held build/embed_held.npz --pictures build/embed.npz [--out build/render]

FOLDER holds guide.onnx, denoiser.onnx and model.json.  Writes OUT/fp16 (weights stored in 16 bits, computed in 32, which is
what ships) and OUT/int8 (convolutions in 8 bits, static, calibrated on training pictures), and prints a table: the mean
difference from the true pictures on the body, and from FP32's pictures, both 0..255; the time of one frame of four steps
on one thread.  Runs in an environment with onnx.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

import numpy as np
import onnx
from onnxruntime import quantization
from quantise import halved

from poseloom.render.embedded import CONDITION, Network, given, starting_noise

_STEPS, _CALIBRATED = 4, 24
_PARTS = ("guide", "denoiser")


class Pairs:
    """(reference, its pose, the pose wanted, the true picture) of each picture but a character's first, which is its reference."""

    def __init__(self, path: Path, most: int):
        with np.load(path, allow_pickle=False) as npz:
            self.data = {name: npz[name] for name in ("rgb", "region", "xy", "away", "seen", "character")}
        first = {int(n): i for i, n in reversed(list(enumerate(self.data["character"])))}
        rows = [(first[int(n)], i) for i, n in enumerate(self.data["character"]) if first[int(n)] != i]
        self.rows = rows[:: max(1, len(rows) // most)][:most]

    def __iter__(self):
        d = self.data
        for first, i in self.rows:
            known, wanted = (tuple(d[name][n] for name in ("xy", "away", "seen")) for n in (first, i))
            rgb = d["rgb"][[first, i]].transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
            yield rgb[0], known, wanted, rgb[1], d["region"][i] >= 0


class Seen(quantization.CalibrationDataReader):
    """What one part is given while frames are made."""

    def __init__(self, network: Network, pairs: Pairs, part: str):
        self.rows = iter(self._rows(network, pairs, part))

    def get_next(self):
        return next(self.rows, None)

    def _rows(self, network, pairs, part):
        for reference, known, wanted, _, _ in pairs:
            if part == "guide":
                yield given(reference, known, wanted)
                continue
            condition, x = network.condition(reference, known, wanted), starting_noise(network.size, 0)
            steps = network.schedule(_STEPS)
            for (at, alpha), after in zip(steps, [a for _, a in steps[1:]] + [1.0]):
                yield {"noisy": x[None], "time": np.array([at], np.float32), **dict(zip(CONDITION, condition))}
                clean = network.clean(x, at, condition)
                x = np.sqrt(after) * clean + np.sqrt((1 - after) / (1 - alpha)) * (x - np.sqrt(alpha) * clean)
                x = x.astype(np.float32)


def variants(folder: Path, out: Path, pairs: Pairs) -> dict:
    """{name: folder} of all, FP32 first."""
    places = {"FP32": folder, "FP16": out / "fp16", "INT8": out / "int8"}
    for place in list(places.values())[1:]:
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "model.json", place)
    network = Network(folder, threads=1)
    for part in _PARTS:
        name = f"{part}.onnx"
        onnx.save(halved(onnx.load(str(folder / name))), str(places["FP16"] / name))
        quantization.quantize_static(
            str(folder / name), str(places["INT8"] / name), Seen(network, pairs, part), per_channel=True,
            quant_format=quantization.QuantFormat.QDQ, op_types_to_quantize=["Conv"],
        )  # fmt: skip
    return places


def frames(place: Path, pairs: Pairs) -> tuple:
    """(N,3,S,S) 0..255 made, and the least seconds a frame took."""
    network, made, spent = Network(place, threads=1), [], []
    steps = network.schedule(_STEPS)
    for reference, known, wanted, _, _ in pairs:
        began = time.perf_counter()
        condition = network.condition(reference, known, wanted)
        made.append(network.sample(starting_noise(network.size, 0), condition, steps))
        spent.append(time.perf_counter() - began)
    return (np.stack(made) + 1) * 127.5, min(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--held", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("build/render"))
    options = parser.parse_args()
    places = variants(options.folder, options.out, Pairs(options.pictures, _CALIBRATED))
    held = Pairs(options.held, 1000)
    true = np.stack([(row[3] + 1) * 127.5 for row in held])
    body = np.stack([row[4] for row in held])[:, None]
    print(f"{len(true)} pictures\n| weights | MB | off the truth | off FP32 | ms a frame |\n| --- | --- | --- | --- | --- |")
    first = None
    for name, place in places.items():
        made, seconds = frames(place, held)
        first = made if first is None else first
        apart = [(np.abs(made - other) * body).sum() / body.sum() / 3 for other in (true, first)]
        size = sum((place / f"{part}.onnx").stat().st_size for part in _PARTS) / 1e6
        print(f"| {name} | {size:.1f} | {apart[0]:.1f} | {apart[1]:.2f} | {1e3 * seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
