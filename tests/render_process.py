"""Checks of the renderer, run by the Python that has torch: python render_process.py CHECKPOINT XL_CHECKPOINT FOLDER.

Does the checks whose names come in, a line each, and answers each by a line of JSON: what was found, or {"failed": why}.
The tests judge it.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import shutil
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import torch

from poseloom.errors import Cancelled, PoseloomError
from poseloom.motion import openpose
from poseloom.motion.pictures import Guides, Shot
from poseloom.motion.skeleton import standard
from poseloom.motion.types import Camera, Motion
from poseloom.render import guides as drawing
from poseloom.render import parts
from poseloom.render.asking import ask_within
from poseloom.render.asking import ask_within
from poseloom.render.controlnet import ControlNet, Options

torch.set_num_threads(1)
SHOT = Shot("the hero walks", seed=3)


def figure(count: int = 7, size=(64, 64), depth: bool = False) -> list:
    """Guides of a figure that slowly sinks and turns."""
    motion = Motion(standard(), np.tile([1.0, 0, 0, 0], (count, 22, 1)), np.zeros((count, 3)) + [0, 0, 0.96], 12.0)
    lrot, root = np.array(motion.lrot), np.array(motion.root)
    angle = np.linspace(0.0, 0.8, count) / 2
    lrot[:, 0, 0], lrot[:, 0, 3] = np.cos(angle), np.sin(angle)
    root[:, 2] -= np.linspace(0, 0.2, count)
    points = openpose.of_motion(motion.with_(lrot=lrot, root=root))
    world = np.array([[1.0, 0, 0, 0], [0, 0, -1, -4.0], [0, 1, 0, 0.9], [0, 0, 0, 1]])
    camera = Camera(np.array([[1.7 * size[1], 0, size[0] / 2], [0, 1.7 * size[1], size[1] / 2], [0, 0, 1]]), world, size)
    rows = [drawing.make(10 + i, [1], points[i : i + 1], camera, drawing.Look(hands=False, face=False)) for i in range(count)]
    if depth:
        picture = np.linspace(0, 65535, size[0] * size[1]).reshape(size[1], size[0]).astype(np.uint16)
        names = ("frame", "pose", "layout", "people", "xy", "away", "seen")
        rows = [Guides(**{name: getattr(g, name) for name in names}, depth=picture) for g in rows]
    return rows


def filmed(count: int = 7, size=(64, 64)) -> list:
    """The same as in a video, whose pictures are a light that wanders over red."""
    rows = figure(count, size)
    names = ("frame", "pose", "layout", "people", "xy", "away", "seen")
    x = np.arange(size[0])
    pictures = [np.zeros((size[1], size[0], 3), np.uint8) + np.uint8([200, 40, 40]) for _ in rows]
    for i, picture in enumerate(pictures):
        picture[:, np.abs(x - 8 * i) < 6] = 250
    return [Guides(**{name: getattr(g, name) for name in names}, picture=p) for g, p in zip(rows, pictures)]


def renderer(model: str, **options) -> ControlNet:
    return ControlNet(Options(**{"model": model, "steps": 3, "key_every": 4, "device": "cpu", **options}))


def decoded(made: ControlNet, guides, shot=SHOT, done=None) -> tuple:
    """(float pictures in -1..1 by frame, the finished frames by number), before they are rounded."""
    kept, inner = [], made.decoder.decode

    def spy(latents, **more):
        out = inner(latents, **more)
        kept.append(out[0].clone())
        return out

    made.decoder.decode = spy
    frames = list(made(guides, shot, made=done or {}))
    made.decoder.decode = inner
    return kept, {frame.frame: frame for frame in frames}, [frame.frame for frame in frames]


def in_order(kept, order, skip: int = 0) -> np.ndarray:
    pictures = torch.cat(kept)[skip:].numpy()
    return pictures[np.argsort(order)]


def batches(model):
    """The largest difference of any number between frames made one by one, in threes, and in the plain way at once."""
    rgb = np.random.default_rng(0).integers(0, 255, (90, 70, 3), dtype=np.uint8)
    found = {}
    for name, shot, options in (
        ("plain", SHOT, {}), ("independent", SHOT, {"cross_frame": False, "shared_noise": False}),
        ("reference", Shot("the hero", seed=5, reference=rgb), {}), ("blend", SHOT, {"blend": 0.6}),
        ("strength", SHOT, {"strength": 0.5}),
        ("noisy_scheduler", SHOT, {"scheduler": "euler_a"}), ("few_steps", SHOT, {"scheduler": "lcm", "guidance": 1.0}),
    ):  # fmt: skip
        seen = []
        for batch in (1, 3, 8) if name == "plain" else (1, 3):
            guides = filmed() if name == "strength" else figure()
            kept, _, order = decoded(renderer(model, batch=batch, **options), guides, shot)
            seen.append(in_order(kept, order, skip=len(torch.cat(kept)) - len(order)))
        found[name] = max(float(np.abs(a - seen[0]).max()) for a in seen[1:])
        found[name + "_spread"] = float(seen[0].std())
    return found


def heed(model):
    """How far a change of one frame's guide reaches: mean differences of all frames, with and without attention."""
    changed = figure()
    names = ("frame", "layout", "people", "xy", "away", "seen")
    changed[2] = Guides(**{name: getattr(changed[2], name) for name in names}, pose=255 - changed[2].pose)
    found = {}
    for name, options in (("heeding", {}), ("alone", {"cross_frame": False})):
        for batch in (1, 8):
            pair = [renderer(model, batch=batch, **options) for _ in range(2)]
            a, b = (in_order(k, o) for k, _, o in (decoded(pair[0], figure()), decoded(pair[1], changed)))
            found[f"{name}_{batch}"] = np.abs(a - b).mean(axis=(1, 2, 3)).tolist()
    return found


