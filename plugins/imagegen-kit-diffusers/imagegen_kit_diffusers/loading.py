"""Pipelines by model and task, each loaded once; those of one model share their weights."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import MissingDependency, ProviderError
from imagegen_kit.providers.faults import shortened
from imagegen_kit_diffusers.models import DOWNLOAD, HUB_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit_diffusers.asks import Task
    from imagegen_kit_diffusers.models import Model

INDEX = "model_index.json"
_LOADING = threading.RLock()  # both libraries change settings of the whole process while they load


class Pipelines:
    """Loads at first use, on the thread that draws. ``device`` is a torch device, or "auto"."""

    def __init__(self, device: str = "auto", *, download: bool = False) -> None:
        self._device, self._download = device, download
        self._loaded: dict[tuple[str, Task], Any] = {}

    def get(self, model: Model, task: Task) -> Any:
        """Return the pipeline. Raises ProviderError where the weights are not there or cannot be loaded."""
        if (model.name, task) not in self._loaded:
            with _LOADING, _quiet():
                self._loaded[model.name, task] = self._load(model, task)
        return self._loaded[model.name, task]

    def _load(self, model: Model, task: Task) -> Any:
        diffusers = _diffusers()
        if task != "text":
            kind = diffusers.AutoPipelineForImage2Image if task == "image" else diffusers.AutoPipelineForInpainting
            base = self.get(model, "text")
            try:
                pipeline = kind.from_pipe(base)
            except ValueError as error:
                what = "takes no reference picture" if task == "image" else "takes no mask"
                words = f"diffusers/{model.name}: the pipeline {type(base).__name__} {what}: {shortened(str(error))}"
                raise ProviderError(words, paid=False) from error
        else:
            pipeline = self._load_weights(model, diffusers)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _load_weights(self, model: Model, diffusers: Any) -> Any:
        import torch

        device = self._device if self._device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        source = Path(model.source).expanduser()
        half = torch.device(device).type != "cpu"  # processors draw in full precision only
        try:
            pipeline = diffusers.AutoPipelineForText2Image.from_pretrained(
                str(source) if source.is_dir() else model.source,
                revision=model.revision,
                variant=model.variant,
                dtype=torch.float16 if half else torch.float32,
                local_files_only=not self._download,
            )
        except (OSError, ValueError) as error:
            raise absent(model, f"it cannot be loaded: {shortened(str(error))}") from error
        return pipeline.to(device)


def refuse_absent(model: Model) -> None:
    """Raise ProviderError, without importing torch, where the model's files are surely not on this machine."""
    folder = Path(model.source).expanduser()
    if folder.is_dir():
        if not (folder / INDEX).is_file():
            raise absent(model, f"the folder {model.source} holds no {INDEX}")
    elif not HUB_ID.fullmatch(model.source):
        raise absent(model, f"there is no folder {model.source}")
    else:
        from huggingface_hub import try_to_load_from_cache

        if not isinstance(try_to_load_from_cache(model.source, INDEX, revision=model.revision), str):
            raise absent(model, "its weights are not on this machine")


def absent(model: Model, why: str) -> ProviderError:
    """Return the error of a model that is not there: where it is a hub id, with the command that fetches it."""
    fix = "Name a folder that DiffusionPipeline.save_pretrained wrote, or a hub id."
    if HUB_ID.fullmatch(model.source) and not Path(model.source).is_dir():
        revision = f" --revision {model.revision}" if model.revision else ""
        fix = f"Fetch them with: hf download {model.source}{revision} (or set {DOWNLOAD}=1)."
    return ProviderError(f"diffusers/{model.name}: {why}. {fix}", retryable=False, paid=False)


def _diffusers() -> Any:
    try:
        import diffusers
        import torch  # noqa: F401  # diffusers imports without it, and then offers stand-ins that only raise
        import transformers  # noqa: F401  # the same
    except ModuleNotFoundError as error:
        package = error.name or "diffusers"
        raise MissingDependency("provider 'diffusers'", package, "pip install imagegen-kit-diffusers") from error
    return diffusers


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars and advice of both libraries out of the cell while weights are loaded."""
    _diffusers()
    from diffusers.utils import logging as of_diffusers
    from transformers.utils import logging as of_transformers

    before = [(talk, talk.get_verbosity(), talk.is_progress_bar_enabled()) for talk in (of_diffusers, of_transformers)]
    for talk, _, _ in before:
        talk.set_verbosity_error()
        talk.disable_progress_bar()
    try:
        yield
    finally:
        for talk, verbosity, bar in before:
            talk.set_verbosity(verbosity)
            if bar:
                talk.enable_progress_bar()
