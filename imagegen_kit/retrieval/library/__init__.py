"""A library: a named set of reference pictures on disk that can be searched.

It is loaded when it is first asked for: with numpy and the index it takes as long as all else that a run needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library.library import Library

__all__ = ["Library"]


def __getattr__(name: str) -> Any:
    if name != "Library":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from imagegen_kit.retrieval.library.library import Library

    return Library
