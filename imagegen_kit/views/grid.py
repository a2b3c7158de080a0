"""Which parameter of a run stands in the columns, and in which order its cells are looked at: row by row."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from imagegen_kit.store.values import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_COLUMNS = 8


def varied(spec: Mapping[str, Any]) -> dict[str, int]:
    """Return the varied parameters of a stored run, in order, each with how many values it takes."""
    if points := spec.get("points"):
        names = dict.fromkeys(name for point in points for name in point)
        return {name: len({dumps(point.get(name)) for point in points}) for name in names}
    axes = spec.get("vary") or {}
    return {name: len(axes[name]) for name in spec.get("parameters", ()) if name in axes}


def column_parameter(counts: Mapping[str, int]) -> str | None:
    """Return ``model`` where it is varied, else what has the fewest values but more than one; None for one column.

    A prompt heads no column: it is too long. Neither does what has more than eight values.
    """
    if "model" in counts:
        return "model"
    fitting = [name for name, n in counts.items() if 1 < n <= MOST_COLUMNS and name != "prompt"]
    return min(fitting, key=counts.__getitem__, default=None)


def positions(spec: Mapping[str, Any], column: str | None) -> Iterator[int]:
    """Yield the positions of all cells so that the table fills row by row, repeats next to each other."""
    repeats = int(spec.get("repeats", 1))
    if points := spec.get("points"):
        rows: dict[str, list[int]] = {}
        for position, point in enumerate(points):
            rows.setdefault(dumps({k: v for k, v in point.items() if k != column}), []).append(position)
        for row in rows.values():
            for position in row:
                yield from range(position, repeats * len(points), len(points))
        return
    sizes = varied(spec)
    strides, total = {}, 1
    for name in reversed(sizes):  # the last axis moves fastest
        strides[name], total = total, total * sizes[name]
    order = [name for name in sizes if name != column] + [name for name in sizes if name == column]
    for combination in itertools.product(*(range(0, sizes[n] * strides[n], strides[n]) for n in order)):
        yield from range(sum(combination), repeats * total, total)
