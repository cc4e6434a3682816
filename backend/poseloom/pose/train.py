"""Training of the lifter on made-up and recorded views of known motion.  Needs torch and numpy only."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..motion.skeleton import JOINTS, PARENTS
from ..progress import Report, silent
from .habits import LIMBS
from .lift import CONTEXT, FEATURES
from .projections import Projections
from .recordings import Pairs

_HIPS = [JOINTS.index("thigh_l"), JOINTS.index("thigh_r")]
DILATIONS = (1, 3, 9, 27)
assert sum(DILATIONS) == CONTEXT


@dataclass(frozen=True)
class TrainOptions:
    """width of the network; batch: frames a step; minutes in all, of which this call does `stretch`; recorded: the
    share of frames from pairs; align: weight of the loss after alignment."""

    width: int = 224
    dropout: float = 0.2
    decay: float = 0.1
    batch: int = 1024
    rate: float = 1e-3
    minutes: float = 60.0
    stretch: float = float("inf")
    device: str = "cpu"
    seed: int = 1
    ema: float = 0.998
    recorded: float = 0.45
    align: float = 1.0


class Block(nn.Module):
    """A dilated convolution over time and a mixing of channels, added to what comes in."""

    def __init__(self, width: int, dilation: int, dropout: float):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.time = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, inside):
        y = self.mix(self.drop(F.gelu(self.time(F.gelu(self.norm(x)) * inside))))
        return x + self.drop(y)


class Net(nn.Module):
    """Features (N,T,F) -> joints about the hips (N,T,22,3) m and the log of the error expected of each (N,T,22)."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        joints = len(JOINTS)
        self.enter = nn.Conv1d(FEATURES, width, 1)
        self.blocks = nn.ModuleList([Block(width, d, dropout) for d in DILATIONS])
        self.leave = nn.Conv1d(width, 4 * joints, 1)
        self.straight = nn.Conv1d(FEATURES, 3 * joints, 1)
        nn.init.normal_(self.leave.weight, std=1e-3)
        nn.init.zeros_(self.straight.weight)

    def forward(self, features):
        told = features.transpose(1, 2)
        inside = torch.ones_like(told[:, :1])
        x = self.enter(told)
        for block in self.blocks:
            x = block(x, inside)
        joints = len(JOINTS)
        out = self.leave(F.gelu(x)).transpose(1, 2)
        xyz = out[..., : 3 * joints] + self.straight(told).transpose(1, 2)
        xyz = xyz.unflatten(-1, (joints, 3))
        hips = 0.5 * (xyz[:, :, _HIPS[0]] + xyz[:, :, _HIPS[1]])
        return xyz - hips.unsqueeze(2), out[..., 3 * joints :].clamp(-6.0, 1.0)


def aligned(found, truth, weight):
    """found (...,J,3) turned, scaled and moved onto truth frame by frame (Umeyama 1991); the fit has no gradient."""
    with torch.no_grad():
        w = weight / weight.sum()
        a, b = found - (found * w).sum(-2, keepdim=True), truth - (truth * w).sum(-2, keepdim=True)
        u, s, vt = torch.linalg.svd((a * w).transpose(-1, -2) @ b)
        sign = torch.det(u @ vt).sign()
        fix = torch.ones_like(s)
        fix[..., 2] = sign
        turn = (u * fix.unsqueeze(-2)) @ vt
        scale = (s * fix).sum(-1) / (a * a * w).sum((-1, -2)).clamp_min(1e-6)
        move = (truth * w).sum(-2) - scale[..., None] * ((found * w).sum(-2).unsqueeze(-2) @ turn).squeeze(-2)
    return scale[..., None, None] * (found @ turn) + move.unsqueeze(-2)


