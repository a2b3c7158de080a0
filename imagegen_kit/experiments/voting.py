"""What people prefer of a run's pictures: a rater's ballot of blind pairs, kept in the journal vote by vote.

A vote is on disk before it is acknowledged, and never changes: ``undo`` adds a mark. Statistics stand elsewhere.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.policy import DEFAULT, timestamp
from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.experiments.contenders import GONE, compared, contenders, doctor_hint, gone_from, label_of
from imagegen_kit.experiments.pairing import AGAIN, paired, parameter_of, with_repeats
from imagegen_kit.store.values import dumps

if TYPE_CHECKING:
    import sqlite3

    import pandas as pd

    from imagegen_kit.experiments.pairing import Contender, Pair
    from imagegen_kit.experiments.run import Run

CHOICES = ("left", "right", "tie", "both_bad", "skip")
BUTTONS = {"a": "left", "b": "right"}  # how the panel's buttons call the sides
ME = "me"  # who votes where no name is given
JUDGE = "judge:"  # begins the names of models that judge; no person is called so
LONGEST_NAME = 80
_VOTES = (
    "SELECT id, pair, left_request, right_request, choice, milliseconds, created_at, blind FROM votes "
    "WHERE run = ? AND rater = ? AND undone_at IS NULL ORDER BY id"
)
_INSERT = (
    "INSERT INTO votes (run, rater, pair, left_request, right_request, choice, milliseconds, created_at, blind) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_EVENT = "INSERT INTO events (run, name, detail, created_at) VALUES (?, ?, ?, ?)"
SEED, REVEALED = "ballot", "votes revealed"  # events


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote that stands. ``milliseconds`` from seeing the pair to choosing, None where nobody measured it."""

    id: int
    pair: str
    left_request: int
    right_request: int
    choice: str
    milliseconds: int | None
    created_at: str
    blind: bool


