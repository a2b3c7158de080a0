"""Votes that come back from pages: each page is known to the journal, each file is checked against its page.

The check of a file finds what was changed by accident or by an editor. It is no signature: the page that computes it
lies in the rater's hands, who may vote as he likes anyway.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.policy import timestamp
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.experiments.vote_tables import read_votes
from imagegen_kit.experiments.voting import CHOICES, events, insert_once, rater_name, record, revealed_at
from imagegen_kit.store.values import dumps

if TYPE_CHECKING:
    import sqlite3

    import pandas as pd

    from imagegen_kit.experiments.pairing import Pair
    from imagegen_kit.experiments.run import Run
    from imagegen_kit.experiments.voting import Ballot

PAGE = "vote page"  # the event that records a page
WHAT = "votes of imagegen_kit"  # what a file of votes says it is
MOST_BYTES = 8 << 20  # of a file of votes; ten thousand votes are one
LONGEST_MS = 24 * 3600 * 1000
_OFFSET, _PRIME = 0xCBF29CE484222325, 0x100000001B3  # FNV-1a, 64 bits


@dataclass(frozen=True, slots=True)
class Page:
    """What a page knows of its pairs: an id, a key for its checks, and a token for each pair in order."""

    id: str
    key: str
    tokens: tuple[str, ...]


def record_page(ballot: Ballot, pairs: list[Pair]) -> Page:
    """Record a page for these pairs of ``ballot``, so that its votes can come back, and return it."""
    page = Page(secrets.token_hex(8), secrets.token_hex(8), tuple(secrets.token_hex(6) for _ in pairs))
    rows = [
        [token, pair.key, pair.left.request, pair.right.request] for token, pair in zip(page.tokens, pairs, strict=True)
    ]
    record(ballot.run, PAGE, {"page": page.id, "key": page.key, "by": ballot.by, "pairs": rows})
    return page


def digest(tokens: Iterable[str]) -> str:
    """Return the digest of a page's pairs, which its files carry."""
    return sha256("\n".join(tokens).encode()).hexdigest()[:32]


