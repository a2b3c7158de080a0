"""The exported towers of a model, run by onnxruntime on a CPU: without torch, and several times as fast."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.retrieval.embedders.front import Front
from imagegen_kit.retrieval.embedders.model_folder import TOWERS, need

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

FORMAT = 1
FILES = {"image": "vision.onnx", "text": "text.onnx"}


class OnnxTowers:
    """The towers in a folder that ``export_towers`` has written."""

    def __init__(self, folder: Path) -> None:
        need("onnxruntime", "transformers")
        said = _described(folder)
        self.runtime = "onnx-int8" if said["int8"] else "onnx"
        self.modalities = frozenset(said["modalities"])
        self.processed_by = str(said["processed_by"])
        self.files = [folder / FILES[m] for m in sorted(self.modalities)]
        self.front = _front(folder, said)
        if type(self.front.images).__name__ != self.processed_by:
            what = f"{folder.name} was exported where {self.processed_by} made pictures ready, which is not so here."
            raise InvalidInput([Fault("model", what, "Export the model again.")])
        self.sessions = {m: _session(folder / FILES[m]) for m in self.modalities}

    def encode_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return (n, d) vectors of RGB pictures, of any length."""
        return self._run("image", self.front.pixels(images, "np"))

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, d) vectors of texts, of any length."""
        return self._run("text", self.front.tokens(texts, "np"))

    def _run(self, modality: str, features: Mapping[str, Any]) -> np.ndarray:
        session = self.sessions[modality]
        given = {i.name: features[i.name] for i in session.get_inputs()}
        found: np.ndarray = session.run(None, given)[0]
        return found


def _described(folder: Path) -> Mapping[str, Any]:
    try:
        said = json.loads((folder / TOWERS).read_text(encoding="utf-8"))
        if said["format"] == FORMAT and {"int8", "modalities", "processed_by", "model_type"} <= said.keys():
            found: Mapping[str, Any] = said
            return found
        what = f"is of format {said['format']!r}, not {FORMAT}."
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"cannot be read: {type(error).__name__}."
    raise InvalidInput([Fault("model", f"{folder.name}/{TOWERS} {what}", "Export the model again.")])


def _front(folder: Path, said: Mapping[str, Any]) -> Front:
    from transformers import AutoProcessor

    try:
        load: Any = AutoProcessor.from_pretrained  # without types
        processor = load(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # of transformers or the file system: no common base
        what = f"{folder.name} cannot be loaded: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise InvalidInput([Fault("model", what, "Export the model again.")]) from error
    limits = SimpleNamespace(model_type=said["model_type"], max_position_embeddings=said.get("max_tokens"))
    return Front(processor, limits)


def _session(path: Path) -> Any:
    import onnxruntime  # type: ignore[import-untyped]  # it has no types

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: what it says of unused initializers is of no use to anybody
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no base but this
        what = f"{path.name} cannot be loaded: {' '.join(str(error).split())[:300]}"
        raise InvalidInput([Fault("model", what, "Export the model again.")]) from error
