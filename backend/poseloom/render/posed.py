"""The embedded model as a checkpoint of diffusers: its pipeline, and that pipeline in place of the ONNX files."""

from __future__ import annotations

import numpy as np
import torch
from diffusers import DDIMScheduler, DiffusionPipeline

from . import embedded
from .network import PoseUNet

FEW = 4  # the steps it is trained for


def schedule(steps: DDIMScheduler, count: int) -> list:
    """[(time, alpha)] of `count` steps."""
    steps.set_timesteps(count)
    return [(int(t), float(steps.alphas_cumprod[t])) for t in steps.timesteps]


class PoseGuidedPipeline(DiffusionPipeline):
    """A PoseUNet and how it is stepped."""

    def __init__(self, unet: PoseUNet, scheduler: DDIMScheduler):
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.inference_mode()
    def __call__(self, reference, reference_pose, pose, warped, num_inference_steps: int = FEW, noise=None, generator=None):
        """(B,3,S,S) -1..1 of references (B,3,S,S), poses as `encoding.encode` and warps as `warping.warp` makes them; noise
        (B,3,S,S), else of `generator`."""
        x = torch.randn(reference.shape, generator=generator).to(reference) if noise is None else noise
        condition = self.unet.guide(reference, reference_pose, pose, warped)
        self.scheduler.set_timesteps(num_inference_steps)
        for t in self.scheduler.timesteps:
            clean = self.unet.denoiser(x, t.to(x.device).expand(len(x)), *condition)
            x = self.scheduler.step(clean, t, x).prev_sample
        return x


class Network(embedded.Network):
    """The same by torch, on any device."""

    def __init__(self, pipeline: PoseGuidedPipeline, device: torch.device, dtype: torch.dtype, licence: str):
        self.pipeline = pipeline.to(device, dtype)
        self.size, self.licence = int(pipeline.unet.config.size), licence
        self._device, self._dtype = device, dtype

    def schedule(self, steps: int) -> list:
        return schedule(self.pipeline.scheduler, steps)

    @torch.inference_mode()
    def condition(self, reference, known, wanted) -> tuple:
        return self.pipeline.unet.guide(*(self._put(a) for a in embedded.given(reference, known, wanted).values()))

    @torch.inference_mode()
    def clean(self, noisy, time: float, condition) -> np.ndarray:
        time = torch.tensor([time], device=self._device)
        found = self.pipeline.unet.denoiser(self._put(noisy[None]), time, *condition)
        return found[0].float().clamp(-1, 1).cpu().numpy()

    def _put(self, a: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(a, np.float32)).to(self._device, self._dtype)
