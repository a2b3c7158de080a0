"""A derived index that is asked for candidates, which are then compared exactly with the vectors in the segments."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import StoreError
from imagegen_kit.retrieval.index.files import REPAIR, damaged
from imagegen_kit.retrieval.index.half import half_error, search_half
from imagegen_kit.retrieval.index.kinds import FP16, AnnRecord
from imagegen_kit.retrieval.index.rows import Rows
from imagegen_kit.retrieval.index.scan import Bitmap, load_faiss, named, nearest, one_thread

if TYPE_CHECKING:
    from pathlib import Path


class Approximate:
    """The index that ``record`` describes, mapped from ``path``; ``blocks`` are the rows that it covers, in its order.

    Raises StoreError or CorruptArtifact where the file cannot be read or is not the one that was built.
    """

    def __init__(self, path: Path, record: AnnRecord) -> None:
        faiss = load_faiss()
        try:
            self._index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:  # faiss says so of a missing, cut or foreign file
            if not path.exists():
                raise StoreError(f"the index {path} is gone. {REPAIR}.") from error
            raise damaged(path, "The index") from error
        if self._index.d != record.dimension or (record.kind == FP16 and self._index.ntotal != record.rows):
            raise damaged(path, "The index")
        self.record = record

    def search(
        self, blocks: Sequence[Rows], queries: np.ndarray, top_k: int, mask: np.ndarray | None, share: float
    ) -> tuple[np.ndarray, np.ndarray, bool]:
        """Return scores, ids and whether they are proven to be the best.

        ``mask`` (rows,) bool says which rows may be found, None: all; ``share`` is how many of all those are, 0 to 1.
        """
        candidates = ceil(self.record.parameters["over_fetch"] * max(1.0, top_k / 10))
        selector = None if mask is None else Bitmap(mask)
        known, rows = self._candidates(queries, min(candidates, self.record.rows), top_k, selector, share)
        starts = np.cumsum([0, *(len(block.ids) for block in blocks)])
        scores = np.full((len(queries), top_k), -np.inf, np.float32)
        ids = np.full((len(queries), top_k), -1, np.int64)
        for number, wanted in enumerate(rows):
            wanted = np.sort(wanted[wanted >= 0])  # noqa: PLW2901 - rows near each other lie on one page
            vectors, named_ids = gather(blocks, starts, wanted)
            if not len(vectors):
                continue
            found = named(*nearest(queries[number : number + 1], vectors, top_k), named_ids)
            k = found[0].shape[1]
            scores[number, :k], ids[number, :k] = found[0][0], found[1][0]
        return scores, ids, self._proven(queries, scores, known)

    def _candidates(
        self, queries: np.ndarray, candidates: int, top_k: int, selector: Bitmap | None, share: float
    ) -> tuple[np.ndarray, np.ndarray]:
        faiss = load_faiss()
        chosen = {} if selector is None else {"sel": selector.selector}
        if self.record.kind == FP16:
            params = faiss.SearchParameters(**chosen)
            return search_half(self._index, queries, candidates, params)
        # The best of fewer rows, or more of them, lie in more cells.
        wider = max(1.0, top_k / 10) ** 0.5 / max(share, 1e-9)
        probes = min(self._index.nlist, ceil(self.record.parameters["probes"] * wider))
        params = faiss.SearchParametersIVF(nprobe=probes, **chosen)
        with one_thread(len(queries) == 1):
            scores, rows = self._index.search(queries, candidates, params=params)
        return scores, rows

    def _proven(self, queries: np.ndarray, scores: np.ndarray, known: np.ndarray) -> bool:
        """Say whether no row outside the candidates can be better: fp16 knows by how much its scores are off."""
        if self.record.kind != FP16:
            return False
        if known.shape[1] == self.record.rows:
            return True
        lengths = np.linalg.norm(queries, axis=1)
        return bool(np.all(known[:, -1] + lengths * half_error(self.record.dimension) < scores[:, -1]))


def gather(blocks: Sequence[Rows], starts: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors and ids of ``rows``, ascending, which are counted over all blocks."""
    cuts = np.searchsorted(rows, starts)
    parts = [
        (block.vectors[here], block.ids[here])
        for block, start, low, high in zip(blocks, starts[:-1], cuts[:-1], cuts[1:], strict=True)
        if high > low
        for here in [rows[low:high] - start]
    ]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return np.empty((0, 0), np.float32), np.empty(0, np.int64)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
