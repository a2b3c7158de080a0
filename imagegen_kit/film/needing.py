"""PyAV, which reads and writes films: a package of its own, loaded when a film is first opened."""

from __future__ import annotations

from typing import Any

from imagegen_kit.errors import MissingDependency

INSTALL = "pip install 'imagegen-kit[video]'"
ONE_THREAD = 1  # for scaling and colours: with several, one pixel in many is another one now and then (PyAV 18.1)


def pyav(feature: str) -> Any:
    """Return the module ``av``. Raises MissingDependency, which says what ``feature`` needs."""
    try:
        import av
    except ImportError as error:
        raise MissingDependency(feature, "av", INSTALL) from error
    return av
