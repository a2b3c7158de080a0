"""What is made of a lot: its rows, its vectors and a manifest, in a folder of their own until they are merged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from imagegen_kit.errors import CorruptArtifact, StoreError
from imagegen_kit.retrieval.index.files import Mark, sha256_of, write_whole
from imagegen_kit.retrieval.library.candidate import Candidate
from imagegen_kit.retrieval.library.looking import Facts
from imagegen_kit.retrieval.library.rows import stored_path
from imagegen_kit.retrieval.library.seeing import Seen
from imagegen_kit.retrieval.lots.lot import FORMAT

MANIFEST: Final = "lot.json"  # written last: a lot without it was never finished
ROWS: Final = "rows.jsonl"
VECTORS: Final = "vectors.npy"
_FACTS = ("sha256", "format", "width", "height", "size_bytes", "dhash", "phash")
_DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, RecursionError)


@dataclass(frozen=True, slots=True)
class Made:
    """The pictures of a lot as they were seen, and (n, dimension) float32 vectors of those that have ``look``."""

    seen: Sequence[Seen]
    vectors: np.ndarray


def without_pixels(seen: Seen) -> Seen:
    """Return what was seen without the picture itself, of which a lot would hold hundreds in memory."""
    picture, look = seen.candidate.picture, seen.look
    candidate = replace(seen.candidate, picture=picture if isinstance(picture, Path) else None)
    facts = None if look is None else Facts(**{name: getattr(look, name) for name in _FACTS})
    return replace(seen, candidate=candidate, look=facts)


def is_made(folder: Path) -> bool:
    """Whether a lot's folder holds all of it."""
    return (folder / MANIFEST).is_file()


def write_made(folder: Path, seen: Sequence[Seen], vectors: np.ndarray, fingerprint: str) -> None:
    """Write what was made of a lot: whole, or not at all. Raises StoreError."""
    lines = "".join(json.dumps(_line(one), ensure_ascii=True) + "\n" for one in seen)
    marks = {
        ROWS: write_whole(folder / ROWS, lambda part: part.write_text(lines, encoding="ascii")),
        VECTORS: write_whole(folder / VECTORS, lambda part: np.save(part, vectors)),
    }
    told = {
        "format": FORMAT, "fingerprint": fingerprint, "pictures": len(seen), "vectors": len(vectors),
        "files": {name: _plain(mark) for name, mark in marks.items()},
    }  # fmt: skip
    write_whole(folder / MANIFEST, lambda part: part.write_text(json.dumps(told, indent=1), encoding="ascii"))


def read_made(folder: Path, home: Path, fingerprint: str) -> Made:
    """Return what was made of a lot; ``home`` is the library's folder. Raises CorruptArtifact where a byte is wrong."""
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
        for name, mark in told["files"].items():
            if sha256_of(folder / Path(name).name) != mark["sha256"]:
                raise ValueError(f"the bytes of {name} are not those that were written")
        lines = (folder / ROWS).read_text(encoding="ascii").splitlines()
        seen = [_seen(json.loads(line), home) for line in lines]
        vectors = np.load(folder / VECTORS, allow_pickle=False)
        if told["fingerprint"] != fingerprint or told["format"] != FORMAT or len(vectors) != told["vectors"]:
            raise ValueError("it was made by another embedder, or by another version")
    except _DAMAGE as error:
        raise CorruptArtifact(f"the lot {folder} is damaged: {error}. It is made again.") from error
    return Made(seen, vectors)


def drop_made(folder: Path) -> None:
    """Delete what was made of a lot; one that is half deleted is not taken for a whole one."""
    try:
        (folder / MANIFEST).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"the lot {folder} cannot be deleted: {error.strerror}.") from error
    shutil.rmtree(folder, ignore_errors=True)


def _plain(mark: Mark) -> dict[str, Any]:
    return {"sha256": mark.sha256, "bytes": mark.size}


def _line(one: Seen) -> dict[str, Any]:
    picture = one.candidate.picture
    told: dict[str, Any] = {
        "source": one.candidate.source, "about": dict(one.candidate.about), "sha256": one.sha256, "path": one.path,
        "copied": one.copied, "reason": one.reason, "stem": picture.stem if isinstance(picture, Path) else None,
    }  # fmt: skip
    if one.look is not None:
        told["look"] = {name: getattr(one.look, name) for name in _FACTS}
    return told


def _seen(told: Mapping[str, Any], home: Path) -> Seen:
    about = {k: tuple(v) if k in ("tags", "variations") and v is not None else v for k, v in told["about"].items()}
    candidate = Candidate(told["source"], Path(told["stem"]) if told["stem"] else None, about)
    path = None if told["path"] is None else stored_path(Path(told["path"]), home)
    seen = Seen(candidate, told["sha256"], None, path, told["copied"], told["reason"])
    return replace(seen, look=Facts(**told["look"])) if "look" in told else seen
