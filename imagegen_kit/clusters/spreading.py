"""Who does work that comes in pieces: this process, a Ray cluster, or whatever offers ``spread``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from imagegen_kit.errors import Fault, InvalidInput

Maker = Callable[[], Callable[[str, Any], dict[str, Any]]]


class Spreads(Protocol):
    """Hands pieces of work to workers. ``RayData`` is one; any object with this method is."""

    def spread(self, make: Maker, pieces: Sequence[tuple[str, Any]]) -> Iterable[dict[str, Any]]:
        """Yield what ``make()(key, piece)`` returns for each of ``pieces``, in any order, each as soon as it is there.

        ``make`` is pickled and called once in each worker; a piece whose worker dies is given to another one.
        """


class Here:
    """Does the work in this process, one piece after the other."""

    def spread(self, make: Maker, pieces: Sequence[tuple[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield what comes of each piece, in order."""
        work = make()
        return (work(key, piece) for key, piece in pieces)


@contextmanager
def spread(engine: Spreads, make: Maker, pieces: Sequence[tuple[str, Any]]) -> Iterator[Iterable[dict[str, Any]]]:
    """Hand out the answers of ``engine``, and end what it has begun however the block is left."""
    answers = engine.spread(make, pieces) if pieces else ()
    try:
        yield answers
    finally:
        if (close := getattr(answers, "close", None)) is not None:
            close()


def engine_of(engine: Any) -> Spreads:
    """Return what does the work for ``engine``: this process for None, Ray Data for "ray". Raises InvalidInput."""
    if engine is None:
        return Here()
    if engine == "ray":
        from imagegen_kit.clusters.ray_data import RayData

        return RayData()
    if callable(getattr(engine, "spread", None)):
        spreads: Spreads = engine
        return spreads
    what = f"{str(engine)[:80]!r} is no engine that takes work in pieces."
    raise InvalidInput([Fault("engine", what, 'Give "ray", or an engine that has `spread`; leave it out for none.')])
