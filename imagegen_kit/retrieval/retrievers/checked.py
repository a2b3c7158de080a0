"""A retriever of somebody else asked, and its answer held against the contract before anybody believes it."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from imagegen_kit.errors import ImagegenError, PluginError
from imagegen_kit.retrieval.base import Found, Hit

if TYPE_CHECKING:
    from imagegen_kit.retrieval.base import Brief, Retriever
    from imagegen_kit.retrieval.library import Library

_ROUNDING = 1e-6  # of float32


def name_of(finder: Retriever) -> str:
    """Return what a retriever is called in tables and errors."""
    return str(getattr(finder, "name", None) or type(finder).__name__)


def retrieve(finder: Retriever, library: Library, brief: Brief) -> Found:
    """Return the answer of ``finder``. Raises PluginError, naming it, for one that would mislead.

    An error inside it becomes its cause; what it refuses with an error of this kit (InvalidInput …) stays as it is. The
    kit's own retrievers are tested instead, so only the form of their answers is looked at.
    """
    ours = type(finder).__module__.startswith("imagegen_kit.retrieval.")
    if ours:
        found = finder.retrieve(library, brief)
        wrong = _wrong_form(found, brief)
    else:
        state = getattr(library, "state", None)
        try:
            found = finder.retrieve(library, brief)
        except ImagegenError:
            raise
        except Exception as error:
            what = f"the retriever {name_of(finder)!r} failed: {type(error).__name__}: {error}"
            raise PluginError(what[:500]) from error
        wrong = _wrong_form(found, brief) or _wrong_hits(found) or _wrong_order(found, brief)
        if not wrong and state == getattr(library, "state", None):  # else an item may have gone since
            wrong = _wrong_items(found, library, brief)
    if wrong:
        raise PluginError(f"the retriever {name_of(finder)!r} returned {wrong}. Test it with RetrieverContract.")
    return found


def _wrong_form(found: Any, brief: Brief) -> str | None:
    if not isinstance(found, Found):
        return f"{type(found).__name__} instead of a Found"
    if not isinstance(found.hits, (tuple, list)):
        return f"hits in a {type(found.hits).__name__} instead of a tuple"
    return f"{len(found.hits)} hits for top_k={brief.top_k}" if len(found.hits) > brief.top_k else None


def _wrong_hits(found: Found) -> str | None:
    seen: set[int] = set()
    for hit in found.hits:
        if not isinstance(hit, Hit):
            return f"{type(hit).__name__} among its hits"
        if isinstance(hit.number, bool) or not isinstance(hit.number, (int, np.integer)):
            return f"{hit.number!r:.80} as the number of an item"
        if hit.number in seen:
            return f"item {hit.number} twice"
        seen.add(int(hit.number))
        for where, score in [("score", hit.score), *((name, said.score) for name, said in hit.channels.items())]:
            if not _is_score(score):
                return f"{score!r:.80} as the {where} of item {hit.number}, which is no number from 0 to 1"
    return None


def _is_score(score: Any) -> bool:
    try:
        return math.isfinite(score) and -_ROUNDING <= score <= 1 + _ROUNDING
    except (TypeError, ValueError):
        return False


def _wrong_order(found: Found, brief: Brief) -> str | None:
    """Where one channel answers alone, and nothing asks for variety, scores never rise."""
    if brief.diversity or len({name for hit in found.hits for name in hit.channels}) != 1:
        return None
    scores = [hit.score for hit in found.hits]
    for place, (score, after) in enumerate(itertools.pairwise(scores), 1):
        if after > score + _ROUNDING:
            return f"a hit with {after:.3f} after one with {score:.3f} (places {place} and {place + 1}): best first"
    return None


def _wrong_items(found: Found, library: Library, brief: Brief) -> str | None:
    numbers = np.array([hit.number for hit in found.hits], dtype=np.int64)
    for where, what in ((None, "which is not in the library"), (brief.where, "which `where` does not let through")):
        outside = numbers[~np.isin(numbers, library.numbers(where))]
        if len(outside):
            return f"item {outside[0]}, {what}"
    return None