def check_of(key: str, rater: str, votes: list[Any]) -> str:
    """Return the check of a file: FNV-1a over the page's key, the rater and the votes as compact JSON."""
    text = json.dumps([key, rater, votes], ensure_ascii=False, separators=(",", ":"))
    value = _OFFSET
    for byte in text.encode("utf-8", "surrogatepass"):
        value = ((value ^ byte) * _PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def import_votes(run: Run, path: str | Path | Iterable[str | Path]) -> pd.DataFrame:
    """Read files of votes into the journal; see ``Run.import_votes``."""
    import pandas as pd

    run._flush()
    files = [path] if isinstance(path, (str, Path)) else list(path) if isinstance(path, Iterable) else [path]
    if wrong := [file for file in files if not isinstance(file, (str, Path))]:
        what = f"a {type(wrong[0]).__name__} is no path." if wrong[0] is not None else "None is no path."
        raise InvalidInput([Fault("path", what, "Give the file that a voting page saved, votes-….json, or a list.")])
    faults: list[Fault] = []
    found = []
    for file in files:
        try:
            path = Path(file).expanduser()
            if path.suffix.lower() == ".csv":
                found += [(path, rater, votes) for rater, votes in read_votes(run, path)]
            else:
                found.append(_read(run, path))
        except InvalidInput as error:
            faults += error.faults
    if faults:
        raise InvalidInput(faults)
    rows = [(file.name, rater, len(votes), *_record(run, votes)) for file, rater, votes in found]
    names = {"file": "str", "rater": "str", "votes": "Int64", "added": "Int64", "duplicates": "Int64",
             "refused": "Int64", "why": "str"}  # fmt: skip
    return pd.DataFrame(
        {name: pd.array([row[i] for row in rows], dtype=kind) for i, (name, kind) in enumerate(names.items())}  # type: ignore[call-overload]  # a dtype by name
    )


def _read(run: Run, path: Path) -> tuple[Path, str, list[tuple[Any, ...]]]:
    """Return who voted in the file at ``path`` and the rows for the journal. Raises InvalidInput."""
    content = _content(path)
    page = next((detail for detail, _ in events(run, PAGE) if detail["page"] == content.get("page")), None)
    if page is None:
        what = "it was voted on a page of another run, or of this run in another store."
        raise _refused(path, what, "Open the run whose vote.to_html() made the page, in the store where it did.")
    pairs = {token: (key, left, right) for token, key, left, right in page["pairs"]}
    if content.get("pairs") != digest(pairs):
        raise _refused(path, "its pairs are not those of its page.", "Save it from the page again.")
    rater, votes = content.get("rater"), content.get("votes")
    if (
        not isinstance(votes, list)
        or not isinstance(rater, str)
        or content.get("check") != _checked(page, rater, votes)
    ):
        raise _refused(path, "it was changed after the page saved it.", "Save it from the page again, and leave it so.")
    rater = rater_name(rater)
    seen_at = revealed_at(run, page["by"], rater)
    rows = []
    for number, vote in enumerate(votes, 1):
        row = _row(vote, pairs)
        if row is None:
            raise _refused(path, f"vote {number} cannot be read.", "Save it from the page again.")
        key, left, right, choice, milliseconds, at = row
        blind = int(seen_at is None or at < seen_at)
        rows.append((run._number, rater, key, left, right, choice, milliseconds, at, blind))
    if len({row[2] for row in rows}) < len(rows):
        raise _refused(path, "it holds two votes on one pair.", "Save it from the page again.")
    return path, rater, rows


def _content(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _refused(path, f"it is larger than {MOST_BYTES >> 20} MiB, so it holds no votes.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refused(path, f"it cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise _refused(path, "it is no file of votes.", "A voting page saves them as votes-….json.") from error
    if not isinstance(content, dict) or content.get("what") != WHAT:
        raise _refused(path, "it is no file of votes.", "A voting page saves them as votes-….json.")
    if content.get("version") != 1:
        raise _refused(path, "a later version made it.", "Update imagegen_kit.")
    return content


def _checked(page: dict[str, Any], rater: str, votes: list[Any]) -> str | None:
    try:
        return check_of(page["key"], rater, votes)
    except (ValueError, RecursionError):
        return None


def _row(vote: object, pairs: dict[str, tuple[str, int, int]]) -> tuple[Any, ...] | None:
    if not isinstance(vote, list) or len(vote) != 4:
        return None
    token, choice, milliseconds, at = vote
    if not isinstance(token, str) or token not in pairs or choice not in CHOICES:
        return None
    if type(milliseconds) is not int or not 0 <= milliseconds <= LONGEST_MS or not isinstance(at, str):
        return None
    try:
        moment = datetime.fromisoformat(at)
        return (*pairs[token], choice, milliseconds, timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC)))
    except (ValueError, OverflowError):
        return None


def _record(run: Run, rows: list[tuple[Any, ...]]) -> tuple[int, int, int, str]:
    """Write the votes in one transaction; return how many were added, were there, were refused, and why."""

    def enter(connection: sqlite3.Connection) -> tuple[int, int, int]:
        added = duplicates = refused = 0
        known = "SELECT 1 FROM votes WHERE run = ? AND rater = ? AND pair = ? AND choice = ? AND created_at = ?"
        for row in rows:
            if connection.execute(known, (*row[:3], row[5], row[7])).fetchone():
                duplicates += 1  # also where it was undone since
            elif insert_once(connection, row):
                added += 1
            else:
                refused += 1
        return added, duplicates, refused

    added, duplicates, refused = run._store.journal.transact(enter).result()
    return added, duplicates, refused, "voted on already by this rater" if refused else ""


def _refused(path: Path, what: str, hint: str = "") -> InvalidInput:
    return InvalidInput([Fault(str(path.name) or str(path), what, hint)])


def votes_file(page: Page, rater: str, votes: list[list[Any]]) -> str:
    """Return the text of a file of votes, as a page saves it: ``votes`` are [token, choice, milliseconds, time]."""
    return dumps(
        {"what": WHAT, "version": 1, "page": page.id, "pairs": digest(page.tokens), "rater": rater, "votes": votes,
         "check": check_of(page.key, rater, votes)}
    )  # fmt: skip
