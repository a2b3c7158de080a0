"""What a gallery is of, and what of it is chosen: which runs, which facets, and all of it in one line of words."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.replay import replay_in_force
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.opening import open_run
from imagegen_kit.experiments.run import Run
from imagegen_kit.tables.shelf import FACETS, Part, Wanted
from imagegen_kit.views.words import count, usd_sum

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imagegen_kit.store import Store
    from imagegen_kit.tables.shelf import Arranged, Shelf

    What = Run | str | Path

OPTIONS = 100  # values of a facet that the page gets
NEWEST_FIRST = ("run", "day")  # facets whose values are no ranking


def all_parts() -> list[Part]:
    """Return all runs of this session's store; those of the bundles while a replay is on."""
    engine = default_engine()
    replay = replay_in_force(engine)
    return [Part(engine.store)] if replay is None else [Part(bundle.store) for bundle in replay.bundles]


def parts_of(runs: What | Iterable[What]) -> list[Part]:
    """Return one run or several, ids, names and paths among them, by the stores that hold them. Raises InvalidInput."""
    given = [runs] if isinstance(runs, (Run, str, os.PathLike)) else runs
    if hasattr(given, "to_dict") or not isinstance(given, Iterable):  # the names in a DataFrame are its columns
        what = f"a {type(runs).__name__} names no run."
        raise InvalidInput(
            [Fault("runs", what, "Give a run, its id, name or path, a list of them, or nothing for all.")]
        )
    whole: dict[Store, dict[int, None]] = {}
    parts = []
    for run in (run if isinstance(run, Run) else open_run(run) for run in given):
        if run._only is None:
            whole.setdefault(run._store, {})[run._number] = None
        else:
            parts.append(Part(run._store, (run._number,), run._only))
    parts = [*(Part(store, tuple(numbers)) for store, numbers in whole.items()), *parts]
    return parts or [Part(default_engine().store, ())]


def wanted_from_plain(plain: dict[str, Any]) -> Wanted:
    """Read what the page wants to see."""
    chosen = {str(name): frozenset(map(str, values)) for name, values in plain.get("facets", {}).items()}
    return Wanted(
        words=str(plain.get("words", "")),
        facets={name: values for name, values in chosen.items() if name in FACETS and values},
        sort=str(plain.get("sort", "created_at")),
        descending=bool(plain.get("descending", True)),
        marked=bool(plain.get("marked")),
        once=bool(plain.get("once")),
    )


def wanted_to_plain(wanted: Wanted) -> dict[str, Any]:
    """Return what is to be seen in the form that the page reads."""
    return {
        "words": wanted.words, "sort": wanted.sort, "descending": wanted.descending, "marked": wanted.marked,
        "once": wanted.once, "facets": {name: sorted(values) for name, values in wanted.facets.items()},
    }  # fmt: skip


def options(shelf: Shelf, arranged: Arranged, wanted: Wanted, facet: str) -> list[tuple[str, int]]:
    """Return the values of a facet with their counts: those with most pictures first, runs and days newest first."""
    chosen = wanted.facets.get(facet, frozenset())
    counts = {**dict.fromkeys(sorted(chosen), 0), **arranged.counts[facet]}
    if facet in NEWEST_FIRST:
        newest: dict[str, str] = {}
        for place, item in enumerate(shelf.items):
            value = shelf.facet(place, facet)
            newest[value] = max(newest.get(value, ""), item.created_at)
        ordered = sorted(counts.items(), key=lambda pair: newest.get(pair[0], ""), reverse=True)
    else:
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ordered[:OPTIONS] + [pair for pair in ordered[OPTIONS:] if pair[0] in chosen]


def in_words(shelf: Shelf, places: Sequence[int]) -> str:
    """Return "312 of 2,000 pictures · 4 runs · cost $4.12, 3 unknown" of what is shown."""
    if not shelf.items and shelf.runs_looked_at:
        return f"no pictures in {count(shelf.runs_looked_at, 'run')}"
    if not shelf.items:
        return "no pictures yet: ik.generate(…) or an experiment's run() makes some"
    items = [shelf.items[place] for place in places]
    everything = shelf.pictures
    if any(item.sha256 is None for item in items):
        first = f"{count(len(items), 'result')} ({count(everything, 'picture')} in all)"
    elif len(items) == everything:
        first = count(everything, "picture")
    else:
        first = f"{len(items):,} of {count(everything, 'picture')}"
    runs = count(len({(item.part, item.run) for item in items}), "run")
    known = sum(item.cost_usd for item in items if item.cost_usd is not None)
    return f"{first} · {runs} · cost {usd_sum(known, sum(item.cost_usd is None for item in items))}"
