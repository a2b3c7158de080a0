"""Embedders: pictures, and texts where they can, to vectors of one space."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.registry import get_registry
from imagegen_kit.retrieval.embedders.mirrored import mirrored_queries

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Embedder

__all__ = ["load_embedder", "mirrored_queries"]

_PARTS = ("name", "fingerprint", "dimension", "modalities", "embed_images", "embed_texts")


def load_embedder(name_or_object: str | Embedder) -> Embedder:
    """Return the embedder that a name stands for, loading it now; an embedder itself comes back as it is.

    A name is that of a spec, and may say after a colon which model: ``"clip:some/folder"``. Raises UnknownName with
    near names; MissingDependency with the command that installs what is missing; InvalidInput for what is no embedder
    or cannot be loaded as asked.
    """
    if not isinstance(name_or_object, str):
        return _embedder(name_or_object, f"a {type(name_or_object).__name__}")
    name, colon, which = name_or_object.partition(":")
    target = get_registry().retriever_target(name, "embedder")
    given = (which,) if colon else ()
    if colon and not which:
        raise InvalidInput([Fault("embedder", f"{name_or_object!r} names nothing behind the colon.")])
    try:
        inspect.signature(target).bind(*given)
    except TypeError:
        hint = f'Write "{name}".' if colon else f'Say which one behind a colon: "{name}:…".'
        raise InvalidInput([Fault("embedder", f"{name_or_object[:80]!r} does not fit {name!r}.", hint)]) from None
    except ValueError:  # some classes written in C have no signature: calling them tells
        pass
    return _embedder(target(*given), f"the embedder {name!r}")


def _embedder(thing: Any, what: str) -> Embedder:
    missing = [part for part in _PARTS if not hasattr(thing, part)]
    if missing or isinstance(thing, type):
        lacks = f"it has no {', '.join(missing)}." if missing else "it is a class; call it."
        hint = 'Give the name of one ("offline", "clip:folder"), or an object with all of ' + ", ".join(_PARTS) + "."
        raise InvalidInput([Fault("embedder", f"{what} is no embedder: {lacks}", hint)])
    embedder: Embedder = thing
    return embedder
