"""What every embedder passes: vectors of one shape and length, by the picture alone, and texts that stay texts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.embedders.samples import sample_pictures

if TYPE_CHECKING:
    from pathlib import Path

    from imagegen_kit.retrieval.base import Embedder

MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F")
SIZES = ((1, 1), (2, 900), (900, 2), (640, 480))
TEXTS = (
    "a red kite",
    "fox",
    "",
    "  \n\t",
    "図書館 🦊 e\u0301",
    "before\0after",
    "\ud800",
    "<|endoftext|> kite",
    "x " * 9000,
)
ALIKE = 1e-4  # how far the same picture's vector may lie away in another batch: sums in another order


class EmbedderContract:
    """Subclass it, and name an embedder in ``embedder``, or write a fixture ``subject`` that returns one.

    A fixture ``changed`` returns an embedder with other weights or settings, whose fingerprint has to differ.
    """

    embedder: ClassVar[str] = ""

    @pytest.fixture
    def subject(self) -> Embedder:
        """The embedder under test: the installed one that ``embedder`` names."""
        from imagegen_kit.retrieval.embedders import load_embedder

        return load_embedder(self.embedder)

    @pytest.fixture
    def changed(self) -> Embedder | None:
        """An embedder that gives other vectors than ``subject``; None where there is no other."""
        return None

    @pytest.fixture
    def again(self, subject: Embedder) -> Embedder:
        """The embedder under test, made a second time; the same object where it cannot be made by its name."""
        if not self.embedder:
            return subject
        from imagegen_kit.retrieval.embedders import load_embedder

        return load_embedder(self.embedder)

    def test_it_says_what_it_is(self, subject: Embedder) -> None:
        """A name, 64 hex digits, a dimension, and what it embeds: pictures, and texts where it can."""
        assert subject.name, "`name` is empty"
        assert len(subject.fingerprint) == 64 and set(subject.fingerprint) <= set("0123456789abcdef"), (  # noqa: PT018
            f"`fingerprint` is {subject.fingerprint!r}, not 64 hex digits: hashlib.sha256(…).hexdigest()"
        )
        assert type(subject.dimension) is int and subject.dimension > 0, "`dimension` is no whole number"  # noqa: PT018
        assert {"image"} <= set(subject.modalities) <= {"image", "text"}, f"`modalities` are {subject.modalities}"

    def test_pictures_become_vectors_of_length_1(self, subject: Embedder) -> None:
        """(n, dimension) float32, each of length 1, and the pictures stay as they were."""
        pictures = sample_pictures()
        before = [p.tobytes() for p in pictures]
        _sound(subject, subject.embed_images(pictures), len(pictures))
        assert [p.tobytes() for p in pictures] == before, "embed_images has drawn on what it was given"

    @pytest.mark.parametrize("mode", MODES)
    def test_pictures_of_every_mode_and_shape_are_taken(self, subject: Embedder, mode: str) -> None:
        """Grey, palette, CMYK, 16 bits, transparent; one pixel, and strips."""
        _sound(subject, subject.embed_images([Image.new(mode, size) for size in SIZES]), len(SIZES))

    def test_what_is_transparent_is_white(self, subject: Embedder) -> None:
        """A picture on nothing is the picture on white paper, whatever colour lies behind the transparency."""
        paper, clear = Image.new("RGB", (64, 64), "white"), Image.new("RGBA", (64, 64), (200, 10, 10, 0))
        for picture in (paper, clear):
            picture.paste((20, 90, 200), (16, 16, 40, 56))
        seen, wanted = subject.embed_images([clear, paper])
        assert _apart(seen, wanted) < ALIKE, "lay transparent pictures on white first"

    def test_the_same_picture_has_the_same_vector(self, subject: Embedder, again: Embedder) -> None:
        """Today and tomorrow, from one object and from the next."""
        pictures = sample_pictures()
        first = subject.embed_images(pictures)
        assert _apart(first, subject.embed_images(pictures)) < ALIKE, "the vectors change from call to call"
        assert _apart(first, again.embed_images(pictures)) < ALIKE, "the vectors change from object to object"

    def test_a_vector_depends_on_its_picture_alone(self, subject: Embedder) -> None:
        """Neither on the order nor on the company."""
        pictures = sample_pictures()
        together = subject.embed_images(pictures)
        assert _apart(together[::-1], subject.embed_images(pictures[::-1])) < ALIKE, "the order changes the vectors"
        alone = np.concatenate([subject.embed_images([p]) for p in pictures])
        assert _apart(together, alone) < ALIKE, "the rest of the batch changes a vector"
        many = subject.embed_images(pictures * 4)  # more than one batch
        assert _apart(np.tile(together, (4, 1)), many) < ALIKE, "a second batch changes the vectors"

    def test_different_pictures_have_different_vectors(self, subject: Embedder) -> None:
        """Twelve drawings give twelve vectors."""
        vectors = subject.embed_images(sample_pictures())
        closest = (vectors @ vectors.T - 2 * np.eye(len(vectors))).max()
        assert closest < 1 - 1e-6, "two different pictures have the same vector"

    def test_nothing_gives_no_vectors(self, subject: Embedder) -> None:
        """An empty list gives an array of shape (0, dimension)."""
        assert subject.embed_images([]).shape == (0, subject.dimension)
        if "text" in subject.modalities:
            assert subject.embed_texts([]).shape == (0, subject.dimension)

    def test_texts_become_vectors_of_length_1(self, subject: Embedder) -> None:
        """Also an empty one, a very long one, and characters that no file holds; each by itself as in company."""
        _reads_texts(subject)
        together = subject.embed_texts(TEXTS)
        _sound(subject, together, len(TEXTS))
        alone = np.concatenate([subject.embed_texts([text]) for text in TEXTS])
        assert _apart(together, alone) < ALIKE, "the rest of the batch changes a text's vector: pad to a fixed length"

    def test_without_texts_it_says_so(self, subject: Embedder) -> None:
        """An embedder of pictures only refuses texts in plain words."""
        if "text" in subject.modalities:
            pytest.skip(f"{subject.name} reads texts")
        with pytest.raises(InvalidInput):
            subject.embed_texts(["a red kite"])

    def test_a_text_is_never_opened(self, subject: Embedder, tmp_path: Path) -> None:
        """A text that names a picture, or an address, is embedded as the words that it is."""
        _reads_texts(subject)
        canary = tmp_path / "canary.png"
        Image.new("RGB", (64, 64), "red").save(canary)
        texts = [str(canary), canary.as_uri(), "http://127.0.0.1:9/canary.png", "data:image/png;base64,AAAA"]
        with _watched(canary.name) as seen:
            vectors = subject.embed_texts(texts)
        assert not seen, f"embed_texts has touched {seen}: never hand a text to what opens files or addresses"
        _sound(subject, vectors, len(texts))
        (picture,) = subject.embed_images([Image.open(canary)])
        assert _apart(vectors[0], picture) > ALIKE, "the text that names a picture got the picture's vector"

    @pytest.mark.parametrize("thing", ["canary.png", b"\x89PNG", None, 7], ids=repr)
    def test_what_is_no_picture_is_refused(self, subject: Embedder, thing: Any, tmp_path: Path) -> None:
        """A path or bytes in place of a picture are refused, not opened."""
        Image.new("RGB", (8, 8)).save(tmp_path / "canary.png")
        given = str(tmp_path / thing) if isinstance(thing, str) else thing
        with _watched("canary.png") as seen, pytest.raises((InvalidInput, TypeError)):
            subject.embed_images([given])
        assert not seen, "embed_images opened a path; it is given pictures that were opened and checked"

    def test_threads_get_the_vectors_of_their_own_pictures(self, subject: Embedder) -> None:
        """Eight calls at once give what the same calls give one after the other."""
        pictures = sample_pictures()[:8]
        wanted = subject.embed_images(pictures)
        words = [f"kite {'and kite ' * n}" for n in range(8)] if "text" in subject.modalities else []
        wanted_words = subject.embed_texts(words) if words else None
        with ThreadPoolExecutor(8) as threads:
            found = np.concatenate(list(threads.map(lambda p: subject.embed_images([p]), pictures)))
            found_words = list(threads.map(lambda text: subject.embed_texts([text]), words))
        assert _apart(found, wanted) < ALIKE, "threads change each other's vectors"
        if wanted_words is not None:
            assert _apart(np.concatenate(found_words), wanted_words) < ALIKE, "threads change each other's texts"

    def test_its_fingerprint_stays_and_changes(
        self, subject: Embedder, again: Embedder, changed: Embedder | None
    ) -> None:
        """The same embedder has the same fingerprint in the next session; another has another."""
        assert again.fingerprint == subject.fingerprint, "the fingerprint changes without a reason"
        if changed is not None:
            assert changed.fingerprint != subject.fingerprint, "other vectors, and the same fingerprint"


def _sound(subject: Embedder, vectors: Any, count: int) -> None:
    assert isinstance(vectors, np.ndarray), f"a {type(vectors).__name__} came back, not an array"
    assert vectors.shape == (count, subject.dimension), f"{vectors.shape} came back for {count} inputs"
    assert vectors.dtype == np.float32, f"the vectors are {vectors.dtype}, not float32"
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    assert np.allclose(lengths, 1, atol=1e-4), f"the vectors are {lengths.round(4)} long, not 1"


def _apart(one: Any, other: Any) -> float:
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())


def _reads_texts(subject: Embedder) -> None:
    if "text" not in subject.modalities:
        pytest.skip(f"{subject.name} embeds pictures only")


class _Watch:
    """What Python's audit events tell; a hook can never be taken away, so there is one for all tests."""

    wanted: ClassVar[str] = ""
    seen: ClassVar[list[str]] = []
    installed: ClassVar[bool] = False

    @classmethod
    def hear(cls, event: str, arguments: tuple[Any, ...]) -> None:
        if not cls.wanted:
            return
        opened = event in ("open", "os.listdir", "os.scandir") and cls.wanted in str(arguments[0])
        if opened or event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
            cls.seen.append(event)


@contextmanager
def _watched(name: str) -> Iterator[list[str]]:
    """Yield a list of the events that open a file of this ``name``, or a connection."""
    if not _Watch.installed:
        sys.addaudithook(_Watch.hear)
        _Watch.installed = True
    _Watch.wanted, _Watch.seen = name, []
    try:
        yield _Watch.seen
    finally:
        _Watch.wanted = ""
