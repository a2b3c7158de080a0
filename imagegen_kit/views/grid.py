"""How a run is laid out: which parameter stands in the rows, which in the columns, and where each cell is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault
from imagegen_kit.store.values import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_COLUMNS = 8
NONE = "none"  # asked for where no parameter shall stand
REPEAT = "repeat"  # may stand in rows and columns like a parameter; else repeats stand side by side in their cell


def varied(spec: Mapping[str, Any]) -> dict[str, int]:
    """Return the varied parameters of a stored run, in order, each with how many values it takes."""
    if points := spec.get("points"):
        names = dict.fromkeys(name for point in points for name in point)
        return {name: len({dumps(point.get(name)) for point in points}) for name in names}
    axes = spec.get("vary") or {}
    return {name: len(axes[name]) for name in spec.get("parameters", ()) if name in axes}


def factors(spec: Mapping[str, Any]) -> dict[str, int]:
    """Return what may stand in rows or columns, each with how many values it takes."""
    repeats = int(spec.get("repeats", 1))
    return {**varied(spec), **({REPEAT: repeats} if repeats > 1 else {})}


def column_parameter(counts: Mapping[str, int]) -> str | None:
    """Return ``model`` where it is varied, else what has the fewest values but more than one; None for one column.

    A prompt heads no column: it is too long. Neither does what has more than eight values.
    """
    if "model" in counts:
        return "model"
    fitting = [name for name, n in counts.items() if 1 < n <= MOST_COLUMNS and name != "prompt"]
    return min(fitting, key=counts.__getitem__, default=None)


def chosen(
    spec: Mapping[str, Any], rows: str | None = None, columns: str | None = None
) -> tuple[str | None, str | None]:
    """Return what stands in rows and columns where ``rows`` and ``columns`` are asked for; None leaves it to the run.

    Raises InvalidInput for names that are no parameters of the run, and for one name in both.
    """
    names = {**factors(spec), **dict.fromkeys(spec.get("fixed") or {}, 1)}
    rows, columns = ("" if n == NONE and n not in names else n for n in (rows, columns))
    rows = rows or None  # every grid has rows: those that are left
    asked = {"rows": rows, "columns": columns}
    faults = [fault for w, n in asked.items() if n and (fault := _name_fault(w, n, names))]
    if rows is not None and rows == columns:
        faults.append(Fault("columns", f"{columns} stands in the rows already.", "Choose another for one of the two."))
    if faults:
        raise InvalidInput(faults)
    left = {name: count for name, count in varied(spec).items() if name != rows}
    return rows, columns if columns is not None else column_parameter(left)


def _name_fault(where: str, name: object, names: Mapping[str, int]) -> Fault | None:
    """Return what is wrong with ``name`` where a parameter is to be named, None where it is one."""
    if not isinstance(name, str):
        what = f"a {type(name).__name__} names no parameter."
        return Fault(where, what, f"Give one name, such as {next(iter(names), 'model')!r}.")
    if name in names:
        return None
    if name == REPEAT:
        return Fault(where, "there is one repeat.", "Experiment(…, repeats=3) makes more.")
    return unknown_name_fault("parameter", name, names, where=where)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: the values in its head by parameter, as the journal holds them, and its cells' positions by column."""

    labels: dict[str, Any]
    cells: list[list[int]]


class Layout:
    """The cells of a stored run as rows and columns; ``column`` None is a single column.

    ``heads`` are the columns' values, ``names`` the parameters in the rows' heads, ``row`` first; ``len()`` counts
    rows. ``in_cell`` repeats stand side by side in one place.
    """

    def __init__(self, spec: Mapping[str, Any], column: str | None, row: str | None = None) -> None:
        repeats = int(spec.get("repeats", 1))
        own = [name for name in (row, column) if name]
        self.names = [*([row] if row else []), *(name for name in varied(spec) if name not in own)]
        self._column, self._row = column, row
        self.in_cell = 1 if REPEAT in own else repeats
        fixed = spec.get("fixed") or {}
        if points := spec.get("points"):
            self._read_points([{**fixed, **point} for point in points], repeats)
            return
        axes = {**{k: [v] for k, v in fixed.items()}, **(spec.get("vary") or {}), REPEAT: list(range(1, repeats + 1))}
        self._values = {name: axes[name] for name in (*self.names, *own)}
        self._strides, stride = dict.fromkeys(fixed, 0), 1
        for name in reversed(varied(spec)):  # the last axis moves fastest, repeats slowest
            self._strides[name], stride = stride, stride * len(axes[name])
        self._strides[REPEAT] = self._total = stride
        self.heads: list[Any] = self._values[column] if column else [None]
        self._groups: list[Line] | None = None

    def _read_points(self, points: list[dict[str, Any]], repeats: int) -> None:
        self._total = len(points)
        spread = range(repeats) if self.in_cell == 1 else (0,)
        groups: dict[str, tuple[dict[str, Any], dict[str, list[int]]]] = {}
        heads: dict[str, Any] = {}
        order: dict[str, int] = {}
        for repeat in spread:
            for number, point in enumerate(points):
                values = {**point, REPEAT: repeat + 1}
                labels = {name: values.get(name) for name in self.names}
                head = dumps(values.get(self._column)) if self._column else ""
                heads.setdefault(head, values.get(self._column) if self._column else None)
                if self._row:
                    order.setdefault(dumps(values.get(self._row)), len(order))
                _, cells = groups.setdefault(dumps(labels), (labels, {}))
                start = repeat * self._total + number
                inner = range(start, self.in_cell * self._total if self.in_cell > 1 else start + 1, self._total)
                cells.setdefault(head, []).extend(inner)
        found = [Line(labels, [cells.get(head, []) for head in heads]) for labels, cells in groups.values()]
        if self._row:
            first: str = self._row
            found.sort(key=lambda line: order[dumps(line.labels[first])])
        self.heads, self._groups = list(heads.values()), found

    def __len__(self) -> int:
        if self._groups is not None:
            return len(self._groups)
        count = 1
        for name in self.names:
            count *= len(self._values[name])
        return count

    def lines(self) -> Iterator[Line]:
        """Yield the rows, top down."""
        if self._groups is not None:
            yield from self._groups
            return
        inner = range(0, self.in_cell * self._total, self._total)
        step = self._strides[self._column] if self._column else 0
        for places in itertools.product(*(range(len(self._values[name])) for name in self.names)):
            start = sum(place * self._strides[name] for name, place in zip(self.names, places, strict=True))
            labels = {name: self._values[name][place] for name, place in zip(self.names, places, strict=True)}
            yield Line(labels, [[start + k * step + repeat for repeat in inner] for k in range(len(self.heads))])


def positions(spec: Mapping[str, Any], column: str | None, row: str | None = None) -> Iterator[int]:
    """Yield the positions of all cells so that the table fills row by row, repeats next to each other."""
    return (place for line in Layout(spec, column, row).lines() for cell in line.cells for place in cell)
