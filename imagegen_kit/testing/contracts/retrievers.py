"""What every retriever passes: it finds what is asked, within the filter, the same each time, and changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from PIL import Image, ImageDraw

from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.base import Brief, Found, Hit
from imagegen_kit.testing.contracts.embedders import _watched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagegen_kit.retrieval.base import Retriever
    from imagegen_kit.retrieval.library import Library

INKS = ("red", "blue", "green", "gold", "purple", "black")
FORMS = ("circle", "square")
TEXTS = ("zxqj", "\0", "\ud800 red", "red " * 3000, "図書館 🦊", "'; drop table items; --", "<b>", "%_*", "#", "the of")


def drawn(ink: str, form: str) -> Image.Image:
    """Return a circle or a square of one colour on white, 96 × 96 pixels."""
    image = Image.new("RGB", (96, 96), "white")
    draw = ImageDraw.Draw(image)
    (draw.ellipse if form == "circle" else draw.rectangle)((20, 20, 76, 76), ink)
    return image


class RetrieverContract:
    """Subclass it, and name a retriever in ``retriever``, or write a fixture ``subject`` that returns one.

    It is asked in a library of twelve drawings, circles and squares of six colours, with captions like "a red circle on
    white", the circles in the role "character". ``text`` is a query in words that finds some of them, None for a
    retriever that reads no words; ``looks`` says whether it looks at pictures that it is asked with. ``embedder`` is
    that of the library.
    """

    retriever: ClassVar[str] = ""
    text: ClassVar[str | None] = "a red circle"
    looks: ClassVar[bool] = True
    embedder: ClassVar[str] = "offline"

    @pytest.fixture
    def subject(self) -> Retriever:
        """The retriever under test: the installed one that ``retriever`` names."""
        from imagegen_kit.retrieval.retrievers import load_retriever

        return load_retriever(self.retriever)

    @pytest.fixture(scope="class")
    @classmethod
    def library(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
        """A library that no check changes."""
        library = cls.filled(cls.make_library(tmp_path_factory.mktemp("library")))
        yield library
        if hasattr(library, "close"):
            library.close()

    @classmethod
    def make_library(cls, folder: Path) -> Any:
        """Return an empty library in ``folder``."""
        from imagegen_kit.retrieval.library import Library

        return Library.open(folder, embedder=cls.embedder)

    @classmethod
    def add_to(cls, library: Any, image: Image.Image, **about: Any) -> None:
        """Add a picture to a library."""
        library.add(image, **about)

    @classmethod
    def filled(cls, library: Any) -> Any:
        """Return ``library`` with the twelve drawings in it."""
        for form in FORMS:
            for ink in INKS:
                role = "character" if form == "circle" else "content"
                about = {"name": f"{ink} {form}", "caption": f"a {ink} {form} on white", "role": role}
                cls.add_to(library, drawn(ink, form), id=f"{ink}-{form}", tags=(ink, form), **about)
        return library

    def briefs(self, **more: Any) -> list[Brief]:
        """Return one brief of each kind that the retriever takes: words, a picture, both."""
        told: list[dict[str, Any]] = []
        if self.text is not None:
            told.append({"text": self.text})
        if self.looks:
            told.append({"images": (drawn("red", "circle"),)})
        if len(told) == 2:
            told.append({**told[0], **told[1]})
        assert told, "`text` is None and `looks` is False: what can this retriever be asked?"
        return [Brief(**one, **{"top_k": 5, **more}) for one in told]

    def test_it_has_a_name(self, subject: Retriever) -> None:
        """Its ``name`` is what it is called by in tables and reports."""
        assert isinstance(subject.name, str) and subject.name, "give it a `name`"  # noqa: PT018
        if self.retriever:
            assert subject.name == self.retriever, f"it is registered as {self.retriever!r} and calls itself otherwise"

    def test_it_finds_what_is_asked(self, subject: Retriever, library: Library) -> None:
        """Words find what they describe, and a picture that is in the library finds itself, first."""
        for brief in self.briefs():
            ids = _ids(library, subject.retrieve(library, brief))
            assert ids, f"nothing was found for {_said(brief)}"
            assert not brief.images or ids[0] == "red-circle", f"{_said(brief)} found {ids[0]} first"

    @pytest.mark.parametrize("top_k", [0, 1, 3, 1000])
    def test_it_returns_no_more_than_was_asked(self, subject: Retriever, library: Library, top_k: int) -> None:
        """At most ``top_k`` hits, each an item of the library, none twice."""
        for brief in self.briefs(top_k=top_k, dedup=False):
            found = _sound(subject.retrieve(library, brief))
            numbers = [hit.number for hit in found.hits]
            assert len(numbers) <= top_k, f"{len(numbers)} hits for top_k={top_k}"
            assert len(set(numbers)) == len(numbers), "an item came twice"
            assert set(numbers) <= set(library.numbers().tolist()), "a hit is no item of the library"

    def test_the_best_comes_first(self, subject: Retriever, library: Library) -> None:
        """Ranks are their channel's own, from 1, and where one channel answers alone, scores never rise."""
        for brief in self.briefs(top_k=12, dedup=False):
            hits = _sound(subject.retrieve(library, brief)).hits
            for channel in {name for hit in hits for name in hit.channels}:
                said = sorted((h.channels[channel] for h in hits if channel in h.channels), key=lambda c: c.rank)
                ranks = [one.rank for one in said]
                assert len(set(ranks)) == len(ranks) and ranks[0] >= 1, f"the ranks of {channel!r} are {ranks}"  # noqa: PT018
                scores = [one.score for one in said]
                assert scores == sorted(scores, reverse=True), f"in {channel!r} a worse rank has a better score"
            if len({name for hit in hits for name in hit.channels}) <= 1:
                scores = [hit.score for hit in hits]
                assert scores == sorted(scores, reverse=True), f"scores rise: {scores}"

    def test_it_keeps_to_the_filter(self, subject: Retriever, library: Library) -> None:
        """Only items that ``where`` lets through, and none where it lets none through."""
        allowed = set(library.numbers({"role": "character"}).tolist())
        for brief in self.briefs(where={"role": "character"}, top_k=12, dedup=False):
            numbers = [hit.number for hit in _sound(subject.retrieve(library, brief)).hits]
            assert set(numbers) <= allowed, "an item came that `where` does not let through"
            assert numbers, "nothing came: filter before ranking, not after"
            assert not subject.retrieve(library, replace(brief, where={"role": "mask"})).hits
        for brief in self.briefs(where={"role": "character"}, top_k=1):
            assert subject.retrieve(library, brief).hits, "filter before ranking: the best of those let through"

    def test_an_unknown_filter_is_refused(self, subject: Retriever, library: Library) -> None:
        """A field that no item has is an error, never "everything" or "nothing"."""
        for brief in self.briefs(where={"no_such_field_anywhere": 1}):
            with pytest.raises(InvalidInput):
                subject.retrieve(library, brief)

    def test_the_same_brief_has_the_same_answer(self, subject: Retriever, library: Library) -> None:
        """Whatever was asked in between."""
        briefs = self.briefs(diversity=0.3)
        first = [subject.retrieve(library, brief).hits for brief in briefs]
        again = [subject.retrieve(library, brief).hits for brief in reversed(briefs)]
        assert first == again[::-1], "the answer changes from call to call"

    def test_a_least_score_keeps_worse_ones_out(self, subject: Retriever, library: Library) -> None:
        """``min_score`` is on the hit's score."""
        for brief in self.briefs(top_k=12, dedup=False):
            scores = [hit.score for hit in subject.retrieve(library, brief).hits]
            least = (max(scores) + min(scores)) / 2
            kept = [hit.score for hit in subject.retrieve(library, replace(brief, min_score=least)).hits]
            assert kept and min(kept) >= least, f"min_score={least:.3f} let {min(kept, default=0):.3f} through"  # noqa: PT018

    @pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
    def test_any_words_can_be_asked(self, subject: Retriever, library: Library, text: str) -> None:
        """Nothing found, or a plain InvalidInput, but no other error."""
        if self.text is None:
            pytest.skip(f"{subject.name} reads no words")
        _asked(subject, library, Brief(text=text))

    @pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1)], ids=str)
    @pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
    def test_any_picture_can_be_asked(
        self, subject: Retriever, library: Library, mode: str, size: tuple[int, int]
    ) -> None:
        """One pixel, a strip, transparent, grey, print colours."""
        if not self.looks:
            pytest.skip(f"{subject.name} looks at no pictures")
        _asked(subject, library, Brief(images=(Image.new(mode, size),)))

    def test_every_part_of_a_brief_is_taken(self, subject: Retriever, library: Library) -> None:
        """A part that it cannot use is left out, with a note, not answered with an error."""
        more: list[dict[str, Any]] = [
            {"negative": "blue"},
            {"negative_images": (drawn("blue", "square"),)},
            {"diversity": 1.0},
            {"dedup": False},
            {"weights": {"text": 1.0, "image": 2.0, "text_to_image": 0.5}},
            {"min_score": {"text": 0.1}},
        ]
        for brief in self.briefs():
            for part in more:
                _sound(subject.retrieve(library, replace(brief, **part)))

    def test_words_are_never_opened(self, subject: Retriever, library: Library, tmp_path: Path) -> None:
        """A text that names a picture, or an address, is looked for as the words that it is."""
        if self.text is None:
            pytest.skip(f"{subject.name} reads no words")
        canary = tmp_path / "canary.png"
        drawn("red", "circle").save(canary)
        for text in (str(canary), canary.as_uri(), "http://127.0.0.1:9/canary.png"):
            for brief in (Brief(text=text), Brief(text=self.text, negative=text)):
                with _watched(canary.name) as seen:
                    _asked(subject, library, brief)
                assert not seen, f"it has touched {seen}: never hand a text to what opens files or addresses"

    def test_an_empty_library_has_no_hits(self, subject: Retriever, tmp_path: Path) -> None:
        """And is no error: whoever asks has the words for it."""
        empty = self.make_library(tmp_path / "empty")
        for brief in self.briefs():
            assert not _sound(subject.retrieve(empty, brief)).hits

    def test_threads_get_their_own_answers(self, subject: Retriever, library: Library) -> None:
        """Eight at once get what they get one after the other."""
        briefs = [brief for ink in ("red", "blue", "green") for brief in self._of_colour(ink)]
        wanted = [subject.retrieve(library, brief).hits for brief in briefs]
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda brief: subject.retrieve(library, brief).hits, briefs * 4))
        assert found == wanted * 4, "threads change each other's answers"

    def _of_colour(self, ink: str) -> list[Brief]:
        text, images = (self.text or "").replace("red", ink), (drawn(ink, "circle"),)
        return [
            replace(b, text=text if b.text else None, images=images if b.images else ()) for b in self.briefs(top_k=12)
        ]

    def test_the_library_stays_as_it_was(self, subject: Retriever, library: Library) -> None:
        """A search reads; items, their order and the library's state are the same after it."""
        before = (library.state, library.items(library.numbers()))
        for brief in self.briefs():
            subject.retrieve(library, brief)
        assert (library.state, library.items(library.numbers())) == before, "the library has changed"

    def test_what_was_added_is_found(self, subject: Retriever, tmp_path: Path) -> None:
        """Whatever it has kept of a library is of that library, and of the state that it was in."""
        first, other = (self.make_library(tmp_path / name) for name in ("first", "other"))
        for ink in ("blue", "green"):
            self.add_to(first, drawn(ink, "square"), id=ink, name=f"{ink} square", tags=(ink,))
            self.add_to(other, drawn(ink, "circle"), id=f"other-{ink}", name=f"{ink} circle", tags=(ink,))
        for brief in self.briefs():
            subject.retrieve(first, brief)
            assert all(id.startswith("other-") for id in _ids(other, subject.retrieve(other, brief)))
        self.add_to(first, drawn("red", "circle"), id="new", name="red circle", caption="a red circle", tags=("red",))
        for brief in self.briefs():
            assert _ids(first, subject.retrieve(first, brief))[:1] == ["new"], "what was added is not found"


def _sound(found: Any) -> Found:
    assert isinstance(found, Found), f"retrieve() returned {type(found).__name__}; return a Found"
    assert isinstance(found.hits, tuple) and all(isinstance(hit, Hit) for hit in found.hits), "hits: a tuple of Hit"  # noqa: PT018
    for hit in found.hits:
        scores = [hit.score, *(said.score for said in hit.channels.values())]
        assert all(0 <= score <= 1 for score in scores), f"scores are from 0 to 1, not {scores}"
    return found


def _asked(subject: Retriever, library: Library, brief: Brief) -> None:
    try:
        found = subject.retrieve(library, brief)
    except InvalidInput:
        return
    _sound(found)


def _ids(library: Library, found: Any) -> list[str]:
    return [item.id for item in library.items([hit.number for hit in _sound(found).hits])]


def _said(brief: Brief) -> str:
    parts = [repr(brief.text)] if brief.text else []
    return " and ".join(parts + ["a picture"] * len(brief.images))
