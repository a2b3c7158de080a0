"""The one place where scorers run: what is known is not measured again, and what is measured is kept at once."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import ImagegenError, StoreError, printable
from imagegen_kit.scorers.base import Measurement, Subject
from imagegen_kit.scorers.records import (
    INSERT_LINK,
    INSERT_MEASURE,
    INSERT_SCORE,
    REFUSED,
    about,
    digest,
    known_links,
    known_scores,
    measurements,
    set_digest,
    version_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from imagegen_kit.clusters.spreading import Spreads
    from imagegen_kit.imaging.picture import Picture
    from imagegen_kit.scorers.chosen import Chosen
    from imagegen_kit.store import Journal
    from imagegen_kit.store.journal import Statement
    from imagegen_kit.types import Request

FAILED = "the scorer failed"  # how the reason begins where it raised
GONE = (
    "the picture's file cannot be read from the store: `imagegen doctor` looks for another copy, "
    "Policy(cache=False) buys it anew; then score again"
)
TOGETHER = 8  # pictures in one task: enough for a model's batch, few enough to be held decoded in every thread


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture that is to be scored: the request of its run, what was asked, and the parameters of its cell."""

    request_id: int
    picture: Picture
    request: Request | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Unit:
    """What one call of a scorer is about: one picture, or a whole set. ``inputs`` has a digest for each entry."""

    chosen: Chosen
    entries: Sequence[Entry]
    inputs: Sequence[str]


class Scoring:
    """Scores ``entries`` of a run by ``chosen``; ``run`` does it, and may be called again to go on.

    Entries with a negative request are of no run: they are measured, and nothing leads to their scores.
    """

    def __init__(self, journal: Journal, run: int, entries: Sequence[Entry], chosen: Iterable[Chosen]) -> None:
        self._journal, self._run = journal, run
        self._entries, self._chosen = list(entries), list(chosen)
        self._linked = known_links(journal, run)
        self._found: dict[int, dict[str, Measurement]] = {}

    def run(
        self, on_progress: Callable[[int, int], None] | None = None, engine: Spreads | None = None
    ) -> dict[int, dict[str, Measurement]]:  # fmt: skip
        """Measure what is not known, in as many threads as there are cores, and return all, by request and column.

        Everything is recorded at once. ``engine`` hands the tasks to workers instead; they must see the store's folder.
        ``on_progress`` is told how many tasks of how many are done. An interrupt ends it; what is measured is kept.
        """
        tasks = self._tasks()
        if engine is not None:
            return self._spread(tasks, engine, on_progress)
        threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="imagegen-scorer")
        try:
            futures = [threads.submit(self._measure, task) for task in tasks]
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                if on_progress is not None:
                    on_progress(done, len(futures))
        finally:
            threads.shutdown(cancel_futures=True)
            self._journal.flush().result()
        return self._found

    def _spread(
        self, tasks: Sequence[Sequence[_Unit]], engine: Spreads, on_progress: Callable[[int, int], None] | None
    ) -> dict[int, dict[str, Measurement]]:
        from imagegen_kit.clusters.spreading import spread

        places = {id(chosen): place for place, chosen in enumerate(self._chosen)}
        pieces = [
            (str(number), [(places[id(unit.chosen)], list(unit.entries)) for unit in task])
            for number, task in enumerate(tasks)
        ]
        try:
            with spread(engine, partial(Measuring, self._chosen), pieces) as answers:
                for done, answer in enumerate(answers, 1):
                    for unit, found in zip(tasks[int(answer["key"])], answer["found"], strict=True):
                        self._keep(unit, found)
                    if on_progress is not None:
                        on_progress(done, len(tasks))
        finally:
            self._journal.flush().result()
        return self._found

    def _tasks(self) -> list[list[_Unit]]:
        """Return what is to be measured, in tasks: a few pictures for all scorers of pictures, or one set."""
        rows: list[Statement] = []
        lacking: dict[int, list[tuple[Chosen, str]]] = {}  # by place of the entry
        sets: list[list[_Unit]] = []
        for chosen in self._chosen:
            spec, version = chosen.spec, version_of(chosen.spec)
            rows += [(INSERT_MEASURE, (column, version, about(m, spec.scope))) for column, m in spec.columns.items()]
            known = known_scores(self._journal, spec, (e.picture.sha256 for e in self._entries))
            for unit, places in self._units(chosen):
                if all((e.picture.sha256, i) in known for e, i in zip(unit.entries, unit.inputs, strict=True)):
                    rows += self._links(unit)
                    self._tell(
                        unit, [known[e.picture.sha256, i] for e, i in zip(unit.entries, unit.inputs, strict=True)]
                    )
                elif spec.scope == "set":
                    sets.append([unit])
                else:
                    lacking.setdefault(places[0], []).append((chosen, unit.inputs[0]))
        self._journal.append(rows)
        places = sorted(lacking)
        shared = []
        for start in range(0, len(places), TOGETHER):
            few: dict[str, _Unit] = {}
            for place in places[start : start + TOGETHER]:
                for chosen, inputs in lacking[place]:
                    unit = few.setdefault(chosen.spec.name, _Unit(chosen, [], []))
                    unit.entries, unit.inputs = [*unit.entries, self._entries[place]], [*unit.inputs, inputs]
            shared.append(list(few.values()))
        return [*sets, *shared]

    def _units(self, chosen: Chosen) -> Iterable[tuple[_Unit, list[int]]]:
        known_by = chosen.known_by
        if known_by is None:  # nothing of it is ever found again
            known_by = secrets.token_hex(16)
        groups: dict[Hashable, list[int]] = {}
        for place, entry in enumerate(self._entries):
            key: Hashable = place if chosen.spec.scope != "set" else set_of(entry.labels, chosen)
            groups.setdefault(key, []).append(place)
        for places in groups.values():
            entries = [self._entries[place] for place in places]
            if chosen.spec.scope == "set":
                each = [digest("", chosen.spec, e.request) for e in entries]  # what is read of one may count for all
                whole = digest(known_by, chosen.spec, None, [*(e.picture.sha256 for e in entries), *each])
                inputs = [set_digest(whole, one) for one in each]
            else:
                inputs = [digest(known_by, chosen.spec, e.request) for e in entries]
            yield _Unit(chosen, entries, inputs), places

    def _measure(self, task: Sequence[_Unit]) -> None:
        for unit, found in zip(task, answers_of([(unit.chosen, unit.entries) for unit in task]), strict=True):
            self._keep(unit, found)

    def _keep(self, unit: _Unit, answers: Answers) -> None:
        version = version_of(unit.chosen.spec)
        unit.inputs = [  # what was raised may not be raised again
            inputs if sound else f"{inputs} {secrets.token_hex(4)}"
            for inputs, (_, sound) in zip(unit.inputs, answers, strict=True)
        ]
        at = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
        rows: list[Statement] = []
        for entry, inputs, (found, _) in zip(unit.entries, unit.inputs, answers, strict=True):
            for column, m in found.items():
                details = json.dumps(dict(m.details)) if m.details else None
                known = (entry.picture.sha256, column, version, inputs)
                feature = m.feature or unit.chosen.feature or None
                rows.append((INSERT_SCORE, (*known, m.value, m.reason or None, at, feature, details)))
        self._journal.append([*rows, *self._links(unit)])
        self._tell(unit, [found for found, _ in answers])

    def _tell(self, unit: _Unit, numbers: Sequence[Mapping[str, Measurement]]) -> None:
        for entry, found in zip(unit.entries, numbers, strict=True):
            self._found.setdefault(entry.request_id, {}).update(found)

    def _links(self, unit: _Unit) -> list[Statement]:
        version = version_of(unit.chosen.spec)
        rows: list[Statement] = []
        for entry, inputs in zip(unit.entries, unit.inputs, strict=True):
            known = (entry.picture.sha256, version, inputs)
            if entry.request_id < 0:
                continue
            for column in unit.chosen.spec.columns:
                if self._linked.get((entry.request_id, column)) != known:
                    rows.append((INSERT_LINK, (self._run, entry.request_id, column, *known)))
        return rows


