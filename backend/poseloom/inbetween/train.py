"""Training of the LSTM: differences from interpolation, on windows with holes.  Needs torch and numpy only."""

from __future__ import annotations

import json
import queue
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Optional

import numpy as np
import torch
from torch import nn

from ..motion.skeleton import JOINTS, PARENTS
from ..progress import Report, silent
from . import protocol, window
from .data import LITTLE, LONGEST_GAP, PAST, Pack, Sampler, Variety
from .train_network import Net, losses


@dataclass(frozen=True)
class TrainOptions:
    """batch: windows a step; minutes in all, of which this call does `stretch`; ema: of the weights that are kept;
    bf16: half the bits for the LSTM, None: where that is quicker; check_s: between benchmarks."""

    hidden: int = 256
    layers: int = 2
    dropout: float = 0.12
    batch: int = 64
    rate: float = 1e-3
    minutes: float = 60.0
    stretch: float = float("inf")
    device: str = "cpu"
    seed: int = 1
    ema: float = 0.999
    decay: float = 0.03
    bf16: Optional[bool] = None
    check_s: float = 120.0
    variety: Variety = Variety()
    start: str = "eased"  # the curve of `window` to which it says the difference


def train(
    pack: Pack, folder: Path, options: TrainOptions, validation: Optional[Pack] = None, begin: Optional[Net] = None,
    report: Report = silent,
) -> Net:  # fmt: skip
    """Train on, from `folder`/state.pt if it is there; the averaged network.

    begin: a network to start from, for fine-tuning.  The log is a line of JSON with the loss
    and the benchmark on `validation` every `check_s` seconds in `folder`/log.jsonl.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    device, inputs, state_file = torch.device(options.device), window.feature_count(len(JOINTS)), folder / "state.pt"
    state = torch.load(state_file, map_location=device, weights_only=True) if state_file.exists() else None
    if state:
        options = replace(options, **state["options"])
    elif begin is not None:
        options = replace(options, hidden=begin.lstm.hidden_size, layers=begin.lstm.num_layers)
    net, mean = (Net(inputs, options.hidden, options.layers, options.dropout).to(device) for _ in range(2))
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=options.decay)
    step, spent = 0, 0.0
    if state:
        net.load_state_dict(state["net"]), mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
    else:
        if begin is not None:
            net.load_state_dict(begin.state_dict())
        else:
            net.look_at(Sampler(pack, np.random.default_rng(options.seed), options.variety, options.start))
        mean.load_state_dict(net.state_dict())
    mean.eval()
    stats = protocol.statistics(pack)
    std = torch.as_tensor(np.maximum(stats[1], 0.01).astype(np.float32), device=device)
    measure = None if validation is None else Benchmark(validation, stats, options.start)
    sampler = Sampler(pack, np.random.default_rng([options.seed, step]), options.variety, options.start)
    bf16 = _quicker_in_bf16(net, sampler, std, options) if options.bf16 is None else options.bf16

    def save():
        part = state_file.with_suffix(".part")
        torch.save({"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(), "step": step,
                    "spent": spent, "options": {k: asdict(options)[k] for k in ("hidden", "layers", "start")}}, part)  # fmt: skip
        part.replace(state_file)

    def gap_max():
        return LONGEST_GAP if begin is not None else int(20 + 40 * min(1.0, 4.0 * spent / (60.0 * options.minutes)))

    sums: dict = {}
    count, last = 0, time.monotonic()
    end = min(60.0 * options.minutes, spent + 60.0 * options.stretch)
    with (folder / "log.jsonl").open("a") as log, _Feed(lambda: sampler.batch(options.batch, gap_max())) as batches:
        while spent < end:
            began = time.monotonic()
            done = spent / (60.0 * options.minutes)
            rate = options.rate * min(1.0, (step + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done)))
            for group in optimiser.param_groups:
                group["lr"] = float(rate)
            net.train()
            terms = losses(net, batches.get(), std, bf16)
            optimiser.zero_grad(set_to_none=True)
            sum(terms.values()).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            step, count = step + 1, count + 1
            keep = min(options.ema, (1 + step) / (10 + step))
            with torch.no_grad():
                for slow, fast in zip(mean.parameters(), net.parameters()):
                    slow.lerp_(fast, 1.0 - keep)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            spent += time.monotonic() - began
            report(min(done, 1.0), f"step {step}")
            if time.monotonic() - last > options.check_s or spent >= end:
                line = {"step": step, "minutes": round(spent / 60, 2), **{k: round(v / count, 4) for k, v in sums.items()}}
                log.write(json.dumps(line | ({} if measure is None else measure(mean))) + "\n"), log.flush()
                save()
                sums, count, last = {}, 0, time.monotonic()
    return mean


class Benchmark:
    """The protocol's ratios to interpolation of a network on a pack's windows, {"l2p_ratio_5": ...}."""

    def __init__(self, pack: Pack, stats: tuple, start: str, every: int = 8):
        self.windows, self.stats, self.start = protocol.windows(pack, every), stats, start
        self.base = protocol.score(protocol.interpolation, self.windows, stats)

    def __call__(self, net) -> dict:
        rows = protocol.score(lambda *given: _filled(net, self.start, *given), self.windows, self.stats)
        return {name: round(value, 4) for name, value in protocol.ratios(rows, self.base).items()}


def _filled(net, start, lrot, root, offsets, known):
    seg = window.segments(known)
    lrot, root, yaw, ground = window.to_anchor(lrot, root, PAST - 1)
    base = window.STARTS[start](lrot, root, seg)
    told = window.features(*base, offsets, PARENTS, seg, PAST - 1)
    with torch.no_grad():
        change = net(torch.as_tensor(told, device=net.mean.device))[0].cpu().numpy().astype(np.float64)
    return window.from_anchor(*window.apply(*base, change, seg), yaw, ground)


class _Feed:
    """Batches made ahead in a thread."""

    def __init__(self, make):
        self.made: queue.Queue = queue.Queue(maxsize=4)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(make,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self.made

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def _run(self, make):
        while not self.stop.is_set():
            batch = make()
            while not self.stop.is_set():
                try:
                    self.made.put(batch, timeout=0.2)
                    break
                except queue.Full:
                    continue


def _quicker_in_bf16(net, sampler, std, options) -> bool:
    if options.device != "cpu":
        return True
    batch, took = sampler.batch(options.batch, 30), {}
    for bf16 in (True, False, True, False):
        began = time.monotonic()
        sum(losses(net, batch, std, bf16).values()).backward()
        took[bf16] = time.monotonic() - began  # the second of each, when all is warm
    net.zero_grad(set_to_none=True)
    return took[True] < took[False]


TUNING_RATE = 5e-4  # where a network is begun from another


RECIPES = {  # the networks that are averaged, by their start
    "straight": TrainOptions(start="straight", dropout=0.1, variety=LITTLE),
    "eased": TrainOptions(),
}


def card(folder: Path, seed: int, device: str, names, cmu: bool, begun: str = "") -> str:
    """What the model is and was trained on, in Markdown.

    cmu: on clips of the CMU database alone; begun: the folder of the networks that it was tuned from.
    """
    last = {start: json.loads((Path(folder) / start / "log.jsonl").read_text().splitlines()[-1]) for start in RECIPES}
    spent = ", ".join(f"{start} {line['step']} steps in {line['minutes']:g} minutes" for start, line in last.items())
    source = _ON_CMU if cmu else _ON_OTHERS
    data = source.format(count=len(names), names=_listed(sorted({name.partition("_")[0] for name in names})))
    tuned = f" Begun from the networks in {begun}, and licensed as these too." if begun else ""
    return f"""# In-betweening LSTM

