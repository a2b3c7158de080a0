"""The way from ``Library.add`` to lots: which sources and engines take it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.clusters.spreading import engine_of
from imagegen_kit.retrieval.library.candidate import Candidate
from imagegen_kit.retrieval.library.progress import telling
from imagegen_kit.retrieval.library.sources import candidates
from imagegen_kit.retrieval.lots.merge import Merging
from imagegen_kit.retrieval.lots.sources import NO_PICTURES, is_bulk, lots_of, lots_of_candidates

if TYPE_CHECKING:
    from imagegen_kit.retrieval.library.report import AddReport
    from imagegen_kit.retrieval.library.writing import Writing


def add_pictures(
    hold: Callable[[], AbstractContextManager[Writing]], source: Any, about: Mapping[str, Any], folder: Path, *,
    copy: bool, engine: Any, progress: bool | Callable[[int, int], None] | None,
) -> AddReport:  # fmt: skip
    """Do what ``Library.add`` says, whose arguments these are; ``hold`` holds the library in ``folder`` for writing.

    In lots where an engine is to embed the pictures, or where nothing else can read the source.
    """
    spreads = engine_of(engine)
    if is_bulk(source):
        lots = lots_of(source, about, folder=folder)
    else:
        found = candidates(source, about, folder=folder) or [Candidate("source", None, refused=NO_PICTURES)]
        if engine is None or not any(map(_there, found)):  # a cluster is not started for what is not there
            with hold() as writing, telling(progress, len(found)) as told:
                return writing.add(found, copy=copy, told=told)
        lots = lots_of_candidates(found)
    with hold() as writing, telling(progress, sum(lot.count for lot in lots)) as told:
        return Merging(writing, copy=copy, told=told).run(lots, spreads)


def _there(candidate: Candidate) -> bool:
    return not candidate.refused and (not isinstance(candidate.picture, Path) or os.path.exists(candidate.picture))
