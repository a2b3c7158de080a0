"""What stays of a vote in a saved notebook: blind while it is blind, with names and pictures once they are revealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.panels.vote.blind import UNREADABLE, smaller
from imagegen_kit.types import Artifact
from imagegen_kit.views.markup import Markup, box, figure, image, lines, notice, small, table, text
from imagegen_kit.views.pictures import shown
from imagegen_kit.views.words import count, seconds, shortened

if TYPE_CHECKING:
    from imagegen_kit.experiments.pairing import Contender, Pair
    from imagegen_kit.experiments.voting import Ballot
    from imagegen_kit.panels.vote.blind import BlindCopies
    from imagegen_kit.store import Blobs

OPEN_PX = 256
VOTED_PX = 96
AT_MOST = 24  # pairs with their pictures: 48 thumbnails
_SAID = {"tie": "tie", "both_bad": "both bad", "skip": "skipped"}


def show_voted(ballot: Ballot, progress: tuple[int, int], pair: Pair | None, copies: BlindCopies) -> Markup:
    """Return the panel without scripts: how far the rater is and the open pair, or the revealed votes."""
    done, total = progress
    head = f"<b>blind vote</b> · {text(f'{ballot.rater} · {done:,} of {total:,} voted')}"
    if ballot.revealed:
        return box(lines(head + text(" · revealed")), _counts(ballot), _votes(ballot))
    if pair is None:
        return box(lines(head, "done; reveal() shows the names"))
    pictures = "".join(
        figure(_picture(copies, one, f"picture {name}", OPEN_PX), name, OPEN_PX)
        for name, one in (("A", pair.left), ("B", pair.right))
    )
    return box(lines(head, text(shortened(pair.left.prompt, 300))), pictures)


def _counts(ballot: Ballot) -> str:
    frame = ballot.counts()
    if frame.empty:
        return lines("no blind votes were given")
    rows = []
    for row in frame.itertuples(index=False):
        shares = "" if not row.votes else f"{row.a_share:.0%} to {row.b_share:.0%}"
        rows.append(
            [text(f"{row.a} against {row.b}"),
             *map(text, (row.votes, row.a_wins, row.b_wins, row.ties, row.both_bad, row.skipped, shares))]
        )  # fmt: skip
    header = ("", "votes", "first wins", "second wins", "ties", "both bad", "skipped", "shares of wins")
    return table(rows, header)


def _votes(ballot: Ballot) -> str:
    votes, blobs = ballot.votes(), ballot.run._store.blobs
    rows = []
    for vote, row in zip(votes[:AT_MOST], ballot.table().itertuples(index=False), strict=False):
        sides = []
        for side, request, name in (("left", vote.left_request, row.left), ("right", vote.right_request, row.right)):
            one = ballot.contender(request)
            won = " · preferred" if vote.choice == side else ""
            alt = f"{name}, {shortened(row.prompt, 80)}"
            seen = "" if one is None else shown(_artifact(one, blobs), alt, VOTED_PX, VOTED_PX, blobs)
            sides.append(figure(seen, text(f"{name}{won}"), VOTED_PX))
        facts = [_SAID.get(vote.choice, ""), "" if vote.milliseconds is None else seconds(vote.milliseconds / 1000)]
        facts += ["again" if row.again else "", "" if vote.blind else "not blind"]
        rows.append([text(shortened(row.prompt, 120)), "".join(sides), text(" · ".join(filter(None, facts)))])
    left = len(votes) - AT_MOST
    more = lines(small(text(f"… and {count(left, 'vote')} more; vote.table() has them all"))) if left > 0 else ""
    return (table(rows) if rows else "") + more


def _picture(copies: BlindCopies, one: Contender, alt: str, px: int) -> Markup:
    try:
        copy = smaller(copies.of(one), px)
    except UNREADABLE:
        return notice("the picture cannot be read", px)
    return image(copy, alt=alt, width=px)


def _artifact(one: Contender, blobs: Blobs) -> Artifact:
    return Artifact(one.sha256, format=one.format, path=str(blobs.path(one.sha256, one.format)))
