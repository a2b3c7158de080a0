"""A run as a table: prompts down, models across, each picture with its badges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagegen_kit.store.values import as_cell_value
from imagegen_kit.views.grid import Layout, chosen, positions
from imagegen_kit.views.markup import CELL, TABLE, Markup, box, figure, lines, notice, small, text
from imagegen_kit.views.pictures import AT_MOST, THUMBNAIL_PX, shown
from imagegen_kit.views.rows import Counted, Row, counted, first_rows
from imagegen_kit.views.words import SIMULATION, STAND_IN, count, is_stand_in, said, seconds, shortened, usd_sum

if TYPE_CHECKING:
    from imagegen_kit.experiments.run import Run

BESIDE = 3  # so many repeats stand next to each other, even where the page must be scrolled sideways
NOTHING_ASKED = (
    "no picture was asked for: a recipe's results are what it asks through job (job.ask for texts); "
    "what it returns itself is not kept"
)
SHEET_COLUMNS = 5  # where nothing stands in the columns, cells follow each other like on a contact sheet


def show_run(run: Run, rows: str | None = None, columns: str | None = None) -> str:
    """Show the first 48 pictures in the grid of the varied parameters, and the whole run in numbers.

    ``rows`` and ``columns`` name the parameters that stand there, as ``grid.chosen`` reads them.
    """
    run._flush()
    numbers, fixed = counted(run), fixed_said(run)
    row, column = chosen(run._spec, rows, columns)
    layout = Layout(run._spec, column, row)
    found = first_rows(run, positions(run._spec, column, row), AT_MOST)
    parts: list[str] = [lines(_header(run, numbers), small(text(fixed)) if fixed else None)]
    if found:
        parts.append(_grid(run, found, layout.names, column) if column else _sheet(run, found, layout.names))
    left = numbers.total - len(found)
    if left > 0:
        parts.append(lines(text(f"… and {left:,} more; run.table() has them all")))
    if not numbers.total and run._only is None and run.done:
        parts.append(lines(small(text(NOTHING_ASKED))))
    parts.append(_summary(run) if found else "")
    return box(*parts)


def _header(run: Run, numbers: Counted) -> str:
    facts = []
    if run._only is not None:
        facts.append(f"{count(numbers.total, 'result')} selected")
    else:
        done = run.done
        facts.append(count(done, "cell") if done == run.cells else f"{done:,} of {count(run.cells, 'cell')}")
        if run.running:
            facts.append("running")
        elif done < run.cells:
            facts.append("run.resume() goes on")
    if numbers.total:
        facts.append(", ".join(f"{n:,} {status}" for status, n in numbers.by_status.items()))
        facts.append(f"cost {usd_sum(numbers.known_usd, numbers.unknown_costs)}")
        if numbers.simulated:
            facts.append(f"{numbers.simulated:,} {SIMULATION}")
    return f"<b>{text(run.name or 'run')}</b> · {text(' · '.join(facts))}"


def fixed_said(run: Run) -> str:
    """Return the parameters that hold for all cells in words; empty where there are none."""
    fixed = {k: as_cell_value(v) for k, v in (run._spec.get("fixed") or {}).items()}
    return "fixed: " + " · ".join(f"{k} {shortened(said(v), 80)}" for k, v in fixed.items()) if fixed else ""


def _grid(run: Run, rows: list[Row], names: list[str], column: str) -> Markup:
    heads = list(dict.fromkeys(said(row.params.get(column)) for row in rows))
    cells: dict[tuple[str, ...], dict[str, list[Row]]] = {}
    for row in rows:
        label = tuple(said(row.params.get(name)) for name in names)
        cells.setdefault(label, {}).setdefault(said(row.params.get(column)), []).append(row)
    most = max(len(pictures) for line in cells.values() for pictures in line.values())
    width = _picture_width(len(heads) * min(most, 2))
    prefix = "" if column == "model" else f"{column}: "
    head = "".join(_th(name) for name in names) + "".join(_th(prefix + value) for value in heads)
    body = "".join(
        "<tr>"
        + "".join(_th(shortened(value, 200), row=True) for value in label)
        + "".join(
            _td(_figures(run, found, width), side_by_side=len(found) <= BESIDE)
            for found in (line.get(value, []) for value in heads)
        )
        + "</tr>"
        for label, line in cells.items()
    )
    return Markup(f'<table style="{TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def _sheet(run: Run, rows: list[Row], names: list[str]) -> Markup:
    cells: dict[str, list[Row]] = {}
    for row in rows:
        label = " · ".join(shortened(said(row.params.get(name)), 100) for name in names)
        cells.setdefault(label, []).append(row)
    most = max(map(len, cells.values()))
    per_line = max(1, SHEET_COLUMNS // most)
    filled = [
        _td((f"<div>{text(label)}</div>" if label else "") + _figures(run, found, 160))
        for label, found in cells.items()
    ]
    body = "".join(f"<tr>{''.join(filled[i : i + per_line])}</tr>" for i in range(0, len(filled), per_line))
    return Markup(f'<table style="{TABLE}"><tbody>{body}</tbody></table>')


def _picture_width(across: int) -> int:
    """Return how wide each of so many pictures in a line may be."""
    return 160 if across <= 5 else 108 if across <= 7 else 88


def _th(words: str, *, row: bool = False) -> str:
    if not row:
        return f'<th align="left" scope="col" style="{CELL}">{text(words)}</th>'
    style = f"{CELL};font-weight:normal;max-width:200px;min-width:80px;overflow-wrap:anywhere"
    return f'<th align="left" valign="top" scope="row" style="{style}">{text(words)}</th>'


def _td(content: str, *, side_by_side: bool = False) -> str:
    style = CELL.replace("white-space:normal", "white-space:nowrap") if side_by_side else CELL
    return f'<td align="left" valign="top" style="{style}">{content}</td>'


def _figures(run: Run, rows: list[Row], width: int) -> str:
    return "".join(_figure(run, row, width) for row in rows)


def _figure(run: Run, row: Row, width: int) -> Markup:
    outcome, picture = row.outcome, row.picture
    if picture is None:
        return figure(notice(outcome.failed, width), outcome.badges(), width)
    ratio = (picture.width or 1) / (picture.height or 1)
    fitted = round(width * min(1.0, ratio * 1.5))  # a tall picture must not make the line three times as high
    dashed = outcome.status == "placeholder"
    content = shown(picture, outcome.alt, THUMBNAIL_PX, fitted, run._store.blobs, dashed=dashed, known=True)
    return figure(content, outcome.badges(), width)


def _summary(run: Run) -> Markup:
    """Return a line a model: the middle of its seconds, over how many pictures, and its cost."""
    summary = run.summary("model")[["seconds_p50", "timed", "known_cost_usd", "unknown_costs"]].astype(object)
    found = []
    for label, *numbers in summary.where(summary.notna(), None).itertuples(name=None):
        model, (p50, timed, known, unknown) = str(label), numbers
        time = f"p50 {seconds(p50)} of {timed:,} timed" if p50 is not None else "not timed"
        stand_in = f" · {STAND_IN}" if is_stand_in(model) else ""
        found.append(f"<b>{text(model)}</b> · {text(f'{time} · cost {usd_sum(known, unknown)}{stand_in}')}")
    return lines(*map(small, found))
