"""What can be mended of a sketch is, step by step and on record; the original stays as it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from imagegen_kit.imaging.picture import Picture
from imagegen_kit.scorers.sketch import auto_fix, sketch_report
from imagegen_kit.scorers.sketch.steps import STEPS, apply
from tests import corpus
from tests.scorers import sketches

MENDED = {
    "greyscale": ["greyscale"],
    "paper": ["levels"],
    "background": ["levels"],
    "texture": ["levels"],
    "shading": ["levels"],
    "pieces": ["specks"],
    "rim": ["border"],
}


@pytest.mark.parametrize("rule", MENDED)
def test_the_step_for_a_rule_makes_its_picture_pass(rule: str) -> None:
    fixed = auto_fix(sketches.BREAKS[rule]())
    assert fixed.before.failed == (rule,)
    assert [step.name for step in fixed.steps] == MENDED[rule]
    assert fixed.after.passed
    assert sketch_report(fixed.image) == fixed.after


def test_several_faults_are_mended_one_after_the_other() -> None:
    sketch = np.asarray(sketches.smudged(200), dtype=np.float32)
    yellow = np.stack([sketch * share for share in (0.95, 0.9, 0.6)], axis=2)
    fixed = auto_fix(Image.fromarray(yellow.clip(0, 255).astype(np.uint8)))
    assert {"greyscale", "paper", "background"} <= set(fixed.before.failed)
    assert [step.name for step in fixed.steps][:2] == ["greyscale", "levels"]
    assert fixed.after.passed


def test_each_step_says_what_it_did_and_how_much_it_changed() -> None:
    (step,) = auto_fix(sketches.BREAKS["pieces"]()).steps
    assert step.what == "112 specks removed"
    assert step.to_plain() == {
        "name": "specks", "what": step.what, "changed": step.changed, "values": {"specks": 112.0},
    }  # fmt: skip
    assert 0.02 < step.changed < 0.1


def test_the_strokes_stay_where_they_were() -> None:
    before, after = sketches.BREAKS["pieces"](), auto_fix(sketches.BREAKS["pieces"]()).image
    clean = np.asarray(corpus.drawing().convert("L"))
    assert (np.asarray(before) != clean).any()
    assert (np.asarray(after)[clean < 128] == clean[clean < 128]).all()


def test_a_good_sketch_is_left_alone_and_is_its_own_picture() -> None:
    original = Picture.from_image(corpus.drawing())
    fixed = auto_fix(original)
    assert (fixed.steps, fixed.picture, fixed.before) == ((), original, fixed.after)


@pytest.mark.parametrize("width", [9, 18, 26])
def test_even_all_steps_together_do_not_break_a_good_sketch(width: int) -> None:
    image = corpus.drawing(width=width)
    for step in STEPS:
        done = apply(step, image)
        image = done[0] if done else image
    assert sketch_report(image).passed


@pytest.mark.parametrize(
    "picture",
    [
        corpus.photo_like(512),
        ImageOps.invert(corpus.drawing()),
        corpus.drawing(width=3),
        corpus.drawing(hatching=600),
        Image.new("L", (64, 64), 255),
        Image.linear_gradient("L"),
        corpus.textured(7, 5),
    ],
    ids=["photo", "inverted", "thin", "hatched", "empty", "gradient", "tiny"],
)
def test_what_cannot_be_mended_keeps_the_rules_that_it_kept(picture: Image.Image) -> None:
    fixed = auto_fix(picture)
    assert set(fixed.after.failed) <= set(fixed.before.failed)
    assert not fixed.after.passed
    assert fixed.image.size == picture.size


@pytest.mark.parametrize("side", [256, 900, 2048])
def test_a_picture_keeps_its_size(side: int) -> None:
    fixed = auto_fix(sketches.on_paper(200).resize((side, side // 2 * 2), Image.Resampling.LANCZOS))
    assert fixed.image.size == (side, side // 2 * 2)
    assert fixed.after.passed


def test_transparent_dirt_is_laid_on_white_first() -> None:
    image = sketches.BREAKS["greyscale"]().convert("RGBA")
    image.putalpha(ImageOps.invert(image.convert("L")).point(lambda v: min(255, v * 2)))
    fixed = auto_fix(image)
    assert (fixed.image.mode, [step.name for step in fixed.steps]) == ("L", ["greyscale"])
    assert fixed.after.passed


def test_limits_say_what_needs_mending() -> None:
    red = sketches.BREAKS["greyscale"]()
    assert auto_fix(red, limits={"greyscale": False}).steps == ()
    assert auto_fix(corpus.drawing(), limits={"paper": 254}).steps[0].name == "levels"


def test_the_fixed_picture_is_another_one_that_names_its_original(tmp_path: Path) -> None:
    file = tmp_path / "sketch.png"
    corpus.drawing(paper=(210, 205, 200)).save(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    fixed = auto_fix(file)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest == fixed.original.sha256
    assert fixed.picture.parents == (digest,)
    assert fixed.picture.sha256 != digest
    again = Picture.open(fixed.picture.save(tmp_path / "fixed.png"))
    record = again.request
    assert record is not None
    assert record["parents"] == [digest, fixed.picture.sha256]
    assert record["steps"] == [step.to_plain() for step in fixed.steps]
    assert np.array_equal(np.asarray(again.image), np.asarray(fixed.image))


def test_what_is_known_of_the_original_stays_in_the_record(tmp_path: Path) -> None:
    original = Picture.from_image(sketches.on_paper(200))
    known = Picture(original.sha256, data=original.bytes, provenance={"tool": "t", "model": "m", "parents": ["a" * 64]})
    record = auto_fix(known).picture.request
    assert record is not None
    assert (record["model"], record["parents"]) == ("m", ["a" * 64, original.sha256])


def test_a_cell_shows_both_pictures_and_what_was_done() -> None:
    fixed = auto_fix(sketches.BREAKS["pieces"]())
    html = fixed._repr_html_()
    assert html is not None
    assert html.count("<img") == 2
    assert "112 specks removed" in html
    assert repr(fixed) == "Fixed(specks: 92% → 100% of the rules)"
    untouched = auto_fix(corpus.drawing())._repr_html_()
    assert untouched is not None
    assert (untouched.count("<img"), "keeps every rule" in untouched) == (1, True)
