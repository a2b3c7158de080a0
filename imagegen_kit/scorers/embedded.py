"""What the scorers that look through an embedder share: which one, by what name it is told, and vectors of pictures."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, MissingDependency
from imagegen_kit.retrieval.embedders import load_embedder
from imagegen_kit.retrieval.embedders.model_folder import INSTALL, has_random_weights

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from imagegen_kit.retrieval.base import Embedder

RANDOM = "random weights, for tests"


def need_for(scorer: str, *packages: str) -> None:
    """Raise MissingDependency with the command that installs it where one of ``packages`` is not there."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingDependency(f"scorer {scorer!r}", package.replace("_", "-"), INSTALL)


def embedder_for(given: str | Embedder, scorer: str, *, texts: bool = False) -> Embedder:
    """Return the embedder that ``given`` names, loading it now; with ``texts`` one that reads them.

    Raises as ``load_embedder``: a model that is not on this machine is told with the command that fetches it, and
    nothing is ever fetched.
    """
    embedder = load_embedder(given)
    if texts and "text" not in embedder.modalities:
        hint = 'Name a CLIP or SigLIP model: embedder="clip:folder-or-id".'
        raise InvalidInput([Fault(f"{scorer} embedder", f"{embedder.name} embeds pictures only.", hint)])
    return embedder


def told(embedder: Embedder) -> str:
    """Return by what is measured: the model's name without the folders above it, and 12 digits of its fingerprint."""
    kind, colon, which = embedder.name.partition(":")
    name = f"{kind}{colon}{Path(which).name or which}"
    folder = getattr(embedder, "folder", None)
    if isinstance(folder, Path):
        name += f" ({RANDOM})" if has_random_weights(folder) else ""
    return f"{name} {embedder.fingerprint[:12]}"


def text_vectors(embedder: Embedder, texts: Sequence[str]) -> Mapping[str, np.ndarray[Any, Any]]:
    """Return the vector of each of ``texts``; each is embedded once."""
    distinct = list(dict.fromkeys(texts))
    return dict(zip(distinct, embedder.embed_texts(distinct), strict=True)) if distinct else {}


def tokens_read(embedder: Any, texts: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Return how many tokens each text has, and how many of them the model reads; nothing where it does not say."""
    if not texts or not hasattr(embedder, "token_counts"):
        return {text: {} for text in texts}
    limit = embedder.max_tokens
    counts = embedder.token_counts(texts)
    told = [{"tokens": n, "tokens_read": min(n, limit) if limit else n} for n in counts]
    return dict(zip(texts, told, strict=True))


class FirstToken:
    """A picture model's own first token ([CLS]) as the vector, which the DINO score is of (Ruiz et al. 2023).

    The embedder of the same model takes the mean of all its tokens.
    """

    modalities = frozenset({"image"})

    def __init__(self, embedder: Any) -> None:
        self._towers, self._batch, self.folder = embedder.towers, embedder.batch_size, embedder.folder
        self._turn = embedder._turn
        self.name, self.dimension = embedder.name, embedder.dimension
        self.fingerprint = hashlib.sha256(f"first token {embedder.fingerprint}".encode()).hexdigest()

    def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray[Any, Any]:
        """Return (n, dimension) float32 vectors of length 1."""
        import numpy as np

        from imagegen_kit.retrieval.embedders.given import checked_pictures, rgb_pictures, unit

        ready = checked_pictures(images)
        found = np.empty((len(ready), self.dimension), dtype=np.float32)
        for start in range(0, len(ready), self._batch):
            part = slice(start, start + self._batch)
            with self._turn:
                found[part] = self._first(rgb_pictures(ready[part]))
        return unit(found, self.name)

    def _first(self, images: list[Image.Image]) -> np.ndarray[Any, Any]:
        import torch

        device = self._towers.model.device
        given = {name: value.to(device) for name, value in self._towers.front.pixels(images, "pt").items()}
        with torch.inference_mode():
            tokens = self._towers.model[0]({**given, "modality": "image"})["token_embeddings"]
        first: np.ndarray[Any, Any] = tokens[:, 0].float().cpu().numpy()
        return first

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Raise InvalidInput: such a model reads no texts."""
        raise InvalidInput([Fault("texts", f"{self.name} embeds pictures only.")])


def by_first_token(embedder: Embedder) -> Embedder:
    """Return ``embedder``, or the first tokens of its model where that is a vision transformer without a text tower.

    A folder that says itself how its tokens are pooled (``modules.json``) is used as it says.
    """
    towers, folder = getattr(embedder, "towers", None), getattr(embedder, "folder", None)
    model = getattr(towers, "model", None)
    if model is None or "text" in embedder.modalities or not isinstance(folder, Path):
        return embedder
    if (folder / "modules.json").is_file() or not hasattr(model[0].auto_model.config, "patch_size"):
        return embedder
    return FirstToken(embedder)