class Ballot:
    """The pairs of ``run`` that differ in ``by`` alone, in the order and on the sides of ``rater`` ("me" by default).

    ``pairs`` is the most of them, None all; ``repeats`` the share (0 to 0.5) that comes again, mirrored. The same rater
    has the same order in every session. Raises InvalidInput where there is nothing to compare.
    """

    def __init__(
        self,
        run: Run,
        by: str | None = None,
        rater: str | None = None,
        *,
        pairs: int | None = None,
        repeats: float = 0.1,
    ) -> None:
        self.run, self.rater, self.named = run, rater_name(rater), rater is not None
        _check_numbers(pairs, repeats)
        run._flush()
        self.by = by = compared(run, by)
        found, left_out = contenders(run, by)
        self.seed = self._stored_seed()
        self.gone = gone_from(run, found)  # the requests whose pictures cannot be shown
        every, unpaired = paired([one for one in found if one.request not in self.gone], by, self.seed)
        self.left_out = left_out + Counter({GONE: len(self.gone)}) + unpaired
        if not every:
            what = f"no two pictures differ in {by} alone, so there are no pairs."
            why = f"Left out: {in_words(self.left_out)}.{doctor_hint(self.left_out)}" if self.left_out else ""
            raise InvalidInput([Fault("by", what, why)])
        self.possible = len(every)
        self.plan = with_repeats(every[:pairs], repeats, self.seed)
        self._number = {pair.key: number for number, pair in enumerate(self.plan, 1)}
        self._known = {one.request: one for one in found}

    # ------------------------------------------------------------------ voting
    def votes(self) -> list[Vote]:
        """Return this rater's votes on ``by`` that stand, oldest first, also on pairs beyond this ballot."""
        rows = self.run._store.journal.read(_VOTES, (self.run._number, self.rater))
        return [
            Vote(id, pair, left, right, choice, took, at, bool(blind))
            for id, pair, left, right, choice, took, at, blind in rows
            if parameter_of(pair) == self.by
        ]

    def open(self) -> list[Pair]:
        """Return the pairs without a vote, in order."""
        voted = {vote.pair for vote in self.votes()}
        return [pair for pair in self.plan if pair.key not in voted]

    def leave_out(self, one: Contender) -> None:
        """Take the open pairs of a picture that can no longer be read out of the ballot, and count the picture."""
        self.left_out[GONE] += one.request not in self.gone
        self.gone.add(one.request)
        voted = {vote.pair for vote in self.votes()}
        self.plan = [pair for pair in self.plan if pair.key in voted or self.can_show(pair)]

    def can_show(self, pair: Pair) -> bool:
        """Whether both pictures of a pair are there, as far as is known."""
        return pair.left.request not in self.gone and pair.right.request not in self.gone

    def choose(self, pair: Pair, choice: str, milliseconds: int | None = None) -> bool:
        """Record a vote; it is on disk when this returns. False where this rater has voted on the pair already.

        Raises InvalidInput for another choice than ``CHOICES``, StoreError where nothing can be written.
        """
        if choice not in CHOICES:
            raise InvalidInput([_choice_fault(choice)])
        shown = (pair.left.request, pair.right.request)
        blind = int(not self.revealed)
        row = (self.run._number, self.rater, pair.key, *shown, choice, milliseconds, _now(), blind)
        return bool(self.run._store.journal.transact(lambda connection: insert_once(connection, row)).result())

    def undo(self) -> Vote | None:
        """Take back the last vote and return it, None where there is none. Raises InvalidInput for a revealed one.

        Blind votes stand once the names are known: nobody could give them again blindly.
        """
        votes = self.votes()
        if not votes:
            return None
        last = votes[-1]
        if last.blind and self.revealed:
            what = "the last vote was given before the names were revealed, so it stands."
            raise InvalidInput([Fault("undo", what)])
        self.run._store.journal.write([("UPDATE votes SET undone_at = ? WHERE id = ?", (_now(), last.id))]).result()
        return last

    # ------------------------------------------------------------------ revealing
    @property
    def revealed(self) -> bool:
        """Whether this rater has seen which pictures were whose; what is voted later is marked as not blind."""
        return revealed_at(self.run, self.by, self.rater) is not None

    def reveal(self) -> None:
        """Record that the rater has seen the names. A second time changes nothing."""
        if not self.revealed:
            detail = dumps({"by": self.by, "rater": self.rater})
            self.run._store.journal.write([(_EVENT, (self.run._number, REVEALED, detail, _now()))]).result()

    # ------------------------------------------------------------------ what was voted
    def table(self) -> pd.DataFrame:
        """Return one row a vote: pair, again, choice, seconds; after ``reveal`` also what was left, right, preferred.

        ``pair`` is the number in this ballot, NA for a vote on a pair beyond it (``pairs=`` was larger then).
        """
        import pandas as pd

        votes = self.votes()
        columns: dict[str, Any] = {
            "pair": pd.array([self._number.get(v.pair) for v in votes], dtype="Int64"),
            "again": pd.array([v.pair.endswith(AGAIN) for v in votes], dtype="boolean"),
            "choice": pd.array([v.choice for v in votes], dtype="str"),
            "seconds": pd.array(
                [None if v.milliseconds is None else v.milliseconds / 1000 for v in votes], dtype="Float64"
            ),
        }
        if self.revealed:
            sides = [self._sides(vote) for vote in votes]
            winner = {"left": 0, "right": 1}
            columns["left"] = pd.array([left for left, _, _ in sides], dtype="str")
            columns["right"] = pd.array([right for _, right, _ in sides], dtype="str")
            preferred = [s[winner[v.choice]] if v.choice in winner else None for s, v in zip(sides, votes, strict=True)]
            columns["preferred"] = pd.array(preferred, dtype="str")
            columns["prompt"] = pd.array([prompt for _, _, prompt in sides], dtype="str")
            columns["blind"] = pd.array([v.blind for v in votes], dtype="boolean")
        return pd.DataFrame(columns)

    def contender(self, request: int) -> Contender | None:
        """Return the picture of a request, None where it can no longer be voted on."""
        return self._known.get(request)

    def _sides(self, vote: Vote) -> tuple[str, str, str]:
        left, right = (self._known.get(request) for request in (vote.left_request, vote.right_request))
        if left is None or right is None:  # its picture is gone, or not in this selection
            return "gone", "gone", ""
        return label_of(left.value), label_of(right.value), left.prompt

    def counts(self) -> pd.DataFrame:
        """Return one row for each two values: votes, wins of either, ties, both bad, skipped, share of either's wins.

        Only blind votes on pairs seen for the first time are counted. Raises InvalidInput before ``reveal``.
        """
        import pandas as pd

        if not self.revealed:
            what = "they would tell which pictures are whose."
            raise InvalidInput([Fault("counts", what, "reveal() ends blind voting and shows them.")])
        table = self.table()
        found: dict[tuple[str, str], Counter[str]] = {}
        for row in table[table["blind"] & ~table["again"]].itertuples(index=False):
            one, other = sorted((str(row.left), str(row.right)))
            what = str(row.preferred) if row.choice in ("left", "right") else str(row.choice)
            found.setdefault((one, other), Counter())[what] += 1
        rows = []
        for (one, other), seen in sorted(found.items()):
            wins, losses, ties, bad = seen[one], seen[other], seen["tie"], seen["both_bad"]
            said = wins + losses + ties + bad
            shares = (wins / said, losses / said) if said else (None, None)
            rows.append((one, other, said, wins, losses, ties, bad, seen["skip"], *shares))
        whole = ("votes", "a_wins", "b_wins", "ties", "both_bad", "skipped")
        kinds = {"a": "str", "b": "str", **dict.fromkeys(whole, "Int64"), "a_share": "Float64", "b_share": "Float64"}
        return pd.DataFrame(
            {name: pd.array([r[i] for r in rows], dtype=kind) for i, (name, kind) in enumerate(kinds.items())}  # type: ignore[call-overload]  # a dtype by name
        )

    # ------------------------------------------------------------------ the stored seed
    def _stored_seed(self) -> int:
        """Return the seed of this rater's order, drawn the first time; two processes at once draw one."""
        detail = {"by": self.by, "rater": self.rater, "seed": secrets.randbits(48)}
        known = next(iter(events(self.run, SEED, by=self.by, rater=self.rater)), None)
        if known is None:
            row = (self.run._number, SEED, dumps(detail), _now())
            self.run._store.journal.write([(_EVENT, row)]).result()
            known = next(iter(events(self.run, SEED, by=self.by, rater=self.rater)))  # the first one, whoever drew it
        return int(known[0]["seed"])


