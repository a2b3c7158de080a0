"""What a library holds at one moment, kept in memory until it changes: rows, numbers, words, vectors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, StoreError, unknown_name_fault
from imagegen_kit.retrieval.library.derived import documents, kept_on_disk, made_how
from imagegen_kit.retrieval.library.filters import condition

if TYPE_CHECKING:
    import numpy as np

    from imagegen_kit.retrieval.base import Item
    from imagegen_kit.retrieval.library.places import Place
    from imagegen_kit.retrieval.library.records import Records
    from imagegen_kit.retrieval.library.segments import Vectors

MOST_ITEMS = 100_000  # kept in memory, about 100 MB
MOST_FILTERS = 64
_NOT = object()


class Snapshot:
    """The library at one version of its database. ``before`` hands on what a change of vectors alone leaves valid."""

    def __init__(self, version: int, records: Records, place: Place, vectors: Vectors, before: Snapshot | None) -> None:
        self.version, self.state = version, records.state
        self._records, self._place, self._vectors = records, place, vectors
        self._guard = threading.RLock()
        same = before if before is not None and before.state == self.state else None
        self._items: dict[int, Item] = same._items if same else {}
        self._filtered: dict[str, np.ndarray] = same._filtered if same else {}
        self._made: dict[str, Any] = dict(same._made) if same else {}
        self._made.pop("search", None)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if (made := self._made.get(name, _NOT)) is not _NOT:
            return made
        with self._guard:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers (n,) of all items, ascending, and their dHashes and pHashes (2, n)."""
        import numpy as np

        def make() -> tuple[np.ndarray, np.ndarray]:
            lines = self._records.read("SELECT number, dhash, phash FROM items WHERE removed = 0 ORDER BY number")
            table = np.ascontiguousarray(np.array(lines, dtype=np.int64).reshape(-1, 3).T)
            table.flags.writeable = False
            return table[0], table[1:].view(np.uint64)

        found: tuple[np.ndarray, np.ndarray] = self._once("columns", make)
        return found

    def numbers(self, where: Mapping[str, Any] | None = None) -> np.ndarray:
        """Return the numbers of the items that a filter lets through, ascending, int64; not to be changed."""
        import numpy as np

        if not where and where is not None and not isinstance(where, Mapping):
            condition(where, self._records)
        if not where:
            return self._columns()[0]
        sql, values = condition(where, self._records)
        key = f"{sql}\n{values!r}"
        with self._guard:
            if key not in self._filtered:
                lines = self._records.read(f"SELECT number FROM items WHERE {sql} ORDER BY number", values)
                found = np.fromiter((n for (n,) in lines), dtype=np.int64, count=len(lines))
                found.flags.writeable = False
                if len(self._filtered) >= MOST_FILTERS:
                    self._filtered.clear()
                self._filtered[key] = found
            return self._filtered[key]

    def fingerprints(self, numbers: Sequence[int] | np.ndarray, kind: str) -> np.ndarray:
        """Return dHashes or pHashes (n,) by number, in the order asked; "both": (2, n)."""
        import numpy as np

        if kind not in (kinds := ("dhash", "phash", "both")):
            raise InvalidInput([unknown_name_fault("kind of perceptual hash", kind, kinds, where="kind")])
        known, hashes = self._columns()
        wanted = np.asarray(numbers, dtype=np.int64).reshape(-1)
        at = known.searchsorted(wanted)
        if len(wanted) and (not len(known) or np.count_nonzero(known.take(at, mode="clip") != wanted)):
            raise InvalidInput([Fault("numbers", "name items that are not in this library.")])
        return hashes.take(at, axis=1) if kind == "both" else hashes[int(kind == "phash")].take(at)

    def items(self, numbers: Sequence[int] | np.ndarray) -> list[Item]:
        """Return items by number, in the order asked; one that was removed meanwhile is still told."""
        wanted = [int(number) for number in numbers]
        with self._guard:
            if all(map(self._items.__contains__, wanted)):
                return [self._items[n] for n in wanted]
            lacking = {n for n in wanted if n not in self._items}
            found: dict[int, Item] = {}
            if lacking:
                if len(self._items) + len(lacking) > MOST_ITEMS:
                    self._items.clear()
                rows = self._records.rows_of(wanted if not self._items else lacking)
                found = {n: row.item(self._place.folder) for n, row in rows.items()}
                self._items.update(found if len(found) <= MOST_ITEMS else {})
            try:
                return [self._items[n] if n in self._items else found[n] for n in wanted]
            except KeyError as error:
                raise InvalidInput([Fault("numbers", f"there is no item {error.args[0]} in this library.")]) from None

    def words(self) -> Any:
        """Return the lexical index over all items, from disk where it lies there for this state."""
        import numpy as np

        from imagegen_kit.retrieval.lexical import Lexical

        def make() -> tuple[Any, bool]:
            with self._records.together():
                rows, state = self._records.rows(), self._records.state
            numbers = np.array([row.number for row in rows], dtype=np.int64)
            return Lexical.build(documents(rows), numbers), state == self.state

        return self._once("words", lambda: self._kept("words", Lexical.load, make))

    def learnt(self) -> Any:
        """Return the map from texts to picture vectors that was learnt from the captions; None: too few of them."""
        import numpy as np
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        from imagegen_kit.retrieval.learnt import LearntMap

        def make() -> tuple[Any, bool]:
            search = self.search()
            with self._records.together():
                rows, state = self._records.rows(), self._records.state
                held = set(self._vectors.ids().tolist()) - set(self._vectors.removed().tolist())
            rows = [row for row in rows if row.number in held]
            numbers = np.array([row.number for row in rows], dtype=np.int64)
            with threadpool_limits(1, "blas"):  # threads of a BLAS wait for each other: on a busy machine, for seconds
                made = LearntMap.fit(documents(rows), search.vectors_of(numbers), numbers)
            return made, state == self.state

        name = f"learnt-{self._vectors.fingerprint[:16]}"
        return self._once("learnt", lambda: self._kept(name, LearntMap.load, make))

    def _kept(self, name: str, load: Callable[..., Any], make: Callable[[], tuple[Any, bool]]) -> Any:
        folder = self._place.home / "index"
        key = f"{self.state[:16]}-{made_how()}"
        return kept_on_disk(folder, name, key, load, make, writable=self._records.writable)

    def search(self) -> Any:
        """Return the search over all vectors, opened at first use."""

        def make() -> Any:
            for last in (False, False, True):
                generation = self._records.generation
                try:
                    return self._vectors.search()
                except StoreError:  # a writer may have put segments together, and deleted them, just now
                    if last or generation == self._records.generation:
                        raise
            raise AssertionError

        return self._once("search", make)
