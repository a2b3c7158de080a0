"""Compiling a brief and a style into a prompt whose parts know their origin."""

from __future__ import annotations

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.errors import InvalidInput
from imagegen_kit.prompts import compile_prompt, variations
from imagegen_kit.prompts.words import aspect_in_words, follow, join_negatives
from imagegen_kit.types import Artifact, Prompt, Reference, Size, Style

NOIR = Style("noir", text="film noir, hard light", suffix="35 mm grain", negative="colour, blurry")
AXES = Style("axes", axes={"layout": ("left", "right", "centre"), "mood": ("calm", "wild"), "size": ("big", "tiny")})
briefs = st.text(min_size=1).filter(lambda text: not text.isspace())


@given(briefs)
def test_without_a_style_the_text_is_the_brief_byte_for_byte(brief):
    spec = compile_prompt(brief)
    assert spec.text == str(spec) == brief
    assert [(part.text, part.origin) for part in spec.parts] == [(brief, "brief")]
    assert spec.negative is None
    assert spec.style is None
    assert dict(spec.checks) == {}


@given(briefs, st.text(), st.text(), st.sampled_from([None, "16:9", (640, 480), "2K"]))
def test_the_brief_is_always_contained_and_the_parts_make_up_the_text(brief, text, suffix, size):
    spec = compile_prompt(brief, style=Style("s", text=text, suffix=suffix, name_aspect=True), size=size)
    assert spec.text.startswith(brief.strip())
    assert "".join(part.text for part in spec.parts) == spec.text
    assert all(part.text for part in spec.parts)


def test_a_prompt_keeps_its_id_where_nothing_is_added():
    assert compile_prompt(Prompt("a cat", id="cat-1")).text.id == "cat-1"  # type: ignore[attr-defined]


def test_parts_come_in_order_with_their_origin():
    style = Style("s", text="in oil", suffix="detailed", name_aspect=True, axes={"layout": ("seen from above",)})
    spec = compile_prompt("a cat", style=style, size="9:16", variation={"layout": "seen from above"})
    assert spec.text == "a cat, seen from above, in oil, 9:16 vertical, detailed"
    assert [part.origin for part in spec.parts] == ["brief", "variation", "style", "aspect", "suffix"]


def test_compiling_without_a_style_is_fast():
    best = min(timeit.repeat(lambda: compile_prompt("a happy cat drinking coffee"), number=2000, repeat=7)) / 2000
    floor = min(timeit.repeat(lambda: Style("x"), number=2000, repeat=7)) / 2000  # one of our own frozen values
    assert best < 2 * floor


@pytest.mark.parametrize(
    ("before", "words", "after"),
    [
        ("a cat", "film noir", ", film noir"),
        ("a cat.", "film noir", " Film noir"),
        ("a cat!", "4k", " 4k"),
        ('a sign "STOP."', "film noir", " Film noir"),
        ("a cat,", "film noir", " film noir"),
        ("a cat:", "film noir", " film noir"),
        ("a cat", ", film noir,", ", film noir"),
        ("a cat", "Loose sketch.", ". Loose sketch."),
        ("a cat", "  ", ""),
        ("猫。", "film noir", " Film noir"),
    ],
)
def test_words_are_joined_tidily(before, words, after):
    assert follow(before, words) == after


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ("16:9", "16:9 widescreen"),
        ((1920, 1080), "16:9 widescreen"),
        ((1920, 1088), "16:9 widescreen"),
        ("1:1", "1:1 square"),
        ("9:16", "9:16 vertical"),
        ("7:2", "7:2 wide format"),
        ((100, 300), "tall format"),
        ("2K", ""),
    ],
    ids=str,
)
def test_the_shape_is_named_in_words(size, words):
    found = Size.parse(size)
    assert found is not None
    assert aspect_in_words(found) == words


def test_negatives_are_joined_without_repeats_and_an_empty_one_turns_them_off():
    assert compile_prompt("a cat", style=NOIR).negative == "colour, blurry"
    assert compile_prompt("a cat", style=NOIR, negative_prompt="Colour, hats").negative == "colour, blurry, hats"
    assert compile_prompt("a cat", style=NOIR, negative_prompt="").negative is None
    assert compile_prompt("a cat", negative_prompt="b, b").negative == "b, b"
    assert join_negatives(None, " , ") is None


def test_described_references_are_named_where_the_style_asks_for_it():
    mia = Reference(Artifact("a" * 64), role="character", name="Mia", description="a girl in a yellow raincoat.")
    cafe = Reference(Artifact("b" * 64), role="setting", name="café")
    spec = compile_prompt("Mia waits", style="consistent-keyframe", references=[mia, cafe])
    part = next(part for part in spec.parts if part.origin == "reference")
    wanted = "exact same appearance as the reference pictures (Mia: a girl in a yellow raincoat; café)"
    assert part.text == f", {wanted}"
    assert "{references}" not in spec.text
    other = compile_prompt("Mia waits", style=NOIR, references=[mia])
    assert all(part.origin != "reference" for part in other.parts)


