"""A model of sentence-transformers, run by torch."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.embedders.front import Front
from imagegen_kit.retrieval.embedders.model_folder import need

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image


class TorchTowers:
    """The model in a folder of sentence-transformers' layout, new or old, or of transformers alone.

    ``device`` None is a GPU where there is one. Weights are used as float32. No code of the folder's own is run.
    """

    runtime = "torch"

    def __init__(self, folder: Path, device: str | None) -> None:
        need("sentence_transformers", "torch")
        with quiet() as said:
            self.model = _loaded(folder, device)
        if any("MISSING" in text for text in said):
            what = f"the weights in {folder.name} lack parts of the model, which would be random numbers."
            raise InvalidInput([Fault("model", what, "Fetch the whole model again.")])
        first = self.model[0]
        self.modalities = frozenset(first.modalities) & {"image", "text"}
        if "image" not in self.modalities or "message" in first.modalities:  # a chat model wants its own template
            taken = ", ".join(map(str, first.modalities))
            what = f"{folder.name} takes {taken}, not pictures each by itself."
            raise InvalidInput([Fault("model", what, "Name a CLIP or SigLIP model.")])
        self.front = Front(first.processor, first.config)
        if self.front.tokenizer is None:
            self.modalities -= {"text"}
        self.processed_by = type(self.front.images).__name__  # torchvision's resizing gives other pixels than Pillow's

    def encode_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return (n, d) vectors of RGB pictures, of any length."""
        return self._forward("image", self.front.pixels(images, "pt"))

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, d) vectors of texts, of any length."""
        return self._forward("text", self.front.tokens(texts, "pt"))

    def _forward(self, modality: str, features: Any) -> np.ndarray:
        import torch

        device = self.model.device
        given = {name: value.to(device) for name, value in features.items()}
        with torch.inference_mode():
            out = self.model({**given, "modality": modality})["sentence_embedding"]
        found: np.ndarray = out.float().cpu().numpy()
        return found


def _loaded(folder: Path, device: str | None) -> Any:
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": "float32"},
        )
    except MemoryError:
        raise
    except Exception as error:  # of torch, transformers, safetensors or the file system: no common base
        said = " ".join(str(error).split())[:300]
        hint = "Fetch the whole model again, or name another."
        what = f"{folder.name} cannot be loaded: {type(error).__name__}: {said}"
        raise InvalidInput([Fault("model", what, hint)]) from error
    return model.eval()


@contextmanager
def quiet() -> Iterator[list[str]]:
    """Load without progress bars in the notebook; yield what transformers says of the weights, which it only logs."""
    from transformers.utils import logging as untyped

    bars: Any = untyped

    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(re.sub(r"\x1b\[\d*m", "", record.getMessage()))

    log, keep, shown = (
        logging.getLogger("transformers.modeling_utils"),
        Keep(logging.WARNING),
        bars.is_progress_bar_enabled(),
    )
    level = log.level
    log.addHandler(keep)
    log.setLevel(logging.WARNING - 1)  # at WARNING itself transformers also lists each layer, for many GPUs
    bars.disable_progress_bar()
    try:
        yield said
    finally:
        log.removeHandler(keep)
        log.setLevel(level)
        if shown:
            bars.enable_progress_bar()
