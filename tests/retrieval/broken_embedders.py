"""A sound embedder that somebody else may have written, and ones that are broken in one way each.

Collected only by ``test_contract_embedders.py``; ``Test_x`` has to fail the check ``x`` of the contract.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.errors import InvalidInput
from imagegen_kit.imaging.encode import flatten
from imagegen_kit.testing.contracts import EmbedderContract

_made = itertools.count()


class Squares:
    """Eight by eight squares of colour; a text is the colours that its bytes give."""

    name = "squares"
    dimension = 192
    modalities: Any = frozenset({"image", "text"})

    def __init__(self, seed: int = 0) -> None:
        self.shift = np.random.default_rng(seed).normal(size=self.dimension)
        self.fingerprint = hashlib.sha256(f"squares {seed}".encode()).hexdigest()

    def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        for image in images:
            if not isinstance(image, Image.Image):
                raise InvalidInput(f"a {type(image).__name__} is no picture.")
        seen = [np.asarray(self.paper(image).resize((8, 8)), dtype=np.float64).ravel() for image in images]
        return self.unit(np.reshape(seen, (-1, self.dimension)) / 255)

    def paper(self, image: Image.Image) -> Image.Image:
        return flatten(image)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        digests = [hashlib.shake_256(t.encode("utf-8", "replace")).digest(self.dimension) for t in texts]
        return self.unit(np.reshape([list(d) for d in digests], (-1, self.dimension)) / 255)

    def unit(self, vectors: np.ndarray) -> np.ndarray:
        moved = vectors + 0.1 * self.shift
        return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)


class OfSquares(EmbedderContract):
    kind: type[Squares] = Squares

    @pytest.fixture
    def subject(self) -> Any:
        return self.kind()

    @pytest.fixture
    def again(self) -> Any:
        return self.kind()

    @pytest.fixture
    def changed(self) -> Any:
        return self.kind(1)


class TestSound(OfSquares):
    pass


class TestPicturesOnly(OfSquares):
    class kind(Squares):
        modalities = frozenset({"image"})

        def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
            raise InvalidInput("squares know no texts.")


class Test_it_says_what_it_is(OfSquares):
    class kind(Squares):
        modalities = frozenset({"image", "text", "sound"})


class Test_pictures_become_vectors_of_length_1(OfSquares):
    class kind(Squares):
        def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
            vectors = super().embed_images(images)
            return vectors if len({i.mode for i in images}) != 1 or images[0].size != (256, 256) else vectors * 2


class Test_pictures_of_every_mode_and_shape_are_taken(OfSquares):
    class kind(Squares):
        def paper(self, image: Image.Image) -> Image.Image:
            if image.mode == "I;16":
                raise ValueError("illegal image mode")
            return flatten(image)


class Test_what_is_transparent_is_white(OfSquares):
    class kind(Squares):
        def paper(self, image: Image.Image) -> Image.Image:
            return image.convert("RGB")


class Test_the_same_picture_has_the_same_vector(OfSquares):
    class kind(Squares):
        def __init__(self, seed: int = 0) -> None:
            super().__init__(seed)
            self.shift = self.shift * (1 + next(_made))


class Test_a_vector_depends_on_its_picture_alone(OfSquares):
    class kind(Squares):
        def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
            vectors = super().embed_images(images)
            return vectors if len(images) != 1 else self.unit(vectors)


class Test_different_pictures_have_different_vectors(OfSquares):
    class kind(Squares):
        def paper(self, image: Image.Image) -> Image.Image:
            seen = flatten(image)
            return seen.crop((0, 0, 1, 1)).point(lambda value: value // 64)


class Test_nothing_gives_no_vectors(OfSquares):
    class kind(Squares):
        def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
            return super().embed_images(images) if len(images) else np.empty(0, dtype=np.float32)


class Test_texts_become_vectors_of_length_1(OfSquares):
    class kind(Squares):
        def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
            longest = max(map(len, texts), default=0)  # padded to the longest of the batch
            return super().embed_texts([t.ljust(longest) for t in texts] if "" in texts else texts)


class Test_without_texts_it_says_so(OfSquares):
    class kind(Squares):
        modalities = frozenset({"image"})


class Test_a_text_is_never_opened(OfSquares):
    class kind(Squares):
        def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
            rows = [
                self.embed_images([Image.open(t)]) if t.endswith(".png") and Path(t).is_file() else None for t in texts
            ]
            plain = super().embed_texts(texts)
            return np.concatenate(
                [row if row is not None else plain[n : n + 1] for n, row in enumerate(rows)] or [plain]
            )


class Test_what_is_no_picture_is_refused(OfSquares):
    class kind(Squares):
        def embed_images(self, images: Sequence[Any]) -> np.ndarray:
            return super().embed_images([Image.open(i) if isinstance(i, str) else i for i in images])


class Test_threads_get_the_vectors_of_their_own_pictures(OfSquares):
    class kind(Squares):
        def embed_images(self, images: Sequence[Image.Image]) -> np.ndarray:
            import threading

            vectors = super().embed_images(images)
            return vectors if threading.current_thread() is threading.main_thread() else vectors[:, ::-1]


class Test_its_fingerprint_stays_and_changes(OfSquares):
    class kind(Squares):
        def __init__(self, seed: int = 0) -> None:
            super().__init__(seed)
            self.fingerprint = "a" * 64
