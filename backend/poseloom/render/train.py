"""Training of the embedded model: a pose-guided diffusion model small enough to come with Poseloom.  Needs torch and diffusers."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ..prefetch import prefetched
from ..progress import Report, silent
from .network import PoseUNet, scheduler
from .posed import FEW, PoseGuidedPipeline
from .train_data import Batch, Pairs
from .train_sheet import sheet

_SHEET_S = 900.0
_LEVEL_MOST = 2.0
_EASE = 0.15  # the share of the time over which the rate falls at the end
SMALL = {"widths": (32, 48, 80), "fine": 24, "key": 24, "time": 80}
_LEAP = 4.0  # a gradient that much longer than usual, or one that is no number, is left out


@dataclass(frozen=True)
class TrainOptions:
    """batch: pairs a step; minutes in all, of which this call does `stretch`; body: how much more than the background
    the body counts; few: the share of noise levels that are those of FEW steps; teacher: a checkpoint's folder; the
    model is SMALL then, and learns what that one paints as much as what is true."""

    size: int = 128
    teacher: str = ""
    batch: int = 8
    rate: float = 6e-4
    minutes: float = 60.0
    stretch: float = float("inf")
    device: str = "cpu"
    seed: int = 1
    ema: float = 0.998
    body: float = 4.0
    few: float = 0.85


def network(options: TrainOptions) -> PoseUNet:
    """The untrained model that the options tell of."""
    return PoseUNet(size=options.size, **(SMALL if options.teacher else {}))


def losses(net: PoseUNet, batch: Batch, time, alpha, noise, body: float, teacher: Optional[PoseUNet] = None) -> dict:
    """Every term of the loss, weighted; their sum is what is minimised.

    time (B,), alpha (B,) the share of the signal's power left, noise (B,3,S,S).  Beside the picture itself, weighted as
    for v-prediction (1 + SNR) but hardly more at low noise (as min-SNR is, Hang et al. 2023: what few steps begin with
    counts most), the guide is told what each cell shows, and where it is on the body at rest, and the denoiser the former.
    """
    reference, clean = batch.rgb
    dtype = batch.pose.dtype
    on = (batch.region > 0).float()
    known, wanted = torch.cat([batch.rest, on[:, :, None].to(dtype)], dim=2)
    given = (reference.to(dtype), batch.pose[0], batch.pose[1], batch.warped.to(dtype))
    (fine, coarse, sources), features, seen = net.guide.study(*given, known)
    a = alpha.view(-1, 1, 1, 1)
    noisy = a.sqrt() * clean + (1 - a).sqrt() * noise
    exact = torch.cat([batch.warped[:, : sources.shape[1] - 3], sources[:, -3:].float()], dim=1)
    found, inside, there, shown = net.denoiser.study(noisy.to(dtype), time, fine, coarse, sources, exact)
    truths = [clean]
    if teacher is not None:  # Hinton et al., "Distilling the knowledge in a neural network", 2015
        with torch.no_grad():
            truths.append(teacher(noisy.to(dtype), time, *given).float())
    level = (1 / (1 - alpha).clamp_min(1e-4)).clamp_max(_LEVEL_MOST).view(-1, 1, 1, 1)
    weight = (1 + (body - 1) * batch.body) * level
    terms = {"picture": sum(((found - true).abs() * weight).mean() for true in truths) / body / len(truths)}
    apart = [torch.diff(found - true, dim=d).abs() * weight.narrow(d, 0, weight.shape[d] - 1) for d in (2, 3) for true in truths]
    terms["edges"] = 0.5 * sum(a.mean() for a in apart) / body / len(truths)
    terms["inside"] = 0.3 * ((inside - clean).abs() * batch.body).sum() / batch.body.sum() / 3
    terms["outline"] = 0.3 * F.binary_cross_entropy_with_logits(there.float(), batch.body)
    terms["shown"] = 0.05 * F.cross_entropy(shown.float(), batch.shown)
    told = torch.cat(features)
    terms["region"] = 0.05 * F.cross_entropy(net.guide.region(told).float(), batch.region.flip(0).flatten(0, 1))
    rest = batch.rest.flip(0).flatten(0, 1).float()
    miss = F.smooth_l1_loss(net.guide.rest(told).float(), rest, reduction="none", beta=0.1).sum(1)
    terms["rest"] = 0.25 * (miss * on.flip(0).flatten(0, 1)).sum() / on.sum()
    terms["heed"] = 0.25 * ((seen - wanted).float().abs().sum(1) * on[1]).sum() / on[1].sum()
    carried = sources[:, -3:].float()
    terms["carried"] = 0.1 * ((carried - clean).abs() * batch.body).sum() / batch.body.sum() / 3
    return terms


def noise_levels(rng, count: int, few: float, last: int) -> torch.Tensor:
    """(count,) times 0..last: a share of those that are sampled with, pure noise most of them, the others of any."""
    used = [last] * 5 + [*(last - last // FEW * i for i in range(1, FEW))]
    times = np.where(rng.random(count) < few, rng.choice(used, count), rng.integers(0, last + 1, count))
    return torch.from_numpy(times)


class Master:
    """Weights in float32 behind a network that computes in `dtype`, and their moving mean."""

    def __init__(self, net: PoseUNet, dtype: torch.dtype, options: TrainOptions):
        self.slow = {name: p.detach().clone().float() for name, p in net.named_parameters()}
        self.mean = {name: p.clone() for name, p in self.slow.items()}
        self.net = net.to(dtype, memory_format=torch.channels_last)
        for p in self.slow.values():
            p.requires_grad_()
        self.usual = 0.0  # length of the gradient
        self.optimiser = torch.optim.AdamW(self.slow.values(), lr=options.rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True)

    def step(self, rate: float, keep: float) -> None:
        for name, p in self.net.named_parameters():
            self.slow[name].grad = None if p.grad is None else p.grad.float()
            p.grad = None
        length = float(nn.utils.clip_grad_norm_(self.slow.values(), 1.0))
        if not length < np.inf:
            return
        leap = 0.0 < _LEAP * self.usual < length  # one step like that can undo hundreds
        self.usual = min(length, 2 * self.usual) * 0.05 + self.usual * 0.95 if self.usual else length
        if leap:
            return
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(self.mean.values()), list(self.slow.values()), 1.0 - keep)
        self._hand_over()

    def state(self) -> dict:
        return {"slow": {n: p.detach() for n, p in self.slow.items()}, "mean": self.mean, "optimiser": self.optimiser.state_dict()}

    def restore(self, state: dict) -> None:
        with torch.no_grad():
            for mine, theirs in ((self.slow, state["slow"]), (self.mean, state["mean"])):
                for name, p in mine.items():
                    p.copy_(theirs[name])
        self.optimiser.load_state_dict(state["optimiser"])
        self._hand_over()

    def averaged(self, options: TrainOptions) -> PoseUNet:
        """A network of its own with the mean of the weights, in float32."""
        out = network(options)
        out.load_state_dict(self.mean)
        return out.eval()

    def _hand_over(self) -> None:
        with torch.no_grad():
            for name, p in self.net.named_parameters():
                p.copy_(self.slow[name])


def quick(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies matrices of it (GPUs, CPUs with AMX), else float32."""
    able = device.type == "cuda" or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if able else torch.float32


