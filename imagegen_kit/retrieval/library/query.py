"""A retrieval that is asked later: a library and what is wanted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.registry import get_registry
from imagegen_kit.settings import settings
from imagegen_kit.types.common import empty

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library.library import Library


@dataclass(frozen=True, slots=True)
class LibraryQuery:
    """``library.query(…)``: stands in ``references=`` for the best ``top_k`` pictures of a request.

    ``text`` None: the request's own prompt. ``brief`` holds what else ``Library.search`` takes.
    """

    library: Library
    top_k: int = 3
    text: str | None = None
    brief: Mapping[str, Any] = field(default_factory=empty)

    def search(self, prompt: str) -> Any:
        """Ask now: the hits for ``text``, or else for ``prompt``."""
        return self.library.search(self.text or prompt, top_k=self.top_k, **self.brief)


def checked_query(
    library: Any, opened: Library | None, top_k: Any, text: str | None, brief: Mapping[str, Any]
) -> LibraryQuery:
    """Return a query whose arguments were looked at. Raises InvalidInput with everything that is wrong with them.

    ``opened`` None: the library is only named yet (a file does so), and ``where`` is held against it when it is asked.
    """
    from imagegen_kit.retrieval.retrievers.briefs import argument_faults

    faults = []
    if isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1:
        faults.append(Fault("top_k", f"must be a whole number, at least 1; it is {top_k!r:.80}."))
    faults += argument_faults({"text": text, **brief}, opened)
    retriever = brief.get("retriever")
    if retriever is not None and not isinstance(retriever, str):
        hint = "Register it, ik.register(RetrieverSpec(…)), and give its name."
        faults.append(Fault("retriever", f"a {type(retriever).__name__} is not a retriever's name.", hint))
    elif retriever is not None and not settings().replay:
        try:
            get_registry().retriever_target(retriever)
        except InvalidInput as error:
            faults += error.faults
    if faults:
        raise InvalidInput(faults)
    return LibraryQuery(library, top_k, text, brief)
