"""A diffusion checkpoint put together from its parts, each of which is checked and named when it will not do."""

from __future__ import annotations

import inspect
import json
import logging
from pathlib import Path
from typing import Mapping

import diffusers
import torch
import transformers
from safetensors import SafetensorError

from .. import checkpoints
from ..errors import BadInput, Unavailable, UnknownMethod
from . import network, posed

logging.getLogger("transformers").setLevel(logging.ERROR)
diffusers.utils.logging.set_verbosity_error()
diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()

PIPELINES = {
    "StableDiffusion": diffusers.StableDiffusionControlNetPipeline,
    "StableDiffusionXL": diffusers.StableDiffusionXLControlNetPipeline,
}
GUIDES = {  # ControlNets for each family: what is loaded where none is named
    "StableDiffusion": {
        "pose": "lllyasviel/control_v11p_sd15_openpose", "depth": "lllyasviel/control_v11f1p_sd15_depth",
    },
    "StableDiffusionXL": {
        "pose": "xinsir/controlnet-openpose-sdxl-1.0", "depth": "diffusers/controlnet-depth-sdxl-1.0",
    },
}  # fmt: skip
SCHEDULERS = {
    "ddim": "DDIMScheduler", "euler": "EulerDiscreteScheduler", "euler_a": "EulerAncestralDiscreteScheduler",
    "dpm++": "DPMSolverMultistepScheduler", "unipc": "UniPCMultistepScheduler", "lcm": "LCMScheduler",
    "tcd": "TCDScheduler", "heun": "HeunDiscreteScheduler", "ddpm": "DDPMScheduler",
}  # fmt: skip
POSED = "PoseGuided"  # a model like the embedded one
_UNUSED = ("safety_checker", "feature_extractor", "image_encoder")


def load(model: str, guides: Mapping[str, str], dtype: torch.dtype):
    """The ControlNet pipeline of checkpoint `model` on the CPU, without a safety checker; of a model like the embedded one
    the pipeline that it has, which takes no ControlNets.

    guides: {"pose": ControlNet's name or "", "depth": ...}; "" takes the folder `controlnet_KIND` of the checkpoint, or
    what GUIDES names.  Unavailable for what is not on this computer, BadInput for what is there and will not do.
    """
    folder = checkpoints.find(model)
    family, index = _index(folder)
    parts = {
        name: _part(folder, name, *kind, dtype) for name, kind in index.items()
        if not name.startswith("_") and isinstance(kind, list) and None not in kind and name not in _UNUSED
    }  # fmt: skip
    if family == POSED:
        return posed.PoseGuidedPipeline(parts["unet"], parts["scheduler"])
    nets = [_control(folder, family, kind, named, parts["unet"], dtype) for kind, named in guides.items()]
    more = {"add_watermarker": False} if family == "StableDiffusionXL" else {"requires_safety_checker": False}
    optional = {name: None for name in _UNUSED} if family == "StableDiffusion" else {}
    flags = {k: v for k, v in index.items() if k in inspect.signature(PIPELINES[family]).parameters and isinstance(v, bool)}
    pipeline = PIPELINES[family](**{**optional, **flags, **more, **parts}, controlnet=nets[0] if len(nets) == 1 else nets)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def add_lora(pipeline, name: str) -> None:
    """Merge a LoRA, a folder or file of safetensors, into the weights."""
    path = checkpoints.find(name)
    path = path if path.is_file() else _weights(path, f'The LoRA "{name}"')
    with _named(path):
        pipeline.load_lora_weights(path.parent, weight_name=path.name, local_files_only=True)
    try:
        pipeline.fuse_lora()
    except (RuntimeError, ValueError, KeyError) as error:
        raise _other_family(f'The LoRA "{name}"') from error
    pipeline.unload_lora_weights()


def add_adapter(pipeline, name: str, strength: float) -> None:
    """Add an IP-Adapter: its weights, a file or the only one of a folder, with its `image_encoder` beside them."""
    path = checkpoints.find(name)
    path = path if path.is_file() else _weights(path, f'The IP-Adapter "{name}"')
    encoder = _part(path.parent, "image_encoder", "transformers", "CLIPVisionModelWithProjection", pipeline.unet.dtype)
    pipeline.register_modules(image_encoder=encoder)
    with _named(path):
        pipeline.load_ip_adapter(
            path.parent, subfolder="", weight_name=path.name, image_encoder_folder=None, local_files_only=True
        )
    pipeline.set_ip_adapter_scale(strength)


def tiny_decoder(name: str, dtype: torch.dtype):
    """A small autoencoder such as TAESD."""
    path = checkpoints.find(name)
    return _part(path.parent, path.name, "diffusers", "AutoencoderTiny", dtype)


