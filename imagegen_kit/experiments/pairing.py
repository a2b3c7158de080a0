"""Which two pictures are set against each other, in which order and on which side: pure arithmetic over a seed.

Two pictures are a pair when all but one parameter of them is the same. The order is balanced at every moment: whoever
stops early has seen each pair of values about as often as any other, and each prompt too.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

APART = 8  # so many other pairs lie between a pair and its mirrored repeat, where there are so many
AGAIN = " again"  # ends the key of a repeat

Spot = tuple["Hashable", int]  # where the same was asked of every value, and the how-manieth picture of it there


@dataclass(frozen=True, slots=True)
class Contender:
    """A picture that can be voted on: its request, the value that is compared, and all else that was asked for it."""

    request: int
    value: str
    context: Hashable  # equal for pictures that differ in the value alone
    prompt: str  # what may be shown above a pair of them
    sha256: str
    format: str = "png"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two requests as they are shown. ``key`` names the pair whatever its sides; a repeat has a key of its own."""

    key: str
    left: Contender
    right: Contender

    @property
    def again(self) -> bool:
        """Whether the same pair was to be seen before, mirrored."""
        return self.key.endswith(AGAIN)


def pair_key(by: str, one: int, other: int) -> str:
    """Return the name under which votes on two requests are recorded."""
    low, high = sorted((one, other))
    return f"{by} {low} {high}"


def parameter_of(key: str) -> str:
    """Return the parameter that a pair's key names."""
    return key.removesuffix(AGAIN).rsplit(" ", 2)[0]


def paired(contenders: Iterable[Contender], by: str, seed: int) -> tuple[list[Pair], Counter[str]]:
    """Return every pair once, in the order and on the sides that ``seed`` gives, and what was left out, and why."""
    chance = random.Random(f"{seed} order")  # noqa: S311  # no secret hangs on it
    spots, lonely = _spots(contenders)
    left_out: Counter[str] = Counter({"without a counterpart": lonely} if lonely else {})
    values = sorted({value for there in spots.values() for value in there})
    chance.shuffle(values)
    classes = list(_classes(values))
    places = _interleaved(spots, chance)
    first_sides: dict[tuple[str, str], bool] = {}
    pairs: list[Pair] = []
    for values_of_pair, place in _balanced(classes, places):
        there = spots[place]
        if not there.keys() >= set(values_of_pair):
            continue
        one, other = (there[value] for value in values_of_pair)
        if one.sha256 == other.sha256:
            left_out["in pairs of identical pictures"] += 2
            continue
        # Sides come by twos, in either order: no value of a pair ever leans to one side by more than one.
        first = first_sides.pop(values_of_pair, None)
        swap = chance.random() < 0.5 if first is None else not first
        if first is None:
            first_sides[values_of_pair] = swap
        left, right = (other, one) if swap else (one, other)
        pairs.append(Pair(pair_key(by, one.request, other.request), left, right))
    return pairs, left_out


def with_repeats(pairs: Sequence[Pair], share: float, seed: int) -> list[Pair]:
    """Return ``pairs`` with that share of them (0 to 1) a second time, mirrored, at least eight pairs later.

    Of fewer than sixteen pairs only the first half is repeated, so that none follows itself.
    """
    count, eligible = round(share * len(pairs)), len(pairs) - min(APART, len(pairs) // 2)
    count = min(count, eligible)
    start = random.Random(f"{seed} again").random()  # noqa: S311  # no secret hangs on it
    chosen = {int((i + start) * eligible / count) for i in range(count)}
    found: list[Pair] = []
    waiting: list[tuple[int, Pair]] = []
    for number, pair in enumerate(pairs):
        if waiting and number > waiting[0][0] + APART:
            found.append(waiting.pop(0)[1])
        found.append(pair)
        if number in chosen:
            waiting.append((number, Pair(pair.key + AGAIN, pair.right, pair.left)))
    return found + [pair for _, pair in waiting]


def _spots(contenders: Iterable[Contender]) -> tuple[dict[Spot, dict[str, Contender]], int]:
    """Return the pictures by where they stand and value, and how many have no other value beside them."""
    spots: dict[Spot, dict[str, Contender]] = {}
    seen: Counter[tuple[Hashable, str]] = Counter()
    for one in contenders:
        number = seen[one.context, one.value]
        seen[one.context, one.value] += 1
        spots.setdefault((one.context, number), {})[one.value] = one
    full = {place: there for place, there in spots.items() if len(there) > 1}
    return full, len(spots) - len(full)


def _classes(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield every two values once, in the order of a tournament in which all play every round (the circle method)."""
    ring: list[str | None] = [*values, *([None] if len(values) % 2 else [])]
    for _ in range(len(ring) - 1):
        for i in range(len(ring) // 2):
            one, other = ring[i], ring[-1 - i]
            if one is not None and other is not None:
                yield one, other
        ring = [ring[0], ring[-1], *ring[1:-1]]


def _interleaved(spots: dict[Spot, dict[str, Contender]], chance: random.Random) -> list[Spot]:
    """Return the places in a random order in which every prompt comes once before any comes twice."""
    by_prompt: dict[str, list[Spot]] = {}
    for place, there in spots.items():
        by_prompt.setdefault(next(iter(there.values())).prompt, []).append(place)
    groups = list(by_prompt.values())
    for group in groups:
        chance.shuffle(group)
    chance.shuffle(groups)
    return [place for place in chain.from_iterable(zip_longest(*groups)) if place is not None]


def _balanced(classes: Sequence[tuple[str, str]], places: Sequence[Spot]) -> Iterator[tuple[tuple[str, str], Spot]]:
    """Yield each class at each place once; of any first so many, none of either comes twice more than another.

    Both go round at once. Where their numbers share a divisor that meets the same combinations again after the least
    common multiple, so the places then start one later.
    """
    if not classes or not places:
        return
    round_ = math.lcm(len(classes), len(places))
    for turn in range(len(classes) * len(places)):
        yield classes[turn % len(classes)], places[(turn + turn // round_) % len(places)]
