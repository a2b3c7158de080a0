"""Presence: a character is found wherever it stands, and told from others. Coherence: light and palette stay."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imagegen_kit.catalog import find_data
from imagegen_kit.imaging.picture import Picture
from imagegen_kit.scorers.base import Measurement, Subject
from imagegen_kit.scorers.coherence import Coherence, alike, palette
from imagegen_kit.scorers.presence import Presence
from imagegen_kit.types import ImageRequest, Reference

HOME = find_data("references")
CHARACTERS = ["wizard-dog", "princess", "penguin"]


def character(name: str) -> Image.Image:
    return Image.open(HOME / "pictures" / f"{name}.webp").convert("RGBA")


def scene(name: str | None, place: str = "park", height: int = 200, mirrored: bool = False) -> Picture:
    """A shipped place, 480 × 270 pixels, with a character pasted into it."""
    image = Image.open(HOME / "pictures" / f"{place}.webp").convert("RGB").resize((480, 270))
    if name is not None:
        figure = character(name)
        figure = figure.crop(figure.getchannel("A").getbbox())
        figure = figure.resize((max(1, round(figure.width * height / figure.height)), height))
        if mirrored:
            figure = figure.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        image.paste(figure, (240 - figure.width // 2, 260 - height), figure)
    return Picture.from_image(image)


def presence(picture: Picture, *names: str) -> float:
    references = tuple(Reference(character(name), role="character", name=name) for name in names)
    (found,) = Presence().score([Subject(picture, ImageRequest(prompt="x", model="m/m", references=references))])
    assert isinstance(found, Measurement)
    assert found.value is not None, found.reason
    return found.value


@pytest.mark.parametrize("place", ["park", "city-night"])
def test_a_character_is_told_from_others_whatever_stands_behind(place: str) -> None:
    told = np.array([[presence(scene(shown, place), sent) for sent in CHARACTERS] for shown in CHARACTERS])
    assert told.diagonal().min() > 0.8
    assert told[~np.eye(3, dtype=bool)].max() < 0.7


@pytest.mark.parametrize(("height", "mirrored"), [(90, False), (230, False), (200, True)])
def test_larger_smaller_or_mirrored_it_is_the_same(height: int, mirrored: bool) -> None:
    assert presence(scene("wizard-dog", height=height, mirrored=mirrored), "wizard-dog") > 0.65


def test_of_several_characters_the_one_that_is_least_there_counts() -> None:
    picture = scene("wizard-dog")
    assert presence(picture, "wizard-dog", "princess") == presence(picture, "princess") < 0.6


def test_pictures_of_one_name_are_one_character() -> None:
    pictures = [character("wizard-dog"), character("princess")]
    (found,) = Presence({"she": pictures}).score([Subject(scene("princess"))])
    assert isinstance(found, Measurement)
    assert found.value is not None
    assert found.value > 0.7
    assert list(found.details["characters"]) == ["she"]


def test_without_a_character_it_says_so() -> None:
    setting = Reference(character("penguin"), role="setting")
    request = ImageRequest(prompt="x", model="m/m", references=(setting,))
    assert [m.reason for m in Presence().score([Subject(scene(None), request)])] == [  # type: ignore[union-attr]  # Measurements
        "no character reference was sent with it"
    ]


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3), (16, 16)])
def test_tiny_and_narrow_pictures_have_a_number(size: tuple[int, int]) -> None:
    found: Any = Presence({"p": character("penguin")}).score(
        [Subject(Picture.from_image(Image.new("RGB", size, "red")))]
    )
    assert 0 <= found[0].value <= 1
    json.dumps(dict(found[0].details))


def test_the_same_place_is_coherent_and_night_after_day_is_not() -> None:
    day, night = scene("penguin"), scene("penguin", "city-night")
    first, same, other = Coherence().score([Subject(day), Subject(scene("robot")), Subject(night)])
    assert isinstance(first, Measurement)
    assert first.value is None
    assert isinstance(same, float)
    assert isinstance(other, float)
    assert same > 0.85
    assert other < 0.5


def test_likeness_of_palettes_is_symmetric_and_whole_for_the_same() -> None:
    one, other = (palette(np.asarray(scene(None, place).image)) for place in ("park", "castle"))
    assert alike(one, one) == pytest.approx(1)
    assert alike(one, other) == alike(other, one)
    assert one.sum() == pytest.approx(1)
