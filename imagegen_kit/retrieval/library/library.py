"""``Library``: the door to a folder of reference pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, StoreError, printable
from imagegen_kit.lazy import Shown, upward
from imagegen_kit.retrieval.library.current import Current
from imagegen_kit.retrieval.library.exchange import write_exchange
from imagegen_kit.retrieval.library.places import EXCHANGE, SHIPPED, Place, find_place
from imagegen_kit.retrieval.library.query import LibraryQuery, checked_query
from imagegen_kit.retrieval.library.records import Records
from imagegen_kit.retrieval.library.references import reference_of, row_of, rows_named

if TYPE_CHECKING:
    import os
    from contextlib import AbstractContextManager

    import numpy as np
    import pandas as pd

    from imagegen_kit.retrieval.base import Embedder, Item
    from imagegen_kit.retrieval.library.report import AddReport, VerifyReport
    from imagegen_kit.retrieval.library.writing import Writing
    from imagegen_kit.types import Reference

_CHUNK = 500


class Library(Shown):
    """A named set of reference pictures. Made by ``Library.open``; iterating gives ``Reference`` objects.

    Several threads may use one, and several processes may read one folder while one of them changes it: each sees the
    changes at its next call.
    """

    path: Path  # its folder, absolute
    embedder: Embedder

    def __init__(self, place: Place, embedder: Embedder, name: str) -> None:
        """Use ``Library.open``."""
        self.path, self.embedder, self.name = place.folder, embedder, name
        self._place = place
        self._records = Records(place.database, writable=place.changeable or place.cached)
        self._current = Current(self._records, place, embedder)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] | Mapping[str, Any] | list[Any],
        *,
        embedder: str | Embedder = "offline",
        reembed: bool = False,
    ) -> Library:
        """Open the library in the folder ``path``; nothing is written before something is added.

        A folder with ``library.jsonl`` is read when it is opened for the first time. "shipped" is the one that comes
        with the toolkit. A YAML file, or a mapping, of references in one of the usual spellings opens as well. A folder
        that cannot be written, "shipped" and YAML keep their database in the cache of this machine.

        Another ``embedder`` than the library's own is refused, by name; ``reembed`` embeds all pictures anew, and
        keeps the vectors that are there. Raises InvalidInput for what is no library, StoreError for what cannot be
        read.
        """
        from imagegen_kit.retrieval.embedders import load_embedder
        from imagegen_kit.retrieval.library.opening import prepare

        place = find_place(path)
        name = SHIPPED if path == SHIPPED else "references" if isinstance(path, (dict, list)) else place.folder.name
        library = cls(place, load_embedder(embedder), name)
        prepare(library._records, place, library.embedder, reembed=reembed)
        return library

    @property
    def source(self) -> str:
        """What ``open`` takes to open it again: its folder, "shipped", or the YAML file that it was read from."""
        if self.name == SHIPPED:
            return SHIPPED
        first = self._place.first
        if isinstance(first, Path):
            return str(first)
        return str(self.path if first is None else self._place.home)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Library.open, self.source, embedder=self.embedder.name), ()  # opened anew by another process

    def __deepcopy__(self, _: Any) -> Library:
        return self  # it is a door: a copy would lead to the same folder

    # what people change

    def add(
        self, source: Any, *, copy: bool = False, engine: Any = None,
        progress: bool | Callable[[int, int], None] | None = None, **about: Any,
    ) -> AddReport:  # fmt: skip
        """Add pictures and return what became of each: added, updated, duplicates (by id), rejected (with the reason).

        ``source``: the path of a picture; a folder, with all folders in it (its ``library.jsonl`` is read); a DataFrame
        or a list of dicts (the picture in a column ``path`` or ``picture``); PIL, bytes, an array, a ``Picture``, a
        ``Reference``, another library; a YAML file or mapping of references; or a list of those. Also Parquet (paths
        or bytes), a WebDataset tar, a folder of those, and ``s3://bucket/prefix``.

        ``about``, for each picture where the source itself says nothing else: ``caption``, ``tags`` (list), ``role``,
        ``name``, ``description``, ``variations`` (ids of other items, or pictures of the same thing: by name, or
        paths), ``licence``, ``id``, and whatever else shall be kept beside it and can be filtered by.

        Files are referred to where they lie; ``copy`` copies them into the library's ``pictures``, where pictures
        without a file are always kept. The same bytes are never there twice. Every 64 pictures are on disk before the
        next; a process that is killed keeps them. ``engine``: "ray", or a Ray engine, embeds them in the processes of a
        cluster, and marks near-duplicates (docs/scale.md). ``progress``: True for a bar, or a function of (done, of how
        many). Raises InvalidInput with all faults of the call before anything is read, and StoreError.
        """
        from imagegen_kit.retrieval.lots import add_pictures

        return add_pictures(self._writing, source, about, self.path, copy=copy, engine=engine, progress=progress)

    def remove(self, *names: str, where: Mapping[str, Any] | None = None) -> int:
        """Remove pictures by id or name, or all that ``where`` lets through, and return how many; files stay."""
        if not names and not where:
            raise InvalidInput([Fault("names", "say nothing.", "Name pictures, or a filter: remove(where={…}).")])
        with self._writing() as writing:
            rows = rows_named(self._records, names)
            if where:
                rows |= self._records.rows_of(self.numbers(where).tolist())
            return writing.remove(list(rows.values()))

    def update(self, name: str, /, **about: Any) -> None:
        """Change what is said of a picture, by the fields of ``add``; None clears one."""
        with self._writing() as writing:
            writing.update(row_of(self._records, name), about)

    def compact(self, kind: str | None = None, *, shards: int | None = None) -> None:
        """Rewrite the vectors without those of removed pictures, and build the index (``kind`` None: by size).

        ``shards``: in so many pieces, from 1 (None: 1 up to 5 million vectors). It happens by itself where a fifth is
        removed or the index lacks a tenth. Raises InvalidInput for other ``shards``.
        """
        with self._writing() as writing:
            writing.compact(kind, shards)

    def verify(self, repair: bool = False) -> VerifyReport:
        """Compare every file with its hash and every picture with its vector, and return what is wrong.

        ``repair`` makes anew whatever is derived (vectors, index, manifest) and finds moved files in the library's
        folder by their hash. Pictures that are gone or changed are told, never touched.
        """
        from imagegen_kit.retrieval.library.verify import Verification
        from imagegen_kit.retrieval.library.writing import Writing, held

        if not repair:
            return Verification(Writing(self._records, self._place, self.embedder), repair=False).run()
        if not self._records.writable:
            raise self._unchangeable()
        with held(self._records, self._place, self.embedder) as writing:
            return Verification(writing, repair=True).run()

    def to_jsonl(self, path: str | Path | None = None) -> Path:
        """Write ``library.jsonl``, one line a picture, into the library's folder or to ``path``; return the file.

        Paths are relative where the picture lies in the file's folder.
        """
        if path is None and not self._place.changeable:
            raise self._unchangeable()
        target = Path(self.path if path is None else path).expanduser().absolute()
        target = target / EXCHANGE if target.is_dir() or path is None else target
        return write_exchange(target, self._records.rows(), self.path)

    def _unchangeable(self) -> StoreError:
        why = "ships with the toolkit" if self.name == SHIPPED else "cannot be written"
        return StoreError(
            f"the library {self.path} cannot be changed: it {why}. Make one of your own and add it: "
            "Library.open('refs').add(library)."
        )

    def _writing(self) -> AbstractContextManager[Writing]:
        from imagegen_kit.retrieval.library.writing import held

        if not self._place.changeable:
            raise self._unchangeable()
        return held(self._records, self._place, self.embedder)

    # what people ask

    def search(self, text: str | None = None, **brief: Any) -> Any:
        """Return the pictures that fit best, as hits: a sequence of ``Reference`` with scores, ``table``, ``explain``.

        ``text``: words. ``image``: a path, bytes, PIL, array, ``Picture``, reference or result, or a list of them.
        ``vector``: one of this library's embedder, in place of ``image``. ``negative``: words or pictures of what shall
        not be there. ``weights``: by channel ("text", "image", "text_to_image"), 0 leaves one out. ``where``: a filter
        as for ``numbers``. ``top_k``: at most so many (3). ``diversity``: 0 (the best) to 1 (as different as can be).
        ``dedup``: leave near-duplicates of better hits out (True). ``min_score``: 0 to 1, or by channel.
        ``retriever``: a name or an object; None is the kit's own. Raises InvalidInput with all faults, PluginError
        where a retriever fails or breaks its contract.
        """
        from imagegen_kit.retrieval.library.damage import told
        from imagegen_kit.retrieval.retrievers import search

        with self._current, told(self._records):
            return search(self, text, **brief)

    def get(self, name: str, variation: str | None = None) -> Reference:
        """Return a picture by its id, or by its name where one alone has it, as a reference.

        ``get("ann", variation="smiling")`` and ``get("ann/smiling")`` return a variation of it. Raises UnknownName
        with near names, InvalidInput with the ids where several have the name.
        """
        return reference_of(row_of(self._records, name, variation).item(self.path))

    def query(self, *, top_k: int = 3, text: str | None = None, **brief: Any) -> LibraryQuery:
        """Return a retrieval that is asked when a picture is made: it stands in ``references=``.

        ``text`` None: each request's own prompt. ``top_k`` is from 1 to 100. ``brief``: image, vector, negative,
        weights, where, diversity, dedup, min_score and retriever (a name) as for ``search``. Raises InvalidInput with
        everything that is wrong with them.
        """
        return checked_query(self, self, top_k, text, brief)

    def table(self) -> pd.DataFrame:
        """Return one row a picture: id, name, role, caption, description, tags, licence, size, path, and what else."""
        from imagegen_kit.retrieval.library.tables import table_of

        return table_of(self._records.rows(), self.path)

    def evaluate(self, queries: Any, **how: Any) -> Any:
        """Return how well searching finds what it should: recall, MRR and nDCG with intervals, over ``queries``.

        ``queries``: a list of dicts or a DataFrame with ``text`` or ``image`` and ``relevant`` (an id or name, a list
        of them, or a filter); other columns are labels. ``how``: ``top_k`` (10), ``retriever``, ``by`` (labels to
        group by), ``resamples`` (1000), ``seed``, and arguments of ``search``; ``dedup`` is False here. The
        answer has ``summary(by)``, ``table()`` and ``compare(other)``. Raises InvalidInput with all faults.
        """
        from imagegen_kit.retrieval.retrievers import evaluate

        return evaluate(self, queries, **how)

    def panel(self, **how: Any) -> Any:
        """Return the panel to look it over, search and choose in; ``how``: ``where`` (always holds), ``top_k`` (12)."""
        return upward("library_panel")(self, **how)

    def __len__(self) -> int:
        return len(self.numbers())

    def __bool__(self) -> bool:
        return True  # an empty library is one too

    def __iter__(self) -> Iterator[Reference]:
        numbers = self.numbers()
        for start in range(0, len(numbers), _CHUNK):
            yield from map(reference_of, self.items(numbers[start : start + _CHUNK]))

    def __repr__(self) -> str:
        count = len(self)
        return printable(f"Library({self.name}: {count:,} picture{'' if count == 1 else 's'}, {self.embedder.name})")

    # what retrievers ask

    @property
    def state(self) -> str:
        """64 hex digits that change with every change of what the library holds (rows, not indexes)."""
        return self._current.now().state

    def numbers(self, where: Mapping[str, Any] | None = None) -> np.ndarray:
        """Return the numbers (int64, ascending) of the items that ``where`` lets through; all where it is None.

        See ``filters.condition`` for what can be asked. Raises InvalidInput for an unknown field, with near names.
        """
        return self._current.now().numbers(where)

    def items(self, numbers: Sequence[int] | np.ndarray) -> list[Item]:
        """Return items by number, in the order asked, in one query."""
        return self._current.now().items(numbers)

    def fingerprints(self, numbers: Sequence[int] | np.ndarray, kind: str = "dhash") -> np.ndarray:
        """Return perceptual hashes (uint64, (n,)) by number; ``kind``: "dhash", "phash", or "both" for (2, n)."""
        return self._current.now().fingerprints(numbers, kind)

    @property
    def words(self) -> Any:
        """The lexical index over all items (``retrieval.lexical.Lexical``), built at first use and after changes."""
        return self._current.now().words()

    @property
    def vectors(self) -> Any:
        """The vector search over all items (``retrieval.index.VectorSearch``)."""
        return self._current.now().search()

    @property
    def learnt(self) -> Any:
        """The map from texts to picture vectors that was learnt from this library's captions, or None."""
        return self._current.now().learnt()

    def close(self) -> None:
        """Let go of the files; the library opens them again when it is asked."""
        self._current.close()
