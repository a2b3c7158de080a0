"""Preference models of Hugging Face from a folder: dual encoders such as PickScore, and ones that answer yes or no."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.embedders.model_folder import find_model
from imagegen_kit.scorers.base import Measurement, Subject
from imagegen_kit.scorers.embedded import embedder_for, need_for, text_vectors, tokens_read, told
from imagegen_kit.scorers.yes_or_no import QUESTION, YesOrNo


class Preference:
    """What a model that was trained on people's choices says of a picture and its prompt.

    ``model`` is a local folder, or an id that the model cache holds; nothing is fetched, and no code of the folder is
    run. A dual encoder (PickScore, HPS and others in the form of CLIP or SigLIP) gives exp(logit scale) · cos, plus its
    bias where it has one: only differences between pictures of one prompt mean something. A chat model that sees
    (LLaVA, Qwen-VL …) gives the probability of "yes" to ``question`` with the prompt in place of {}, from 0 to 1
    (VQAScore, Lin et al. 2024). ``device`` is torch's; None: a GPU where there is one.
    """

    def __init__(self, model: str | Path, *, question: str = QUESTION, device: str | None = None) -> None:
        need_for("preference", "transformers", "torch", "sentence_transformers")
        folder = find_model(model)
        kind = _model_type(folder)
        self._asked: DualEncoder | YesOrNo
        if _answers(kind):
            self._asked = YesOrNo(folder, question, device)
        elif question != QUESTION:
            what = f"{folder.name} is a {kind or 'model'} that is asked nothing."
            raise InvalidInput([Fault("preference question", what, "Leave `question` out.")])
        else:
            self._asked = DualEncoder(model, device)
        self.feature = self._asked.feature

    def score(self, subjects: Sequence[Subject]) -> list[Measurement]:
        """Return one measurement a picture; None where there is no prompt."""
        asked = [s for s in subjects if s.prompt.strip()]
        found = iter(self._asked.measure(asked))
        return [next(found) if s.prompt.strip() else Measurement(None, "has no prompt") for s in subjects]


class DualEncoder:
    """A CLIP or SigLIP that was trained on preferences."""

    def __init__(self, model: str | Path, device: str | None) -> None:
        from imagegen_kit.retrieval.embedders.clip import ClipEmbedder

        self._embedder = ClipEmbedder(model, device=device)
        embedder_for(self._embedder, "preference", texts=True)
        towers = self._embedder.towers
        inner: Any = towers.model[0].auto_model if hasattr(towers, "model") else None
        if getattr(inner, "logit_scale", None) is None:
            what = f"{self._embedder.folder.name} has no logit scale, so its cosines are no preferences."
            hint = "Name the model's own folder (not exported towers), or use the scorer clip_score."
            raise InvalidInput([Fault("preference model", what, hint)])
        bias = getattr(inner, "logit_bias", None)
        self._scale = float(inner.logit_scale.detach().exp())
        self._bias = 0.0 if bias is None else float(bias.detach())
        self.feature = f"{told(self._embedder)}, logit scale {self._scale:.4g}"

    def measure(self, subjects: Sequence[Subject]) -> list[Measurement]:
        """Return one measurement for each picture, all of which have a prompt."""
        texts = text_vectors(self._embedder, [s.prompt for s in subjects])
        read = tokens_read(self._embedder, list(texts))
        vectors = self._embedder.embed_images([s.image for s in subjects])
        return [
            Measurement(self._scale * float(vector @ texts[s.prompt]) + self._bias, details=read[s.prompt])
            for vector, s in zip(vectors, subjects, strict=True)
        ]


def _model_type(folder: Path) -> str:
    """Return what config.json says that the model is; empty where it says nothing."""
    try:
        said = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return str(said.get("model_type", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _answers(model_type: str) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    return model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
