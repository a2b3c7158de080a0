"""Text that a prompt asks for in quotes, read by the program tesseract where it is installed."""

from __future__ import annotations

import shutil
import warnings
from typing import Any

import pytest
from PIL import Image, ImageDraw

from imagegen_kit.errors import ImagegenError, InvalidInput
from imagegen_kit.imaging.lettering import font
from imagegen_kit.scorers.legibility import asked_for, matched
from imagegen_kit.scorers.tesseract import Read
from tests.scorers import pictures as p

READS = pytest.mark.skipif(
    shutil.which("tesseract") is None,
    reason="tesseract is not installed (apt-get install tesseract-ocr), so nothing can be read",
)


def sign(text: str, size: int = 64, ink: str = "black", paper: str = "white", side: int = 512) -> Image.Image:
    image = Image.new("RGB", (side, side), paper)
    ImageDraw.Draw(image).multiline_text((side // 12, side // 3), text, fill=ink, font=font(size))
    return image


def legible(image: Image.Image, prompt: str, measure: str = "") -> float:
    (found,) = p.measured("legibility", p.subject(image, prompt=prompt))
    return p.value(found[measure])


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ('a sign that says "Stop here"', ["stop", "here"]),
        ("a shop named “Café Müller” and a bus to ‘Bern’", ["café", "müller", "bern"]),
        ("a poster: 'Don't panic!', in the style of 'pop art'", ["dont", "panic", "pop", "art"]),
        ("„Guten Tag“ on a mat, «Bonjour» on a door", ["guten", "tag", "bonjour"]),
        ("a dog's bowl beside the girl's shoes", []),
        ("a neon sign", []),
        ('a 12" pizza on a 14" plate', []),
        ('a 12" record that says "Play it"', ["play", "it"]),
        ('a board of 3.5" x 4", with a sign "Open"', ["open"]),
        ('a shirt with the number "12", and "7"', ["12", "7"]),
        ('<style name="ink">a cat</style> with a sign "Miau"', ["miau"]),
        ('weight="0.8" a cat', []),
    ],
)
def test_the_words_asked_for_are_those_in_quotes(prompt: str, words: list[str]) -> None:
    assert asked_for(prompt) == words


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (["STOP", "HERE"], 2),
        (["here", "stop"], 2),
        (["Stcp", "Hera"], 2),  # one letter of four is another one
        (["Stop"], 1),
        (["Step", "There", "Stop"], 2),
        (["Sloo", "|"], 0),
        ([], 0),
    ],
)
def test_a_word_counts_as_read_where_most_of_its_letters_are_right(read: list[str], found: int) -> None:
    lines = matched(["stop", "here"], [Read(word, 90) for word in read])
    assert sum("read" in line for line in lines) == found


def test_one_word_in_the_picture_answers_one_word_of_the_prompt() -> None:
    lines = matched(["very", "very", "big"], [Read("very", 90), Read("big", 80)])
    assert [line.get("read") for line in lines] == ["very", None, "big"]
    assert matched(["stop"], [Read("stup", 90), Read("stop", 50)])[0]["read"] == "stop"


@READS
def test_what_is_written_is_read() -> None:
    (found,) = p.measured("legibility", p.subject(sign("STOP\nHERE"), prompt='a sign: "Stop here"'))
    assert found[""].value == 1
    assert p.value(found["confidence"]) > 80
    assert found[""].details["read"] == ["STOP", "HERE"]
    assert [line["read"] for line in found[""].details["asked"]] == ["stop", "here"]


@READS
def test_more_of_the_words_is_better() -> None:
    prompt = 'a poster with the words "grand summer music festival"'
    written = ["nothing of all that", "GRAND", "GRAND\nMUSIC", "GRAND\nSUMMER\nMUSIC\nFESTIVAL"]
    values = [legible(sign(text, 56), prompt) for text in written]
    assert values == [0, 0.25, 0.5, 1]


@READS
def test_the_more_a_text_is_spoilt_the_less_of_it_is_read() -> None:
    text = sign("Market\nsquare", 48)
    values = [legible(p.noisy(p.blurred(text, radius), 20), '"market square"') for radius in (0, 1, 5)]
    assert values == [1, 1, 0]
    (gone,) = p.measured("legibility", p.subject(p.blurred(text, 5), prompt='"market square"'))
    assert gone["confidence"].reason == "no word asked for was read"


@READS
@pytest.mark.parametrize("ink", ["black on white", "white on black", "navy on gold"])
def test_colours_and_size_change_nothing(ink: str) -> None:
    letters, paper = ink.split(" on ")
    assert legible(sign("Coffee", 64, letters, paper), '"coffee"') == 1
    assert legible(sign("Coffee", 24, letters, paper, side=256), '"coffee"') == 1


def test_where_no_text_was_asked_for_there_is_no_score() -> None:
    (found,) = p.measured("legibility", p.subject(sign("Stop"), prompt="a stop sign"))
    assert {m.reason for m in found.values()} == {"no text in quotes was asked for"}


def test_without_the_program_the_reason_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = p.measured("legibility", p.subject(sign("Stop"), prompt='a sign: "stop"'))
    assert found[""].value is None
    assert "not installed: apt-get install tesseract-ocr" in found[""].reason
    assert p.scorer("legibility").feature == "tesseract is missing eng"


@READS
def test_a_language_that_is_not_installed_is_refused_with_its_package() -> None:
    with pytest.raises(InvalidInput, match="tesseract-ocr-xyz"):
        p.scorer("legibility", language="eng+xyz")


@pytest.mark.parametrize("language", ["", "--version", "eng deu", "../eng"])
def test_what_is_no_language_is_refused(language: str) -> None:
    with pytest.raises(InvalidInput, match="names no language"):
        p.scorer("legibility", language=language)


def test_a_program_that_fails_says_what_it_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\ntest $1 = --list-langs && echo eng && exit\ntest $1 = --version && echo 5 && exit\n"
                       "echo out of ink >&2; exit 3\n")  # fmt: skip
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ImagegenError, match=r"exit code 3.*out of ink"):
        p.measured("legibility", p.subject(sign("Stop"), prompt='a sign: "stop"'))


@READS
@pytest.mark.parametrize("case", ["one pixel", "transparent", "16 bit", "banner"])
def test_every_number_is_in_its_range_or_has_a_reason(case: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = p.measured("legibility", p.subject(p.EDGE_CASES[case], prompt='the word "word"'))
    p.check_honest(p.spec("legibility"), found)
