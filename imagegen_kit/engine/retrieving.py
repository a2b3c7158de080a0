"""The verb ``retrieve``: what a job seeks in a library, what was found, and how the journal keeps it for a resume."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from imagegen_kit.engine.policy import timestamp
from imagegen_kit.engine.references import (
    QUERY_BY,
    by_hand,
    library_faults,
    query_by_faults,
    read_references,
    retriever_faults,
    top_k_faults,
)
from imagegen_kit.engine.rows import INSERT_RETRIEVAL
from imagegen_kit.errors import CorruptArtifact, Fault, InvalidInput, StoreError
from imagegen_kit.imaging.picture import Picture, open_picture
from imagegen_kit.imaging.thumbnail import thumbnail
from imagegen_kit.retrieval.place import LibraryPlace, opened, place_of
from imagegen_kit.store.values import dumps
from imagegen_kit.types import Adaptation, Reference
from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.policy import Policy
    from imagegen_kit.engine.scope import Scope
    from imagegen_kit.registry import Registry
    from imagegen_kit.store import Blobs


@dataclass(frozen=True, slots=True)
class Sought:
    """A search that was asked for. ``without`` are pictures, by hash, that the request has already."""

    place: LibraryPlace
    text: str | None
    images: tuple[Picture, ...]
    top_k: int
    retriever: str | None = None
    brief: Mapping[str, Any] = field(default_factory=empty)
    without: frozenset[str] = frozenset()

    def to_json(self) -> str:
        """Return what is asked as text: equal searches are equal texts, whatever the library holds by now."""
        plain: dict[str, Any] = {"library": self.place.path, "embedder": self.place.embedder, "top_k": self.top_k}
        plain |= {"text": self.text, "images": [p.sha256 for p in self.images], "retriever": self.retriever}
        plain |= {"brief": _plain(self.brief), "without": sorted(self.without)}
        return dumps({name: value for name, value in plain.items() if value not in (None, [], {})})


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was found, best first.

    ``state`` is what the library held then, ``began`` what it held when the run began; None where that is not known.
    """

    references: tuple[Reference, ...]
    state: str | None = None
    began: str | None = None

    def notes(self, sought: Sought) -> tuple[Adaptation, ...]:
        """Return how this differs from what was asked: fewer than wanted, or out of a library that has changed."""
        notes = []
        if len(self.references) < sought.top_k:
            notes.append(Adaptation("top_k", sought.top_k, len(self.references), "clamped", unfair=False))
        if self.began and self.state and self.began != self.state:
            notes.append(Adaptation("library", f"as of {self.began[:8]}", f"as of {self.state[:8]}", "changed"))
        return tuple(notes)


def read_sought(
    text: str | None,
    library: Any,
    top_k: int,
    query_by: str,
    image: Any,
    retriever: str | None,
    brief: Mapping[str, Any],
    registry: Registry,
    without: frozenset[str] = frozenset(),
) -> Sought:
    """Read the arguments of ``Job.retrieve``. Raises InvalidInput with every fault."""
    faults = library_faults("library", library, registry) + top_k_faults("top_k", top_k, registry)
    faults += query_by_faults("query_by", query_by, registry)
    faults += retriever_faults("retriever", retriever, registry) if retriever is not None else []
    if brief:
        from imagegen_kit.retrieval.retrievers.briefs import argument_faults

        faults += argument_faults(brief)
    pictures: tuple[Picture, ...] = ()
    if query_by in QUERY_BY and "image" in query_by:
        try:
            pictures = tuple(open_picture(r.picture) for r in read_references(by_hand(image)) if r.role != "mask")
        except InvalidInput as error:
            faults += error.faults
        if not pictures and not faults:
            faults.append(Fault("image", f"there is none, and query_by is {query_by!r}.", "Give image=…."))
    words = text if query_by in QUERY_BY and "text" in query_by else None
    if words is not None and not isinstance(words, str):
        faults.append(Fault("text", f"{type(words).__name__} is not text."))
    elif query_by in QUERY_BY and "text" in query_by and not (words or "").strip() and "vector" not in brief:
        faults.append(Fault("text", "it is empty.", "Say what to look for."))
    if faults:
        raise InvalidInput(faults)
    return Sought(place_of(library, look=False), words, pictures, top_k, retriever, dict(brief), without)


