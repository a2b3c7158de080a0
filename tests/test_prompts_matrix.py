"""Prompt matrices."""

from __future__ import annotations

import time
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_kit.errors import InvalidInput
from imagegen_kit.prompts import prompt_matrix


def texts(template: str, **options: int) -> list[str]:
    return [str(prompt) for prompt in prompt_matrix(template, **options)]


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        pytest.param("a cat", ["a cat"], id="no braces"),
        pytest.param("a {red|blue} car", ["a red car", "a blue car"], id="two alternatives"),
        pytest.param("{a|b}{c|d}", ["ac", "ad", "bc", "bd"], id="the last changes fastest"),
        pytest.param("{a|{b|c}d}", ["a", "bd", "cd"], id="nested"),
        pytest.param("cat{| in a hat}", ["cat", "cat in a hat"], id="empty alternative"),
        pytest.param("{only}{}", ["only"], id="one alternative"),
        pytest.param("{a|a|b}{|}", ["a", "b"], id="repeats are dropped"),
        pytest.param(r"\{a\|b\} {c\|d|e} \\", ["{a|b} c|d \\", "{a|b} e \\"], id="escaped"),
        pytest.param("a | b", ["a | b"], id="a bar outside braces is a bar"),
        pytest.param(r"C:\new", [r"C:\new"], id="other backslashes stay"),
        pytest.param("", [""], id="empty"),
    ],
)
def test_each_combination_becomes_a_prompt(template, wanted):
    assert texts(template) == wanted


def test_prompts_know_their_choices():
    found = prompt_matrix("a {red|{dark|light} blue} car{| at night}")
    assert [prompt.id for prompt in found] == ["m0-0", "m0-1", "m1-0-0", "m1-0-1", "m1-1-0", "m1-1-1"]
    assert found[1].tags == ("red", "at night")
    assert found[2].tags == ("dark blue",)


@given(st.lists(st.integers(1, 5), max_size=5))
def test_the_number_of_prompts_is_the_product_of_the_alternatives(sizes):
    template = " ".join("{" + "|".join(f"w{i}x{j}" for j in range(size)) + "}" for i, size in enumerate(sizes))
    product = 1
    for size in sizes:
        product *= size
    found = prompt_matrix(template)
    assert len(set(found)) == len({prompt.id for prompt in found}) == len(found) == product


@given(st.text())
def test_escaped_text_is_one_prompt_of_itself(text):
    escaped = "".join(f"\\{c}" if c in "{}|\\" else c for c in text)
    assert texts(escaped) == [text]


@given(st.text(alphabet="ab{}|\\ ", max_size=40))
def test_balanced_braces_give_prompts_and_others_name_a_column(text):
    bare = text.replace("\\\\", "").replace("\\{", "").replace("\\}", "")
    depths = list(accumulate({"{": 1, "}": -1}.get(c, 0) for c in bare))
    if min(depths, default=0) >= 0 and sum(depths[-1:]) == 0:
        found = prompt_matrix(text, sample=100)
        assert 1 <= len(set(found)) == len(found) <= 100
    else:
        with pytest.raises(InvalidInput, match="column"):
            prompt_matrix(text)


@given(sample=st.integers(1, 30), seed=st.integers(0, 9))
def test_a_sample_is_distinct_repeatable_and_part_of_the_whole(sample, seed):
    template = "{a|b|c} {d|e|f} {g|h}"
    found = prompt_matrix(template, sample=sample, seed=seed)
    whole = {prompt.id: prompt for prompt in prompt_matrix(template)}
    assert len(set(found)) == min(sample, 18)
    assert all(whole[prompt.id] == prompt for prompt in found)
    assert found == prompt_matrix(template, sample=sample, seed=seed)


def test_a_sample_of_an_immense_matrix_takes_no_time():
    start = time.thread_time()  # what else the machine does is no fault of ours
    found = prompt_matrix("{a|b|c}" * 200, sample=50, seed=3)
    assert len(set(found)) == 50
    assert found != prompt_matrix("{a|b|c}" * 200, sample=50, seed=4)
    assert time.thread_time() - start < 2


def test_a_sample_ends_where_few_prompts_have_many_spellings():
    assert 1 <= len(prompt_matrix("{|a}" * 60, sample=500)) <= 61


@pytest.mark.parametrize(
    ("template", "options", "message"),
    [
        ("a {red|blue car", {}, "column 3.*never closed"),
        ("a red} car", {}, "column 6.*closes nothing"),
        ("{" * 21 + "a" + "}" * 21, {}, "column 21.*deeper than 20"),
        ("{a|b}" * 14, {}, "16,384 combinations"),
        ("{a|b}" * 5000, {}, "more than 10\\*\\*15 combinations"),
        ("a" * 100_001, {}, "100,001 characters"),
        ("{a|b}", {"sample": 0}, "not a number from 1"),
        ("{a|b}", {"sample": True}, "not a number from 1"),
        (None, {}, "no text"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_matrix_is_refused(template, options, message):
    with pytest.raises(InvalidInput, match=message):
        prompt_matrix(template, **options)


def test_exactly_ten_thousand_combinations_are_allowed():
    assert len(prompt_matrix("{0|1|2|3|4|5|6|7|8|9}" * 4)) == 10_000
