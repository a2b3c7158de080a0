"""The grid of an experiment: axes, their values, and each point as a cell."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagegen_kit.engine.ask import check_values
from imagegen_kit.engine.cells import Cell
from imagegen_kit.engine.recipe import Recipe, feeds, unknown_parameters
from imagegen_kit.engine.references import FEEDING, feeding_faults, listed
from imagegen_kit.errors import Fault, InvalidInput
from imagegen_kit.imaging.picture import open_picture
from imagegen_kit.retrieval.place import is_hits
from imagegen_kit.store.values import as_recorded, dumps, encode
from imagegen_kit.types import Reference, Size

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from imagegen_kit.registry import Registry
    from imagegen_kit.store import Blobs


def _plain(value: Any, *, whole: bool = False) -> Any:
    """Return numpy's numbers as Python's and NaN as None; ``whole``: a column with gaps has turned 1 into 1.0."""
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if type(value) is float:
        if value != value:  # noqa: PLR0124  # NaN
            return None
        if whole and value.is_integer():
            return int(value)
    return value


@dataclass(frozen=True, slots=True)
class Grid:
    """``axes`` varied against each other, or exact ``points``; ``fixed`` for all; each point ``repeats`` times."""

    axes: Mapping[str, list[Any]]
    points: list[dict[str, Any]] | None
    fixed: Mapping[str, Any]
    repeats: int

    @classmethod
    def read(cls, vary: Any, fixed: Mapping[str, Any] | None, repeats: int, faults: list[Fault]) -> Grid:
        """Read what ``Experiment`` is given; what is wrong with its form goes to ``faults``, the rest is read on."""
        axes: dict[str, list[Any]] = {}
        points: list[dict[str, Any]] | None = None
        if hasattr(vary, "to_dict") and hasattr(vary, "columns"):  # a DataFrame, without importing pandas
            vary = [{k: _plain(v, whole=True) for k, v in row.items()} for row in vary.to_dict("records")]
        if isinstance(vary, Mapping):
            axes = _read_axes(vary, faults)
        elif isinstance(vary, Iterable) and not isinstance(vary, (str, bytes)):
            given = list(vary)
            points = [dict(p) for p in given if isinstance(p, Mapping)]
            if not points or len(points) < len(given):
                what = f"{len(given) - len(points)} of its points are no dicts." if points else "it holds no points."
                faults.append(Fault("vary", what, "Give a dict of lists, or a list of dicts."))
        else:
            faults.append(Fault("vary", f"{type(vary).__name__} is no grid.", "Give a dict of lists, or a DataFrame."))
        if type(repeats) is not int or not 1 <= repeats <= 10_000:
            faults.append(Fault("repeats", f"{repeats!r} is not a whole number from 1 to 10,000."))
        varied = set(axes) | {name for p in points or () for name in p}
        both = sorted(varied & set(fixed or {}))
        if both:
            faults.append(Fault("fixed", f"{', '.join(both)} is both varied and fixed.", "Keep one of the two."))
        kept = {name: value for name, value in dict(fixed or {}).items() if name not in both}
        return cls(axes, points, kept, repeats)

    def __len__(self) -> int:
        if self.points is not None:
            return len(self.points) * self.repeats
        count = self.repeats
        for values in self.axes.values():
            count *= len(values)
        return count

    @property
    def varied(self) -> list[str]:
        """The names of the varied parameters, in order."""
        if self.points is not None:
            return list(dict.fromkeys(name for p in self.points for name in p))
        return list(self.axes)

    @property
    def names(self) -> list[str]:
        """The names of all parameters, in order: varied, then fixed."""
        return [*self.varied, *self.fixed]

    def values(self, name: str) -> list[Any]:
        """Return the values that a parameter takes anywhere in the grid."""
        if name in self.fixed:
            return [self.fixed[name]]
        if self.points is not None:
            return [p[name] for p in self.points if name in p]
        return self.axes.get(name, [])

    def faults(self, recipe: Recipe, registry: Registry) -> list[Fault]:
        """Return everything wrong with the grid for ``recipe``; each distinct value is looked at once."""
        names = self.names
        faults = unknown_parameters(recipe, names, registry, self.values("model"))
        always = [n for n in names if n in self.fixed or self.points is None or all(n in p for p in self.points)]
        faults += [
            Fault(name, "it is missing.", f"{recipe.name} needs it.") for name in recipe.required if name not in always
        ]
        for name in names:
            if name not in recipe.parameters:
                continue
            for value in self.values(name):
                faults += check_values(name, value, registry)
        if not faults:
            faults += self._size_conflicts()
        if not faults and feeds(recipe):
            faults += feeding_faults(self._combinations((*FEEDING, "references")))
        return list(dict.fromkeys(faults))

    def _combinations(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield every combination of values that these parameters take together."""
        if self.points is not None:
            yield from ({**self.fixed, **point} for point in self.points)
            return
        known = [name for name in names if self.values(name)]
        for values in itertools.product(*(self.values(name) for name in known)):
            yield dict(zip(known, values, strict=True))

    def _size_conflicts(self) -> list[Fault]:
        sizes, ratios = self.values("size"), self.values("aspect_ratio")
        if not sizes or not ratios:
            return []
        pairs: Iterable[tuple[Any, Any]] = itertools.product(sizes, ratios)
        if self.points is not None:
            pairs = [({**self.fixed, **p}.get("size"), {**self.fixed, **p}.get("aspect_ratio")) for p in self.points]
        faults: list[Fault] = []
        for size, ratio in pairs:
            try:
                Size.parse(size, ratio)
            except InvalidInput as error:
                faults += error.faults
        return faults

    def encoded(self, blobs: Blobs) -> dict[str, Any]:
        """Return the grid as JSON-ready data; pictures go into the store, also those that are given as files."""

        def of(values: Mapping[str, Any]) -> dict[str, Any]:
            return {name: encode(_as_pictures(name, value), blobs) for name, value in values.items()}

        plain: dict[str, Any] = {"fixed": of(self.fixed), "repeats": self.repeats}
        if self.points is not None:
            plain["points"] = [of(p) for p in self.points]
        else:
            plain["vary"] = {n: [encode(_as_pictures(n, v), blobs) for v in values] for n, values in self.axes.items()}
        return plain

    def cells(self, plain: Mapping[str, Any], skip: Container[int] = ()) -> Iterator[Cell]:
        """Yield the cells in grid order (repeats outermost), but those whose position is in ``skip``."""
        fixed = {name: dumps(value) for name, value in plain["fixed"].items()}
        axes = (
            [(name, list(zip(self.axes[name], map(dumps, plain["vary"][name]), strict=True))) for name in self.axes]
            if self.points is None
            else []
        )
        position = -1
        for repeat in range(self.repeats):
            if self.points is not None:
                for point, encoded in zip(self.points, plain["points"], strict=True):
                    position += 1
                    if position not in skip:
                        texts = {**{n: dumps(v) for n, v in encoded.items()}, **fixed}
                        yield Cell(position, repeat, {**point, **self.fixed}, texts)
                continue
            for combination in itertools.product(*(values for _, values in axes)):
                position += 1
                if position in skip:
                    continue
                params = dict(self.fixed)
                texts = dict(fixed)
                for (name, _), (value, text) in zip(axes, combination, strict=True):
                    params[name] = value
                    texts[name] = text
                yield Cell(position, repeat, params, texts)


