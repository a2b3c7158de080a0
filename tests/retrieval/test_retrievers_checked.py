"""A retriever that breaks its contract is named, with what is wrong, and its answer is not believed."""

from __future__ import annotations

from typing import Any

import pytest

from imagegen_kit.errors import InvalidInput, PluginError
from imagegen_kit.retrieval.base import Brief, ChannelHit, Found, Hit
from imagegen_kit.retrieval.retrievers import search
from tests.retrieval.small_library import SmallLibrary


class Answering:
    """Returns the hits that it was made with, whatever is asked."""

    name = "other"

    def __init__(self, *hits: Hit) -> None:
        self.found = Found(hits)

    def retrieve(self, library: Any, brief: Brief) -> Found:
        return self.found


def alone(number: int, rank: int, score: float) -> Hit:
    return Hit(number, score, {"text": ChannelHit(rank, score)})


def numbers(library: SmallLibrary) -> list[int]:
    return library.numbers().tolist()


@pytest.mark.parametrize("score", [float("nan"), float("inf"), 1.5, -0.1, "0.5", None])
def test_a_score_is_a_number_from_0_to_1(small: SmallLibrary, score: Any) -> None:
    with pytest.raises(PluginError, match=r"'other' returned .* as the score of item .* no number from 0 to 1"):
        search(small, "ball", retriever=Answering(Hit(numbers(small)[0], score)))
    said = Hit(numbers(small)[0], 0.5, {"text": ChannelHit(1, score)})
    with pytest.raises(PluginError, match="as the text of item"):
        search(small, "ball", retriever=Answering(said))


def test_an_item_comes_once_and_out_of_the_library(small: SmallLibrary) -> None:
    first = numbers(small)[0]
    with pytest.raises(PluginError, match=f"item {first} twice"):
        search(small, "ball", retriever=Answering(Hit(first, 0.5), Hit(first, 0.4)))
    with pytest.raises(PluginError, match="item 987654, which is not in the library"):
        search(small, "ball", retriever=Answering(Hit(987654, 0.5)))
    with pytest.raises(PluginError, match="'ball' as the number"):
        search(small, "ball", retriever=Answering(Hit("ball", 0.5)))  # type: ignore[arg-type]


def test_what_the_filter_leaves_out_does_not_come_back(small: SmallLibrary) -> None:
    role = small.items(numbers(small)[:1])[0].role
    outside = next(i.number for i in small.items(numbers(small)) if i.role != role)
    with pytest.raises(PluginError, match=f"item {outside}, which `where` does not let through"):
        search(small, "ball", retriever=Answering(Hit(outside, 0.5)), where={"role": role})


def test_where_one_channel_answers_scores_never_rise(small: SmallLibrary) -> None:
    a, b = numbers(small)[:2]
    rising = Answering(alone(a, 1, 0.2), alone(b, 2, 0.9))
    with pytest.raises(PluginError, match=r"0\.900 after one with 0\.200"):
        search(small, "ball", retriever=rising)
    assert len(search(small, "ball", retriever=rising, diversity=0.5)) == 2  # variety may put a better one later
    assert len(search(small, "ball", retriever=Answering(Hit(a, 0.2), Hit(b, 0.9)))) == 2  # the order is by rank


def test_an_error_inside_it_names_it_and_stays_the_cause(small: SmallLibrary) -> None:
    class Falling(Answering):
        def retrieve(self, library: Any, brief: Brief) -> Found:
            if brief.top_k == 1:
                raise InvalidInput("I read no words.")
            raise KeyError("weights")

    with pytest.raises(PluginError, match="the retriever 'other' failed: KeyError: 'weights'") as caught:
        search(small, "ball", retriever=Falling())
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(InvalidInput, match="I read no words"):
        search(small, "ball", retriever=Falling(), top_k=1)
