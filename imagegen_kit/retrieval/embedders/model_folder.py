"""Where a model lies on this machine. Nothing here, and nothing that loads it, asks the network."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

from imagegen_kit.errors import Fault, InvalidInput, MissingDependency

INSTALL = 'pip install "imagegen-kit[clip]"'
TOWERS = "towers.json"  # what export_towers writes last
RANDOM_WEIGHTS = "random-weights.txt"  # beside weights that nobody trained: a model for tests
_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
_WEIGHTS = ("*.safetensors", "*.bin")


def need(*packages: str) -> None:
    """Raise MissingDependency with the command that installs it where one of ``packages`` is not there."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingDependency("embedder 'clip'", package.replace("_", "-"), INSTALL)


def find_model(model: str | Path) -> Path:
    """Return the absolute folder of ``model``: itself, or where the cache of models keeps the id.

    A name without a slash is looked for under ``sentence-transformers/`` as well. Raises InvalidInput, in less than a
    second, with the command that fetches what is not there.
    """
    folder = Path(model).expanduser()
    try:
        is_folder, is_file = folder.is_dir(), folder.is_file()
    except (OSError, ValueError):  # too long for a name, or a NUL
        is_folder = is_file = False
    if is_folder:
        return _with_weights(folder.absolute(), f"the folder {str(model)!r}", "")
    if is_file:
        raise _refused(f"{str(model)!r} is a file.", "Give the folder that it lies in.")
    if not _ID.fullmatch(str(model)) or str(model).startswith("."):
        hint = 'Give a folder that is there, or an id like "sentence-transformers/clip-ViT-B-32".'
        raise _refused(f"there is no folder {str(model)[:200]!r}, and it is no id of a model.", hint)
    ids = [str(model)] if "/" in str(model) else [f"sentence-transformers/{model}", str(model)]
    fetch = f"Fetch it once, on a machine with a connection: hf download {ids[0]}"
    for id in ids:
        found = _cached(id)
        if found is not None:
            return _with_weights(found, f"the cached copy of {id!r}", fetch)
    hint = f"{fetch} (or give a local folder)."
    raise _refused(f"there is no folder {str(model)!r}, and no model of that id is in the cache.", hint)


def _cached(id: str) -> Path | None:
    need("huggingface_hub")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    own = os.environ.get("SENTENCE_TRANSFORMERS_HOME")  # where sentence-transformers keeps what it has fetched
    for cache in (own, None) if own else (None,):
        try:
            return Path(snapshot_download(id, cache_dir=cache, local_files_only=True))
        except LocalEntryNotFoundError:
            continue
        except HFValidationError as error:
            raise _refused(f"{id!r} is no id of a model.", 'Write it as "owner/name".') from error
    return None


def _with_weights(folder: Path, what: str, fetch: str) -> Path:
    if (folder / TOWERS).is_file() or any(weights_of(folder)):
        return folder
    hint = fetch or f"Put a whole model there, with its weights: hf download <owner/name> --local-dir {folder.name}"
    raise _refused(f"{what} holds no weights (model.safetensors).", hint)


def weights_of(folder: Path) -> list[Path]:
    """Return the files of weights in a model's folder and in those of its modules, sorted.

    Of a folder that has both, the ``.safetensors``: what else lies there is another form of the same.
    """
    inner = sorted(p for p in folder.iterdir() if p.is_dir() and re.fullmatch(r"\d+(_\w+)?", p.name))
    found: list[Path] = []
    for place in (folder, *inner):
        found += next((files for pattern in _WEIGHTS if (files := sorted(place.glob(pattern)))), [])
    return found


def has_random_weights(folder: Path) -> bool:
    """Say whether the model in ``folder`` is marked as one for tests, whose vectors mean nothing."""
    return (folder / RANDOM_WEIGHTS).is_file()


def _refused(what: str, hint: str) -> InvalidInput:
    return InvalidInput([Fault("model", what, hint)])
