"""Opening a library: whose vectors it holds, and what it is filled with when it is opened for the first time."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, StoreError
from imagegen_kit.retrieval.library.manifest import read_manifest
from imagegen_kit.retrieval.library.places import EXCHANGE, MANIFEST
from imagegen_kit.retrieval.library.progress import telling_a_terminal
from imagegen_kit.retrieval.library.schema import damaged
from imagegen_kit.retrieval.library.segments import Vectors
from imagegen_kit.retrieval.library.sources import candidates
from imagegen_kit.retrieval.library.writing import held

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Embedder
    from imagegen_kit.retrieval.library.places import Place
    from imagegen_kit.retrieval.library.records import Records

_FIRST = "first"  # "unfinished" while what fills the library is being read, "done" after it


def prepare(records: Records, place: Place, embedder: Embedder, *, reembed: bool) -> None:
    """Refuse another embedder, fill an empty library with what its folder holds, embed anew where that is asked for."""
    if place.cached and not place.database.exists():  # the cache was cleared halfway: it is filled again
        (place.home / MANIFEST).unlink(missing_ok=True)
    if place.first is not None and records.meta(_FIRST) != "done" and not _was_there(records):
        _fill(records, place, embedder)
    vectors = Vectors.of(records, place.home, embedder)
    known = records.read("SELECT name, fingerprint FROM embedders ORDER BY name")
    live = records.read("SELECT count(*) FROM items WHERE removed = 0") or [(0,)]
    if not live[0][0] or not known:
        return
    renew = reembed or place.cached  # what lies in the cache can be made again, and nobody else's is lost
    own = embedder.fingerprint in [fingerprint for _, fingerprint in known]
    if not own and not renew:
        _check_same(records, place, embedder)
        raise InvalidInput([_another(known, embedder, place)])
    try:
        lacking = len(vectors.missing())
    except StoreError:  # told by whatever reads them next; here it would be in the way of verify(repair=True)
        return
    if own and not lacking:
        return
    if renew:
        with held(records, place, embedder) as writing:
            writing.embed_missing()
        return
    warnings.warn(
        f"{lacking:,} of {live[0][0]:,} pictures of {place.folder.name} have no vectors of the embedder "
        f"{embedder.name!r} and are found by words only. Library.open(…, reembed=True) makes them.",
        stacklevel=3,
    )


def _was_there(records: Records) -> bool:
    """Whether the library was made by other means than by what its folder holds."""
    return records.meta("generation") is not None and records.meta(_FIRST) is None


def _check_same(records: Records, place: Place, embedder: Embedder) -> None:
    """Raise CorruptArtifact where the manifest knows the embedder and the database has lost it."""
    told = read_manifest(place.home) or {}
    listed = told.get("embedders")
    known = [one.get("fingerprint") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if embedder.fingerprint in known and told.get("generation") == records.generation:
        raise damaged(records.path, f"it names another embedder than manifest.json, which has {embedder.name!r}")


def _another(known: list[Any], embedder: Embedder, place: Place) -> Fault:
    names = " and ".join(f"{name!r} ({fingerprint[:8]})" for name, fingerprint in known)
    what = (
        f"the vectors of {place.folder} were made by {names}, not by {embedder.name!r} ({embedder.fingerprint[:8]}): "
        "their answers would mean nothing."
    )
    again = f"Library.open(…, embedder={embedder.name!r}, reembed=True)"
    if any(name == embedder.name for name, _ in known):
        hint = f"The embedder has changed since. To embed the pictures anew: {again}."
    else:
        hint = f"Open it with embedder={known[0][0]!r}, or embed the pictures anew beside them: {again}."
    return Fault("embedder", what, hint)


def _fill(records: Records, place: Place, embedder: Embedder) -> None:
    source = place.first
    if isinstance(source, Path) and source.is_dir():
        source = source / EXCHANGE
    with held(records, place, embedder) as writing:
        if records.meta(_FIRST) == "done":  # another process was faster
            return
        found = candidates(source, {}, folder=place.folder)
        with records.writing() as change:
            change.keep(_FIRST, "unfinished")
        with telling_a_terminal("first look at the pictures", len(found)) as told:
            report = writing.add(found, copy=False, told=told)
        strict = isinstance(source, (Mapping, list)) or source.suffix.lower() in (".yaml", ".yml")
        if report.rejected and strict:
            raise InvalidInput([Fault(one.source, one.reason) for one in report.rejected])
        nothing = len(report.rejected) == len(found) > 0
        if not nothing:  # else it is read again when the library is opened the next time
            with records.writing() as change:
                change.keep(_FIRST, "done")
            writing.manifest()
    if report.rejected:
        first = report.rejected[0]
        again = "when it is opened the next time" if nothing else f"by lib.add({str(source)!r})"
        warnings.warn(
            f"{len(report.rejected)} of {len(found)} pictures of {place.folder.name} were not taken: {first.source}: "
            f"{first.reason}{' …' if len(report.rejected) > 1 else ''} They are looked for again {again}.",
            stacklevel=4,
        )
