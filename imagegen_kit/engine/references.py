"""References as they are given: pictures by hand, a library to look into, searches to come; and what is wrong there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.retrieval.library.query import LibraryQuery
from imagegen_kit.retrieval.place import is_hits, is_library, place_of
from imagegen_kit.settings import settings
from imagegen_kit.types import Artifact, Reference

if TYPE_CHECKING:
    from imagegen_kit.registry import Registry

MAX_TOP_K = 100  # no catalogued model takes more than 14 references; what is beyond the limit is left out by score
TOP_K = 3  # where a library is given and nothing is said
QUERY_BY = ("text", "image", "text+image")
FEEDING = ("library", "retriever", "query_by", "top_k")  # the parameters that ask for retrieved references


def listed(value: Any) -> list[Any]:
    """Return one reference or several as a list, hits within it one by one; nothing where there is none."""
    if value is None:
        return []
    single = isinstance(value, (str, bytes, Path, Artifact, Reference, LibraryQuery)) or not isinstance(value, Sequence)
    items = [value] if single else list(value)
    return [one for item in items for one in (item if is_hits(item) else (item,))]


def read_references(value: Any) -> tuple[Reference, ...]:
    """Read one reference or a list of them (path, bytes, PIL, Picture). Raises InvalidInput with all faults."""
    found: list[Reference] = []
    faults: list[Fault] = []
    for number, item in enumerate(listed(value), 1):
        try:
            found.append(item if isinstance(item, Reference) else Reference(item))
        except InvalidInput as error:
            where = f"reference {number}" + (f" ({os.fspath(item)})" if isinstance(item, (str, Path)) else "")
            faults += [Fault(where, f.what, f.hint) for f in error.faults]
    if faults:
        raise InvalidInput(faults)
    return tuple(found)


def by_hand(value: Any) -> list[Any]:
    """Return the references that are there already, without the searches to come."""
    return [item for item in listed(value) if not isinstance(item, LibraryQuery)]


def references_faults(name: str, value: Any, registry: Registry) -> list[Fault]:
    """Return what is wrong with ``references``, searches to come included."""
    faults: list[Fault] = []
    if is_library(value):  # iterating it would send everything that it holds
        return [Fault(name, "it is a whole library.", "Give library=… with top_k=…, or references=lib.get(name).")]
    for item in listed(value):
        if isinstance(item, LibraryQuery):
            faults += library_faults(name, item.library, registry) + top_k_faults(name, item.top_k, registry)
            if item.text is not None and not isinstance(item.text, str):
                faults.append(Fault(name, f"the text of its query is {item.text!r:.80}."))
    try:
        read_references(by_hand(value))
    except InvalidInput as error:
        faults += error.faults
    return faults


def library_faults(name: str, value: Any, _: Registry) -> list[Fault]:
    """Return what is wrong with a library; while a replay is on it need not be there."""
    try:
        place_of(value, look=not settings().replay)
    except InvalidInput as error:
        return [Fault(name, f.what, f.hint) for f in error.faults]
    return []


def top_k_faults(name: str, value: Any, _: Registry) -> list[Fault]:
    """Return what is wrong with how many references are wanted."""
    if type(value) is int and 0 <= value <= MAX_TOP_K:
        return []
    return [Fault(name, f"{value!r:.80} is not a whole number from 0 to {MAX_TOP_K}.", "0 is none.")]


def query_by_faults(name: str, value: Any, _: Registry) -> list[Fault]:
    """Return what is wrong with what a library is searched by."""
    return [] if value in QUERY_BY else [Fault(name, f"{value!r:.80} is not known.", f"Use {', '.join(QUERY_BY)}.")]


def retriever_faults(name: str, value: Any, registry: Registry) -> list[Fault]:
    """Return what is wrong with a retriever; parameters name it, so that the journal can."""
    known = [n for n, spec in registry.retrievers().items() if spec.kind == "retriever"]
    if not isinstance(value, str):
        hint = "Register it, ik.register(RetrieverSpec(…)), and give its name."
        return [Fault(name, f"a {type(value).__name__} is not a retriever's name.", hint)]
    return [] if value in known or settings().replay else [unknown_name_fault("retriever", value, known, where=name)]


def feeding_faults(points: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Return where what asks for retrieved references does not fit together, at any of ``points``."""
    faults = []
    for given in points:
        top_k, library = given.get("top_k"), given.get("library")
        if library is None and type(top_k) is int and top_k > 0:
            what = f"{top_k} references are to be retrieved, and there is no library."
            faults.append(Fault("top_k", what, "Give library=…; top_k=0, or leaving it out, retrieves none."))
        wanted = library is not None and top_k != 0
        if wanted and given.get("query_by") in ("image", "text+image") and not by_hand(given.get("references")):
            what = f"it is {given['query_by']!r}, and there is no reference picture to search by."
            faults.append(Fault("query_by", what, "Give references=…, or query_by='text'."))
    return list(dict.fromkeys(faults))