def test_a_style_reference_is_not_said_to_show_how_somebody_looks():
    ink = Reference(Artifact("c" * 64), role="style", name="ink")
    mia = Reference(Artifact("a" * 64), role="character", name="Mia")
    text = compile_prompt("Mia waits", style="consistent-character", references=[mia, ink]).text
    assert "exact same appearance as the reference pictures (Mia)" in text
    assert "reference" not in compile_prompt("Mia waits", style="consistent-character", references=[ink]).text


def test_no_reference_leaves_no_trace():
    spec = compile_prompt("Mia waits", style="consistent-keyframe")
    assert "reference" not in spec.text
    assert spec.text.startswith("Mia waits. Repeat every character's")


def test_checks_of_the_style_travel_with_the_spec():
    assert compile_prompt("a", style=Style("s", checks={"greyscale": {"max": 9}})).checks == {"greyscale": {"max": 9}}


def test_the_representation_is_one_stable_line():
    spec = compile_prompt("a cat", style=NOIR)
    assert (
        repr(spec) == "PromptSpec('a cat, film noir, hard light, 35 mm grain', style='noir', negative='colour, blurry')"
    )
    assert "\n" not in repr(compile_prompt("a\nb" * 200))


def test_a_spec_can_be_hashed_and_compared():
    assert compile_prompt("a", style=NOIR) == compile_prompt("a", style=NOIR)
    assert len({compile_prompt("a", style=NOIR), compile_prompt("a", style=NOIR), compile_prompt("b")}) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"brief": ""}, "is no prompt"),
        ({"brief": " \n"}, "is no prompt"),
        ({"brief": None}, "is no prompt"),
        ({"brief": "a", "style": 3}, "3 is no style"),
        ({"brief": "a", "size": "big"}, "not a size"),
        ({"brief": "a", "style": AXES, "variation": {"layout": "up"}}, "There are: 'left', 'right', 'centre'"),
        ({"brief": "a", "style": AXES, "variation": {"layuot": "left"}}, "Did you mean 'layout'"),
        ({"brief": "a", "variation": {"layout": "left"}}, "no axis is called 'layout'"),
    ],
    ids=str,
)
def test_what_cannot_be_compiled_is_refused(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        compile_prompt(**arguments)


def test_a_model_says_what_it_takes_otherwise():
    spec = compile_prompt("a cat", style=NOIR, model="offline/poster", size="16:9")
    assert spec.notes == (
        "offline/poster: negative_prompt put into the prompt",
        "offline/poster: size 16:9 → 1:1",
    )
    assert spec.text == compile_prompt("a cat", style=NOIR).text
    assert compile_prompt("a cat", model="offline/collage").notes == ()
    picture = Reference(Artifact("a" * 64))
    refused = compile_prompt("a cat", model="offline/poster", references=[picture]).notes
    assert refused == ("offline/poster: references (1 given): this model takes no reference pictures",)


# variations


@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4), seed=st.integers(0, 99), share=st.floats(0.01, 1))
def test_variations_are_distinct_and_use_every_phrase_evenly(sizes, seed, share):
    style = Style("s", axes={f"axis{i}": tuple(f"{i}-{j}" for j in range(size)) for i, size in enumerate(sizes)})
    total = 1
    for size in sizes:
        total *= size
    n = max(1, round(total * share))
    found = variations(style, n, seed)
    assert len({tuple(v.items()) for v in found}) == n
    for axis, phrases in (style.axes or {}).items():
        counts = [sum(v[axis] == phrase for v in found) for phrase in phrases]
        assert max(counts) - min(counts) <= 1
    assert variations(style, n, seed) == found


def test_another_seed_gives_other_variations():
    assert len({str(variations(AXES, 3, seed)) for seed in range(8)}) > 4


def test_variations_can_be_compiled():
    for variation in variations(AXES, 4):
        assert list(variation.values()) == [
            part.text.strip(", ") for part in compile_prompt("a", style=AXES, variation=variation).parts[1:]
        ]


@pytest.mark.parametrize("n", [0, 13, True, 2.0, None], ids=str)
def test_a_number_of_variations_out_of_range_is_refused(n):
    with pytest.raises(InvalidInput, match="has 12 combinations"):
        variations(AXES, n)


def test_a_style_without_axes_has_one_variation():
    assert variations(NOIR, 1) == [{}]
    with pytest.raises(InvalidInput, match="has 1 combination"):
        variations(NOIR, 2)
