"""Pictures of a series speak for each other, and the first hits cover the words of a query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from imagegen_kit.retrieval.lexical import Lexical
from imagegen_kit.retrieval.library import Library
from imagegen_kit.retrieval.retrievers.fusion import Fused
from imagegen_kit.retrieval.retrievers.neighbours import covering, votes
from imagegen_kit.testing.contracts.retrievers import drawn

MUGS = ["coffee mug", "coffee cup", "coffee pot", "cat", "sleeping cat", "saucer"]


@pytest.fixture(scope="module")
def shipped() -> Iterator[Library]:
    library = Library.open("shipped")
    yield library
    library.close()


@pytest.mark.parametrize(
    ("text", "wanted", "within"),
    [
        ("lighthouse", "lighthouse", 1),
        ("a lighthouse by the sea", "lighthouse", 1),
        ("a robot in a kitchen", "robot", 2),
        ("a cat drinking coffee", "cat", 4),
        ("a cat drinking coffee", "coffee-cup", 3),
        ("a dog in a garden", "dog", 2),
    ],
)
def test_each_thing_that_is_asked_for_is_among_the_first_shipped_references(
    shipped: Library, text: str, wanted: str, within: int
) -> None:
    found = shipped.search(text, top_k=6).ids
    assert any(id.startswith(wanted) for id in found[:within]), found


def test_the_nearest_voters_count_by_their_likeness_squared_and_their_share() -> None:
    voters = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    candidate = np.array([[1, 0]], dtype=np.float32)
    shares = np.array([0.5, 1.0, 1.0])
    assert votes(candidate, voters, shares, 1) == pytest.approx([0.5])
    assert votes(candidate, voters, shares, 2) == pytest.approx([(0.5 + 0.36) / 2])
    assert votes(candidate, voters, shares, 10) == pytest.approx([(0.5 + 0.36) / 10])


def words(texts: list[str]) -> Lexical:
    return Lexical.build([{"name": text} for text in texts], np.arange(len(texts)))


def test_words_that_items_hold_are_told_by_bits() -> None:
    index = words(MUGS)
    assert index.held("a cat drinking coffee", np.array([3, 0, 5])).tolist() == [1, 2, 0]
    assert index.held("nothing of it", np.arange(3)).tolist() == [0, 0, 0]
    assert index.held("cat", np.zeros(0, dtype=np.int64)).tolist() == []


def ordered(values: list[float]) -> Fused:
    return Fused(np.arange(len(values)), np.array(values), np.array(values) / 2)


def test_the_first_hits_take_turns_in_covering_the_words() -> None:
    fused = covering(words(MUGS), "cat coffee", ordered([1.0, 0.97, 0.96, 0.93, 0.92, 0.1]), 5)
    assert fused.numbers.tolist() == [0, 3, 1, 4, 2, 5]
    assert fused.scores.tolist() == pytest.approx([0.5, 0.465, 0.485, 0.46, 0.48, 0.05])
    assert (np.diff(fused.values) <= 0).all()


@pytest.mark.parametrize(("text", "top_k"), [("coffee", 5), ("cat coffee", 1), ("of the", 5)])
def test_one_word_or_one_hit_leaves_the_order_alone(text: str, top_k: int) -> None:
    fused = covering(words(MUGS), text, ordered([1.0, 0.97, 0.96, 0.93, 0.92, 0.1]), top_k)
    assert fused.numbers.tolist() == list(range(6))


def test_a_picture_without_words_comes_by_its_neighbours_words(tmp_path: Path) -> None:
    library = Library.open(tmp_path / "series")
    for size in range(60, 82):
        library.add(drawn("red", "circle").resize((size, size)), id=f"ball-{size}", name="ball", caption="a ball")
        library.add(drawn("green", "square").resize((size, size)), id=f"box-{size}", name="box", caption="a box")
    library.add(drawn("blue", "square"), id="unlike")
    library.add(drawn("red", "circle").resize((88, 88)), id="like")
    found = library.search("ball", dedup=False, top_k=50).ids
    assert found.index("like") == 22  # after those that were called so
    assert library.search("ball", dedup=False, where={"name": None}).ids[0] == "like"
    library.close()
