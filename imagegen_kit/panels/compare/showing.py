"""What of a run is on the page: its rows and columns, as far as they were asked for, and what stands in each cell."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from imagegen_kit.panels.compare.cells import head, item_of, line_head
from imagegen_kit.views.grid import REPEAT, Layout, Line, chosen, factors
from imagegen_kit.views.rows import rows_of
from imagegen_kit.views.run import SHEET_COLUMNS, fixed_said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from imagegen_kit.experiments.run import Run
    from imagegen_kit.panels.compare.news import News
    from imagegen_kit.types import Artifact

AT_FIRST = 240  # cells that the page gets, and again at each "show more"
MOST_HEADS = 60  # columns
MOST_IN_CELL = 24  # repeats, or pictures of one recipe, side by side


class Showing:
    """The part of ``run`` that the page shows. ``pictures`` are those that it may ask for, by sha256."""

    def __init__(self, run: Run, news: News, rows: str | None, columns: str | None) -> None:
        self._run, self._news = run, news
        self.pictures: dict[str, Artifact] = {}
        self.stopped = False  # whether cells that have not ended were given up in this session
        self.lay_out(rows, columns)

    def lay_out(self, rows: str | None, columns: str | None) -> None:
        """Choose other rows and columns; None leaves them to the run, "" is no columns. Raises InvalidInput."""
        self.rows, found = chosen(self._run._spec, rows, columns)
        self.columns = found or None
        self._layout = Layout(self._run._spec, self.columns, self.rows)
        self._limit = AT_FIRST
        self._lines: list[Line] = []
        self._places: dict[int, tuple[int, int]] = {}  # position → row and column on the page

    def more(self) -> None:
        """Show as many cells again."""
        self._limit += AT_FIRST

    @property
    def unfinished(self) -> set[int]:
        """Positions that are shown and have not ended."""
        return {place for place in self._places if place not in self._news.ended}

    def whole(self) -> dict[str, Any]:
        """Return everything that is shown."""
        layout, spec = self._layout, self._run._spec
        heads = [head(self.columns, value) for value in layout.heads[:MOST_HEADS]] if self.columns else []
        in_line = max(1, len(heads)) * min(layout.in_cell, MOST_IN_CELL)
        lines = list(islice(self._all_lines(), max(1, self._limit // in_line)))
        total = len(layout) if self._run._only is None else sum(1 for _ in self._all_lines())
        labels = [""] * len(lines) if self.columns else [_label(line, layout.names) for line in lines]
        left = total - len(lines)
        if not self.columns:
            alone = [line.cells[0] for line in lines]
            lines = [Line({}, alone[i : i + SHEET_COLUMNS]) for i in range(0, len(alone), SHEET_COLUMNS)]
        self._lines = lines
        self._places = {
            place: (r, c)
            for r, line in enumerate(lines)
            for c, cell in enumerate(line.cells)
            for place in cell[:MOST_IN_CELL]
        }
        cells = self._filled(cell for line in lines for cell in line.cells)
        if not self.columns:
            cells = [{**cell, "label": label} for cell, label in zip(cells, labels, strict=True)]
        filled = iter(cells)
        return {
            "name": self._run.name or "run", "fixed": fixed_said(self._run), "names": layout.names,
            "rows": self.rows or (layout.names[0] if layout.names else ""), "columns": self.columns or "",
            "heads": heads, "more_heads": max(0, len(layout.heads) - MOST_HEADS), "more_lines": left,
            "factors": [{"name": name, "values": n} for name, n in factors(spec).items()],
            "lines": [
                {
                    "head": line_head(line, layout.names) if self.columns else None,
                    "cells": list(islice(filled, len(line.cells))),
                }
                for line in lines
            ],
        }  # fmt: skip

    def cells(self, changed: Iterable[int]) -> list[dict[str, Any]]:
        """Return what stands now in the cells of the positions ``changed``, those that are shown."""
        places = sorted({self._places[place] for place in changed if place in self._places})
        filled = self._filled(self._lines[r].cells[c] for r, c in places)
        return [{"at": at, **cell} for at, cell in zip(places, filled, strict=True)]

    def _all_lines(self) -> Iterator[Line]:
        only = None if self._run._only is None else set(self._news.requests.values())
        for line in self._layout.lines():
            cells = line.cells[:MOST_HEADS]
            if only is not None:
                cells = [[place for place in cell if place in only] for cell in cells]
            if any(cells):
                yield Line(line.labels, cells)

    def _filled(self, cells: Iterable[list[int]]) -> list[dict[str, Any]]:
        shown = list(cells)
        known = factors(self._run._spec)
        names = [name for name in (self.columns, *known) if name and (name != REPEAT or name in self._layout.names)]
        found: dict[int, list[dict[str, Any]]] = {}
        for row in rows_of(self._run, [place for cell in shown for place in cell[:MOST_IN_CELL]]):
            if row.picture is not None:
                self.pictures[row.picture.sha256] = row.picture
            found.setdefault(row.position, []).append(item_of(row, list(dict.fromkeys(names))))
        filled = []
        for cell in shown:
            items = []
            for place in cell[:MOST_IN_CELL]:
                items += found.get(place, [])
                if self._run._only is None and (place not in self._news.ended or place not in found):
                    items.append(self._pending(place))
            more = max(0, len(cell) - MOST_IN_CELL) + max(0, len(items) - MOST_IN_CELL)
            filled.append({"items": items[:MOST_IN_CELL], "more": more})
        return filled

    def _pending(self, place: int) -> dict[str, Any]:
        if place in self._news.ended:
            return {"pending": "no picture was asked for"}
        if not self._run.running:
            return {"pending": "stopped" if self.stopped else "not run yet"}
        if place in self._news.under_way:
            return {"pending": "under way", "for": round(self._news.under_way[place], 1)}
        return {"pending": "waiting"}


def _label(line: Line, names: list[str]) -> str:
    found = line_head(line, names)
    return " · ".join([found["main"], *found["subs"]])
