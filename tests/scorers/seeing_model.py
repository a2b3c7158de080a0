"""A tiny LLaVA with random weights, written as the real ones are: it is asked about a picture and answers in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

WORDS = """Does this figure show ? Please answer yes or no. a red kite" "a blue fox" Yes No USER: ASSISTANT:""".split()  # noqa: SIM905  # reads as what is asked
TEMPLATE = (
    "{% for m in messages %}USER: {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image> {% else %}{{ c['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


def tiny_llava(folder: Path, template: str | None = TEMPLATE, words: tuple[str, ...] = tuple(WORDS)) -> Path:
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.utils import logging

    marks = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    vocabulary = {word: n for n, word in enumerate(dict.fromkeys(["<unk>", "<pad>", "<image>", "<s>", "</s>", *words]))}
    split = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    split.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=split, additional_special_tokens=["<image>"], model_max_length=128, **marks
    )
    layers: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(
            **layers, num_attention_heads=4, image_size=32, patch_size=8, projection_dim=32
        ),
        text_config=transformers.LlamaConfig(
            **layers, vocab_size=len(vocabulary), num_attention_heads=4, max_position_embeddings=256, pad_token_id=1
        ),
        image_token_index=2,
        image_seq_length=16,
    )
    torch.manual_seed(0)
    processor = transformers.LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        chat_template=template,
        num_additional_image_tokens=1,
    )
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    transformers.LlavaForConditionalGeneration(config).eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    if shown:
        logging.enable_progress_bar()
    return folder
