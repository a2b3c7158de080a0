"""One run's part of the journal as plain rows: what a bundle holds, and what an opened bundle is made of again.

Rows are lists of values under the names of their columns, as JSON can hold them: nobody has to trust a database file
from elsewhere. What names this machine, its user or an account is left out or replaced.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.store.values import CELLS_PER_RUN

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

Row = dict[str, Any]
Slice = dict[str, list[Row]]

_OF_RUN = "SELECT * FROM {table} WHERE run = :run ORDER BY {order}"
_OF_REQUESTS = "SELECT * FROM {table} WHERE request IN (SELECT id FROM requests WHERE run = :run) ORDER BY {order}"
_PICTURES = "(SELECT sha256 FROM results WHERE run = :run AND sha256 NOT NULL)"
VOTING = ("ballot", "votes revealed", "vote page")  # events without which a vote could not go on as it began
TABLES = {
    "runs": "SELECT * FROM runs WHERE number = :run",
    "cells": _OF_RUN.format(table="cells", order="id"),
    "cell_params": "SELECT * FROM cell_params WHERE cell >= :first AND cell < :last ORDER BY cell, name",
    "cell_ends": "SELECT * FROM cell_ends WHERE cell >= :first AND cell < :last ORDER BY id",
    "requests": _OF_RUN.format(table="requests", order="id"),
    "results": _OF_RUN.format(table="results", order="request, rowid"),
    "request_refs": _OF_REQUESTS.format(table="request_refs", order="request, rank"),
    "retrievals": _OF_RUN.format(table="retrievals", order="id"),
    "checks": _OF_REQUESTS.format(table="checks", order="request, name"),
    "attempts": _OF_REQUESTS.format(table="attempts", order="id"),
    "ledger": _OF_RUN.format(table="ledger", order="attempt"),
    "artifacts": f"SELECT * FROM artifacts WHERE sha256 IN {_PICTURES} ORDER BY sha256",
    "scores": f"SELECT * FROM scores WHERE sha256 IN {_PICTURES} ORDER BY sha256, scorer, version, inputs",
    "request_scores": _OF_RUN.format(table="request_scores", order="id"),
    "measures": (
        "SELECT * FROM measures WHERE scorer IN (SELECT scorer FROM request_scores WHERE run = :run) "
        "ORDER BY scorer, version"
    ),
    "votes": _OF_RUN.format(table="votes", order="id"),
    "events": f"SELECT * FROM events WHERE run = :run AND name IN {VOTING} ORDER BY id",
}
ERRORS = frozenset(("error", "reason"))  # texts of others, which may name anything
ACCOUNT = "account"  # stands for whoever paid
_LEFT_OUT = {
    "attempts": {"poll_url": None, "key_id": None, "account": ACCOUNT},
    "ledger": {"key_id": None, "account": ACCOUNT},
}
_PATH = re.compile(r"(?<![\w:/.~])(?:~|[A-Za-z]:)?(?:[\\/][\w.+@~-]+)+[\\/]([\w.+@~-]+)")


def read_slice(connection: sqlite3.Connection, run: int, tidy: Tidy) -> Slice:
    """Return the rows of a run as they stood at one moment, without what names this machine."""
    places = {"run": run, "first": run * CELLS_PER_RUN, "last": (run + 1) * CELLS_PER_RUN}
    connection.execute("BEGIN")  # one moment for all tables, though others write on
    try:
        found: Slice = {}
        for table, sql in TABLES.items():
            cursor = connection.execute(sql, {k: v for k, v in places.items() if f":{k}" in sql})
            names = [column[0] for column in cursor.description]
            found[table] = [tidy.row(table, dict(zip(names, values, strict=True))) for values in cursor]
    finally:
        connection.execute("COMMIT")
    return found


def pictures_in(plain: Any) -> Iterator[tuple[str, str]]:
    """Yield (sha256, format) of every picture that JSON-ready data names."""
    if isinstance(plain, dict):
        if "sha256" in plain:
            yield plain["sha256"], plain.get("format", "png")
        for value in plain.values():
            yield from pictures_in(value)
    elif isinstance(plain, list):
        for value in plain:
            yield from pictures_in(value)


def needed_files(rows: Slice) -> dict[str, str]:
    """Return format by sha256 of everything that the rows name: results, references, masks, parameters."""
    found: dict[str, str] = {}
    for row in rows["results"]:
        if row["sha256"] is not None:
            found[row["sha256"]] = row["format"]
    texts: Iterable[str | None] = (
        *(row["spec"] for row in rows["runs"]),
        *(row["value"] for row in rows["cell_params"]),
        *(row["found"] for row in rows["retrievals"]),
        *(row[name] for row in rows["requests"] for name in ("asked", "sent")),
    )
    for text in texts:
        if text is not None and "sha256" in text:
            found.update(pictures_in(json.loads(text)))
    return found


@dataclass(frozen=True, slots=True)
class Tidy:
    """Takes this machine out of texts: folders of the store, of the user and of the session, user and host."""

    folders: tuple[tuple[str, str], ...]
    names: re.Pattern[str] | None = field(default=None)

    @classmethod
    def of(cls, store: Path) -> Tidy:
        """Return what takes this machine, with its store at ``store``, out of texts."""
        places = {str(store): "imagegen-store", str(store.resolve()): "imagegen-store"}
        for place, word in ((Path.cwd(), "."), (Path.home(), "~")):
            places |= {str(place): word, str(place.resolve()): word}
        folders = sorted(((p, w) for p, w in places.items() if len(p) > 3), key=lambda pair: -len(pair[0]))
        names = [n for n in (_user(), socket.gethostname(), socket.gethostname().partition(".")[0]) if len(n) > 1]
        return cls(tuple(folders), re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b") if names else None)

    def row(self, table: str, row: Row) -> Row:
        """Return a row as it may leave this machine."""
        row.update(_LEFT_OUT.get(table, {}))
        for name, value in row.items():
            if isinstance(value, str):
                row[name] = self.error(value) if name in ERRORS else self.text(value)
        return row

    def text(self, text: str) -> str:
        """Return ``text`` without this machine's folders."""
        for folder, word in self.folders:
            if folder in text:
                text = re.sub(rf"(?<![\w.-]){re.escape(folder)}(?![\w.-])", word, text)
        return text

    def error(self, text: str) -> str:
        """Return what somebody else's code said without folders, other paths, user and host."""
        text = _PATH.sub(r"…/\1", self.text(text))
        return self.names.sub("…", text) if self.names else text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return os.environ.get("USER", "")
