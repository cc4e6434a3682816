"""Frames that look alike without training: attention across frames, one starting noise, latents carried along limbs.

The self-attention of the denoiser lets a frame see itself and the frames that `order.sources` names; the idea is that
of Text2Video-Zero (Khachatryan et al. 2023).  What a frame showed to its neighbours at each step and layer is kept as
long as a later frame needs it, so that it makes no difference which frames share a batch.
"""

from __future__ import annotations

from typing import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F

from .order import Batch

_QUERIES = 512  # tokens that look at others at once, piece by piece


class CrossFrame:
    """An attention processor for self-attention over several frames.

    sources (n,S): for each of the batch's n frames the places, among these n and the M held ones, of what it attends
    to; held (G,M,N,C) what the held frames showed to this layer, or None; kept (k,): the frames whose own is wanted in
    `shown` (G,k,N,C).  G is 2 with guidance (without text, with text), else 1.  `one_by_one` goes through it in small
    pieces, which takes less memory, and asks `pulse` before each.
    """

    def __init__(self):
        self.sources = self.held = self.kept = self.shown = None
        self.one_by_one = False
        self.pulse: Callable | None = None

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None, **_):
        count = self.sources.shape[0]
        tokens, width = hidden_states.shape[1:]
        own = hidden_states.reshape(-1, count, tokens, width)
        groups = own.shape[0]
        self.shown = own[:, self.kept]
        pool = own if self.held is None else torch.cat([own, self.held.to(own.dtype)], dim=1)
        query, key, value = attn.to_q(hidden_states), attn.to_k(pool), attn.to_v(pool)
        heads, size = attn.heads, query.shape[-1] // attn.heads
        query = query.view(groups, count, tokens, heads, size)
        key, value = (x.view(groups, -1, tokens, heads, size) for x in (key, value))
        if self.one_by_one:
            rows = []
            for i in range(count):
                parts = query[:, i : i + 1].split(_QUERIES, dim=2)
                rows.append(torch.cat([self._asked(part, key, value, self.sources[i : i + 1]) for part in parts], dim=2))
            out = torch.cat(rows, dim=1)
        else:
            out = self._attend(query, key, value, self.sources)
        out = attn.to_out[0](out.reshape(groups * count, tokens, heads * size))
        return attn.to_out[1](out)

    def _asked(self, *values):
        if self.pulse:
            self.pulse()
        return self._attend(*values)

    @staticmethod
    def _attend(query, key, value, sources):
        groups, count, tokens, heads, size = query.shape
        seen = [x[:, sources].reshape(groups * count, -1, heads, size).transpose(1, 2) for x in (key, value)]
        out = F.scaled_dot_product_attention(query.reshape(groups * count, tokens, heads, size).transpose(1, 2), *seen)
        return out.transpose(1, 2).reshape(groups, count, tokens, heads * size)


