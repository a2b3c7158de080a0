"""Running a judging experiment: what was never sent the last time is asked now, what was paid or is unknown is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.experiments.progress import follow
from imagegen_kit.experiments.retrying import set_aside

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


def asked(experiment: Experiment, engine: Engine, *, fresh: bool, progress: bool) -> Run:
    """Run, or continue, the experiment and return its run: more budget, or a service that answers again, goes on."""
    journal = engine.store.journal
    journal.flush().result()
    ((last,),) = journal.read(_LAST)
    run = experiment.run(fresh=fresh, engine=engine, progress=progress)
    run._flush()
    unsent = [cell for (cell,) in run._store.journal.read(_UNSENT, (run._number, last))] if run._sealed is None else []
    if unsent:
        set_aside(run._store.journal, run._number, unsent, buy_again=False)
        follow(run._go_on(), show=progress)
    return run
