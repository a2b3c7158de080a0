"""A ballot as one HTML page for people without Jupyter: no requests, no names, votes as a file."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.contenders import doctor_hint
from imagegen_kit.experiments.vote_files import PAGE, digest, record_page
from imagegen_kit.experiments.voting import events
from imagegen_kit.imaging.files import target_of, write_whole
from imagegen_kit.panels.assets import script, styles
from imagegen_kit.panels.vote.blind import UNREADABLE

if TYPE_CHECKING:
    from imagegen_kit.experiments.pairing import Contender, Pair
    from imagegen_kit.experiments.voting import Ballot
    from imagegen_kit.panels.vote.blind import BlindCopies

_ITS_PAGE = re.compile(rb'id="igk-sheet">{"page": "([0-9a-f]{16})", .*?"rater": (null|"(?:[^"\\]|\\.)*"), "sides"')
MOST_BYTES = 10_000_000  # of the page: what a mail still takes
SIDES_PX = (1024, 768, 640, 512, 384)  # of the pictures, until they fit
TRIED = 6  # pictures by which a size is guessed, before all are made
_POLICY = "default-src 'none'; img-src blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Blind vote</title>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<style>{styles}</style></head>
<body><main id="igk-root"></main>
<script type="application/json" id="igk-sheet">{sheet}</script>
<script type="module">{script}</script>
</body></html>
"""


def write_page(ballot: Ballot, copies: BlindCopies, path: str | Path) -> Path:
    """Write the page and return its path; see ``VotePanel.to_html``."""
    target = _target(path)
    pairs = [*ballot.open()] if ballot.named else [*ballot.plan]
    if not pairs:
        what = f"{ballot.rater} has voted on all pairs."
        raise InvalidInput([Fault("to_html", what, "Name another rater: run.vote(rater=…).")])
    _refuse_to_replace(target, ballot)
    pictures = _pictures(pairs, copies, ballot)
    pairs = [pair for pair in pairs if ballot.can_show(pair)]
    if not pairs:
        what = "no pair is left: of each, a picture is gone from the store or damaged."
        raise InvalidInput([Fault("to_html", what, doctor_hint(ballot.left_out).strip())])
    shown = {one.request for pair in pairs for one in (pair.left, pair.right)}
    pictures = {request: data for request, data in pictures.items() if request in shown}
    numbers = {request: number for number, request in enumerate(pictures)}
    prompts = list(dict.fromkeys(pair.left.prompt for pair in pairs))
    page = record_page(ballot, pairs)
    sheet: dict[str, Any] = {
        "page": page.id,
        "key": page.key,
        "digest": digest(page.tokens),
        "rater": ballot.rater if ballot.named else None,
        "sides": [
            [token, numbers[pair.left.request], numbers[pair.right.request], prompts.index(pair.left.prompt)]
            for token, pair in zip(page.tokens, pairs, strict=True)
        ],
        "prompts": prompts,
        "pictures": list(pictures.values()),
    }
    text = json.dumps(sheet).replace("<", "\\u003c")  # a prompt may hold </script>
    html = _PAGE.format(
        policy=_POLICY, styles=styles("vote", "vote_page"), sheet=text, script=script("vote_face", "vote_page")
    )
    return write_whole(target, html.encode())


def _target(path: str | Path) -> Path:
    target = target_of(path)
    if target.name and not target.suffix:
        target = target.with_name(f"{target.name}.html")
    if target.suffix.lower() not in (".html", ".htm") or target.is_dir():
        raise InvalidInput([Fault("path", f"{str(target)[:200]!r} is no file that ends in .html.")])
    return target


def _refuse_to_replace(target: Path, ballot: Ballot) -> None:
    """Refuse to overwrite a file that is no page for the same rater to vote on the same parameter of this run."""
    if not target.exists() and not target.is_symlink():
        return
    try:
        whole = target.stat().st_size <= 2 * MOST_BYTES and target.is_file()
        found = _ITS_PAGE.search(target.read_bytes()) if whole else None
    except OSError:
        found = None
    known = {detail["page"] for detail, _ in events(ballot.run, PAGE, by=ballot.by)}
    rater = ballot.rater if ballot.named else None
    if found is None or found[1].decode() not in known or json.loads(found[2]) != rater:
        what = f"{str(target)[:200]!r} is there already and is no page of this vote."
        raise InvalidInput([Fault("path", what, "Name another file, or take it away first.")])


def _pictures(pairs: list[Pair], copies: BlindCopies, ballot: Ballot) -> dict[int, str]:
    """Return base64 of a copy of each picture by its request, as large as fits the page.

    Those that cannot be read are missing; ``ballot`` leaves them out from then on.
    """
    every = list({one.request: one for pair in pairs for one in (pair.left, pair.right)}.values())
    for side in SIDES_PX:
        few = every[:: max(1, len(every) // TRIED)]
        if len(few) < len(every):
            tried = _encoded(few, copies, side, ballot)
            if tried and sum(map(len, tried.values())) / len(tried) * len(every) > MOST_BYTES:
                continue
        made = _encoded(every, copies, side, ballot)
        if sum(map(len, made.values())) <= MOST_BYTES:
            return made
    what = f"{len(every):,} pictures do not fit into a page of {MOST_BYTES // 1_000_000} MB, even at {side} pixels."
    raise InvalidInput([Fault("to_html", what, "Give each rater fewer pairs: run.vote(rater=…, pairs=…).")])


def _encoded(some: list[Contender], copies: BlindCopies, side: int, ballot: Ballot) -> dict[int, str]:
    made = {}
    for one in some:
        if one.request in ballot.gone:
            continue
        try:
            made[one.request] = b64encode(copies.sized(one, side)).decode("ascii")
        except UNREADABLE:
            ballot.leave_out(one)
    return made
