"""The kit's own retriever keeps the contract that every retriever is held to; broken ones do not."""

from __future__ import annotations

import inspect
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagegen_kit.retrieval.base import Brief, ChannelHit, Found, Hit
from imagegen_kit.retrieval.retrievers.hybrid import HybridRetriever
from imagegen_kit.testing.contracts import RetrieverContract
from tests.retrieval.small_library import SmallLibrary


class InMemory(RetrieverContract):
    """Asked in a library in memory; ``wordy`` makes its embedder know words."""

    wordy = False

    @classmethod
    def make_library(cls, folder: Path) -> Any:
        folder.mkdir(exist_ok=True)
        return SmallLibrary(folder, wordy=cls.wordy)


class TestHybridInMemory(InMemory):
    retriever = "hybrid"


class TestHybridWithAnEmbedderOfWords(InMemory):
    retriever = "hybrid"
    wordy = True


class Honest:
    """The hybrid retriever, of which each class below spoils one thing."""

    name = "honest"

    def retrieve(self, library: Any, brief: Brief) -> Found:
        return HybridRetriever().retrieve(library, brief)


class Nameless(Honest):
    name = ""


class Generous(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        return super().retrieve(library, replace(brief, top_k=brief.top_k + 1))


class Twice(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        found = super().retrieve(library, brief)
        return replace(found, hits=(*found.hits[:1], *found.hits)[: brief.top_k])


class Inventive(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        found = super().retrieve(library, brief)
        return replace(found, hits=tuple(replace(hit, number=hit.number + 10_000) for hit in found.hits))


class Backwards(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        found = super().retrieve(library, replace(brief, weights={"image": 1.0} if brief.images else {"text": 1.0}))
        return replace(found, hits=found.hits[::-1])


class Unranked(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        found = super().retrieve(library, brief)
        flat = {"text": ChannelHit(1, 0.5)}
        return replace(found, hits=tuple(Hit(hit.number, hit.score, flat) for hit in found.hits))


class Percent(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        found = super().retrieve(library, brief)
        return replace(found, hits=tuple(replace(hit, score=100 * hit.score) for hit in found.hits))


class Unfiltered(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        library.numbers(brief.where)
        return super().retrieve(library, replace(brief, where=None))


class LateFilter(Honest):
    """Filters what it has found: with a small top_k nothing may be left."""

    def retrieve(self, library: Any, brief: Brief) -> Found:
        asked = replace(brief, where=None, text="gold square", images=())
        found = super().retrieve(library, asked)
        allowed = set(library.numbers(brief.where).tolist())
        return replace(found, hits=tuple(hit for hit in found.hits if hit.number in allowed))


class Lenient(Honest):
    """Takes an unknown filter for none."""

    def retrieve(self, library: Any, brief: Brief) -> Found:
        known = {key: value for key, value in (brief.where or {}).items() if key == "role"}
        return super().retrieve(library, replace(brief, where=known or None))


class Moody(Honest):
    def __init__(self) -> None:
        self.calls = itertools.count()

    def retrieve(self, library: Any, brief: Brief) -> Found:
        found = super().retrieve(library, brief)
        return replace(found, hits=found.hits[next(self.calls) % 2 :])


class Careless(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        return super().retrieve(library, replace(brief, min_score=None))


class Brittle(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        (brief.text or "").encode()
        if any(min(image.size) < 2 for image in brief.images):
            raise ZeroDivisionError
        if brief.negative_images:
            raise NotImplementedError
        return super().retrieve(library, brief)


class Curious(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        for text in filter(None, (brief.text, brief.negative)):
            if "\0" not in text and len(text) < 250 and Path(text.encode("utf-8", "replace").decode()).is_file():
                with Image.open(text) as image:
                    image.load()
        return super().retrieve(library, brief)


class Stale(Honest):
    """Answers as it did when it was first asked."""

    def __init__(self) -> None:
        self.kept: dict[tuple[Any, ...], Found] = {}

    def retrieve(self, library: Any, brief: Brief) -> Found:
        key = (library.path, brief.text, len(brief.images), brief.top_k)
        return self.kept.setdefault(key, super().retrieve(library, brief))


class Meddling(Honest):
    def retrieve(self, library: Any, brief: Brief) -> Found:
        library.state = f"{library.state}!"
        return super().retrieve(library, brief)


class Hopeful(Honest):
    """Finds something in a library that holds nothing."""

    def retrieve(self, library: Any, brief: Brief) -> Found:
        found = super().retrieve(library, brief)
        return found if len(library) else Found((Hit(1, 0.5),))


class Confused(Honest):
    """Keeps what it is asked in one place for all threads."""

    def retrieve(self, library: Any, brief: Brief) -> Found:
        self.brief = brief
        time.sleep(0.005)  # in which others come
        return super().retrieve(library, self.brief)


BROKEN: list[tuple[type, str]] = [
    (Nameless, "test_it_has_a_name"),
    (Generous, "test_it_returns_no_more_than_was_asked"),
    (Twice, "test_it_returns_no_more_than_was_asked"),
    (Inventive, "test_it_returns_no_more_than_was_asked"),
    (Backwards, "test_the_best_comes_first"),
    (Unranked, "test_the_best_comes_first"),
    (Percent, "test_the_best_comes_first"),
    (Unfiltered, "test_it_keeps_to_the_filter"),
    (LateFilter, "test_it_keeps_to_the_filter"),
    (Lenient, "test_an_unknown_filter_is_refused"),
    (Moody, "test_the_same_brief_has_the_same_answer"),
    (Careless, "test_a_least_score_keeps_worse_ones_out"),
    (Brittle, "test_any_words_can_be_asked"),
    (Brittle, "test_any_picture_can_be_asked"),
    (Brittle, "test_every_part_of_a_brief_is_taken"),
    (Curious, "test_words_are_never_opened"),
    (Stale, "test_what_was_added_is_found"),
    (Meddling, "test_the_library_stays_as_it_was"),
    (Hopeful, "test_an_empty_library_has_no_hits"),
    (Confused, "test_threads_get_their_own_answers"),
]
GIVEN = {"top_k": 3, "text": "\ud800 red", "mode": "L", "size": (1, 1)}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Any]:
    return InMemory.filled(InMemory.make_library(tmp_path / "drawings"))


@pytest.mark.parametrize(("spoilt", "check"), BROKEN, ids=lambda one: getattr(one, "__name__", one))
def test_a_broken_retriever_does_not_pass(spoilt: type, check: str, library: Any, tmp_path: Path) -> None:
    asks: Callable[..., None] = getattr(InMemory(), check)
    known = {"library": library, "tmp_path": tmp_path, **GIVEN}
    needed = {name: known[name] for name in inspect.signature(asks).parameters if name != "subject"}
    asks(Honest(), **needed)
    failures = (AssertionError, pytest.fail.Exception, UnicodeEncodeError, ArithmeticError, NotImplementedError)
    with pytest.raises(failures):
        asks(spoilt(), **needed)


def test_each_check_is_failed_by_a_broken_retriever() -> None:
    checks = {name for name in dir(RetrieverContract) if name.startswith("test_")}
    assert checks - {check for _, check in BROKEN} == {"test_it_finds_what_is_asked"}  # by the one below


def test_one_that_finds_nothing_does_not_pass(library: Any) -> None:
    class Silent(Honest):
        def retrieve(self, library: Any, brief: Brief) -> Found:
            return Found(())

    with pytest.raises(AssertionError, match="nothing was found"):
        InMemory().test_it_finds_what_is_asked(Silent(), library)
