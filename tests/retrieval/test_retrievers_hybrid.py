"""The default retriever: each channel, what fuses them, and what is left out."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.retrievers import search
from tests.retrieval.conftest import filled
from tests.retrieval.small_library import SmallLibrary, shape


def channels(hits: object) -> set[str]:
    return set(hits.explain().channels)  # type: ignore[attr-defined]


def test_words_find_captions(small: SmallLibrary) -> None:
    hits = search(small, "a red ball")
    assert hits.ids[0] == "ball-red"
    assert channels(hits) == {"text"}


def test_a_picture_of_the_library_finds_itself_first(small: SmallLibrary) -> None:
    for item in small.items(small.numbers()):
        hits = search(small, image=item.path)
        assert (hits.ids[0], hits.scores[0]) == (item.id, pytest.approx(1.0, abs=1e-6))


def test_words_and_pictures_are_fused(small: SmallLibrary) -> None:
    hits = search(small, "flag", image=shape("blue", "yellow", "bar"))
    assert hits.ids[:2] == ["flag-blue", "flag-red"]
    table = hits.table()
    assert table.loc[0, ["text_rank", "image_rank"]].notna().all()


def test_an_embedder_that_knows_words_looks_at_the_pictures_themselves(wordy: SmallLibrary) -> None:
    wordy.add(shape("magenta", "magenta"), "uncaptioned")
    hits = search(wordy, "magenta")
    assert hits.ids[0] == "uncaptioned"
    assert channels(hits) == {"text", "text_to_image"}


def test_words_find_uncaptioned_pictures_through_what_was_learnt(tmp_path: Path) -> None:
    library = filled(SmallLibrary(tmp_path, learnt=True))
    library.add(shape("magenta", "magenta"), "uncaptioned")
    hits = search(library, "magenta")
    assert hits.ids[0] == "uncaptioned"
    assert any("learnt from 40 of your own captions" in note for note in hits.explain().notes)
    unknown = search(library, "roof").explain()
    assert "it knows none of these words" in " ".join(unknown.notes)
    assert set(unknown.channels) == {"text"}


def test_a_channel_that_cannot_answer_is_left_out_with_a_note(small: SmallLibrary) -> None:
    assert "knows pictures only" in " ".join(search(small, "ball").explain().notes)


def test_weights_name_the_channels_that_are_asked(wordy: SmallLibrary) -> None:
    assert channels(search(wordy, "red ball", weights={"text": 1})) == {"text"}
    assert channels(search(wordy, "red ball", weights={"text": 0, "text_to_image": 2})) == {"text_to_image"}
    notes = " ".join(search(wordy, "red ball", weights={"text": 1}).explain().notes)
    assert "text_to_image not asked" in notes


def test_a_heavier_channel_leads(small: SmallLibrary) -> None:
    query = {"text": "flag", "image": shape("red")}
    assert search(small, **query, weights={"text": 1, "image": 9}).ids[0] == "ball-red"
    assert search(small, **query, weights={"text": 9, "image": 1}).ids[0].startswith("flag")


@pytest.mark.parametrize("weights", [{}, {"text": 0, "image": 0, "text_to_image": 0}, {"text_to_image": 1}], ids=str)
def test_weights_that_leave_nothing_to_search_by_are_refused(small: SmallLibrary, weights: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match="nothing is left to search by"):
        search(small, "ball", weights=weights)


def test_where_filters_before_anything_is_ranked(small: SmallLibrary) -> None:
    hits = search(small, image=shape("red"), where={"role": "setting"}, top_k=10)
    assert sorted(hits.ids) == ["roof-brown", "roof-grey"]
    assert (hits.explain().kept, hits.explain().share) == (2, 0.2)
    assert search(small, "ball", where={"role": "setting"}).ids == []


def test_where_that_lets_nothing_through_says_so(small: SmallLibrary) -> None:
    hits = search(small, "ball", where={"role": "mask"})
    assert len(hits) == 0
    assert "lets no item through" in " ".join(hits.explain().notes)


def test_an_unknown_key_of_where_is_a_fault(small: SmallLibrary) -> None:
    with pytest.raises(InvalidInput, match="colour"):
        search(small, "ball", where={"colour": "red"})


def test_min_score_is_of_the_hit_or_of_a_channel(small: SmallLibrary) -> None:
    every = search(small, image=shape("red"), top_k=10, dedup=False)
    high = search(small, image=shape("red"), top_k=10, dedup=False, min_score=0.7)
    assert high.ids == [i for i, score in zip(every.ids, every.scores, strict=True) if score >= 0.7]
    assert 0 < len(high) < len(every)
    both = search(small, "ball", image=shape("red"), top_k=10, min_score={"text": 0.01})
    assert sorted(both.ids) == ["ball-blue", "ball-green", "ball-red"]
    assert search(small, "ball", min_score={"image": 0.5}).ids == []  # a channel that was not asked found nothing


def test_near_duplicates_of_better_hits_are_left_out(small: SmallLibrary) -> None:
    small.add(shape("red").resize((48, 48)), "ball-red-small")
    small.add(shape("red").point(lambda shade: max(0, shade - 2)), "ball-red-duller")
    hits = search(small, image=shape("red"), top_k=5)
    assert hits.ids[0] == "ball-red"
    assert not {"ball-red-small", "ball-red-duller"} & set(hits.ids)
    assert len(hits) == 5  # others take their places
    assert {"ball-red-small", "ball-red-duller"} <= set(search(small, image=shape("red"), top_k=5, dedup=False).ids)


def test_a_box_is_no_duplicate_of_a_ball_of_its_colour(small: SmallLibrary) -> None:
    hits = search(small, image=shape("red"), top_k=2)
    assert hits.ids == ["ball-red", "box-red"]
    assert hits.scores[1] > 0.97  # colours alone would have taken them for one


def test_a_hundred_copies_do_not_hide_what_comes_after_them(small: SmallLibrary) -> None:
    for place in range(100):
        image = shape("red")
        image.putpixel((0, 0), (255, 255, 255 - place))
        small.add(image, f"copy-{place}")
    hits = search(small, image=shape("red"), top_k=3)
    assert hits.ids == ["ball-red", "box-red", "box-blue"]
    assert max(small.vectors.asked) > min(small.vectors.asked)  # it looked again, further down


def test_the_search_looks_no_deeper_than_it_must(small: SmallLibrary) -> None:
    for place in range(60):
        small.add(shape("red", turn=place * 6, form="corner"), f"turned-{place}")
    search(small, vector=small.embedder.embed_images([shape("blue")])[0], top_k=2)
    assert small.vectors.asked == [8]


def test_diversity_brings_others(small: SmallLibrary) -> None:
    alike = search(small, image=shape("red"), top_k=3)
    varied = search(small, image=shape("red"), top_k=3, diversity=0.8)
    assert varied.ids[0] == alike.ids[0] == "ball-red"

    def closeness(ids: list[str]) -> float:
        numbers = [i.number for i in small.items(small.numbers()) if i.id in ids]
        vectors = small.vectors.vectors_of(numbers)
        return float((vectors @ vectors.T).mean())

    assert closeness(varied.ids) < closeness(alike.ids)


def test_several_pictures_ask_for_what_is_like_all_of_them(small: SmallLibrary) -> None:
    hits = search(small, image=[shape("red", "yellow", "bar"), shape("blue", "yellow", "bar")], top_k=3)
    assert set(hits.ids[:2]) == {"flag-red", "flag-blue"}
    assert hits.scores[0] == pytest.approx(hits.scores[1], abs=0.02)


def test_unwanted_words_take_items_out(small: SmallLibrary) -> None:
    assert "box-blue" in search(small, "blue", top_k=5).ids
    hits = search(small, "blue", negative="photo", top_k=5)
    assert "box-blue" not in hits.ids
    assert set(hits.ids) == {"ball-blue", "flag-blue"}


def test_unwanted_words_that_stand_beside_much_else_let_items_sink(small: SmallLibrary) -> None:
    plain = search(small, image=shape("red"), top_k=10, dedup=False)
    sunk = search(small, image=shape("red"), negative="paper", top_k=10, dedup=False)
    assert sorted(plain.ids) == sorted(sunk.ids)
    assert sunk.ids.index("ball-red") > plain.ids.index("ball-red")


def test_unwanted_pictures_take_out_what_is_nearer_to_them(small: SmallLibrary) -> None:
    hits = search(small, image=shape("red"), negative=shape("blue"), top_k=10)
    assert "ball-red" in hits.ids
    assert not {"ball-blue", "box-blue"} & set(hits.ids)
    by_words = search(small, "ball", negative=[shape("blue")], top_k=10)
    assert set(by_words.ids) == {"ball-red", "ball-green"}


def test_unwanted_words_are_looked_for_in_pictures_where_the_embedder_knows_words(wordy: SmallLibrary) -> None:
    wordy.add(shape("magenta", "magenta"), "plain-magenta")
    wordy.add(shape("lime", "lime"), "plain-lime")
    hits = search(wordy, "magenta", negative="lime", top_k=20)
    assert "plain-magenta" in hits.ids
    assert "plain-lime" not in hits.ids


def test_the_same_question_has_the_same_answer(small: SmallLibrary) -> None:
    asked = {"text": "ball", "image": shape("red"), "diversity": 0.3, "top_k": 6, "negative": "photo"}
    first, again = search(small, **asked), search(small, **asked)
    assert (first.ids, first.scores) == (again.ids, again.scores)


def test_threads_may_search_at_once(wordy: SmallLibrary) -> None:
    expected = search(wordy, "blue ball", image=shape("blue"), top_k=5).ids
    got: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: got.append(search(wordy, "blue ball", image=shape("blue"), top_k=5).ids))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [expected] * 8


def test_searching_by_vector_orders_as_the_cosines_do(small: SmallLibrary) -> None:
    (vector,) = small.embedder.embed_images([shape("green", "black", "box")])
    hits = search(small, vector=vector, top_k=10, dedup=False)
    cosines = small.vectors.vectors_of(small.numbers()) @ vector
    assert hits.scores == pytest.approx(np.sort(cosines)[::-1].clip(0, 1).tolist(), abs=1e-6)
