"""The network of the in-betweening LSTM, its loss, and its ONNX.  Needs torch and numpy only."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..errors import BadInput
from ..motion.skeleton import JOINTS, PARENTS
from . import window
from .data import Batch

FEET = [JOINTS.index(n) for n in ("foot_l", "foot_r", "toe_l", "toe_r")]
LEVELS: list = []  # joints by their distance from the root
for _j, _parent in enumerate(PARENTS):
    _level = 0 if _parent < 0 else next(i for i, found in enumerate(LEVELS) if _parent in found) + 1
    LEVELS += [[]] if _level == len(LEVELS) else []
    LEVELS[_level].append(_j)


class Net(nn.Module):
    """Features (N,T,F) -> change of 6D rotations and root (N,T,6J+3), and contact logits (N,T,4)."""

    def __init__(self, inputs: int, hidden: int, layers: int, dropout: float):
        super().__init__()
        outputs = len(JOINTS) * 6 + 3
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("std", torch.ones(inputs))
        self.enter = nn.Sequential(nn.Linear(inputs, hidden), nn.GELU())
        self.lstm = nn.LSTM(hidden, hidden, layers, batch_first=True, bidirectional=True)
        self.dropout = dropout
        self.leave = nn.Linear(2 * hidden, outputs + 4)
        nn.init.normal_(self.leave.weight, std=1e-3)
        nn.init.zeros_(self.leave.bias)
        self.outputs = outputs

    def forward(self, x):
        x = (x - self.mean) / self.std
        x = self._drop(self.enter(self._drop(x, 0.5)))
        y = self.leave(self._drop(self.lstm(x)[0]))
        return y[..., : self.outputs], y[..., self.outputs :]


    def look_at(self, sampler) -> None:
        """Take mean and spread of what it will be told from a sampler's batches."""
        told = np.concatenate([sampler.batch(256).features.reshape(-1, len(self.mean)) for _ in range(8)])
        self.mean[:] = torch.as_tensor(told.mean(axis=0))
        self.std[:] = torch.as_tensor(np.maximum(told.std(axis=0), 0.02))

    def _drop(self, x, share: float = 1.0):
        """Dropout of the same features in every frame of a window."""
        odds = 1.0 - share * self.dropout
        if not self.training or odds == 1.0:
            return x
        return x * (torch.bernoulli(torch.full_like(x[:, :1], odds)) / odds)


def matrices(v):
    """Rotation matrices (...,3,3) of 6D vectors, by Gram-Schmidt."""
    a = nn.functional.normalize(v[..., :3], dim=-1)
    b = v[..., 3:] - (a * v[..., 3:]).sum(-1, keepdim=True) * a
    b = nn.functional.normalize(b, dim=-1)
    return torch.stack([a, b, torch.linalg.cross(a, b)], dim=-1)


def forward_kinematics(local, root, offsets):
    """Global rotations (N,T,J,3,3) and positions (N,T,J,3) of local ones, root (N,T,3), offsets (N,J,3)."""
    grot, gpos = [None] * len(PARENTS), [None] * len(PARENTS)
    for joints in LEVELS:
        if joints == [0]:
            grot[0], gpos[0] = local[:, :, 0], root
            continue
        above = torch.stack([grot[PARENTS[j]] for j in joints], dim=2)
        here = torch.stack([gpos[PARENTS[j]] for j in joints], dim=2)
        here = here + (above * offsets[:, None, joints, None, :]).sum(-1)
        own = local[:, :, joints]
        turned = sum(above[..., :, k : k + 1] * own[..., k : k + 1, :] for k in range(3))
        for i, j in enumerate(joints):
            grot[j], gpos[j] = turned[:, :, i], here[:, :, i]
    return torch.stack(grot, dim=2), torch.stack(gpos, dim=2)


def losses(net, batch: Batch, std, bf16: bool = False) -> dict:
    """Every term of the loss, weighted; their sum is what is minimised.

    A window counts by how long its holes are: in short ones interpolation is off by less, and a share of
    that is what is wanted.
    """

    def tensor(x):
        return torch.as_tensor(np.asarray(x, np.float32), device=std.device)

    with torch.autocast(std.device.type, torch.bfloat16, enabled=bf16):
        change, contact = net(tensor(batch.features))
    change, contact = change.float(), contact.float()
    joints = len(JOINTS)
    w = tensor(window.weight(batch.seg))[:, None]
    base6, truth6 = tensor(window.sixd(batch.base_lrot)), tensor(window.sixd(batch.lrot))
    raw = base6 + w[..., None] * change[..., : joints * 6].unflatten(-1, (joints, 6))
    root = tensor(batch.base_root) + w * change[..., joints * 6 :]
    local, truth_local = matrices(raw), matrices(truth6)
    offsets = tensor(batch.offsets)
    grot, gpos = forward_kinematics(local, root, offsets)
    with torch.no_grad():
        true_grot, true_gpos = forward_kinematics(truth_local, tensor(batch.root), offsets)
    hole = tensor(~batch.seg.known)
    length = float((batch.seg.after - batch.seg.before)[~batch.seg.known].mean())
    share = hole / hole.sum() * (15.0 / length) ** 0.4

    def norm(x):  # the benchmark's own norm over all joints of a frame, mean over frames
        return (((x.flatten(2) ** 2).sum(-1) + 1e-6).sqrt().mean(0) * share).sum()

    v, true_v = gpos.diff(dim=1), true_gpos.diff(dim=1)
    touch = tensor(batch.contact)
    slide = (v[:, :, FEET].norm(dim=-1) * torch.minimum(touch[:, 1:], touch[:, :-1])).mean()
    logits = nn.functional.binary_cross_entropy_with_logits(contact, touch)
    return {
        "p": norm((gpos - true_gpos) / std),
        "q": norm(grot - true_grot) * 0.7,
        "local": norm(local - truth_local) * 0.3,
        "speed": norm((v - true_v)[:, [0, *range(v.shape[1])]]) * 10.0,
        "slide": slide * 20.0,
        "contact": logits * 0.1,
    }


