"""Pairs are complete, and balanced whenever a rater stops."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.experiments.pairing import APART, Contender, Pair, paired, parameter_of, with_repeats


def grid(values: int, prompts: int, repeats: int = 1, without: frozenset[int] = frozenset()) -> list[Contender]:
    """Every value at every prompt and repeat, but for the requests ``without``."""
    places = [(p, r, v) for p in range(prompts) for r in range(repeats) for v in range(values)]
    return [
        Contender(number, f'"v{v}"', (f"prompt {p}", r), f"prompt {p}", f"{number:064x}")
        for number, (p, r, v) in enumerate(places)
        if number not in without
    ]


def spread(counts: Counter, of: int) -> int:
    """How many more of the commonest than of the rarest, of so many kinds."""
    return max(counts.values(), default=0) - (min(counts.values()) if len(counts) == of else 0)


def classes(pairs: list[Pair]) -> Counter:
    return Counter(frozenset((p.left.value, p.right.value)) for p in pairs)


SIZES = {"values": st.integers(2, 6), "prompts": st.integers(1, 7), "repeats": st.integers(1, 3)}


@given(**SIZES, seed=st.integers(0, 2**48), stop=st.floats(0, 1))
def test_whoever_stops_anywhere_has_seen_all_values_and_prompts_alike(values, prompts, repeats, seed, stop):
    pairs, left_out = paired(grid(values, prompts, repeats), "model", seed)
    assert not left_out
    seen = pairs[: round(stop * len(pairs))]
    assert spread(classes(seen), values * (values - 1) // 2) <= 1
    assert spread(Counter(p.left.prompt for p in seen), prompts) <= 1


@given(**SIZES, seed=st.integers(0, 2**48), stop=st.floats(0, 1))
def test_no_two_values_lean_to_a_side(values, prompts, repeats, seed, stop):
    pairs, _ = paired(grid(values, prompts, repeats), "model", seed)
    seen = pairs[: round(stop * len(pairs))]
    sides = Counter((p.left.value, p.right.value) for p in seen)
    assert all(abs(sides[a, b] - sides[b, a]) <= 1 for a, b in sides)


@given(**SIZES, seed=st.integers(0, 2**48), data=st.data())
def test_each_two_pictures_of_one_place_are_a_pair_once_and_no_others(values, prompts, repeats, seed, data):
    whole = grid(values, prompts, repeats)
    gone = data.draw(st.frozensets(st.sampled_from(range(len(whole)))))
    there = grid(values, prompts, repeats, gone)
    pairs, left_out = paired(there, "model", seed)
    expected = {frozenset((a.request, b.request)) for a, b in combinations(there, 2) if a.context == b.context}
    assert sorted(map(sorted, expected)) == sorted(sorted((p.left.request, p.right.request)) for p in pairs)
    assert len({p.key for p in pairs}) == len(pairs)
    assert left_out.total() == len(there) - len({r for pair in expected for r in pair})


@given(**SIZES, seed=st.integers(0, 2**48))
def test_the_same_seed_gives_the_same_order_whatever_order_the_pictures_come_in(values, prompts, repeats, seed):
    pictures = grid(values, prompts, repeats)
    assert paired(pictures, "model", seed) == paired(pictures, "model", seed)


def test_other_seeds_give_other_orders_and_sides():
    orders = [paired(grid(3, 10), "model", seed)[0] for seed in range(20)]
    assert len({tuple(p.key for p in order) for order in orders}) == 20
    assert 0 < sum(order[0].left.value < order[0].right.value for order in orders) < 20


@given(count=st.integers(0, 90), share=st.floats(0, 0.5), seed=st.integers(0, 2**48))
def test_repeats_are_mirrored_and_come_later(count, share, seed):
    pairs = paired(grid(2, count), "model", seed)[0] if count else []
    shown = with_repeats(pairs, share, seed)
    assert [p for p in shown if not p.again] == pairs
    repeats = [p for p in shown if p.again]
    if count >= 4 * APART:
        assert len(repeats) == round(share * count)
    for repeat in repeats:
        first = next(p for p in pairs if f"{p.key} again" == repeat.key)
        assert (repeat.left, repeat.right) == (first.right, first.left)
        between = shown.index(repeat) - shown.index(first)
        assert between > (APART if count >= 2 * APART else 0)
        assert count < 2 or between > 1


def test_identical_pictures_are_not_set_against_each_other():
    one, other = grid(2, 1)
    twin = Contender(other.request, other.value, other.context, other.prompt, one.sha256)
    assert paired([one, twin], "model", 1) == ([], Counter({"in pairs of identical pictures": 2}))


def test_the_how_manieth_picture_of_a_place_meets_the_same_of_the_other_value():
    one, two = grid(2, 1)
    more = [Contender(c.request + 10, c.value, c.context, c.prompt, f"{c.request + 10:064x}") for c in (two, one)]
    pairs, _ = paired([one, two, *more], "model", 1)
    assert {frozenset((p.left.request, p.right.request)) for p in pairs} == {frozenset((0, 1)), frozenset((10, 11))}


@pytest.mark.parametrize("by", ["model", "prompt words", "x again"])
def test_a_key_names_its_parameter(by):
    pairs, _ = paired(grid(2, 20), by, 5)
    assert {parameter_of(p.key) for p in with_repeats(pairs, 0.2, 5)} == {by}
