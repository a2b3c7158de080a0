"""Segments: vectors and the numbers of their items on disk, written once, mapped into memory when they are read."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.retrieval.index.files import REPAIR, WRITING, damaged, sha256_of, write_whole

LENGTH_TOLERANCE = 1e-3  # how far from 1 the length of a vector may be; half precision alone brings 5e-4
# What numpy raises at a header that it cannot read: it is parsed as Python, and by its tokenizer where that fails.
_NO_ARRAY = (ValueError, EOFError, SyntaxError, TypeError, KeyError, OverflowError, MemoryError, TokenError, Warning)
SMALL_BYTES = 1 << 20  # below, a file is read instead of mapped: a map keeps a file open, of which there are few


@dataclass(frozen=True, slots=True)
class Segment:
    """Two files: ``count`` vectors, float32, and as many ids, int64. Never changed once they are written.

    ``sample`` and ``ids_sample`` are digests of some blocks of the files, "" where they are not known.
    """

    number: int
    path: Path
    ids_path: Path
    count: int
    sha256: str
    ids_sha256: str
    sample: str = ""
    ids_sample: str = ""

    def to_plain(self) -> dict[str, Any]:
        """Return what a manifest says of it: names of files, no folders."""
        return {
            "number": self.number, "file": self.path.name, "ids_file": self.ids_path.name, "count": self.count,
            "sha256": self.sha256, "ids_sha256": self.ids_sha256, "sample": self.sample, "ids_sample": self.ids_sample,
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], folder: Path) -> Segment:
        """Return the segment that ``to_plain`` described, with its files in ``folder``."""
        file, ids_file = (folder / Path(str(plain[name])).name for name in ("file", "ids_file"))
        return cls(
            int(plain["number"]), file, ids_file, int(plain["count"]), plain["sha256"], plain["ids_sha256"],
            plain.get("sample", ""), plain.get("ids_sample", ""),
        )  # fmt: skip

    def vectors(self, dimension: int) -> np.ndarray:
        """Return the vectors, (count, dimension) float32, mapped where they are large. Raises StoreError."""
        return _mapped(self.path, (self.count, dimension), np.dtype(np.float32))

    def ids(self) -> np.ndarray:
        """Return the ids, (count,) int64, mapped where they are many. Raises StoreError."""
        return _mapped(self.ids_path, (self.count,), np.dtype(np.int64))

    def look(self, dimension: int) -> None:
        """Compare the headers and the sizes of both files with what they must be. Raises StoreError or InvalidInput."""
        for path, shape, dtype in (
            (self.path, (self.count, dimension), np.dtype(np.float32)),
            (self.ids_path, (self.count,), np.dtype(np.int64)),
        ):
            if not _as_written(path, shape, dtype):
                _mapped(path, shape, dtype)  # says what is wrong; reading a header takes numpy 0.1 ms


def write_segment(folder: Path, number: int, ids: np.ndarray, vectors: np.ndarray) -> Segment:
    """Write ``vectors``, (n, dimension) float32 of length 1, and their ``ids``, (n,) int64, all different.

    Both files are whole and on disk when this returns; before that nobody sees them. A left-over of the same number,
    from a writer that was killed, is replaced. Raises InvalidInput with all that is wrong, or StoreError.
    """
    numbers, rows = _checked(np.asarray(ids), np.asarray(vectors))
    path, ids_path = folder / f"{number}.npy", folder / f"{number}.ids.npy"
    ids_mark = write_whole(ids_path, lambda part: np.save(part, numbers))
    mark = write_whole(path, lambda part: np.save(part, rows))
    return Segment(number, path, ids_path, len(rows), mark.sha256, ids_mark.sha256, mark.sample, ids_mark.sample)


def _checked(ids: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    faults = []
    if vectors.ndim != 2 or 0 in vectors.shape:
        faults.append(Fault("vectors", f"must be (n, dimension), n at least 1; they are {vectors.shape}."))
    elif vectors.dtype.kind != "f":
        faults.append(Fault("vectors", f"must be float32; they are {vectors.dtype}."))
    else:
        lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
        if len(wrong := np.flatnonzero(~np.isfinite(lengths))):
            faults.append(Fault("vectors", f"{len(wrong)} are not finite (NaN or inf), the first in row {wrong[0]}."))
        elif len(wrong := np.flatnonzero(np.abs(lengths - 1) > LENGTH_TOLERANCE)):
            told = f"{len(wrong)} are not of length 1, the first in row {wrong[0]} ({lengths[wrong[0]]:.4g})."
            faults.append(Fault("vectors", told, "Divide each by its length."))
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or len(ids) != len(vectors):
        faults.append(Fault("ids", f"must be one whole number for each vector; they are {ids.dtype} {ids.shape}."))
    elif len(ids) and ids.min() < 0:
        faults.append(Fault("ids", "must not be negative."))
    elif len(np.unique(ids)) != len(ids):
        faults.append(Fault("ids", "must all be different."))
    if faults:
        raise InvalidInput(faults)
    return np.ascontiguousarray(ids, np.int64), np.ascontiguousarray(vectors, np.float32)


def _as_written(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    try:
        with open(path, "rb", buffering=0) as file:
            head, size = file.read(512), os.fstat(file.fileno()).st_size
    except OSError:
        return False
    told = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    start = 10 + int.from_bytes(head[8:10], "little")  # version 1.0 of the format
    whole = size == start + math.prod(shape) * dtype.itemsize
    return whole and head.startswith(b"\x93NUMPY\x01\x00") and head[10:].startswith(told)


def _mapped(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Return the array that the file must hold; its header and its size are compared with what was written."""
    try:
        mapped = path.stat().st_size > SMALL_BYTES
        array: np.ndarray = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except _NO_ARRAY as error:  # cut, or no array at all
        raise damaged(path, "The segment") from error
    except OSError as error:
        raise StoreError(f"The segment {path} cannot be read: {error.strerror or error}. {REPAIR}.") from error
    if array.shape[:1] != shape[:1] or array.ndim != len(shape) or array.dtype != dtype or array.flags.fnc:
        raise damaged(path, "The segment")
    if array.shape != shape:
        told = f"is {shape[1]}, and the vectors in {path} have {array.shape[1]} numbers."
        raise InvalidInput([Fault("dimension", told, "Open them with the embedder that made them.")])
    return array.view(np.ndarray)  # np.memmap's own indexing is several times slower


def faults_of(segment: Segment, dimension: int) -> list[str]:
    """Read both files whole and return all that is wrong with them, in words; nothing: they are sound."""
    faults = []
    for path, sha256 in ((segment.path, segment.sha256), (segment.ids_path, segment.ids_sha256)):
        try:
            if sha256_of(path) != sha256:
                faults.append(f"{path} is damaged: its bytes are not those that were written.")
        except OSError as error:
            faults.append(f"{path} cannot be read: {error.strerror}.")
    if not faults:
        try:
            segment.vectors(dimension), segment.ids()
        except StoreError as error:
            faults.append(error.message)
    return faults


def leftovers(folder: Path, segments: tuple[Segment, ...] | list[Segment]) -> list[Path]:
    """Return the files of writers that were killed: half-written ones, and segments that no manifest names.

    Only who holds the library for writing may ask: a segment that another is about to name looks the same.
    """
    kept = {path.name for segment in segments for path in (segment.path, segment.ids_path)}
    return sorted(
        path
        for path in folder.glob("*.npy")
        if path.name not in kept and (path.name.startswith(WRITING) or path.name.split(".")[0].isdecimal())
    )
