"""The scorer of named colours: its numbers by hand, pictures in a known order, and what it does not know."""

from __future__ import annotations

from typing import Any

import pytest
from imagegen_kit_palette import imagegen_scorers
from imagegen_kit_palette.scorer import PaletteScorer
from PIL import Image

import imagegen_kit as ik
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.registry import get_registry, register, reset_registry
from imagegen_kit.scorers import Measurement, Subject
from imagegen_kit.types import ImageRequest


def striped(*colours: str, size: int = 100) -> Image.Image:
    image = Image.new("RGB", (size, size))
    for place, colour in enumerate(colours):
        image.paste(colour, (place * size // len(colours), 0, (place + 1) * size // len(colours), size))
    return image


def scored(image: Image.Image, prompt: str) -> Any:
    subject = Subject(Picture.from_image(image), ImageRequest(prompt=prompt, model="offline/collage"))
    (answer,) = PaletteScorer().score([subject])
    return answer


def test_a_picture_that_has_all_of_its_colours_has_one_and_none_is_missing() -> None:
    found = scored(striped("red", "navy"), "a red car by a navy sea")
    assert (found[""].value, found["share"], found["missing"]) == (1.0, 1.0, 0.0)
    assert found[""].details["shares"] == {"red": 0.5, "navy": 0.5}


def test_a_colour_that_is_not_there_is_missing() -> None:
    found = scored(striped("red", "white"), "a red car by a navy sea")
    assert (found[""].value, found["share"], found["missing"]) == (0.5, 0.5, 1.0)


def test_pictures_come_in_the_order_of_what_they_show_of_the_colour() -> None:
    pictures = [striped(*(["red"] * n + ["white"] * (32 - n)), size=128) for n in (0, 1, 8)]
    numbers = [scored(picture, "a red car")[""].value for picture in pictures]
    assert numbers == [0.0, pytest.approx(1 / 32 / 0.05), 1.0]


@pytest.mark.parametrize("prompt", ["light green", "a #90ee90 field", "a LightGreen field"])
def test_shades_and_codes_are_read_as_the_retriever_reads_them(prompt: str) -> None:
    assert scored(striped("lightgreen"), prompt)[""].value == 1.0
    assert scored(striped("darkgreen"), prompt)[""].value == 0.0


@pytest.mark.parametrize(
    ("word", "painted"),
    [("red", "#b83227"), ("green", "#2e9e5b"), ("blue", "#2f6fb5"), ("yellow", "#eec61a"), ("brown", "#80552a")],
)
def test_an_everyday_word_means_what_is_painted_so_and_not_another(word: str, painted: str) -> None:
    others = {"red", "green", "blue", "yellow", "purple"} - {word}
    found = scored(striped(painted), f"{word}, {', '.join(sorted(others))}")[""].details["shares"]
    assert found[word] == 1.0
    assert all(found[other] == 0.0 for other in others)


def test_what_is_transparent_does_not_count() -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 255, 0))
    image.paste((255, 0, 0, 255), (0, 0, 32, 64))
    assert scored(image, "red and blue")[""].details["shares"] == {"red": 1.0, "blue": 0.0}


def test_a_prompt_without_a_colour_has_no_number_and_says_so() -> None:
    assert scored(striped("red"), "a happy cat") == Measurement(None, "its prompt names no colour")


def test_it_knows_colours_and_not_things() -> None:
    """As its README says: a blue car before a red barn shows "a red car" to it."""
    assert scored(striped("red", "blue"), "a red car")[""].value == 1.0


def test_a_run_is_scored_by_its_name() -> None:
    reset_registry()
    (spec,) = imagegen_scorers()
    if "palette" not in get_registry().scorers():  # not installed here
        register(spec)
    run = ik.Experiment(vary={"prompt": ["a red kite", "a kite"]}, fixed={"model": "offline/collage", "size": 64}).run()
    run.score("palette")
    table = run.table().set_index("prompt")
    assert table["score_palette"].notna().to_dict() == {"a red kite": True, "a kite": False}
    reset_registry()
