"""What is asked of faiss: all of some vectors compared with queries, and answers of several places merged."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import Any

import numpy as np

from imagegen_kit.errors import MissingDependency

SHARED_FROM = 10_000  # rows; from about here faiss divides one query among threads, which wait for each other
WORTH_SHARING = 50_000  # rows; from here on reading them takes so long that threads are worth their waiting


def load_faiss() -> Any:
    """Return the module faiss, imported at first use. Raises MissingDependency."""
    if (loaded := sys.modules.get("faiss")) is not None and hasattr(loaded, "knn_inner_product"):
        return loaded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # SWIG's types without __module__, from Python 3.12 on
        try:
            return import_module("faiss")
        except ImportError as error:
            raise MissingDependency("vector search", "faiss", "pip install faiss-cpu") from error


@contextmanager
def one_thread(wanted: bool) -> Iterator[None]:
    """Let faiss work in this thread alone where that is ``wanted``.

    Where there is little to share out, threads mostly wait for each other, on a busy machine for tens of ms. OpenMP
    keeps the setting for each thread: no other thread sees this, and it is put back.
    """
    faiss = load_faiss()
    before = faiss.omp_get_max_threads()
    try:
        if wanted:
            faiss.omp_set_num_threads(1)
        yield
    finally:
        faiss.omp_set_num_threads(before)


class Bitmap:
    """A faiss selector of the rows where ``mask`` is set; it keeps the bits that faiss reads alive."""

    def __init__(self, mask: np.ndarray) -> None:
        faiss = load_faiss()
        self.bits = np.packbits(mask, bitorder="little")
        self.selector = faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(self.bits))


def nearest(
    queries: np.ndarray, vectors: np.ndarray, top_k: int, selector: Bitmap | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compare all ``vectors`` with ``queries`` and return scores and rows, (q, k) each, best first; row -1: none.

    k is the smaller of ``top_k`` and the number of vectors. faiss's own loop, called without its wrapper: one thread
    for fewer than 20 queries, which is as fast as memory is read and is not held up by busy neighbours, as two threads
    of a BLAS are.
    """
    faiss = load_faiss()
    k = min(top_k, len(vectors))
    scores, rows = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    pointer = faiss.swig_ptr
    given = (pointer(queries), pointer(vectors), queries.shape[1], len(queries), len(vectors), k, pointer(scores))
    alone = len(queries) == 1 and SHARED_FROM <= len(vectors) < WORTH_SHARING
    with one_thread(True) if alone else nullcontext():
        if selector is None:
            faiss.knn_inner_product(*given, pointer(rows))
        else:
            faiss.knn_inner_product(*given, pointer(rows), selector.selector)
    return scores, rows


def named(scores: np.ndarray, rows: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and ids in place of rows; -inf and -1 where there is no row."""
    found = ids[rows]  # row -1 reads the last id, and is put right below
    if rows.size and (rows[0, -1] if len(rows) == 1 else rows[:, -1].min()) < 0:  # what is missing stands last
        found[rows < 0] = -1
        scores[rows < 0] = -np.inf
    return scores, found


def best(parts: Sequence[tuple[np.ndarray, np.ndarray]], top_k: int) -> tuple[np.ndarray, np.ndarray]:
    """Merge answers of the same queries: scores and ids, best first, the smaller id first where scores are equal."""
    if len(parts) == 1 and parts[0][0].shape[1] <= top_k:
        return parts[0]
    scores, ids = (np.concatenate([part[i] for part in parts], axis=1) for i in (0, 1))
    order = np.lexsort((ids, -scores), axis=1)[:, :top_k]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)
