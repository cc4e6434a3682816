"""The lifter with smaller numbers: FP16 weights and INT8, what they lose and how fast they are.

    python backend/studio/quantise.py MODEL.onnx --data CLIPS.npz --validate P.npz [--pairs P.npz] [--out FOLDER]

FP16 keeps the weights in 16 bits and computes in 32.  INT8 is static, by channel, calibrated on made-up views of
CLIPS.npz and on the recorded --pairs.  Printed of each: size, error of the limb joints after alignment (median over
the clips of --validate, mm), the mean distance from what FP32 says (mm), and milliseconds for 1000 frames on one
thread.  Needs the extras `learn` and `train`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

from poseloom.pose.habits import LIMBS
from poseloom.pose.projections import Projections
from poseloom.pose.recordings import Pairs

_LARGE = 256  # numbers; smaller tensors stay as they are


def halved(model):
    """The model with large weights in FP16, cast back to FP32 where they are used."""
    graph, nodes = model.graph, []
    for i, weight in enumerate(graph.initializer):
        value = numpy_helper.to_array(weight)
        if value.dtype == np.float32 and value.size >= _LARGE:
            name = weight.name
            graph.initializer[i].CopyFrom(numpy_helper.from_array(value.astype(np.float16), name + "_16"))
            nodes.append(helper.make_node("Cast", [name + "_16"], [name], to=TensorProto.FLOAT))
    for node in reversed(nodes):
        graph.node.insert(0, node)
    onnx.checker.check_model(model)
    return model


class Varied(quantization.CalibrationDataReader):
    """Windows for calibration, made up and recorded in turn."""

    def __init__(self, sources, count: int):
        self.batches = iter([source.batch(4, 128)[0] for _ in range(count) for source in sources])

    def get_next(self):
        told = next(self.batches, None)
        return None if told is None else {"features": told}


def session(path: Path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def aligned_error(found, truth):
    """(T,) mean distance of found (T,J,3) from truth, each frame turned, scaled and moved onto it (Umeyama 1991)."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (found, truth))
    u, s, vt = np.linalg.svd(np.swapaxes(a, 1, 2) @ b)
    fix = np.ones_like(s)
    fix[:, 2] = np.sign(np.linalg.det(u @ vt))
    scale = (s * fix).sum(axis=1) / np.maximum((a * a).sum(axis=(1, 2)), 1e-9)
    return np.linalg.norm(scale[:, None, None] * (a @ ((u * fix[:, None]) @ vt)) - b, axis=-1).mean(axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, nargs="*", default=[])
    parser.add_argument("--validate", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, default=Path("build/lifter"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.seed)

    def arrays(path):
        with np.load(path, allow_pickle=False) as z:
            return {key: z[key] for key in z.files}

    sources = [Projections(arrays(options.data), rng)]
    if options.pairs:
        sources.append(Pairs([arrays(path) for path in options.pairs], rng))
    files = {"FP32": options.model, "FP16": options.out / "model16.onnx", "INT8": options.out / "model8.onnx"}
    onnx.save(halved(onnx.load(str(options.model))), str(files["FP16"]))
    quantization.quantize_static(
        str(options.model), str(files["INT8"]), Varied(sources, 24), quant_format=quantization.QuantFormat.QDQ,
        per_channel=True, op_types_to_quantize=["Conv"], calibrate_method=quantization.CalibrationMethod.Percentile,
        extra_options={"CalibPercentile": 99.99},
    )  # fmt: skip
    held = Pairs([arrays(path) for path in options.validate], rng)
    clips = [held.clip(i) for i in range(len(held))]
    timed = np.concatenate([clip[0] for clip in clips], axis=1)[:, :1000]
    print(f"{len(clips)} clips, seed {options.seed}")
    print("| weights | MB | error mm | from FP32 mm | ms for 1000 frames |\n| --- | --- | --- | --- | --- |")
    first = None
    for name, path in files.items():
        run = session(path)
        found = [run.run(["xyz"], {"features": told})[0][0] for told, _, _ in clips]
        first = first or found
        limbs = [(x[:, LIMBS], truth[0][:, LIMBS]) for x, (_, truth, _) in zip(found, clips)]
        error = np.median([aligned_error(*pair).mean() for pair in limbs])
        apart = np.mean([np.linalg.norm(x - y, axis=-1).mean() for x, y in zip(found, first)])
        spent = []
        for _ in range(5):
            began = time.perf_counter()
            run.run(["xyz"], {"features": timed})
            spent.append(time.perf_counter() - began)
        each = 1e6 * min(spent) / timed.shape[1]
        size = path.stat().st_size / 1e6
        print(f"| {name} | {size:.2f} | {1e3 * error:.1f} | {1e3 * apart:.1f} | {each:.0f} |", flush=True)


if __name__ == "__main__":
    main()