def train(packs, folder: Path, options: TrainOptions, report: Report = silent) -> PoseUNet:
    """Train on, from `folder`/state.pt if it is there; the averaged network.

    packs: arrays as backend/studio/embed_pictures.py makes them; the log is a line of JSON every two minutes in
    `folder`/log.jsonl, and now and then there is a `folder`/samples.png of characters that are not trained on.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    device = torch.device(options.device)
    dtype = quick(device)
    pairs, steps = Pairs(packs, options.seed), scheduler()
    master = Master(network(options).to(device), dtype, options)
    teacher = PoseUNet.from_pretrained(Path(options.teacher) / "unet").to(device, dtype).eval() if options.teacher else None
    step, spent, state_file = 0, 0.0, folder / "state.pt"
    if state_file.exists():
        state = torch.load(state_file, map_location=device, weights_only=True)
        master.restore(state)
        step, spent = state["step"], state["spent"]
    rng, drawn_by = (np.random.default_rng([options.seed, step, n]) for n in (0, 1))
    batches = prefetched(pairs.batch(drawn_by, options.batch) for _ in itertools.count())
    generator = torch.Generator(device).manual_seed(options.seed + step)
    held = pairs.held_out(16)

    def save():
        part = state_file.with_suffix(".part")
        torch.save(master.state() | {"step": step, "spent": spent, "options": asdict(options)}, part)
        part.replace(state_file)

    sums: dict = {}
    count, last, drawn = 0, time.monotonic(), time.monotonic() - _SHEET_S + 300
    end = min(60.0 * options.minutes, spent + 60.0 * options.stretch)
    with (folder / "log.jsonl").open("a") as log:
        while spent < end:
            began = time.monotonic()
            done = spent / (60.0 * options.minutes)
            rate = options.rate * min(1.0, (step + 1) / 100, max(0.05, (1 - done) / _EASE))
            batch = next(batches).to(device, dtype)
            times = noise_levels(rng, options.batch, options.few, len(steps.alphas_cumprod) - 1)
            alpha = steps.alphas_cumprod[times].to(device)
            noise = torch.randn(batch.rgb.shape[1:], generator=generator, device=device)
            terms = losses(master.net, batch, times.to(device), alpha, noise, options.body, teacher)
            sum(terms.values()).backward()
            step, count = step + 1, count + 1
            master.step(float(rate), min(options.ema, (1 + step) / (10 + step)))
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            spent += time.monotonic() - began
            report(min(done, 1.0), f"step {step}")
            if time.monotonic() - last > 120.0 or spent >= end:
                line = {"step": step, "minutes": round(spent / 60, 2)}
                line |= {name: round(total / count, 5) for name, total in sums.items()}
                if time.monotonic() - drawn > _SHEET_S or spent >= end:
                    line |= validate(master.averaged(options), held, folder / "samples.png")
                    drawn = time.monotonic()
                sums, count, last = {}, 0, time.monotonic()
                log.write(json.dumps(line) + "\n"), log.flush()
                save()
    return master.averaged(options)


def validate(net: PoseUNet, held: Batch, path: Path) -> dict:
    """Mean differences 0..1 of made pictures from true ones, on the body and all over; and the sheet of the first eight."""
    made = PoseGuidedPipeline(net.cpu(), scheduler())
    found = made(held.rgb[0], *held.pose, held.warped, generator=torch.Generator().manual_seed(0))
    apart = (found - held.rgb[1]).abs() / 2
    sheet(path, held, found)
    body = held.body
    return {"held_body": round(float((apart * body).sum() / body.sum() / 3), 4), "held_all": round(float(apart.mean()), 4)}
