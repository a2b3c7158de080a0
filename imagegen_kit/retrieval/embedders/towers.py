"""``export_towers``: a model's towers for onnxruntime, and how far their vectors are from those of torch."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.files import write_whole
from imagegen_kit.retrieval.embedders.clip import ClipEmbedder
from imagegen_kit.retrieval.embedders.given import checked_pictures, rgb_pictures
from imagegen_kit.retrieval.embedders.model_folder import RANDOM_WEIGHTS, TOWERS, has_random_weights, need
from imagegen_kit.retrieval.embedders.onnx_towers import FILES, FORMAT
from imagegen_kit.retrieval.embedders.samples import sample_pictures

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

OPSET = 18
TEXTS = ("a red kite over the sea", "an old map", "fox", "a quiet harbour at night, in the rain, seen from above")


@dataclass(frozen=True, slots=True)
class TowersReport:
    """What was exported.

    ``pictures`` and ``texts`` are the cosines, one for each sample, of the exported tower's vector to that of torch in
    float32: 1.0 is the same direction. ``texts`` is empty where the model reads none.
    """

    folder: Path
    runtime: str
    bytes: int
    pictures: tuple[float, ...]
    texts: tuple[float, ...]

    def __str__(self) -> str:
        parts = [f"{self.runtime} towers in {self.folder.name} ({self.bytes / 1e6:.1f} MB); cosine to torch"]
        for name, cosines in (("pictures", self.pictures), ("texts", self.texts)):
            if cosines:
                mean = sum(cosines) / len(cosines)
                parts.append(f"{len(cosines)} {name}: least {min(cosines):.5f}, mean {mean:.5f}")
        return ", ".join(parts)


def export_towers(
    model: ClipEmbedder | str | Path,
    folder: str | Path,
    *,
    int8: bool = False,
    pictures: Sequence[Image.Image] | None = None,
) -> TowersReport:
    """Write the towers of ``model`` for onnxruntime into ``folder``, and compare their vectors with torch's.

    ``model`` is a ClipEmbedder run by torch, a folder or an id. With ``int8`` the weights of the towers are rounded to
    8 bits, which is faster on a CPU and moves each vector a little: the report says how far, for ``pictures`` (None:
    twelve drawn ones; your own tell more). Afterwards ``"clip:<folder>"`` is an embedder of its own, with a fingerprint
    of its own. Raises InvalidInput for a folder that is not empty, MissingDependency with the command that installs
    what is missing.
    """
    need("onnx", "onnxruntime")
    folder = Path(folder).expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput([Fault("folder", f"{folder.name!r} is there and not empty.", "Name another.")])
    embedder = model if isinstance(model, ClipEmbedder) else ClipEmbedder(model)
    if embedder.runtime != "torch":
        raise InvalidInput([Fault("model", f"{embedder.name} is exported already.", "Give the model itself.")])
    samples = rgb_pictures(checked_pictures(sample_pictures() if pictures is None else list(pictures)))
    if not samples:
        raise InvalidInput([Fault("pictures", "is empty.", "Give some, or leave it out.")])
    folder.mkdir(parents=True, exist_ok=True)
    front = embedder.towers.front
    front.processor.save_pretrained(folder)
    inputs: dict[str, Mapping[str, Any]] = {"image": front.pixels(samples[:2], "pt")}
    if "text" in embedder.modalities:
        inputs["text"] = front.tokens(list(TEXTS[:2]), "pt")
    for modality, example in inputs.items():
        _export(embedder.towers.model, modality, example, folder / FILES[modality], int8)
    said = {
        "format": FORMAT,
        "int8": int8,
        "modalities": sorted(inputs),
        "processed_by": embedder.towers.processed_by,
        "model_type": embedder.towers.model[0].config.model_type,
        "max_tokens": front.max_tokens,
        "source": {"model": embedder.name, "fingerprint": embedder.fingerprint},
    }
    if has_random_weights(embedder.folder):
        write_whole(folder / RANDOM_WEIGHTS, (embedder.folder / RANDOM_WEIGHTS).read_bytes())
    write_whole(folder / TOWERS, (json.dumps(said, indent=2) + "\n").encode())  # last: without it nothing is exported
    exported = ClipEmbedder(folder, batch_size=embedder.batch_size)
    texts = _cosines(*(e.embed_texts(TEXTS) for e in (embedder, exported))) if "text" in inputs else ()
    return TowersReport(
        folder,
        exported.runtime,
        sum((folder / FILES[m]).stat().st_size for m in inputs),
        _cosines(*(e.embed_images(samples) for e in (embedder, exported))),
        texts,
    )


def _cosines(one: np.ndarray, other: np.ndarray) -> tuple[float, ...]:
    return tuple(float(c) for c in (one * other).sum(axis=1))


def _export(model: Any, modality: str, example: Mapping[str, Any], path: Path, int8: bool) -> None:
    import torch

    names = list(example)

    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole = model

        def forward(self, *tensors: Any) -> Any:
            features = dict(zip(names, tensors, strict=True))
            return self.whole({**features, "modality": modality})["sentence_embedding"]

    axes = {name: {0: "batch", **({1: "tokens"} if modality == "text" else {})} for name in names}
    device = model.device
    tensors = tuple(example[name].to(device) for name in names)
    with TemporaryDirectory(dir=path.parent) as own:
        plain = Path(own) / path.name
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer speaks of its own age, and of constants in the model's code
            torch.onnx.export(
                Tower().eval(),
                tensors,
                str(plain),
                input_names=names,
                output_names=["vectors"],
                dynamic_axes={**axes, "vectors": {0: "batch"}},
                opset_version=OPSET,
                dynamo=False,
            )
        if not int8:
            plain.rename(path)
            return
        from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]
        from onnxruntime.quantization.shape_inference import quant_pre_process  # type: ignore[import-untyped]

        ready = Path(own) / f"ready-{path.name}"  # unprepared, it warns on the root logger, which gives that a handler
        quant_pre_process(plain, ready, skip_symbolic_shape=True, skip_optimization=True)
        # Only products of matrices: onnxruntime has no int8 convolution of this kind, and the tables of tokens and
        # positions take no time.
        quantize_dynamic(ready, path, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"])
