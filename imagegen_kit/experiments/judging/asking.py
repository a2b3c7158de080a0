"""Running a judging experiment: what was never sent the last time is asked now, what was paid or is unknown is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.errors import InvalidReply
from imagegen_kit.experiments.progress import follow
from imagegen_kit.experiments.retrying import set_aside
from imagegen_kit.recipes.judging import read_verdict

if TYPE_CHECKING:
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.experiments.experiment import Experiment
    from imagegen_kit.experiments.run import Run

_LAST = "SELECT COALESCE(MAX(id), 0) FROM cell_ends"
# Cells that had ended before, because of a request for which nothing was, or may have been, charged.
_UNSENT = (
    "SELECT e.cell FROM cell_ends e JOIN cells c ON c.id = e.cell WHERE c.run = ? AND e.replaced = 0 "
    "AND e.status = 'failed' AND e.id <= ? AND (SELECT COUNT(*) > 0 AND SUM(EXISTS (SELECT 1 FROM attempts a "
    "LEFT JOIN ledger l ON l.attempt = a.id WHERE a.request = r.id AND COALESCE(l.state, '') != 'released')) = 0 "
    "FROM requests r JOIN results s ON s.run = r.run AND s.request = r.id AND s.replaced = 0 "
    "WHERE r.run = c.run AND r.cell = c.id AND s.status NOT IN ('ok', 'cached', 'fallback'))"
)

_FIND = "SELECT id, cell FROM requests WHERE run = ? AND key = ?"
_ANEW = "UPDATE results SET replaced = 1 WHERE run = ? AND request = ?"
# The answer stays where it was given; without a key no cache finds it again.
_NOT_CACHED = "UPDATE results SET key = NULL WHERE key = ?"


def asked(experiment: Experiment, engine: Engine, *, fresh: bool, progress: bool) -> Run:
    """Run, or continue, the experiment and return its run: more budget, or a service that answers again, goes on."""
    journal = engine.store.journal
    journal.flush().result()
    ((last,),) = journal.read(_LAST)
    run = experiment.run(fresh=fresh, engine=engine, progress=progress)
    run._flush()
    unsent = [cell for (cell,) in run._store.journal.read(_UNSENT, (run._number, last))] if run._sealed is None else []
    unsent += _without_old_answers(run, engine) if fresh and run._sealed is None else []
    if unsent:
        set_aside(run._store.journal, run._number, unsent, buy_again=False)
        follow(run._go_on(), show=progress)
    return run


def _without_old_answers(run: Run, engine: Engine) -> list[int]:
    """Take answers that are no verdict, and came from the cache, out of both; return the cells that lack them now."""
    cells = dict[int, None]()
    journal, criteria = run._store.journal, run._spec["fixed"]["criteria"]
    for result in run:
        if result.status != "cached" or result.key is None:
            continue
        try:
            read_verdict(result.data, criteria, result.request.model)
        except InvalidReply:
            rows = journal.read(_FIND, (run._number, result.key))
            cells.update((cell, None) for _, cell in rows)
            engine.remembered.forget(result.key)
            marks = [(_ANEW, (run._number, request)) for request, _ in rows]
            journal.write([*marks, (_NOT_CACHED, (result.key,))]).result()
    return list(cells)
