"""An experiment that is to be checked, and what it is held to: all that is wrong is told before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagegen_kit.catalog import load_yaml
from imagegen_kit.engine.session import default_engine
from imagegen_kit.errors import Fault, InvalidInput, MissingDependency, unknown_name_fault
from imagegen_kit.experiments.experiment import Experiment
from imagegen_kit.experiments.requirements import METRICS, Requirements, read_section
from imagegen_kit.scorers.chosen import choose
from imagegen_kit.tables.scores import score_columns

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

    from imagegen_kit.catalog.yaml import Document
    from imagegen_kit.registry import Registry
    from imagegen_kit.scorers.chosen import Chosen

_SCORE = "score_"


def read_check(path: Path, registry: Registry, *, has_baseline: bool, fresh: bool) -> tuple[Experiment, Requirements]:
    """Return the experiment of a file, and what its section ``check`` holds it to.

    ``fresh`` says that another run is started, so that nothing of an earlier one counts. Raises InvalidInput with every
    fault, each with its line where the file has one, and MissingDependency where a scorer needs what is not installed.
    """
    faults: list[Fault] = []
    document = load_yaml(path)
    asked = read_section(document, faults)
    wanted = None
    try:
        wanted = Experiment.from_yaml(path)
    except InvalidInput as error:
        faults += (_placed(fault, document) for fault in error.faults)
    names = wanted.grid.names if wanted is not None else list(dict.fromkeys(_names(document)))
    if asked.by is not None and asked.by not in names:
        where = document.at("check", "by")
        faults.append(unknown_name_fault("parameter of this experiment", asked.by, names, where=where))
    if _section(document).get("no_worse") and not has_baseline:
        hint = "Give --baseline BUNDLE.zip."
        faults.append(document.fault(("check", "no_worse"), "needs something to compare with.", hint))
    faults += _unknown_sets(asked.scorers, names, document)
    missing, chosen = None, None
    try:
        chosen = choose(asked.scorers, registry) if asked.scorers else []
    except InvalidInput as error:
        faults += (_of_scorers(fault, asked.scorers, document) for fault in error.faults)
    except MissingDependency as error:  # told where nothing is to be mended in the file
        missing = error
    faults += _unknown_columns(chosen, wanted, registry, document, fresh=fresh)
    if faults or wanted is None:
        raise InvalidInput(dict.fromkeys(faults))
    if missing is not None:
        raise missing
    return wanted, asked


def _section(document: Document) -> dict[str, Any]:
    """Return the section ``check`` as it is written, also where parts of it cannot be read."""
    section = document.data.get("check") if isinstance(document.data, dict) else None
    return section if isinstance(section, dict) else {}


def _names(document: Document) -> Iterator[str]:
    """Yield the names of the parameters of an experiment that cannot be read."""
    data = document.data if isinstance(document.data, dict) else {}
    vary = data.get("vary")
    for part in [*(vary if isinstance(vary, list) else [vary]), data.get("fixed")]:
        if isinstance(part, dict):
            yield from part


def _placed(fault: Fault, document: Document) -> Fault:
    """Return a fault of an experiment with the line of the value that it is about, where the file tells which."""
    if fault.where.startswith(f"{document.name}:"):
        return fault
    name = fault.where.removeprefix("vary.").removeprefix("vary['").removesuffix("']")
    places = [place for place in document.lines if 2 <= len(place) <= 3 and _is_of(name, place)]
    told = [place for place in places if repr(_at(document, place)) in fault.what]
    found = told or places
    return Fault(document.at(*found[0]), fault.what, fault.hint) if found else fault


def _is_of(name: str, place: tuple[str | int, ...]) -> bool:
    """Whether a place of the file holds a parameter, a value of it, or a part of the policy."""
    if place[0] in ("fixed", "policy"):
        return place[1:] == (name,)
    return place[0] == "vary" and (place[1] == name or place[-1] == name)


def _at(document: Document, place: tuple[str | int, ...]) -> Any:
    value = document.data
    for part in place:
        value = value[part]
    return value


def _scorers(scorers: Any) -> Iterator[tuple[tuple[str | int, ...], str, Any]]:
    """Yield where each scorer of the section stands, its name, and its options as they are written."""
    for key, one in enumerate(scorers) if isinstance(scorers, list) else [(None, scorers)]:
        place = ("check", "scorers") if key is None else ("check", "scorers", key)
        if isinstance(one, str):
            yield place, one, None
        elif isinstance(one, dict):
            yield from ((((*place, name), str(name), options)) for name, options in one.items())


def _of_scorers(fault: Fault, scorers: Any, document: Document) -> Fault:
    """Return a fault of the scorers with the line of the one that it is about."""
    for place, name, _ in _scorers(scorers):
        if repr(name) in fault.what or fault.where == f"scorers {name}":
            return document.fault(place, fault.what, fault.hint)
    return document.fault(("check", "scorers"), fault.what, fault.hint)


def _unknown_sets(scorers: Any, names: list[str], document: Document) -> Iterator[Fault]:
    """Yield the parameters by which a scorer is to set its sets apart and that the experiment has not."""
    for place, _, options in _scorers(scorers):
        by = options.get("by") if isinstance(options, dict) else None
        for name in by if isinstance(by, list) else [by]:
            if isinstance(name, str) and name not in names:
                where = document.at(*place, "by")
                yield unknown_name_fault("parameter of this experiment", name, names, where=where)


def _unknown_columns(
    chosen: list[Chosen] | None, wanted: Experiment | None, registry: Registry,
    document: Document, *, fresh: bool,
) -> Iterator[Fault]:  # fmt: skip
    """Yield what is asked of scores that nothing will have measured, or of which neither way is better.

    Where the scorers themselves are faulty, any column that a known scorer writes is let pass.
    """
    every = {f"{_SCORE}{name}": m for spec in registry.scorers().values() for name, m in spec.columns.items()}
    known = {f"{_SCORE}{name}": m for one in chosen or () for name, m in one.spec.columns.items()}
    section = _section(document)
    parts = {part: section[part] for part in ("require", "no_worse") if isinstance(section.get(part), dict)}
    scores = [(part, name) for part, metrics in parts.items() for name in metrics if name.startswith(_SCORE)]
    told: Container[str] = ()
    if wanted is not None and not fresh and any(name not in known for _, name in scores):
        told = _measured(wanted)
    for part, name in dict.fromkeys(scores):
        place = ("check", part, name)
        if name in known:
            if part == "no_worse" and not known[name].better:
                what = f"neither way is better for {name}, so there is no worse."
                yield document.fault(place, what, "Write limits below require:.")
        elif name in told or (name in every and chosen is None):
            continue
        elif name in every:
            scorer = next(s for s, spec in registry.scorers().items() if name[len(_SCORE) :] in spec.columns)
            yield document.fault(place, "is measured by no scorer of this check.", f"Add {scorer} to scorers:.")
        else:
            names = [*(known or every), *METRICS]
            yield unknown_name_fault("metric of this check", name, names, where=document.at(*place))


def _measured(wanted: Experiment) -> set[str]:
    """Return the score columns of the run that would be gone on with: a judge's, or of scorers that are not named."""
    engine = default_engine()
    blobs, journal = engine.store.blobs, engine.store.journal
    found = wanted._recorded(journal, wanted._definition(wanted.grid.encoded(blobs), blobs))
    return set() if found is None else set(score_columns(journal, found[0]))