`model.onnx` fills holes of 1 to {LONGEST_GAP} frames between poses of the 22 canonical joints at 30 fps. Two bidirectional
LSTMs say the difference to a curve, one to the interpolation, one to a curve that leaves each key at the key's own
speed; both are averaged. `ahead.onnx` goes on after the last frame, one frame after another, from the last ten.
Weights are kept as float16 and computed with as float32.

{data}
- Made by `poseloom train inbetween`, seed {seed}, on a {device}: {spent}.{tuned}
- Not for: hands and faces, animals, keys of single joints (these bend what it says), gaps of more than two seconds.
{_measured(last)}"""


_VARIED = """mirrored, at other paces, on other bodies; the
  eased one backwards too, in other bearings, arms and trunks moving farther or less far, or those of other clips. Holes
  between ten frames and a key, and between single keys."""
_ON_CMU = f"""- Trained on subjects {{names}} of the CMU motion capture database: {_VARIED}
- Licence: the weights are ours, free for all uses. Sources: the data used in this project was obtained
  from mocap.cs.cmu.edu. The database was created with funding from NSF EIA-0196217."""
_ON_OTHERS = f"""- Trained on {{count}} clips, {{names}}: {_VARIED}
- Licence: what the owner of these clips allows."""


def _listed(names) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _measured(last: dict) -> str:
    """The last line of each log as a table; nothing where no clips were held out."""
    ratios = [f"{name}_ratio_{gap}" for name in ("l2p", "l2q") for gap in (5, 15, 30, 45)]
    if not all(ratio in line for line in last.values() for ratio in ratios):
        return ""
    rows = [f"| {start} | " + " | ".join(f"{line[ratio]:.3f}" for ratio in ratios) + " |" for start, line in last.items()]
    return f"""
Each alone on clips held out, ratio to interpolation:

| start | L2P 5 | 15 | 30 | 45 | L2Q 5 | 15 | 30 | 45 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}
"""
