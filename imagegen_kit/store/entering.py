"""Rows from a bundle into a journal of their own: each value is checked, and whatever could name a file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.store.slices import TABLES, VOTING, pictures_in
from imagegen_kit.store.values import CELLS_PER_RUN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagegen_kit.store.journal import Journal, Statement
    from imagegen_kit.store.slices import Slice

FORMATS = frozenset(("png", "jpeg", "webp", "txt", "json", "mp4", "webm"))
AT_ONCE = 5_000  # rows in one transaction
_HASH = re.compile(r"[0-9a-f]{64}")
_LABEL = re.compile(r"reference \d{1,9}")  # stands for a picture that was not shared
_JSON = {
    "runs": ("spec", "versions"),
    "cell_params": ("value",),
    "requests": ("asked", "sent"),
    "retrievals": ("asked", "found"),
    "results": ("timings", "usage"),
    "scores": ("details",),
    "measures": ("about",),
    "events": ("detail",),
}
_OBJECTS = frozenset(("spec", "versions", "asked", "sent", "timings", "usage", "details", "about", "detail"))
_ONE_RUN = dict.fromkeys(
    ("cells", "requests", "retrievals", "results", "ledger", "request_scores", "votes", "events"), "run"
)
_MOST = 2**63 - 1
_TYPES: dict[str, tuple[type, ...]] = {"INTEGER": (int,), "REAL": (int, float), "TEXT": (str,)}


def read_rows(members: dict[str, bytes]) -> Slice:
    """Return the rows of the members ``journal/<table>.jsonl``. Raises InvalidInput with every fault."""
    faults = [Fault(f"journal/{t}", "no such table is known here.") for t in members if t not in TABLES]
    rows: Slice = {}
    for table in TABLES:
        rows[table] = []
        try:
            rows[table] = list(_rows(members.get(table, b"")))
        except (ValueError, TypeError, RecursionError) as error:
            faults.append(Fault(f"journal/{table}", f"it cannot be read ({error!s:.80})."))
    for table, found in rows.items():
        for number, row in enumerate(found, 1):
            if what := _fault(table, row):
                faults.append(Fault(f"journal/{table}, row {number}", what))
    if faults:
        raise InvalidInput(faults)
    return rows


def _rows(data: bytes) -> Iterator[dict[str, Any]]:
    names: list[str] | None = None
    for line in data.decode().split("\n"):
        if not line:
            continue
        values = json.loads(line, parse_constant=_no_number)
        if not isinstance(values, list):
            raise ValueError("a line is no list")
        if names is None:
            if len(set(values)) < len(values) or not all(isinstance(name, str) for name in values):
                raise ValueError("its first line names no columns")
            names = values
            continue
        if len(values) != len(names):
            raise ValueError("a line has another number of values than of columns")
        yield dict(zip(names, values, strict=True))


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _fault(table: str, row: dict[str, Any]) -> str | None:
    """Return what is wrong with a row, or None."""
    for value in row.values():
        if isinstance(value, (list, dict, bool)) or (isinstance(value, int) and abs(value) > _MOST):
            return "a value is neither text nor a number."
    hash, format = row.get("sha256"), row.get("format")
    if hash is not None and not _is_name(table, hash):
        return f"{hash!r:.80} is no hash."
    if format is not None and format not in FORMATS:
        return f"{format!r:.80} is no format."
    for name in _JSON.get(table, ()):
        text = row.get(name)
        if text is None:
            continue
        try:
            plain = json.loads(text, parse_constant=_no_number)
        except (ValueError, TypeError, RecursionError):
            return f"its {name} cannot be read."
        if name in _OBJECTS and not isinstance(plain, dict):
            return f"its {name} is no mapping."
        for hash, format in pictures_in(plain):
            if not isinstance(hash, str) or not _HASH.fullmatch(hash) or format not in FORMATS:
                return f"its {name} names a picture {hash!r:.80} that cannot be one."
    return "it records nothing that a vote needs." if table == "events" and not _is_of_a_vote(row) else None


def _is_of_a_vote(row: dict[str, Any]) -> bool:
    """Return whether an event is one of a vote, with all that is read of it."""
    detail = json.loads(row.get("detail") or "{}")
    kinds: dict[str, type] = {"by": str, "rater": str}
    if row.get("name") == "ballot":
        kinds["seed"] = int
    elif row.get("name") == "vote page":
        kinds = {"page": str, "key": str, "by": str, "pairs": list}
    if row.get("name") not in VOTING or any(type(detail.get(name)) is not kind for name, kind in kinds.items()):
        return False
    return all(
        isinstance(pair, list) and [type(part) for part in pair] == [str, str, int, int]
        for pair in detail.get("pairs", ())
    )


def _is_name(table: str, hash: object) -> bool:
    if not isinstance(hash, str):
        return False
    return bool(_HASH.fullmatch(hash) or (table == "request_refs" and _LABEL.fullmatch(hash)))


def rows_into(journal: Journal, rows: Slice, run_id: str) -> None:
    """Write ``rows`` into an empty journal. Raises InvalidInput where they are not those of one run, ``run_id``."""
    known = {
        table: {row[0]: _TYPES[row[1]] for row in journal.read(f"SELECT name, type FROM pragma_table_info('{table}')")}
        for table in TABLES
    }
    faults = [
        Fault(f"journal/{table}", f"the column {name!r:.60} is not known here; a later version made it.")
        for table, found in rows.items()
        for name in (found[0] if found else ())
        if name not in known[table]
    ]
    if not faults:
        faults = [
            Fault(f"journal/{table}", f"{name} is not of the kind {known[table][name][-1].__name__}.")
            for table, found in rows.items()
            for name in (found[0] if found else ())
            if not all(row[name] is None or isinstance(row[name], known[table][name]) for row in found)
        ]
    if len(rows["runs"]) != 1 or rows["runs"][0].get("id") != run_id:
        faults.append(Fault("journal/runs", "it does not hold the one run that the manifest names."))
    else:
        faults += _foreign(rows, rows["runs"][0].get("number"))
    if faults:
        raise InvalidInput(faults)
    statements: list[Statement] = []
    for table, found in rows.items():
        if found:
            names = ", ".join(found[0])
            sql = f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(found[0]))})"
            statements += [(sql, list(row.values())) for row in found]
    for start in range(0, len(statements), AT_ONCE):
        journal.write(statements[start : start + AT_ONCE]).result()
    given = [
        rows["runs"][0]["number"],
        *(row["id"] for table in ("requests", "attempts", "retrievals") for row in rows[table]),
    ]
    journal.write([("UPDATE sequences SET next = ?", (min(max(given), 2**40) + 1,))]).result()


def _foreign(rows: Slice, number: Any) -> list[Fault]:
    """Return a fault for each table with rows of another run, or of a cell that is none of this one's."""
    if type(number) is not int or not 0 < number < 2**30:
        return [Fault("journal/runs", "the run's number is none.")]
    faults = [
        Fault(f"journal/{table}", "it holds rows of another run.")
        for table, column in _ONE_RUN.items()
        if any(row.get(column) != number for row in rows[table])
    ]
    first = number * CELLS_PER_RUN
    for row in rows["cells"]:
        if type(row.get("id")) is not int or not first <= row["id"] < first + CELLS_PER_RUN:
            return [*faults, Fault("journal/cells", "a cell has a number that is not of this run.")]
    return faults