def resumed(model):
    """Frames made of the rest after a run that broke off, against those of one run."""
    made = renderer(model, batch=3)
    whole = {f.frame: f for f in made(figure(), SHOT)}
    done = {n: whole[n] for n in (10, 11, 12, 14)}
    rest = {f.frame: f for f in made(figure(), SHOT, made=done)}
    return {"frames": sorted(rest), "most": max(int(np.abs(rest[n].rgb.astype(int) - whole[n].rgb).max()) for n in rest)}


def kinds(model, xl):
    """What each way of rendering gives: the number of frames, their size and spread, and what they tell of themselves."""
    found, rgb = {}, np.random.default_rng(0).integers(0, 255, (300, 40, 3), dtype=np.uint8)
    shot = Shot("the hero", seed=5, reference=rgb)
    for name, where, words, options in (
        ("sdxl", xl, SHOT, {}), ("sdxl_depth", xl, SHOT, {"depth": "", "lora": f"{xl}/lora"}),
        ("depth", model, SHOT, {"depth": ""}), ("lora", model, SHOT, {"lora": f"{model}/lora"}),
        ("tiny", model, SHOT, {"decoder": f"{model}/tiny_decoder"}), ("bfloat16", model, SHOT, {"precision": "bfloat16"}),
        ("adapter", model, shot, {"adapter": f"{model}/adapter"}), ("plain", model, SHOT, {}), ("reference", model, shot, {}),
        ("unipc", model, SHOT, {"scheduler": "unipc"}), ("class", model, SHOT, {"scheduler": "DEISMultistepScheduler"}),
    ):  # fmt: skip
        frames = list(renderer(where, **options)(figure(3, (70, 61), depth=True), words))
        rgb = np.stack([frame.rgb for frame in frames])
        found[name] = {"shape": rgb.shape, "std": float(rgb.std()), "mean": rgb.mean(axis=(1, 2)).tolist(), "made": frames[0].made}
    return found


def schedulers(model):
    """{name: how far its frames are from those by the checkpoint's own} of every scheduler that has a name."""
    made, found = renderer(model, guidance=1.0), {}
    own = made.pipeline.scheduler
    for name in ("", *parts.SCHEDULERS):
        made.pipeline.scheduler = own
        made.pipeline.scheduler = parts.scheduler(made.pipeline, name)
        found[name] = np.stack([frame.rgb for frame in made(figure(2), SHOT)]).astype(float)
    return {name: float(np.abs(rgb - found[""]).mean()) for name, rgb in found.items() if name}


