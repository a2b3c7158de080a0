"""Personas are checked whole before anything is sent, and say in prompts what they are."""

from __future__ import annotations

import pytest

import imagegen_kit as ik
from imagegen_kit.errors import InvalidInput, InvalidReply
from imagegen_kit.recipes.persona import Persona, base_prompt, grid_prompts, read_persona, writer_prompt

NAMES = {"firstname": "Mira", "lastname": "Holm", "gender": "woman"}
MIRA = {**NAMES, "facebook": "Architect, two cats.", "x": "stairs"}


@pytest.mark.parametrize(
    "given",
    [
        MIRA,
        Persona("Mira", "Holm", "woman", facebook="Architect, two cats.", x="stairs"),
        {**NAMES, "bio_facebook": "Architect, two cats.", "bio_x": "stairs"},
        {**NAMES, "bios": {"facebook": "Architect, two cats.", "x": "stairs"}},
    ],
    ids=["mapping", "Persona", "bio_…", "bios"],
)  # fmt: skip
def test_every_form_is_the_same_persona(given):
    who = read_persona(given)
    assert who == Persona("Mira", "Holm", "woman", facebook="Architect, two cats.", x="stairs")
    assert who.bios == {"facebook": "Architect, two cats.", "x": "stairs"}


def test_all_faults_are_told_at_once():
    wrong = {"firstname": " ", "gender": 3, "tiktok": "x" * 5000, "linkedin": "…", "id": "../up", "instagram": None}
    with pytest.raises(InvalidInput) as caught:
        read_persona(wrong)
    assert sorted(f.where for f in caught.value.faults) == [
        "persona.firstname", "persona.gender", "persona.id", "persona.lastname", "persona.linkedin", "persona.tiktok",
    ]  # fmt: skip


@pytest.mark.parametrize("given", [None, "Mira Holm", 7, ["Mira"]])
def test_what_is_no_persona_is_refused(given):
    with pytest.raises(InvalidInput, match="is no persona"):
        read_persona(given)


def test_the_slug_is_made_of_the_names_and_differs_between_namesakes():
    one, other = read_persona(MIRA), read_persona({**MIRA, "x": "ramps"})
    assert one.slug.startswith("mira-holm-")
    assert one.slug != other.slug
    assert read_persona({**MIRA, "id": "p7"}).slug == "p7"
    assert read_persona({**MIRA, "firstname": "美", "lastname": "李"}).slug.startswith("persona-")


def test_the_selfie_is_asked_for_by_gender_and_the_facebook_bio():
    asked = base_prompt(read_persona(MIRA))
    assert asked.startswith("Selfie of a woman")
    assert "Architect, two cats." in asked
    assert "stairs" not in asked


def test_the_writer_is_told_all_that_is_known():
    told = writer_prompt(read_persona(MIRA))
    assert [line.partition(":")[0] for line in told.splitlines()] == [
        "First name", "Last name", "Gender", "facebook bio", "x bio",
    ]  # fmt: skip


def test_two_grids_are_asked_for_otherwise():
    one, two = grid_prompts(read_persona(MIRA), 2, None, None)
    assert "2 × 2 grid" in one
    assert "2 × 2 grid" in two
    assert one != two
    assert "set 2 of 2" in two


def test_what_a_model_wrote_stands_in_the_prompt_with_the_form_of_the_grid():
    (asked,) = grid_prompts(read_persona(MIRA), 1, "On a ferry; at a drawing board.", "lab/writer")
    assert "On a ferry; at a drawing board." in asked
    assert "2 × 2 grid" in asked


def test_a_writer_that_wrote_nothing_is_an_error():
    with pytest.raises(InvalidReply, match="lab/writer wrote no prompt for Mira Holm"):
        grid_prompts(read_persona(MIRA), 1, "  ", "lab/writer")


def test_a_persona_shows_itself():
    assert "Architect, two cats." in ik.recipes.Persona(**MIRA)._repr_html_()
