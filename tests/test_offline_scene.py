"""Prompts are read into subjects, relations, places and styles, and cast from the library."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagegen_kit.providers.offline.cast import cast
from imagegen_kit.providers.offline.layout import arrange
from imagegen_kit.providers.offline.library import Library, shipped
from imagegen_kit.providers.offline.panels import half_scene
from imagegen_kit.providers.offline.reading import read
from imagegen_kit.providers.offline.relations import box
from imagegen_kit.providers.offline.scene import Scene, Subject
from imagegen_kit.providers.offline.tint import tint


def scene(prompt: str) -> Scene:
    return read(prompt, shipped().known)


def placed(prompt: str, excluded: frozenset[int] = frozenset()):
    read_scene = scene(prompt)
    groups = cast(read_scene, shipped(), (), excluded, np.random.default_rng(1), 0)
    return groups, arrange(read_scene, groups, 1.0, np.random.default_rng(1))


@pytest.mark.parametrize("said", ["fox silhouette", "fox: a (very) red fox. With a dog; cup", "fox (no end"])
def test_the_names_of_references_are_no_further_subjects(said: str) -> None:
    likeness = f"exact same appearance as the reference pictures ({said}). The same individual, not a similar one."
    for brief in ("a fox at home", "a fox at home, drinking coffee."):
        named = scene(f"{brief} {likeness[0].upper()}{likeness[1:]}"), scene(f"{brief}, {likeness}")
        for read_scene in named:
            assert read_scene.subjects == scene(brief).subjects
            assert read_scene.place == "room"


def test_references_without_a_name_add_no_subject_either() -> None:
    text = "a fox at home, exact same appearance as the reference pictures. The same individual."
    assert [s.words for s in scene(text).subjects] == ["fox"]


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("a cat", 1),
        ("two cats", 2),
        ("three red apples", 3),
        ("a dozen roses", 12),
        ("7 dogs", 7),
        ("a pair of shoes", 2),
    ],
)
def test_counts_are_read_and_drawn(prompt: str, count: int) -> None:
    assert scene(prompt).subjects[0].count == count
    assert len(placed(prompt)[1]) == count


def test_each_colour_belongs_to_its_own_noun() -> None:
    assert [(s.head, s.colour) for s in scene("a red car and a blue bus").subjects] == [("car", "red"), ("bus", "blue")]


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("a cat drinking coffee", "mouth"), ("a robot holding a book", "hold"), ("a cat wearing a hat", "wear"),
        ("a girl riding a horse", "ride"), ("a cat on a sofa", "on"), ("a dog under a table", "under"),
        ("balloons above a house", "above"), ("a tree behind a house", "behind"),
        ("a dog in front of a house", "before"),
        ("a dog to the left of a cat", "left"),
        ("a dog right of a cat", "right"), ("a dog next to a cat", "beside"),
        ("a mouse in a box", "inside"),
    ],
)  # fmt: skip
def test_relations_are_read(prompt: str, kind: str) -> None:
    assert [r.kind for r in scene(prompt).relations] == [kind]


@pytest.mark.parametrize(
    ("prompt", "field", "value"),
    [
        ("a cat on the beach", "place", "beach"),
        ("a beach ball", "place", "beach"),
        ("a dog in a modern office", "place", "office"),
        ("a cow, white background", "place", "white"),
        ("a house at night", "light", "night"),
        ("mountains at golden hour", "light", "sunset"),
        ("a car in the rain", "weather", "rain"),
        ("portrait of a woman", "layout", "portrait"),
        ("split-screen video call", "layout", "split"),
        ("a 2 x 3 grid of cats", "grid", (2, 3)),
        ("a sign that says 'OPEN'", "text", "OPEN"),
        ('a poster with the words "SUMMER SALE"', "text", "SUMMER SALE"),
        ("a sign saying CLOSED", "text", "CLOSED"),
        ("a cat, film noir, bokeh", "styles", frozenset({"noir", "bokeh"})),
    ],
)
def test_places_light_layout_text_and_styles_are_read(prompt: str, field: str, value: object) -> None:
    assert getattr(scene(prompt), field) == value


def test_what_a_prompt_rules_out_is_no_subject() -> None:
    assert [s.head for s in scene("a cat without a dog, no cars").subjects] == ["cat"]


def test_the_sides_of_a_call_keep_their_people_and_places() -> None:
    call = scene("split screen, caller left a man in an office, callee right a woman in a living room")
    assert [(s.head, s.side) for s in call.subjects] == [("man", "left"), ("woman", "right")]
    assert call.side_places == ("office", "room")


def test_who_is_on_a_side_keeps_to_it_where_the_prompt_says_both_the_side_and_who_that_is() -> None:
    call = scene("a video call: the caller on the left. On the left: the caller, a farmer with a hat, in a meadow.")
    assert [(s.head, s.side) for s in call.subjects] == [("farmer", "left"), ("hat", "left")]
    assert call.side_places == ("meadow", None)


@pytest.mark.parametrize(
    ("prompt", "places"),
    [
        ("a video call at home", ["room", "room"]),
        ("a video call", ["office", "room"]),
        ("a video call at home. On the right: a doctor in a hospital", ["room", "office"]),
        ("a video call. On the left: a man at the beach", ["beach", "room"]),
    ],
)
def test_a_place_of_the_whole_call_is_that_of_each_side_which_has_none(prompt: str, places: list[str]) -> None:
    assert [half_scene(scene(prompt), side).place for side in (0, 1)] == places


def test_style_words_do_not_change_the_brief_that_arranges_the_picture() -> None:
    assert scene("a cat on a sofa, cinematic lighting, film grain").brief == scene("a cat on a sofa").brief


@pytest.mark.parametrize(("relation", "sign"), [("to the left of", -1), ("to the right of", 1)])
@pytest.mark.parametrize("turn", range(4))
def test_left_is_left_of_right(relation: str, sign: int, turn: int) -> None:
    read_scene = scene(f"a dog {relation} a cat")
    rng = np.random.default_rng(turn)
    groups = cast(read_scene, shipped(), (), frozenset(), rng, turn)
    arrange(read_scene, groups, 1.0, rng)
    assert (groups[0][0].x - groups[1][0].x) * sign > 0


def test_a_cup_stands_beside_the_mouth_and_is_smaller_than_the_cat() -> None:
    (cats, cups), _ = placed("a happy cat drinking coffee")
    cat, cup = cats[0], cups[0]
    assert cup.scale < 0.8 * cat.scale
    assert cat.y < cup.y + cup.h / 2 < cat.y + cat.h
    assert abs(cup.x - cat.x) < cat.w


def test_things_side_by_side_do_not_overlap() -> None:
    _, items = placed("a cat, a dog and a house")
    spans = sorted((i.x - i.w / 2, i.x + i.w / 2) for i in items)
    assert all(before[1] <= after[0] + 1e-6 for before, after in pairwise(spans))


def test_what_is_on_something_rests_on_it() -> None:
    (apples, tables), _ = placed("an apple on a chair")
    assert box(tables)[1] < apples[0].y < box(tables)[3]


def test_a_negative_prompt_excludes_pictures_by_name_and_tag() -> None:
    library = shipped()
    excluded = library.excluded("cats, blurry, low quality")
    shown = {entry.id for entry in library.find(Subject("cat", "cat"), without=excluded)}
    assert library.find(Subject("cat", "cat"))
    assert not any("cat" in library.by_id[name].tags for name in shown)
    assert library.excluded("blurry, low quality, distorted") == frozenset()
    assert placed("a cat", excluded)[1] == []


def test_another_turn_shows_another_fitting_picture() -> None:
    rng = np.random.default_rng(0)
    shown = [cast(scene("a dog"), shipped(), (), frozenset(), rng, turn)[0][0].picture.tobytes() for turn in (0, 1)]
    assert shown[0] != shown[1]


def test_a_tint_moves_the_main_colour_and_keeps_the_outline() -> None:
    car = shipped().picture(shipped().by_id["car-red"])
    blue = np.asarray(tint(car, (43, 98, 201), "blue")).astype(int)
    seen = blue[..., 3] > 200
    before = np.asarray(car).astype(int)
    assert (before[seen][:, 0] - before[seen][:, 2]).mean() > 0
    assert (blue[seen][:, 2] - blue[seen][:, 0]).mean() > 20
    assert (blue[..., 3] == before[..., 3]).all()


def test_pictures_in_memory_stay_within_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    for number in range(6):
        Image.new("RGBA", (100, 100), (number, 0, 0, 255)).save(tmp_path / f"{number}.png")
        entry = {
            "id": str(number),
            "path": f"{number}.png",
            "role": "content",
            "name": "box",
            "caption": "a box",
            "tags": ["box"],
        }
        lines.append(json.dumps(entry))
    (tmp_path / "library.jsonl").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr("imagegen_kit.providers.offline.library.CACHE_BYTES", 100_000)
    library = Library(tmp_path)
    for entry in library.entries:
        assert library.picture(entry).getpixel((0, 0)) == (entry.row, 0, 0, 255)
    assert sum(p.width * p.height * 4 for p in library._kept.values()) <= 100_000


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_read_into_a_bounded_scene(prompt: str) -> None:
    read_scene = scene(prompt)
    assert len(read_scene.subjects) <= 6
    assert all(1 <= s.count <= 12 for s in read_scene.subjects)
    assert all(r.a < len(read_scene.subjects) and r.b < len(read_scene.subjects) for r in read_scene.relations)


def test_a_meeting_is_shown_as_a_group_and_not_as_many_copies_of_one_person() -> None:
    assert len(placed("a business team meeting in a modern office")[1]) == 1


def test_several_worn_or_held_things_belong_to_the_same_person() -> None:
    assert [(r.a, r.kind) for r in scene("a robot holding a book and a cup").relations] == [(0, "hold"), (0, "hold")]


def test_what_a_person_has_chooses_the_picture() -> None:
    man = scene("portrait of a man with a beard").subjects
    assert len(man) == 1
    assert {e.id for e in shipped().find(man[0], face=True)} == {"face-man-beard"}


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [
        ("a woman with red hair", "woman-green-dress"),
        ("a red-haired woman", "woman-green-dress"),
        ("a woman with brown hair", "face-woman-brown"),
        ("a blond-haired woman", "woman-headset"),
    ],
)
def test_the_colour_of_somebodys_hair_is_no_colour_of_clothes(prompt: str, shown: str) -> None:
    assert shown in [entry.id for entry in shipped().find(scene(prompt).subjects[0])]
    assert "ice-skater" not in [entry.id for entry in shipped().find(scene(prompt).subjects[0])]