def strength(model):
    """How far latents are from those of a video's own pictures, the less free they are."""
    guides, found = filmed(), {}
    pictures = torch.stack([torch.from_numpy(np.array(g.picture)).permute(2, 0, 1) for g in guides]) / 127.5 - 1.0
    for scheduler in ("", "heun", "lcm"):
        row = []
        for free in (1.0, 0.6, 0.2, 0.0):
            made = renderer(model, strength=free, steps=10, guidance=1.0, scheduler=scheduler)
            seen, decode = [], made.decoder.decode
            with torch.inference_mode():
                wanted = made.pipeline.vae.encode(pictures).latent_dist.mean

            def spy(latents, **more):
                seen.append(latents.clone())
                return decode(latents, **more)

            made.decoder.decode = spy
            order = [frame.frame for frame in made(guides, SHOT)]
            latents = torch.cat(seen)[np.argsort(order)]
            row.append(float((latents - wanted).abs().mean()))
        found[scheduler] = row
    found["missing"] = refused_of(lambda: list(renderer(model, strength=0.5)(figure(2), SHOT)))
    return found


def refused_of(call):
    try:
        call()
        return None
    except PoseloomError as error:
        return error.code


def cancelled(model):
    """The longest that the renderer computed without asking whether to stop, of one whose steps take longer than that.

    In seconds of the processor, so that other programs on the machine do not count.
    """
    made, asked = renderer(model, steps=20, batch=4), []

    def report(fraction, text):
        asked.append(time.process_time())
        if asked[-1] - asked[0] > 8.0:
            raise Cancelled()

    try:
        list(made(figure(4, (256, 256)), SHOT, report))
    except Cancelled:
        return {"gap_s": float(np.diff(asked).max()), "asked": len(asked)}


def attention(model):
    """A ControlNet that asks within its attention beside the same one before: the difference, and how often it asked."""
    whole, pulses = renderer(model).pipeline.controlnet, []
    nets, found = getattr(whole, "nets", [whole]), {"most": 0.0, "size": []}
    told = nets[0].config
    rng = torch.Generator().manual_seed(0)
    words = torch.randn(3, 7, told.cross_attention_dim, generator=rng)
    given = dict(sample=torch.randn(3, 4, 16, 16, generator=rng), timestep=5, encoder_hidden_states=words, return_dict=False)
    side = 16 * 2 ** (len(told.conditioning_embedding_out_channels) - 1)
    pictures = torch.rand(3, 3, side, side, generator=rng)
    for one in nets:
        with torch.inference_mode():
            before = one(**given, controlnet_cond=pictures)
            ask_within(one, lambda: pulses.append(0))
            after = one(**given, controlnet_cond=pictures)
        for a, b in zip([*before[0], before[1]], [*after[0], after[1]]):
            found["most"] = max(found["most"], float((a - b).abs().max()))
        found["size"].append(float(before[1].abs().max()))
    return found | {"asked": len(pulses), "nets": len(nets)}


def errors(model, xl):
    """The codes of what is refused; whether this Python has scipy."""
    found, folder = {}, Path(sys.argv[-1])

    def refused(name, call):
        try:
            call()
            found[name] = None
        except PoseloomError as error:
            found[name] = [error.code, str(error)]

    def broken(name, change) -> str:
        shutil.copytree(model, folder / name)
        change(folder / name)
        return str(folder / name)

    def pickled(place):
        (place / "vae/diffusion_pytorch_model.safetensors").rename(place / "vae/diffusion_pytorch_model.bin")

    def cut(place):
        path = place / "unet/diffusion_pytorch_model.safetensors"
        path.write_bytes(path.read_bytes()[:5000])

    def flux(place):
        index = place / "model_index.json"
        index.write_text(index.read_text().replace("StableDiffusionPipeline", "FluxPipeline"))

    refused("missing", lambda: renderer("nobody/nothing"))
    refused("known", lambda: renderer("stable-diffusion-v1-5/stable-diffusion-v1-5"))
    refused("no_folder", lambda: renderer(str(folder / "none")))
    refused("no_part", lambda: renderer(broken("part", lambda p: shutil.rmtree(p / "unet"))))
    refused("pickled", lambda: renderer(broken("bin", pickled)))
    refused("cut", lambda: renderer(broken("cut", cut)))
    refused("flux", lambda: renderer(broken("flux", flux)))
    refused("no_index", lambda: renderer(str(Path(model) / "unet")))
    refused("other_control", lambda: renderer(model, pose=f"{xl}/controlnet_pose"))
    refused("other_lora", lambda: renderer(model, lora=f"{xl}/lora"))
    refused("scheduler", lambda: renderer(model, scheduler="magic"))
    refused("packages", lambda: renderer(model, scheduler="LMSDiscreteScheduler"))
    found["has_scipy"] = importlib.util.find_spec("scipy") is not None
    refused("no_depth", lambda: list(renderer(model, depth="")(figure(2), SHOT)))
    refused("no_reference", lambda: list(renderer(model, adapter=f"{model}/adapter")(figure(2), SHOT)))
    refused("device", lambda: renderer(model, device="tpu"))
    refused("steps", lambda: Options(steps=0))
    return found


