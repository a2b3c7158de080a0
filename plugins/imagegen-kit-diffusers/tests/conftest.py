"""A Stable Diffusion pipeline of random weights, built here: 7 MB, 64 × 64 pixels, no download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIDE = 64


def tiny_parts() -> dict[str, Any]:
    """The components of a pipeline, small and seeded; the tokenizer's vocabulary is the 256 bytes."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    ids = {"bos_token_id": start, "eos_token_id": end, "pad_token_id": end}  # CLIP pools at the first end token
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=SIDE // 2,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=8,
    )
    vae = AutoencoderKL(
        block_out_channels=(32, 64),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
    )
    text = CLIPTextConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, **ids
    )
    return {
        "unet": unet,
        "vae": vae,
        "text_encoder": CLIPTextModel(text),
        "tokenizer": CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77),
        "scheduler": DDIMScheduler(steps_offset=1, clip_sample=False),
    }


def refusing_checker() -> dict[str, Any]:
    """A safety checker that refuses every picture: its thresholds lie below any similarity."""
    import torch
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "image_size": 32,
        "patch_size": 8,
    }
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=16))
    with torch.no_grad():
        checker.concept_embeds_weights.fill_(-2.0)
        checker.special_care_embeds_weights.fill_(-2.0)
    size = {"height": 32, "width": 32}
    return {
        "safety_checker": checker,
        "feature_extractor": CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size),
    }


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Layers this small are slower on several threads, and far slower where other work keeps the processors busy."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pipeline, as ``save_pretrained`` writes it."""
    from diffusers import StableDiffusionPipeline

    unchecked = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    folder = tmp_path_factory.mktemp("models") / "tiny"
    StableDiffusionPipeline(**tiny_parts(), **unchecked).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def prim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pipeline whose safety checker refuses everything."""
    from diffusers import StableDiffusionPipeline

    folder = tmp_path_factory.mktemp("models") / "prim"
    StableDiffusionPipeline(**tiny_parts(), **refusing_checker()).save_pretrained(folder)
    return folder
