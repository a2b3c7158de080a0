"""What each picture of a run says in a comparison: whether it came, its price, its seconds, its scores.

Only what the asked model made itself counts for price, seconds and scores; what was stopped before it was sent says
nothing about anybody.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.contenders import REAL, context_of, label_of, parameters_of, prompt_of, shows_what
from imagegen_kit.experiments.elsewhere import ELSEWHERE
from imagegen_kit.experiments.together import belonging, no_numbers, scores_told
from imagegen_kit.tables.columns import ADAPTATIONS, BROKEN
from imagegen_kit.tables.scores import doubts, measures_of, score_columns, score_sets

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from imagegen_kit.experiments.run import Run

_ROWS = (
    "SELECT r.id, r.cell, r.step, r.variant, c.repeat, COALESCE(r.category, c.category), s.status, s.same_model, "
    f"s.price_usd, s.seconds, MAX(r.unfair, s.told_unfair), s.sha256, {ADAPTATIONS}, "
    "r.kind = 'image' AND s.sha256 NOT NULL AND a.removed_at IS NULL AND a.damaged_at IS NULL "
    "FROM requests r CROSS JOIN results s ON s.run = r.run AND s.request = r.id CROSS JOIN cells c ON c.id = r.cell "
    "LEFT JOIN artifacts a ON a.sha256 = s.sha256 "
    "WHERE r.run = ? AND s.replaced = 0 AND r.kind != 'text' ORDER BY r.cell, r.step, r.id"
)
_BROKEN_CELLS = (  # cells whose recipe raised, where no request tells of it
    "SELECT c.id, c.repeat, c.category FROM cells c JOIN cell_ends e ON e.cell = c.id AND e.replaced = 0 "
    f"WHERE c.run = ? AND e.error_type NOT NULL AND {BROKEN}"
)
SUCCESS, PRICE, LATENCY = "success", "price_usd", "seconds"
JUDGE_SCORE = "score_judge"  # of the pairs that a judge was given, not of all pictures


@dataclass(frozen=True, slots=True)
class Metric:
    """What is compared: which way is better ("higher", "lower", ""), its unit, and whether its mean or median.

    ``sets`` says that its numbers hang on sets of pictures, so that a set counts once; ``doubt`` why nothing may be
    claimed by it; ``span`` is how far two of its numbers can lie apart, None without end; ``unscored`` how many
    pictures a scorer has not looked at yet.
    """

    name: str
    better: str
    unit: str = ""
    of: str = "mean"
    sets: bool = False
    doubt: str = ""
    span: float | None = None
    unscored: int = 0


_ALWAYS = (
    Metric(SUCCESS, "higher"),
    Metric(PRICE, "lower", "USD", "median"),
    Metric(LATENCY, "lower", "s", "median"),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture, or the failure to make it. ``numbers`` has what is known of it, by metric."""

    value: str  # of the parameter that is compared, as it is recorded
    unit: Hashable  # what is resampled: the prompt
    context: Hashable  # equal for samples that may be set against each other
    place: Hashable  # the context, and the how-manieth picture of it
    category: str | None
    numbers: Mapping[str, float]
    unfair: bool
    told: str  # what was not sent as it was asked, in words
    sets: Mapping[str, str] = field(default_factory=dict)  # which set a number hangs on, by metric
    picture: tuple[str, bool] | None = None  # its hash, and whether it came from the cache

    def unit_of(self, metric: Metric) -> Hashable:
        """Return what is resampled for ``metric``: the prompt, or the set that its number hangs on."""
        return self.sets.get(metric.name) if metric.sets else self.unit

    @property
    def failed(self) -> bool:
        """Whether no picture of what was asked came."""
        return not self.numbers[SUCCESS]


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of a run by one parameter: its ``values`` in the order of the grid, and what can be compared."""

    by: str
    values: Sequence[str]
    found: Sequence[Sample]
    metrics: Mapping[str, Metric]
    units: str  # what is resampled, in words
    notes: Sequence[str] = ()  # what is to be said of the pairing, in sentences
    survivors: bool = False  # whether only pictures are here that came, and nobody told how many did not
    other: Mapping[str, str] = field(default_factory=dict)  # columns ``score_…`` of no numbers, and what they hold


def samples_of(run: Run, by: object) -> Samples:
    """Return the samples of ``run`` by the parameter ``by``.

    Raises InvalidInput where the run has no such parameter, or one value of it only.
    """
    if not isinstance(by, str):
        what = "None names no parameter." if by is None else f"a {type(by).__name__} names no parameter."
        raise InvalidInput([Fault("by", what, "Give one name: by='model'.")])
    run._flush()
    params = parameters_of(run)
    _refuse(params, by)
    return _samples(run, by, params)


def all_samples(run: Run) -> Samples:
    """Return the samples of ``run`` as of one value, "": nothing is compared within it."""
    run._flush()
    return _samples(run, "", {cell: {"": "", **known} for cell, known in parameters_of(run).items()})


def _samples(run: Run, by: str, params: Mapping[int, Mapping[str, str]]) -> Samples:
    journal = run._store.journal
    scores = score_columns(journal, run._number)
    about, sets = measures_of(journal, run._number), score_sets(journal, run._number)
    doubted = doubts(journal, run._number)
    pairing, notes = belonging(run, params, by, shows_what)
    places = {cell: _place(run, known, by) for cell, known in pairing.items() if by in known}
    elsewhere = run._spec.get("recipe") == ELSEWHERE
    brought = {cell: scores_told(known) for cell, known in params.items()} if elsewhere else {}
    found: list[tuple[int, Sample]] = []
    unscored: Counter[str] = Counter()
    rows = [row for row in journal.read(_ROWS, (run._number,)) if run._only is None or row[0] in run._only]
    for request, cell, step, variant, repeat, category, status, same, price, seconds, unfair, sha, told, there in rows:
        if cell not in places or status == "cancelled":
            continue
        own = status in REAL and bool(same)
        known: dict[str, float | None] = {SUCCESS: float(status in REAL)}
        if own:
            known[PRICE] = price
            known[LATENCY] = seconds if status == "ok" else None  # a cached one was not called
            known.update({name: column.get(request) for name, column in scores.items()})
            known.update({n: v for n, v in brought.get(cell, {}).items() if n not in scores})
            if there:
                unscored.update(n for n, column in scores.items() if n != JUDGE_SCORE and request not in column)
        numbers = {name: float(value) for name, value in known.items() if value is not None}
        unit, context = _repeated(places[cell], repeat)
        place = (context, repeat, step, variant)
        value = params[cell][by]
        of = {name: known_sets[request] for name, known_sets in sets.items() if request in known_sets}
        picture = (sha, status == "cached") if sha else None
        sample = Sample(value, unit, context, place, category, numbers, bool(unfair), told or "", of, picture)
        found.append((cell, sample))
    if run._only is None:
        for cell, repeat, category in journal.read(_BROKEN_CELLS, (run._number,)):
            if cell in places:
                unit, context = _repeated(places[cell], repeat)
                place = (context, repeat, 0, None)
                value = params[cell][by]
                found.append((cell, Sample(value, unit, context, place, category, {SUCCESS: 0.0}, False, "")))
    samples = [sample for _, sample in sorted(found, key=lambda row: row[0])]
    values = list(dict.fromkeys(sample.value for sample in samples))
    if by and len(values) < 2:  # of a selection, or of a run that has only begun
        seen = f"all of it has the {by} {label_of(values[0])!r}" if values else "nothing has come yet"
        raise InvalidInput([Fault("by", f"{seen}: there is nothing to compare.", "Compare the whole run.")])
    metrics = [*_ALWAYS]
    metrics += [
        _score(name, about.get(name, {}), sets=name in sets, doubt=doubted.get(name, ""), unscored=unscored[name])
        for name in scores
    ]
    metrics += [Metric(n, "") for n in dict.fromkeys(n for told in brought.values() for n in told) if n not in scores]
    by_prompt = any(unit is not None for unit, _ in places.values())
    return Samples(
        by, values, samples, {m.name: m for m in metrics},
        "prompt" if by_prompt else "file" if elsewhere else "repeat", notes,
        elsewhere and not any(sample.failed for sample in samples), no_numbers(params) if elsewhere else {},
    )  # fmt: skip


def _score(name: str, about: Mapping[str, Any], *, sets: bool, doubt: str, unscored: int) -> Metric:
    low, high = about.get("low"), about.get("high")
    span = None if low is None or high is None else float(high) - float(low)
    return Metric(name, about.get("better", ""), about.get("unit", ""), "mean", sets, doubt, span, unscored)


def _place(run: Run, params: Mapping[str, str], by: str) -> tuple[Hashable, Hashable]:
    """Return what is resampled (None: each repeat of each context) and the context of a cell."""
    # where the compared text is the only one that says what was to be seen, nothing is the same prompt
    own = bool(by) and "prompt" not in params and shows_what(by, params[by])
    return (None if own else prompt_of(params, by) or None), context_of(run, params, by)


def _repeated(place: tuple[Hashable, Hashable], repeat: int) -> tuple[Hashable, Hashable]:
    unit, context = place
    return ((context, repeat), (context, repeat)) if unit is None else (unit, context)


def _refuse(params: Mapping[int, Mapping[str, str]], by: str) -> None:
    varied: dict[str, set[str]] = {}
    for cell in params.values():
        for name, value in cell.items():
            varied.setdefault(name, set()).add(value)
    if not varied:
        raise InvalidInput([Fault("by", "this run has no parameters yet, so there is nothing to compare.", "Run it.")])
    if by not in varied:
        raise InvalidInput([unknown_name_fault("parameter of this run", by, varied, where="by")])
    if len(varied[by]) == 1:
        others = [name for name, known in varied.items() if len(known) > 1 and name not in ("prompt", "file")]
        what = f"all of it has the {by} {label_of(next(iter(varied[by])))!r}: there is nothing to compare it with."
        hint = f"What varies here: {', '.join(others)}. Say by={others[0]!r}." if others else f"Vary {by} in a new run."
        raise InvalidInput([Fault("by", what, hint)])


def texts(values: Sequence[str]) -> dict[str, str]:
    """Return {recorded value: its words in a table}; the value itself, as JSON, where two have the same words."""
    words = {value: label_of(value) for value in values}
    twice = {word for word in words.values() if list(words.values()).count(word) > 1}
    return {value: json.dumps(json.loads(value)) if word in twice else word for value, word in words.items()}
