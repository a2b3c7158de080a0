"""Aesthetic scores: a linear head over the features of a CLIP model, from a file that cannot run code."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, MissingDependency
from imagegen_kit.scorers.base import Measurement, Subject
from imagegen_kit.scorers.embedded import embedder_for, need_for, told

if TYPE_CHECKING:
    import numpy as np

    from imagegen_kit.retrieval.base import Embedder

PICKLES = (".pth", ".pt", ".bin", ".ckpt", ".pkl", ".pickle", ".npy")
# The layers of LAION's second predictor; between them it has dropout only, so that they are one linear map. With other
# numbers there is an activation between the layers, and the map is another.
LAION = (0, 2, 4, 6, 7)
CONVERT = (
    'Convert it once, where you trust it: from safetensors.torch import save_file; save_file(torch.load("head.pth", '
    'weights_only=True), "head.safetensors").'
)


class Aesthetic:
    """weight · features + bias, the features being those of ``embedder`` at length 1.

    ``head`` is a ``.safetensors`` or ``.npz`` file: a weight of (d,) or (1, d) and a bias where there is one, or the
    five layers of LAION's predictor (``layers.0`` … ``layers.7``). What the numbers mean, and between which they lie,
    is the head's: LAION's are trained on ratings from 1 to 10.
    """

    def __init__(self, head: str | Path, embedder: str | Embedder = "clip") -> None:
        path = Path(head).expanduser()
        self._weight, self._bias = read_head(path)
        self._embedder = embedder_for(embedder, "aesthetic")
        if len(self._weight) != self._embedder.dimension:
            what = f"{path.name} is for {len(self._weight)} features, and {self._embedder.name} has "
            hint = "Name the model that it was trained on: 768 are those of a ViT-L/14, 512 of a ViT-B/32."
            raise InvalidInput([Fault("aesthetic embedder", f"{what}{self._embedder.dimension}.", hint)])
        digest = hashlib.sha256(self._weight.tobytes() + str(self._bias).encode()).hexdigest()
        self.feature = f"{told(self._embedder)}, {path.name} {digest[:12]}"

    def score(self, subjects: Sequence[Subject]) -> list[Measurement]:
        """Return one measurement a picture."""
        vectors = self._embedder.embed_images([subject.image for subject in subjects])
        return [Measurement(float(vector @ self._weight) + self._bias) for vector in vectors]


def read_head(path: Path) -> tuple[np.ndarray[Any, Any], float]:
    """Return weight (d,) float64 and bias of a linear head. Raises InvalidInput for any other file, and for pickles."""
    if path.suffix.lower() in PICKLES:
        what = f"{path.name} is, or may be, a pickle, and reading it would run whatever code is in it."
        raise InvalidInput([Fault("aesthetic head", what, CONVERT)])
    if not path.is_file():
        hint = "Give a .safetensors or .npz file with the weight and the bias of a linear head."
        raise InvalidInput([Fault("aesthetic head", f"there is no file {str(path)!r}.", hint)])
    parts = _tensors(path)
    if (layers := _laion(parts)) is not None:
        return layers
    weights = [v for k, v in parts.items() if k.rpartition(".")[2] == "weight"]
    biases = [v for k, v in parts.items() if k.rpartition(".")[2] == "bias"]
    if len(weights) != 1 or len(biases) > 1 or len(parts) != len(weights) + len(biases):
        raise _no_head(path, parts)
    weight, bias = weights[0], biases[0].ravel() if biases else [0.0]
    if weight.ndim > 2 or (weight.ndim == 2 and weight.shape[0] != 1) or len(bias) != 1:
        raise _no_head(path, parts)
    return weight.ravel(), float(bias[0])


def _laion(parts: Mapping[str, np.ndarray[Any, Any]]) -> tuple[np.ndarray[Any, Any], float] | None:
    """Return the five layers as one; None where ``parts`` are others."""
    import numpy as np

    names = {f"layers.{n}.{part}" for n in LAION for part in ("weight", "bias")}
    if set(parts) != names:
        return None
    weight, bias = np.eye(parts["layers.0.weight"].shape[1]), np.zeros(parts["layers.0.weight"].shape[1])
    for n in LAION:
        layer = parts[f"layers.{n}.weight"]
        weight, bias = layer @ weight, layer @ bias + parts[f"layers.{n}.bias"]
    return weight.ravel(), float(bias[0])


def _tensors(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    import numpy as np

    try:
        if path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as stored:
                read = {name: stored[name] for name in stored.files}
        elif path.suffix.lower() == ".safetensors":
            need_for("aesthetic", "safetensors")
            from safetensors.numpy import load_file

            read = load_file(path)
        else:
            hint = "Save it as .safetensors or .npz."
            raise InvalidInput([Fault("aesthetic head", f"{path.name} is of a kind that is not read.", hint)])
        found = {name: np.asarray(value, dtype=np.float64) for name, value in read.items()}
    except (MissingDependency, InvalidInput, MemoryError):
        raise
    except Exception as error:  # of numpy, zipfile or safetensors: no common base
        what = f"{path.name} cannot be read: {type(error).__name__}: {str(error)[:200]}"
        raise InvalidInput([Fault("aesthetic head", what, "Save it again as .safetensors or .npz.")]) from error
    if not all(np.isfinite(value).all() for value in found.values()):
        raise InvalidInput([Fault("aesthetic head", f"{path.name} holds numbers that are not finite.")])
    return found


def _no_head(path: Path, parts: Mapping[str, np.ndarray[Any, Any]]) -> InvalidInput:
    held = ", ".join(f"{name} {value.shape}" for name, value in list(parts.items())[:6]) or "nothing"
    hint = "A linear head has a `weight` of (1, features) or (features,), and a `bias` of one number or none."
    return InvalidInput([Fault("aesthetic head", f"{path.name} is no linear head: it holds {held}.", hint)])
