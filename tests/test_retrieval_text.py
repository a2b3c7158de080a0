"""The lexical search finds short documents by their words, in a fixed order."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.retrieval.text import TextIndex, shipped_synonyms, stem, tokenize

ANIMALS = [
    {"name": "grey cat", "tags": ["cat", "pet"], "caption": "a cat lying on a cushion beside a dog"},
    {"name": "brown dog", "tags": ["dog", "pet"], "caption": "a dog drinking water"},
    {"name": "red car", "tags": ["car", "vehicle"], "caption": "a car on a road"},
]


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("cats", "cat"), ("cities", "city"), ("boxes", "box"), ("glasses", "glass"), ("buses", "bus"), ("bus", "bus"),
        ("wolves", "wolf"), ("women", "woman"), ("drinking", "drink"), ("running", "run"), ("dancing", "dance"),
        ("riding", "ride"), ("reading", "read"), ("king", "king"), ("ring", "ring"), ("spring", "spring"),
        ("child's", "child"),
    ],
)  # fmt: skip
def test_a_word_loses_its_plural_and_ing_endings_only_where_it_has_them(word: str, root: str) -> None:
    assert stem(word) == root


def test_tokens_are_lower_case_without_accents_and_han_is_split_by_character() -> None:
    assert tokenize("Two CATS, drinking Café—猫の絵") == ["two", "cat", "drink", "cafe", "猫", "の", "絵"]


def test_a_name_counts_more_than_a_caption() -> None:
    assert [row for row, _ in TextIndex(ANIMALS).search("dogs", 3)] == [1, 0]


def test_a_verb_form_finds_the_verb() -> None:
    assert [row for row, _ in TextIndex(ANIMALS).search("drinks", 3)] == [1]


def test_a_synonym_finds_what_the_word_itself_does_not_name() -> None:
    assert TextIndex(ANIMALS).search("kitty", 1)[0][0] == 0
    assert TextIndex(ANIMALS, synonyms={}).search("kitty", 1) == []


def test_unknown_words_and_stop_words_find_nothing() -> None:
    assert TextIndex(ANIMALS).search("zorblax of the", 5) == []


def test_excluded_rows_are_left_out() -> None:
    assert [row for row, _ in TextIndex(ANIMALS).search("dog", 5, exclude={1})] == [0]


def test_equal_scores_are_ordered_by_row_also_where_top_k_cuts_through_them() -> None:
    index = TextIndex(["blue bird"] * 9)
    assert [row for row, _ in index.search("bird", 4)] == [0, 1, 2, 3]


def test_scores_are_those_of_the_bm25_formula() -> None:
    index = TextIndex(["cat cat dog", "dog", "bird fish"], synonyms={})
    rarity, frequency, norm = 0.9808292530117262, 2.0, 1.2 * (0.25 + 0.75 * 3 / 2)
    assert index.search("cat", 1)[0][1] == pytest.approx(rarity * frequency * 2.2 / (frequency + norm))


def test_an_empty_index_an_empty_query_and_top_k_zero_give_nothing() -> None:
    assert TextIndex([]).search("cat", 3) == []
    assert TextIndex(ANIMALS).search("", 3) == []
    assert TextIndex(ANIMALS).search("cat", 0) == []


def test_the_index_says_which_words_it_holds() -> None:
    index = TextIndex(ANIMALS)
    assert "Cats" in index
    assert "zebra" not in index
    assert len(index) == 3


def test_every_shipped_synonym_is_written_as_the_stem_that_queries_have() -> None:
    assert all(stem(word) == word for word in shipped_synonyms())


@given(st.text(max_size=200), st.integers(min_value=0, max_value=5))
def test_any_text_is_searched_without_error_and_best_first(query: str, top_k: int) -> None:
    hits = TextIndex(ANIMALS).search(query, top_k)
    assert len(hits) <= top_k
    assert hits == sorted(hits, key=lambda hit: (-hit[1], hit[0]))
    assert all(token == token.casefold() for token in tokenize(query))


def test_a_query_over_ten_thousand_documents_costs_less_than_scanning_a_tenth_of_them() -> None:
    draw = random.Random(7)
    words = [f"w{n}" for n in range(2000)]
    documents = [" ".join(draw.choices(words, k=12)) for _ in range(10_000)]
    index = TextIndex(documents)
    queries = [" ".join(draw.choices(words, k=5)) for _ in range(50)]
    start = time.thread_time()
    for query in queries:
        index.search(query, 10)
    indexed = time.thread_time() - start
    start = time.thread_time()
    for document in documents[:1000]:
        tokenize(document)
    scanned = (time.thread_time() - start) * len(queries)
    assert indexed < scanned
