"""CLIP, SigLIP and their kin: vectors that pictures and texts share, by a model on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, PluginError
from imagegen_kit.retrieval.embedders.given import checked_pictures, plain_texts, rgb_pictures, unit
from imagegen_kit.retrieval.embedders.model_folder import TOWERS, find_model, weights_of
from imagegen_kit.retrieval.embedders.model_hash import fingerprint_of

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

DEFAULT_MODEL = "sentence-transformers/clip-ViT-B-32"
RUNTIMES = ("torch", "onnx", "onnx-int8")
CODE = 1  # raise it when the same files give other vectors


class ClipEmbedder:
    """Embeds pictures, and texts where the model reads them, with a CLIP or SigLIP model.

    ``model`` is a local folder (of sentence-transformers, new or old, of transformers, or of ``export_towers``) or an
    id that the model cache holds; nothing is ever fetched. ``device`` is torch's ("cpu", "cuda"; None: a GPU where
    there is one). ``batch_size`` pictures or texts are computed at once. ``runtime`` None is what the folder is made
    for: "torch", or "onnx" and "onnx-int8" for exported towers. Raises InvalidInput with the command that fetches a
    missing model, and MissingDependency with the one that installs sentence-transformers.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        device: str | None = None,
        batch_size: int = 32,
        runtime: str | None = None,
    ) -> None:
        _check(batch_size, runtime)
        folder = find_model(model)
        exported = (folder / TOWERS).is_file()
        if exported:
            from imagegen_kit.retrieval.embedders.onnx_towers import OnnxTowers

            self.towers: Any = OnnxTowers(folder)
        elif runtime not in (None, "torch"):
            int8 = ", int8=True" if runtime == "onnx-int8" else ""
            hint = f'Export it once: export_towers({str(model)!r}, "towers"{int8}), and name the folder "towers".'
            raise InvalidInput([Fault("runtime", f"{str(model)!r} is not exported for {runtime!r}.", hint)])
        else:
            from imagegen_kit.retrieval.embedders.torch_towers import TorchTowers

            self.towers = TorchTowers(folder, device)
        if runtime not in (None, self.towers.runtime):
            what = f"{str(model)!r} was exported for {self.towers.runtime!r}, not for {runtime!r}."
            raise InvalidInput([Fault("runtime", what, "Leave it out, or export the model again.")])
        self.name = f"clip:{model}"
        self.folder, self.batch_size, self.runtime = folder, batch_size, self.towers.runtime
        self.modalities: frozenset[str] = self.towers.modalities
        self._turn = threading.Lock()  # tokenizers keep how to pad and cut as state
        self.dimension = self._probed()
        self.fingerprint = self._fingerprint()

    def _probed(self) -> int:
        from PIL import Image

        return int(self._in_turn(self.towers.encode_images, [Image.new("RGB", (64, 64), "grey")]).shape[1])

    def _fingerprint(self) -> str:
        weights = self.towers.files if hasattr(self.towers, "files") else weights_of(self.folder)
        return fingerprint_of(
            self.folder,
            weights,
            code=CODE,
            runtime=self.runtime,
            processed_by=self.towers.processed_by,
            dimension=self.dimension,
            padding=self.towers.front.padding,
        )

    def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return (n, dimension) float32 vectors of length 1; transparent pictures are seen on white.

        Raises InvalidInput for what is no PIL image, cannot be decoded, or has more than 50 megapixels; PluginError
        where the model answers with NaN.
        """

        def encode(batch: list[Image.Image]) -> np.ndarray:
            found: np.ndarray = self.towers.encode_images(rgb_pictures(batch))
            return found

        return self._batched(checked_pictures(images), encode, range(len(images)))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, dimension) float32 vectors of length 1; a text is text, whatever it looks like.

        What is longer than the model reads is cut. Raises InvalidInput where the model reads no texts.
        """
        if "text" not in self.modalities:
            hint = "Search by pictures, or name a CLIP or SigLIP model."
            raise InvalidInput([Fault("embedder", f"{self.name} embeds pictures only.", hint)])
        ready = plain_texts(texts)
        order = sorted(range(len(ready)), key=lambda place: len(ready[place]))  # little padding within a batch
        return self._batched(ready, self.towers.encode_texts, order)

    @property
    def max_tokens(self) -> int | None:
        """How many tokens of a text the model reads; None where it does not say."""
        limit: int | None = self.towers.front.max_tokens
        return limit

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has, with the marks at its ends; what is beyond ``max_tokens`` is cut."""
        ready = plain_texts(texts)
        with self._turn:
            found: list[int] = self.towers.front.lengths(ready)
        return found

    def _batched(
        self, things: Sequence[Any], encode: Callable[[list[Any]], np.ndarray], order: Sequence[int]
    ) -> np.ndarray:
        import numpy as np

        found = np.empty((len(things), self.dimension), dtype=np.float32)
        for start in range(0, len(things), self.batch_size):
            places = list(order[start : start + self.batch_size])
            found[places] = self._in_turn(encode, [things[place] for place in places])
        return unit(found, self.name)

    def _in_turn(self, encode: Callable[[list[Any]], np.ndarray], things: list[Any]) -> np.ndarray:
        with self._turn:
            try:
                return encode(things)
            except (InvalidInput, MemoryError):
                raise
            except Exception as error:  # of torch, onnxruntime or the processor: no common base
                said = " ".join(str(error).split())[:300]
                raise PluginError(
                    f"clip: the model in {self.folder.name} failed: {type(error).__name__}: {said}"
                ) from error

    def __repr__(self) -> str:
        return (
            f"ClipEmbedder({self.name.removeprefix('clip:')!r}, runtime={self.runtime!r}, dimension={self.dimension})"
        )


def _check(batch_size: object, runtime: object) -> None:
    faults = []
    if type(batch_size) is not int or batch_size < 1:
        faults.append(Fault("batch_size", f"{batch_size!r} is not a whole number from 1."))
    if runtime is not None and runtime not in RUNTIMES:
        faults.append(Fault("runtime", f"{runtime!r} is not one of {', '.join(RUNTIMES)}."))
    if faults:
        raise InvalidInput(faults)
