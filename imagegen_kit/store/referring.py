"""What refers to a stored picture, so that clean-up leaves it alone: by its hash, with the reason in words."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from imagegen_kit.store.states import OPEN_STATES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from imagegen_kit.store.journal import Journal

_HASH = re.compile(r"[0-9a-f]{64}")
_OPEN: Final = ", ".join(f"'{state}'" for state in (*OPEN_STATES, "unknown"))
_OF_AN_EXPERIMENT = "u.definition != '' AND u.number NOT IN (SELECT value FROM json_each(?))"
_QUERIES: Final = (  # (query, reason); each yields hash or text that holds hashes, and a name
    (
        "SELECT DISTINCT s.sha256, COALESCE(u.name, u.id) FROM results s JOIN runs u ON u.number = s.run "
        f"WHERE s.sha256 IS NOT NULL AND {_OF_AN_EXPERIMENT}",
        "run {} shows it",
    ),
    (
        "SELECT DISTINCT f.sha256, COALESCE(u.name, u.id) FROM request_refs f JOIN requests r ON r.id = f.request "
        f"JOIN runs u ON u.number = r.run WHERE {_OF_AN_EXPERIMENT}",
        "run {} used it as a reference",
    ),
    (
        "SELECT DISTINCT v.found, COALESCE(u.name, u.id) FROM retrievals v JOIN runs u ON u.number = v.run "
        f"WHERE {_OF_AN_EXPERIMENT}",
        "run {} found it as a reference",
    ),
    (
        "SELECT r.asked, COALESCE(u.name, u.id) FROM requests r JOIN runs u ON u.number = r.run "
        f"WHERE r.asked LIKE '%\"mask\"%' AND {_OF_AN_EXPERIMENT}",
        "run {} used it as a mask",
    ),
    (
        "SELECT r.asked, COALESCE(u.name, u.id) FROM requests r JOIN runs u ON u.number = r.run "
        f"WHERE r.kind = 'video' AND {_OF_AN_EXPERIMENT}",
        "run {} used it as a frame of a film",
    ),
    (f"SELECT u.spec, COALESCE(u.name, u.id) FROM runs u WHERE {_OF_AN_EXPERIMENT}", "run {} is defined with it"),
    (
        "SELECT s.sha256, '' FROM votes v JOIN results s ON s.run = v.run AND s.request IN (v.left_request, "
        "v.right_request) WHERE s.sha256 IS NOT NULL AND json_valid(?)",
        "somebody voted on it",
    ),
    ("SELECT sha256, target FROM uploads WHERE state != 'done' AND json_valid(?)", "it is still to be copied to {}"),
    (
        f"SELECT r.asked, '' FROM attempts a JOIN requests r ON r.id = a.request WHERE a.state IN ({_OPEN}) "
        "AND json_valid(?)",
        "a call whose outcome is open was given it",
    ),
    (
        "SELECT s.sha256, '' FROM attempts a JOIN requests r ON r.id = a.request JOIN results s ON s.run = r.run "
        f"AND s.request = r.id WHERE a.state IN ({_OPEN}) AND s.sha256 IS NOT NULL AND json_valid(?)",
        "the outcome of another call for it is open",
    ),
)


def referring(journal: Journal, dropped: Collection[int] = ()) -> dict[str, str]:
    """Return why each picture that something refers to has to stay.

    The runs of experiments, votes, uploads that are not done and calls whose outcome is open refer to pictures, those
    that they were given included. ``dropped`` are the numbers of runs that count no longer. A single ``generate`` or
    ``run`` of a recipe does not hold its pictures: otherwise nothing could ever go.
    """
    found: dict[str, str] = {}
    leave = json.dumps(sorted(dropped))
    for query, reason in _QUERIES:
        for text, name in journal.read(query, (leave,)):
            for sha256 in _HASH.findall(text):
                found.setdefault(sha256, reason.format(name))
    return found


def parents(journal: Journal) -> dict[str, set[str]]:
    """Return for each picture those that it was made from: its recorded parents, and the references of its requests."""
    found: dict[str, set[str]] = {}
    for sha256, text in journal.read("SELECT sha256, parents FROM artifacts WHERE parents IS NOT NULL"):
        found.setdefault(sha256, set()).update(json.loads(text))
    sql = (
        "SELECT DISTINCT s.sha256, f.sha256 FROM request_refs f JOIN requests r ON r.id = f.request "
        "JOIN results s ON s.run = r.run AND s.request = r.id WHERE s.sha256 IS NOT NULL"
    )
    for sha256, reference in journal.read(sql):
        found.setdefault(sha256, set()).add(reference)
    return found


def ancestors(of: Iterable[str], made_from: dict[str, set[str]]) -> set[str]:
    """Return all pictures that those in ``of`` were made from, through any number of steps."""
    found: set[str] = set()
    waiting = list(of)
    while waiting:
        for parent in made_from.get(waiting.pop(), ()):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found
