"""Rankings are fused, varied and freed of duplicates as the formulae say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.retrieval.retrievers.fusion import Ranked, fuse, varied


def ranked(channel: str, numbers: list[int], scores: list[float] | None = None, weight: float = 1.0) -> Ranked:
    given = np.linspace(0.9, 0.1, len(numbers)) if scores is None else np.array(scores)
    return Ranked(channel, np.array(numbers, dtype=np.int64), given, weight)


def test_an_item_counts_its_share_of_the_best_score_times_the_weight() -> None:
    fused = fuse([ranked("text", [1, 2], [0.8, 0.4]), ranked("image", [2, 3], [0.5, 0.25], weight=0.4)])
    expected = {1: 1.0, 2: 0.5 + 0.4, 3: 0.2}
    assert dict(zip(fused.numbers.tolist(), fused.values.tolist(), strict=True)) == pytest.approx(expected)
    assert fused.numbers.tolist() == [1, 2, 3]


def test_a_channel_that_does_not_tell_its_hits_apart_leaves_the_order_to_the_other() -> None:
    pictures = ranked("image", [1, 2, 3], [0.91, 0.905, 0.9])
    assert fuse([ranked("text", [3, 2], [0.6, 0.3]), pictures]).numbers.tolist() == [3, 2, 1]


def test_values_order_where_a_channel_gives_them_and_scores_stay_what_they_are() -> None:
    fused = fuse([replace(ranked("text", [4, 5], [0.8, 0.6]), values=np.array([1.0, 2.0]))])
    assert fused.numbers.tolist() == [5, 4]
    assert fused.scores.tolist() == [0.6, 0.8]
    assert fused.values.tolist() == [1.0, 0.5]


def test_the_score_is_the_weighted_mean_and_a_silent_channel_says_nothing() -> None:
    fused = fuse([ranked("text", [1], [0.8]), ranked("image", [1, 2], [0.4, 0.2], weight=3.0)])
    assert dict(zip(fused.numbers.tolist(), fused.scores.tolist(), strict=True)) == pytest.approx({1: 0.5, 2: 0.15})


def test_one_channel_keeps_its_order_and_its_scores() -> None:
    only = ranked("image", [7, 3, 5], [0.9, 0.9, 0.1])
    fused = fuse([only])
    assert fused.numbers.tolist() == [7, 3, 5]
    assert fused.scores.tolist() == [0.9, 0.9, 0.1]


def test_equal_values_go_by_score_and_then_by_number() -> None:
    assert fuse([ranked("text", [9], [0.8]), ranked("image", [4], [0.2])]).numbers.tolist() == [9, 4]
    assert fuse([ranked("text", [9], [0.5]), ranked("image", [4], [0.5])]).numbers.tolist() == [4, 9]


@given(st.lists(st.lists(st.integers(0, 30), unique=True, min_size=1), min_size=1, max_size=3))
def test_fusing_loses_nothing_and_orders_everything(lists: list[list[int]]) -> None:
    fused = fuse([ranked(str(place), numbers) for place, numbers in enumerate(lists)])
    assert sorted(fused.numbers.tolist()) == sorted({n for numbers in lists for n in numbers})
    assert (np.diff(fused.values) <= 0).all()
    assert ((fused.scores >= 0) & (fused.scores <= 1)).all()


def test_diversity_takes_what_is_unlike_the_first() -> None:
    vectors = np.array([[1, 0], [0.99, 0.141], [0, 1]], dtype=np.float32)
    scores = np.array([1.0, 0.95, 0.7])
    assert varied(scores, vectors, 2, 0.0).tolist() == [0, 1]
    assert varied(scores, vectors, 2, 0.5).tolist() == [0, 2]
    assert varied(scores, vectors, 3, 1.0).tolist() == [0, 2, 1]


def test_diversity_never_takes_an_item_twice() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((30, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    taken = varied(rng.random(30), vectors, 50, 0.7)
    assert sorted(taken.tolist()) == list(range(30))
