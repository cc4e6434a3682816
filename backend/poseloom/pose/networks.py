"""Pose networks of the user's in ONNX files: what kind they are, told by the shapes of what goes in and comes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import sessions
from ..errors import BadInput

# how many points a network gives: their layout
LAYOUTS = {17: "coco17", 26: "halpe26", 33: "blazepose", 133: "wholebody133"}
MEAN, SPREAD = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])  # RGB, of ImageNet
_TOP_DOWN, _ONE_STAGE = (192, 256), (640, 640)  # width and height where the file leaves them open
_EXPECTED = (
    "expected one input (N,3,H,W) of pictures, and as outputs SimCC rows (N,K,W*s) and (N,K,H*s), heatmaps (N,K,h,w), "
    f"or boxes (N,M,5) and points (N,M,K,3), with K one of {', '.join(map(str, LAYOUTS))}"
)


@dataclass(frozen=True, eq=False)
class Network:
    """A pose network: `run` takes (N,3,H,W) float32 and gives its outputs.

    kind: "simcc", "heatmaps" or "one_stage"; size: (width, height) of its input; order: which output is x or boxes;
    split: bins of SimCC a pixel; unbiased: see `crops.Crop`.
    """

    path: Path
    session: object
    kind: str
    layout: str
    size: tuple
    order: tuple
    split: float = 1.0
    unbiased: bool = False

    def run(self, pictures: np.ndarray) -> list:
        found = self.session.run(None, {self.session.get_inputs()[0].name: pictures})
        return [found[i] for i in self.order]


def open_network(path: Path, threads: int = 0) -> Network:
    """The network in an ONNX file.  BadInput where there is none, or one that is no pose network: it is run once, on
    an empty picture.  threads 0: as many as there are cores."""
    path = Path(path)
    if not path.is_file():
        raise BadInput("no_such_file", f"There is no model {path}.", "Check --model; known ones: poseloom models list.")
    who = 'The estimator "rtm"'
    broken = sessions.refusals(who)
    try:
        session = sessions.opened(path, threads, who)
    except broken as error:
        raise BadInput("not_onnx", f"{path.name} is no ONNX file that onnxruntime can run: {_first_line(error)}.") from error
    first = session.get_inputs()[0]
    shape = [side if isinstance(side, int) and side > 0 else None for side in first.shape]
    refused = f"its input is {_told(first.shape)}"
    if len(session.get_inputs()) == 1 and len(shape) == 4 and shape[1] in (3, None) and first.type == "tensor(float)":
        sizes = [(shape[3], shape[2])] if shape[2] and shape[3] else [_TOP_DOWN, _ONE_STAGE]
        for size in sizes:
            try:
                found = session.run(None, {first.name: np.zeros((1, 3, size[1], size[0]), np.float32)})
            except broken as error:
                refused = f"it does not run on {size[0]} x {size[1]} pixels: {_first_line(error)}"
                continue
            refused = f"its outputs are {', '.join(_told(np.shape(out)) for out in found)}"
            kind = _kind([np.shape(out) for out in found], size)
            if kind is not None:
                return Network(path, session, size=size, unbiased=kind["kind"] == "heatmaps" and _attends(path), **kind)
    raise BadInput(
        "not_a_pose_model", f"{path.name} is no pose network: {_EXPECTED}; {refused}.",
        "Give a RTMPose, DWPose, RTMW, RTMO or ViTPose model.",
    )  # fmt: skip


def _kind(shapes: list, size: tuple):
    """What outputs of these shapes mean, as fields of Network; None where it is nothing we know."""
    width, height = size
    if len(shapes) == 1 and len(shapes[0]) == 4:
        _, count, rows, columns = shapes[0]
        if count in LAYOUTS and 1 < rows <= height and rows * width == columns * height:
            return {"kind": "heatmaps", "layout": LAYOUTS[count], "order": (0,)}
    for order in ((0, 1), (1, 0)) if len(shapes) == 2 else ():
        a, b = (shapes[i] for i in order)
        if len(a) == len(b) == 3 and a[1] == b[1] and a[1] in LAYOUTS and a[2] >= width and a[2] * height == b[2] * width:
            return {"kind": "simcc", "layout": LAYOUTS[a[1]], "order": order, "split": a[2] / width}
        if len(a) == 3 and a[2] == 5 and len(b) == 4 and b[2] in LAYOUTS and b[3] == 3:
            return {"kind": "one_stage", "layout": LAYOUTS[b[2]], "order": order}
    return None


def _attends(path: Path) -> bool:
    """Whether the file holds layers of attention: heatmap networks that do (ViTPose) were trained with UDP."""
    return b"attn" in path.read_bytes() or b"attention" in path.read_bytes()


def _told(shape) -> str:
    return f"({', '.join('?' if side is None else str(side) for side in shape)})"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")[:200]
