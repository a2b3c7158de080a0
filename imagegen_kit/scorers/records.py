"""Scores in the journal: known by the picture's hash, the scorer and its version, and all else that it read."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from imagegen_kit.scorers.base import Measurement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagegen_kit.hookspecs import Measure, ScorerSpec
    from imagegen_kit.store import Journal
    from imagegen_kit.types import Request

NAME = 32  # letters of a digest, half of it, that name a set
_KNOWN = (
    "SELECT sha256, inputs, scorer, value, reason, feature, details FROM scores "
    "WHERE version = ? AND scorer IN (SELECT value FROM json_each(?)) AND sha256 IN (SELECT value FROM json_each(?))"
)
_LINKS = "SELECT request, scorer, sha256, version, inputs FROM request_scores WHERE run = ? ORDER BY id"
INSERT_SCORE = (
    "INSERT OR IGNORE INTO scores (sha256, scorer, version, inputs, value, reason, created_at, feature, details) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_LINK = "INSERT INTO request_scores (run, request, scorer, sha256, version, inputs) VALUES (?, ?, ?, ?, ?, ?)"
INSERT_MEASURE = "INSERT OR REPLACE INTO measures (scorer, version, about) VALUES (?, ?, ?)"

REFUSED = "its number"  # how the reason begins where a number came and is none that its spec allows
_ROUNDING = 1e-6  # by which a number may lie beyond its range, as a share of the limit
_ENDS = {-1: "lowest", 1: "highest"}


def version_of(spec: ScorerSpec) -> str:
    """Return the version under which a spec's scores are recorded; a scorer without one has "none"."""
    return spec.version or "none"


def digest(known_by: str, spec: ScorerSpec, request: Request | None, others: Iterable[str] = ()) -> str:
    """Return what a score hangs on besides the picture: options, what the spec reads, and ``others`` in their order."""
    read: dict[str, Any] = {}
    for name in spec.reads:
        value = getattr(request, name, None)
        if name == "references":
            read[name] = [(r.picture.sha256, r.role, r.name, r.description) for r in value or ()]
        elif name == "mask":
            read[name] = value.sha256 if value is not None else None
        else:
            read[name] = value
    text = json.dumps([known_by, read, list(others)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def known_scores(
    journal: Journal, spec: ScorerSpec, pictures: Iterable[str]
) -> dict[tuple[str, str], dict[str, Measurement]]:
    """Return {(sha256, inputs): {column: measurement}} of the pictures whose every number of ``spec`` is known."""
    columns = list(spec.columns)
    values = (version_of(spec), json.dumps(columns), json.dumps(sorted(set(pictures))))
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    for sha256, inputs, column, value, reason, feature, details in journal.read(_KNOWN, values):
        known = Measurement(value, reason or "", feature or "", json.loads(details) if details else {})
        found.setdefault((sha256, inputs), {})[column] = known
    return {known: numbers for known, numbers in found.items() if len(numbers) == len(columns)}


def known_links(journal: Journal, run: int) -> dict[tuple[int, str], tuple[str, str, str]]:
    """Return the last (sha256, version, inputs) that a run's requests were scored by, by request and column."""
    return {(request, column): (a, b, c) for request, column, a, b, c in journal.read(_LINKS, (run,))}


def about(measure: Measure, of: str = "picture") -> str:
    """Return what the journal keeps of a measure, so that its numbers can be read without its scorer.

    ``of`` says whether it measures a picture or a "set".
    """
    return json.dumps({**{name: value for name, value in asdict(measure).items() if name != "name"}, "of": of})


def set_digest(of_set: str, of_picture: str) -> str:
    """Return the inputs of a score of a set: the first half names the set, for its numbers hang together."""
    return of_set[:NAME] + of_picture[:NAME]


def set_named(inputs: str) -> str:
    """Return what names the set of a score with these inputs; in a shared bundle they are labels, "set 2 inputs 5"."""
    return inputs.partition(" inputs ")[0] if inputs.startswith("set ") else inputs[:NAME]


def measurements(spec: ScorerSpec, answer: Any) -> dict[str, Measurement]:
    """Return one measurement for each column of ``spec``. Raises ValueError where ``answer`` is none of this spec."""
    given = answer if isinstance(answer, Mapping) else {"": answer}
    columns = spec.columns
    names = {column: measure.name for column, measure in columns.items()}
    if not isinstance(answer, Mapping) and len(names) > 1 and not _says_why(answer):
        raise ValueError(f"it gives one number, and its spec names {len(names)} measures")
    if unknown := sorted(set(map(str, given)) - set(names.values())):
        raise ValueError(f"it gives {', '.join(map(repr, unknown))}, which its spec does not name")
    if _says_why(answer):  # one reason for all of them
        return {column: _measurement(answer) for column in names}
    return {column: _within(_measurement(given.get(name)), columns[column]) for column, name in names.items()}


def _says_why(answer: Any) -> bool:
    return answer is None or (isinstance(answer, Measurement) and answer.value is None)


def _within(found: Measurement, measure: Measure) -> Measurement:
    """Return ``found``, or why it is none where it lies outside the range that its spec declares; rounding may."""
    for limit, sign, side in ((measure.low, -1, "below"), (measure.high, 1, "above")):
        if found.value is None or limit is None or sign * (found.value - limit) <= 0:
            continue
        if abs(found.value - limit) <= _ROUNDING * max(1.0, abs(limit)):
            return replace(found, value=float(limit))
        what = f"{REFUSED} {found.value:g} is {side} {limit:g}, the {_ENDS[sign]} that its spec declares"
        return Measurement(None, what, found.feature, found.details)
    return found


def _measurement(value: Any) -> Measurement:
    number = value.value if isinstance(value, Measurement) else value
    if type(number).__name__ in ("bool", "bool_"):  # Python's and numpy's
        raise ValueError(f"{number} is no number: give 1.0 or 0.0")
    if isinstance(value, Measurement):
        number = value.value
    elif value is None or isinstance(value, (int, float)) or hasattr(value, "__float__"):
        number, value = value, Measurement(None)
    else:
        raise ValueError(f"a {type(value).__name__} is no number")
    if number is None:
        return Measurement(None, value.reason or "it gave no number", value.feature, value.details)
    number = float(number)
    if not math.isfinite(number):
        return Measurement(None, value.reason or f"{REFUSED} is {number}", value.feature, value.details)
    return Measurement(number, "", value.feature, value.details)
