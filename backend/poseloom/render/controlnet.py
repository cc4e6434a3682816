"""Frames by a diffusion checkpoint with ControlNets: Stable Diffusion 1.5 or SDXL, one code path, by diffusers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Iterator, Mapping, Optional, Sequence

import numpy as np
import torch
from PIL import Image

from .. import checkpoints
from ..errors import BadInput, PoseloomError
from ..motion.pictures import Frames, Guides, Shot
from ..progress import Report, silent
from . import device as devices
from . import embedded, flow, parts, posed
from .asking import ask_within
from .consistency import Carried, Memory, starting_noise
from .order import REFERENCE, Batch, batches, halves, is_key, needed

_STEP_NOISE = 1_000_003  # added to the seed for the noise that some schedulers add at each step
_STEADY_ONLY = ("Ancestral", "LCM", "TCD", "DDPM", "SDE")
_PULSE_S = 0.2


@dataclass(frozen=True)
class Options:
    """What makes the pictures; names are folders, files, or names on the hub (see `checkpoints`).

    pose, depth: ControlNets, "" the family's usual one, depth None for none; decoder: a tiny autoencoder, for previews;
    lora: merged into the weights, such as an LCM's; adapter: an IP-Adapter for the reference picture; control 0..2: how
    strictly guides are followed; strength 0..1: below 1 frames begin from the guides' own pictures, of a video, and leave
    them the less the lower it is; batch: frames made together at most; key_every: frames from key to key; shared_noise,
    cross_frame: see `consistency`; blend 0..1: latents carried along limbs; layers: attention across frames only in
    blocks whose name begins so; device, precision: "" for the best.
    """

    model: str = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    pose: str = ""
    depth: Optional[str] = None
    decoder: str = ""
    lora: str = ""
    adapter: str = ""
    scheduler: str = ""
    steps: int = 20
    guidance: float = 7.0
    control: float = 1.0
    strength: float = 1.0
    adapter_strength: float = 0.6
    batch: int = 8
    key_every: int = 8
    shared_noise: bool = True
    cross_frame: bool = True
    blend: float = 0.0
    layers: str = ""
    device: str = ""
    precision: str = ""
    compile: bool = False

    def __post_init__(self):
        for name, low, high in (
            ("steps", 1, 1000), ("guidance", 0, 50), ("control", 0, 2), ("strength", 0, 1), ("adapter_strength", 0, 2), ("batch", 1, 1024),
            ("key_every", 1, 1000), ("blend", 0, 1),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadInput("bad_option", f'The option "{name}" is {value}.', f"Choose from {low} to {high}.")
        if self.blend and not (self.cross_frame and self.shared_noise):
            raise BadInput("bad_option", "Latents are blended between frames that share noise and attention.", "Leave both on.")


class ControlNet:
    """Renders guides by one checkpoint, loaded once."""

    def __init__(self, options: Options = Options()):
        self.options = options
        self.device = devices.chosen(options.device)
        dtype = devices.precision(options.precision, self.device)
        named = {"pose": options.pose} | ({} if options.depth is None else {"depth": options.depth})
        self.kinds = tuple(named)
        self.licence = checkpoints.licence_of(checkpoints.find(options.model))
        self.pipeline = parts.load(options.model, named, dtype)
        self.posed = self._posed(dtype) if isinstance(self.pipeline, posed.PoseGuidedPipeline) else None
        if self.posed:
            return
        if options.lora:
            parts.add_lora(self.pipeline, options.lora)
        if options.adapter:
            parts.add_adapter(self.pipeline, options.adapter, options.adapter_strength)
        self.pipeline.scheduler = parts.scheduler(self.pipeline, options.scheduler)
        self.decoder = parts.tiny_decoder(options.decoder, dtype) if options.decoder else self.pipeline.vae
        self._place(dtype)
        self._pulse = lambda: None
        if self.device.type == "cpu":
            self._watch()
        if options.compile:
            self.pipeline.unet.compile()
            self.pipeline.controlnet.compile()

    @torch.inference_mode()
    def __call__(
        self, guides: Sequence[Guides], shot: Shot, report: Report = silent, made: Mapping[int, Frames] = {}
    ) -> Iterator[Frames]:
        """See `Renderer`; frames come key first, then those between."""
        if not len(guides):
            return
        if self.posed:
            yield from self.posed(guides, shot, report, made)
            return
        if self.options.adapter and shot.reference is None:
            raise BadInput("no_reference", "The IP-Adapter has no reference picture.", "Give one, or leave the adapter out.")
        wanted = [i for i in range(len(guides)) if not made or guides[i].frame not in made]
        yield from _Run(self, guides, shot, report).frames(wanted)

    def _posed(self, dtype: torch.dtype) -> embedded.Embedded:
        """The renderer of a model like the embedded one, which is framed and sampled as that is."""
        opt = self.options
        for name in ("lora", "adapter", "decoder", "scheduler", "depth"):
            if getattr(opt, name):
                raise BadInput("bad_option", f'"{opt.model}" is a pose-guided model: it takes no {name}.', "Leave it out.")
        network = posed.Network(self.pipeline, self.device, dtype, self.licence)
        return embedded.Embedded(embedded.Options(opt.steps, opt.shared_noise), network)

    def widen(self) -> bool:
        """Go on in float32; False where it is that already."""
        if self.pipeline.unet.dtype == torch.float32:
            return False
        self._place(torch.float32)
        return True

    def _place(self, dtype: torch.dtype) -> None:
        self.pipeline.to(self.device, dtype)
        if dtype == torch.float16 and getattr(self.pipeline.vae.config, "force_upcast", False):
            self.pipeline.vae.to(dtype=torch.float32)
        self.decoder.to(self.device, self.decoder.dtype if self.decoder is self.pipeline.vae else dtype)
        if self.device.type == "cuda":
            for net in (self.pipeline.unet, self.pipeline.controlnet, self.decoder):
                net.to(memory_format=torch.channels_last)

    def _watch(self) -> None:
        """On the CPU a step may take many seconds: ask within it, too, whether the job was cancelled."""
        last = [0.0]

        def pulse(module, inputs):
            if time.monotonic() - last[0] > _PULSE_S:
                last[0] = time.monotonic()
                self._pulse()

        for net in (self.pipeline.unet, self.pipeline.controlnet, self.decoder):
            for module in net.modules():
                if not any(True for _ in module.children()):
                    module.register_forward_pre_hook(pulse)


class _Run:
    """One call: what is the same for all its batches, and how far it is."""

    def __init__(self, renderer: ControlNet, guides: Sequence[Guides], shot: Shot, report: Report):
        self.renderer, self.options, self.pipeline = renderer, renderer.options, renderer.pipeline
        self.guides, self.shot, self.report = guides, shot, report
        self.size = guides[0].size
        self.padded = tuple(-(-n // 8) * 8 for n in self.size)
        self.cells = tuple(n // self.pipeline.vae_scale_factor for n in self.padded)
        self.noise_shape = (self.pipeline.unet.config.in_channels, self.cells[1], self.cells[0])
        self.fit = devices.Fit(self.pipeline, renderer.device, self.options.batch)
        self.memory = Memory(self.pipeline.unet, renderer.device, self.options.layers) if self.options.cross_frame else None
        self.carried = Carried(self.options.blend) if self.options.blend else None
        self.done = self.total = 0.0
        self.now, self.words = 0.0, "reading the prompt"
        renderer._pulse = lambda: report(self.now, self.words)
        if renderer.device.type == "cpu":
            ask_within(self.pipeline.controlnet, renderer._pulse)
            if self.memory:
                self.memory.ask(renderer._pulse)

    def frames(self, wanted: Sequence[int]) -> Iterator[Frames]:
        self.report(0.0, self.words)
        self._prepare()
        opt, count = self.options, len(self.guides)
        reference = self.shot.reference is not None and opt.cross_frame
        self.total = len(needed(wanted, count, opt.key_every, reference)) if opt.cross_frame else len(wanted)
        todo, due = batches(wanted, count, opt.key_every, opt.batch, reference, opt.cross_frame), set(wanted)
        waiting: list = []
        while batch := waiting.pop(0) if waiting else next(todo, None):
            if len(batch.rows) > self.fit.most:
                waiting[:0] = halves(batch)
                continue
            try:
                with self.fit.kernels():
                    pictures = self._make(batch)
            except (RuntimeError, MemoryError) as error:
                if not devices.is_out_of_memory(error):
                    raise
                self._shrink(batch, error)
                waiting.insert(0, batch)
                continue
            finally:
                if self.memory:
                    self.memory.release()
            self.done += len(batch.rows)
            for row, rgb in zip(batch.rows, pictures):
                if row in due:
                    yield Frames(self.guides[row].frame, rgb, self._made())

    def _prepare(self) -> None:
        """Words and reference as the denoiser takes them."""
        pipeline, opt, shot = self.pipeline, self.options, self.shot
        guided = opt.guidance > 1 and pipeline.unet.config.time_cond_proj_dim is None
        told = pipeline.encode_prompt(
            prompt=shot.prompt, device=self.renderer.device, num_images_per_prompt=1, do_classifier_free_guidance=guided,
            negative_prompt=shot.negative,
        )  # fmt: skip
        names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
        self.text = {name: value for name, value in zip(names, told) if value is not None}
        self.adapter = {}
        self.seen = None if shot.reference is None else _fitted(shot.reference, self.padded)
        if opt.adapter:
            picture = Image.fromarray(np.ascontiguousarray(shot.reference))
            embeds = pipeline.prepare_ip_adapter_image_embeds(picture, None, self.renderer.device, 1, guided)
            self.adapter = {"ip_adapter_image_embeds": embeds}

    def _make(self, batch: Batch) -> list:
        """rgb (H,W,3) of the batch's frames; in float32 where half precision ran over."""
        while True:
            latents = self._denoise(batch)
            rgb = self._decode(latents) if bool(torch.isfinite(latents).all()) else None
            if rgb is not None and all(bool(torch.isfinite(picture).all()) for picture in rgb):
                break
            if not self.renderer.widen():
                raise PoseloomError(
                    "not_finite", "The denoiser gave numbers that are none (NaN), in float32 too.",
                    "The checkpoint is damaged, or its parts do not belong together.",
                )  # fmt: skip
            self.words = "half precision ran over, again in float32"
            self.report(self.now, self.words)
            self._prepare()
        for keeper in (self.memory, self.carried):
            if keeper:
                keeper.end()
        wide, high = self.size
        return [((p.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()[:high, :wide] for p in rgb]

    def _denoise(self, batch: Batch) -> torch.Tensor:
        pipeline, opt, count = self.pipeline, self.options, len(batch.rows)
        dtype = pipeline.unet.dtype
        alone = batch.rows == (REFERENCE,)
        shown = {} if alone else {row: self.guides[row] for row in batch.rows}
        seeds = [self.shot.seed + (0 if opt.shared_noise or alone else shown[row].frame) for row in batch.rows]
        noise = torch.cat([starting_noise(self.noise_shape, seed) for seed in seeds]).to(self.renderer.device, dtype)
        frames = "the reference" if alone else "frames " + ", ".join(str(shown[row].frame) for row in batch.rows)
        images = [self._guide(kind, shown, batch.rows) for kind in self.renderer.kinds]
        strength = 0.0 if alone else float(opt.control)
        several = len(images) > 1
        if self.memory:
            self.memory.begin(batch)
        if self.carried:
            between = {row: row - 1 for row in batch.rows if not alone and not is_key(row, len(self.guides), opt.key_every)}
            maps = {row: flow.carried(self.guides[other], shown[row], self.cells) for row, other in between.items()}
            self.carried.begin(batch, between, maps)
        held, start = self._held(shown, alone), noise
        if held is not None:
            pipeline.scheduler.set_timesteps(opt.steps, device=self.renderer.device)
            first = pipeline.scheduler.timesteps[:1]
            start = pipeline.scheduler.add_noise(held, noise, first) / pipeline.scheduler.init_noise_sigma

        def stepped(pipe, step, t, values):
            steps = pipe.scheduler.timesteps
            self.now = (self.done + count * (step + 1) / len(steps)) / self.total
            self.words = f"{frames}: step {step + 1} of {len(steps)}"
            self.report(min(self.now, 1.0), self.words)
            if self.memory:
                self.memory.stepped(step)
            latents = values["latents"]
            free = 1.0 if held is None else 0.0 if alone else opt.strength  # the share of steps that are
            still = step + 1 <= round(len(steps) * (1.0 - free)) and step + 1 < len(steps)
            if still:
                latents = pipe.scheduler.add_noise(held, noise, steps[step + 1 : step + 2])
            if self.carried:
                latents = self._carry(pipe, step, latents, noise[:1], steps, still)
            return {"latents": latents}

        return pipeline(
            **{name: value.to(dtype).repeat(count, *[1] * (value.ndim - 1)) for name, value in self.text.items()},
            **self.adapter, image=images if several else images[0], height=self.padded[1], width=self.padded[0],
            num_inference_steps=opt.steps, guidance_scale=opt.guidance, latents=start.to(dtype), output_type="latent",
            generator=[torch.Generator().manual_seed(seed + _STEP_NOISE) for seed in seeds],
            controlnet_conditioning_scale=[strength] * len(images) if several else strength,
            callback_on_step_end=stepped, return_dict=False,
        )[0]  # fmt: skip

    def _held(self, shown: Mapping[int, Guides], alone: bool) -> Optional[torch.Tensor]:
        """(n,C,h,w) the latents that the first steps, of the reference all, are held to; None where they are free at once."""
        if alone:
            return self._encode(self.seen)
        if self.options.strength == 1.0:
            return None
        for guides in shown.values():
            if guides.picture is None:
                raise BadInput(
                    "no_picture", f"The guides of frame {guides.frame} have no picture to begin from.",
                    "Make them from a video, or leave the strength at 1.",
                )  # fmt: skip
        room = ((0, self.padded[1] - self.size[1]), (0, self.padded[0] - self.size[0]), (0, 0))
        pictures = [np.pad(guides.picture, room, mode="edge").astype(np.float32) for guides in shown.values()]
        return torch.cat([self._encode(picture) for picture in pictures])

    def _carry(self, pipe, step: int, latents, noise, steps, still: bool):
        """Blend, where the noise in the latents is the shared one; of schedulers that add their own, at the end alone."""
        last = step + 1 == len(steps)
        own_noise = any(word in type(pipe.scheduler).__name__ for word in _STEADY_ONLY)
        if still or (own_noise and not last):
            return self.carried.stepped(step, latents, noise, strength=0.0)
        left = torch.zeros_like(noise)
        if not last:
            left = pipe.scheduler.add_noise(left, noise, steps[step + 1 : step + 2])
        return self.carried.stepped(step, latents, left)

    def _guide(self, kind: str, shown: Mapping[int, Guides], rows: Sequence[int]) -> torch.Tensor:
        """(n,3,H,W) 0..1 on the padded size, black around."""
        out = np.zeros((len(rows), self.padded[1], self.padded[0], 3), np.float32)
        for i, row in enumerate(rows):
            if row in shown:
                if shown[row].size != self.size:
                    raise BadInput("other_size", f"The guides of frame {shown[row].frame} have another size.", "Make them alike.")
                out[i, : self.size[1], : self.size[0]] = _control_picture(shown[row], kind)
        return torch.from_numpy(out).permute(0, 3, 1, 2).to(self.renderer.device, self.pipeline.unet.dtype)

    def _encode(self, rgb: np.ndarray) -> torch.Tensor:
        vae = self.pipeline.vae
        picture = torch.from_numpy(rgb).permute(2, 0, 1)[None].to(self.renderer.device, vae.dtype) / 127.5 - 1
        return (vae.encode(picture).latent_dist.mean * vae.config.scaling_factor).to(self.pipeline.unet.dtype)

    def _decode(self, latents: torch.Tensor) -> torch.Tensor:
        decoder = self.renderer.decoder
        return decoder.decode(latents.to(decoder.dtype) / decoder.config.scaling_factor, return_dict=False)[0].float()

    def _shrink(self, batch: Batch, error: BaseException) -> None:
        self.fit.shrink(self.size, len(batch.rows), error)
        if self.fit.spared and self.memory:
            self.memory.spare()

    def _made(self) -> dict:
        opt, shot = self.options, self.shot
        out = {
            "prompt": shot.prompt, "negative": shot.negative, "seed": shot.seed, "model": opt.model,
            "licence": self.renderer.licence, "steps": opt.steps, "guidance": opt.guidance,
            "scheduler": type(self.pipeline.scheduler).__name__, "controlnets": ", ".join(self.renderer.kinds),
            "control": opt.control, "strength": opt.strength, "precision": str(self.pipeline.unet.dtype).removeprefix("torch."),
            "lora": opt.lora, "adapter": opt.adapter, "decoder": opt.decoder,
            "reference": "a picture" if shot.reference is not None else "",
        }  # fmt: skip
        return {key: str(value) for key, value in out.items() if value != ""}


def _control_picture(guides: Guides, kind: str) -> np.ndarray:
    """(H,W,3) float 0..1 as ControlNets of this kind were trained: near is bright in depth."""
    if kind == "pose":
        return guides.pose.astype(np.float32) / 255
    if guides.depth is None:
        raise BadInput("no_depth", f"The guides of frame {guides.frame} have no depth.", "Make them from a scene, or leave depth out.")
    return np.repeat(guides.depth.astype(np.float32)[..., None] / 65535, 3, axis=-1)


def _fitted(rgb: np.ndarray, size: tuple) -> np.ndarray:
    """(H,W,3) float32 0..255: the middle of a picture, as large as fills `size`; huge ones are made smaller first."""
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    scale = max(size[0] / picture.width, size[1] / picture.height)
    box = ((picture.width - size[0] / scale) / 2, (picture.height - size[1] / scale) / 2)
    picture = picture.resize(size, Image.LANCZOS, (*box, picture.width - box[0], picture.height - box[1]), reducing_gap=3.0)
    return np.asarray(picture, np.float32)
