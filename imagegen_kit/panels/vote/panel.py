"""Blind voting in a notebook: two pictures, and nothing that tells which model made them until ``reveal()``.

Pairs and pictures have tokens that are drawn anew for each panel; hashes, ids and names never leave the kernel. Each
vote is on disk before the next pair is shown.
"""

from __future__ import annotations

import secrets
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from imagegen_kit.errors import Fault, ImagegenError, InvalidInput
from imagegen_kit.experiments.contenders import GONE, doctor_hint
from imagegen_kit.experiments.voting import Ballot, in_words
from imagegen_kit.panels.panel import Panel
from imagegen_kit.panels.vote.blind import UNREADABLE, BlindCopies
from imagegen_kit.panels.vote.static import show_voted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from imagegen_kit.experiments.pairing import Pair
    from imagegen_kit.experiments.run import Run

SENT = 4  # pairs that the page surely still has


class VotePanel(Panel):
    """Pairs of pictures of ``run`` that differ in ``by`` alone, for ``rater`` to choose from; see ``Run.vote``."""

    actions: ClassVar[dict[str, str]] = {
        "ready": "_ready",
        "choose": "_chosen",
        "undo": "_undone",
        "reveal": "_reveal_asked",
    }

    def __init__(
        self,
        run: Run,
        by: str | None = None,
        rater: str | None = None,
        *,
        pairs: int | None = None,
        repeats: float = 0.1,
    ) -> None:
        super().__init__()
        self._ballot = Ballot(run, by, rater, pairs=pairs, repeats=repeats)
        self._copies = BlindCopies(run._store.blobs, thumbnails=run._sealed is not None)
        self._tokens: dict[str, str] = {}  # of pairs, by their keys
        self._sent: deque[str] = deque(maxlen=SENT)

    def __repr__(self) -> str:
        state = "revealed" if self._ballot.revealed else "blind"
        done, total = self._progress(self._open())
        return f"VotePanel(by {self._ballot.by}, {self._ballot.rater}: {done:,} of {total:,} voted, {state})"

    # ------------------------------------------------------------------ voting
    @property
    def left_out(self) -> str:
        """How many pictures are not voted on, and why, in words; empty where all are.

        A file that is gone is seen when the panel is made; one that turns out damaged counts once it was to be shown.
        """
        return in_words(self._ballot.left_out)

    def choose(self, choice: str) -> VotePanel:
        """Vote on the pair that is shown: "left", "right", "tie", "both_bad" or "skip". Stored when this returns.

        Raises InvalidInput for another choice, or where all pairs have a vote.
        """
        with self._lock:
            pair = self._current()
            if pair is None:
                gone = self._ballot.left_out[GONE]
                what = f"all pairs{' that can be shown' * bool(gone)} have a vote."
                hint = "undo() takes the last one back, reveal() shows the names."
                hint += f" Left out: {self.left_out}.{doctor_hint(self._ballot.left_out)}" if gone else ""
                raise InvalidInput([Fault("choose", what, hint)])
            self._ballot.choose(pair, choice, None)
            self._tell_pair(voted=choice)
            self.refresh()
        return self

    def undo(self) -> VotePanel:
        """Take the last vote back; its pair is shown again. Raises InvalidInput where there is none."""
        with self._lock:
            if self._ballot.undo() is None:
                raise InvalidInput([Fault("undo", f"{self._ballot.rater} has no vote to take back.")])
            self._tell_pair()
            self.refresh()
        return self

    def reveal(self) -> pd.DataFrame:
        """End blind voting for this rater and return the votes, with what was left, right and preferred.

        It is recorded: what the rater votes later is marked as not blind.
        """
        with self._lock:
            self._ballot.reveal()
            self._tell_pair()
            self.refresh()
            return self.table()

    def table(self) -> pd.DataFrame:
        """Return one row a vote: pair, again, choice, seconds; after ``reveal`` also left, right, preferred, prompt."""
        return self._ballot.table()

    def counts(self) -> pd.DataFrame:
        """Return one row for each two values: wins, ties, both bad, skipped, shares. Raises InvalidInput when blind."""
        return self._ballot.counts()

    def to_html(self, path: str | Path) -> Path:
        """Write the open pairs as one page that needs neither Jupyter nor a network, and return its path.

        The page saves ``votes-….json`` for ``run.import_votes``. It asks for a name unless the panel has a ``rater``.
        Pictures are made smaller until the page has at most 10 MB. Pairs of which a picture cannot be read are left
        out, and ``left_out`` counts them. Raises InvalidInput where the page stays too large, or no pair is left.
        """
        from imagegen_kit.panels.vote.page import write_page

        return write_page(self._ballot, self._copies, path)

    def static(self) -> str:
        """Return the panel as it is now: the open pair and how far the rater is; the votes once they are revealed."""
        with self._lock:
            return show_voted(self._ballot, self._progress(self._open()), self._current(), self._copies)

    # ------------------------------------------------------------------ what the page asks
    def _ready(self, _message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        self._sent.clear()  # a new view knows nothing
        self._tell_pair()

    def _chosen(self, message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        pair = self._current()
        if pair is None or message.get("pair") != self._token(pair):  # chosen twice, or in another view meanwhile
            self._tell_pair()
            return
        took = message.get("milliseconds")
        milliseconds = int(took) if isinstance(took, (int, float)) and 0 <= took < 86_400_000 else None
        choice = str(message.get("choice"))
        self._ballot.choose(pair, choice, milliseconds)
        self._tell_pair(voted=choice)
        self.refresh()

    def _undone(self, _message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        try:
            self._ballot.undo()
        finally:
            self._tell_pair()
        self.refresh()

    def _reveal_asked(self, _message: dict[str, Any], _buffers: Sequence[bytes]) -> None:
        self.reveal()

    # ------------------------------------------------------------------ what is told
    def _make(self) -> Any:
        from imagegen_kit.panels.view import view_class

        return view_class("vote_face", "vote")(receive=self.receive, panel=self.id)

    def _open(self) -> list[Pair]:
        return [pair for pair in self._ballot.open() if self._ballot.can_show(pair)]

    def _progress(self, left: Sequence[Pair]) -> tuple[int, int]:
        total = len(self._ballot.plan)
        return total - len(left), total

    def _current(self) -> Pair | None:
        """Return the first open pair whose pictures can be read; those that cannot are left out, and told."""
        for pair in self._open():
            if self._pictures(pair) is not None:
                return pair
        return None

    def _pictures(self, pair: Pair) -> list[bytes] | None:
        copies = []
        for one in (pair.left, pair.right):
            try:
                copies.append(self._copies.of(one))
            except UNREADABLE:  # whose words name the file, and so perhaps the model
                self._ballot.leave_out(one)
        if len(copies) < 2:
            self.fail("a pair", ImagegenError("one of its pictures cannot be read, so it is left out"))
            return None
        return copies

    def _token(self, pair: Pair) -> str:
        return self._tokens.setdefault(pair.key, secrets.token_hex(8))

    def _tell_pair(self, **more: Any) -> None:
        """Tell all views the open pair, how far the rater is, and, ahead, the pair after it."""
        views = self._views()
        if not views:
            return
        current = self._current()
        if current is not None:
            self._send(current)
        left, revealed = self._open(), self._ballot.revealed
        done, total = self._progress(left)
        votes = self._ballot.votes()
        what = {
            "pair": None if current is None else self._token(current),
            "done": done,
            "total": total,
            "rater": self._ballot.rater,
            "undo": bool(votes) and not (revealed and votes[-1].blind),
            "reveals": True,
            "revealed": revealed,
            **more,
        }
        if revealed:
            what["by"] = self._ballot.by
            what["results"] = self._ballot.counts().astype(object).where(lambda f: f.notna(), None).to_dict("records")
        for view in views:
            view.tell("at", **what)
        if len(left) > 1:
            self._send(left[1])

    def _send(self, pair: Pair) -> None:
        token = self._token(pair)
        if token in self._sent:
            return
        pictures = self._pictures(pair)
        if pictures is None:
            return
        self._sent.append(token)
        for view in self._views():
            view.tell("pair", pictures, pair=token, prompt=pair.left.prompt)
