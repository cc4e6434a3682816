"""What a training of the embedded model leaves: ONNX files, a folder in the format of diffusers, and its card."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch

from . import embedded, posed, train, warping
from .encoding import CELLS, CHANNELS
from .network import PoseUNet, scheduler

LICENCE = "CC0-1.0"
_STEPS = (1, 2, 4, 8)


def onnx_files(net: PoseUNet, folder: Path) -> None:
    """guide.onnx, denoiser.onnx and model.json, as `embedded` reads them; any number of pictures at a time."""
    net, size = net.to("cpu").float().eval(), net.config.size
    folder.mkdir(parents=True, exist_ok=True)
    picture, pose = torch.zeros(2, 3, size, size), torch.zeros(2, CHANNELS, CELLS, CELLS)
    with torch.no_grad():
        warped = torch.zeros(2, warping.CHANNELS, size, size)
        condition = net.guide(picture, pose, pose, warped)
    given = {"reference": picture, "reference_pose": pose, "pose": pose, "warped": warped}
    _onnx(net.guide, given, embedded.CONDITION, folder / "guide.onnx")
    given = {"noisy": picture, "time": torch.tensor([999.0, 0.0]), **dict(zip(embedded.CONDITION, condition))}
    _onnx(net.denoiser, given, ["clean"], folder / "denoiser.onnx")
    alphas = {str(n): posed.schedule(scheduler(), n) for n in _STEPS}
    told = {"format": embedded.FORMAT, "version": embedded.VERSION, "size": size, "licence": LICENCE, "alphas": alphas}
    (folder / "model.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def checkpoint(net: PoseUNet, folder: Path) -> None:
    """The same as a checkpoint of diffusers: model_index.json, unet, scheduler."""
    posed.PoseGuidedPipeline(net.to("cpu").float(), scheduler()).save_pretrained(folder, safe_serialization=True)


def _onnx(net, given: dict, made, path: Path) -> None:
    part = path.with_suffix(".part")
    names = list(given)
    torch.onnx.export(
        net, tuple(given.values()), str(part), dynamo=False, opset_version=17, input_names=names, output_names=list(made),
        dynamic_axes={name: {0: "pictures"} for name in (*names, *made)},
    )  # fmt: skip
    os.replace(part, path)


def card(folder: Path, options, packs) -> str:
    """What the model is and was trained on, in Markdown; figures are those of the log."""
    lines = [json.loads(line) for line in (Path(folder) / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    last = lines[-1]
    seen = [line for line in lines if "held_body" in line]
    found = f"on the body {seen[-1]['held_body']}, all over {seen[-1]['held_all']}" if seen else "not measured"
    subjects = sorted({str(n).partition("_")[0] for pack in packs for n in pack["clip_names"][pack["clip"]]}, key=lambda n: (len(n), n))
    pictures = sum(len(pack["rgb"]) for pack in packs)
    people = sum(len(set(pack["character"].tolist())) for pack in packs)
    seeds = ", ".join(str(int(pack["seed"])) for pack in packs)
    net = train.network(options)
    guide, denoiser = (sum(p.numel() for p in part.parameters()) / 1e6 for part in (net.guide, net.denoiser))
    size, taught = options.size, " --teacher CHECKPOINT`, taught by a larger model of the same kind" if options.teacher else "`"
    command = f"poseloom train render --data PICTURES --minutes {options.minutes:g} --device {options.device} --seed {options.seed}"
    return f"""---
license: cc0-1.0
library_name: diffusers
---
# Embedded pose-guided model

A diffusion model in pixel space, {size} x {size}: the character of a reference picture, in the pose of a guide. The
reference's parts are laid onto the pose, before its background without the person; the guide network ({guide:.2f} M weights)
also looks up by cross-attention where in the reference each part of the body is; the denoising U-Net ({denoiser:.2f} M weights)
paints the frame or keeps what it was given, in {posed.FEW} steps of DDIM.

- Data: {pictures} pictures of {people} made-up adults, rendered by `backend/studio/embed_pictures.py` (seeds {seeds}): CC0
  bodies of MakeHuman, painted clothes, plain backdrops, poses of subjects {", ".join(subjects)} of the CMU motion capture
  database. No photograph, and no picture that anybody else made. Two bodies, twelve outfits and the subjects 09, 29, 49 were
  never seen in training.
- Made by `{command}{taught}:
  {last["step"]} steps of {options.batch} pairs in {last["minutes"]:g} minutes.
- Pictures of characters left out of training differ by, 0..1: {found}.
- Licence: CC0-1.0, weights and pictures. Sources: the data used in this project was obtained from mocap.cs.cmu.edu. The
  database was created with funding from NSF EIA-0196217.
- Good for: previews and storyboards of one whole person before a plain background, offline, on a CPU.
- Not for: faces, hands, large pictures, several people, photographs of real people. What the reference does not show, such
  as a back, is made up.
"""
