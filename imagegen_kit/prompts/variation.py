"""Controlled variation: named axes of a style, and combinations of their phrases that are spread evenly."""

from __future__ import annotations

from itertools import product
from math import lcm, prod
from random import Random
from typing import TYPE_CHECKING

from imagegen_kit.errors import Fault, InvalidInput, unknown_name_fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imagegen_kit.types import Style


def chosen_phrases(style: Style | None, variation: Mapping[str, str]) -> list[str]:
    """Return the phrases that ``variation`` (axis → phrase) takes, in the order of the style's axes.

    Raises InvalidInput for every axis that the style does not have and every phrase that is not one of its axis.
    """
    axes = (style.axes if style else None) or {}
    faults = []
    for axis, phrase in variation.items():
        if axis not in axes:
            faults.append(unknown_name_fault("axis", axis, axes, where="variation"))
        elif phrase not in axes[axis]:
            there = ", ".join(repr(p) for p in axes[axis])
            faults.append(Fault(f"variation.{axis}", f"{phrase!r} is no phrase of this axis.", f"There are: {there}."))
    if faults:
        raise InvalidInput(faults)
    return [variation[axis] for axis in axes if axis in variation]


def variations(style: Style, n: int, seed: int = 0) -> list[dict[str, str]]:
    """Return ``n`` different combinations (axis → phrase) of the style's axes, the same ones for the same ``seed``.

    Within any axis no phrase is used more than once oftener than another. Raises InvalidInput where ``n`` is not 1 …
    the number of combinations there are.
    """
    axes = style.axes or {}
    total = prod(len(phrases) for phrases in axes.values())
    if type(n) is not int or not 1 <= n <= total:
        hint = f"The style {style.name!r} has {total} combination{'s' if total > 1 else ''}."
        raise InvalidInput([Fault("n", f"{n!r} variations cannot be made.", hint)])
    random = Random(seed)  # noqa: S311 - chooses phrases, guards nothing
    shuffled = {axis: random.sample(phrases, len(phrases)) for axis, phrases in axes.items()}
    walk = _even_walk([len(phrases) for phrases in shuffled.values()])
    picks = (next(walk) for _ in range(n))
    return [{axis: shuffled[axis][i] for axis, i in zip(shuffled, pick, strict=True)} for pick in picks]


def _even_walk(sizes: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield every tuple of indices once, so that each index is used evenly at every moment.

    Stepping all axes at once returns to the start after lcm(sizes) steps, in which each axis has gone round a whole
    number of times; then the next start that no walk has passed. Every walk passes index 0 of the first axis.
    """
    length = lcm(*sizes)
    passed: set[tuple[int, ...]] = set()
    for rest in product(*(range(size) for size in sizes[1:])):
        start = (0, *rest) if sizes else ()
        if start in passed:
            continue
        for step in range(length):
            here = tuple((i + step) % size for i, size in zip(start, sizes, strict=True))
            if here[:1] == (0,):
                passed.add(here)
            yield here
