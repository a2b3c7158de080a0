"""What was generated in the lab before, read from the journal: nothing is kept elsewhere, so nothing gets lost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagegen_kit.panels.lab.draft import NAME, Draft, draft_of_run
from imagegen_kit.views.words import count, shortened, usd_sum

if TYPE_CHECKING:
    from imagegen_kit.store import Store

SHOWN = 200  # the last so many runs
_RUNS = (
    "SELECT u.id, u.spec, COUNT(s.request), COALESCE(SUM(s.cost_usd), 0), "
    "COALESCE(SUM(s.request NOT NULL AND s.cost_usd IS NULL), 0), "
    "(SELECT COUNT(*) FROM runs o WHERE o.name = u.name AND o.number <= u.number) "
    "FROM runs u LEFT JOIN results s ON s.run = u.number AND s.replaced = 0 "
    "WHERE u.name = ? GROUP BY u.number ORDER BY u.number DESC LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of the lab: its number among them (1 is the first), its id, its fields, and a line that names it."""

    number: int
    run_id: str
    draft: Draft
    label: str


def entries(store: Store) -> list[Entry]:
    """Return the runs that were made in the lab, in this session or before, newest first."""
    store.journal.flush().result()
    found = []
    for id, spec, _, known, unknown, number in store.journal.read(_RUNS, (NAME, SHOWN)):
        draft = draft_of_run(json.loads(spec), store.blobs)
        if draft is not None:
            found.append(Entry(number, id, draft, _label(number, draft, known, unknown)))
    return found


def _label(number: int, draft: Draft, known: float, unknown: int) -> str:
    prompts, models = draft.prompts, draft.models
    first = shortened(prompts[0], 44) + (f" (+ {len(prompts) - 1})" if len(prompts) > 1 else "")
    by = models[0] if len(models) == 1 else count(len(models), "model")
    return f"{number} · {first} · {by} · {usd_sum(known, unknown)}"
