"""Trains the lifter of single pictures: points of one picture to joints in space, by what they tell by themselves.

    python backend/studio/still_lifter.py PICTURES.npz --data CLIPS.npz --pairs PAIRS.npz ... --out FOLDER
        [--validate PICTURES.npz] [--minutes 14] [--seed 1]

PICTURES.npz is what `still_pairs.py` writes, CLIPS.npz what `poseloom train pack` does and PAIRS.npz what
`lifter_pairs.py` does; each gives a share of every step.  One trial in eight of PICTURES.npz is kept for measuring.
Writes FOLDER/model.onnx, large weights in 16 bits, to be run as the lifter is, on one frame; and FOLDER/CARD.md.  Needs
the extras `learn` and `train`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from quantise import halved
from torch import nn
from torch.nn import functional as F

from poseloom.motion.layouts import BLAZEPOSE
from poseloom.motion.skeleton import JOINTS, MIRROR, PARENTS
from poseloom.packing import TRAINING
from poseloom.pose.habits import LIMBS
from poseloom.pose.lift import FEATURES, POINTS, mirrored
from poseloom.pose.projections import ACROSS, Projections, finished
from poseloom.pose.recordings import Pairs, _rolled

WIDTH, BLOCKS, DROPOUT, BATCH, RATE = 448, 3, 0.2, 768, 1.2e-3
PICTURES, RECORDED = 0.4, 0.25  # of a batch; the rest is made up
BEND = 0.4  # weight of the angles at elbows, knees, shoulders and hips, which are what a pose is judged by
_PLAIN = 4  # looks that a user's picture gets
_SAME = 0.1  # as in `again`
_PICK = [BLAZEPOSE.index(name) for name in POINTS]
_J = {name: j for j, name in enumerate(JOINTS)}
_HIPS, _SHOULDERS = ([_J[f"{joint}_{s}"] for s in "lr"] for joint in ("thigh", "upper_arm"))
_LIMBS = [(_J[f"{a}_{s}"], _J[f"{b}_{s}"], _J[f"{c}_{s}"]) for s in "lr"
          for a, b, c in (("upper_arm", "forearm", "hand"), ("thigh", "shin", "foot"))]  # fmt: skip


class Pictures:
    """What `still_pairs.py` wrote, of which `batch` gives means of some looks of some models, as they come."""

    def __init__(self, made, rng):
        there = np.isfinite(made["seen"][:, 0]).all(axis=(1, 2, 3))
        self.rng, self.seen = rng, made["seen"][there][..., _PICK, :].astype(np.float64)
        self.truth, self.size = made["truth"][there].astype(np.float64), made["size"][there].astype(np.float64)
        self.trials = made["trials"][there]
        off = np.linalg.norm(self.seen[..., :2] - self.seen[:, :1, 1:, :, :2], axis=-1).mean(axis=-1)
        tall = np.ptp(self.seen[:, 0, 1, :, :2], axis=1).max(axis=-1)
        self.good = np.isfinite(self.seen).all(axis=(-1, -2)) & (off < _SAME * tall[:, None, None])

    def only(self, which) -> "Pictures":
        some = object.__new__(Pictures)
        some.rng = self.rng
        for name in ("seen", "truth", "size", "trials", "good"):
            setattr(some, name, getattr(self, name)[which])
        return some

    def whole(self):
        """All as the pipeline sees them: the heavy model's pixels, the full one's metres, in the mean of the looks."""
        both = self.good[:, :_PLAIN].all(axis=-1).astype(float)
        share = (both / both.sum(axis=1, keepdims=True))[..., None, None]
        seen = np.where(both[..., None, None, None] > 0.0, self.seen[:, :_PLAIN], 0.0)
        mean = (share[..., None] * seen).sum(axis=1)
        xy, xyz, score = mean[:, None, 1, :, :2], mean[:, None, 0, :, 2:5], mean[..., 5].mean(axis=1)[:, None]
        return finished(xy, xyz, np.clip(score, 0.0, 1.0), self.size, self.truth[:, None])

    def batch(self, count: int, frames: int = 1):
        rng, rows = self.rng, self.rng.integers(0, len(self.seen), count)
        looks = self.seen.shape[1]
        odds = np.where(np.arange(looks) < _PLAIN, 1.0, 0.5) * rng.uniform(0.2, 1.0, (count, 1))
        use = rng.random((count, looks)) < odds
        use[np.arange(count), rng.integers(0, _PLAIN, count)] = True
        xy, xyz, score = (
            self._mean(rows, use, columns, kinds)
            for columns, kinds in (((0, 1), (0.15, 0.6, 0.25)), ((2, 3, 4), (0.5, 0.1, 0.4)), ((5,), (0.2, 0.2, 0.6)))
        )
        truth, size = self.truth[rows], self.size[rows]
        flat = (xy - 0.5 * size[:, None]) * [1.0, -1.0]
        roll = np.radians(np.where(rng.random(count) < 0.9, 8.0, 40.0) * rng.normal(size=count))
        flat = _rolled(flat[:, None], roll, (0, 1))[:, 0] * np.exp(0.15 * rng.normal(size=(count, 1, 1)))
        xyz, truth = (_rolled(x[:, None], roll, (0, 2))[:, 0] for x in (xyz, truth))
        across, up = np.exp(0.04 * rng.normal(size=(2, count, 1)))  # another body
        flat, xyz, truth = flat * np.stack([across, up], -1), xyz * np.stack([across, across, up], -1), np.array(truth)
        truth *= np.stack([across, across, up], -1)
        xyz[rng.random(count) < 0.1] = np.nan
        xy = flat * [1.0, -1.0] + 0.5 * size[:, None]
        score = np.clip(score[..., 0], 0.0, 1.0)
        told, joints, place = finished(xy[:, None], xyz[:, None], score[:, None], size, truth[:, None])
        swap = rng.random(count) < 0.5
        told[swap, 0] = mirrored(told[swap, 0])
        joints[swap], place[swap] = joints[swap][:, :, list(MIRROR)] * ACROSS, place[swap] * ACROSS
        return told, joints, place

    def _mean(self, rows, use, columns, kinds):
        """(N,P,C) of the looks that are used, by the full model, the heavy one or both, at odds of `kinds`."""
        kind, good = self.rng.choice(3, len(rows), p=kinds), self.good[rows]
        share = (use[..., None] & good & np.stack([kind != 1, kind != 0], -1)[:, None]).astype(float)
        none = share.sum(axis=(1, 2)) == 0.0
        share[none] = good[none]
        share /= share.sum(axis=(1, 2), keepdims=True)
        seen = np.where(good[..., None, None], self.seen[rows][..., columns], 0.0)
        return (seen * share[..., None, None]).sum(axis=(1, 2))


class Net(nn.Module):
    """Features (...,F) -> joints about the hips (...,22,3) m and the log of the error expected of each (...,22)."""

    def __init__(self, dropout: float = DROPOUT):
        super().__init__()
        self.enter, self.drop = nn.Linear(FEATURES, WIDTH), nn.Dropout(dropout)
        self.blocks = nn.ModuleList([
            nn.Sequential(
                nn.LayerNorm(WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Dropout(dropout),
                nn.Linear(WIDTH, WIDTH),
            ) for _ in range(BLOCKS)
        ])  # fmt: skip
        self.leave, self.straight = nn.Linear(WIDTH, 4 * len(JOINTS)), nn.Linear(FEATURES, 3 * len(JOINTS))
        nn.init.normal_(self.leave.weight, std=1e-3)
        nn.init.zeros_(self.straight.weight)

    def forward(self, features):
        x = self.enter(features)
        for block in self.blocks:
            x = x + self.drop(block(x))
        out, count = self.leave(F.gelu(x)), 3 * len(JOINTS)
        xyz = (out[..., :count] + self.straight(features)).unflatten(-1, (len(JOINTS), 3))
        hips = 0.5 * (xyz[..., _HIPS[0], :] + xyz[..., _HIPS[1], :])
        return xyz - hips.unsqueeze(-2), out[..., count:].clamp(-6.0, 1.0)


def bends(joints):
    """(...,8) radians at elbows and knees, and between upper arms, thighs and the trunk."""
    trunk = 0.5 * (joints[..., _SHOULDERS, :].sum(-2) - joints[..., _HIPS, :].sum(-2))
    pairs = [(joints[..., b, :] - joints[..., a, :], joints[..., c, :] - joints[..., b, :]) for a, b, c in _LIMBS]
    pairs += [(joints[..., b, :] - joints[..., a, :], trunk) for a, b, _ in _LIMBS]
    one, two = (torch.stack(ways, dim=-2) for ways in zip(*pairs))
    across = torch.linalg.cross(one, two, dim=-1).square().sum(-1)
    return torch.atan2((across + 1e-8).sqrt(), (one * two).sum(-1))


def losses(net, batch, weight):
    told, truth, place = batch
    with torch.autocast("cpu", torch.bfloat16):
        xyz, log_error = net(told)
    xyz, log_error = xyz.float(), log_error.float()
    away = (xyz - truth).norm(dim=-1)
    bone, true_bone = (x[..., 1:, :] - x[..., PARENTS[1:], :] for x in (xyz, truth))
    seen, true_seen = xyz + place.unsqueeze(-2), truth + place.unsqueeze(-2)
    pixel = seen[..., ::2] / seen[..., 1:2].clamp_min(0.3) - true_seen[..., ::2] / true_seen[..., 1:2].clamp_min(0.3)
    expected = away.detach() * torch.exp(-log_error) + log_error
    return (
        (away * weight).sum(-1).mean() + 0.05 * (1.0 - F.cosine_similarity(bone, true_bone, dim=-1)).mean()
        + 0.3 * ((pixel.norm(dim=-1) * place[..., 1:2]) * weight).sum(-1).mean()
        + BEND * (bends(xyz) - bends(truth)).abs().mean() + 0.01 * (expected * weight).sum(-1).mean()
    )  # fmt: skip


def angle_deg(net, pictures: Pictures) -> float:
    """The mean error of `bends` of what is said of pictures and of their mirror images."""
    told, truth, _ = pictures.whole()
    net.eval()
    with torch.no_grad():
        one, two = (net(torch.as_tensor(x))[0] for x in (told[:, 0], mirrored(told[:, 0])))
    xyz = 0.5 * (one + two[:, list(MIRROR)] * torch.as_tensor(ACROSS, dtype=torch.float32))
    return float((bends(xyz) - bends(torch.as_tensor(truth[:, 0]))).abs().rad2deg().mean())


def train(sources, held: dict, minutes: float, seed: int):
    """The averaged network, and its steps; `held` are named Pictures that are only measured."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    net, mean = Net(), Net()
    mean.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.1)
    weight = torch.ones(len(JOINTS))
    weight[LIMBS] = 2.0
    weight /= weight.sum()
    shares = (PICTURES, RECORDED, 1.0 - PICTURES - RECORDED)
    began, step = time.monotonic(), 0
    while (done := (time.monotonic() - began) / (60.0 * minutes)) < 1.0:
        rate = RATE * min(1.0, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * done)))
        optimiser.param_groups[0]["lr"] = float(rate)
        parts = [source.batch(round(share * BATCH), 1) for source, share in zip(sources, shares)]
        batch = [torch.as_tensor(np.concatenate(x)[:, 0].astype(np.float32)) for x in zip(*parts)]
        net.train()
        optimiser.zero_grad(set_to_none=True)
        losses(net, batch, weight).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        keep = min(0.998, (1 + step) / (10 + step))
        with torch.no_grad():
            for slow, fast in zip(mean.parameters(), net.parameters()):
                slow.lerp_(fast, 1.0 - keep)
        if step % 200 == 0:
            errors = {name: round(angle_deg(mean, some), 2) for name, some in held.items()}
            print(step, f"{done:.0%}", errors, flush=True)
    return mean.eval(), step


