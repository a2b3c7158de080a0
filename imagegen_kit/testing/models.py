"""Small CLIP and SigLIP models with random weights, written as the real ones are, for tests that download nothing.

Two things fail silently when they are missed: CLIP pools a text at its first end token, so the ids of tokenizer and
model must agree; and a tokenizer that cuts later than the model has positions makes long texts fail. Needs
``pip install "imagegen-kit[clip]"``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from imagegen_kit.errors import MissingDependency
from imagegen_kit.retrieval.embedders.model_folder import RANDOM_WEIGHTS

START, END = "<|startoftext|>", "<|endoftext|>"
_WORDS = (
    "a picture of the red green blue small large square circle kite boat fox crane under over beside " * 20
).split()


def tiny_clip(folder: str | Path, *, full: bool = False, seed: int = 0, captions: Iterable[str] | None = None) -> Path:
    """Write a CLIP with random weights in the layout of sentence-transformers into ``folder``, and return it.

    64 dimensions, pictures of 32 × 32 pixels, 32 tokens and 0.3 MB; with ``full`` the shape of a ViT-B/32: 512
    dimensions, 224 × 224 pixels, 77 tokens and 600 MB. ``seed`` chooses the weights. From ``captions`` a vocabulary of
    words is learnt, so that texts have as many tokens as with a real one; without them each byte is a token. The
    vectors mean nothing: similar pictures are not near each other.
    """
    torch, transformers = _needed()
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    vocabulary, merges = _learnt(captions) if captions is not None else (_bytes(), [])
    side, tokens, shared = (224, 77, 512) if full else (32, 32, 64)
    shape = {"num_hidden_layers": 12, "projection_dim": shared} if full else _small(shared)
    text = {
        **shape,
        **({"hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8} if full else {}),
        "vocab_size": max(49408, len(vocabulary)) if full else len(vocabulary),
        "max_position_embeddings": tokens,
        "bos_token_id": vocabulary[START],
        "eos_token_id": vocabulary[END],
        "pad_token_id": vocabulary[END],
    }
    vision = {
        **shape,
        **({"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12} if full else {}),
        "image_size": side,
        "patch_size": 32 if full else 8,
    }
    torch.manual_seed(seed)
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=shared)
    pictures = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    words = transformers.CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=tokens)
    return _write(folder, transformers.CLIPModel(config), transformers.CLIPProcessor(pictures, words))


def tiny_siglip(folder: str | Path, *, seed: int = 0) -> Path:
    """Write a SigLIP with random weights: 32 dimensions, pictures of 32 × 32 pixels, texts of 16 tokens."""
    torch, transformers = _needed()
    try:
        import sentencepiece
    except ImportError as error:
        raise MissingDependency("tiny_siglip", "sentencepiece", 'pip install "imagegen-kit[clip]"') from error
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pieces = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_WORDS),
        model_writer=pieces,
        vocab_size=64,
        hard_vocab_limit=False,
        bos_id=-1,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        minloglevel=2,
    )
    vocabulary = folder / "spiece.model"
    vocabulary.write_bytes(pieces.getvalue())
    # As the published ones say: their text towers were trained without a mask, on texts padded to the end.
    words = transformers.SiglipTokenizer(str(vocabulary), model_max_length=16, model_input_names=["input_ids"])
    shape = {k: v for k, v in _small(32).items() if k != "projection_dim"}
    text = {
        **shape,
        "vocab_size": len(words),
        "max_position_embeddings": 16,
        "projection_size": 32,
        "bos_token_id": words.eos_token_id,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }
    vision = {**shape, "image_size": 32, "patch_size": 8}
    torch.manual_seed(seed)
    model = transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=vision))
    pictures = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return _write(folder, model, transformers.SiglipProcessor(pictures, words))


def _needed() -> tuple[Any, Any]:
    try:
        import sentence_transformers  # noqa: F401  # asked for here, so that its absence is told in plain words
        import torch
        import transformers
    except ImportError as error:
        install = 'pip install "imagegen-kit[clip]"'
        raise MissingDependency("imagegen_kit.testing.models", "sentence-transformers", install) from error
    return torch, transformers


def _small(shared: int) -> dict[str, int]:
    layers = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    return {**layers, "projection_dim": shared}


def _write(folder: str | Path, model: Any, processor: Any) -> Path:
    """Save as transformers does, then what sentence-transformers adds to a folder that it has loaded."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from transformers.utils import logging

    bars: Any = logging  # without types
    folder, shown = Path(folder), bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        model.eval().save_pretrained(folder)
        processor.save_pretrained(folder)
        whole = SentenceTransformer(modules=[Transformer(str(folder))], device="cpu")
        whole.save_pretrained(str(folder), create_model_card=False)
        (folder / RANDOM_WEIGHTS).write_text("A model for tests: its weights are random, its vectors mean nothing.\n")
    finally:
        if shown:
            bars.enable_progress_bar()
    return folder


def _bytes() -> dict[str, int]:
    """Each byte, each byte that ends a word, and the two marks: CLIP's own vocabulary begins like this."""
    from tokenizers.pre_tokenizers import ByteLevel

    alphabet = sorted(ByteLevel.alphabet())
    return {token: id for id, token in enumerate([*alphabet, *(f"{a}</w>" for a in alphabet), START, END])}


def _learnt(captions: Iterable[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    import json

    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=END))
    learner.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    words = pre_tokenizers.Split(Regex(r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"), "removed", invert=True)
    learner.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    trainer = trainers.BpeTrainer(
        vocab_size=4096,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
        special_tokens=[START, END],
        show_progress=False,
    )
    learner.train_from_iterator(captions, trainer)
    found = json.loads(learner.to_str())["model"]
    ends = {f"{a}</w>" for a in pre_tokenizers.ByteLevel.alphabet()} - set(found["vocab"])
    vocabulary = {**found["vocab"], **{token: len(found["vocab"]) + n for n, token in enumerate(sorted(ends))}}
    return vocabulary, [tuple(pair) for pair in found["merges"]]
