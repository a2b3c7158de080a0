"""Scores of a run: the methods of ``Run`` that measure its pictures after the fact, and show what was measured."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any, cast

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.contenders import parameters_of
from imagegen_kit.experiments.elsewhere import ELSEWHERE
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.registry import get_registry
from imagegen_kit.store.values import as_cell_value
from imagegen_kit.tables.scores import PREFIX, score_rows
from imagegen_kit.types import request_from_plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from imagegen_kit.experiments.run import Run
    from imagegen_kit.scorers.base import Measurement
    from imagegen_kit.scorers.chosen import Asked, Chosen
    from imagegen_kit.scorers.scoring import Entry

_LOG = logging.getLogger(__name__)
# A placeholder is no picture of what was asked, and is never scored.
_PICTURES = (
    "SELECT r.id, r.cell, r.asked, s.sha256, s.format, s.width, s.height FROM requests r "
    "CROSS JOIN results s ON s.run = r.run AND s.request = r.id LEFT JOIN artifacts a ON a.sha256 = s.sha256 "
    "WHERE r.run = ? AND s.replaced = 0 AND s.sha256 NOT NULL AND s.status IN ('ok', 'cached', 'fallback') "
    "AND r.kind = 'image' AND a.removed_at IS NULL AND a.damaged_at IS NULL ORDER BY r.cell, r.step, r.id"
)


class Scored:
    """The part of ``Run`` that measures its pictures."""

    def score(self, scorers: Asked | Sequence[Asked], *more: Asked, progress: bool = True, engine: Any = None) -> Run:
        """Measure the pictures by ``scorers``, and return the run: its table has the columns ``score_…`` from then on.

        ``scorers`` is a name ("technical"), several, in a list or one after another, or {name: options}; the option
        ``by`` says which parameters set the sets of a scorer of sets apart. What is known of a picture is not
        measured again: after an interrupt, or when more pictures have come, the same call goes on. Placeholders and
        removed pictures are not scored. Where a picture has no number, ``scores()`` says why; a scorer that failed with
        all of them is told in the log. ``engine``: "ray", or a Ray engine, measures in the processes of a cluster that
        see the store's folder. Raises InvalidInput with all faults, and MissingDependency with the command that
        installs what is missing, before anything is measured.
        """
        from imagegen_kit.clusters.spreading import engine_of
        from imagegen_kit.scorers.chosen import choose
        from imagegen_kit.scorers.scoring import Scoring

        run = cast("Run", self)
        spreads = None if engine is None else engine_of(engine)
        run._flush()
        asked = cast("Sequence[Asked]", [scorers, *more]) if more else scorers
        chosen = choose(asked, get_registry())
        entries = _entries(run, reading=any(c.spec.reads for c in chosen))
        _refuse_unknown_by(chosen, entries)
        _refuse_own_columns(run, chosen)
        scoring = Scoring(run._store.journal, run._number, entries, chosen)
        if not progress or not sys.stderr.isatty():
            _tell_failed(chosen, scoring.run(engine=spreads))
            return run
        from tqdm import tqdm

        with tqdm(desc="scoring", unit="task", leave=False) as bar:

            def show(done: int, of: int) -> None:
                bar.total = of
                bar.update(done - bar.n)

            found = scoring.run(show, spreads)
        _tell_failed(chosen, found)
        return run

    def scores(self) -> pd.DataFrame:
        """Return one row for each picture and measure: its number, or why there is none, and what the number means.

        ``better`` is "higher", "lower" or empty, ``low`` and ``high`` the range (NA: open), ``feature`` by what it was
        measured, ``details`` further facts, such as each rule's value and limit. Pictures that no scorer looked at are
        listed with the reason too.
        """
        run = cast("Run", self)
        run._flush()
        return score_rows(run._store.journal, run._number, run._only)


def _tell_failed(chosen: Sequence[Chosen], found: Mapping[int, Mapping[str, Measurement]]) -> None:
    """Log a line for each scorer that failed with every picture, with the first reason. What fits none has not.

    A number that cannot be kept (NaN, infinite, outside the range that its spec declares) is a failure as well.
    """
    from imagegen_kit.scorers.records import REFUSED
    from imagegen_kit.scorers.scoring import FAILED

    for one in chosen:
        every = [m for numbers in found.values() for column, m in numbers.items() if column in one.spec.columns]
        if every and all(m.value is None and m.reason.startswith((FAILED, REFUSED)) for m in every):
            pictures = sum(not one.spec.columns.keys().isdisjoint(numbers) for numbers in found.values())
            _LOG.warning("scorer %r gave no number for any of %d picture(s): %s", one.spec.name, pictures,
                         next(m.reason for m in every))  # fmt: skip


def _entries(run: Run, *, reading: bool) -> list[Entry]:
    from imagegen_kit.scorers.scoring import Entry

    blobs = run._store.blobs
    labels = _labels(run)
    found = []
    for request, cell, asked, sha256, format, width, height in run._store.journal.read(_PICTURES, (run._number,)):
        if run._only is not None and request not in run._only:
            continue
        picture = Picture(sha256, "picture", format, width, height, path=str(blobs.path(sha256, format)))
        read = request_from_plain(json.loads(asked), where=blobs.path) if reading else None
        found.append(Entry(request, picture, read, labels.get(cell, {})))
    return found


def _labels(run: Run) -> dict[int, dict[str, Any]]:
    read: dict[str, Any] = {}
    found: dict[int, dict[str, Any]] = {}
    for cell, known in parameters_of(run).items():
        for value in known.values():
            if value not in read:
                read[value] = as_cell_value(json.loads(value))
        found[cell] = {name: read[value] for name, value in known.items()}
    return found


def _refuse_unknown_by(chosen: Sequence[Chosen], entries: Sequence[Entry]) -> None:
    names = sorted({name for entry in entries for name in entry.labels})
    faults = [
        unknown_name_fault("parameter of this run", name, names, where=f"scorers {one.spec.name} by")
        for one in chosen
        for name in one.by or ()
        if entries and name not in names
    ]
    if faults:
        raise InvalidInput(faults)


def _refuse_own_columns(run: Run, chosen: Sequence[Chosen]) -> None:
    """Refuse to take the place of scores that the table of pictures made elsewhere brought along."""
    if run._spec.get("recipe") != ELSEWHERE:
        return
    brought = {name for known in parameters_of(run).values() for name in known}
    hint = "Give the column another name, score_mine, say, or leave it out, and open the table again."
    faults = [
        Fault(f"scorers {one.spec.name}", f"the table of this run brought its own {PREFIX}{column}.", hint)
        for one in chosen
        for column in one.spec.columns
        if f"{PREFIX}{column}" in brought
    ]
    if faults:
        raise InvalidInput(faults)
