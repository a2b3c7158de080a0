"""The pictures of a page, in the grid of what was varied, each with what is known of it; and how each was asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagegen_kit.report.parts import Line, Pictures, Recipe, Recipes, Section, Shot, Words
from imagegen_kit.report.small import as_source, small_copies
from imagegen_kit.views.grid import chosen, positions, varied
from imagegen_kit.views.rows import counted, first_rows
from imagegen_kit.views.words import count, said, seconds, shortened, usd

if TYPE_CHECKING:
    from imagegen_kit.report.known import Known
    from imagegen_kit.views.rows import Row

MARKS = {"placeholder": "placeholder", "fallback": "fallback", "cached": "cached"}
FAILED = {"blocked": "blocked", "unknown": "outcome unknown", "cancelled": "cancelled"}
_ASKED = (
    "SELECT r.id, COALESCE(r.sent, r.asked), r.key, r.adaptations, s.told, s.price_usd, s.cost_basis, s.prices, "
    "s.sha256, s.origin, s.created_at, s.attempts FROM requests r "
    "JOIN results s ON s.run = r.run AND s.request = r.id AND s.replaced = 0 "
    "WHERE r.run = ? AND r.id IN (SELECT value FROM json_each(?))"
)


def pictures(known: Known) -> tuple[Section, Section]:
    """Return the section of pictures, and that of the recipes of those pictures."""
    run = known.run
    _, column = chosen(run._spec)
    found = first_rows(run, positions(run._spec, column), known.pictures)
    total = counted(run).total
    blocks: list[Any] = []
    if not found:
        blocks.append(Words("No picture was asked for yet."))
        return Section("pictures", "Pictures", blocks), Section("recipes", "Recipes", list(blocks))
    of = f"{len(found):,} of {total:,} shown" if total > len(found) else f"{count(len(found), 'result')}, all shown"
    cut = total > len(found)
    rest = "; the others are in run.table() and in the bundle" if cut else ""
    blocks.append(Words(f"{of}, in the order of the grid{rest}.", "warning" if cut else ""))
    copies = small_copies([row.picture for row in found if row.picture is not None], run._store.blobs)
    shots = [_shot(known, number, row, copies) for number, row in enumerate(found, 1)]
    names = [n for n in varied(run._spec) if n != column]
    blocks.append(_grid(found, shots, names, column))
    notes = [recipe for recipe in _recipes(known, found)]
    return Section("pictures", "Pictures", blocks), Section(
        "recipes", "How each picture was asked for", [Words("Open one to see what was asked and sent."), Recipes(notes)]
    )


def _grid(found: list[Row], shots: list[Shot], names: list[str], column: str | None) -> Pictures:
    heads = list(dict.fromkeys(said(row.params.get(column)) for row in found)) if column else []
    cells: dict[str, dict[str, list[Shot]]] = {}
    for row, shot in zip(found, shots, strict=True):
        values = [said(row.params.get(name)) for name in names]
        label = " · ".join(
            shortened(v if n in ("prompt", "file") else f"{n}: {v}", 300) for n, v in zip(names, values, strict=True)
        )
        cells.setdefault(label, {}).setdefault(said(row.params.get(column)) if column else "", []).append(shot)
    lines = [Line(label, [line.get(head, []) for head in heads or [""]]) for label, line in cells.items()]
    prefix = "" if column == "model" else f"{column}: "
    what = [f"{' and '.join(names)} down"] * bool(names) + [f"{column} across"] * bool(column)
    caption = f"Pictures: {', '.join(what)}" if what else "Pictures"
    return Pictures(caption, " · ".join(names), [prefix + head for head in heads], lines)


def _shot(known: Known, number: int, row: Row, copies: dict[str, bytes | str]) -> Shot:
    outcome, picture = row.outcome, row.picture
    mark = MARKS.get(outcome.status, "")
    notes = [known.tidy.error(note) for note in outcome.notes]
    facts = " · ".join(fact for fact in outcome.facts if fact != "cached")
    copy = copies.get(picture.sha256) if picture is not None else None
    if isinstance(copy, bytes) and picture is not None:
        width, height = picture.width or 256, picture.height or 256
        return Shot(number, as_source(copy), outcome.alt, width, height, mark, facts, notes)
    if outcome.answer is not None:
        return Shot(number, None, shortened(outcome.answer, 400), 0, 0, "text", facts, notes)
    words = known.tidy.error(copy if isinstance(copy, str) else outcome.failed)
    return Shot(number, None, words, 0, 0, mark or FAILED.get(outcome.status, "failed"), facts, notes)


def _recipes(known: Known, found: list[Row]) -> list[Recipe]:
    ids = json.dumps([row.request for row in found if row.request is not None])
    journal = known.run._store.journal
    asked = {row[0]: row[1:] for row in journal.read(_ASKED, (known.run._number, ids))}
    return [_recipe(known, number, row, asked.get(row.request)) for number, row in enumerate(found, 1)]


def _recipe(known: Known, number: int, row: Row, asked: tuple[Any, ...] | None) -> Recipe:
    outcome = row.outcome
    title = f"{number}. {outcome.model_used or outcome.model or 'no model'}: {shortened(outcome.prompt, 100)}"
    facts = [(name, said(value)) for name, value in row.params.items() if name not in ("prompt", "repeat")]
    facts = [("prompt", outcome.prompt), *facts, ("repeat", said(row.params.get("repeat"))), ("status", outcome.status)]
    if outcome.error:
        facts.append(("error", known.tidy.error(outcome.error)))
    if asked is None:
        return Recipe(number, title, facts, "")
    sent, key, adapted, told, price, basis, prices, sha256, origin, at, attempts = asked
    notes = [line for text in (adapted, told) if text for line in str(text).split("\n")]
    facts += [
        ("answered by", outcome.model_used or "nobody"),
        ("where", origin or "–"),
        ("seed sent", said(outcome.seed)),
        ("not as asked", "; ".join(notes) or "all as asked"),
        ("cost now", f"{usd(outcome.usd)} ({basis or 'unknown'})"),
        ("price when bought", usd(price) + (f", {prices}" if prices else "")),
        ("took", seconds(outcome.seconds) if outcome.seconds is not None else "not called"),
        ("attempts", str(attempts)),
        ("sha256", sha256 or "no picture"),
        ("when", f"{str(at)[:19].replace('T', ' ')} UTC"),
    ]
    text = json.dumps(_bare(json.loads(sent)), ensure_ascii=False, indent=1)
    return Recipe(number, title, facts, text if key is not None else f"never sent: {text}")


def _bare(value: Any) -> Any:
    """Return a request without what it leaves open: a reader looks for what was said."""
    if isinstance(value, dict):
        kept = {k: _bare(v) for k, v in value.items() if k != "path"}
        return {k: v for k, v in kept.items() if v not in (None, {}, [], "")}
    return [_bare(v) for v in value] if isinstance(value, list) else value
