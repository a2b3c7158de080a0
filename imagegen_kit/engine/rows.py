"""What the engine writes to the journal and reads back: rows in, results out. SQL lives here, not in the pipeline."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from imagegen_kit.film import stored
from imagegen_kit.store.states import ATTEMPT_MOVES, check_move
from imagegen_kit.types import Adaptation, Artifact, Cost, Result, Usage
from imagegen_kit.types.results import noted

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from imagegen_kit.engine.prepare import Prepared
    from imagegen_kit.store import Store
    from imagegen_kit.store.journal import Statement
    from imagegen_kit.types import Request

INSERT_REQUEST = "INSERT INTO requests VALUES (" + ", ".join("?" * 17) + ")"
INSERT_RESULT = "INSERT INTO results VALUES (" + ", ".join("?" * 25) + ", 0, ?, ?)"
INSERT_ATTEMPT = "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, NULL, NULL, NULL, ?, NULL, ?)"
INSERT_REFERENCE = "INSERT INTO request_refs VALUES (?, ?, ?, ?, ?, ?)"
INSERT_RETRIEVAL = "INSERT INTO retrievals VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_ARTIFACT = "INSERT OR IGNORE INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)"
INSERT_CHECK = "INSERT OR REPLACE INTO checks VALUES (?, ?, ?, ?, ?)"
INSERT_CELL = "INSERT OR IGNORE INTO cells VALUES (?, ?, ?, ?, ?, ?)"
INSERT_PARAM = "INSERT OR IGNORE INTO cell_params VALUES (?, ?, ?)"
INSERT_CELL_END = "INSERT INTO cell_ends (cell, status, error_type, error, finished_at) VALUES (?, ?, ?, ?, ?)"

RESULT_COLUMNS = (
    "status, model_used, sha256, width, height, format, text, cost_usd, price_usd, cost_basis, seconds, seconds_queue, "
    "seconds_keep, timings, attempts, error_type, error, usage, told, told_unfair, prices, origin"
)
# What the file must be like stands behind the columns: its size in bytes, and when clean-up removed it.
_CACHED = (
    f"SELECT {', '.join(f's.{c.strip()}' for c in RESULT_COLUMNS.split(','))}, a.size_bytes, a.removed_at "
    "FROM results s LEFT JOIN artifacts a ON a.sha256 = s.sha256 "
    "WHERE s.key = ? AND s.status IN ('ok', 'fallback') ORDER BY s.rowid DESC"
)
FIND_CACHED = f"{_CACHED} LIMIT 1"  # the newest
FIND_OLDER = f"{_CACHED} LIMIT -1 OFFSET 1"

DERIVED = "derived"  # the basis of the cost, and the label, of a picture that a recipe made of others
PARTS = ("total", "queue", "keep")  # timings with a column of their own


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request stands: its run, cell, number within the cell, and the how-manieth equal one it is."""

    run: int
    cell: int
    step: int
    occurrence: int


def request_row(
    id: int, place: Place, asked: Request, sent: Request | None, key: str | None, notes: tuple[Adaptation, ...], at: str
) -> tuple[Any, ...]:
    """Return the values of ``INSERT_REQUEST``."""
    return (
        id,
        place.run,
        place.cell,
        place.step,
        place.occurrence,
        asked.kind,
        key,
        asked.model,
        asked.to_json(),
        None if sent is None or sent is asked else sent.to_json(),
        "\n".join(map(str, notes)) or None,
        int(any(n.unfair for n in notes)),
        asked.sample,
        None if sent is None else sent.seed,
        asked.labels.get("category"),
        asked.labels.get("variant"),
        at,
    )


def intent_rows(id: int, place: Place, prepared: Prepared, at: str) -> list[Statement]:
    """Return the rows of a request that is about to be asked, with its references."""
    rows: list[Statement] = [
        (INSERT_REQUEST, request_row(id, place, prepared.asked, prepared.sent, prepared.key, prepared.notes, at))
    ]
    for rank, reference in enumerate(prepared.sent.references):
        values = (id, rank, reference.picture.sha256, reference.role, reference.origin, reference.score)
        rows.append((INSERT_REFERENCE, values))
    return rows


def result_row(id: int, place: Place, result: Result, at: str, told: Sequence[Adaptation] = ()) -> tuple[Any, ...]:
    """Return the values of ``INSERT_RESULT``; ``told`` are the adaptations that only the answer made known."""
    made = result.artifacts[0] if result.artifacts else None
    rest = {part: seconds for part, seconds in result.timings.items() if part not in PARTS}
    return (
        id,
        place.run,
        result.key,
        result.status,
        result.model_used,
        made.sha256 if made else None,
        made.width if made else None,
        made.height if made else None,
        made.format if made else None,
        result.text,
        result.cost.usd,
        result.cost.price_usd,
        result.cost.basis,
        int(_same_model(result)),
        *(result.timings.get(part) for part in PARTS),
        json.dumps(rest) if rest else None,
        len(result.attempts),
        result.error_type,
        result.error,
        json.dumps(asdict(result.usage)) if result.usage else None,
        "\n".join(map(str, told)) or None,
        int(any(n.unfair for n in told)),
        at,
        result.cost.prices or None,
        result.origin,
    )


