"""The fingerprint of a model: the sha256 of every file that changes its vectors.

Hashing the 600 MB of a ViT-B/32 takes about half a second or more, so the hash of a large file is kept in
``$XDG_CACHE_HOME/imagegen-kit/hashes.json`` (``~/.cache`` where that is not set) beside its size, inode and both its
times, and taken from there as long as all of them stay the same. What changes a file's bytes under all of these (a
failing disk) is not noticed here.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from imagegen_kit.errors import StoreError
from imagegen_kit.imaging.files import write_whole

LARGE = 16 * 2**20  # bytes; smaller files are hashed each time, in a hundredth of a second
_KEPT = 500
# What loading reads beside the weights. Of a tokenizer the first that is there: the others are older forms of it.
_CONFIGS = ("config.json", "modules.json", "sentence_bert_config.json", "preprocessor_config.json")
_TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("spiece.model",), ("vocab.txt",))


def fingerprint_of(folder: Path, weights: Iterable[Path], **also: Any) -> str:
    """Return 64 hex digits of the ``weights``, of what configures the model beside them, and of ``also``.

    The same files in another folder have the same fingerprint; READMEs and other forms of the weights change nothing.
    """
    weights = list(weights)
    files = dict.fromkeys(weights)
    for place in dict.fromkeys([folder, *(p.parent for p in weights)]):
        named = [*_CONFIGS, "processor_config.json"]
        named += next((group for group in _TOKENIZERS if (place / group[0]).is_file()), ())
        files.update(dict.fromkeys(place / name for name in named if (place / name).is_file()))
    parts = {"files": {p.relative_to(folder).as_posix(): sha256_of(p) for p in files}, **also}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, of a large one that has not changed as it was computed before."""
    path = path.resolve()
    state = path.stat()
    stamp = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    if state.st_size < LARGE:
        return _computed(path)
    known = _read()
    entry = known.get(str(path))
    if entry is not None and entry[:-1] == stamp:
        return str(entry[-1])
    found = _computed(path)
    _write({**{k: v for k, v in known.items() if k != str(path)}, str(path): [*stamp, found]})
    return found


def _computed(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _place() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imagegen-kit" / "hashes.json"


def _read() -> Mapping[str, list[Any]]:
    try:
        known = json.loads(_place().read_text(encoding="utf-8"))
        return {k: v for k, v in known.items() if isinstance(v, list) and len(v) == 5}
    except (OSError, ValueError, AttributeError, RuntimeError):  # not there, half a file, or no home
        return {}


def _write(known: Mapping[str, list[Any]]) -> None:
    try:
        write_whole(_place(), json.dumps(dict(list(known.items())[-_KEPT:])).encode())
    except (StoreError, OSError, RuntimeError):  # a home that cannot be written: it is hashed again next time
        return
