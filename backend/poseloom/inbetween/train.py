"""Training of the LSTM: differences from interpolation, on windows with holes.  Needs torch and numpy only."""

from __future__ import annotations

import json
import queue
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..motion.skeleton import JOINTS, PARENTS
from ..progress import Report, silent
from . import window
from .data import Batch, Pack, Sampler

FEET = [JOINTS.index(n) for n in ("foot_l", "foot_r", "toe_l", "toe_r")]


@dataclass(frozen=True)
class TrainOptions:
    hidden: int = 256
    layers: int = 2
    dropout: float = 0.1
    batch: int = 48
    rate: float = 1e-3
    minutes: float = 60.0
    device: str = "cpu"
    seed: int = 1
    ema: float = 0.999


class Net(nn.Module):
    """Features (N,T,F) -> change of 6D rotations and root (N,T,6J+3), and contact logits (N,T,4)."""

    def __init__(self, inputs: int, hidden: int, layers: int, dropout: float):
        super().__init__()
        outputs = len(JOINTS) * 6 + 3
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("std", torch.ones(inputs))
        self.enter = nn.Sequential(nn.Linear(inputs, hidden), nn.GELU())
        self.lstm = nn.LSTM(hidden, hidden, layers, batch_first=True, bidirectional=True, dropout=dropout)
        self.leave = nn.Linear(2 * hidden, outputs + 4)
        nn.init.normal_(self.leave.weight, std=1e-3)
        nn.init.zeros_(self.leave.bias)
        self.outputs = outputs

    def forward(self, x):
        x = (x - self.mean) / self.std
        y = self.leave(self.lstm(self.enter(x))[0])
        return y[..., : self.outputs], y[..., self.outputs :]


def matrices(v):
    """Rotation matrices (...,3,3) of 6D vectors, by Gram-Schmidt."""
    a = nn.functional.normalize(v[..., :3], dim=-1)
    b = v[..., 3:] - (a * v[..., 3:]).sum(-1, keepdim=True) * a
    b = nn.functional.normalize(b, dim=-1)
    return torch.stack([a, b, torch.linalg.cross(a, b)], dim=-1)


def forward_kinematics(local, root, offsets):
    """Global rotations (N,T,J,3,3) and positions (N,T,J,3) of local ones, root (N,T,3), offsets (N,J,3)."""
    grot, gpos = [local[:, :, 0]], [root]
    for j, parent in enumerate(PARENTS[1:], start=1):
        grot.append(grot[parent] @ local[:, :, j])
        step = (grot[parent] @ offsets[:, None, j, :, None])[..., 0]
        gpos.append(gpos[parent] + step)
    return torch.stack(grot, dim=2), torch.stack(gpos, dim=2)


def losses(net, batch: Batch, std, device) -> dict:
    """Every term of the loss, weighted; their sum is what is minimised."""

    def tensor(x):
        return torch.as_tensor(np.asarray(x, np.float32), device=device)

    change, contact = net(tensor(batch.features))
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
    share = hole / hole.sum()

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


def position_std(pack: Pack, rng) -> tuple:
    """(mean, std) (J,3) of global positions in windows seen from their anchor."""
    batch = Sampler(pack, rng).batch(2048, 30)
    gpos = window.positions(batch.lrot, batch.root, batch.offsets, PARENTS)
    return gpos.mean(axis=(0, 1)), gpos.std(axis=(0, 1))


def train(pack: Pack, folder: Path, options: TrainOptions, evaluate=None, report: Report = silent) -> Net:
    """Train for `options.minutes` in all, from `folder`/state.pt if it is there; the averaged network."""
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    device = torch.device(options.device)
    inputs = window.feature_count(len(JOINTS))
    net = Net(inputs, options.hidden, options.layers, options.dropout).to(device)
    mean = Net(inputs, options.hidden, options.layers, options.dropout).to(device).eval()
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=1e-2)
    stats = np.concatenate([Sampler(pack, rng).batch(256).features.reshape(-1, inputs) for _ in range(8)])
    net.mean[:] = torch.as_tensor(stats.mean(axis=0))
    net.std[:] = torch.as_tensor(np.maximum(stats.std(axis=0), 0.02))
    std = torch.as_tensor(position_std(pack, rng)[1].astype(np.float32), device=device)
    mean.load_state_dict(net.state_dict())
    step, spent, best = 0, 0.0, float("inf")
    state_file = Path(folder) / "state.pt"
    if state_file.exists():
        state = torch.load(state_file, map_location=device, weights_only=True)
        net.load_state_dict(state["net"]), mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent, best = state["step"], state["spent"], state["best"]
        rng = np.random.default_rng(options.seed + step)

    batches: queue.Queue = queue.Queue(maxsize=4)
    stop = threading.Event()
    share_done = [spent / (60.0 * options.minutes)]

    def feed():
        sampler = Sampler(pack, rng)
        while not stop.is_set():
            gap_max = int(20 + 40 * min(1.0, share_done[0] / 0.25))
            made = sampler.batch(options.batch, gap_max)
            while not stop.is_set():
                try:
                    batches.put(made, timeout=0.5)
                    break
                except queue.Full:
                    continue

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    log = (Path(folder) / "log.jsonl").open("a")
    last_save = last_check = time.monotonic()
    sums, count = {}, 0

    def save():
        part = state_file.with_suffix(".part")
        torch.save({"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(),
                    "step": step, "spent": spent, "best": best, "options": asdict(options)}, part)  # fmt: skip
        part.replace(state_file)

    try:
        while spent < 60.0 * options.minutes:
            began = time.monotonic()
            done = share_done[0] = spent / (60.0 * options.minutes)
            rate = options.rate * min(1.0, (step + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done)))
            for group in optimiser.param_groups:
                group["lr"] = float(rate)
            net.train()
            terms = losses(net, batches.get(), std, device)
            loss = sum(terms.values())
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            step += 1
            keep = min(options.ema, (1 + step) / (10 + step))
            with torch.no_grad():
                for slow, fast in zip(mean.parameters(), net.parameters()):
                    slow.lerp_(fast, 1.0 - keep)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            count += 1
            spent += time.monotonic() - began
            report(done, f"step {step}")
            if time.monotonic() - last_check > 120.0 or step in (200, 500):
                last_check = time.monotonic()
                line = {"step": step, "minutes": round(spent / 60, 2), **{k: round(v / count, 4) for k, v in sums.items()}}
                sums, count = {}, 0
                if evaluate:
                    line |= evaluate(mean)
                log.write(json.dumps(line) + "\n"), log.flush()
            if time.monotonic() - last_save > 60.0:
                last_save = time.monotonic()
                save()
        save()
    finally:
        stop.set()
        log.close()
    return mean
