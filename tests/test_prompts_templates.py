"""Templates: what they write, what they refuse, and that they can neither run code nor run for long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.errors import InvalidInput, UnknownName
from imagegen_kit.prompts import Template, fields, render, template


def test_fields_are_named_in_the_order_of_first_use():
    assert fields("{{ b }} and {% if a %}{{ c|upper }}{% endif %} {{ b }}") == ("b", "a", "c")


def test_a_text_is_filled_in():
    text = "{{ who|title }} {% if mood == 'glad' %}smiles{% else %}waits{% endif %} at {{ places }}{{ nothing }}"
    values = {"who": "mia", "mood": "glad", "places": ["home", "work", 3], "nothing": None}
    assert render(text, **values) == "Mia smiles at home, work, 3"


@given(st.text(max_size=200))
def test_a_field_is_written_as_it_is_and_never_read_as_a_template(value):
    assert render("[{{ x }}]", x=value) == f"[{value}]".strip()


@pytest.mark.parametrize(
    ("name", "given_", "text"),
    [
        (
            "character_action",
            {"character": "Mia", "action": "jumps", "setting": "a park"},
            "Mia jumps in a park.",
        ),
        (
            "character_action",
            {"character": "Mia", "description": "red hair", "action": "jumps", "setting": "a park", "mood": "gay"},
            "Mia (red hair) jumps in a park, gay mood.",
        ),
        (
            "scene_transition",
            {"from_scene": "the harbour", "to_scene": "the market", "transition": "rising fog"},
            "Transition from the harbour to the market, by way of rising fog. "
            "Light and colours lead from the first scene to the second.",
        ),
        (
            "scene_with_character",
            {"scene": "A station", "character": "Tom", "description": "grey beard", "camera": "pans left slowly"},
            "A station, with Tom: grey beard. The character looks exactly as described; the camera pans left slowly.",
        ),
        (
            "character_interaction",
            {"first": "Mia", "second": "Tom", "interaction": "shake hands", "setting": "a café"},
            "Mia and Tom shake hands in a café.",
        ),
    ],
)
def test_shipped_templates_read_well(name, given_, text):
    assert render(name, **given_) == text


BASIC = (
    "A picture of a video call, split vertically in the middle: the caller on the left and the person called on the "
    "right, both facing the camera, phone or computer screens visible, modern, professional, well lit."
)


@pytest.mark.parametrize(
    ("given_", "added"),
    [
        pytest.param({}, "", id="nothing known"),
        pytest.param({"caller_name": "Ann"}, " On the left: Ann.", id="caller's name"),
        pytest.param(
            {"callee_context": "just got a job"},
            " On the right: the person called, just got a job, the background suits that.",
            id="b",
        ),
        pytest.param(
            {"caller_name": "Ann", "caller_description": "red coat", "caller_setting": "a train", "callee_name": "Bo"},
            " On the left: Ann, red coat, in a train. On the right: Bo.",
            id="both sides",
        ),
    ],
)
def test_a_split_screen_brief_enriches_only_the_side_of_which_something_is_known(given_, added):
    assert render("split_screen_call", **given_) == BASIC + added


def test_all_missing_and_unknown_fields_are_named_at_once():
    with pytest.raises(InvalidInput) as caught:
        render("character_action", charcter="Mia", action="jumps")
    said = [fault.what for fault in caught.value.faults]
    assert said == [
        "the field 'character' is missing.",
        "the field 'setting' is missing.",
        "no field is called 'charcter'.",
    ]
    assert "Did you mean 'character'?" in str(caught.value)


def test_an_unknown_template_suggests_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'character_action'"):
        template("caracter_action")


def test_optional_fields_of_a_text_may_be_left_out():
    made = template("a cat{% if hat %} in a {{ hat }}{% endif %}", optional=("hat",))
    assert (render(made), render(made, hat="bowler")) == ("a cat", "a cat in a bowler")
    with pytest.raises(InvalidInput, match="Did you mean 'hat'"):
        template("{{ hat }}", optional=("hatt",))


class Sneaky(str):
    def __str__(self) -> str:
        raise AssertionError("code of the value ran")


@pytest.mark.parametrize(
    "value",
    [{"a": 1}, object(), b"bytes", [["nested"]], [object()], 10**30, "x" * 20_001, str],
    ids=lambda v: str(v)[:20],
)
def test_only_plain_values_are_accepted(value):
    with pytest.raises(InvalidInput, match=r"template\.x"):
        render("{{ x }}", x=value)


ATTACKS = {
    "attribute": "{{ ''.__class__ }}",
    "attribute of a field": "{{ x.__class__.__mro__ }}",
    "item": "{{ x['__class__'] }}",
    "filter attr": "{{ x|attr('__class__') }}",
    "multiplication": "{{ 'A'*10**9 }}",
    "power": "{{ 2**x }}",
    "concatenation": "{{ x ~ x }}",
    "call": "{{ range(10) }}",
    "global": "{{ cycler.__init__.__globals__ }}",
    "self": "{{ self }}",
    "loop": "{% for i in x %}{{ i }}{% endfor %}",
    "nested loops": "{% for i in x %}{% for j in x %}{% for k in x %}A{% endfor %}{% endfor %}{% endfor %}",
    "macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "set": "{% set x = 1 %}{{ x }}",
    "include": "{% include '/etc/passwd' %}",
    "import": "{% import 'os' as os %}",
    "replace bomb": "{{ x|replace('a', 'aaaaaaaaaa')|replace('a', 'aaaaaaaaaa') }}",
    "centre bomb": "{{ x|center(1000000000) }}",
    "format bomb": "{{ '%9999999999d'|format(1) }}",
    "join bomb": "{{ x|join(x)|join(x) }}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "brackets": "{{ " + "(" * 5000 + "x" + ")" * 5000 + " }}",
    "nots": "{{ " + "not " * 4000 + "x }}",
    "ifs": "{% if x %}" * 400 + "{% endif %}" * 400,
    "digits": "{{ " + "9" * 6000 + " }}",
    "length": "x " * 20_000,
    "unclosed": "{{ x",
    "unknown filter": "{{ x|nope }}",
    "unknown test": "{{ x is nope }}",
    "unknown tag": "{% nope %}",
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_whatever_could_run_code_or_run_for_long_is_refused_at_once(text):
    start = time.thread_time()  # what else the machine does is no fault of ours
    with pytest.raises(InvalidInput):
        render(text, x="a")
    assert time.thread_time() - start < 2


def test_a_template_made_by_hand_does_not_get_round_the_check():
    with pytest.raises(InvalidInput, match="an attribute"):
        render(Template("{{ x.__class__ }}", fields=("x",)), x="a")


def test_several_faults_of_a_template_are_named_with_their_lines():
    with pytest.raises(InvalidInput) as caught:
        template("{{ a }}\n{{ b.c }}\n{% for x in a %}{% endfor %}")
    assert [fault.where for fault in caught.value.faults] == ["template line 2", "template line 3"]


def test_the_output_is_bounded():
    with pytest.raises(InvalidInput, match="longer than 20,000"):
        render("{{ x }}" * 2000, x="y" * 20_000)


def test_values_that_cannot_be_compared_say_so():
    with pytest.raises(InvalidInput, match="cannot be compared"):
        render("{% if age > 18 %}adult{% endif %}", age="old")


def test_the_methods_of_a_subclass_of_str_do_not_run():
    with pytest.raises(InvalidInput):
        render("{{ x }}", x=[Sneaky("a"), object()])
    assert render("{{ x }}", x=Sneaky("a")) == "a"
