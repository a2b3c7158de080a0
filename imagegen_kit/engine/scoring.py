"""The verb ``score``: a recipe has its pictures measured while it runs; the numbers are those of ``run.score``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.engine.scope import Scope
    from imagegen_kit.scorers.base import Measurement
    from imagegen_kit.scorers.chosen import Chosen
    from imagegen_kit.types import Result

_REQUEST = (
    "SELECT r.id, s.sha256 FROM requests r JOIN results s ON s.run = r.run AND s.request = r.id AND s.replaced = 0 "
    "WHERE r.run = ? AND r.cell = ? AND r.step = ? ORDER BY r.id DESC LIMIT 1"
)
SCORED = ("ok", "cached", "fallback")  # a placeholder is no picture of what was asked


async def score_results(
    engine: Any, scope: Scope, results: Sequence[Result], scorers: Any, decides: bool = True
) -> list[dict[str, Measurement] | None]:
    """Return {measure: measurement} of each result, in order; None where it has no picture, or is a placeholder.

    Results of this job are recorded; others (of another job) are measured all the same. Raises InvalidInput and
    MissingDependency before anything is measured.
    """
    from imagegen_kit.scorers.base import Measurement
    from imagegen_kit.scorers.chosen import choose

    if any(not hasattr(result, "artifacts") for result in results):
        raise InvalidInput([Fault("score", "these are no answers of a job.", "Give what job.images returned.")])
    chosen = await engine.in_thread(choose, scorers, engine.registry)
    foreseen = getattr(engine, "foreseen", None)
    if foreseen is not None:  # a plan
        foreseen.lower_bound |= decides  # what the recipe makes of its numbers is not known
        columns = [column for one in chosen for column in one.spec.columns]
        return [dict.fromkeys(columns, Measurement(None, "not made yet")) if r.ok else None for r in results]
    found: list[dict[str, Measurement] | None] = await engine.in_thread(_score, engine, scope, results, chosen)
    return found


def _score(
    engine: Engine, scope: Scope, results: Sequence[Result], chosen: Sequence[Chosen]
) -> list[dict[str, Measurement] | None]:
    from imagegen_kit.scorers.scoring import Entry, Scoring

    journal = engine.store.journal
    journal.flush().result()
    entries: dict[int, Entry] = {}
    for place, result in enumerate(results):
        picture = next((p for p in result.artifacts if isinstance(p, Picture)), None)
        if result.status not in SCORED or picture is None:
            continue
        row = journal.read(_REQUEST, (scope.run, scope.cell, result.step))
        recorded = bool(row) and row[0][1] == picture.sha256
        entries[place] = Entry(row[0][0] if recorded else -1 - place, picture, result.request, {})
    found = Scoring(journal, scope.run, list(entries.values()), chosen).run()
    return [found[entries[place].request_id] if place in entries else None for place in range(len(results))]