class Together(nn.Module):
    """Networks as one: each is told of its own start, and what they say is averaged."""

    def __init__(self, nets):
        super().__init__()
        self.nets = nn.ModuleList(nets)

    def forward(self, *told):
        return sum(net(x)[0] for net, x in zip(self.nets, told)) / len(self.nets)


def export(nets: dict, path: Path) -> None:
    """One ONNX file of networks by their start: features (N,T,F) for each -> "change" (N,T,6J+3)."""
    blank = torch.zeros(2, 30, window.feature_count(len(JOINTS)))
    axes = {name: {0: "n", 1: "t"} for name in (*nets, "change")}
    write_onnx(Together(nets.values()), (blank,) * len(nets), path, list(nets), ["change"], axes)


def write_onnx(net: nn.Module, given: tuple, path: Path, inputs: list, outputs: list, axes=None) -> None:
    """The network as ONNX that computes in float32 and keeps its weights as float16."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    part = Path(path).with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of batches, which are tested
        torch.onnx.export(
            net.cpu().eval(), given, str(part), input_names=inputs, output_names=outputs, dynamic_axes=axes,
            opset_version=17, dynamo=False,
        )  # fmt: skip
    model = onnx.load(part)
    graph = model.graph
    for weights in [w for w in graph.initializer if w.data_type == TensorProto.FLOAT and np.prod(w.dims) > 1000]:
        half = numpy_helper.from_array(numpy_helper.to_array(weights).astype(np.float16), weights.name + "_half")
        graph.initializer.remove(weights)
        graph.initializer.append(half)
        graph.node.insert(0, helper.make_node("Cast", [half.name], [weights.name], to=TensorProto.FLOAT))
    onnx.save(model, part)
    part.replace(path)


def loaded(path: Path) -> dict:
    """{start: Net} of an ONNX file that `export` wrote; BadInput where it is another."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    other = BadInput("bad_model", f"{path} is no in-betweening network.", "Give a folder of poseloom train inbetween.")
    try:
        graph = onnx.load(path).graph
        weights = {w.name.removesuffix("_half"): numpy_helper.to_array(w).astype(np.float32) for w in graph.initializer}
        nodes = {node.name: [weights.get(name) for name in node.input] for node in graph.node}
        if {told.name for told in graph.input} != set(window.STARTS):
            raise other
        return {told.name: _net(f"nets.{i}", weights, nodes) for i, told in enumerate(graph.input)}
    except (DecodeError, LookupError, AttributeError, TypeError, ValueError, OSError, RuntimeError) as error:  # another graph
        raise other from error


def _net(name: str, weights: dict, nodes: dict) -> Net:
    """The network `name` of a graph; ONNX has the gates of an LSTM in the order i, o, f, c and torch i, f, c, o."""
    state = {key: weights[f"{name}.{key}"] for key in ("mean", "std", "enter.0.bias", "leave.bias")}
    for layer, node in (("enter.0", "enter/enter.0"), ("leave", "leave")):
        state[f"{layer}.weight"] = nodes[f"/{name}/{node}/MatMul"][1].T
    layers = sorted(node for node in nodes if node.startswith(f"/{name}/lstm/LSTM"))
    hidden = nodes[layers[0]][2].shape[-1]
    for k, node in enumerate(layers):
        given, kept, bias = nodes[node][1:4]
        for way, end in enumerate(("", "_reverse")):
            rows = {"weight_ih": given[way], "weight_hh": kept[way]}
            rows["bias_ih"], rows["bias_hh"] = bias[way][: 4 * hidden], bias[way][4 * hidden :]
            for key, value in rows.items():
                state[f"lstm.{key}_l{k}{end}"] = value.reshape(4, hidden, *value.shape[1:])[[0, 2, 3, 1]].reshape(value.shape)
    net = Net(len(state["mean"]), hidden, len(layers), 0.0)
    net.load_state_dict({key: torch.as_tensor(np.ascontiguousarray(value)) for key, value in state.items()})
    return net.eval()


def restore(state_file: Path, device="cpu") -> tuple:
    """(start, the averaged network) of a training's state.pt."""
    state = torch.load(state_file, map_location=device, weights_only=True)
    options = state["options"]
    net = Net(window.feature_count(len(JOINTS)), options["hidden"], options["layers"], 0.0)
    net.load_state_dict(state["mean"])
    return options["start"], net.eval()
