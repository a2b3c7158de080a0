"""Colours by word, code and picture, against the colours of pictures in a real library."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

import numpy as np
import pytest
from imagegen_kit_palette import imagegen_retrievers
from imagegen_kit_palette.colours import colours_in, lab, likeness, palette_of
from imagegen_kit_palette.retriever import PaletteRetriever
from PIL import Image, ImageDraw

import imagegen_kit
from imagegen_kit.registry import register, reset_registry
from imagegen_kit.retrieval.base import Brief
from imagegen_kit.retrieval.library import Library
from imagegen_kit.retrieval.retrievers import search

COLOURS = {"sea": "navy", "grass": "lightgreen", "fire": "#e63946", "sand": "khaki", "coal": "black", "milk": "white"}


def striped(*colours: str, size: int = 90) -> Image.Image:
    image = Image.new("RGB", (size, size))
    for place, colour in enumerate(colours):
        image.paste(colour, (place * size // len(colours), 0, (place + 1) * size // len(colours), size))
    return image


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    found = Library.open(tmp_path / "refs")
    for id, colour in COLOURS.items():
        found.add(striped(colour), id=id, name=id, role="setting" if id in ("sea", "sand") else "content")
    found.add(striped("navy", "khaki"), id="beach", name="beach")
    yield found
    found.close()


def find(library: Library, text: str | None = None, **asked: object) -> list[str]:
    return search(library, text, retriever=PaletteRetriever(), **asked).ids


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("navy", "sea"),
        ("a NAVY sea at night", "sea"),
        ("#e63946", "fire"),
        ("#000", "coal"),
        ("light green", "grass"),
        ("dark blue", "sea"),
        ("navy and khaki", "beach"),
        ("cream", "milk"),
    ],
)
def test_words_and_codes_find_their_colours(library: Library, text: str, first: str) -> None:
    assert find(library, text)[0] == first


def test_a_picture_finds_what_has_its_colours(library: Library) -> None:
    assert find(library, image=striped("navy", "navy", "khaki"))[0] == "beach"
    assert find(library, image=striped("#dd3040"))[0] == "fire"


def test_a_brief_without_a_colour_finds_nothing_and_says_why(library: Library) -> None:
    hits = search(library, "a happy cat", retriever=PaletteRetriever())
    assert len(hits) == 0
    assert "no colour is named" in " ".join(hits.explain().notes)


def test_unwanted_colours_sink(library: Library) -> None:
    plain = search(library, "navy", retriever=PaletteRetriever())
    kept = search(library, "navy", negative="khaki", retriever=PaletteRetriever())
    assert plain.ids[:2] == ["sea", "beach"]
    score = dict(zip(kept.ids, kept.scores, strict=True))
    assert score["sea"] == pytest.approx(plain.scores[0], abs=0.02)
    assert score.get("beach", 0.0) < 0.2 * plain.scores[1]


def test_the_filter_and_the_least_score_hold(library: Library) -> None:
    assert find(library, "navy", where={"role": "content"})[0] == "beach"
    assert find(library, "navy", min_score=0.5) == ["sea", "beach"]
    assert find(library, "navy", min_score={"palette": 0.5}) == ["sea", "beach"]
    assert find(library, "navy", min_score={"text": 0.5}) == []


def test_a_copy_of_a_better_hit_is_left_out_and_another_colour_of_its_shape_is_not(library: Library) -> None:
    for id, ink, size in (("ball", "tomato", 90), ("ball-again", "tomato", 60), ("ball-orange", "darkorange", 90)):
        image = Image.new("RGB", (size, size), "white")
        ImageDraw.Draw(image).ellipse((size // 5, size // 5, size * 4 // 5, size * 4 // 5), ink)
        library.add(image, id=id, name=id)
    found = find(library, "tomato", top_k=9)
    assert len({"ball", "ball-again"} & set(found)) == 1
    assert "ball-orange" in found
    assert {"ball", "ball-again"} <= set(find(library, "tomato", top_k=9, dedup=False))


def test_a_picture_that_is_gone_is_told_and_hides_no_other(library: Library) -> None:
    Path(library.get("sea").picture.path or "").unlink()
    hits = search(library, "navy", retriever=PaletteRetriever())
    assert hits.ids[0] == "beach"
    assert "1 pictures could not be read" in " ".join(hits.explain().notes)


def test_palettes_are_kept_until_the_library_changes(library: Library) -> None:
    palette = PaletteRetriever()
    brief = Brief(text="navy")
    palette.retrieve(library, brief)
    kept = palette._stacked
    palette.retrieve(library, brief)
    assert palette._stacked is kept
    library.add(striped("navy", "navy", "black"), id="night", name="night")
    assert len(palette.retrieve(library, Brief(text="navy black", top_k=9)).hits) == 8
    assert palette._stacked is not kept


def test_it_is_used_by_name_once_it_is_offered(library: Library) -> None:
    reset_registry()
    if "palette" not in imagegen_kit.registry.get_registry().retrievers():  # not installed here
        (spec,) = imagegen_retrievers()
        register(spec)
    assert search(library, "navy", retriever="palette").explain().retriever == "palette"
    reset_registry()


def test_the_distribution_declares_the_entry_point() -> None:
    try:
        version("imagegen-kit-palette")
    except PackageNotFoundError:
        pytest.skip("the plugin runs from its folder")
    (entry,) = [e for e in entry_points(group="imagegen_kit") if e.dist and e.dist.name == "imagegen-kit-palette"]
    assert (entry.name, entry.value) == ("palette", "imagegen_kit_palette")


def test_lab_is_that_of_the_tables() -> None:
    """White, black, and the sRGB primaries (Lindbloom's calculator, D65)."""
    got = lab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], dtype=float))
    known = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86]]
    assert np.abs(got - np.array(known)).max() < 0.1