def look_up(sought: Sought) -> Retrieved:
    """Search the library. Runs in a thread; the library's pictures are not read."""
    if sought.top_k == 0:
        return Retrieved(())
    library, lock = opened(sought.place)
    asked = sought.to_json()
    with lock:  # an embedder is used by several threads in turn
        state = library.state
        with _memory_lock:
            known = _memory.get((asked, state))
        if known is not None:
            return known
        images = [picture.image for picture in sought.images]
        more: dict[str, Any] = {} if sought.retriever is None else {"retriever": sought.retriever}
        if images:
            more["image"] = images if len(images) > 1 else images[0]
        hits = library.search(sought.text, top_k=sought.top_k + len(sought.without), **more, **sought.brief)
        new = [hit for hit in hits if hit.picture.sha256 not in sought.without]
        found = Retrieved(tuple(new[: sought.top_k]), state)
    with _memory_lock:
        _memory[asked, state] = found
        if len(_memory) > _REMEMBERED:
            _memory.popitem(last=False)
    return found


_REMEMBERED = 10_000  # searches of one process: the cells of a grid ask the same for each model
_memory: OrderedDict[tuple[str, str], Retrieved] = OrderedDict()
_memory_lock = threading.Lock()
_stored: WeakKeyDictionary[Blobs, set[tuple[str, str]]] = WeakKeyDictionary()


def keep_found(found: Retrieved, place: LibraryPlace, blobs: Blobs) -> Retrieved:
    """Put what was found into the store, so that nothing hangs on the library's files any more.

    Each file is read and checked once. Raises StoreError for one that is gone, CorruptArtifact for one that changed.
    """
    return replace(found, references=tuple(_kept(r, place, blobs) for r in found.references))


_FIX = "See what else is wrong with lib.verify(), put the file back, or add it anew."


def _where(reference: Reference, place: LibraryPlace) -> str:
    return f"The picture of {reference.origin!r} in the library {place.name} ({reference.picture.path})"


def _kept(reference: Reference, place: LibraryPlace, blobs: Blobs) -> Reference:
    wanted = reference.picture
    stored = _stored.setdefault(blobs, set())
    if (wanted.sha256, wanted.path or "") not in stored:
        where, fix = _where(reference, place), _FIX
        try:
            picture = open_picture(wanted.path if wanted.data is None else wanted.data)
        except InvalidInput as error:
            raise StoreError(f"{where} cannot be used: {error.faults[0].what} {fix}") from error
        if picture.sha256 != wanted.sha256:
            raise CorruptArtifact(f"{where} has changed since it was added. {fix}")
        blobs.put(picture.bytes, picture.sha256, picture.format)
        if blobs.thumbnail(picture.sha256) is None:
            blobs.put_thumbnail(picture.sha256, thumbnail(picture.image))
        stored.add((wanted.sha256, wanted.path or ""))
    path = str(blobs.path(wanted.sha256, wanted.format))
    kept = Picture(wanted.sha256, format=wanted.format, width=wanted.width, height=wanted.height, path=path)
    return replace(reference, picture=kept)


def look_for_files(found: Retrieved, place: LibraryPlace, blobs: Blobs) -> None:
    """Raise StoreError where ``keep_found`` would, as far as that can be told without reading a file."""
    stored = _stored.get(blobs, set())
    for reference in found.references:
        wanted = reference.picture
        if (
            wanted.data is None
            and (wanted.sha256, wanted.path or "") not in stored
            and not Path(wanted.path or "").is_file()
        ):
            raise StoreError(f"{_where(reference, place)} cannot be used: there is no such file. {_FIX}")


async def retrieve(engine: Engine, sought: Sought, scope: Scope, policy: Policy) -> Retrieved:
    """Return what this cell found before, or look now and write it down ahead of the request that is given it."""
    asked = sought.to_json()
    occurrence = scope.occurrence(asked)
    recorded = scope.retrieved.get((asked, occurrence))
    began = scope.libraries.get(sought.place.path)
    if recorded is not None:
        return replace(from_record(*recorded, engine.store.blobs), began=began)
    found = await engine.in_thread(look_up, sought)
    found = await engine.in_thread(keep_found, found, sought.place, engine.store.blobs)
    row = (
        engine.store.journal.new_id(), scope.run, scope.cell, occurrence, asked,
        dumps([r.to_plain() for r in found.references]), found.state, timestamp(policy.clock.now()),
    )  # fmt: skip
    engine.store.journal.append([*scope.open(), (INSERT_RETRIEVAL, row)])
    return replace(found, began=began)


def from_record(found: str, state: str | None, blobs: Blobs) -> Retrieved:
    """Read ``found`` of the journal back; the pictures lie in the store."""

    def picture(plain: Mapping[str, Any]) -> Picture:
        return Picture(**plain, path=str(blobs.path(plain["sha256"], plain["format"])))

    rows = json.loads(found)
    return Retrieved(tuple(Reference(picture(row.pop("picture")), **row) for row in rows), state)


def _plain(value: Any) -> Any:
    """Return what a brief holds as JSON; pictures and vectors by their hash."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if hasattr(value, "tobytes"):  # a vector, as numpy holds it
        return hashlib.sha256(value.tobytes()).hexdigest()
    return str(value)
