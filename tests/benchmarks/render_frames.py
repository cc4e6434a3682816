"""How alike, how sharp and how fast frames are, by the Python that has torch; run by render.py, or by itself:

    python tests/benchmarks/render_frames.py consistency CHECKPOINT [--sheet FILE.png]
    python tests/benchmarks/render_frames.py overhead
    python tests/benchmarks/render_frames.py gpu [--tiny CHECKPOINT]

consistency: `warp_ratio`, the mean difference between a frame and the one before it, moved by the true motion of the
body's mesh, over pixels that both show: with shared noise and attention across frames, to independent frames (the seed
of each is another), same prompt and guides; `sharp_ratio`, the variance of the Laplacian, likewise; `pose_iou` and
`pose_iou_independent`, how far the figure that was drawn covers the body that was meant (intersection over union with
the mesh's silhouette; the figure is what differs from the wall, told by the picture's left and right border).  Walks
and hops of other seeds than those that were trained on.

overhead: `overhead_share` of a run's time that is spent outside the denoiser, its ControlNet and the decoder, at SD 1.5's
size and 512 x 512, random weights: drawing the guide, words, scheduler, attention's bookkeeping, PNG on disk.

gpu: `gpu_fps_512`, frames a second of SD 1.5 with ControlNet, random weights, 512 x 512, 4 steps, without guidance, bf16,
compiled, tiny decoder; `gpu_ratio` to diffusers' own pipeline in float16, one frame at a time, its own decoder.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from poseloom.motion import openpose, png
from poseloom.motion.pictures import Guides, Shot
from poseloom.motion.skeleton import standard
from poseloom.motion.types import Camera, Motion
from poseloom.render import guides as drawing
from poseloom.render import parts, provenance
from poseloom.render.controlnet import ControlNet, Options

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "backend" / "studio"))
CLIPS, FRAMES, SEED = 4, 12, 900
_SD15 = dict(  # the sizes of Stable Diffusion 1.5
    unet=dict(sample_size=64, cross_attention_dim=768),
    vae=dict(block_out_channels=(128, 256, 512, 512), down_block_types=("DownEncoderBlock2D",) * 4,
             up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=2, sample_size=512),
)  # fmt: skip


def consistency(model: str, sheet: Path | None = None, **options) -> dict:
    import tiny_pictures

    rng, stage = np.random.default_rng(SEED), tiny_pictures.Stage()
    ways = {"ours": {}, "alone": {"shared_noise": False, "cross_frame": False}}
    rows, found = [], {(way, what): [] for way in ways for what in ("warp", "sharp", "iou")}
    for clip in range(CLIPS):
        bones = stage.play(tiny_pictures.walking(rng, FRAMES, hop=clip % 2 == 1))
        shown = [stage.guides(pose, i) for i, pose in enumerate(bones)]
        masks = [stage.draw(pose, tiny_pictures.Look.random(rng))[1] > 0.5 for pose in bones]
        flows = [stage.backward(a, b) for a, b in zip(bones[:-1], bones[1:])]
        rows.append([g.pose for g in shown])
        for way, more in ways.items():
            chosen = {"model": model, "steps": 12, "guidance": 1.0, "batch": 6, "key_every": 6, "device": "cpu"}
            made = ControlNet(Options(**{**chosen, **(options if way == "ours" else {}), **more}))
            frames = {f.frame: f.rgb.astype(np.float64) for f in made(shown, Shot("the hero", seed=SEED + 100 * clip))}
            pictures = [frames[i] for i in range(len(bones))]
            rows.append([p.astype(np.uint8) for p in pictures])
            found[way, "warp"] += [_warp_error(a, b, *flow) for a, b, flow in zip(pictures[:-1], pictures[1:], flows)]
            found[way, "sharp"] += [_laplacian(p) for p in pictures]
            found[way, "iou"] += [_iou(_figure(p), mask) for p, mask in zip(pictures, masks)]
    if sheet:
        png.write(sheet, np.concatenate([np.concatenate(row[:8], axis=1) for row in rows]))
    mean = {key: float(np.mean(values)) for key, values in found.items()}
    return {
        "warp_ratio": mean["ours", "warp"] / mean["alone", "warp"], "warp_ours": mean["ours", "warp"],
        "warp_independent": mean["alone", "warp"], "sharp_ratio": mean["ours", "sharp"] / mean["alone", "sharp"],
        "pose_iou": mean["ours", "iou"], "pose_iou_independent": mean["alone", "iou"],
    }  # fmt: skip


def _warp_error(before, after, place, seen) -> float:
    """Mean difference (0..255) of `after` (H,W,3) to what was at `place` (H,W,2) in `before`, where it was seen (H,W)."""
    high, wide = before.shape[:2]
    x, y = np.clip(place[..., 0] - 0.5, 0, wide - 1.001), np.clip(place[..., 1] - 0.5, 0, high - 1.001)
    x0, y0 = x.astype(int), y.astype(int)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    top = before[y0, x0] * (1 - fx) + before[y0, x0 + 1] * fx
    low = before[y0 + 1, x0] * (1 - fx) + before[y0 + 1, x0 + 1] * fx
    return float(np.abs(after - (top * (1 - fy) + low * fy))[seen].mean())


def _laplacian(rgb) -> float:
    grey = rgb.mean(-1)
    inner = grey[1:-1, 1:-1]
    return float((grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner).var())


def _figure(rgb) -> np.ndarray:
    """(H,W) what differs from the wall, whose colour in each row is that of the borders."""
    wall = np.median(np.concatenate([rgb[:, :6], rgb[:, -6:]], axis=1), axis=1, keepdims=True)
    return np.abs(rgb - wall).max(-1) > 24


def _iou(a, b) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


def overhead() -> dict:
    torch.set_num_threads(1)
    made = _full_size(Options(steps=2, guidance=1.0, batch=1, device="cpu"))
    spent, began = [0.0], [0.0]
    for net in (made.pipeline.unet, made.pipeline.controlnet):
        net.register_forward_pre_hook(lambda *_: began.__setitem__(0, time.perf_counter()))
        net.register_forward_hook(lambda *_: spent.__setitem__(0, spent[0] + time.perf_counter() - began[0]))
    decode = made.decoder.decode

    def timed(*words, **more):
        start = time.perf_counter()
        out = decode(*words, **more)
        spent[0] += time.perf_counter() - start
        return out

    made.decoder.decode = timed
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        for frame in made(_figures(1, 512), Shot("a knight walks")):
            png.write(Path(folder) / "frame.png", frame.rgb, provenance.words(frame.made))
        whole = time.perf_counter() - start
    return {"overhead_share": 1 - spent[0] / whole, "overhead_ms_frame": 1e3 * (whole - spent[0]), "run_s": whole}


def gpu(tiny: str | None = None, count: int = 64, batch: int = 16) -> dict:
    """On the CPU only with a tiny checkpoint, to see that it runs."""
    device, size = ("cpu", 64) if tiny else ("cuda", 512)
    options = Options(steps=4, guidance=1.0, batch=batch, key_every=batch, device=device, compile=not tiny,
                      precision="float32" if tiny else "bfloat16", scheduler="lcm")  # fmt: skip
    if tiny is None:
        made = _full_size(options)
    else:
        made = ControlNet(Options(**{**vars(options), "model": tiny, "decoder": f"{tiny}/tiny_decoder"}))
    shown, shot = _figures(count, size), Shot("a knight walks")
    list(made(shown[: 2 * batch + 1], shot))  # compiles
    ours = _seconds(lambda: list(made(shown, shot)), device)
    plain = made.pipeline
    if tiny is None:
        plain = _full_size(Options(steps=4, guidance=1.0, device=device, precision="float16", scheduler="lcm"), small=False).pipeline
    else:
        plain = parts.load(tiny, {"pose": ""}, torch.float32)
        plain.scheduler = parts.scheduler(plain, "lcm")

    def theirs():
        for guide in shown[:8]:
            picture = torch.from_numpy(np.array(guide.pose)).permute(2, 0, 1)[None].to(plain.unet.device, plain.unet.dtype) / 255
            with torch.inference_mode():
                plain(shot.prompt, picture, num_inference_steps=4, guidance_scale=1.0, output_type="np")

    theirs()
    fps = count / ours
    return {"gpu_fps_512": fps, "gpu_ratio": fps * _seconds(theirs, device) / 8}


def _seconds(call, device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _full_size(options: Options, small: bool = True) -> ControlNet:
    """SD 1.5 in its true size with random weights, written as a checkpoint in float16 and loaded as any other."""
    from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from tiny_checkpoint import tokenizer
    from transformers import CLIPTextConfig, CLIPTextModel

    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        words = tokenizer()
        text = CLIPTextModel(CLIPTextConfig(
            vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
            projection_dim=768, eos_token_id=words.eos_token_id,
        )).half()  # fmt: skip
        unet = UNet2DConditionModel(**_SD15["unet"]).half()
        steps = PNDMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, skip_prk_steps=True, steps_offset=1)
        StableDiffusionPipeline(
            AutoencoderKL(**_SD15["vae"]).half(), text, words, unet, steps, None, None, requires_safety_checker=False
        ).save_pretrained(folder)
        ControlNetModel.from_unet(unet, load_weights_from_unet=False).half().save_pretrained(f"{folder}/controlnet_pose")
        AutoencoderTiny().half().save_pretrained(f"{folder}/tiny_decoder")
        del unet, text
        decoder = f"{folder}/tiny_decoder" if small and options.device != "cpu" else ""
        return ControlNet(Options(**{**vars(options), "model": folder, "decoder": decoder}))


class _figures(list):
    """Guides of a figure that turns, `count` of them, drawn when asked for."""

    def __init__(self, count: int, size: int):
        turn = np.linspace(0.0, 1.0, count)
        lrot = np.tile([1.0, 0, 0, 0], (count, 22, 1))
        lrot[:, 0, 0], lrot[:, 0, 3] = np.cos(turn), np.sin(turn)
        points = openpose.of_motion(Motion(standard(), lrot, np.zeros((count, 3)) + [0, 0, 0.96], 12.0))
        world = np.array([[1.0, 0, 0, 0], [0, 0, -1, -4.0], [0, 1, 0, 0.9], [0, 0, 0, 1]])
        self.camera = Camera(np.array([[1.7 * size, 0, size / 2], [0, 1.7 * size, size / 2], [0, 0, 1]]), world, (size, size))
        super().__init__(points)

    def __getitem__(self, i) -> Guides:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        return drawing.make(i, [1], super().__getitem__(i)[None], self.camera, drawing.Look(hands=False, face=False))


def main(words=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(dest="what", required=True)
    alike = sub.add_parser("consistency")
    alike.add_argument("model")
    alike.add_argument("--sheet", type=Path)
    alike.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="options of ours, such as blend=0.5")
    sub.add_parser("overhead")
    sub.add_parser("gpu").add_argument("--tiny", metavar="CHECKPOINT", help="on the CPU with this one, to see that it runs")
    chosen = parser.parse_args(words)
    if chosen.what == "consistency":
        found = consistency(chosen.model, chosen.sheet, **{n: json.loads(v) for n, v in (w.split("=") for w in chosen.set)})
    else:
        found = overhead() if chosen.what == "overhead" else gpu(chosen.tiny)
    print("RESULT " + json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
