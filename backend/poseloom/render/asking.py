"""Attention that asks whether to stop between pictures: of several at once it takes seconds on a CPU."""

from __future__ import annotations

from typing import Callable

import torch
from diffusers.models.attention_processor import AttnProcessor2_0


class Asking(AttnProcessor2_0):
    """diffusers' own, one picture of the batch after the other; `pulse` is called before each."""

    def __init__(self, pulse: Callable):
        super().__init__()
        self.pulse = pulse

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        if attention_mask is not None or temb is not None:
            return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
        made = []
        for row in range(len(hidden_states)):
            self.pulse()
            told = None if encoder_hidden_states is None else encoder_hidden_states[row : row + 1]
            made.append(super().__call__(attn, hidden_states[row : row + 1], told))
        return torch.cat(made)


def ask_within(nets, pulse: Callable) -> None:
    """Let a ControlNet, or several in one, ask `pulse` within its attention."""
    for net in getattr(nets, "nets", [nets]):
        net.set_attn_processor(Asking(pulse))
