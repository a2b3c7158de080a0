"""A retriever by its name, through the registry, made once and used from then on."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, PluginError
from imagegen_kit.registry import get_registry

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Retriever

DEFAULT = "hybrid"


def load_retriever(name_or_object: str | Retriever | type | None = None) -> Retriever:
    """Return the retriever of a name (None: ``"hybrid"``), or the object itself where it is one.

    A retriever is made at first use and kept, so that it may keep what it has computed. Raises UnknownName with near
    names, MissingDependency with the command that installs what is missing, and PluginError where it cannot be made.
    """
    thing: Any = DEFAULT if name_or_object is None else name_or_object
    if isinstance(thing, str):
        return _made(get_registry().retriever_target(thing))
    if isinstance(thing, type):
        return _made(thing)
    if not callable(getattr(thing, "retrieve", None)):
        what = f"a {type(thing).__name__} is no retriever: it has no method `retrieve`."
        raise InvalidInput([Fault("retriever", what, 'Give a name like "hybrid", or an object with retrieve().')])
    retriever: Retriever = thing
    return retriever


@lru_cache(maxsize=64)
def _made(target: Any) -> Retriever:
    try:
        retriever: Retriever = target()
    except Exception as error:
        name = getattr(target, "__qualname__", target)
        raise PluginError(f"the retriever {name} could not be made: {type(error).__name__}: {error}") from error
    if not callable(getattr(retriever, "retrieve", None)):
        raise PluginError(f"{type(retriever).__name__} is no retriever: it has no method `retrieve`.")
    return retriever
