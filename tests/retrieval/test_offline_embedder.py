"""The offline embedder on real pictures and on odd ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.errors import InvalidInput
from imagegen_kit.retrieval.embedders.mirrored import mirrored_queries
from imagegen_kit.retrieval.embedders.offline import OfflineEmbedder

PICTURES = sorted((Path(__file__).parents[2] / "data/references/pictures").glob("*.webp"))[::5]


@pytest.fixture(scope="module")
def embedder() -> OfflineEmbedder:
    return OfflineEmbedder()


@pytest.fixture(scope="module")
def opened() -> list[Image.Image]:
    return [Image.open(path).convert("RGBA") for path in PICTURES]


@pytest.fixture(scope="module")
def vectors(embedder: OfflineEmbedder, opened: list[Image.Image]) -> np.ndarray:
    return embedder.embed_images(opened)


def on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def test_vectors_have_length_one_and_are_the_same_each_time(
    embedder: OfflineEmbedder, opened: list[Image.Image], vectors: np.ndarray
) -> None:
    assert vectors.shape == (len(opened), embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors, OfflineEmbedder().embed_images(opened))
    assert np.array_equal(vectors[3], embedder.embed_images(opened[3:4])[0])


EDITS = {
    "half the size": lambda im: im.resize((im.width // 2, im.height // 2)),
    "rotated": lambda im: im.rotate(5, Image.Resampling.BICUBIC, fillcolor="white"),
    "cropped": lambda im: im.crop((im.width // 12, im.height // 12, im.width * 11 // 12, im.height * 11 // 12)),
    "mirrored": lambda im: im.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_picture_finds_the_picture(
    embedder: OfflineEmbedder, opened: list[Image.Image], vectors: np.ndarray, name: str
) -> None:
    edited = embedder.embed_images([EDITS[name](on_white(image)) for image in opened])
    found = (edited @ vectors.T).argmax(axis=1) == np.arange(len(opened))
    assert found.mean() >= 0.95


def test_a_mirror_image_has_the_same_vector_so_one_query_is_enough(
    embedder: OfflineEmbedder, opened: list[Image.Image]
) -> None:
    drawing = on_white(opened[0]).resize((256, 256))
    both = embedder.embed_images([drawing, drawing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)])
    assert both[0] @ both[1] > 0.99
    assert mirrored_queries(embedder, drawing).shape == (1, embedder.dimension)


ODD = {
    **{mode: Image.new(mode, (30, 20)) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F")},
    "I;16": Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100),
    "NaN": Image.fromarray(np.full((20, 30), np.nan, dtype=np.float32)),
    "one pixel": Image.new("RGB", (1, 1), "red"),
    "a line": Image.new("RGB", (2000, 1), "green"),
    "a thin strip": Image.new("RGBA", (3, 3000), (9, 9, 9, 200)),
    "nothing visible": Image.new("RGBA", (40, 40), (0, 0, 0, 0)),
}


@pytest.mark.parametrize("name", ODD)
def test_every_kind_of_picture_has_a_vector(embedder: OfflineEmbedder, name: str) -> None:
    vector = embedder.embed_images([ODD[name]])[0]
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_a_white_margin_changes_little(embedder: OfflineEmbedder, opened: list[Image.Image]) -> None:
    drawing = on_white(opened[1])
    wide = Image.new("RGB", (drawing.width * 2, drawing.height * 2), "white")
    wide.paste(drawing, (drawing.width // 3, drawing.height // 2))
    one, other = embedder.embed_images([drawing, wide])
    assert one @ other > 0.9


def test_its_fingerprint_is_of_the_code_and_the_basis(embedder: OfflineEmbedder) -> None:
    assert len(embedder.fingerprint) == 64
    assert embedder.fingerprint == OfflineEmbedder().fingerprint
    assert embedder.modalities == {"image"}


def test_texts_and_arguments_are_refused_in_words(embedder: OfflineEmbedder) -> None:
    with pytest.raises(InvalidInput, match="clip"):
        embedder.embed_texts(["a cat"])
    with pytest.raises(InvalidInput, match="colon"):
        OfflineEmbedder("some/folder")


def test_no_picture_gives_no_vector(embedder: OfflineEmbedder) -> None:
    assert embedder.embed_images([]).shape == (0, embedder.dimension)
