"""What was asked: the question in a sentence, the design, and what was not sent as it was asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.execute import read_policy
from imagegen_kit.report.frames import table_of
from imagegen_kit.report.parts import Items, Section, Table, Words
from imagegen_kit.store.values import as_cell_value
from imagegen_kit.types import SIMULATED
from imagegen_kit.views.words import SIMULATION, STAND_IN, count, is_stand_in, said, shortened, usd

if TYPE_CHECKING:
    from imagegen_kit.report.known import Known

VALUES = 40  # of one parameter; a run may vary a thousand prompts
_MODELS = (
    "SELECT r.model, s.model_used, s.origin, s.prices, s.cost_basis, COUNT(*) FROM requests r "
    "JOIN results s ON s.run = r.run AND s.request = r.id WHERE r.run = ? AND s.replaced = 0 "
    "GROUP BY 1, 2, 3, 4, 5 ORDER BY MIN(MIN(r.cell)) OVER (PARTITION BY r.model), r.model, MIN(r.cell)"
)


def question(known: Known) -> Section:
    """Return what was compared: parameters, and the models with where they answered and by which price list."""
    run = known.run
    axes = {name: n for name, n in known.axes.items() if n > 1}
    grid = " × ".join(f"{count(n, 'value')} of {name}" for name, n in axes.items())
    cells = count(run.cells, "cell")
    if known.elsewhere:
        first = f"{count(run.cells, 'picture')} made elsewhere, set beside each other."
    elif known.by and axes:
        first = f"What difference does the {known.by} make? {grid}: {cells}."
    else:
        first = f"What does this come to? {cells}" + (f" of {grid}." if grid else ".")
    blocks: list[Any] = [Words(first)]
    rows = [list(map(str, row)) for row in _models(known)]
    if rows and not (known.elsewhere and "model" not in known.values):  # nobody said what made them
        head = ["model asked", "answered by", "where", "price list", "cost known by", "requests"]
        notes = [f"{name}: {STAND_IN}." for name in dict.fromkeys(r[0] for r in rows) if is_stand_in(name)]
        if any(r[2].startswith(SIMULATED) for r in rows):
            notes.append(f"Where it says {SIMULATED}… it is {SIMULATION}.")
        blocks.append(Table("Models, where they answered, and prices", head, rows, frozenset({5}), notes))
    return Section("question", "The question", blocks)


def _models(known: Known) -> list[tuple[str, ...]]:
    rows = known.run._store.journal.read(_MODELS, (known.run._number,))
    return [
        (m, used or "nobody", origin or "–", prices or "none", basis or "unknown", f"{n:,}")
        for m, used, origin, prices, basis, n in rows
    ]


def design(known: Known) -> Section:
    """Return the grid, repeats, seeds, policy and budget."""
    run, spec = known.run, known.run._spec
    rows = [[name, str(len(values)), _listed(values)] for name, values in known.values.items()]
    blocks: list[Any] = [Table("Parameters", ["parameter", "values", "which"], rows, frozenset({1}))] if rows else []
    repeats = int(spec.get("repeats", 1))
    lines = [_seeds(known)]
    if known.elsewhere:
        lines.append("Nobody recorded how often, with which settings or in which order they were asked for.")
    else:
        lines.insert(0, f"{count(repeats, 'repeat')} of each combination.")
        budget = spec.get("budget_usd")
        lines.append(f"Budget {usd(float(budget))}." if budget is not None else "No budget of its own.")
        lines.append(f"Policy: {_policy(spec.get('policy'))}.")
        lines.append(f"Recipe: {spec['recipe'].rpartition(':')[2]}.")
    done = run.done
    if done < run.cells:
        lines.append(f"Only {done:,} of {run.cells:,} cells have ended: what is said here may still change.")
    if run._only is not None:
        lines.append("This page is of a selection of the run's results.")
    return Section("design", "Design", [*blocks, Items(lines)])


def _listed(values: list[Any]) -> str:
    words = [shortened(said(as_cell_value(v)), 120) for v in values[:VALUES]]
    more = f" | … and {len(values) - VALUES:,} more" if len(values) > VALUES else ""
    return " | ".join(words) + more


def _seeds(known: Known) -> str:
    seeds = known.table["seed_sent"].dropna()
    if not len(seeds) and known.elsewhere:
        return "Whether seeds were sent is not known."
    if not len(seeds):
        return "No seed was sent: the same request again gives other pictures."
    without = int(known.table["seed_sent"].isna().sum())
    noun = "pictures" if known.elsewhere else "requests"
    rest = f"; {without:,} {noun} without one" if without else ""
    sent = "told" if known.elsewhere else "sent"
    return f"{count(seeds.nunique(), 'seed')} {sent} ({', '.join(map(str, seeds.unique()[:8]))}" + (
        f", …){rest}." if seeds.nunique() > 8 else f"){rest}."
    )


def _policy(plain: dict[str, Any] | None) -> str:
    policy = read_policy(plain)
    told = {k: v for k, v in policy.to_plain().items() if v is not None}
    return "; ".join(f"{name.replace('_', ' ')} {shortened(said(v), 80)}" for name, v in told.items()) or "the usual"


def fairness(known: Known) -> Section:
    """Return what was not sent as it was asked, and whether that weakens a comparison."""
    frame = known.run.fairness()
    title = "Fairness"
    if known.elsewhere:
        words = (
            "What these pictures were asked for, and what was sent, is not known: nobody can say who was asked alike."
        )
        return Section("fairness", title, [Words(words)])
    if not len(frame):
        words = "Every pair of models was sent the same; nothing was dropped, changed or clamped for one of them alone."
        alone = known.axes.get("model", 1) < 2
        return Section("fairness", title, [Words("One model: there is no pair to be unfair to." if alone else words)])
    unfair = frame[frame["unfair"]]
    said_first = (
        Words(f"{count(len(unfair), 'difference')} between models weaken a comparison; look at them first.", "warning")
        if len(unfair)
        else Words("What was not sent as asked weakens no comparison: it was the same for both, or nothing was lost.")
    )
    return Section(title="Fairness", id="fairness", blocks=[said_first, table_of(frame, "Not as asked", index=False)])


def versions_of(known: Known) -> dict[str, str]:
    """Return the versions of the kit and its plugins with which the run was made."""
    ((text,),) = known.run._store.journal.read("SELECT versions FROM runs WHERE number = ?", (known.run._number,))
    found: dict[str, str] = json.loads(text)
    return found