def insert_once(connection: sqlite3.Connection, row: tuple[Any, ...]) -> bool:
    """Insert a vote unless its rater has one on the same pair of the same run; return whether it was inserted."""
    sql = "SELECT 1 FROM votes WHERE run = ? AND rater = ? AND pair = ? AND undone_at IS NULL"
    if connection.execute(sql, row[:3]).fetchone():
        return False
    connection.execute(_INSERT, row)
    return True


def rater_name(rater: str | None) -> str:
    """Return who votes. Raises InvalidInput for what is no name."""
    if rater is None:
        return ME
    name = rater.strip() if isinstance(rater, str) else ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        what = f"{rater!r:.60} is no name."
        raise InvalidInput([Fault("rater", what, f"Give a text of 1 to {LONGEST_NAME} characters, in one line.")])
    if name.lower().startswith(JUDGE):
        what = f"{name!r:.60} is how models are called that judge (run.judge)."
        raise InvalidInput([Fault("rater", what, "Give a name that does not begin so.")])
    return name


def events(run: Run, name: str, **where: str) -> list[tuple[dict[str, Any], str]]:
    """Return the details of a run's events of a kind, oldest first, each with when it was recorded."""
    sql = "SELECT detail, created_at FROM events WHERE run = ? AND name = ? ORDER BY id"
    found = [(json.loads(detail), at) for detail, at in run._store.journal.read(sql, (run._number, name))]
    return [(detail, at) for detail, at in found if all(detail.get(k) == v for k, v in where.items())]


def revealed_at(run: Run, by: str, rater: str) -> str | None:
    """Return when a rater saw the names, None where that has not happened."""
    return next((at for _, at in events(run, REVEALED, by=by, rater=rater)), None)


def record(run: Run, name: str, detail: dict[str, Any]) -> None:
    """Record an event of a run; it is on disk when this returns."""
    run._store.journal.write([(_EVENT, (run._number, name, dumps(detail), _now()))]).result()


def in_words(left_out: Counter[str]) -> str:
    """Return ``2 failed, 1 placeholder``."""
    return ", ".join(f"{count:,} {why}" for why, count in left_out.most_common())


def _check_numbers(pairs: int | None, repeats: float) -> None:
    faults = []
    if pairs is not None and (type(pairs) is not int or pairs < 1):
        faults.append(Fault("pairs", f"{pairs!r:.40} is not a number of pairs.", "Give 1 or more, or None for all."))
    if isinstance(repeats, bool) or not isinstance(repeats, (int, float)) or not 0 <= repeats <= 0.5:
        faults.append(Fault("repeats", f"{repeats!r:.40} is not a share.", "Give 0 (none) to 0.5; 0.1 is one in ten."))
    if faults:
        raise InvalidInput(faults)


def _choice_fault(choice: object) -> Fault:
    near = unknown_name_fault("choice", str(choice).lower().replace(" ", "_"), CHOICES).hint
    hint = near if near.startswith("Did") else f"Choose {', '.join(CHOICES[:-1])} or {CHOICES[-1]}."
    exact = str(choice).strip().lower().replace(" ", "_")
    if (side := exact.removesuffix("_is_better")) in BUTTONS:
        hint = f'Choose {BUTTONS[side]!r}: the button "{side.upper()} is better" stands for the picture on that side.'
    elif exact in CHOICES:
        hint = f"Did you mean {exact!r}?"
    return Fault("choice", f"{choice!r:.40} is not a choice.", hint)


def _now() -> str:
    return timestamp(DEFAULT.clock.now())
