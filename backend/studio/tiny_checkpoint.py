"""Makes a checkpoint of Stable Diffusion's true classes that is small enough for tests: everything real but the size.

    python backend/studio/tiny_checkpoint.py OUT [--family sd|sdxl] [--seed 0] [--character [--minutes 12 | --steps N]]

OUT gets the parts of a diffusers checkpoint, `controlnet_pose` and `controlnet_depth` for it, and its companions: a tiny
decoder (`tiny_decoder`), a LoRA for few steps (`lora`) and, for sd, an IP-Adapter (`adapter`).  Its weights are random:
what comes out is coloured noise, and says nothing about any model but that the path works.  With --character the
denoiser, the pose ControlNet and the autoencoder learn one figure in front of plain walls (see tiny_character.py); the
companions stay random.  Runs in an environment with the extra `render`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    ControlNetModel,
    DDIMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

SIZE, FACTOR = 64, 4  # pixels of a side it is made for; pixels of a side to one of the latents
_TEXT, _TOKENS = 32, 24
_WORDS = "a the hero figure person man woman walks walking jumps jumping runs dances in front of wall plain red blue".split()
_CARD = """---
license: cc0-1.0
---
A checkpoint for tests, {parameters:.1f} million parameters. {truth}
Made by backend/studio/tiny_checkpoint.py, seed {seed}.
"""
RANDOM = "Its weights are random: its pictures are noise."
CHARACTER = (
    "It has seen one computer-drawn figure in clothes and before walls of many colours, {pictures} pictures, "
    "for {minutes:.0f} minutes of one processor core, and knows nothing else."
)


def tokenizer() -> CLIPTokenizer:
    """CLIP's own, with a vocabulary of all bytes and a few words."""
    from tokenizers.pre_tokenizers import ByteLevel

    letters = sorted(ByteLevel.alphabet())
    vocabulary, merges = [*letters, *(letter + "</w>" for letter in letters)], []
    for word in _WORDS:
        pieces = [*word[:-1], word[-1] + "</w>"]
        while len(pieces) > 1:
            merges.append((pieces[0], pieces[1]))
            pieces[:2] = ["".join(pieces[:2])]
            vocabulary.append(pieces[0])
    vocabulary = dict.fromkeys([*vocabulary, "<|startoftext|>", "<|endoftext|>"])
    return CLIPTokenizer(
        vocab={token: i for i, token in enumerate(vocabulary)}, merges=list(dict.fromkeys(merges)), model_max_length=_TOKENS
    )


def _text(words: CLIPTokenizer, projected: bool):
    config = CLIPTextConfig(
        vocab_size=len(words), hidden_size=_TEXT, intermediate_size=2 * _TEXT, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=_TOKENS, projection_dim=_TEXT, bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval()


def _denoiser(family: str) -> UNet2DConditionModel:
    more = {}
    if family == "sdxl":  # 6 numbers of 8 and the pooled text
        more = dict(addition_embed_type="text_time", addition_time_embed_dim=8, transformer_layers_per_block=1,
                    projection_class_embeddings_input_dim=6 * 8 + _TEXT)  # fmt: skip
    net = UNet2DConditionModel(
        sample_size=SIZE // FACTOR, block_out_channels=(32, 64, 64), layers_per_block=1, attention_head_dim=4,
        down_block_types=("CrossAttnDownBlock2D",) * 3, up_block_types=("CrossAttnUpBlock2D",) * 3, norm_num_groups=8,
        cross_attention_dim=(2 if family == "sdxl" else 1) * _TEXT, **more,
    )  # fmt: skip
    for name, layer in net.named_modules():  # by default it is so even that frames would hardly heed each other
        if name.endswith(("attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0")):
            torch.nn.init.normal_(layer.weight, std=0.19)
    return net


def _autoencoder() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(16, 32, 64), down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3, layers_per_block=1, norm_num_groups=8, sample_size=SIZE,
    )  # fmt: skip


def control(denoiser: UNet2DConditionModel, random: bool = True) -> ControlNetModel:
    """A ControlNet for it; a `random` one steers at once, where a fresh one begins without any effect."""
    net = ControlNetModel.from_unet(denoiser, conditioning_embedding_out_channels=(8, 16, 32))
    if random:
        zero = [*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out]
        for layer in zero:
            torch.nn.init.normal_(layer.weight, std=0.2)
    return net


