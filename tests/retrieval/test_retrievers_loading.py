"""A retriever by its name: the kit's own, one that was registered, one that is given as it is."""

from __future__ import annotations

from typing import Any

import pytest

from imagegen_kit.errors import InvalidInput, PluginError, UnknownName
from imagegen_kit.hookspecs import RetrieverSpec
from imagegen_kit.registry import get_registry, register
from imagegen_kit.retrieval.base import Brief, Found, Hit
from imagegen_kit.retrieval.retrievers import load_retriever, search
from imagegen_kit.retrieval.retrievers.hybrid import HybridRetriever
from tests.retrieval.small_library import SmallLibrary

pytestmark = pytest.mark.usefixtures("own_registry")


class First:
    """Finds the first items of a library."""

    name = "first"

    def retrieve(self, library: Any, brief: Brief) -> Found:
        numbers = library.numbers(brief.where)[: brief.top_k].tolist()
        return Found(tuple(Hit(number, 0.5) for number in numbers))


def test_the_default_is_hybrid_and_is_made_once() -> None:
    assert isinstance(load_retriever(), HybridRetriever)
    assert load_retriever("hybrid") is load_retriever()


def test_it_comes_through_the_hook_as_any_other() -> None:
    assert get_registry().retrievers()["hybrid"].kind == "retriever"
    (record,) = [r for r in get_registry().plugins() if "retriever:hybrid" in r.offers]
    assert record.distribution == "imagegen-kit"


def test_a_registered_retriever_answers_by_its_name(small: SmallLibrary) -> None:
    register(RetrieverSpec("first", target=First))
    hits = search(small, "ball", retriever="first", top_k=2)
    assert hits.ids == ["ball-red", "ball-blue"]
    assert hits.explain().retriever == "first"
    assert hits.explain().share is None
    assert list(hits.table()) == ["rank", "id", "name", "role", "caption", "score", "path"]


def test_an_object_or_a_class_is_used_as_it_is(small: SmallLibrary) -> None:
    assert search(small, "ball", retriever=First(), top_k=1).ids == ["ball-red"]
    assert search(small, "ball", retriever=First, top_k=1).ids == ["ball-red"]  # type: ignore[arg-type]


def test_an_unknown_name_suggests_near_ones() -> None:
    with pytest.raises(UnknownName, match="'hybrid'"):
        load_retriever("hibryd")


def test_an_embedder_is_no_retriever() -> None:
    register(RetrieverSpec("colours", target=First, kind="embedder"))
    with pytest.raises(UnknownName):
        load_retriever("colours")


@pytest.mark.parametrize("thing", [7, object(), int], ids=["number", "object", "class"])
def test_what_is_no_retriever_is_refused(thing: Any) -> None:
    with pytest.raises((InvalidInput, PluginError), match="retriev"):
        load_retriever(thing)


def test_one_that_cannot_be_made_says_why() -> None:
    class Broken:
        def __init__(self) -> None:
            raise RuntimeError("no disk")

    with pytest.raises(PluginError, match="no disk"):
        load_retriever(Broken)


@pytest.mark.parametrize(
    "answer", [None, [], Found(tuple(Hit(10, 0.5) for _ in range(4)))], ids=["None", "list", "long"]
)
def test_an_answer_that_breaks_the_contract_is_refused(small: SmallLibrary, answer: Any) -> None:
    class Wrong:
        name = "wrong"

        def retrieve(self, library: Any, brief: Brief) -> Any:
            return answer

    with pytest.raises(PluginError, match="'wrong' returned"):
        search(small, "ball", retriever=Wrong())
