"""Trains the tiny checkpoint on drawn pictures of one figure (tiny_pictures.py): autoencoder, then denoiser with its ControlNet."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Optional

import numpy as np
import tiny_checkpoint as tiny
import tiny_pictures
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel

PROMPT = "the hero"
_BATCH_PICTURES, _BATCH_LATENTS = 8, 16
_AUTOENCODER = 0.25  # its share of the time
_KL, _AVERAGE = 1e-6, 0.998
_LINES = 20  # of a network's training in the log


def pictures(count: int, seed: int) -> tuple:
    """rgb (N,3,S,S) in -1..1 and pose maps (N,3,S,S) in 0..1; every eighth picture begins another motion."""
    rng, stage = np.random.default_rng(seed), tiny_pictures.Stage(tiny.SIZE)
    rgb, maps = [], []
    while len(rgb) < count:
        for pose in stage.play(tiny_pictures.walking(rng, 8, fps=3.0, hop=rng.random() < 0.3)):
            rgb.append(stage.draw(pose, tiny_pictures.Look.random(rng))[0])
            maps.append(stage.guides(pose).pose)
    rgb, maps = (torch.from_numpy(np.stack(a[:count])).permute(0, 3, 1, 2).float() / 255 for a in (rgb, maps))
    return rgb * 2 - 1, maps


def train(out: Path, minutes: float, seed: int = 0, count: int = 1600, steps: Optional[int] = None, log=print) -> None:
    """Train the checkpoint in `out`, in place, on `count` pictures, for so many minutes of the processor or, where `steps`
    are given, so many of each."""
    torch.manual_seed(seed)
    begun = time.process_time()
    rgb, maps = pictures(count, seed)
    log(f"{len(rgb)} pictures, {time.process_time() - begun:.0f} s")
    vae = AutoencoderKL.from_pretrained(out / "vae")
    _train_autoencoder(vae, rgb, Span(60 * minutes * _AUTOENCODER, steps), log)
    with torch.no_grad():
        latents = torch.cat([vae.encode(part).latent_dist.mean for part in rgb.split(32)])
    vae.register_to_config(scaling_factor=float(1 / latents.std()))
    vae.save_pretrained(out / "vae")
    pipeline = StableDiffusionPipeline.from_pretrained(out, safety_checker=None)
    with torch.no_grad():
        said, unsaid = pipeline.encode_prompt(PROMPT, "cpu", 1, True, negative_prompt="")
    denoiser = UNet2DConditionModel.from_pretrained(out / "unet")
    control = tiny.control(denoiser)
    _train_denoiser(denoiser, control, pipeline.scheduler, latents * vae.config.scaling_factor, maps, said, unsaid,
                    Span(60 * minutes * (1 - _AUTOENCODER), steps), log)  # fmt: skip
    denoiser.save_pretrained(out / "unet")
    control.save_pretrained(out / "controlnet_pose")
    tiny.control(denoiser, random=False).save_pretrained(out / "controlnet_depth")  # begins, and stays, without effect
    spent = (time.process_time() - begun) / 60
    tiny.write_card(out, denoiser, seed, tiny.CHARACTER.format(pictures=count, minutes=spent))


class Span:
    """How long a network is trained: so many seconds of the processor from now on, or so many steps."""

    def __init__(self, seconds: float, steps: Optional[int]):
        self._begun, self._seconds, self._steps = time.process_time(), seconds, steps

    def share(self, step: int) -> float:
        """0..1: how much of it has passed before this step."""
        return step / self._steps if self._steps else (time.process_time() - self._begun) / self._seconds


def _train_autoencoder(vae: AutoencoderKL, rgb, span: Span, log) -> None:
    def loss():
        seen = rgb[torch.randint(len(rgb), (_BATCH_PICTURES,))]
        code = vae.encode(seen).latent_dist
        again = vae.decode(code.mean + 0.05 * torch.randn_like(code.mean)).sample
        edges = sum((torch.diff(again, dim=d) - torch.diff(seen, dim=d)).abs().mean() for d in (2, 3))
        return (again - seen).abs().mean() + edges + _KL * code.kl().mean()

    _descend([vae], loss, span, 1.5e-3, "autoencoder", log)


def _train_denoiser(denoiser, control: ControlNetModel, steps: DDIMScheduler, latents, maps, said, unsaid, span: Span, log):
    def loss():
        pick = torch.randint(len(latents), (_BATCH_LATENTS,))
        clean, noise = latents[pick], torch.randn(_BATCH_LATENTS, *latents.shape[1:])
        at = torch.randint(steps.config.num_train_timesteps, (_BATCH_LATENTS,))
        noisy = steps.add_noise(clean, noise, at)
        text = torch.where(torch.rand(_BATCH_LATENTS, 1, 1) < 0.1, unsaid, said)
        down, middle = control(noisy, at, text, maps[pick], return_dict=False)
        guess = denoiser(noisy, at, text, down_block_additional_residuals=down, mid_block_additional_residual=middle).sample
        return F.mse_loss(guess, steps.get_velocity(clean, noise, at))

    _descend([denoiser, control], loss, span, 1e-3, "denoiser", log)


def _descend(nets, loss, span: Span, rate: float, name: str, log) -> None:
    """AdamW by `loss()`, the rate falling to nothing; the nets end with the mean of their last weights.

    Each twentieth of the span a line is logged, with the mean loss since the one before.
    """
    weights = [p for net in nets for p in net.parameters()]
    optimiser = torch.optim.AdamW(weights, rate, weight_decay=1e-4)
    mean = [p.detach().clone() for p in weights]
    step, told, seen = 0, 0, []
    for net in nets:
        net.train()
    while (share := span.share(step)) < 1.0:
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 50) * 0.5 * (1 + np.cos(np.pi * share))
        optimiser.zero_grad()
        value = loss()
        value.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        keep = min(_AVERAGE, (step + 1) / (step + 10))
        torch._foreach_lerp_(mean, [p.detach() for p in weights], 1 - keep)
        seen.append(value.item())
        step += 1
        if (now := int(_LINES * span.share(step))) > told:
            told = now
            log(json.dumps({"net": name, "step": step, "loss": round(float(np.mean(seen)), 4)}), flush=True)
            seen.clear()
    with torch.no_grad():
        for p, m in zip(weights, mean):
            p.copy_(m)
    for net in nets:
        net.eval()