class Memory:
    """What frames showed each other: fills the denoiser's CrossFrame processors before each step, and empties them after.

    A batch counts only once `end` was called: one that failed can be tried again, or in smaller batches.
    """

    def __init__(self, denoiser, device: torch.device, layers: str = ""):
        """`layers`: only self-attention whose name begins so, such as "up_blocks"; "" is all."""
        self.processors = {}
        for name, module in denoiser.named_modules():
            if name.endswith("attn1") and name.startswith(layers):
                self.processors[name] = CrossFrame()
                module.set_processor(self.processors[name])
        self.device, self.keep_on = device, device
        self._kept: dict = {}  # frame -> [step] -> layer -> (G,N,C)

    def begin(self, batch: Batch) -> None:
        place = {frame: i for i, frame in enumerate((*batch.rows, *batch.held))}
        sources = torch.tensor([[place[s] for s in row] for row in batch.sources], device=self.device)
        kept = torch.tensor([place[frame] for frame in batch.kept], dtype=torch.long, device=self.device)
        self._batch, self._new = batch, {frame: [] for frame in batch.kept}
        for processor in self.processors.values():
            processor.sources, processor.kept = sources, kept
        self._hold(0)

    def stepped(self, step: int) -> None:
        """Keep what this step showed, and get ready for the next."""
        for i, frame in enumerate(self._batch.kept):
            self._new[frame].append({name: p.shown[:, i].clone().to(self.keep_on) for name, p in self.processors.items()})
        self._hold(step + 1)

    def end(self) -> None:
        self._kept.update(self._new)
        for frame in self._batch.dropped:
            del self._kept[frame]
        self.release()

    def release(self) -> None:
        """Let go of the batch's tensors, also of one that failed."""
        for processor in self.processors.values():
            processor.held = processor.shown = None
        self._new = {}

    def ask(self, pulse: Callable) -> None:
        """Ask `pulse` often, also within the attention of large pictures, which takes seconds on a CPU."""
        for processor in self.processors.values():
            processor.one_by_one, processor.pulse = True, pulse

    def spare(self) -> None:
        """Use little of the device's memory: keep on the CPU, attend frame by frame."""
        self.keep_on = torch.device("cpu")
        for processor in self.processors.values():
            processor.one_by_one = True
        for steps in self._kept.values():
            steps[:] = [{name: x.to(self.keep_on) for name, x in layers.items()} for layers in steps]

    def _hold(self, step: int) -> None:
        for processor in self.processors.values():
            processor.held = None
        held = [self._kept[frame] for frame in self._batch.held]
        if not held or step >= len(held[0]):
            return
        for name, processor in self.processors.items():
            processor.held = torch.stack([steps[step][name] for steps in held], dim=1).to(self.device)


def starting_noise(shape: tuple, seed: int) -> torch.Tensor:
    """Normal noise (1,...) float32, the same on every device."""
    return torch.randn((1, *shape), generator=torch.Generator().manual_seed(seed))


class Carried:
    """Latents of a frame drawn towards those of the frame before it, moved along its limbs (see `flow.carried`).

    At each step the share `strength` of what is signal is replaced; the noise, which all frames share, stays where it
    is.  Holds the latents of the last frame of a batch for the first one of the next.
    """

    def __init__(self, strength: float):
        self.strength = strength
        self._kept: dict = {}  # frame -> [step] latents

    def begin(self, batch: Batch, before: Mapping[int, int], maps: Mapping[int, tuple]) -> None:
        """`before`: frame -> the frame whose latents it takes; maps: frame -> (place, weight) of `flow.carried`."""
        self._batch, self._before, self._maps = batch, before, maps
        self._new = {frame: [] for frame in batch.kept}

    def stepped(self, step: int, latents: torch.Tensor, noise: torch.Tensor, strength: float | None = None) -> torch.Tensor:
        """`latents` (n,...) after this step with their share of `noise` (1,...) in them; what they become."""
        strength = self.strength if strength is None else strength
        out = list(latents)
        for i, frame in enumerate(self._batch.rows):
            other = self._before.get(frame)
            if other is not None and strength:
                row = self._batch.rows.index(other) if other in self._batch.rows else None
                was = self._kept[other][step].to(latents) if row is None else out[row]
                place, weight = (torch.from_numpy(np.asarray(a, np.float32)).to(latents.device) for a in self._maps[frame])
                moved = F.grid_sample((was - noise[0])[None].float(), place[None] * 2 - 1, align_corners=False)[0]
                inside = ((place > 0) & (place < 1)).all(-1)
                share = strength * weight * inside
                out[i] = (out[i] + share * (moved - (out[i] - noise[0]).float())).to(latents.dtype)
        for frame, steps in self._new.items():
            steps.append(out[self._batch.rows.index(frame)].clone())
        return torch.stack(out)

    def end(self) -> None:
        self._kept.update(self._new)
        for frame in self._batch.dropped:
            self._kept.pop(frame, None)
