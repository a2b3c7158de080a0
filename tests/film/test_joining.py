"""Films into one: without loss where they are alike, in one size, rate and sound where they are not."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from imagegen_kit.errors import InvalidInput
from imagegen_kit.film import Film, join
from imagegen_kit.film.stringing import without_metadata
from tests.film.making import BLACK, BLUE, GREEN, RED, loudness, near, small, sounding, webm


def test_films_that_are_alike_are_put_together_without_loss() -> None:
    parts = [small(RED), small(GREEN), small(BLUE)]
    film = join(parts)
    assert (film.facts.frames, film.facts.fps) == (24, 8.0)
    assert film.seconds == pytest.approx(3.0)
    for seconds, colour in ((0.0, RED), (0.9, RED), (1.2, GREEN), (2.9, BLUE)):
        assert near(film.frame(seconds), colour)
    assert film.parents == tuple(hashlib.sha256(part).hexdigest() for part in parts)


def test_a_film_of_another_size_is_fitted_in_with_bars_at_its_own_speed() -> None:
    film = join([small(RED, size=(64, 48)), small(GREEN, size=(128, 32), fps=16, each=32)])
    assert (film.width, film.height, film.facts.fps) == (64, 48, 8.0)
    assert film.seconds == pytest.approx(3.0)
    late = film.frame(2.9)
    assert near(late, GREEN)
    assert near(late.crop((0, 0, 64, 6)), BLACK)


def test_size_and_rate_can_be_asked_for() -> None:
    film = join([small(RED)], size=(31, 47), fps=12)
    assert (film.width, film.height, film.facts.fps) == (32, 48, 12.0)
    assert film.seconds == pytest.approx(1.0)


def test_sound_stays_and_a_silent_film_is_silent() -> None:
    film = join([small(RED), sounding(GREEN), small(BLUE)])
    assert film.facts.sound
    assert film.seconds == pytest.approx(3.0)
    assert loudness(film.bytes, 1.2, 1.9) > 0.2
    assert max(loudness(film.bytes, 0.0, 0.8), loudness(film.bytes, 2.2, 2.9)) < 0.02


def test_films_with_the_same_sound_are_put_together_with_it() -> None:
    film = join([sounding(RED), sounding(GREEN, hz=660)])
    assert film.seconds == pytest.approx(2.0, abs=0.01)
    assert min(loudness(film.bytes, 0.2, 0.8), loudness(film.bytes, 1.2, 1.8)) > 0.2
    assert near(film.frame(1.5), GREEN)


def test_the_same_films_give_the_same_bytes_or_frames_that_nobody_can_tell_apart() -> None:
    assert join([small(RED)] * 2) == join([small(RED)] * 2)  # without loss
    parts = [small(RED), sounding(GREEN), webm(BLUE, size=(32, 32))]
    one, other = (Film.from_bytes(join(parts).bytes) for _ in range(2))
    assert one.facts == other.facts
    for shown, again in ((one.first_frame, other.first_frame), (one.last_frame, other.last_frame)):
        assert abs(np.asarray(shown, int) - np.asarray(again, int)).max() <= 3


def test_nothing_and_what_is_no_film_cannot_be_joined() -> None:
    with pytest.raises(InvalidInput, match="there are none to join"):
        join([])
    with pytest.raises(InvalidInput, match="no MP4 or WebM"):
        join([small(RED), b"text"])


def test_a_copy_to_share_has_the_same_frames_and_says_nothing() -> None:
    data = webm(GREEN)
    assert b"a secret prompt" in data
    copy = without_metadata(data)
    assert b"a secret prompt" not in copy
    assert Film.from_bytes(copy).facts.frames == 8
    assert near(Film.from_bytes(copy).first_frame, GREEN)
