"""What is there, as tables: ``models()``, ``styles()``, ``plugins()``, ``scorers.table()``, each indexed by name."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from imagegen_kit.catalog.prices import picture_price
from imagegen_kit.providers.accounts import not_ready, untried
from imagegen_kit.registry import PluginRecord, ResolvedModel, get_registry
from imagegen_kit.tables.listing import listing
from imagegen_kit.tables.scores import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from imagegen_kit.capabilities import Capabilities
    from imagegen_kit.types import Style


OFFLINE = "offline"  # the provider that needs nothing: its models come first


class _Column(NamedTuple):
    """One column of a table: its name, its pandas dtype (the same for an empty table), and how to get a value."""

    name: str
    dtype: str
    get: Callable[[Any], Any]


def _frame(rows: Iterable[Any], columns: Iterable[_Column]) -> pd.DataFrame:
    """Return a DataFrame of ``rows``, indexed by the first column; None becomes NA."""
    import pandas as pd

    rows = list(rows)
    data = {c.name: pd.Series([c.get(row) for row in rows], dtype=c.dtype) for c in columns}
    return pd.DataFrame(data).set_index(next(iter(data)))


def models(*, today: date | None = None, retired: bool = True) -> pd.DataFrame:
    """Return one row for each model, ready ones first: whether it is ``ready`` or else the ``fix``; what it can do.

    ``untried`` says what a ready one needs beside a key, like a server that runs, and is "" for all others; of the
    ready ones those come last, and offline ones first.

    ``price_usd`` is USD for a typical picture (or second of film: ``price_unit``; "tokens" is an estimate); 0 is free,
    NA unknown. ``as_of`` and ``source`` say when and where that was read. ``typical_seconds`` is for one
    picture. A model that was retired by ``today`` (None: this day) is not ready, and ``fix`` names its successor;
    ``retired=False`` leaves those out.
    """
    day = date.today() if today is None else today
    rows = [m for m in get_registry().models() if retired or not _ended(m, day)]
    missing = {m.provider.name: not_ready(m.provider) or "" for m in rows}
    fixes = {m.id: _end(m) if _ended(m, day) else missing[m.provider.name] for m in rows}
    needs = {m.provider.name: untried(m.provider) or "" for m in rows}
    rows.sort(key=lambda m: (bool(fixes[m.id]), m.provider.name != OFFLINE, bool(needs[m.provider.name])))
    columns = [
        _Column("name", "str", lambda m: m.id),
        _Column("provider", "str", lambda m: m.provider.name),
        _Column("kind", "str", lambda m: m.spec.kind),
        _Column("ready", "bool", lambda m: not fixes[m.id]),
        _Column("fix", "str", lambda m: fixes[m.id]),
        _Column("untried", "str", lambda m: "" if fixes[m.id] else needs[m.provider.name]),
        _Column("aliases", "str", lambda m: ", ".join(m.spec.aliases)),
        _Column("sizes", "str", lambda m: sizes_in_words(m.spec.can)),
        _Column("references", "Int64", lambda m: m.spec.can.references),
        _Column("mask", "bool", lambda m: m.spec.can.mask),
        _Column("negative_prompt", "bool", lambda m: m.spec.can.negative_prompt),
        _Column("seed", "bool", lambda m: m.spec.can.seed),
        _Column("price_usd", "Float64", lambda m: picture_price(m.spec.price, m.spec.can, m.spec.kind)),
        _Column("price_unit", "str", lambda m: m.spec.price.unit if m.spec.price else ""),
        _Column("typical_seconds", "Float64", lambda m: m.spec.typical_seconds),
        _Column("api", "str", lambda m: m.spec.api),
        _Column("status", "str", lambda m: m.spec.status),
        _Column("retires_on", "datetime64[s]", lambda m: m.spec.retires_on),
        _Column("replacement", "str", lambda m: m.spec.replacement),
        _Column("card", "str", lambda m: m.spec.card),
        _Column("as_of", "str", lambda m: _priced(m, "as_of")),
        _Column("source", "str", lambda m: _priced(m, "source")),
    ]
    return listing(_frame(rows, columns), "models", day)


def _ended(model: ResolvedModel, today: date) -> bool:
    return model.spec.retires_on is not None and model.spec.retires_on <= today


def _end(model: ResolvedModel) -> str:
    use = f"; use {model.spec.replacement}" if model.spec.replacement else ""
    return f"retired on {model.spec.retires_on}{use}"


def _priced(model: ResolvedModel, name: str) -> str:
    """Return day or source of what the catalogue says of a model; of its price where the model has none of its own."""
    own: str = getattr(model.spec, name)
    return own or (getattr(model.spec.price, name) if model.spec.price else "")


def sizes_in_words(can: Capabilities) -> str:
    """Return which sizes a model makes, in one line: exact sizes, or ratios and resolutions, or a limit in pixels."""
    if can.sizes:
        return ", ".join(f"{width}x{height}" for width, height in can.sizes)
    words = []
    if can.ratios:
        words.append(", ".join(can.ratios))
    if can.resolutions:
        words.append("at " + ", ".join(can.resolutions))
    if can.max_side:
        words.append(f"up to {can.max_side} px")
    if can.multiple_of > 1:
        words.append(f"in steps of {can.multiple_of} px")
    return " ".join(words) or "any"


def styles() -> pd.DataFrame:
    """Return one row for each prompt style; ``axes`` and ``checks`` in words (``registry.style``: as data)."""
    columns = [
        _Column("name", "str", lambda s: s.name),
        _Column("title", "str", lambda s: s.title),
        _Column("text", "str", lambda s: s.text),
        _Column("negative", "str", lambda s: s.negative),
        _Column("suffix", "str", lambda s: s.suffix),
        _Column("axes", "str", lambda s: "; ".join(f"{axis}: {' | '.join(v)}" for axis, v in s.axes.items())),
        _Column("checks", "str", lambda s: "; ".join(f"{name}: {limits}" for name, limits in s.checks.items())),
    ]
    rows: list[Style] = list(get_registry().styles().values())
    return listing(_frame(rows, columns), "styles")


def plugins() -> pd.DataFrame:
    """Return one row for each plugin that was found, broken ones first, with the reason and how to mend it.

    ``seconds`` is what its import and hooks took, NA where it was not imported.
    """
    columns = [
        _Column("name", "str", lambda r: r.name),
        _Column("distribution", "str", lambda r: r.distribution),
        _Column("version", "str", lambda r: r.version),
        _Column("status", "str", lambda r: r.status),
        _Column("reason", "str", lambda r: r.reason),
        _Column("fix", "str", lambda r: r.fix),
        _Column("offers", "str", lambda r: ", ".join(r.offers)),
        _Column("seconds", "Float64", lambda r: r.seconds),
    ]
    rows: list[PluginRecord] = get_registry().plugins()
    worst = ("failed", "clash", "blocked", "slow", "ok")
    return listing(_frame(sorted(rows, key=lambda record: worst.index(record.status)), columns), "plugins")


def scorers() -> pd.DataFrame:
    """Return one row for each number that ``run.score`` can give, by its column: whose it is, and what it means.

    ``better`` is "higher", "lower" or "" (neither); ``low`` and ``high`` are the range, NA where it is open; ``of`` is
    "picture" or "set"; ``reads`` is what the scorer looks at besides the pixels.
    """
    rows = [(spec, column, m) for spec in get_registry().scorers().values() for column, m in spec.columns.items()]
    columns = [
        _Column("column", "str", lambda r: f"{PREFIX}{r[1]}"),
        _Column("scorer", "str", lambda r: r[0].name),
        _Column("better", "str", lambda r: r[2].better),
        _Column("unit", "str", lambda r: r[2].unit),
        _Column("low", "Float64", lambda r: r[2].low),
        _Column("high", "Float64", lambda r: r[2].high),
        _Column("of", "str", lambda r: r[0].scope),
        _Column("reads", "str", lambda r: ", ".join(r[0].reads)),
        _Column("version", "str", lambda r: r[0].version),
        _Column("card", "str", lambda r: r[2].card or r[0].card),
        _Column("install", "str", lambda r: r[0].install),
    ]
    return listing(_frame(rows, columns), "scorers")