def overflow(model):
    """A denoiser whose numbers run over in half precision, and one whose weights are no numbers."""
    words, made = [], renderer(model, precision="float16")
    with torch.no_grad():  # beyond 65504 inside, and the same result where numbers reach further
        first = made.pipeline.unet.mid_block.attentions[0].transformer_blocks[0].attn2.to_v
        wide = first.weight.float()
        first.weight.copy_(wide * (60000 / wide.abs().max()))
    frames = list(made(figure(2), SHOT, lambda f, text: words.append(text)))
    out = {"precision": frames[0].made["precision"], "said": any("float32" in w for w in words), "frames": len(frames)}
    damaged = renderer(model)
    with torch.no_grad():
        damaged.pipeline.unet.conv_in.weight[0] = float("nan")
    try:
        list(damaged(figure(2), SHOT))
    except PoseloomError as error:
        out["damaged"] = error.code
    return out


def memory(model):
    """What comes of one frame too large by far for the memory left, and of eight while more and more is left, by 8 MB.

    {"large": [code], "eight": [[code or the frames' numbers, how many at once the ControlNet was given], ...]}: until
    they are made.
    """
    guides, large = figure(8, (128, 128)), figure(1, (1024, 1024))
    made = renderer(model, batch=8, steps=1, guidance=1.0)
    sizes = []
    made.pipeline.controlnet.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    list(made(guides, SHOT))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()

    def within(megabytes, guides):
        sizes.clear()
        resource.setrlimit(resource.RLIMIT_AS, (used + (megabytes << 20), resource.RLIM_INFINITY))
        try:
            return [[frame.frame for frame in made(guides, SHOT)], sizes[:]]
        except PoseloomError as error:
            return [error.code, sizes[:]]
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    found = {"large": within(4, large), "eight": []}
    for megabytes in range(4, 400, 8):
        found["eight"].append(within(megabytes, guides))
        if found["eight"][-1][0] != "out_of_memory":
            break
    return found


def kernels(model):
    """Frames where oneDNN fails as it does when it once ran out of memory, against those before that."""
    made, tried = renderer(model, batch=2, steps=2, guidance=1.0), []
    before = [frame.rgb.astype(int) for frame in made(figure(2), SHOT)]

    def fail(module, inputs):
        tried.append([len(inputs[0]), torch.backends.mkldnn.enabled])
        if torch.backends.mkldnn.enabled:
            raise RuntimeError("could not create a primitive")

    made.pipeline.unet.register_forward_pre_hook(fail)
    after = [frame.rgb.astype(int) for frame in made(figure(2), SHOT)]
    most = max(int(np.abs(a - b).max()) for a, b in zip(after, before))
    return {"tried": tried, "frames": len(after), "most": most, "enabled": torch.backends.mkldnn.enabled}


if __name__ == "__main__":
    for line in sys.stdin:
        do = globals()[line.strip()]
        try:
            answer = do(*sys.argv[1 : 1 + do.__code__.co_argcount])
        except Exception:  # the boundary of a process: the test that asked shows it
            answer = {"failed": traceback.format_exc()}
        print("RESULT " + json.dumps(answer), flush=True)
