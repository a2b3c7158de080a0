"""From what an ask says of references to the references of its request: those given first, then those retrieved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.references import FEEDING, TOP_K, by_hand, feeding_faults, listed, read_references
from imagegen_kit.engine.retrieving import read_sought
from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.library.query import LibraryQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from imagegen_kit.engine.retrieving import Retrieved, Sought
    from imagegen_kit.registry import Registry
    from imagegen_kit.types import Adaptation, Reference


def asks_to_retrieve(given: Mapping[str, Any]) -> bool:
    """Whether references are to be looked for, or what says so is wrong."""
    if any(name in given for name in FEEDING):
        return True
    return any(isinstance(item, LibraryQuery) for item in listed(given.get("references")))


class Feeding:
    """The references of one ask while they are put together. ``notes`` say where less or other was found than asked."""

    def __init__(self, prompt: str, given: Mapping[str, Any], registry: Registry) -> None:
        self._prompt, self._given, self._registry = prompt, given, registry
        self.references: list[Reference] = []
        self.notes: list[Adaptation] = []

    def check(self, faults_of: Callable[[str, Mapping[str, Any], Registry], list[Any]]) -> None:
        """Raise InvalidInput with everything that is wrong with the whole ask, before anything is looked for."""
        faults = faults_of(self._prompt, self._given, self._registry) or feeding_faults([self._given])
        if faults:
            raise InvalidInput(faults)

    def steps(self) -> list[Any]:
        """Return the references in order: as they are given, and searches where one is to be made."""
        given, library = self._given, self._given.get("library")
        top_k = given.get("top_k", 0 if library is None else TOP_K)
        last = [_QUERY_OF_THE_ASK] if library is not None and top_k else []
        return [*listed(given.get("references")), *last]

    def seek(self, step: Any) -> Sought | None:
        """Return the search that a step asks for; for a picture, put it among the references and return None."""
        given, without = self._given, frozenset(r.picture.sha256 for r in self.references)
        if step is _QUERY_OF_THE_ASK:
            return read_sought(
                self._prompt, given["library"], given.get("top_k", TOP_K), given.get("query_by", "text"),
                by_hand(given.get("references")), given.get("retriever"), {}, self._registry, without,
            )  # fmt: skip
        if not isinstance(step, LibraryQuery):
            self.references += read_references([step])
            return None
        brief = dict(step.brief)
        image, retriever = brief.pop("image", None), brief.pop("retriever", None)
        text = step.text if step.text is not None or image is not None else self._prompt
        query_by = "+".join([*(["text"] if text is not None else []), *(["image"] if image is not None else [])])
        return read_sought(text, step.library, step.top_k, query_by, image, retriever, brief, self._registry, without)

    def take(self, sought: Sought, found: Retrieved) -> None:
        """Put what was found among the references."""
        self.references += found.references
        self.notes += found.notes(sought)

    def fed(self) -> dict[str, Any]:
        """Return the ask as it goes on: with references, and without what asked for them."""
        rest = {name: value for name, value in self._given.items() if name not in (*FEEDING, "references")}
        return {**rest, "references": tuple(self.references)} if self.references else rest


_QUERY_OF_THE_ASK = object()  # that of library=, top_k=, query_by=
