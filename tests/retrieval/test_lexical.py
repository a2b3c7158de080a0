"""Words find items: whole and in part, in every script, filtered, and the same after a round trip to disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imagegen_kit.errors import InvalidInput, StoreError
from imagegen_kit.retrieval.lexical import Lexical

DOCUMENTS = [
    {"name": "grey cat", "caption": "a grey cat on a purple cushion", "tags": ["cat", "pet"], "folder": "animals"},
    {"name": "red car", "caption": "a red sports car", "tags": ["car", "vehicle"], "folder": "transport"},
    {"name": "sailboat", "caption": "a boat under sail", "description": "at sea in the evening", "tags": []},
    {"name": "кошка", "caption": "серая кошка", "tags": []},
    {"name": "猫", "caption": "灰色の猫", "tags": []},
    {},
]
NUMBERS = np.array([3, 5, 8, 13, 21, 34])


@pytest.fixture(scope="module")
def words() -> Lexical:
    return Lexical.build(DOCUMENTS, NUMBERS)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("cat", 3), ("CATS", 3), ("animals", 3), ("a sports car", 5), ("automobile", 5), ("sail boat", 8),
        ("evening", 8), ("sailboats", 8), ("кошка", 13), ("猫", 21),
    ],
)  # fmt: skip
def test_a_word_of_any_field_finds_its_item(words: Lexical, query: str, first: int) -> None:
    numbers, scores = words.search(query, 3)
    assert numbers[0] == first
    assert 0 < scores[0] <= 1


@pytest.mark.parametrize("slip", ["sailbaot", "cushoin", "vehicels"])
def test_a_slip_of_the_pen_still_finds_its_item(words: Lexical, slip: str) -> None:
    wanted = {"sailbaot": 8, "cushoin": 3, "vehicels": 5}[slip]
    assert words.search(slip, 1)[0].tolist() == [wanted]


@pytest.mark.parametrize("query", ["", " ", "the of a", "!!! ---", "\0\n", "\ud800", "🐈", "xqzj"])
def test_a_query_that_says_nothing_known_finds_nothing(words: Lexical, query: str) -> None:
    numbers, scores = words.search(query, 5)
    assert (numbers.size, scores.size) == (0, 0)


def test_a_very_long_query_is_answered_by_its_beginning(words: Lexical) -> None:
    assert words.search("cat " * 25_000, 2)[0][0] == 3
    assert words.search("cat" + "x" * 100_000, 2)[1].size <= 2


def test_only_allowed_items_are_found(words: Lexical) -> None:
    assert words.search("cat car boat", 5, allowed=np.array([5, 8]))[0].tolist() == [8, 5] or words.search(
        "cat car boat", 5, allowed=np.array([5, 8])
    )[0].tolist() == [5, 8]
    assert words.search("cat", 5, allowed=np.array([], dtype=np.int64))[0].size == 0


def test_best_first_and_equal_ones_by_number() -> None:
    same = Lexical.build([{"name": "a tree"}] * 4, np.arange(4) * 10)
    numbers, scores = same.search("tree", 3)
    assert numbers.tolist() == [0, 10, 20]
    assert len(set(scores.tolist())) == 1


def test_it_is_the_same_after_a_round_trip_to_disk(words: Lexical, tmp_path: Path) -> None:
    words.save(tmp_path / "words-1.part")
    again = Lexical.load(tmp_path / "words-1.part")
    assert [p.name for p in tmp_path.iterdir()] == ["words-1.part"]
    for query in ("a grey cat", "sea", "猫", "auto"):
        for one, other in zip(words.search(query, 5), again.search(query, 5), strict=True):
            assert one.tolist() == other.tolist()


def test_an_empty_library_finds_nothing_and_can_be_kept(tmp_path: Path) -> None:
    Lexical.build([], np.zeros(0, dtype=np.int64)).save(tmp_path / "none")
    none = Lexical.load(tmp_path / "none")
    assert len(none) == 0
    assert none.search("cat", 3)[0].size == 0


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x93NUMPY"])
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "words").write_bytes(content)
    with pytest.raises(StoreError, match="Delete the file"):
        Lexical.load(tmp_path / "words")


@pytest.mark.parametrize("numbers", [[1, 2], [1, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]])
def test_numbers_that_do_not_fit_are_refused(numbers: list[int]) -> None:
    with pytest.raises(InvalidInput, match="one number a document"):
        Lexical.build(DOCUMENTS, np.array(numbers))
