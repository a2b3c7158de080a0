"""A grid of one person: each cell at the place that the prompt names, in other clothes where it asks for them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

import imagegen_kit as ik
from imagegen_kit.imaging.grid import split_and_trim
from imagegen_kit.providers.offline.inputs import Given, cut_out
from imagegen_kit.providers.offline.reading import read
from imagegen_kit.providers.offline.wardrobe import changed, dressed

PLACES = "in an office, at the beach, in a forest, in the city"


def known(word):
    return word in ("woman", "man", "person", "photographs")


def person():
    """Return a cut-out person: a head on shoulders in grey."""
    image = Image.new("RGBA", (200, 240))
    drawing = ImageDraw.Draw(image)
    drawing.rounded_rectangle((10, 130, 190, 300), 60, fill=(90, 90, 100, 255))
    drawing.ellipse((55, 20, 145, 140), fill=(240, 190, 160, 255))
    return image


def portrait():
    image = Image.new("RGB", (220, 240), "white")
    image.paste(person(), (10, 0), person())
    return image


def test_all_places_are_read_in_order():
    scene = read(f"a 2 × 2 grid of four photographs of a woman: {PLACES}", known)
    assert scene.places == ("office", "beach", "forest", "city")
    assert scene.layout == "grid"


def test_what_is_not_to_be_drawn_is_not_read():
    scene = read("Selfie of a woman. For mood, not to be drawn: a man on the beach", known)
    assert [s.head for s in scene.subjects] == ["woman"]
    assert scene.places == ()


def test_a_portrait_is_cut_out_though_it_reaches_the_lower_edge():
    alpha = np.asarray(cut_out(portrait()).getchannel("A"))
    assert alpha[:, 0].max() == 0
    assert alpha[-3, 110] > 200


@pytest.mark.parametrize("words", ["in different clothes", "each in another outfit", "in new clothing"])
def test_clothes_change_where_they_are_asked_for(words):
    given = (Given(person(), "content", frozenset(), cut=True),)
    colours = [changed(given, f"four photographs {words}", k)[0].picture.getpixel((100, 220)) for k in range(4)]
    assert len(set(colours)) == 4
    assert {changed(given, f"four photographs {words}", k)[0].picture.getpixel((100, 60)) for k in range(4)} == {
        (240, 190, 160, 255)
    }


def test_without_such_words_a_reference_stays_as_it_is():
    given = (Given(person(), "content", frozenset(), cut=True),)
    assert changed(given, "four photographs in a grid", 1)[0].picture.tobytes() == person().tobytes()


def test_what_wears_nothing_stays_as_it_is():
    assert dressed(Image.new("RGBA", (20, 20)), 2).getextrema() == ((0, 0),) * 4


def test_the_cells_of_a_drawn_grid_differ_and_can_be_cut():
    prompt = f"a 2 × 2 grid of four photographs of the person on the reference picture: {PLACES}"
    grid = ik.generate(prompt, model="offline/collage", references=[portrait()], size=400)
    cells = [np.asarray(cell.resize((32, 32))).astype(int) for cell in split_and_trim(grid.picture)]
    apart = [abs(a - b).mean() for i, a in enumerate(cells) for b in cells[:i]]
    assert min(apart) > 10
