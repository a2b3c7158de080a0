"""What a film is: its facts, its frames, and what is told of bytes that are none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from imagegen_kit.errors import CorruptArtifact, InvalidInput, MissingDependency
from imagegen_kit.film import Film, open_film
from imagegen_kit.film.poster import showing_frame
from imagegen_kit.testing.simulators.film import film as of_a_simulator
from tests.film.making import BLACK, BLUE, GREEN, RED, near, small, sounding, webm


def test_a_film_says_what_it_is_like() -> None:
    film = Film.from_bytes(small(RED, BLUE))
    facts = film.facts
    assert (facts.width, facts.height, facts.fps, facts.frames) == (64, 48, 8.0, 16)
    assert (facts.codec, facts.sound) == ("h264", False)
    assert film.seconds == pytest.approx(2.0)
    assert repr(film) == "Film(mp4, 64×48)"


def test_frames_are_found_at_their_moment() -> None:
    film = Film.from_bytes(small(RED, GREEN, BLUE))
    assert near(film.first_frame, RED)
    assert near(film.frame(1.5), GREEN)
    assert near(film.last_frame, BLUE)
    assert near(film.frame(60), BLUE)


def test_sound_and_webm_are_known() -> None:
    assert Film.from_bytes(sounding(RED)).facts.sound
    film = Film.from_bytes(webm(GREEN))
    assert (film.format, film.facts.codec) == ("webm", "vp8")
    assert near(film.first_frame, GREEN)


def test_films_of_the_simulators_can_be_looked_into() -> None:
    film = Film.from_bytes(of_a_simulator("a wave", 64, 32, 3))
    assert (film.facts.frames, film.seconds) == (3, pytest.approx(3.0))


def test_a_film_that_begins_black_has_a_poster_that_shows_something() -> None:
    from PIL import Image

    from imagegen_kit.film.writing import write_film

    half = Image.new("RGB", (64, 48), RED)
    half.paste(BLUE, (0, 0, 32, 48))
    frames = [Image.new("RGB", (64, 48), BLACK)] * 4 + [half] * 12
    shown = showing_frame(write_film(frames, size=(64, 48), fps=8))
    assert shown.getpixel((60, 24)) != shown.getpixel((4, 24))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "nothing in it"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "no MP4 or WebM file"),
        (b"\0\0\0\x18ftypisom" + bytes(200), "cannot be read|no stream of pictures"),
        (small(RED)[:-300], "cannot be read|cut off"),
        (of_a_simulator("a", 64, 32, 3)[:-200], "is not known|cannot be read|cut off"),
    ],
    ids=["empty", "a picture", "nothing behind the head", "cut off", "without its index"],
)
def test_what_is_no_whole_film_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        Film.from_bytes(data)


def test_a_film_is_saved_as_it_is_and_opened_again(tmp_path: Path) -> None:
    film = Film.from_bytes(small(RED))
    path = film.save(tmp_path / "sub" / "clip")
    assert path.name == "clip.mp4"
    assert open_film(path) == film
    assert open_film(path.read_bytes()) == film
    with pytest.raises(InvalidInput, match=r"'.webm' is another format"):
        film.save(tmp_path / "clip.webm")
    with pytest.raises(InvalidInput, match="a int is no film"):
        open_film(7)


def test_a_file_that_has_changed_is_not_shown_as_the_film(tmp_path: Path) -> None:
    film = Film.open(Film.from_bytes(small(RED)).save(tmp_path / "a.mp4"))
    (tmp_path / "a.mp4").write_bytes(small(BLUE))
    with pytest.raises(CorruptArtifact, match=r"The film .* has changed"):
        film.facts  # noqa: B018  # reading it is the point


def test_without_pyav_a_film_is_kept_and_says_what_looking_into_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    data = small(RED)
    monkeypatch.setitem(sys.modules, "av", None)
    film = Film.from_bytes(data)
    assert (film.width, film.format, repr(film)) == (None, "mp4", "Film(mp4)")
    with pytest.raises(MissingDependency, match=r"pip install 'imagegen-kit\[video\]'"):
        film.facts  # noqa: B018  # as above