_ONE_PICTURE = ("mask", "first_frame", "last_frame")


def _as_pictures(name: str, value: Any) -> Any:
    """Return picture parameters as pictures, and libraries with what they hold: another is another experiment."""
    if name == "library":
        return as_recorded(name, value)
    if value is None or name not in ("references", *_ONE_PICTURE):
        return value
    if name in _ONE_PICTURE:
        return open_picture(value)
    several = isinstance(value, (list, tuple)) or is_hits(value)
    found = [
        Reference(open_picture(item), name=Path(item).name) if isinstance(item, (str, Path)) else item
        for item in (listed(value) if several else [value])
    ]
    return found if several else found[0]


def _read_axes(vary: Mapping[str, Any], faults: list[Fault]) -> dict[str, list[Any]]:
    axes: dict[str, list[Any]] = {str(name): [] for name in vary}  # named, though perhaps wrongly: not missing
    for name, values in vary.items():
        if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
            what = f"{values!r} is not a list." if not isinstance(values, str) else "a bare text is not an axis."
            faults.append(Fault(f"vary[{name!r}]", what, "Write a list, even of one: [value]."))
        elif not (listed := [_plain(v) for v in values]):
            faults.append(Fault(f"vary[{name!r}]", "the axis is empty.", "Give it a value, or leave it out."))
        else:
            axes[str(name)] = listed
    return axes