def columns_of(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values of ``INSERT_RESULT`` as ``RESULT_COLUMNS`` reads them back."""
    return (*values[3:13], *values[14:24], *values[25:27])


def _same_model(result: Result) -> bool:
    """Whether the model that was asked answered: a fallback and a successor did not."""
    return result.model_used is not None and not any(n.field == "model" for n in result.adaptations)


def artifact_row(artifact: Artifact, at: str) -> tuple[Any, ...]:
    """Return the values of ``INSERT_ARTIFACT``."""
    parents = json.dumps(list(artifact.parents)) if artifact.parents else None
    return (
        artifact.sha256,
        artifact.kind,
        artifact.format,
        artifact.width,
        artifact.height,
        artifact.size_bytes,
        parents,
        at,
    )


def result_from_row(
    row: tuple[Any, ...],
    store: Store,
    asked: Request,
    sent: Request | None,
    notes: tuple[Adaptation, ...],
    key: str | None,
    step: int,
    *,
    cached: bool = False,
) -> Result:
    """Rebuild a result from ``RESULT_COLUMNS``; ``notes`` are the adaptations of the request itself.

    With ``cached`` it is the answer to another, equal request: nothing was called and nothing spent. That it once stood
    in for another model says nothing of this request.
    """
    sha256, width, height, format, text = row[2:7]
    artifacts: tuple[Artifact, ...] = ()
    if sha256 is not None and text is not None:
        path, data = store.blobs.name(sha256, format), text.encode()
        artifacts = (Artifact(sha256, kind="text", format=format, size_bytes=len(data), path=path, data=data),)
    elif sha256 is not None:
        path = store.blobs.name(sha256, format)
        artifact = stored(sha256, format, width, height, path)
        made_of = asked.labels[DERIVED]["of"] if DERIVED in asked.labels else ()
        artifacts = (replace(artifact, parents=tuple(made_of)) if made_of else artifact,)
    prices = row[20] or ""
    told = noted(row[18], row[19])
    if cached and row[0] == "fallback" and sent is not None:
        told = _of_answer(told, sent.model)
    adaptations = (*notes, *told) if told else notes
    if cached:
        return Result(
            request=asked,
            sent=sent,
            status="cached",
            artifacts=artifacts,
            cost=Cost(0.0, row[8], row[9], prices),
            adaptations=adaptations,
            model_used=row[1],
            origin=row[21],
            key=key,
            step=step,
        )
    return Result(
        request=asked,
        sent=sent,
        status=row[0],
        artifacts=artifacts,
        usage=Usage(**json.loads(row[17])) if row[17] else None,
        cost=Cost(row[7], row[8], row[9], prices),
        timings={
            **{part: seconds for part, seconds in zip(PARTS, row[10:13], strict=True) if seconds is not None},
            **(json.loads(row[13]) if row[13] else {}),
        },
        adaptations=adaptations,
        error_type=row[15],
        error=row[16],
        model_used=row[1],
        origin=row[21],
        key=key,
        step=step,
    )


def _of_answer(told: tuple[Adaptation, ...], model: str) -> tuple[Adaptation, ...]:
    """Return what the answer of a fallback made known, without what was noted when ``model`` began to stand in."""
    ends = [i for i, note in enumerate(told) if note.field == "model" and str(note).endswith(f" → {model}")]
    return told[ends[-1] + 1 :] if ends else told


def move_attempt(connection: sqlite3.Connection, attempt: int, *states: str, **values: Any) -> None:
    """Move an attempt through ``states``, each move held against the table, and set other columns with the last."""
    names = "".join(f", {name} = ?" for name in values)
    sql = f"UPDATE attempts SET state = ?{names} WHERE id = ? AND state IN ({_may_go(states)})"
    if connection.execute(sql, (states[-1], *values.values(), attempt)).rowcount != 1:
        (state,) = connection.execute("SELECT state FROM attempts WHERE id = ?", (attempt,)).fetchone()
        for new in states:
            check_move(ATTEMPT_MOVES, state, new)
            state = new


@cache
def _may_go(states: tuple[str, ...]) -> str:
    """Return, as an SQL list, the states from which all of ``states`` may follow one after the other."""
    steps = pairwise(states)
    allowed = (
        [s for s, after in ATTEMPT_MOVES.items() if states[0] in after]
        if all(new in ATTEMPT_MOVES[old] for old, new in steps)
        else []
    )
    if states == ("unknown",):
        allowed.append("unknown")  # looked up, and still unknown
    return ", ".join(f"'{s}'" for s in allowed)


def name_job(connection: sqlite3.Connection, attempt: int, job_id: str, poll_url: str | None) -> None:
    """Record the service's name of a job; a service may name it, and where to ask, more than once."""
    (state,) = connection.execute("SELECT state FROM attempts WHERE id = ?", (attempt,)).fetchone()
    if state == "submitting":
        move_attempt(connection, attempt, "submitted", job_id=job_id, poll_url=poll_url)
    else:
        connection.execute("UPDATE attempts SET job_id = ?, poll_url = ? WHERE id = ?", (job_id, poll_url, attempt))