def export(net: Net, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        net, (torch.zeros(1, 1, FEATURES),), str(path), dynamo=False, opset_version=17,
        input_names=["features"], output_names=["xyz", "log_error"],
        dynamic_axes={name: {0: "clips", 1: "frames"} for name in ("features", "xyz", "log_error")},
    )  # fmt: skip
    onnx.save(halved(onnx.load(str(path))), str(path))


def card(pictures: Pictures, kept: Pictures, pairs: int, angle: float, step: int, options) -> str:
    return f"""# Lifter of single pictures

Points of a person in one picture, and the estimator's own guess of their depth where there is one, to the 22 canonical
joints in space: layers that see one frame alone, {sum(p.numel() for p in Net().parameters()) / 1e6:.2f} M weights.

- Trained on subjects {", ".join(TRAINING)} of the CMU motion capture database: in
  {len(pictures.seen)} pictures of CC0 bodies of MakeHuman, rendered and seen by BlazePose in nine looks
  (`backend/studio/still_pairs.py`); in {pairs} painted clips (`backend/studio/lifter_pairs.py`); and seen by made-up
  cameras with made-up errors.
- Mean error of the angles at elbows and knees, and between upper arms, thighs and trunk, in {len(kept.seen)} rendered
  pictures of trials that it was not trained on: {angle:.1f} degrees.
- Made by `backend/studio/still_lifter.py`, seed {options.seed}: {step} steps in {options.minutes:g} minutes, one core.
  Weights in 16 bits.
- Licence: the weights are ours, trained by us, free for all uses. Sources: the data used in this project was obtained
  from mocap.cs.cmu.edu. The database was created with funding from NSF EIA-0196217.
- Not for: measuring people, anything medical. Hands, feet and heads are coarse.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, nargs="+", required=True)
    parser.add_argument("--validate", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=14.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    pictures, recorded = Pictures(dict(np.load(options.pictures)), rng), [dict(np.load(path)) for path in options.pairs]
    kept = np.isin(pictures.trials, np.unique(pictures.trials)[::8])
    own, held = pictures.only(~kept), {"kept": pictures.only(kept)}
    if options.validate:
        held["validation"] = Pictures(dict(np.load(options.validate)), rng)
    pairs = Pairs(recorded, rng)
    sources = [own, pairs, Projections(dict(np.load(options.data)), rng, pairs.habits())]
    net, step = train(sources, held, options.minutes, options.seed)
    export(net, options.out / "model.onnx")
    angle = angle_deg(net, held["kept"])
    told = card(own, held["kept"], sum(len(made["size"]) for made in recorded), angle, step, options)
    (options.out / "CARD.md").write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
