"""Networks that find dots of known colours: what RTMPose, ViTPose and RTMO give, from a few lines of arithmetic.

    python tests/data/pose_networks/make_networks.py      # needs the package onnx (pip install -e ".[train]")

Point k of K is where the picture has colour `colours(K)[k]`; a network that is given BGR for RGB finds other points.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

MEAN, SPREAD = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])


def colours(count: int) -> np.ndarray:
    """(K,3) RGB 40..250, far from each other and from black."""
    steps = int(np.ceil((2 * count) ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.linspace(40.0, 250.0, steps)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    # one of each pair that exchanging red and blue would turn into each other, so that this is noticed
    grid = np.array([c for c in grid if c[0] > c[2]] or grid)
    order = np.random.default_rng(7).permutation(len(grid))
    more = np.random.default_rng(8).uniform(40.0, 250.0, (max(0, count - len(grid)), 3))
    return np.concatenate([grid[order], more])[:count].astype(np.float32)


def _nearness(count: int, bgr: bool, sharp: float):
    """Nodes from "input" to "near" (N,K,H,W): 1 where the picture has the point's colour, 0 elsewhere."""
    from onnx import helper, numpy_helper

    wanted = colours(count)
    scale = np.float32([1.0, 1.0, 1.0]) if bgr else SPREAD
    wanted = wanted[:, ::-1] if bgr else (wanted - MEAN) / SPREAD
    constants = {
        "wanted": wanted.reshape(1, count, 3, 1, 1), "scale": scale.reshape(1, 1, 3, 1, 1) / np.float32(sharp),
        "one": np.array([1], np.int64), "two": np.array([2], np.int64), "minus": np.float32([-1.0]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Unsqueeze", ["input", "one"], ["each"]),
        helper.make_node("Sub", ["each", "wanted"], ["apart"]),
        helper.make_node("Mul", ["apart", "scale"], ["far"]),
        helper.make_node("Mul", ["far", "far"], ["square"]),
        helper.make_node("ReduceSum", ["square", "two"], ["distance"], keepdims=0),
        helper.make_node("Mul", ["distance", "minus"], ["log"]),
        helper.make_node("Exp", ["log"], ["near"]),
    ]
    return nodes, [numpy_helper.from_array(np.ascontiguousarray(v, v.dtype), k) for k, v in constants.items()]


def simcc(count: int, width: int, height: int):
    from onnx import helper, numpy_helper

    nodes, constants = _nearness(count, False, 12.0)
    for axis, other in (("x", 2), ("y", 3)):
        nodes += [
            helper.make_node("ReduceSum", ["near", f"axis_{axis}"], [f"sum_{axis}"], keepdims=0),
            *(helper.make_node("AveragePool", [a], [b], kernel_shape=[3], pads=[1, 1])
              for a, b in ((f"sum_{axis}", f"a_{axis}"), (f"a_{axis}", f"b_{axis}"), (f"b_{axis}", f"c_{axis}"))),
            helper.make_node("Mul", [f"c_{axis}", "gain"], [f"row_{axis}"]),
            helper.make_node("Resize", [f"row_{axis}", "", "twice"], [f"simcc_{axis}"], mode="linear"),
        ]
        constants.append(numpy_helper.from_array(np.array([other], np.int64), f"axis_{axis}"))
    constants += [
        numpy_helper.from_array(np.float32([1.0, 1.0, 2.0]), "twice"),
        numpy_helper.from_array(np.float32([0.4]), "gain"),
    ]
    return _model(nodes, constants, (height, width), {"simcc_x": (count, 2 * width), "simcc_y": (count, 2 * height)})


def heatmaps(count: int, width: int, height: int):
    from onnx import helper, numpy_helper

    nodes, constants = _nearness(count, False, 12.0)
    constants.append(numpy_helper.from_array(np.float32([3.0]), "gain"))
    nodes += [
        *(helper.make_node("AveragePool", [a], [b], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
          for a, b in (("near", "a"), ("a", "b"), ("b", "c"), ("c", "d"), ("d", "soft"))),
        helper.make_node("AveragePool", ["soft"], ["strided"], kernel_shape=[1, 1], strides=[4, 4]),
        helper.make_node("Mul", ["strided", "gain"], ["heatmaps"]),
    ]
    return _model(nodes, constants, (height, width), {"heatmaps": (count, height // 4, width // 4)})


def one_stage(count: int, side: int):
    """Two people at most: one in the left half of the picture, one in the right."""
    from onnx import helper, numpy_helper

    nodes, constants = _nearness(count, True, 12.0)
    place = np.arange(side, dtype=np.float32)
    left = (place < side / 2).astype(np.float32)
    for name, value in (
        ("half", np.stack([left, 1.0 - left])[None, :, None, None]), ("x", place), ("y", place[:, None]),
        ("rows", np.array([3, 4], np.int64)), ("last", np.array([-1], np.int64)), ("points", np.array([2], np.int64)),
        ("few", np.float32([1e-6])), ("many", np.float32([0.05])), ("top", np.float32([1.0])),
    ):  # fmt: skip
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value, value.dtype), name))
    nodes += [
        helper.make_node("Unsqueeze", ["near", "one"], ["both"]),
        helper.make_node("Mul", ["both", "half"], ["own"]),
        helper.make_node("ReduceSum", ["own", "rows"], ["mass"], keepdims=0),
        helper.make_node("Add", ["mass", "few"], ["some"]),
        helper.make_node("Mul", ["mass", "many"], ["much"]),
        helper.make_node("Min", ["much", "top"], ["score"]),
        helper.make_node("Unsqueeze", ["score", "last"], ["score3"]),
        helper.make_node("ReduceMean", ["score3"], ["sure"], axes=[2], keepdims=0),
    ]
    for axis in "xy":
        nodes += [
            helper.make_node("Mul", ["own", axis], [f"weighted_{axis}"]),
            helper.make_node("ReduceSum", [f"weighted_{axis}", "rows"], [f"total_{axis}"], keepdims=0),
            helper.make_node("Div", [f"total_{axis}", "some"], [f"mean_{axis}"]),
            helper.make_node("Unsqueeze", [f"mean_{axis}", "last"], [f"at_{axis}"]),
        ]
    nodes += [
        helper.make_node("Concat", ["at_x", "at_y", "score3"], ["keypoints"], axis=-1),
        helper.make_node("Concat", ["at_x", "at_y"], ["at"], axis=-1),
        helper.make_node("ReduceMin", ["at"], ["low"], axes=[2], keepdims=0),
        helper.make_node("ReduceMax", ["at"], ["high"], axes=[2], keepdims=0),
        helper.make_node("Concat", ["low", "high", "sure"], ["dets"], axis=-1),
    ]
    return _model(nodes, constants, (side, side), {"dets": (2, 5), "keypoints": (2, count, 3)})


def _model(nodes, constants, size, outputs: dict):
    from onnx import TensorProto, checker, helper

    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, *size])
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape]) for name, shape in outputs.items()]
    graph = helper.make_graph(nodes, "dots", [picture], made, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return model


def main() -> None:
    import onnx

    folder = Path(__file__).parent
    for name, model in (
        ("simcc17", simcc(17, 96, 128)), ("simcc26", simcc(26, 96, 128)), ("simcc133", simcc(133, 144, 192)),
        ("heatmaps17", heatmaps(17, 96, 128)), ("one_stage17", one_stage(17, 256)),
    ):  # fmt: skip
        onnx.save(model, folder / f"{name}.onnx")
        print(f"{name}.onnx: {(folder / f'{name}.onnx').stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
