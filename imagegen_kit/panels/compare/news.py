"""What is new in a run: only the rows of the journal that came since the last look, however long the run is."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagegen_kit.store.values import CELLS_PER_RUN
from imagegen_kit.types import SIMULATED

if TYPE_CHECKING:
    from imagegen_kit.experiments.run import Run

# The first look goes by the run's own index, later ones from the end of the table: + keeps SQLite off the other index.
_RESULTS = (
    "SELECT s.rowid, s.request, r.cell, s.status, s.cost_usd, s.origin FROM results s "
    "JOIN requests r ON r.id = s.request WHERE {} AND s.replaced = 0 ORDER BY s.rowid"
)
_FIRST_RESULTS = _RESULTS.format("s.run = :run AND +s.rowid > :since")
_NEW_RESULTS = _RESULTS.format("+s.run = :run AND s.rowid > :since")
_ENDS = "SELECT id, cell, status FROM cell_ends WHERE {} AND cell >= :first AND cell < :last AND replaced = 0"
_FIRST_ENDS = _ENDS.format("+id > :since")
_NEW_ENDS = _ENDS.format("id > :since")
_UNDER_WAY = (
    "SELECT r.cell, MIN(a.started_at) FROM attempts a CROSS JOIN requests r ON r.id = a.request "
    "WHERE a.finished_at IS NULL AND a.state IN ('submitting', 'submitted', 'running', 'ready') AND r.run = ? "
    "GROUP BY r.cell"
)
_BELIEVED_S = 86_400.0  # a simulated clock may show any time


class News:
    """A run in numbers, kept up to date by ``read``; cells are known by their position in the grid."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next look reads the whole run again."""
        self._last_result = self._last_end = 0
        self.ended: dict[int, str] = {}  # position → ok | failed
        self.failed = 0  # cells
        self.by_status: Counter[str] = Counter()
        self.known_usd, self.unknown_costs, self.simulated = 0.0, 0, 0
        self.requests: dict[int, int] = {}  # request → position, of selected runs only
        self.under_way: dict[int, float] = {}  # position → seconds since it was sent

    @property
    def results(self) -> int:
        """How many results there are."""
        return self.by_status.total()

    def read(self) -> set[int]:
        """Look again and return the positions of the cells of which there is something new."""
        number, only = self._run._number, self._run._only
        read = self._run._store.journal.read
        start = number * CELLS_PER_RUN
        changed = set()
        sql = _NEW_RESULTS if self._last_result else _FIRST_RESULTS
        for row in read(sql, {"run": number, "since": self._last_result}):
            self._last_result, request, cell, status, usd, origin = row
            if only is not None and request not in only:
                continue
            changed.add(cell - start)
            self._count(status, usd, origin)
            if only is not None:
                self.requests[request] = cell - start
        sql = _NEW_ENDS if self._last_end else _FIRST_ENDS
        values = {"since": self._last_end, "first": start, "last": start + CELLS_PER_RUN}
        for id, cell, status in read(sql, values):
            self._last_end = max(id, self._last_end)
            self.failed += (status == "failed") - (self.ended.get(cell - start) == "failed")
            self.ended[cell - start] = status
            changed.add(cell - start)
        return changed

    def look_at_calls(self) -> set[int]:
        """Find out which cells are under way and return those that were not, or are not any more."""
        now, start = datetime.now(UTC), self._run._number * CELLS_PER_RUN
        before, self.under_way = set(self.under_way), {}
        for cell, at in self._run._store.journal.read(_UNDER_WAY, (self._run._number,)):
            if cell - start not in self.ended:
                gone = (now - datetime.fromisoformat(at)).total_seconds()
                self.under_way[cell - start] = gone if 0 <= gone < _BELIEVED_S else 0.0
        return before ^ set(self.under_way)

    def _count(self, status: str, usd: float | None, origin: str | None) -> None:
        self.by_status[status] += 1
        self.simulated += (origin or "").startswith(SIMULATED)
        if usd is None:
            self.unknown_costs += 1
        else:
            self.known_usd += usd