def losses(net, batch, weight, options) -> dict:
    """Every term of the loss, weighted; their sum is what is minimised.  weight (22,) of joints."""
    told, truth, place = batch
    xyz, log_error = net(told)
    share = weight / weight.sum()
    away = (xyz - truth).norm(dim=-1)
    bone, true_bone = (x[:, :, 1:] - x[:, :, PARENTS[1:]] for x in (xyz, truth))
    direction = 1.0 - F.cosine_similarity(bone, true_bone, dim=-1)
    seen, true_seen = xyz + place.unsqueeze(2), truth + place.unsqueeze(2)
    pixel = seen[..., ::2] / seen[..., 1:2].clamp_min(0.3) - true_seen[..., ::2] / true_seen[..., 1:2].clamp_min(0.3)
    speed = (xyz.diff(dim=1) - truth.diff(dim=1)).norm(dim=-1)
    expected = away.detach() * torch.exp(-log_error) + log_error
    terms = {
        "place": (away * share).sum(-1).mean(),
        "direction": 0.05 * direction.mean(),
        "speed": 1.0 * (speed * share).sum(-1).mean(),
        "picture": 0.3 * ((pixel.norm(dim=-1) * place[..., 1:2]) * share).sum(-1).mean(),
        "expected": 0.01 * (expected * share).sum(-1).mean(),
    }
    if options.align:
        fit = aligned(xyz[:, :, LIMBS], truth[:, :, LIMBS], weight[LIMBS, None])
        terms["align"] = options.align * (fit - truth[:, :, LIMBS]).norm(dim=-1).mean()
    return terms


def validate(net, pairs: Pairs, device) -> dict:
    """Medians over the clips of the error of the limbs after alignment, mm: lifted with and without depth."""
    net.eval()
    ones = torch.ones(len(LIMBS), 1, device=device)
    found: dict = {"pa": [], "plain": [], "pa_no_depth": []}
    for i in range(len(pairs)):
        told, truth, _ = (torch.as_tensor(x, device=device) for x in pairs.clip(i))
        flat = told.clone()
        points = (FEATURES - 5) // 6
        flat[..., 3 * points : 6 * points + 1] = 0.0
        limbs = truth[:, :, LIMBS]
        with torch.no_grad():
            for name, x in (("pa", told), ("pa_no_depth", flat)):
                xyz = net(x)[0][:, :, LIMBS]
                found[name].append(float((aligned(xyz, limbs, ones) - limbs).norm(dim=-1).mean()))
                if name == "pa":
                    found["plain"].append(float((xyz - limbs).norm(dim=-1).mean()))
    return {f"{name}_mm": round(1e3 * float(np.median(values)), 2) for name, values in found.items()}