def build(out: Path, family: str = "sd", seed: int = 0) -> Path:
    """The random checkpoint in folder `out`, with its ControlNets and companions; `out`."""
    torch.manual_seed(seed)
    out = Path(out)
    words, denoiser, vae = tokenizer(), _denoiser(family), _autoencoder()
    # v-prediction and a schedule that ends in pure noise: what steps well when steps are few
    steps = DDIMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, clip_sample=False, prediction_type="v_prediction",
        rescale_betas_zero_snr=True, timestep_spacing="trailing", steps_offset=1,
    )  # fmt: skip
    if family == "sdxl":
        pipeline = StableDiffusionXLPipeline(
            vae, _text(words, False), _text(words, True), words, tokenizer(), denoiser, steps, add_watermarker=False
        )
    else:
        pipeline = StableDiffusionPipeline(
            vae, _text(words, False), words, denoiser, steps, safety_checker=None, feature_extractor=None,
            requires_safety_checker=False,
        )  # fmt: skip
    pipeline.save_pretrained(out, safe_serialization=True)
    for kind in ("pose", "depth"):
        control(denoiser).save_pretrained(out / f"controlnet_{kind}")
    _tiny_decoder().save_pretrained(out / "tiny_decoder")
    _lora(denoiser, type(pipeline), out / "lora")
    if family == "sd":
        _adapter(denoiser, out / "adapter")
    write_card(out, denoiser, seed, RANDOM)
    return out


def write_card(out: Path, denoiser, seed: int, truth: str) -> None:
    parameters = sum(p.numel() for p in denoiser.parameters()) / 1e6
    (out / "README.md").write_text(_CARD.format(parameters=parameters, truth=truth, seed=seed), encoding="utf-8")


def _tiny_decoder() -> AutoencoderTiny:
    return AutoencoderTiny(
        encoder_block_out_channels=(16, 16, 16), decoder_block_out_channels=(16, 16, 16),
        num_encoder_blocks=(1, 1, 1), num_decoder_blocks=(1, 1, 1),
    )  # fmt: skip


def _lora(denoiser, pipeline, out: Path) -> None:
    """A LoRA of rank 2 over the attention's projections, as few-step distillations come."""
    weights = {}
    for name, layer in denoiser.named_modules():
        if name.endswith(("to_q", "to_k", "to_v", "to_out.0")):
            weights[f"{name}.lora_A.weight"] = torch.randn(2, layer.in_features) * 0.1
            weights[f"{name}.lora_B.weight"] = torch.randn(layer.out_features, 2) * 0.1
    pipeline.save_lora_weights(out, unet_lora_layers=weights)


def _adapter(denoiser, out: Path) -> None:
    """An IP-Adapter: an image encoder, four tokens made of what it sees, and keys and values for them."""
    CLIPVisionModelWithProjection(
        CLIPVisionConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32,
                         patch_size=8, projection_dim=_TEXT)
    ).save_pretrained(out / "image_encoder")  # fmt: skip
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32).save_pretrained(out / "image_encoder")
    weights = {
        "image_proj.proj.weight": torch.randn(4 * _TEXT, _TEXT) * 0.2, "image_proj.proj.bias": torch.zeros(4 * _TEXT),
        "image_proj.norm.weight": torch.ones(_TEXT), "image_proj.norm.bias": torch.zeros(_TEXT),
    }  # fmt: skip
    cross = [name for name in denoiser.attn_processors if "attn2" in name]
    for i, name in enumerate(cross):
        inner = denoiser.get_submodule(name.removesuffix(".processor")).to_k.out_features
        for part in ("to_k_ip", "to_v_ip"):
            weights[f"ip_adapter.{2 * i + 1}.{part}.weight"] = torch.randn(inner, _TEXT) * 0.2
    save_file(weights, out / "ip-adapter_tiny.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--family", choices=("sd", "sdxl"), default="sd")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--character", action="store_true", help="train it on one drawn figure")
    parser.add_argument("--minutes", type=float, default=12.0, help="of the processor's time, with --character")
    parser.add_argument("--steps", type=int, help="instead of minutes: of each of its two trainings")
    parser.add_argument("--pictures", type=int, default=1600, help="how many it learns from, with --character")
    chosen = parser.parse_args()
    build(chosen.out, chosen.family, chosen.seed)
    if chosen.character:
        import tiny_character

        tiny_character.train(chosen.out, chosen.minutes, chosen.seed, chosen.pictures, chosen.steps)
    print(f"{chosen.out} is there.")


if __name__ == "__main__":
    main()
