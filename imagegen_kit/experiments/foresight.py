"""What an experiment would ask for, found out by running its recipe against a dry engine: plan, fairness, prices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog.models import retirement_notice
from imagegen_kit.engine.dry import foresee
from imagegen_kit.settings import settings
from imagegen_kit.store.values import as_cell_value
from imagegen_kit.tables.fairness import Sent, fairness_table

if TYPE_CHECKING:
    import pandas as pd

    from imagegen_kit.engine.cells import Cell
    from imagegen_kit.engine.dry import Foreseen
    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.experiments.experiment import Experiment


def plan_table(experiment: Experiment, engine: Engine) -> pd.DataFrame:
    """Return one row a cell: parameters, cost, seconds, adaptations, notices of retirement, refusals."""
    import pandas as pd

    names, today = experiment.grid.names, experiment.policy.clock.now().date()
    rows = []
    limits = [usd for usd in (experiment.budget_usd, settings().budget_usd) if usd is not None]
    so_far, most = 0.0, min(limits, default=None)
    for cell, seen in _foreseen(experiment, engine):
        given = {name: as_cell_value(json.loads(cell.encoded[name])) for name in names if name in cell.encoded}
        notes = dict.fromkeys(str(n) for p in seen.requests for n in p.notes)
        notices = dict.fromkeys(n for p in seen.requests if (n := retirement_notice(p.model.spec, today)))
        so_far += seen.usd or 0.0
        if most is not None and seen.usd is None:
            notices["no price is known, so a budget refuses it: say what to reckon with, Policy(assume_usd=…)."] = None
        elif most is not None and seen.usd and so_far > most:
            notices[f"the budget of ${most:.2f} may be used up before this cell."] = None
        rows.append(
            {
                **given,
                "repeat": cell.repeat,
                "pictures": seen.pictures,
                "cached": seen.cached,
                "estimated_usd": seen.usd,
                "estimated_seconds": seen.seconds,
                "adaptations": "; ".join(notes),
                "notices": "; ".join(notices),
                "refused": "; ".join(seen.refused),
                "lower_bound": seen.lower_bound,
            }
        )
    frame = pd.DataFrame(rows)
    frame.index.name = "cell"
    types = {"estimated_usd": "Float64", "estimated_seconds": "Float64"}
    return frame.astype(types | dict.fromkeys(("adaptations", "notices", "refused"), "str"))


def foreseen_fairness(experiment: Experiment, engine: Engine) -> pd.DataFrame:
    """Return the fairness ledger of what would be sent."""
    sent: list[Sent] = []
    for cell, seen in _foreseen(experiment, engine):
        model = str(cell.params.get("model") or settings().model)
        rest = tuple((name, text) for name, text in sorted(cell.encoded.items()) if name != "model")
        asked = [Sent((rest, cell.repeat, step), model, p.notes) for step, p in enumerate(seen.requests)]
        sent += asked or ([Sent((rest, cell.repeat, 0), model, refused=True)] if seen.refused else [])
    return fairness_table(sent)


def foreseen_prices(experiment: Experiment, engine: Engine) -> tuple[list[float | None], int]:
    """Return the price in USD of each answer that would be asked for (None: unknown), and how many are pictures."""
    cells = [seen for _, seen in _foreseen(experiment, engine)]
    return [price for seen in cells for price in seen.prices], sum(seen.pictures for seen in cells)


def _foreseen(experiment: Experiment, engine: Engine) -> list[tuple[Cell, Foreseen]]:
    grid, policy, model = experiment.grid, experiment.policy, settings().model
    plain = grid.encoded(engine.store.blobs)

    async def all_cells() -> list[tuple[Any, Foreseen]]:
        return [
            (cell, await foresee(engine, experiment.recipe, dict(cell.params), policy, cell.repeat, model))
            for cell in grid.cells(plain)
        ]

    return engine.wait(all_cells())
