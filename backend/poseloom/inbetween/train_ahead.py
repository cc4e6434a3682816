"""Training of the LSTM that runs forward: it learns on what it said itself.  Needs torch and numpy only."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..motion.skeleton import JOINTS
from ..progress import Report, silent
from . import ahead
from .data import PAST, Pack, Sampler, Variety
from .train_network import forward_kinematics, matrices, write_onnx

LONGEST = 40  # frames that it runs on its own while it learns
FURTHEST = 120  # and that it may have run before, without learning from these
_CALM = Variety(pace=1.15, sway=0.1, posture_deg=2.0, swap=0.0, parts=0.0, reach=1.0, reverse=0.0)


@dataclass(frozen=True)
class AheadOptions:
    hidden: int = 256
    batch: int = 48
    rate: float = 1e-3
    minutes: float = 20.0
    stretch: float = float("inf")
    device: str = "cpu"
    seed: int = 1


class Step(nn.Module):
    """One step (N,136), memory (1,N,H), cell (1,N,H) -> the next step, memory, cell."""

    def __init__(self, hidden: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(ahead.STEP))
        self.register_buffer("std", torch.ones(ahead.STEP))
        self.register_buffer("low", torch.full((ahead.STEP,), -torch.inf))
        self.register_buffer("high", torch.full((ahead.STEP,), torch.inf))
        self.enter = nn.Sequential(nn.Linear(ahead.STEP, hidden), nn.GELU())
        self.lstm = nn.LSTM(hidden, hidden, 1)
        self.leave = nn.Linear(hidden, ahead.STEP)
        self.hidden = hidden
        nn.init.normal_(self.leave.weight, std=1e-3)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x, memory, cell):
        said, memory, cell = self.follow(x[None], memory, cell)
        return said[0], memory, cell

    def follow(self, x, memory, cell):
        """What comes after each of the steps (T,N,136) of a row."""
        y, (memory, cell) = self.lstm(self.enter((x - self.mean) / self.std), (memory, cell))
        return (x + self.leave(y) * self.std).clamp(self.low, self.high), memory, cell

    def look_at(self, steps) -> None:
        """Take mean, spread and range, but for the hundredth that is furthest out, of steps (M,136)."""
        self.mean[:], self.std[:] = steps.mean(0), steps.std(0).clamp(min=0.02)
        self.low[:], self.high[:] = steps.quantile(0.005, dim=0), steps.quantile(0.995, dim=0)


def run(net: Step, seen, frames: int, before: int = 0):
    """The `frames` steps (N,frames,136) that follow those seen (N,P,136), after `before` that are only gone through."""
    blank = seen.new_zeros(1, len(seen), net.hidden)
    said, memory, cell = net.follow(seen.transpose(0, 1), blank, blank)
    x = said[-1]
    with torch.no_grad():
        for _ in range(before):
            x, memory, cell = net(x, memory, cell)
    row = [] if before else [x]
    while len(row) < frames:
        x, memory, cell = net(x, memory, cell)
        row.append(x)
    return torch.stack(row, dim=1)


def loss_of(said, truth, offsets):
    """Mean distance of joints in leg lengths, of rotations, and of what changes between frames."""
    joints = len(JOINTS)
    local, true_local = (matrices(x[..., :-4].unflatten(-1, (joints, 6))) for x in (said, truth))
    root = torch.zeros_like(said[..., :3])
    pos, true_pos = (
        forward_kinematics(turn, torch.cat([root[..., :2], x[..., -4:-3]], -1), offsets)[1]
        for turn, x in ((local, said), (true_local, truth))
    )

    def norm(x):
        return ((x.flatten(2) ** 2).sum(-1) + 1e-6).sqrt().mean()

    path, true_path = said[..., -3:].cumsum(1) / ahead.RATE, truth[..., -3:].cumsum(1) / ahead.RATE
    still = norm(pos.diff(dim=1) - true_pos.diff(dim=1))
    return (norm(pos - true_pos) + 0.5 * norm(local - true_local) + 5.0 * still
            + 0.5 * norm(said[..., -3:] - truth[..., -3:]) + 0.5 * norm(path - true_path))  # fmt: skip


def train(pack: Pack, folder: Path, options: AheadOptions, report: Report = silent) -> Step:
    """Train for `options.minutes` in all, on from `folder`/ahead.pt if it is there."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    net = Step(options.hidden).to(options.device)
    mean = Step(options.hidden).to(options.device)
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=1e-2)
    sampler = Sampler(pack, rng, _CALM)

    def batch(length):
        lrot, root, _, offsets = sampler.stretch(options.batch, length)
        leg = np.array([ahead.leg_length(body) for body in offsets])
        x = ahead.steps(lrot, root, leg)
        return (torch.as_tensor(np.asarray(v, np.float32), device=options.device)
                for v in (x, offsets / leg[:, None, None]))  # fmt: skip

    net.look_at(torch.cat([next(iter(batch(20))).flatten(0, 1) for _ in range(20)]))
    mean.load_state_dict(net.state_dict())
    state_file, step, spent = Path(folder) / "ahead.pt", 0, 0.0
    if state_file.exists():
        state = torch.load(state_file, map_location=options.device, weights_only=True)
        net.load_state_dict(state["net"]), mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
    total, count, last = 0.0, 0, time.monotonic()
    end = min(60.0 * options.minutes, spent + 60.0 * options.stretch)
    with (Path(folder) / "ahead.jsonl").open("a") as log:
        while spent < end:
            began = time.monotonic()
            done = spent / (60.0 * options.minutes)
            rate = options.rate * min(1.0, (step + 1) / 100) * (0.02 + 0.49 * (1 + np.cos(np.pi * done)))
            for group in optimiser.param_groups:
                group["lr"] = float(rate)
            frames = int(rng.integers(2, 4 + int((LONGEST - 3) * min(1.0, done / 0.5))))
            before = int(rng.integers(0, FURTHEST)) if done > 0.5 and rng.random() < 0.5 else 0
            x, offsets = batch(PAST + (before + 1 if before else 0) + frames)
            noise = torch.randn_like(x[:, :PAST]) * net.std * 0.03
            loss = loss_of(run(net, x[:, :PAST] + noise, frames, before), x[:, -frames:], offsets)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            step += 1
            with torch.no_grad():
                for slow, fast in zip(mean.parameters(), net.parameters()):
                    slow.lerp_(fast, 1.0 - min(0.998, (1 + step) / (10 + step)))
            total, count = total + float(loss.detach()), count + 1
            spent += time.monotonic() - began
            report(min(done, 1.0), f"step {step}")
            if time.monotonic() - last > 60.0 or spent >= end:
                log.write(json.dumps({"step": step, "minutes": round(spent / 60, 2), "loss": total / count}) + "\n")
                log.flush()
                total, count, last = 0.0, 0, time.monotonic()
                part = state_file.with_suffix(".part")
                torch.save({"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(),
                            "step": step, "spent": spent, "hidden": options.hidden}, part)  # fmt: skip
                part.replace(state_file)
    return mean.eval()


def export(net: Step, path: Path) -> None:
    """ONNX of one step: "step", "memory", "cell" -> "next", "memory_out", "cell_out"."""
    blank = torch.zeros(1, 1, net.hidden)
    told, said = ["step", "memory", "cell"], ["next", "memory_out", "cell_out"]
    write_onnx(net, (torch.zeros(1, ahead.STEP), blank, blank), path, told, said)