class Measuring:
    """Called with a task, in whatever process, it has the scorers measure: each with the entries that are for it."""

    def __init__(self, chosen: Sequence[Chosen]) -> None:
        self._chosen = list(chosen)

    def __call__(self, key: str, task: Sequence[tuple[int, Sequence[Entry]]]) -> dict[str, Any]:
        """Return ``key`` and what was ``found``, in the order of the task."""
        return {"key": key, "found": answers_of([(self._chosen[place], entries) for place, entries in task])}


Answers = Sequence[tuple[dict[str, Measurement], bool]]


def answers_of(task: Sequence[tuple[Chosen, Sequence[Entry]]]) -> list[Answers]:
    """Return for each scorer what it says of its entries; a picture that several look at is decoded once."""
    keep = task[0][0].spec.scope != "set"
    subjects: dict[int, Subject] = {}
    found: list[Answers] = []
    for chosen, entries in task:
        spec, shown = chosen.spec, []
        for entry in entries:
            if entry.request_id not in subjects:
                subjects[entry.request_id] = Subject(entry.picture, entry.request, labels=entry.labels, keep=keep)
            shown.append(subjects[entry.request_id].seen_by(spec.reads, spec.name))
        found.append(_answers(chosen, shown))
    return found


def set_of(labels: Mapping[str, Any], chosen: Chosen) -> Hashable:
    """Return what a picture's set is known by: its varied parameters but the seed and those that the scorer spans."""
    if chosen.by is not None:
        names: Iterable[str] = chosen.by
    else:
        names = [name for name in labels if name not in ("seed", "file", *chosen.spec.across)]
    return tuple((name, json.dumps(labels.get(name), default=str)) for name in names)


def _answers(chosen: Chosen, subjects: Sequence[Subject]) -> list[tuple[dict[str, Measurement], bool]]:
    """Return the numbers of each subject, and whether they are the scorer's own words; else none, and why."""
    try:
        given = chosen.scorer.score(subjects)
        if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != len(subjects):
            raise ValueError(f"it was given {len(subjects)} pictures and did not answer with one number each")
        found = [measurements(chosen.spec, answer) for answer in given]
        # a number out of its range is none, and is measured again: its range may have been mended
        return [(one, not any(m.value is None and m.reason.startswith(REFUSED) for m in one.values())) for one in found]
    except StoreError:  # no fault of the scorer
        if len(subjects) > 1 and chosen.spec.scope != "set":
            return [answer for subject in subjects for answer in _answers(chosen, [subject])]
        return [(dict.fromkeys(chosen.spec.columns, Measurement(None, GONE)), False) for _ in subjects]
    except Exception as error:  # a scorer that fails costs its own numbers, and says why
        if len(subjects) > 1 and chosen.spec.scope != "set":  # one bad picture costs only its own number
            return [answer for subject in subjects for answer in _answers(chosen, [subject])]
        said = error.message if isinstance(error, ImagegenError) else f"{type(error).__name__}: {error}"
        reason = printable(f"{FAILED}: {said}")[:400]
        return [(dict.fromkeys(chosen.spec.columns, Measurement(None, reason)), False) for _ in subjects]