def test_a_palette_says_how_much_each_colour_covers() -> None:
    centres, shares = palette_of(striped("red", "red", "blue"))
    assert shares.sum() == pytest.approx(1)
    red, blue = lab(np.array([[255.0, 0, 0], [0, 0, 255.0]]))
    assert shares[np.linalg.norm(centres - red, axis=1) < 5].sum() == pytest.approx(2 / 3, abs=0.03)
    assert shares[np.linalg.norm(centres - blue, axis=1) < 5].sum() == pytest.approx(1 / 3, abs=0.03)


def test_what_is_transparent_does_not_count() -> None:
    image = Image.new("RGBA", (60, 60), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 20, 60))
    centres, shares = palette_of(image)
    blue = lab(np.array([[0, 0, 255.0]]))
    assert shares[np.linalg.norm(centres - blue, axis=1) < 5].sum() == pytest.approx(1)
    assert palette_of(Image.new("RGBA", (4, 4), (0, 0, 0, 0)))[0][0] == pytest.approx(lab(np.full((1, 3), 255.0))[0])


def test_likeness_is_of_the_formula() -> None:
    """One colour 25 units away, covering a quarter: exp(-1) × min(1, √(4 × ¼))."""
    got = likeness(np.array([[50.0, 0, 0]]), np.ones(1), np.array([[[75.0, 0, 0]]]), np.array([[0.25]]))
    assert got == pytest.approx([np.exp(-1)])
    half = likeness(np.array([[50.0, 0, 0]]), np.ones(1), np.array([[[75.0, 0, 0]]]), np.array([[0.0625]]))
    assert half == pytest.approx([np.exp(-1) / 2])


def test_each_colour_is_read_once_and_words_inside_words_are_not() -> None:
    assert len(colours_in("red, RED and #ff0000")) == 1
    assert len(colours_in("a hundred tans are tired")) == 0  # neither "red" nor "tan"
    assert len(colours_in("#12345 #ggg issue #7")) == 0
    assert len(colours_in("light light green")) == 1
