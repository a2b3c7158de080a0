"""``search``: a library asked by whichever retriever, and its answer with the rows that it names."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import InvalidInput, PluginError
from imagegen_kit.retrieval.base import Found
from imagegen_kit.retrieval.retrievers.briefs import brief_of
from imagegen_kit.retrieval.retrievers.hits import About, Hits
from imagegen_kit.retrieval.retrievers.loading import load_retriever

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Brief, Retriever
    from imagegen_kit.retrieval.library import Library


def search(
    library: Library, text: str | None = None, *, retriever: str | Retriever | None = None, **arguments: Any
) -> Hits:
    """Return the items of ``library`` that fit best; ``arguments`` are those of ``briefs.brief_of``.

    Raises InvalidInput with everything wrong with the call, and where the library holds nothing to be found;
    PluginError where a retriever breaks its contract.
    """
    count = len(library)
    if not count:
        where = getattr(library, "path", None)
        raise InvalidInput(f"the library{f' {where}' if where else ''} holds no pictures. Add some: lib.add(folder).")
    try:
        finder = load_retriever(retriever)  # the first time in a session this loads the plugins
    except InvalidInput as error:
        try:
            brief_of(library, text, **arguments)
        except InvalidInput as others:
            raise InvalidInput([*error.faults, *others.faults]) from error
        raise
    began = perf_counter()
    brief = brief_of(library, text, **arguments)
    found = finder.retrieve(library, brief)
    _check(finder, brief, found)
    asked = perf_counter()
    items = library.items([hit.number for hit in found.hits])
    ended = perf_counter()
    embedder = library.embedder
    seconds = {**found.seconds, "rows": ended - asked, "total": ended - began}
    name = getattr(finder, "name", type(finder).__name__)
    return Hits(found, items, About(name, embedder.name, embedder.fingerprint, count, seconds, _notes(found)))


def _check(finder: Retriever, brief: Brief, found: Found) -> None:
    """Refuse an answer that would mislead; the rest of the contract is tested, not checked at each search."""
    if isinstance(found, Found) and len(found.hits) <= brief.top_k:
        return
    got = f"{len(found.hits)} hits for top_k={brief.top_k}" if isinstance(found, Found) else type(found).__name__
    raise PluginError(f"the retriever {getattr(finder, 'name', finder)!r} returned {got}.")


def _notes(found: Found) -> tuple[str, ...]:
    if found.hits:
        return found.notes
    why = "`where` lets no item through." if found.kept == 0 else "nothing was found."
    return (*found.notes, why)