def train(pack, folder: Path, options: TrainOptions, pairs=(), valid=(), report: Report = silent) -> Net:
    """Train on, from `folder`/state.pt if it is there; the averaged network.

    pack holds the arrays of the packed clips (`Projections`), pairs and valid those of recordings (`Pairs`); the log
    is a line of JSON every two minutes in `folder`/log.jsonl.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    device = torch.device(options.device)
    net, mean = (Net(options.width, options.dropout).to(device) for _ in range(2))
    mean.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=options.decay)
    step, spent = 0, 0.0
    state_file = folder / "state.pt"
    if state_file.exists():
        state = torch.load(state_file, map_location=device, weights_only=True)
        net.load_state_dict(state["net"]), mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
    rng = np.random.default_rng([options.seed, step])
    recordings = [Pairs(pairs, rng)] if pairs else []
    sources = [Projections(pack, rng, *(made.habits() for made in recordings)), *recordings]
    held = Pairs(valid, rng) if valid else None
    weight = torch.ones(len(JOINTS), device=device)
    weight[LIMBS] = 2.0

    def save():
        part = state_file.with_suffix(".part")
        torch.save({"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(),
                    "step": step, "spent": spent, "options": asdict(options)}, part)  # fmt: skip
        part.replace(state_file)

    sums: dict = {}
    count, last = 0, time.monotonic()
    end = min(60.0 * options.minutes, spent + 60.0 * options.stretch)
    with (folder / "log.jsonl").open("a") as log:
        while spent < end:
            began = time.monotonic()
            done = spent / (60.0 * options.minutes)
            rate = options.rate * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * done)))
            for group in optimiser.param_groups:
                group["lr"], group["weight_decay"] = float(rate), options.decay
            frames = int(rng.choice([48, 96, 192])) if not pairs else int(rng.choice([32, 64, 96]))
            batch = _mixed(sources, options, frames, device)
            net.train()
            terms = losses(net, batch, weight, options)
            optimiser.zero_grad(set_to_none=True)
            sum(terms.values()).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            step, count = step + 1, count + 1
            keep = min(options.ema, (1 + step) / (10 + step))
            with torch.no_grad():
                for slow, fast in zip(mean.state_dict().values(), net.state_dict().values()):
                    slow.lerp_(fast, 1.0 - keep) if slow.is_floating_point() else slow.copy_(fast)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            spent += time.monotonic() - began
            report(min(done, 1.0), f"step {step}")
            if time.monotonic() - last > 120.0 or spent >= end:
                line = {"step": step, "minutes": round(spent / 60, 2)}
                line |= {name: round(total / count, 5) for name, total in sums.items()}
                sums, count, last = {}, 0, time.monotonic()
                if held is not None:
                    line |= validate(mean, held, device)
                log.write(json.dumps(line) + "\n"), log.flush()
                save()
    return mean.eval()


def _mixed(sources, options, frames, device):
    """A batch of whole windows, a share of them recorded."""
    count = max(2, options.batch // frames)
    recorded = int(round(count * options.recorded)) if len(sources) > 1 else 0
    made = [source.batch(n, frames) for source, n in zip(sources, (count - recorded, recorded)) if n]
    return [torch.as_tensor(np.concatenate(parts), device=device) for parts in zip(*made)]


def export(net: Net, path: Path) -> None:
    """The network as ONNX, for any number of frames."""
    net = net.to("cpu").eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.onnx.export(
        net, (torch.zeros(1, 64, FEATURES),), str(part), dynamo=False, opset_version=17,
        input_names=["features"], output_names=["xyz", "log_error"],
        dynamic_axes={name: {0: "clips", 1: "frames"} for name in ("features", "xyz", "log_error")},
    )  # fmt: skip
    part.replace(path)


def card(folder: Path, options: TrainOptions, subjects, pairs, valid) -> str:
    """What the model is and was trained on, in Markdown; the last line of the log is its validation."""
    lines = [json.loads(line) for line in (Path(folder) / "log.jsonl").read_text().splitlines()]
    last = lines[-1]
    recorded, held = (sum(len(made["size"]) for made in some) for some in (pairs, valid))
    found = "none"
    if "pa_mm" in last:
        found = f"{last['pa_mm']} mm, without the estimator's depth {last['pa_no_depth_mm']} mm"
    return f"""# Lifter

Points of a person in the picture, and the estimator's own guess of their depth where there is one, to the 22
canonical joints in space. A dilated convolution over time: {2 * CONTEXT + 1} frames at 30 fps, {_count(options):.2f} M weights.

- Trained on subjects {", ".join(subjects)} of the CMU motion capture database:
  seen by made-up cameras with made-up errors, and in {recorded} clips played by the CC0 body that comes with Poseloom,
  painted, and seen by BlazePose (`backend/studio/lifter_pairs.py`).
- Validated on {held} painted clips of other subjects. Error of the 12 limb joints after alignment of each frame,
  median over the clips: {found}.
- Made by `poseloom train lifter`, seed {options.seed}: {last["step"]} steps in {last["minutes"]:g} minutes, {options.device}.
- Licence: the weights are ours, trained by us, free for all uses. Sources: the data used in this project was obtained
  from mocap.cs.cmu.edu. The database was created with funding from NSF EIA-0196217.
- Not for: several people at once, measuring people, anything medical. Hands, feet and heads are coarse.
"""


def _count(options) -> float:
    return sum(p.numel() for p in Net(options.width, 0.0).parameters()) / 1e6
