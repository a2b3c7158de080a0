"""``Library``: the door to a folder of reference pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from imagegen_kit.retrieval.base import Embedder, Item
    from imagegen_kit.types import Reference


class Library:
    """A named set of reference pictures. Made by ``Library.open``; iterating gives ``Reference`` objects."""

    path: Path  # its folder, absolute
    embedder: Embedder

    @classmethod
    def open(cls, path: str | Path, *, embedder: str | Embedder = "offline") -> Library:
        raise NotImplementedError

    # what people change

    def add(self, source: Any, **about: Any) -> Any:
        raise NotImplementedError

    def remove(self, *names: str, where: Mapping[str, Any] | None = None) -> int:
        raise NotImplementedError

    def update(self, name: str, **about: Any) -> None:
        raise NotImplementedError

    def verify(self) -> Any:
        raise NotImplementedError

    def compact(self) -> None:
        raise NotImplementedError

    # what people ask

    def search(self, text: str | None = None, **brief: Any) -> Any:
        raise NotImplementedError

    def get(self, name: str) -> Reference:
        raise NotImplementedError

    def query(self, *, top_k: int = 3, text: str | None = None, **brief: Any) -> Any:
        raise NotImplementedError

    def table(self) -> pd.DataFrame:
        raise NotImplementedError

    def evaluate(self, queries: Any, **how: Any) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Reference]:
        raise NotImplementedError

    # what retrievers ask

    @property
    def state(self) -> str:
        """64 hex digits that change with every change of what the library holds (rows, not indexes)."""
        raise NotImplementedError

    def numbers(self, where: Mapping[str, Any] | None = None) -> np.ndarray:
        """Return the numbers (int64, ascending) of the items that ``where`` lets through; all where it is None."""
        raise NotImplementedError

    def items(self, numbers: Sequence[int] | np.ndarray) -> list[Item]:
        """Return items by number, in the order asked, in one query."""
        raise NotImplementedError

    def fingerprints(self, numbers: Sequence[int] | np.ndarray, kind: str = "dhash") -> np.ndarray:
        """Return the perceptual hashes (uint64, (n,)) of items by number; ``kind`` is "dhash" or "phash"."""
        raise NotImplementedError

    @property
    def words(self) -> Any:
        """The lexical index over all items (``retrieval.lexical.Lexical``), built at first use and after changes."""
        raise NotImplementedError

    @property
    def vectors(self) -> Any:
        """The vector search over all items (``retrieval.index.VectorSearch``)."""
        raise NotImplementedError

    @property
    def learnt(self) -> Any:
        """The map from texts to picture vectors that was learnt from this library's captions, or None."""
        raise NotImplementedError
