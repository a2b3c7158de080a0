"""The columns of each listing: a heading, and how a row says it in words or as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import printable
from imagegen_kit.views.markup import ALARM, Markup, small, text
from imagegen_kit.views.words import count, seconds, shortened, usd

if TYPE_CHECKING:
    import pandas as pd

SOON = timedelta(days=90)
AMBER = "5px solid #c77700"
_SCHEME = re.compile(r"\bhttps?://")


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one row, the index among them, and what day it is."""

    values: dict[str, Any]
    day: date

    def known(self, name: str) -> Any:
        """Return a value; None where it is NA or missing."""
        value = self.values.get(name)
        if isinstance(value, str):
            return value or None
        return None if str(value) in ("None", "<NA>", "NaT", "nan") else value

    def said(self, name: str, length: int = 200) -> str:
        """Return a text in one line, without the schemes of addresses; "" where there is none."""
        value = self.known(name)
        return "" if value is None else shortened(_SCHEME.sub("", str(value)), length)

    def number(self, name: str) -> int:
        """Return a count, 0 where it is not known."""
        value = self.known(name)
        return 0 if value is None else int(value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``words`` of a row; ``rich`` as HTML, where it is more than the words escaped.

    ``narrow`` False leaves it out where only text is shown: a terminal is not that wide. An ``optional`` one is left
    out where all rows say "–".
    """

    name: str
    words: Callable[[Row], str]
    rich: Callable[[Row], Markup] | None = None
    narrow: bool = True
    optional: bool = False
    unbroken: bool = False  # in one line, however narrow the page is

    def shown(self, row: Row) -> Markup:
        """Return the cell as HTML."""
        cell = self.rich(row) if self.rich is not None else text(self.words(row))
        return Markup(f'<span style="white-space:nowrap">{cell}</span>') if self.unbroken else cell


@dataclass(frozen=True, slots=True)
class Kind:
    """A listing: its index, the columns that a frame must have and those that it may, and what is shown of them."""

    index: str | None
    needed: tuple[str, ...]
    others: tuple[str, ...]
    columns: tuple[Column, ...]
    head: Callable[[pd.DataFrame], str]
    told: frozenset[str] = field(default_factory=frozenset)  # of the frame's columns, those that the view shows


def plain(words: str) -> str:
    """Return words as they may stand in a terminal: control characters written out."""
    return printable(words)


def _can(name: str) -> Column:
    """Return a column of ✓ and –, which screen readers call yes and no."""

    def rich(row: Row) -> Markup:
        able = bool(row.known(name))
        return Markup(f'<span role="img" aria-label="{"yes" if able else "no"}">{"✓" if able else "–"}</span>')

    return Column(name.split("_", maxsplit=1)[0], lambda row: "✓" if row.known(name) else "–", rich)


def _marked(words: str, line: str) -> Markup:
    return Markup(f'<div style="border-left:{line};padding-left:6px"><b>{text(words)}</b></div>')


def _below(first: str, second: str) -> Markup:
    return Markup("<br>".join([text(first)] * bool(first) + [small(text(second))] * bool(second)))


def _two(name: str, words: str, under: str) -> Column:
    return Column(name, _either(words, under), lambda row: _below(row.said(words), row.said(under, 160)))


# ---------------------------------------------------------------------- models
def _ready(row: Row) -> str:
    return row.said("untried") or "✓ ready" if row.known("ready") else f"– {row.said('fix') or 'not ready'}"


def _ready_cell(row: Row) -> Markup:
    words = _ready(row)
    return Markup(f"<b>{text(words)}</b>") if words.startswith("✓") else text(words)


def _sizes_cell(row: Row) -> Markup:
    return Markup(f'<div style="min-width:150px">{text(row.said("sizes", 80))}</div>')


def _price(row: Row) -> str:
    price, unit = row.known("price_usd"), row.said("price_unit")
    if price is None:
        return "unknown"
    if price == 0:
        return "free"
    if unit == "tokens":
        what = {"image": " / picture", "video": " / second"}.get(row.said("kind"), "")
        return f"≈ {usd(float(price))}{what} (by tokens)"
    return f"{usd(float(price))}{' / ' + unit.removeprefix('per ') if unit else ''}"


def _retires(row: Row) -> str:
    value = row.known("retires_on")
    if value is None:
        return "–"
    day = value if type(value) is date else value.date()
    after = f", then {row.said('replacement', 80)}" if row.known("replacement") else ""
    if day <= row.day:
        return f"retired {day}{after}"
    return f"soon: {day}{after}" if day - row.day <= SOON else f"{day}{after}"


def _retires_cell(row: Row) -> Markup:
    words = _retires(row)
    return _marked(words, AMBER) if words.startswith("soon") else text(words)


def _source(row: Row) -> str:
    return ", ".join(part for part in (row.said("source", 90), row.said("as_of")) if part) or "–"


def _references(row: Row) -> str:
    value = row.known("references")
    return "–" if value == 0 else "✓" if value is None else f"up to {int(value)}"


def _seconds(row: Row) -> str:
    return seconds(float(value)) if (value := row.known("typical_seconds")) is not None else "unknown"


def _models(frame: pd.DataFrame) -> str:
    ready = frame["ready"].astype(bool)
    untried = int((ready & (frame["untried"] != "")).sum()) if "untried" in frame.columns else 0
    return f"{count(len(frame), 'model')} · {int(ready.sum()) - untried:,} ready" + f" · {untried:,} not tried" * (
        untried > 0
    )


# ---------------------------------------------------------------------- plugins
STATUS = {
    "failed": "quarantined: it failed",
    "clash": "quarantined: a name of it is taken",
    "blocked": "blocked by a setting",
    "slow": "works, but is slow to import",
    "ok": "ok",
}


def _status(row: Row) -> str:
    return STATUS.get(row.said("status"), row.said("status"))


def _status_cell(row: Row) -> Markup:
    words = _status(row)
    return _marked(words, ALARM if words.startswith("quarantined") else AMBER) if words != "ok" else text(words)


def _version(row: Row) -> str:
    return " ".join(part for part in (row.said("distribution"), row.said("version")) if part)


def _offers(row: Row) -> str:
    names = [name for name in row.said("offers", 10_000).split(", ") if name]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "–"


def _plugins(frame: pd.DataFrame) -> str:
    broken = int(frame["status"].isin(["failed", "clash"]).sum())
    return f"{count(len(frame), 'plugin')} · " + (f"{broken} quarantined" if broken else "none quarantined")


# ---------------------------------------------------------------------- runs
def _started(row: Row) -> str:
    value = row.known("started")
    return "unknown" if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def _cells(row: Row) -> str:
    done, cells = row.number("done"), row.number("cells")
    failed = row.number("failed")
    return f"{done:,} of {cells:,}" + (f", {failed:,} failed" if failed else "")


def _cells_cell(row: Row) -> Markup:
    return _marked(_cells(row), ALARM) if row.number("failed") else text(_cells(row))


def _pictures(row: Row) -> str:
    also = [count(row.number("texts"), "text")] if row.number("texts") else []
    also += [f"{row.number('cached'):,} cached"] if row.number("cached") else []
    return ", ".join([f"{row.number('pictures'):,}", *also])


def _cost(row: Row) -> str:
    return usd(row.known("cost_usd"))


def _either(*names: str) -> Callable[[Row], str]:
    return lambda row: next((told for name in names if (told := row.said(name, 300))), "–")


KINDS = {
    "models": Kind(
        "name",
        ("ready", "fix", "kind", "sizes", "references", "mask", "negative_prompt", "seed", "price_usd", "price_unit",
         "typical_seconds", "retires_on"),
        ("untried", "provider", "aliases", "api", "status", "replacement", "card", "as_of", "source"),
        (
            _two("model", "name", "aliases"),
            Column("ready", _ready, _ready_cell),
            Column("kind", lambda row: row.said("kind")),
            Column("sizes", lambda row: row.said("sizes", 80), _sizes_cell),
            Column("references", _references, unbroken=True),
            _can("mask"), _can("negative_prompt"), _can("seed"),
            Column("price", _price, unbroken=True),
            Column("typical", _seconds, unbroken=True),
            Column("retires", _retires, _retires_cell),
            Column("source", _source, lambda row: small(text(_source(row))), narrow=False),
        ),
        _models,
        frozenset({"ready", "fix", "untried", "kind", "sizes", "references", "mask", "negative_prompt", "seed",
                   "price_usd", "price_unit", "typical_seconds", "retires_on", "aliases", "replacement", "as_of",
                   "source"}),
    ),
    "plugins": Kind(
        "name",
        ("status", "reason", "fix"),
        ("distribution", "version", "offers", "seconds"),
        (
            Column("plugin", lambda row: row.said("name")),
            Column("status", _status, _status_cell),
            Column("why", _either("reason"), optional=True),
            Column("to mend it", _either("fix"), optional=True),
            Column("from", _version, unbroken=True),
            Column("offers", _offers),
        ),
        _plugins,
        frozenset({"status", "reason", "fix", "distribution", "version", "offers"}),
    ),
    "styles": Kind(
        "name",
        ("text", "negative", "axes"),
        ("title", "suffix", "checks"),
        (
            _two("style", "name", "title"),
            _two("text", "text", "suffix"),
            Column("to avoid (negative)", _either("negative")),
            Column("varies", _either("axes"), optional=True),
        ),
        lambda frame: count(len(frame), "style"),
        frozenset({"text", "negative", "axes", "title", "suffix"}),
    ),
    "runs": Kind(
        "id",
        ("name", "cells", "done", "failed", "cost_usd", "started"),
        ("recipe", "pictures", "texts", "ok", "cached", "session"),
        (
            _two("run", "name", "id"),
            Column("started", _started, unbroken=True),
            Column("cells done", _cells, _cells_cell),
            Column("pictures", _pictures),
            Column("cost", _cost),
            Column("recipe", _either("recipe"), narrow=False),
        ),
        lambda frame: count(len(frame), "run"),
        frozenset({"name", "cells", "done", "failed", "cost_usd", "started", "recipe", "pictures", "texts", "cached"}),
    ),
}  # fmt: skip