def scheduler(pipeline, name: str):
    """The scheduler of this name (SCHEDULERS, or a class of diffusers) with the checkpoint's own settings."""
    if not name:
        return pipeline.scheduler
    kind = getattr(diffusers, SCHEDULERS.get(name.lower(), name), None)
    try:
        fits = inspect.isclass(kind) and hasattr(kind, "add_noise") and hasattr(kind, "from_config")
    except ImportError as error:  # diffusers' stand-in for a class whose packages are not there
        needs = ", ".join(kind._backends)
        raise Unavailable("missing_package", f'The scheduler "{name}" needs the Python packages {needs}.', "Take another one.") from error
    if not fits:
        raise UnknownMethod("unknown_scheduler", f'No scheduler "{name}"; known: {", ".join(SCHEDULERS)}.',
                            "Or a scheduler class of diffusers by its full name.")  # fmt: skip
    return kind.from_config(pipeline.scheduler.config)


def _index(folder: Path) -> tuple:
    """The pipeline's family and its table of parts."""
    path = folder / "model_index.json"
    if folder.is_file() or not path.is_file():
        raise BadInput(
            "no_pipeline", f'"{folder}" is no folder of a diffusers checkpoint: it has no model_index.json.',
            "Take the version in the diffusers format, which has the folders unet, vae and text_encoder.",
        )  # fmt: skip
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        made_for = str(index["_class_name"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput("damaged_checkpoint", f"{path} is damaged.", "Download the checkpoint again.") from error
    family = made_for.removesuffix("Pipeline").removesuffix("ControlNet").removesuffix("Img2Img")
    if family not in (*PIPELINES, POSED):
        raise BadInput("other_family", f'"{folder}" is a {made_for}.', "Take one of Stable Diffusion 1.5 or SDXL.")
    for name in ("unet", "scheduler") if family == POSED else ("unet", "vae", "text_encoder", "tokenizer", "scheduler"):
        if name not in index:
            raise BadInput("part_missing", f'The checkpoint "{folder}" has no part "{name}".', "Download it again, whole.")
    return family, index


def _part(folder: Path, name: str, library: str, kind: str, dtype: torch.dtype):
    """One part from its folder, in evaluation mode; BadInput names the part and what it lacks."""
    place = folder / name
    module = {"diffusers": diffusers, "transformers": transformers, network.__name__: network}.get(library)
    made = getattr(module, kind, None)
    if made is None:
        raise BadInput("odd_part", f'The part "{name}" of "{folder}" is a {library}.{kind}.', "Use another checkpoint.")
    if not place.is_dir():
        raise BadInput("part_missing", f'The checkpoint "{folder}" has no part "{name}".', "Download it again, whole.")
    if issubclass(made, transformers.PreTrainedTokenizerBase):
        return made.from_pretrained(place, local_files_only=True)
    if not issubclass(made, torch.nn.Module):
        return made.from_pretrained(place, local_files_only=True)
    weights = _weights(place, f'The part "{name}" of "{folder}"')
    variant = "fp16" if ".fp16" in weights.name else None
    with _named(weights):
        return made.from_pretrained(
            place, use_safetensors=True, local_files_only=True, torch_dtype=dtype, variant=variant
        ).eval()


def _weights(place: Path, who: str) -> Path:
    """A safetensors file of a folder, the full precision's first."""
    found = sorted(place.glob("*.safetensors"), key=lambda p: (".fp16" in p.name, "non_ema" in p.name, p.name))
    if found:
        return found[0]
    unsafe = next((p.name for p in place.iterdir() if p.suffix in (".bin", ".ckpt", ".pt", ".pth")), None)
    has = f"has only {unsafe}, which can run code when it is opened" if unsafe else "has no weights (.safetensors)"
    raise BadInput("no_safetensors", f"{who} {has}.", "Download it again, with its .safetensors files.")


def _control(folder: Path, family: str, kind: str, named: str, denoiser, dtype: torch.dtype):
    own = folder / f"controlnet_{kind}"
    place = checkpoints.find(named or (str(own) if own.is_dir() else GUIDES[family].get(kind, "")))
    net = _part(place.parent, place.name, "diffusers", "ControlNetModel", dtype)
    if net.config.cross_attention_dim != denoiser.config.cross_attention_dim:
        raise BadInput(
            "other_family", f'The ControlNet "{place}" ({net.config.cross_attention_dim} numbers a word) does not fit the '
            f'checkpoint "{folder}" ({denoiser.config.cross_attention_dim}).',
            "Take one made for the same family: 768 is SD 1.5, 1024 SD 2, 2048 SDXL.",
        )  # fmt: skip
    return net


class _named:
    """What goes wrong inside is about this file."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, (SafetensorError, EOFError, OSError)):
            raise BadInput("damaged_checkpoint", f"{self.path} is damaged, or cut short.", "Download it again.") from error
        if isinstance(error, (RuntimeError, ValueError, KeyError)) and not isinstance(error, torch.OutOfMemoryError):
            first = str(error).strip().splitlines()[0][:160]
            raise BadInput("wrong_part", f"{self.path} does not fit: {first}", "Was it made for this kind of checkpoint?") from error


def _other_family(who: str) -> BadInput:
    return BadInput("other_family", f"{who} does not fit the checkpoint.", "Take one made for the same family.")
