"""What pressing Generate would do: compiled prompts, cost, time, what each model will not honour, what is wrong."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, ImagegenError, InvalidInput
from imagegen_kit.experiments.foresight import foreseen_fairness, plan_table
from imagegen_kit.panels.lab.draft import Draft, field_of
from imagegen_kit.prompts.compile import PromptSpec, compile_prompt
from imagegen_kit.settings import settings
from imagegen_kit.tables.names import models
from imagegen_kit.types import Size
from imagegen_kit.views.words import count, seconds, shortened, usd, usd_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from imagegen_kit.engine.engine import Engine
    from imagegen_kit.experiments.experiment import Experiment

PLANNED_CELLS = 300  # about 0.1 s; of more than that, the first prompts are planned and the rest reckoned from them
COMPILED = 24  # prompts that are shown compiled


@dataclass(frozen=True, slots=True)
class ModelForesight:
    """What one model would do: ``usd`` is the known part of its cost, ``unknown`` cells have none."""

    model: str
    cells: int
    cached: int
    usd: float
    unknown: int
    seconds: float | None
    notes: tuple[str, ...]  # what it will not honour, and notices
    refused: tuple[str, ...]

    @property
    def cost(self) -> str:
        """The cost in words."""
        return usd_sum(self.usd, self.unknown)


@dataclass(frozen=True, slots=True)
class Foresight:
    """What is known of ``draft`` before anything is sent. ``scale``: cells in all over those that were planned."""

    draft: Draft
    faults: tuple[Fault, ...] = ()
    specs: tuple[tuple[PromptSpec, ...], ...] = ()  # for each of the first prompts, one a style
    models: tuple[ModelForesight, ...] = ()
    unfair: tuple[str, ...] = ()
    budget: tuple[str, ...] = ()
    cells: int = 0
    scale: float = 1.0

    @property
    def usd(self) -> float:
        """The known part of the cost, in USD."""
        return sum(m.usd for m in self.models) * self.scale

    @property
    def unknown(self) -> int:
        """How many cells have a cost that nobody knows."""
        return round(sum(m.unknown for m in self.models) * self.scale)

    @property
    def free(self) -> bool:
        """Whether it surely costs nothing."""
        return not self.unknown and not self.usd

    @property
    def headline(self) -> str:
        """``4 cells · est. $0.47, 2 unknown · ≈ 12.3 s · 1 in the cache``; what to mend where something is wrong."""
        if self.faults:
            blank = not self.draft.prompts and len(self.faults) == 1
            return "write a prompt to begin" if blank else f"{count(len(self.faults), 'thing')} to mend"
        about = "about " if self.scale != 1 else ""
        facts = [count(self.cells, "cell"), f"est. {about}{usd_sum(self.usd, self.unknown)}"]
        timed = [m.seconds for m in self.models if m.seconds is not None]
        if any(timed) and self.scale == 1:  # models work side by side
            facts.append(f"≈ {seconds(max(timed))}")
        if cached := round(sum(m.cached for m in self.models) * self.scale):
            facts.append(f"{cached:,} in the cache")
        return " · ".join(facts)

    @property
    def button(self) -> str:
        """What stands on the button: how many cells, and the sum where it is not surely free."""
        if self.faults:
            return "Generate"
        parts = [f"Generate {self.cells:,}"]
        if self.usd:
            parts.append(f"est. {usd(self.usd)}")
        if self.unknown:
            parts.append(f"{self.unknown:,} of unknown cost" if self.usd else "cost unknown")
        return " · ".join(parts)

    def faults_of(self, name: str) -> list[Fault]:
        """Return what is wrong with one field of the form."""
        return [fault for fault in self.faults if field_of(fault) == name]


def foresee(draft: Draft, engine: Engine) -> Foresight:
    """Return what ``draft`` would do. Nothing is sent; never raises for what the draft holds."""
    faults: list[Fault] = []
    try:
        experiment: Experiment | None = draft.experiment()
    except InvalidInput as error:
        experiment, faults = None, list(error.faults)
    faults += unready(draft.models)
    found = Foresight(draft, specs=() if draft.broken() else _compiled(draft))
    if experiment is not None:
        try:
            found = _planned(found, experiment, engine)
        except ImagegenError as error:  # a library that cannot be opened, a picture that has gone
            faults += error.faults if isinstance(error, InvalidInput) else [Fault("input", error.message)]
    if not faults and found.models and all(len(m.refused) and m.cells for m in found.models):
        faults += [Fault("model", f"{m.model}: {m.refused[0]}") for m in found.models]
    return replace(found, faults=tuple(dict.fromkeys(faults)))


def unready(names: Sequence[str]) -> list[Fault]:
    """Return a fault for each named model that has no key yet, or is gone."""
    table = models()
    aliases = {alias: name for name, line in table["aliases"].items() for alias in str(line).split(", ") if alias}
    missing = {str(name): str(fix) for name, fix in table.loc[~table["ready"], "fix"].items()}
    asked = [(name, aliases.get(name, name)) for name in names]
    return [
        Fault("model", f"{name} is not ready.", f"{missing[id][:1].upper()}{missing[id][1:]}.")
        for name, id in asked
        if id in missing
    ]


def _compiled(draft: Draft) -> tuple[tuple[PromptSpec, ...], ...]:
    """Return the compiled prompts of the first lines; what cannot be compiled is left out: the faults say why."""
    try:
        size = Size.parse(draft.size, draft.aspect_ratio)
    except InvalidInput:
        size = None
    found = []
    for prompt in draft.prompts[:COMPILED]:
        specs = []
        for style in draft.styles:
            try:
                spec = compile_prompt(
                    prompt, style=style, references=draft.references, size=size,
                    negative_prompt=draft.negative_prompt.strip() or None,
                )  # fmt: skip
            except InvalidInput:
                continue
            specs.append(spec)
        found.append(tuple(specs))
    return tuple(found)


def _planned(found: Foresight, experiment: Experiment, engine: Engine) -> Foresight:
    cells, planned = len(experiment), _smaller(found.draft, len(experiment))
    part = experiment if planned is found.draft else planned.experiment()
    plan = plan_table(part, engine)
    return replace(
        found,
        models=tuple(_of_model(str(name), rows) for name, rows in plan.groupby("model", sort=False)),
        unfair=_unfair(foreseen_fairness(part, engine)) if len(found.draft.models) > 1 else (),
        budget=_budget_words(plan, experiment),
        cells=cells,
        scale=cells / len(part),
    )


def _smaller(draft: Draft, cells: int) -> Draft:
    """Return the draft with fewer prompts, and then fewer repeats, where planning it whole would take too long."""
    if cells <= PLANNED_CELLS or not isinstance(draft.repeats, int):
        return draft
    once = len(draft.models) * len(draft.styles)
    prompts = max(1, PLANNED_CELLS // (once * draft.repeats))
    repeats = max(1, PLANNED_CELLS // once) if prompts == 1 else draft.repeats
    return replace(draft, prompt="\n".join(draft.prompts[:prompts]), repeats=min(repeats, draft.repeats))


def _of_model(model: str, plan: pd.DataFrame) -> ModelForesight:
    notes: dict[str, int] = defaultdict(int)
    for column in ("adaptations", "notices"):
        for line in plan[column]:
            for note in filter(None, line.split("; ")):
                if "budget" not in note:  # told once, for all models
                    notes[note] += 1
    timed = plan["estimated_seconds"]
    return ModelForesight(
        model=model,
        cells=len(plan),
        cached=int(plan["cached"].sum()),
        usd=float(plan["estimated_usd"].sum()),
        unknown=int(plan["estimated_usd"].isna().sum()),
        seconds=None if timed.isna().any() else float(timed.sum()),
        notes=tuple(note if n == len(plan) else f"{note} ({n:,} of {len(plan):,} cells)" for note, n in notes.items()),
        refused=tuple(dict.fromkeys(line for line in plan["refused"] if line)),
    )


def _unfair(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the pairs whose comparison would be weakened, in words."""
    return tuple(
        f"{a} and {b}: {name} {sent_a} | {sent_b}" + (f" ({pairs} of {of} pairs)" if pairs != of else "")
        for a, b, name, sent_a, sent_b, pairs, of, unfair in table.itertuples(index=False, name=None)
        if unfair
    )


def _budget_words(plan: pd.DataFrame, experiment: Experiment) -> tuple[str, ...]:
    """Return what a budget would refuse, in words; empty where none is set or there is room for all."""
    limits = {"this run's": experiment.budget_usd, "this session's": settings().budget_usd}
    smallest = min((usd for usd in limits.values() if usd is not None), default=None)
    if smallest is None:
        return ()
    owner = next(name for name, limit in limits.items() if limit == smallest)
    unknown = int(plan["notices"].str.contains("a budget refuses it").sum())
    beyond = int(plan["notices"].str.contains("may be used up before").sum())
    words = []
    if beyond:
        words.append(f"{owner} budget of {usd(smallest)} may be used up before {count(beyond, 'cell')}")
    if unknown:
        words.append(f"{owner} budget of {usd(smallest)} refuses {count(unknown, 'cell')}: no price is known")
    return tuple(shortened(line, 160) for line in words)
