"""How good a search is: the measures, checked by hand, their intervals, and two retrievers side by side."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.base import Brief, Found, Hit
from imagegen_kit.retrieval.retrievers import evaluate
from imagegen_kit.retrieval.retrievers.evaluation import index_recall
from imagegen_kit.retrieval.retrievers.measures import interval, measured
from tests.retrieval.small_library import SmallLibrary, Vectors, shape

WORDS = [
    {"text": "red ball", "relevant": "ball-red", "kind": "name"},
    {"text": "blue ball", "relevant": ["ball-blue"], "kind": "name"},
    {"text": "roof", "relevant": {"role": "setting"}, "kind": "role"},
    {"text": "toy", "relevant": ["red ball", "blue ball"], "kind": "tag"},
]


class Backwards:
    """Returns the library's items by falling number, whatever is asked."""

    name = "backwards"

    def retrieve(self, library: Any, brief: Brief) -> Found:
        numbers = library.numbers(brief.where)[::-1][: brief.top_k].tolist()
        return Found(tuple(Hit(number, 1 / (place + 1)) for place, number in enumerate(numbers)))


def test_the_measures_of_one_query() -> None:
    """Relevant are 1, 2 and 3; 2 comes second, 1 fourth, 3 not among the five."""
    got = measured([9, 2, 8, 1, 7, 3], {1, 2, 3}, 5)
    assert got["recall"] == pytest.approx(2 / 3)
    assert got["hit"] == 1.0
    assert got["precision"] == pytest.approx(2 / 5)
    assert got["mrr"] == pytest.approx(1 / 2)
    dcg = 1 / math.log2(3) + 1 / math.log2(5)  # 0.6309 + 0.4307
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)  # 2.1309
    assert got["ndcg"] == pytest.approx(dcg / ideal)
    assert got["ndcg"] == pytest.approx(0.4982, abs=1e-4)


@pytest.mark.parametrize(
    ("found", "top_k", "expected"),
    [
        ([1, 2, 3], 3, (1.0, 1.0, 1.0, 1.0, 1.0)),
        ([9, 8, 7], 3, (0.0, 0.0, 0.0, 0.0, 0.0)),
        ([], 3, (0.0, 0.0, 0.0, 0.0, 0.0)),
        ([1], 2, (1 / 3, 1.0, 0.5, 1.0, 1 / (1 + 1 / math.log2(3)))),
        ([9, 9, 1], 2, (0.0, 0.0, 0.0, 0.0, 0.0)),
    ],
    ids=["perfect", "wrong", "nothing", "one-of-two", "too-late"],
)
def test_the_ends_of_the_scale(found: list[int], top_k: int, expected: tuple[float, ...]) -> None:
    assert tuple(measured(found, {1, 2, 3}, top_k).values()) == pytest.approx(expected)


def test_the_interval_holds_the_mean_and_narrows_with_more_queries() -> None:
    rng = np.random.default_rng(1)
    few, many = rng.random(20), rng.random(2000)
    low, high = interval(few, 1000, 0)
    assert low < few.mean() < high
    many_low, many_high = interval(many, 1000, 0)
    assert many_high - many_low < (high - low) / 5
    error = 1.96 * many.std() / math.sqrt(len(many))  # the normal interval, which it must come near to
    assert (many_high - many_low) / 2 == pytest.approx(error, rel=0.15)


def test_the_interval_is_the_same_every_time_and_another_for_another_seed() -> None:
    values = np.random.default_rng(2).random(30)
    assert interval(values, 500, 7) == interval(values, 500, 7) != interval(values, 500, 8)


def test_one_query_has_no_interval() -> None:
    assert all(math.isnan(end) for end in interval(np.array([0.5]), 1000, 0))


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for trial in range(200):
        low, high = interval((rng.random(60) < 0.3).astype(float), 300, trial)
        covered += low <= 0.3 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_a_table_of_queries_and_a_summary(small: SmallLibrary) -> None:
    result = evaluate(small, WORDS, top_k=3)
    table = result.table()
    assert table["text"].tolist() == ["red ball", "blue ball", "roof", "toy"]
    assert table["relevant"].tolist() == [1, 1, 2, 2]
    assert table["recall@3"].tolist() == [1, 1, 1, 1]
    assert table["precision@3"].tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert table.loc[0, "found"].split(", ")[0] == "ball-red"
    summary = result.summary().set_index("measure")
    assert summary.loc["precision@3", "mean"] == pytest.approx(0.5)
    assert summary.loc["precision@3", "low"] <= 0.5 <= summary.loc["precision@3", "high"]
    assert summary["n"].tolist() == [4] * 5
    assert len(result) == 4
    assert result.index_recall == 1.0
    assert repr(result).startswith("Evaluation(hybrid, 4 queries: recall@3 1.000")
    assert "recall@3" in (result._repr_html_() or "")


def test_queries_come_as_a_dataframe_with_empty_cells(small: SmallLibrary) -> None:
    path = str(small.path / "box-red.png")
    frame = pd.DataFrame({"text": ["ball", None], "image": [None, path], "relevant": ["ball-red", "red box"]})
    table = evaluate(small, frame).table()
    assert table["recall@10"].tolist() == [1, 1]
    assert table.loc[1, "image"] == path


