"""PyAV, which reads and writes films: a package of its own, loaded when a film is first opened."""

from __future__ import annotations

from typing import Any

from imagegen_kit.errors import MissingDependency

INSTALL = "pip install 'imagegen-kit[video]'"


def pyav(feature: str) -> Any:
    """Return the module ``av``. Raises MissingDependency, which says what ``feature`` needs."""
    try:
        import av
    except ImportError as error:
        raise MissingDependency(feature, "av", INSTALL) from error
    return av
