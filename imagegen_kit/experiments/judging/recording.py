"""What a judgement leaves behind: votes, a score of every picture, and an event that leads to its own run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from imagegen_kit.engine.policy import DEFAULT, timestamp
from imagegen_kit.experiments.judging.verdicts import PAIR
from imagegen_kit.experiments.voting import insert_once
from imagegen_kit.hookspecs import Measure
from imagegen_kit.scorers.records import INSERT_LINK, INSERT_MEASURE, INSERT_SCORE, about
from imagegen_kit.store.values import dumps

if TYPE_CHECKING:
    import sqlite3

    from imagegen_kit.experiments.judging.judgement import Judgement

EVENT = "judged"  # the event of the judged run; its detail names the judging run and all that its verdicts hang on
_STANDS = "SELECT id, choice FROM votes WHERE run = ? AND rater = ? AND pair = ? AND undone_at IS NULL"
_UNDO = "UPDATE votes SET undone_at = ? WHERE id = ?"
_EVENT = "INSERT INTO events (run, name, detail, created_at) VALUES (?, ?, ?, ?)"
SCORE, VERSION = "judge", "1"
WON = Measure(
    "",
    better="higher",
    unit="",
    low=0.0,
    high=1.0,
    card="Share of its pairs that a judging model gave to the picture; a tie is half.",
)
_PICTURE = "SELECT sha256 FROM results WHERE run = ? AND request = ? AND replaced = 0"
_LINKED = "SELECT inputs FROM request_scores WHERE run = ? AND scorer = ? AND request = ? ORDER BY id DESC LIMIT 1"
_KNOWN = "SELECT detail FROM events WHERE run = ? AND name = ?"


def record(judgement: Judgement) -> None:
    """Write all of it in one transaction; what stands there already is not written again."""
    run, now = judgement.run, timestamp(DEFAULT.clock.now())
    run._store.journal.transact(lambda connection: _enter(connection, judgement, now)).result()


def _enter(connection: sqlite3.Connection, judgement: Judgement, now: str) -> None:
    run, rater = judgement.run._number, judgement.rater
    detail = dumps({**judgement.about, "judging": judgement.judging.id, "rater": rater, "by": judgement.by})
    if not any(known == detail for (known,) in connection.execute(_KNOWN, (run, EVENT))):
        connection.execute(_EVENT, (run, EVENT, detail, now))
    for verdict in judgement.verdicts:
        if verdict.kind != PAIR or verdict.choice is None:
            continue
        stands = connection.execute(_STANDS, (run, rater, verdict.pair)).fetchone()
        if stands is not None and stands[1] != verdict.choice:  # judged anew
            connection.execute(_UNDO, (now, stands[0]))
        insert_once(connection, (run, rater, verdict.pair, verdict.left, verdict.right, verdict.choice, None, now, 1))
    connection.execute(INSERT_MEASURE, (SCORE, VERSION, about(WON)))
    for request, (share, pairs) in judgement.won().items():
        known = {
            "by": judgement.by,
            "pairs": pairs,
            "rubric": str(judgement.rubric),
            "trusted": judgement.reliability.trusted,
        }
        inputs = hashlib.sha256(dumps([rater, share, known]).encode()).hexdigest()
        ((sha256,),) = connection.execute(_PICTURE, (run, request))
        if connection.execute(_LINKED, (run, SCORE, request)).fetchone() != (inputs,):
            row = (sha256, SCORE, VERSION, inputs, share, None, now, rater, dumps(known))
            connection.execute(INSERT_SCORE, row)
            connection.execute(INSERT_LINK, (run, request, SCORE, sha256, VERSION, inputs))