def test_the_summary_is_grouped_by_a_column(small: SmallLibrary) -> None:
    summary = evaluate(small, WORDS, by="kind").summary()
    assert summary["kind"].drop_duplicates().tolist() == ["name", "role", "tag"]
    assert summary.groupby("kind")["n"].first().to_dict() == {"name": 2, "role": 1, "tag": 1}


def test_a_querys_own_picture_is_no_hit_unless_it_is_what_is_looked_for(small: SmallLibrary) -> None:
    path = small.path / "ball-red.png"
    others = evaluate(small, [{"image": path, "relevant": "box-red"}], top_k=3).table()
    assert others.loc[0, "found"].split(", ") == ["box-red", "box-blue", "ball-green"]
    itself = evaluate(small, [{"image": path, "relevant": "ball-red"}], top_k=3).table()
    assert itself.loc[0, "found"].split(", ")[0] == "ball-red"


def test_near_duplicates_count_as_hits_of_their_own(small: SmallLibrary) -> None:
    small.add(shape("red").resize((48, 48)), "again", name="red ball again")
    query = [{"text": "red ball", "relevant": ["ball-red", "again"]}]
    assert evaluate(small, query).table().loc[0, "recall@10"] == 1.0
    assert evaluate(small, query, dedup=True).table().loc[0, "recall@10"] == 0.5


def test_two_retrievers_are_compared_on_the_same_queries(small: SmallLibrary) -> None:
    good, bad = evaluate(small, WORDS, top_k=3), evaluate(small, WORDS, top_k=3, retriever=Backwards())
    compared = good.compare(bad).set_index("measure")
    differences = good.table()["ndcg@3"] - bad.table()["ndcg@3"]
    row = compared.loc["ndcg@3"]
    assert row["difference"] == pytest.approx(differences.mean())
    assert (row["better"], row["worse"], row["equal"]) == (4, 0, 0)
    both_find_the_roofs = compared.loc["recall@3"]
    assert both_find_the_roofs[["better", "worse", "equal"]].tolist() == [3, 0, 1]
    assert row["low"] <= row["difference"] <= row["high"]
    assert bad.compare(good).set_index("measure").loc["ndcg@3", "difference"] == pytest.approx(-row["difference"])
    assert (good.compare(good)["difference"] == 0).all()


def test_pairing_sees_what_two_separate_intervals_do_not() -> None:
    rng = np.random.default_rng(4)
    hard = rng.random(200)
    a, b = hard + 0.02 + 0.01 * rng.standard_normal(200), hard
    assert interval(a - b, 1000, 0)[0] > 0
    assert interval(a, 1000, 0)[0] < interval(b, 1000, 0)[1]


def test_different_queries_are_not_compared(small: SmallLibrary) -> None:
    with pytest.raises(InvalidInput, match="same queries"):
        evaluate(small, WORDS).compare(evaluate(small, WORDS[:2]))
    with pytest.raises(InvalidInput, match="top_k"):
        evaluate(small, WORDS, top_k=3).compare(evaluate(small, WORDS, top_k=5))


def test_search_arguments_go_through(small: SmallLibrary) -> None:
    table = evaluate(small, WORDS, top_k=3, where={"role": "setting"}).table()
    assert table["recall@3"].tolist() == [0, 0, 1, 0]
    own = evaluate(small, [{"text": "blue", "negative": "photo", "relevant": "box-blue"}]).table()
    assert own.loc[0, "recall@10"] == 0


def test_everything_wrong_with_the_queries_is_said_at_once(small: SmallLibrary) -> None:
    queries: list[Any] = [
        {"text": "ball", "relevant": "bal-red"},
        {"relevant": "ball-red"},
        {"text": "ball"},
        {"image": "gone.png", "relevant": "ball-red"},
        {"text": "ball", "relevant": {"role": "mask"}},
        {"text": "ball", "relevant": {"colour": "red"}},
        "ball",
    ]
    with pytest.raises(InvalidInput) as caught:
        evaluate(small, queries)
    said = str(caught.value)
    assert all(f"queries[{place}]" in said for place in range(7))
    assert "'ball-red'" in said  # the near name


@pytest.mark.parametrize("queries", [[], "ball", {"text": "ball"}, 7], ids=str)
def test_what_is_no_list_of_queries_is_refused(small: SmallLibrary, queries: Any) -> None:
    with pytest.raises(InvalidInput, match="queries"):
        evaluate(small, queries)


def test_other_arguments_are_checked(small: SmallLibrary) -> None:
    with pytest.raises(InvalidInput, match="2 things to mend"):
        evaluate(small, WORDS, top_k=0, resamples=-1)
    with pytest.raises(InvalidInput, match="no query has 'colour'"):
        evaluate(small, WORDS, by="colour")


def test_the_recall_of_an_index_is_measured_against_comparing_everything(small: SmallLibrary, tmp_path: Path) -> None:
    class Half(Vectors):
        """An approximate index: it looks at every other item."""

        def search(self, queries: np.ndarray, top_k: int, **how: Any) -> SimpleNamespace:
            if how.get("exact"):
                return super().search(queries, top_k)
            found = super().search(queries, top_k, allowed=self._numbers[::2])
            return SimpleNamespace(ids=found.ids, scores=found.scores, exact=False, seconds=0.0)

    small.vectors = Half(small.vectors._numbers, small.vectors._vectors)
    assert index_recall(small, top_k=10) == pytest.approx(0.5)  # type: ignore[arg-type]
    assert evaluate(small, [{"image": shape("red"), "relevant": "ball-red"}]).index_recall == pytest.approx(0.5)
